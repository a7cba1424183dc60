"""Continuous bag of words with negative sampling (001 section 3.1).

In a window the mean h of the C context rows predicts the center word o and rejects the noise words z.
With S = {o} + noise words and eta the learning rate:

    h        = (1 / C) sum_c v_c
    E        = -log sigma(u_o . h) - sum_z log sigma(-u_z . h)                          001 eq. (23)
    g_z      = eta (label_z - sigma(u_z . h)),  label 1 for o, 0 for noise              001 eq. (24), (25)
    u_z     += g_z h                                                                    001 eq. (26)
    v_c     += C ** -p  sum_z g_z u_z                                                   001 eq. (27), (28)

All right-hand sides are the values before the window; but the outputs are trained in groups of at most OUTPUTS
different ones, and a noise word that was drawn twice takes two steps, the second from where the first led. The
exact gradient, 001 eq. (28), has p = 1; word2vec.c and gensim use p = 0; p = 1/2 lies between.
"""

import numpy as np

from w2vfast._jit import compiled, compiled_with_arrays, inlined
from w2vfast.kernels.rows import next_outputs, rows_ahead, score_tile, scores_to_errors, tile_loss
from w2vfast.kernels.tree import allocate_hot_nodes, pull_hot_nodes, push_hot_nodes
from w2vfast.kernels.vector import (
    LANES,
    add,
    combine_each,
    load,
    load_each,
    multiply,
    multiply_add,
    multiply_add_each,
    prefetch_each,
    splat,
    splat_each,
    store,
    store_each,
)
from w2vfast.kernels.windows import (
    allocate_piece,
    copy_contexts,
    draw_outputs,
    gather_piece,
    next_cold_nodes,
    outputs_of,
    prefetch_context,
    restore_window,
    split_path,
)

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_MEAN, _INPUT_GRAD = 0, 1  # rows of the scratch matrix


@compiled
def mean_rows(W, context_ids, rows):
    """Write h, the mean of the context rows, into ``rows[_MEAN]``, and zeros into ``rows[_INPUT_GRAD]``."""
    share = splat(_ONE / np.float32(context_ids.size))
    for lane in range(0, W.shape[1], LANES):
        total = splat(_ZERO)
        for context_id in context_ids:
            total = multiply_add(share, load(W, context_id, lane), total)
        store(rows, _MEAN, lane, total)
        store(rows, _INPUT_GRAD, lane, splat(_ZERO))


@inlined
def train_outputs(W_out, outputs, labels, ahead, alpha, tables, is_measured, rows, scores):
    """Apply 001 eq. (24)-(26) to up to OUTPUTS different outputs; return the loss, 0 if it is not measured.

    There are as many as ``labels``. Adds their part of 001 eq. (27), times -eta, to ``rows[_INPUT_GRAD]``.
    Prefetches the outputs ``ahead``.
    """
    store(scores, 0, 0, score_tile(rows, (_MEAN,), W_out, outputs))
    loss = 0.0
    if is_measured:
        loss = tile_loss(scores[0], 1, labels, tables.negative_log_sigmoid)
    scores_to_errors(scores[0], 1, labels, alpha, tables.sigmoid)
    for lane in range(0, W_out.shape[1], LANES):
        prefetch_each(W_out, ahead, lane)
        u = load_each(W_out, outputs, lane)
        g = splat_each(scores, 0, 0, u)
        store(rows, _INPUT_GRAD, lane, combine_each(g, u, load(rows, _INPUT_GRAD, lane)))
        store_each(W_out, outputs, lane, multiply_add_each(g, load(rows, _MEAN, lane), u))
    return loss


@compiled
def update_inputs(W, context_ids, gradient_power, rows):
    """Apply 001 eq. (28), with 1 / C ** gradient_power."""
    scale = splat(np.float32(context_ids.size**-gradient_power))
    for lane in range(0, W.shape[1], LANES):
        change = multiply(scale, load(rows, _INPUT_GRAD, lane))
        for context_id in context_ids:
            store(W, context_id, lane, add(load(W, context_id, lane), change))


@compiled
def train_window(model, context_ids, output_ids, labels, next_ids, gradient_power, rows, prediction):
    """Train one window on outputs with their labels; return the loss E.

    ``next_ids``, one or more, are the outputs of the next window; ``prediction`` is for ``train_all_outputs``.
    """
    mean_rows(model.W, context_ids, rows)
    loss = train_all_outputs(model.W_out, output_ids, labels, next_ids, rows, prediction)
    update_inputs(model.W, context_ids, gradient_power, rows)
    return loss


@compiled
def train_all_outputs(W_out, output_ids, labels, next_ids, rows, prediction):
    """Do ``train_outputs`` for any number of outputs, group after group; return the loss.

    ``prediction`` is the learning rate, the tables, whether the loss is measured, and the scratch for scores.
    """
    alpha, tables, is_measured, scores = prediction
    loss, begin = 0.0, 0
    while begin < output_ids.size:
        outputs, end = next_outputs(output_ids, begin)
        ahead = rows_ahead(output_ids, end, next_ids)
        loss += train_outputs(W_out, outputs, labels[begin:end], ahead, alpha, tables, is_measured, rows, scores)
        begin = end
    return loss


@compiled_with_arrays
def allocate_scratch(settings, width):
    """Return a shard's scratch: a Piece, contexts, the rows h and its gradient, scores, copies of hot nodes."""
    contexts, rows = np.empty(2 * settings.window, np.int32), np.empty((2, width), np.float32)
    hot = allocate_hot_nodes(settings.n_hot, width)
    return allocate_piece(settings), contexts, rows, np.empty((1, LANES), np.float32), hot


@compiled
def train_centers(model, text, tables, settings, job, bounds, state, scratch):
    """Train on the centers bounds[0] .. bounds[1] - 1, one after the other, on one thread.

    Returns the generator's state (uint64), the sum of the measured losses (float64), the number of windows that
    were measured and of all windows.
    """
    window, (piece, contexts, rows, scores, hot) = settings.window, scratch
    n_hot = hot.shape[0] // 2
    loss, n_measured, n_windows, pos = 0.0, 0, 0, bounds[0]
    while pos < bounds[1]:
        pos, n_centers = gather_piece(text, tables.keep_prob, job, settings, pos, bounds[1], piece)
        state = draw_outputs(state, settings, tables, piece, n_centers)
        pull_hot_nodes(model.W_out, hot)
        n_before = n_windows
        for i in range(n_centers):
            prefetch_context(model.W, piece, i + 1, n_centers, window)
            n_contexts = copy_contexts(piece, i, window, contexts)
            if n_contexts == 0:
                continue
            context_ids, center = contexts[:n_contexts], piece.kept_ids[window + i : window + i + 1]
            output_ids, labels = outputs_of(piece, i, settings, tables)
            next_ids, _ = outputs_of(piece, min(i + 1, n_centers - 1), settings, tables)
            alpha, is_measured = piece.alphas[i], piece.is_measured[i]
            power, prediction = settings.gradient_power, (alpha, tables, is_measured, scores)
            if n_hot > 0:
                hot_ids, hot_labels, output_ids, labels = split_path(tables, center[0])
                next_ids = next_cold_nodes(tables, piece, i + 1, n_centers, window, output_ids)
                mean_rows(model.W, context_ids, rows)
                loss += train_all_outputs(hot, hot_ids, hot_labels, hot_ids, rows, prediction)
                loss += train_all_outputs(model.W_out, output_ids, labels, next_ids, rows, prediction)
                update_inputs(model.W, context_ids, power, rows)
            else:
                loss += train_window(model, context_ids, output_ids, labels, next_ids, power, rows, prediction)
            if tables.frozen.size > 0:
                restore_window(model, tables, context_ids, center, output_ids)
            n_measured += is_measured
            n_windows += 1
        push_hot_nodes(
            model.W_out, hot, tables.hot_shares, piece.alphas[0], n_windows - n_before, settings.n_shards
        )
    return state, loss, n_measured, n_windows


@compiled_with_arrays
def train_shard(model, text, tables, settings, job, bounds, state):
    """Do ``train_centers`` with new scratch."""
    scratch = allocate_scratch(settings, model.W.shape[1])
    return train_centers(model, text, tables, settings, job, bounds, state, scratch)
