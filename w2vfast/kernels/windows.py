"""From token positions to windows: subsampling, window sizes, sentence ends, the centers of a shard.

Whether the token at a position survives subsampling, and how wide its window is, depends on the position
and the epoch only. A shard's centers are any range of positions, and its windows see the tokens beyond the
range's ends. So a corpus can be cut anywhere, into any number of shards, and every window stays whole.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from w2vfast._jit import compiled
from w2vfast.kernels.sampling import draw_window, is_kept, position_bits

#: Centers that are gathered at a time.
PIECE = 1024


class Piece(NamedTuple):
    """Some windows of one sentence. Center i is kept_ids[window + i], for ``window`` as in the settings."""

    kept_ids: NDArray[np.int32]  # (window + PIECE + window,) the surviving tokens
    begins: NDArray[np.int32]  # (PIECE,) window i is kept_ids[begins[i] : ends[i]], center included
    ends: NDArray[np.int32]  # (PIECE,)
    alphas: NDArray[np.float32]  # (PIECE,) learning rate of each window


@compiled
def allocate_piece(window):
    """Return an empty Piece for windows of up to ``window`` words on either side."""
    return Piece(
        np.empty(2 * window + PIECE, np.int32),
        np.empty(PIECE, np.int32),
        np.empty(PIECE, np.int32),
        np.empty(PIECE, np.float32),
    )


@compiled
def gather_piece(text, keep_prob, job, window, start, stop, piece):
    """Gather the next windows whose centers lie in start .. stop - 1, at most PIECE, of one sentence.

    Returns the position after the last one looked at as a center, and the number of windows.
    """
    sentence = np.searchsorted(text.offsets, start, side="right") - 1
    sentence_start, sentence_stop = text.offsets[sentence], text.offsets[sentence + 1]
    pos, stop = start, min(stop, sentence_stop)
    n_centers = 0
    while pos < stop and n_centers < PIECE:
        token_id, bits = text.ids[pos], position_bits(job.epoch_key, pos)
        if is_kept(bits, keep_prob[token_id]):
            center, radius = window + n_centers, draw_window(bits, window)
            piece.kept_ids[center] = token_id
            piece.begins[n_centers], piece.ends[n_centers] = center - radius, center + radius + 1
            piece.alphas[n_centers] = job.alpha + job.alpha_slope * pos
            n_centers += 1
        pos += 1
    text_begin = window - _keep_left(text.ids, keep_prob, job, window, start, sentence_start, piece.kept_ids)
    after = window + n_centers
    text_end = after + _keep_right(text.ids, keep_prob, job, window, pos, sentence_stop, piece.kept_ids[after:])
    for i in range(n_centers):
        piece.begins[i] = max(piece.begins[i], text_begin)
        piece.ends[i] = min(piece.ends[i], text_end)
    return pos, n_centers


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
def open_window(piece, i, window, context_ids):
    """Copy the contexts of window i into ``context_ids`` int32 (2 * window,).

    Returns the center's word id, the number of contexts (0 for a lone word) and the learning rate.
    """
    center, n_contexts = window + i, 0
    for neighbour in range(piece.begins[i], piece.ends[i]):
        if neighbour != center:
            context_ids[n_contexts] = piece.kept_ids[neighbour]
            n_contexts += 1
    return piece.kept_ids[center], n_contexts, piece.alphas[i]


@compiled
def shard_bounds(job, shard, n_shards):
    """Return the first position of a shard and the one after its last; the shards partition the job."""
    length = job.stop - job.start
    return job.start + length * shard // n_shards, job.start + length * (shard + 1) // n_shards
