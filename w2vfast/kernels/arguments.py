"""The groups of arguments that every training kernel takes.

N tokens, S sentences, V words, D the vector size padded to a multiple of 16 lanes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: The chance that a word at distance d is in a window of at most w words: (w - d + 1) / w, 1, or 1 / d.
LINEAR, EQUAL, HARMONIC = 0, 1, 2


class Model(NamedTuple):
    """The two matrices, both updated in place."""

    W: NDArray[np.float32]  # (V, D) input vectors, the result
    W_out: NDArray[np.float32]  # (V, D) output vectors, W' of the papers transposed


class Text(NamedTuple):
    """The encoded corpus; sentence s is ids[offsets[s] : offsets[s + 1]]."""

    ids: NDArray[np.int32]  # (N,)
    offsets: NDArray[np.int64]  # (S + 1,)


class Tables(NamedTuple):
    """What is looked up instead of computed. P is the length of all paths of a tree, F the frozen words."""

    keep_prob: NDArray[np.float32]  # (V,) chance that a token survives subsampling, 1 = always
    noise: NDArray[np.uint64]  # (V,) alias table: a bucket's own chance above its other word
    sigmoid: NDArray[np.float32]  # (N_CELLS + 1,)
    negative_log_sigmoid: NDArray[np.float32]  # (N_CELLS + 1,)
    labels: NDArray[np.float32]  # of the outputs of a prediction (1 + MOST_NEGATIVES,), or of the nodes (P,)
    nodes: NDArray[np.int32]  # (P,) the paths of the Huffman tree, hot nodes from 0; without one (0,)
    path_offsets: NDArray[np.int64]  # (V + 1,) where each word's path begins; (0,)
    hot_lengths: NDArray[np.int32]  # (V,) nodes at the beginning of a path that a thread has copies of; (0,)
    hot_shares: NDArray[np.float64]  # (K,) the part of all predictions that goes through each of these; (0,)
    frozen: NDArray[np.int32]  # (V,) the row of a frozen word in what follows, -1 for others; without any (0,)
    frozen_inputs: NDArray[np.float32]  # (F, D) what the frozen rows of W must stay
    frozen_outputs: NDArray[np.float32]  # (F, D) those of W_out; (0, D) where words have none


class Settings(NamedTuple):
    """What stays the same for a whole run."""

    window: int  # the greater of the two that follow
    left: int  # words before the center, at most
    right: int  # words after it, at most
    window_shape: int  # LINEAR, EQUAL or HARMONIC: how the size of a window is drawn
    n_negatives: int
    n_redraws: int  # how often a negative that equals the target is drawn again
    is_per_pair: bool  # skip-gram: outputs of its own for every pair instead of every window
    to_contexts: bool  # skip-gram: the center predicts its contexts, instead of the contexts the center
    is_tree: bool  # hierarchical softmax instead of negative sampling
    n_shards: int  # threads that work on the same matrices
    n_hot: int  # nodes at the top of the tree that each thread has copies of, K
    gradient_power: float  # CBOW: the input gradient is divided by C ** gradient_power (1, 0.5 or 0)


class Job(NamedTuple):
    """The part of an epoch that one call trains on: tokens start .. stop - 1."""

    start: int
    stop: int
    epoch_key: np.uint64  # which tokens survive subsampling in this epoch
    alpha: float  # learning rate at the epoch's first token
    alpha_slope: float  # its change per token
