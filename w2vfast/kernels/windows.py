"""From token positions to windows: subsampling, window sizes, sentence ends, the centers of a shard.

Whether the token at a position survives subsampling, and how wide its window is, depends on the position
and the epoch only. A shard's centers are any range of positions, and its windows see the tokens beyond the
range's ends. So a corpus can be cut anywhere, into any number of shards, and every window stays whole.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from w2vfast._jit import compiled, compiled_with_arrays, inlined
from w2vfast.kernels.arguments import HARMONIC, LINEAR
from w2vfast.kernels.rows import prefetch_row
from w2vfast.kernels.sampling import (
    draw_harmonic_window,
    draw_negatives,
    draw_window,
    is_kept,
    is_measured,
    position_bits,
)
from w2vfast.kernels.vector import LANES, load, store

#: Centers that are gathered at a time.
PIECE = 256


class Piece(NamedTuple):
    """Some consecutive windows. Center i is kept_ids[window + i], for ``window`` as in the settings."""

    kept_ids: NDArray[np.int32]  # (window + PIECE + window,) the surviving tokens
    begins: NDArray[np.int32]  # (PIECE,) window i is kept_ids[begins[i] : ends[i]], center included
    ends: NDArray[np.int32]  # (PIECE,)
    alphas: NDArray[np.float32]  # (PIECE,) learning rate of each window
    is_measured: NDArray[np.bool_]  # (PIECE,) whether its loss is measured
    output_ids: NDArray[np.int32]  # (PIECE, 1 + k) the center and its negatives; scratch for fresh ones per pair
    n_outputs: NDArray[np.int32]  # (PIECE,) how many of them there are


@compiled_with_arrays
def allocate_piece(settings):
    """Return an empty Piece."""
    return Piece(
        np.empty(2 * settings.window + PIECE, np.int32),
        np.empty(PIECE, np.int32),
        np.empty(PIECE, np.int32),
        np.empty(PIECE, np.float32),
        np.empty(PIECE, np.bool_),
        np.zeros((PIECE, settings.n_negatives + 1), np.int32),
        np.empty(PIECE, np.int32),
    )


@compiled
def gather_piece(text, keep_prob, job, settings, start, stop, piece):
    """Gather the next windows whose centers lie in start .. stop - 1, at most PIECE.

    Returns the position after the last one looked at as a center, and the number of windows.
    """
    sentence, window = _sentence_of(text.offsets, start), settings.window
    sentence_start, sentence_stop = text.offsets[sentence], text.offsets[sentence + 1]
    begin = window - _keep_left(text.ids, keep_prob, job, window, start, sentence_start, piece.kept_ids)
    pos, first, n_centers = start, 0, 0
    while pos < stop and n_centers < PIECE:
        if pos == sentence_stop:
            _close_sentence(piece, first, n_centers, begin, window + n_centers)
            sentence += 1
            sentence_stop = text.offsets[sentence + 1]
            begin, first = window + n_centers, n_centers
        token_id, bits = text.ids[pos], position_bits(job.epoch_key, pos)
        if is_kept(bits, keep_prob[token_id]):
            center, left, right = window + n_centers, settings.left, settings.right
            if settings.window_shape == LINEAR:
                left, right = draw_window(bits, left), draw_window(bits, right)
            elif settings.window_shape == HARMONIC:
                left, right = draw_harmonic_window(bits, left), draw_harmonic_window(bits, right)
            piece.kept_ids[center] = token_id
            piece.begins[n_centers], piece.ends[n_centers] = center - left, center + right + 1
            piece.alphas[n_centers] = job.alpha + job.alpha_slope * pos
            piece.is_measured[n_centers] = is_measured(bits)
            n_centers += 1
        pos += 1
    after = window + n_centers
    n_right = _keep_right(text.ids, keep_prob, job, window, pos, sentence_stop, piece.kept_ids[after:])
    _close_sentence(piece, first, n_centers, begin, after + n_right)
    return pos, n_centers


@compiled
def _sentence_of(offsets, pos):
    """Return the sentence of a position, by bisection; np.searchsorted would take half a second to compile."""
    low, high = 0, offsets.size - 1
    while high - low > 1:
        middle = (low + high) >> 1
        if offsets[middle] <= pos:
            low = middle
        else:
            high = middle
    return low


@inlined
def _close_sentence(piece, first, n_centers, begin, end):
    """Cut the windows from ``first`` on at the ends of their sentence, kept_ids[begin:end]."""
    for i in range(first, n_centers):
        piece.begins[i] = max(piece.begins[i], begin)
        piece.ends[i] = min(piece.ends[i], end)


@compiled
def _keep_left(ids, keep_prob, job, most, start, sentence_start, kept_ids):
    """Write the last ``most`` surviving tokens before ``start`` in front of kept_ids[most]; return how many."""
    pos, n_kept = start - 1, 0
    while pos >= sentence_start and n_kept < most:
        if is_kept(position_bits(job.epoch_key, pos), keep_prob[ids[pos]]):
            n_kept += 1
            kept_ids[most - n_kept] = ids[pos]
        pos -= 1
    return n_kept


@compiled
def _keep_right(ids, keep_prob, job, most, start, sentence_stop, kept_ids):
    """Write the first ``most`` surviving tokens from ``start`` on into ``kept_ids``; return how many."""
    pos, n_kept = start, 0
    while pos < sentence_stop and n_kept < most:
        if is_kept(position_bits(job.epoch_key, pos), keep_prob[ids[pos]]):
            kept_ids[n_kept] = ids[pos]
            n_kept += 1
        pos += 1
    return n_kept


@compiled
def draw_outputs(state, settings, tables, piece, n_centers):
    """Draw the negatives of each window that has contexts; return the generator's state.

    Predictions by a tree need none.
    """
    if settings.is_tree:
        return state
    for i in range(n_centers):
        center_id = piece.kept_ids[settings.window + i]
        piece.output_ids[i, 0], piece.n_outputs[i] = center_id, 1
        if piece.ends[i] - piece.begins[i] > 1:
            state, piece.n_outputs[i] = draw_negatives(state, center_id, settings, tables, piece.output_ids[i])
    return state


@inlined
def copy_contexts(piece, i, window, context_ids):
    """Copy the contexts of window i into ``context_ids`` int32 (2 * window,); return how many."""
    n_contexts = 0
    for neighbour in range(piece.begins[i], piece.ends[i]):
        if neighbour != window + i:
            context_ids[n_contexts] = piece.kept_ids[neighbour]
            n_contexts += 1
    return n_contexts


@inlined
def outputs_of(piece, i, settings, tables):
    """Return the outputs of window i and their labels: the center and its negatives, or the path to the center."""
    output_ids, labels = piece.output_ids[i, : piece.n_outputs[i]], tables.labels
    if settings.is_tree:
        output_ids, labels = path_to(tables, piece.kept_ids[settings.window + i])
    return output_ids, labels


@inlined
def path_to(tables, word_id):
    """Return the inner nodes from the root of the tree to a word, and at each whether the path turns left."""
    begin, end = tables.path_offsets[word_id], tables.path_offsets[word_id + 1]
    return tables.nodes[begin:end], tables.labels[begin:end]


@inlined
def split_path(tables, word_id):
    """Return the hot nodes on the path to a word with their labels, and the others with theirs."""
    begin, end = tables.path_offsets[word_id], tables.path_offsets[word_id + 1]
    middle = begin + tables.hot_lengths[word_id]
    return (
        tables.nodes[begin:middle],
        tables.labels[begin:middle],
        tables.nodes[middle:end],
        tables.labels[middle:end],
    )


@inlined
def next_cold_nodes(tables, piece, i, n_centers, window, otherwise):
    """Return the nodes that window i needs beside hot ones; ``otherwise`` if there are none."""
    _, _, next_ids, _ = split_path(tables, piece.kept_ids[window + min(i, n_centers - 1)])
    return next_ids if next_ids.size > 0 else otherwise


@compiled
def restore_window(model, tables, context_ids, center, output_ids):
    """Give the frozen words of a window their vectors back."""
    restore_rows(model.W, tables.frozen, tables.frozen_inputs, context_ids)
    restore_rows(model.W, tables.frozen, tables.frozen_inputs, center)
    if tables.frozen_outputs.shape[0] > 0:
        restore_rows(model.W_out, tables.frozen, tables.frozen_outputs, context_ids)
        restore_rows(model.W_out, tables.frozen, tables.frozen_outputs, center)
        restore_rows(model.W_out, tables.frozen, tables.frozen_outputs, output_ids)


@compiled
def restore_rows(matrix, frozen, kept, word_ids):
    """Copy the rows of frozen words back; frozen[w] is a word's row of ``kept``, or -1."""
    for word_id in word_ids:
        if frozen[word_id] >= 0:
            for lane in range(0, matrix.shape[1], LANES):
                store(matrix, word_id, lane, load(kept, frozen[word_id], lane))


@inlined
def prefetch_context(W, piece, i, n_centers, window):
    """Ask for the one context row that window i needs and the window before it does not."""
    prefetch_row(W, piece.kept_ids[min(window + i, n_centers - 1) + window])
