"""Whole rows, and the step that all objectives share: one tile of predictions.

A tile is one or two hidden vectors h against OUTPUTS output rows u, in reverse order. Each output has a label,
what is to be predicted of it: 1 for a word that is there and 0 for noise, or the turns of a path through a tree.
Fewer outputs are padded at the front with the row that comes next; their errors are 0, and of two equal rows the
second one is stored last, so the padding does nothing. The scores of a tile lie in one vector of lanes: lane
OUTPUTS * c + z belongs to hidden vector c and output z. Their errors take their places.
"""

import numpy as np

from w2vfast._jit import inlined
from w2vfast.kernels.sigmoid import negative_log_sigmoid, sigmoid
from w2vfast.kernels.vector import (
    LANES,
    load_each,
    multiply_add_tile,
    prefetch_each,
    sum_each,
    zero_tile,
)

OUTPUTS = 6
_LAST = OUTPUTS - 1
_ZERO = np.float32(0.0)


@inlined
def distinct_end(ids, begin, end):
    """Return the end of the longest run ids[begin:...] without a repeated value, at most ``end``."""
    for i in range(begin + 1, end):
        for j in range(begin, i):
            if ids[i] == ids[j]:
                return i
    return end


@inlined
def has_repeat(rows):
    """Tell whether two of OUTPUTS rows are equal, without a branch."""
    repeats = 0
    for i in range(OUTPUTS):
        for j in range(i):
            repeats += rows[i] == rows[j]
    return repeats > 0


@inlined
def next_outputs(output_ids, begin):
    """Return the rows of the next outputs, up to OUTPUTS different ones, and the position after them."""
    end = min(begin + OUTPUTS, output_ids.size)
    outputs = output_rows(output_ids, begin, end)
    if has_repeat(outputs):  # or fewer than OUTPUTS are left
        end = distinct_end(output_ids, begin, end)
        outputs = output_rows(output_ids, begin, end)
    return outputs, end


@inlined
def output_rows(output_ids, begin, end):
    """Return output_ids[begin:end], 1 to OUTPUTS of them, as a tuple of OUTPUTS rows, the first one last."""
    last = end - 1
    return (
        output_ids[min(begin + 5, last)],
        output_ids[min(begin + 4, last)],
        output_ids[min(begin + 3, last)],
        output_ids[min(begin + 2, last)],
        output_ids[min(begin + 1, last)],
        output_ids[begin],
    )


@inlined
def rows_ahead(output_ids, end, next_ids):
    """Return the rows that follow output_ids[:end]: the rest of them, or else the next window's ``next_ids``."""
    if end < output_ids.size:
        return output_rows(output_ids, end, min(end + OUTPUTS, output_ids.size))
    return output_rows(next_ids, 0, min(OUTPUTS, next_ids.size))


@inlined
def score_tile(H, hidden, W_out, outputs):
    """Return the scores u_z . h_c of the rows ``hidden`` of H, one or two, and the rows ``outputs`` of W_out."""
    tile = zero_tile(hidden, outputs)
    for lane in range(0, H.shape[1], LANES):
        tile = multiply_add_tile(load_each(H, hidden, lane), load_each(W_out, outputs, lane), tile)
    return sum_each(tile)


@inlined
def scores_to_errors(tile, n_hidden, labels, alpha, table):
    """Replace each score of a tile, float32 (LANES,), by alpha (label - sigma(score)), 0 for padding.

    001 eq. (24), (30), times -eta. ``labels`` float32, 1 to OUTPUTS, are those of the outputs.
    """
    for c in range(n_hidden):
        for z in range(OUTPUTS):
            i = OUTPUTS * c + z
            if z >= OUTPUTS - labels.size:
                tile[i] = alpha * (labels[_LAST - z] - sigmoid(tile[i], table))
            else:
                tile[i] = _ZERO


@inlined
def tile_loss(tile, n_hidden, labels, table):
    """Return the loss of a tile of scores, float32 (LANES,), as float64: 001 eq. (23), and each term of (29)."""
    loss = 0.0
    for c in range(n_hidden):
        for z in range(OUTPUTS - labels.size, OUTPUTS):
            score = tile[OUTPUTS * c + z]
            loss += negative_log_sigmoid(score if labels[_LAST - z] > _ZERO else -score, table)
    return loss


@inlined
def prefetch_row(matrix, row):
    """Ask for the cache lines of a row."""
    for lane in range(0, matrix.shape[1], LANES):
        prefetch_each(matrix, (row,), lane)
