"""Tables that the kernels look up instead of computing."""

import numpy as np
from numpy.typing import NDArray

from w2vfast.kernels.arguments import Tables
from w2vfast.kernels.sampling import pair_buckets
from w2vfast.kernels.sigmoid import MAX_SCORE, N_CELLS


def make_tables(counts: NDArray[np.int64], sample: float, noise_exponent: float) -> Tables:
    """Return all tables for a vocabulary.

    Parameters
    ----------
    counts
        Occurrences of each word, int64 (V,), all positive.
    sample
        Subsampling threshold, a relative frequency; 0 keeps every token.
    noise_exponent
        Noise words are drawn in proportion to count ** noise_exponent.
    """
    sigma, negative_log_sigma = sigmoid_tables()
    noise = alias_table(noise_distribution(counts, noise_exponent))
    return Tables(keep_probabilities(counts, sample), noise, sigma, negative_log_sigma)


def keep_probabilities(counts: NDArray[np.int64], sample: float) -> NDArray[np.float32]:
    """Return the chance that a token survives subsampling: min(1, sqrt(t / f) + t / f).

    t is ``sample`` and f a word's share of all tokens (word2vec.c's form of Mikolov et al., 2013, eq. 5).
    Words with f up to 2.618 t are always kept.
    """
    if sample == 0:
        return np.ones(counts.size, np.float32)
    ratio: NDArray[np.float64] = sample * counts.sum() / counts
    return np.minimum(1.0, np.sqrt(ratio) + ratio).astype(np.float32)


def noise_distribution(counts: NDArray[np.int64], exponent: float) -> NDArray[np.float64]:
    """Return p(w) = count(w) ** exponent / sum, the noise distribution of document 003."""
    weights = counts.astype(np.float64) ** exponent
    return np.asarray(weights / weights.sum())


def alias_table(p: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Build Walker's alias table (document 003; Vose 1991) in O(V).

    Bucket b is drawn with probability 1 / V; it yields b with the chance in the high half of its entry, in units
    of 2 ** -31, else the word in the low half.

    Parameters
    ----------
    p
        Probabilities, float64 (V,), with sum 1.

    Returns
    -------
    table
        uint64 (V,).
    """
    mass, other, prob = p * p.size, np.arange(p.size, dtype=np.int32), np.ones(p.size)
    pair_buckets(mass, prob, other)
    return np.rint(prob * 2**31).astype(np.uint64) << np.uint64(32) | other.astype(np.uint64)


def sigmoid_tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return sigma(x) and -log sigma(x) at N_CELLS + 1 points of [-MAX_SCORE, MAX_SCORE], float32."""
    x = np.linspace(-float(MAX_SCORE), float(MAX_SCORE), N_CELLS + 1)
    return (1 / (1 + np.exp(-x))).astype(np.float32), np.log1p(np.exp(-x)).astype(np.float32)
