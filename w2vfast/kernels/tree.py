"""The Huffman tree of hierarchical softmax (Morin and Bengio, 2005; Mikolov et al., 2013, section 2.1).

The words are leaves, and the V - 1 inner nodes have the output vectors u. With h the hidden vector, the
probability of a word is the product of its turns: sigma(u_n . h) to go left at a node n, sigma(-u_n . h) to go
right. The probabilities of all words add up to 1. Frequent words lie near the root.

Every prediction changes the nodes near the root, and threads that write the same rows all the time wait for each
other. So each of several threads has copies of the HOT_NODES uppermost nodes, and brings what it has learned to
the shared rows after each piece of the text (``kernels.windows.PIECE``), weighed as in ``kernels.merging``.
"""

import numpy as np

from w2vfast._jit import compiled, compiled_with_arrays
from w2vfast.kernels.merging import CURVATURE, saturation
from w2vfast.kernels.vector import LANES, load, multiply_add, splat, store, subtract

HOT_NODES = 63


@compiled_with_arrays
def huffman_tree(counts):
    """Join the two lightest trees until one is left.

    Parameters
    ----------
    counts
        int64 (V,), V >= 2, in descending order.

    Returns
    -------
    parents
        int64 (2 V - 1,): of the words 0 .. V - 1 and of the inner nodes, in the order of their making; that of the
        root, the last, is -1.
    goes_right
        uint8 (2 V - 1,): whether a node is its parent's right child.
    """
    n_words = counts.size
    weights = np.empty(2 * n_words - 1, np.float64)
    weights[:n_words] = counts
    parents = np.full(2 * n_words - 1, -1, np.int64)
    goes_right = np.zeros(2 * n_words - 1, np.uint8)
    word, inner = n_words - 1, n_words  # the lightest of each kind that has no parent yet
    for node in range(n_words, 2 * n_words - 1):
        weights[node] = 0.0
        for child in range(2):
            if word >= 0 and (inner == node or weights[word] < weights[inner]):
                lightest = word
                word -= 1
            else:
                lightest = inner
                inner += 1
            weights[node] += weights[lightest]
            parents[lightest], goes_right[lightest] = node, child
    return parents, goes_right


@compiled_with_arrays
def huffman_paths(parents, goes_right):
    """Write out the way from the root to each word.

    Returns
    -------
    nodes
        int32 (P,): the inner nodes, from 0, of all words' paths one after the other.
    labels
        float32 (P,): 1 where the path goes left from that node.
    offsets
        int64 (V + 1,): where each word's path begins.
    """
    n_words = (parents.size + 1) // 2
    offsets = np.zeros(n_words + 1, np.int64)
    for word in range(n_words):
        length, node = 0, parents[word]
        while node >= 0:
            length += 1
            node = parents[node]
        offsets[word + 1] = offsets[word] + length
    nodes, labels = np.empty(offsets[-1], np.int32), np.empty(offsets[-1], np.float32)
    for word in range(n_words):
        node, place = word, offsets[word + 1]
        while parents[node] >= 0:
            place -= 1
            nodes[place], labels[place] = parents[node] - n_words, 1 - goes_right[node]
            node = parents[node]
    return nodes, labels, offsets


@compiled_with_arrays
def allocate_hot_nodes(n_hot, width):
    """Return room for two copies of the hot nodes, (2 K, D), with rows at cache lines."""
    room = np.empty(2 * n_hot * width + LANES, np.float32)
    first = -room.ctypes.data % (4 * LANES) // 4
    return room[first : first + 2 * n_hot * width].reshape(2 * n_hot, width)


@compiled
def pull_hot_nodes(W_out, hot):
    """Copy the uppermost K nodes, the last K of the V - 1 inner nodes, into both halves of ``hot`` (2 K, D)."""
    n_hot = hot.shape[0] // 2
    for node in range(n_hot):
        for lane in range(0, hot.shape[1], LANES):
            row = load(W_out, W_out.shape[0] - 1 - n_hot + node, lane)
            store(hot, node, lane, row)
            store(hot, n_hot + node, lane, row)


@compiled
def push_hot_nodes(W_out, hot, shares, alpha, n_predictions, n_shards):
    """Add what the first half of ``hot`` has gained over the second to the shared rows.

    ``shares`` float64 (K,) is the part of all predictions that go through a node.
    """
    n_hot = hot.shape[0] // 2
    for node in range(n_hot):
        weight = splat(np.float32(saturation(CURVATURE * alpha * n_predictions * shares[node], n_shards)))
        row = W_out.shape[0] - 1 - n_hot + node
        for lane in range(0, hot.shape[1], LANES):
            gain = subtract(load(hot, node, lane), load(hot, n_hot + node, lane))
            store(W_out, row, lane, multiply_add(gain, weight, load(W_out, row, lane)))
