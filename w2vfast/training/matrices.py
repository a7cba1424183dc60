"""The matrices of a run: how they begin, and what memory they take."""

import numpy as np
from numpy.typing import NDArray

from w2vfast.kernels.arguments import Model
from w2vfast.kernels.vector import LANES, padded

_CACHE_LINE_BYTES = 64


def initial_model(vocab_size: int, dim: int, seed: int) -> Model:
    """Return input vectors uniform on +-0.5 / dim and output vectors of zeros, rows padded with zeros.

    Parameters
    ----------
    vocab_size, dim
        V and D.
    seed
        Of the random numbers; they do not depend on the number of threads.
    """
    width = padded(dim)
    W, W_out = aligned_zeros(vocab_size, width), aligned_zeros(vocab_size, width)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 0])))
    rows = max(1, (1 << 20) // dim)
    for first in range(0, vocab_size, rows):
        block = W[first : first + rows, :dim]
        block[:] = (rng.random(block.shape, np.float32) - np.float32(0.5)) / np.float32(dim)
    return Model(W, W_out)


def aligned_zeros(n_rows: int, width: int) -> NDArray[np.float32]:
    """Return a matrix of zeros whose rows begin at cache lines, so that no vector of lanes lies across two."""
    buffer = np.zeros(n_rows * width + LANES, np.float32)
    first = -buffer.ctypes.data % _CACHE_LINE_BYTES // buffer.itemsize
    return buffer[first : first + n_rows * width].reshape(n_rows, width)
