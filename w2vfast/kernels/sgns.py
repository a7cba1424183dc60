"""Skip-gram with negative sampling (001 section 3.2; 000; 002; 003).

In a window with center word o and context words c, each context's input row v_c predicts o and rejects the
noise words z, all of them output rows u. With S = {o} + noise words and eta the learning rate:

    E        = sum_c ( -log sigma(u_o . v_c) - sum_z log sigma(-u_z . v_c) )            001 eq. (29)
    g_cz     = eta (label_z - sigma(u_z . v_c)),  label 1 for o, 0 for noise            001 eq. (30), (31)
    u_z     += sum_c g_cz v_c                                                           001 eq. (32)
    v_c     += sum_z g_cz u_z                                                           001 eq. (33), (34)

All right-hand sides are the values before the window; but a window is trained in groups of at most GROUP contexts
and OUTPUTS different outputs, one group after the other: steps on more would add up and diverge. A context word
that a group has twice takes both steps, with the errors from before the group.

001 lets the center's input row predict the contexts; here, as in word2vec.c, the contexts' rows predict the
center: over a corpus the pairs are the same.

By default the noise words are drawn once a window and serve all its pairs. With fresh noise words for every
pair (word2vec.c's scheme) a window is as many windows of one context.
"""

import numpy as np

from w2vfast._jit import compiled, compiled_with_arrays, inlined
from w2vfast.kernels.arguments import Model
from w2vfast.kernels.rows import OUTPUTS, next_outputs, rows_ahead, score_tile, scores_to_errors, tile_loss
from w2vfast.kernels.sampling import draw_negatives
from w2vfast.kernels.tree import allocate_hot_nodes, pull_hot_nodes, push_hot_nodes
from w2vfast.kernels.vector import (
    LANES,
    combine_each,
    load,
    load_each,
    multiply_add_each,
    prefetch_each,
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
    path_to,
    prefetch_context,
    restore_window,
    split_path,
)

#: Contexts that are trained at once; the windows of the default size are whole.
GROUP = 10


@compiled
def score_group(model, context_ids, outputs, scores):
    """Write u_z . v_c into ``scores`` float32 (GROUP / 2, LANES): a row holds the tile of two contexts."""
    last = context_ids.size - 1
    for c in range(0, last, 2):
        pair = (context_ids[c], context_ids[c + 1])
        store(scores, c // 2, 0, score_tile(model.W, pair, model.W_out, outputs))
    if last % 2 == 0:
        store(scores, last // 2, 0, score_tile(model.W, (context_ids[last],), model.W_out, outputs))


@compiled
def update_group(model, context_ids, outputs, errors, ahead):
    """Apply 001 eq. (32)-(34) with the errors g_cz, in the places of the scores; prefetch ``ahead``."""
    for lane in range(0, model.W.shape[1], LANES):
        prefetch_each(model.W_out, ahead, lane)
        u = load_each(model.W_out, outputs, lane)
        new_u = u
        for c, context_id in enumerate(context_ids):
            v, g = load(model.W, context_id, lane), splat_each(errors, c // 2, OUTPUTS * (c % 2), u)
            new_u = multiply_add_each(g, v, new_u)
            store(model.W, context_id, lane, combine_each(g, u, v))
        store_each(model.W_out, outputs, lane, new_u)


@inlined
def train_group(model, context_ids, outputs, labels, ahead, alpha, tables, is_measured, scores):
    """Train some contexts on up to OUTPUTS different outputs; return the loss, 0 if it is not measured.

    There are as many outputs as ``labels``; ``ahead`` are the outputs that come next, to be prefetched.
    """
    n_contexts, loss = context_ids.size, 0.0
    score_group(model, context_ids, outputs, scores)
    for row in range((n_contexts + 1) // 2):
        n_hidden = min(2, n_contexts - 2 * row)
        if is_measured:
            loss += tile_loss(scores[row], n_hidden, labels, tables.negative_log_sigmoid)
        scores_to_errors(scores[row], n_hidden, labels, alpha, tables.sigmoid)
    update_group(model, context_ids, outputs, scores, ahead)
    return loss


@compiled
def train_window(model, context_ids, output_ids, labels, next_ids, alpha, tables, is_measured, scores):
    """Train one window, or one pair, on outputs with their labels; return the loss E.

    ``next_ids``, one or more, are the outputs of the next window.
    """
    loss, begin = 0.0, 0
    while begin < output_ids.size:
        outputs, end = next_outputs(output_ids, begin)
        ahead = rows_ahead(output_ids, end, next_ids)
        for c in range(0, context_ids.size, GROUP):
            group = context_ids[c : c + GROUP]
            loss += train_group(
                model, group, outputs, labels[begin:end], ahead, alpha, tables, is_measured, scores
            )
        begin = end
    return loss


@inlined
def train_pairs(model, context_ids, center, alpha, settings, tables, is_measured, state, drawn_ids, scores):
    """Train each pair of a window with outputs of its own; return the generator's state and the loss E.

    ``center`` int32 (1,) is the word in the middle. ``drawn_ids`` int32 (2 or more, 1 + k) is scratch: the outputs
    of the next pair are drawn ahead, and prefetched.
    """
    loss, n_contexts, n_next = 0.0, context_ids.size, 0
    for c in range(-1, n_contexts):
        n_outputs, following = n_next, min(c + 1, n_contexts - 1)
        next_target = context_ids[following] if settings.to_contexts else center[0]
        if c + 1 < n_contexts and not settings.is_tree:
            state, n_next = draw_negatives(state, next_target, settings, tables, drawn_ids[(c + 1) % 2])
        if c >= 0:
            inputs = center if settings.to_contexts else context_ids[c : c + 1]
            outputs, ahead = drawn_ids[c % 2, :n_outputs], drawn_ids[(c + 1) % 2, :n_next]
            labels = tables.labels
            if settings.is_tree:
                outputs, labels = path_to(tables, context_ids[c])
                ahead, _ = path_to(tables, next_target)
            loss += train_window(model, inputs, outputs, labels, ahead, alpha, tables, is_measured, scores)
            if tables.frozen.size > 0:
                restore_window(model, tables, context_ids[c : c + 1], center, outputs)
    return state, loss


@compiled_with_arrays
def allocate_scratch(settings, width):
    """Return a shard's scratch: a Piece, the contexts of a window, the scores of a group, copies of hot nodes."""
    contexts, hot = np.empty(2 * settings.window, np.int32), allocate_hot_nodes(settings.n_hot, width)
    return allocate_piece(settings), contexts, np.empty((GROUP // 2, LANES), np.float32), hot


@compiled
def train_centers(model, text, tables, settings, job, bounds, state, scratch):
    """Train on the centers bounds[0] .. bounds[1] - 1, one after the other, on one thread.

    Returns the generator's state (uint64), the sum of the measured losses (float64), the number of pairs that
    were measured and of all pairs.
    """
    window, (piece, contexts, scores, hot) = settings.window, scratch
    n_hot = hot.shape[0] // 2
    hot_model = Model(model.W, hot[:n_hot])
    loss, n_measured, n_pairs, pos = 0.0, 0, 0, bounds[0]
    while pos < bounds[1]:
        pos, n_centers = gather_piece(text, tables.keep_prob, job, settings, pos, bounds[1], piece)
        if not settings.is_per_pair:
            state = draw_outputs(state, settings, tables, piece, n_centers)
        pull_hot_nodes(model.W_out, hot)
        n_before = n_pairs
        for i in range(n_centers):
            prefetch_context(model.W, piece, i + 1, n_centers, window)
            n_contexts = copy_contexts(piece, i, window, contexts)
            if n_contexts == 0:
                continue
            context_ids, alpha, is_measured = contexts[:n_contexts], piece.alphas[i], piece.is_measured[i]
            center = piece.kept_ids[window + i : window + i + 1]
            if settings.is_per_pair:
                state, window_loss = train_pairs(
                    model, context_ids, center, alpha, settings, tables, is_measured, state, piece.output_ids,
                    scores,
                )  # fmt: skip
            else:
                output_ids, labels = outputs_of(piece, i, settings, tables)
                next_ids, _ = outputs_of(piece, min(i + 1, n_centers - 1), settings, tables)
                window_loss = 0.0
                if n_hot > 0:
                    hot_ids, hot_labels, output_ids, labels = split_path(tables, center[0])
                    next_ids = next_cold_nodes(tables, piece, i + 1, n_centers, window, output_ids)
                    window_loss += train_window(
                        hot_model, context_ids, hot_ids, hot_labels, hot_ids, alpha, tables, is_measured, scores
                    )
                window_loss += train_window(
                    model, context_ids, output_ids, labels, next_ids, alpha, tables, is_measured, scores
                )
                if tables.frozen.size > 0:
                    restore_window(model, tables, context_ids, center, output_ids)
            n_pairs += n_contexts
            if is_measured:
                n_measured += n_contexts
                loss += window_loss
        push_hot_nodes(model.W_out, hot, tables.hot_shares, piece.alphas[0], n_pairs - n_before, settings.n_shards)
    return state, loss, n_measured, n_pairs


@compiled_with_arrays
def train_shard(model, text, tables, settings, job, bounds, state):
    """Do ``train_centers`` with new scratch."""
    scratch = allocate_scratch(settings, model.W.shape[1])
    return train_centers(model, text, tables, settings, job, bounds, state, scratch)
