"""Merging the copies of a matrix that replicas have trained on, row by row.

With n copies that have changed a row, each by about u steps:

    row     += f sum_k (copy_k - row)
    f        = (1 - rho ** n) / (n (1 - rho)),   rho = exp(-x),   x = eta c u

Why: where the loss curves like a parabola of curvature c, u steps of learning rate eta leave rho of the way to its
minimum. Each copy has gone 1 - rho of it; all steps after one another would have gone 1 - rho ** n. So rows that
are seldom updated get the sum of all changes, and rows that are updated often their mean.
"""

import numpy as np

from w2vfast._jit import compiled
from w2vfast.kernels.rows import prefetch_row
from w2vfast.kernels.vector import LANES, add, load, multiply_add, splat, store, subtract

CURVATURE = 0.2  # of the loss: smaller values let the sum of several threads' steps go too far
_AHEAD = 4  # rows that are prefetched
_ZERO = np.float32(0.0)


@compiled
def merge_rows(matrix, copies, updates, strength, begin, end):
    """Merge the rows begin .. end - 1 of the copies into a matrix, and write what comes out into the copies.

    Parameters
    ----------
    matrix
        float32 (V, D), as it was before the copies were trained on.
    copies
        float32 (K V, D): row k V + i is row i of copy k.
    updates
        float64 (V,): steps on a row, the mean of all copies, up to a factor.
    strength
        That factor times eta c.
    begin, end
        Rows.
    """
    n_rows = matrix.shape[0]
    n_copies = copies.shape[0] // n_rows
    for row in range(begin, end):
        n_changed = 0
        for copy in range(row, copies.shape[0], n_rows):
            prefetch_row(copies, min(copy + _AHEAD, copies.shape[0] - 1))
            n_changed += has_changed(matrix, row, copies, copy)
        if n_changed > 0:
            factor = np.float32(saturation(strength * updates[row] * n_copies / n_changed, n_changed))
            merge_row(matrix, row, copies, factor)


@compiled
def has_changed(matrix, row, copies, copy):
    """Tell whether a row of the copies differs from the matrix's."""
    differs = False
    for lane in range(matrix.shape[1]):
        differs |= copies[copy, lane] != matrix[row, lane]
    return differs


@compiled
def merge_row(matrix, row, copies, factor):
    """Add ``factor`` times the sum of the changes to a row, and write it into the copies."""
    n_rows = matrix.shape[0]
    for lane in range(0, matrix.shape[1], LANES):
        before, total = load(matrix, row, lane), splat(_ZERO)
        for copy in range(row, copies.shape[0], n_rows):
            total = add(total, subtract(load(copies, copy, lane), before))
        after = multiply_add(total, splat(factor), before)
        store(matrix, row, lane, after)
        for copy in range(row, copies.shape[0], n_rows):
            store(copies, copy, lane, after)


@compiled
def saturation(x, n):
    """Return f for x = eta c u and n copies: 1, the sum of the changes, at x = 0, down to 1 / n, their mean."""
    return np.expm1(-n * x) / (n * np.expm1(-x)) if x > 1e-12 else 1.0
