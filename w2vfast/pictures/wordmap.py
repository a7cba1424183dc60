"""What a map of words shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from w2vfast.model import query
from w2vfast.model.cluster import spherical_kmeans
from w2vfast.model.vectors import WordVectors
from w2vfast.pictures.layout import Method, place

_WORDS_A_CLASS = 15


@dataclass(frozen=True)
class WordMap:
    """Words in a plane."""

    title: str
    method: Method
    words: list[str]
    points: NDArray[np.float64]  # (n, 2), between -1 and 1
    classes: NDArray[np.int32]  # (n,)
    ranks: list[int]  # place in the vocabulary, by frequency
    counts: list[int]  # zeros where unknown
    neighbours: list[query.Result]  # of each word: place in the map and cosine similarity, best first


def make_map(
    model: WordVectors, ids: Sequence[int], *, title: str = "", method: Method = "pca", n_classes: int = 20,
    n_neighbours: int = 10, seed: int = 1,
) -> WordMap:  # fmt: skip
    """Return a map of some words.

    Parameters
    ----------
    model
        The vectors.
    ids
        Numbers of the words.
    title
        What stands above the map.
    method
        How vectors become points; see ``layout.place``.
    n_classes
        How many classes the words are put into, for their colours; few words get fewer.
    n_neighbours
        How many of the words shown are listed as neighbours of each.
    seed
        Of all draws.

    Raises
    ------
    UsageError
        The method's package is missing.
    """
    vectors = model.rows(ids)
    classes, _ = spherical_kmeans(vectors, max(1, min(n_classes, len(ids) // _WORDS_A_CLASS)), seed=seed)
    return WordMap(
        title, method, [model.vocab[i] for i in ids], place(vectors, method, seed=seed), classes, list(ids),
        model.vocab.counts[list(ids)].tolist(), _neighbours(vectors, n_neighbours),
    )  # fmt: skip


def _neighbours(vectors: NDArray[np.float32], k: int) -> list[query.Result]:
    """Return the nearest of some vectors to each of them."""
    norms, step = query.row_norms(vectors), max(1, query.BLOCK_VALUES // len(vectors))
    found: list[query.Result] = []
    for first in range(0, len(vectors), step):
        scores = query.cosines(vectors, norms, vectors[first : first + step])
        rows = np.arange(len(scores))
        scores[rows, first + rows] = -np.inf
        found += query.best(scores, k)
    return found
