"""Tables that the kernels look up instead of computing."""

import math

import numpy as np
from numpy.typing import NDArray

from w2vfast.kernels.arguments import Model, Tables
from w2vfast.kernels.sampling import pair_buckets
from w2vfast.kernels.sigmoid import MAX_SCORE, N_CELLS
from w2vfast.kernels.tree import huffman_paths, huffman_tree
from w2vfast.kernels.vector import LANES
from w2vfast.training.config import LIMITS, TrainConfig

MOST_NEGATIVES = int(LIMITS["neg"][1])


def make_tables(
    counts: NDArray[np.int64], sample: float, noise_exponent: float, *, is_tree: bool = False
) -> Tables:
    """Return all tables for a vocabulary without frozen words.

    Parameters
    ----------
    counts
        Occurrences of each word, int64 (V,), all positive.
    sample
        Subsampling threshold, a relative frequency; 0 keeps every token.
    noise_exponent
        Noise words are drawn in proportion to count ** noise_exponent.
    is_tree
        Whether words are predicted by the paths of a Huffman tree.
    """
    sigma, negative_log_sigma = sigmoid_tables()
    noise = alias_table(noise_distribution(counts, noise_exponent))
    labels, nodes, offsets = np.zeros(1 + MOST_NEGATIVES, np.float32), np.empty(0, np.int32), np.empty(0, np.int64)
    labels[0] = 1  # the target comes first, negatives follow
    if is_tree:
        nodes, labels, offsets = tree_paths(counts)
    frozen = np.empty(0, np.int32), np.empty((0, LANES), np.float32), np.empty((0, LANES), np.float32)
    keep_prob = keep_probabilities(counts, sample)
    tree = labels, nodes, offsets, np.empty(0, np.int32), np.empty(0)
    return Tables(keep_prob, noise, sigma, negative_log_sigma, *tree, *frozen)


def with_hot_nodes(tables: Tables, counts: NDArray[np.int64], n_hot: int) -> Tables:
    """Return the tables of a tree whose uppermost nodes have numbers of their own, from 0.

    They are the last ``n_hot`` of the V - 1 inner nodes, and the first ones of every path.
    """
    first = len(counts) - 1 - n_hot
    is_hot, path_begins = tables.nodes >= first, tables.path_offsets[:-1]
    lengths = np.add.reduceat(is_hot, path_begins, dtype=np.int32)
    weights = counts * tables.keep_prob.astype(np.float64)
    passing = np.bincount(tables.nodes, np.repeat(weights / weights.sum(), np.diff(tables.path_offsets)))
    nodes = np.where(is_hot, tables.nodes - np.int32(first), tables.nodes)
    return tables._replace(nodes=nodes, hot_lengths=lengths, hot_shares=np.asarray(passing[first:], np.float64))


def with_frozen(tables: Tables, ids: NDArray[np.int64], model: Model, *, has_words_out: bool) -> Tables:
    """Return the tables of a run in which some words keep the vectors that they have now.

    Parameters
    ----------
    tables
        Those of the vocabulary.
    ids
        Of the words, int64.
    model
        The matrices.
    has_words_out
        Whether the rows of W_out are those of words, too.
    """
    frozen, out_ids = np.full(tables.keep_prob.size, -1, np.int32), ids if has_words_out else ids[:0]
    frozen[ids] = np.arange(ids.size)
    return tables._replace(frozen=frozen, frozen_inputs=model.W[ids], frozen_outputs=model.W_out[out_ids])


def tree_paths(
    counts: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
    """Return the paths of a vocabulary's Huffman tree, as ``huffman_paths`` does; counts in any order."""
    order = np.argsort(-counts, kind="stable")
    nodes, labels, offsets = huffman_paths(*huffman_tree(counts[order]))
    if (order[:-1] <= order[1:]).all():
        return nodes, labels, offsets
    lengths = np.empty_like(counts)
    lengths[order] = np.diff(offsets)
    sorted_offsets, begins = np.concatenate([[0], np.cumsum(lengths)]), np.empty_like(counts)
    begins[order] = offsets[:-1]
    places = np.repeat(begins - sorted_offsets[:-1], lengths) + np.arange(nodes.size)
    return nodes[places], labels[places], sorted_offsets


def untrained_loss(config: TrainConfig, counts: NDArray[np.int64]) -> float:
    """Return the mean loss of a prediction while all output vectors are 0.

    (k + 1) ln 2 for negative sampling, ln V for the full softmax; for the hierarchical one ln 2 times the mean
    length of the paths, weighted by how often a word is predicted.
    """
    if config.loss == "ns":
        return (config.neg + 1) * math.log(2)
    if config.loss == "softmax":
        return math.log(len(counts))
    weights = counts * keep_probabilities(counts, config.sample)
    return float(np.average(np.diff(tree_paths(counts)[2]), weights=weights)) * math.log(2)


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
