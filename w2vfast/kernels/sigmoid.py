"""The logistic function and its logarithm, by table.

A table of ``N_CELLS`` cells covers (-MAX_SCORE, MAX_SCORE); a cell holds the value at its center, so that the
error has mean 0 (at most 0.001 for sigma). Outside the table sigma is 0 or 1: the gradient of a wrong,
saturated score stays at full size.
"""

import numpy as np

from w2vfast._jit import inlined

MAX_SCORE = np.float32(8.0)
N_CELLS = 2048
_CELLS_PER_UNIT = np.float32(N_CELLS / 16.0)
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@inlined
def sigmoid(score, table):
    """Return sigma(score), float32. NaN takes the last branch and so never becomes an index."""
    if score >= MAX_SCORE:
        return _ONE
    elif score > -MAX_SCORE:
        return table[np.int64((score + MAX_SCORE) * _CELLS_PER_UNIT)]
    else:
        return _ZERO


@inlined
def negative_log_sigmoid(score, table):
    """Return -log sigma(score), float32; NaN gives NaN. With a score's sign changed: -log sigma(-score)."""
    if score >= MAX_SCORE:
        return _ZERO
    elif score > -MAX_SCORE:
        return table[np.int64((score + MAX_SCORE) * _CELLS_PER_UNIT)]
    else:
        return -score
