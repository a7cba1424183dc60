"""Cosine similarity: the nearest words of a vector."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_BLOCK_VALUES = 1 << 24


def row_norms(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the Euclidean length of each row of ``matrix`` (V, D), float32 (V,); a zero row has length 1."""
    norms: NDArray[np.float32] = np.sqrt(np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64)).astype(
        np.float32
    )
    norms[norms == 0] = 1  # its similarity to anything is 0, never NaN
    return norms


def nearest(
    matrix: NDArray[np.float32],
    norms: NDArray[np.float32],
    queries: NDArray[np.float32],
    k: int,
    excluded: Sequence[Sequence[int]],
) -> list[list[tuple[int, float]]]:
    """Return the ``k`` rows with the highest cosine similarity to each query, best first.

    Parameters
    ----------
    matrix, norms
        Vectors (V, D) and their lengths (V,).
    queries
        One query a row, (Q, D).
    k
        At most this many results a query.
    excluded
        For each query the row numbers that must not be among its results.

    Returns
    -------
    list
        For each query pairs of row number and cosine similarity. Ties come in order of row number.
    """
    results: list[list[tuple[int, float]]] = []
    step = max(1, _BLOCK_VALUES // len(matrix))
    for first in range(0, len(queries), step):
        block = queries[first : first + step]
        scores = (block / row_norms(block)[:, None]) @ matrix.T / norms
        for row, hidden in zip(scores, excluded[first : first + step], strict=True):
            row[list(hidden)] = -np.inf
            results.append(_best(row, min(k, len(row) - len(set(hidden)))))
    return results


def _best(scores: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
    if k <= 0:
        return []
    least = np.partition(scores, -k)[-k]
    candidates = np.flatnonzero(scores >= least)
    order = candidates[np.argsort(-scores[candidates], kind="stable")][:k]
    return [(int(i), float(np.clip(scores[i], -1.0, 1.0))) for i in order]
