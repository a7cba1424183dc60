"""Operations on whole rows of a matrix, built from lanes."""

import numpy as np

from w2vfast._jit import inlined
from w2vfast.kernels.vector import LANES, load, multiply_add, splat, store, sum_lanes

_ZERO = np.float32(0.0)


@inlined
def dot(A, i, B, j):
    """Return the inner product of row i of A and row j of B, float32."""
    total = splat(_ZERO)
    for lane in range(0, A.shape[1], LANES):
        total = multiply_add(load(A, i, lane), load(B, j, lane), total)
    return sum_lanes(total)


@inlined
def add_scaled(A, i, scale, B, j):
    """Add ``scale`` times row j of B to row i of A."""
    for lane in range(0, A.shape[1], LANES):
        store(A, i, lane, multiply_add(splat(scale), load(B, j, lane), load(A, i, lane)))


@inlined
def clear(A, i):
    """Set row i of A to zero."""
    for lane in range(0, A.shape[1], LANES):
        store(A, i, lane, splat(_ZERO))
