"""Cosine similarity: scores of all words for a query, and the best of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: So many scores are held at a time; more queries are answered in turns.
BLOCK_VALUES = 1 << 24
_GROUP = 256
_TINY, _HUGE = 1e-30, 1e30  # squares outside these lose their precision in float32
_SHORT, _LONG = _TINY**0.5, _HUGE**0.5
_LEAST, _LARGEST = np.finfo(np.float32).tiny, np.finfo(np.float32).max

Result = list[tuple[int, float]]


def row_norms(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the Euclidean length of each row of ``matrix`` (V, D), float32 (V,).

    A row of zeros has length 1: its similarity to anything is 0, never NaN. So has one with values that are not
    finite. Lengths beyond float32 are its limits; who divides by them calls ``mend_extremes`` afterwards.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.vecdot(matrix, matrix)
    odd = np.flatnonzero(~((squares > _TINY) & (squares < _HUGE)))
    norms = np.sqrt(squares)
    if odd.size:
        exact = np.sqrt(np.vecdot(matrix[odd].astype(np.float64), matrix[odd].astype(np.float64)))
        exact[~np.isfinite(exact) | (exact == 0)] = 1
        norms[odd] = np.clip(exact, _LEAST, _LARGEST)
    return np.asarray(norms)


def unit_rows(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows of ``matrix`` (Q, D) scaled to length 1; rows of zeros stay."""
    norms = row_norms(matrix)
    units = np.asarray(matrix / norms[:, None], np.float32)
    odd = _extremes(norms)
    if odd.size:
        rows = matrix[odd].astype(np.float64)
        units[odd] = rows / np.sqrt(np.vecdot(rows, rows))[:, None]
    return units


def cosines(
    matrix: NDArray[np.float32], norms: NDArray[np.float32], queries: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the cosine similarity of each query (Q, D) to each row of ``matrix`` (V, D), float32 (Q, V).

    Rounding may leave it a little outside -1 to 1.

    Parameters
    ----------
    matrix, norms
        Vectors and their lengths (V,).
    queries
        Vectors, one a row.
    """
    units = unit_rows(queries)
    with np.errstate(over="ignore", invalid="ignore"):
        scores = units @ matrix.T
        scores /= norms
    mend_extremes(scores, matrix, norms, units)
    return scores


def mend_extremes(
    scores: NDArray[np.float32], matrix: NDArray[np.float32], norms: NDArray[np.float32],
    units: NDArray[np.float32],
) -> None:  # fmt: skip
    """Compute the scores (Q, V) of very long and very short rows anew, in place: float32 overflowed on the way."""
    odd = _extremes(norms)
    if odd.size:
        scores[:, odd] = units @ unit_rows(matrix[odd]).T


def _extremes(norms: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return which rows are so long or short that their squares do not fit into float32."""
    return np.flatnonzero(~((norms > _SHORT) & (norms < _LONG)))


def multiplied(scores: NDArray[np.float32], n_plus: int) -> NDArray[np.float32]:
    """Return 3CosMul of Levy and Goldberg (2014), eq. (4), float32 (V,).

    Each similarity s becomes (s + 1) / 2; those of the words to add are multiplied, and divided by those of the
    words to subtract plus 0.001.

    Parameters
    ----------
    scores
        Cosine similarities of the words to all others, (n_plus + n_minus, V): first those to add.
    n_plus
        How many those are.
    """
    shifted = (1 + scores) / 2
    return np.asarray(shifted[:n_plus].prod(axis=0) / (shifted[n_plus:] + np.float32(0.001)).prod(axis=0))


def best(scores: NDArray[np.floating[Any]], k: int, *, least: float = -np.inf) -> list[Result]:
    """Return the ``k`` highest scores of each row with their columns, best first; ties by column.

    The maximum of each group of columns is taken first. The k-th of these maxima is no more than the k-th score,
    so only groups that reach it are looked into.

    Parameters
    ----------
    scores
        Scores (Q, V); those of minus infinity are no results.
    k
        At most so many results a row.
    least
        No lower scores.
    """
    n_rows, n_columns = scores.shape
    n_groups = n_columns // _GROUP
    if n_groups < 2 * k:
        return [_best(row, np.arange(n_columns), k, least) for row in scores]
    even = scores[:, : n_groups * _GROUP].reshape(n_rows, n_groups, _GROUP).max(axis=2)
    bounds = np.partition(even, n_groups - k, axis=1)[:, n_groups - k]
    rest, places = np.arange(n_groups * _GROUP, n_columns), np.arange(_GROUP)
    results = []
    for row, maxima, bound in zip(scores, even, bounds, strict=True):
        columns = (np.flatnonzero(maxima >= bound)[:, None] * _GROUP + places).ravel()
        results.append(_best(row, np.concatenate((columns, rest)), k, least))
    return results


def _best(row: NDArray[np.floating[Any]], columns: NDArray[np.int64], k: int, least: float) -> Result:
    """Return the ``k`` highest scores among some columns of a row."""
    scores = row[columns]
    if k < len(scores):
        kth = np.partition(scores, len(scores) - k)[len(scores) - k]
        columns, scores = columns[scores >= kth], scores[scores >= kth]
    order = np.argsort(-scores, kind="stable")[:k]
    found = zip(columns[order].tolist(), scores[order].tolist(), strict=True)
    return [(column, score) for column, score in found if score >= least and score > -np.inf]
