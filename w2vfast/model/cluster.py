"""Classes of words: spherical k-means."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import UsageError
from w2vfast.model.query import unit_rows

_STEP_ROWS = 1 << 13
_MOST_SCORES = 1 << 25  # of some rows with all centers
_SEEDING_ROWS = 1 << 14  # among so many vectors the first centers are drawn


def spherical_kmeans(
    vectors: NDArray[np.float32], n_clusters: int, *, seed: int = 1, n_rounds: int = 100
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Group vectors by their direction (Dhillon and Modha, 2001), from centers drawn by k-means++.

    Each vector, scaled to length 1, goes to the center with the highest cosine similarity; each center becomes the
    mean of its vectors, scaled to length 1; until no vector moves. A center that has lost all its vectors goes to
    the vector that is least like its own.

    Parameters
    ----------
    vectors
        float32 (V, D).
    n_clusters
        How many groups.
    seed
        Of the draws: the same seed gives the same groups.
    n_rounds
        At most so many rounds.

    Returns
    -------
    tuple
        The number of each vector's group, int32 (V,), the largest group first; and the centers,
        float32 (n_clusters, D), of length 1.

    Raises
    ------
    UsageError
        There are fewer vectors than groups.
    """
    if not 1 <= n_clusters <= len(vectors):
        raise UsageError(f"k must be from 1 to the number of words, {len(vectors):,}, not {n_clusters}")
    centers = _first_centers(vectors, n_clusters, np.random.default_rng(seed))
    labels = np.full(len(vectors), -1, np.int32)
    for _ in range(n_rounds):
        before, labels = labels, np.empty_like(labels)
        scores, sums = np.empty(len(vectors), np.float32), np.zeros(centers.shape, np.float64)
        for first, units in _blocks(vectors, n_clusters):
            cosines = units @ centers.T
            own = cosines.argmax(axis=1)
            labels[first : first + len(units)] = own
            scores[first : first + len(units)] = np.where(units.any(axis=1), cosines.max(axis=1), 2)
            _add_rows(sums, own, units)
        counts = np.bincount(labels, minlength=n_clusters)
        empty = np.flatnonzero(counts == 0)
        sums[empty] = unit_rows(vectors[np.argsort(scores, kind="stable")[: len(empty)]])
        centers = unit_rows(sums.astype(np.float32))
        if not empty.size and np.array_equal(labels, before):
            break
    order = np.argsort(-np.bincount(labels, minlength=n_clusters), kind="stable")
    place = np.empty(n_clusters, np.int32)
    place[order] = np.arange(n_clusters)
    return place[labels], centers[order]


def _blocks(vectors: NDArray[np.float32], n_clusters: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the number of a first row and some rows, scaled to length 1; fewer where there are many groups."""
    step = max(1, min(_STEP_ROWS, _MOST_SCORES // n_clusters))
    for first in range(0, len(vectors), step):
        yield first, unit_rows(vectors[first : first + step])


def _add_rows(sums: NDArray[np.float64], labels: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
    """Add each row to the sum of its group, in place."""
    order = np.argsort(labels, kind="stable")
    groups, starts = np.unique(labels[order], return_index=True)
    sums[groups] += np.add.reduceat(rows[order], starts, axis=0)


def _first_centers(vectors: NDArray[np.float32], n_clusters: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw centers by greedy k-means++ (Arthur and Vassilvitskii, 2007): far vectors are likelier.

    Of some vectors drawn for each center, the one stays that leaves the smallest distances.
    """
    some = max(_SEEDING_ROWS, 20 * n_clusters)
    sample = np.sort(rng.choice(len(vectors), some, replace=False)) if some < len(vectors) else slice(None)
    units = unit_rows(vectors[sample])
    centers = np.empty((n_clusters, vectors.shape[1]), np.float32)
    distances: NDArray[Any] = (np.vecdot(units, units) > 0).astype(np.float64)  # a vector of zeros makes no center
    n_trials = 2 + int(math.log(n_clusters))
    for i in range(n_clusters):
        total = float(distances.sum())
        shares = None if total == 0 else np.asarray(distances / total)
        drawn = rng.choice(len(units), n_trials, p=shares)
        left = np.asarray(np.minimum(distances[:, None], np.maximum(0, 1 - units @ units[drawn].T)))
        chosen = int(left.sum(axis=0).argmin())
        centers[i] = units[drawn[chosen]]
        distances = left[:, chosen]
    return centers
