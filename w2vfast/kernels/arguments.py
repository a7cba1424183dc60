"""The groups of arguments that every training kernel takes.

N tokens, S sentences, V words, D the vector size padded to a multiple of 16 lanes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Model(NamedTuple):
    """The two matrices, both updated in place."""

    W: NDArray[np.float32]  # (V, D) input vectors, the result
    W_out: NDArray[np.float32]  # (V, D) output vectors, W' of the papers transposed


class Text(NamedTuple):
    """The encoded corpus; sentence s is ids[offsets[s] : offsets[s + 1]]."""

    ids: NDArray[np.int32]  # (N,)
    offsets: NDArray[np.int64]  # (S + 1,)


class Tables(NamedTuple):
    """What is looked up instead of computed."""

    keep_prob: NDArray[np.float32]  # (V,) chance that a token survives subsampling, 1 = always
    noise: NDArray[np.uint64]  # (V,) alias table: a bucket's own chance above its other word
    sigmoid: NDArray[np.float32]  # (N_CELLS + 1,)
    negative_log_sigmoid: NDArray[np.float32]  # (N_CELLS + 1,)


class Settings(NamedTuple):
    """What stays the same for a whole run."""

    window: int  # the greater of the two that follow
    left: int  # words before the center, at most
    right: int  # words after it, at most
    is_fixed: bool  # windows have this size; else it is drawn
    n_negatives: int
    n_redraws: int  # how often a negative that equals the target is drawn again
    negatives_per_pair: bool  # skip-gram: fresh negatives for every pair instead of every window
    gradient_power: float  # CBOW: the input gradient is divided by C ** gradient_power (1, 0.5 or 0)


class Job(NamedTuple):
    """The part of an epoch that one call trains on: tokens start .. stop - 1."""

    start: int
    stop: int
    epoch_key: np.uint64  # which tokens survive subsampling in this epoch
    alpha: float  # learning rate at the epoch's first token
    alpha_slope: float  # its change per token
