"""The logistic function and its logarithm, by table.

A table holds the values at ``N_CELLS + 1`` points from -MAX_SCORE to MAX_SCORE, and a score takes that of the
nearest point: the error has mean 0 (at most 0.001 for sigma), and sigma(0) is exactly 1/2. Outside the table
sigma is 0 or 1: the gradient of a wrong, saturated score stays at full size.
"""

import numpy as np

from w2vfast._jit import inlined

MAX_SCORE = np.float32(8.0)
N_CELLS = 2048
_CELLS_PER_UNIT = np.float32(N_CELLS / 16.0)
_MIDDLE = np.float32(N_CELLS / 2 + 0.5)  # the half rounds to the nearest point
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@inlined
def sigmoid(score, table):
    """Return sigma(score), float32. NaN takes the last branch and so never becomes an index."""
    if score >= MAX_SCORE:
        return _ONE
    elif score > -MAX_SCORE:
        return table[np.int64(score * _CELLS_PER_UNIT + _MIDDLE)]
    else:
        return _ZERO


@inlined
def negative_log_sigmoid(score, table):
    """Return -log sigma(score), float32; NaN gives NaN. With a score's sign changed: -log sigma(-score)."""
    if score >= MAX_SCORE:
        return _ZERO
    elif score > -MAX_SCORE:
        return table[np.int64(score * _CELLS_PER_UNIT + _MIDDLE)]
    else:
        return -score
