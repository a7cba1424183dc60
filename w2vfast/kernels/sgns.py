"""Skip-gram with negative sampling (001 section 3.2; 000; 002; 003).

In a window with center word o and context words c, each context's input row v_c predicts o and rejects the
noise words z, all of them output rows u. With S = {o} + noise words and eta the learning rate:

    E        = sum_c ( -log sigma(u_o . v_c) - sum_z log sigma(-u_z . v_c) )            001 eq. (29)
    g_cz     = eta (label_z - sigma(u_z . v_c)),  label 1 for o, 0 for noise            001 eq. (30), (31)
    u_z     += sum_c g_cz v_c                                                           001 eq. (32)
    v_c     += sum_z g_cz u_z                                                           001 eq. (33), (34)

All right-hand sides are the values before the window; but a wide window is trained in groups of contexts, and
a noise word that was drawn twice in two steps. Steps of that size would otherwise add up and diverge.

001 lets the center's input row predict the contexts; here, as in word2vec.c, the contexts' rows predict the
center: over a corpus the pairs are the same.

By default the noise words are drawn once a window and serve all its pairs. With fresh noise words for every
pair (word2vec.c's scheme) a window is as many windows of one context.
"""

import numpy as np
from numba import prange

from w2vfast._jit import compiled, compiled_parallel
from w2vfast.kernels.rows import dot
from w2vfast.kernels.sampling import distinct_end, draw_negatives
from w2vfast.kernels.sigmoid import negative_log_sigmoid, sigmoid
from w2vfast.kernels.vector import LANES, add, load, multiply_add, splat, store
from w2vfast.kernels.windows import allocate_piece, gather_piece, open_window, shard_bounds

#: Contexts that are trained at once; the windows of the default size are whole.
GROUP = 10
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@compiled
def score_window(model, context_ids, output_ids, target, alpha, tables, errors):
    """Write g_cz into ``errors`` float32 (C, S); return the loss E of these outputs, float64.

    ``target`` is the place of the center word among ``output_ids``, -1 if they are noise words only.
    """
    loss = 0.0
    for c, context_id in enumerate(context_ids):
        for z, output_id in enumerate(output_ids):
            score = dot(model.W, context_id, model.W_out, output_id)
            label, signed_score = (_ONE, score) if z == target else (_ZERO, -score)
            errors[c, z] = alpha * (label - sigmoid(score, tables.sigmoid))
            loss += negative_log_sigmoid(signed_score, tables.negative_log_sigmoid)
    return loss


@compiled
def update_window(model, context_ids, output_ids, errors, input_grads):
    """Apply 001 eq. (32)-(34); ``input_grads`` float32 (C, D) is scratch for the changes of the v_c."""
    for lane in range(0, model.W.shape[1], LANES):
        for c in range(context_ids.size):
            grad = splat(_ZERO)
            for z, output_id in enumerate(output_ids):
                grad = multiply_add(splat(errors[c, z]), load(model.W_out, output_id, lane), grad)
            store(input_grads, c, lane, grad)
        for z, output_id in enumerate(output_ids):
            row = load(model.W_out, output_id, lane)
            for c, context_id in enumerate(context_ids):
                row = multiply_add(splat(errors[c, z]), load(model.W, context_id, lane), row)
            store(model.W_out, output_id, lane, row)
        for c, context_id in enumerate(context_ids):
            store(model.W, context_id, lane, add(load(model.W, context_id, lane), load(input_grads, c, lane)))


@compiled
def train_pairs(model, context_ids, center_id, alpha, settings, tables, state, scratch):
    """Train one window, or one pair, with one set of noise words; return the state and the loss."""
    output_ids, errors, input_grads = scratch
    state, n_outputs = draw_negatives(
        state, center_id, settings.n_negatives, settings.n_redraws, tables, output_ids
    )
    loss, begin = 0.0, 0
    while begin < n_outputs:
        end = distinct_end(output_ids, begin, n_outputs)
        outputs, target = output_ids[begin:end], 0 if begin == 0 else -1
        for c in range(0, context_ids.size, GROUP):
            contexts = context_ids[c : c + GROUP]
            loss += score_window(model, contexts, outputs, target, alpha, tables, errors)
            update_window(model, contexts, outputs, errors, input_grads)
        begin = end
    return state, loss


@compiled
def train_shard(model, text, tables, settings, job, start, stop, state):
    """Train on the centers start .. stop - 1, one after the other, on one thread.

    Returns the generator's state (uint64), the sum of the losses (float64) and the number of pairs.
    """
    window, n_outputs = settings.window, settings.n_negatives + 1
    piece, context_ids = allocate_piece(window), np.empty(2 * window, np.int32)
    scratch = (
        np.empty(n_outputs, np.int32),
        np.empty((GROUP, n_outputs), np.float32),
        np.empty((GROUP, model.W.shape[1]), np.float32),
    )
    loss, n_pairs, pos = 0.0, 0, start
    while pos < stop:
        pos, n_centers = gather_piece(text, tables.keep_prob, job, window, pos, stop, piece)
        for i in range(n_centers):
            center_id, n_contexts, alpha = open_window(piece, i, window, context_ids)
            step = 1 if settings.negatives_per_pair else max(n_contexts, 1)
            for c in range(0, n_contexts, step):
                state, pair_loss = train_pairs(
                    model, context_ids[c : c + step], center_id, alpha, settings, tables, state, scratch
                )
                loss += pair_loss
            n_pairs += n_contexts
    return state, loss, n_pairs


@compiled_parallel
def train_chunk(model, text, tables, settings, job, states, losses, n_pairs):
    """Train on a job with one shard a thread, Hogwild: rows are read and written without locks.

    ``states`` uint64, ``losses`` float64 and ``n_pairs`` int64, all (n_shards,), are updated in place.
    """
    for shard in prange(states.size):
        start, stop = shard_bounds(job, shard, states.size)
        states[shard], losses[shard], n_pairs[shard] = train_shard(
            model, text, tables, settings, job, start, stop, states[shard]
        )
