"""Continuous bag of words with negative sampling (001 section 3.1).

In a window the mean h of the C context rows predicts the center word o and rejects the noise words z.
With S = {o} + noise words and eta the learning rate:

    h        = (1 / C) sum_c v_c
    E        = -log sigma(u_o . h) - sum_z log sigma(-u_z . h)                          001 eq. (23)
    g_z      = eta (label_z - sigma(u_z . h)),  label 1 for o, 0 for noise              001 eq. (24), (25)
    u_z     += g_z h                                                                    001 eq. (26)
    v_c     += C ** -p  sum_z g_z u_z                                                   001 eq. (27), (28)

All right-hand sides are the values before the window; but a noise word that was drawn twice takes two steps,
the second from where the first led. The exact gradient, 001 eq. (28), has p = 1;
word2vec.c and gensim use p = 0; p = 1/2 lies between.
"""

import numpy as np
from numba import prange

from w2vfast._jit import compiled, compiled_parallel
from w2vfast.kernels.rows import add_scaled, clear, dot
from w2vfast.kernels.sampling import draw_negatives
from w2vfast.kernels.sigmoid import negative_log_sigmoid, sigmoid
from w2vfast.kernels.windows import allocate_piece, gather_piece, open_window, shard_bounds

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_MEAN, _INPUT_GRAD = 0, 1  # rows of the scratch matrix


@compiled
def mean_rows(W, context_ids, rows):
    """Write h, the mean of the context rows, into ``rows[_MEAN]``."""
    clear(rows, _MEAN)
    share = _ONE / np.float32(context_ids.size)
    for context_id in context_ids:
        add_scaled(rows, _MEAN, share, W, context_id)


@compiled
def train_outputs(model, output_ids, alpha, tables, rows):
    """Apply 001 eq. (24)-(26) to the target, output_ids[0], and each noise word.

    Adds 001 eq. (27), times -eta, into ``rows[_INPUT_GRAD]``; returns the window's loss E, float64.
    """
    loss = 0.0
    clear(rows, _INPUT_GRAD)
    for z, output_id in enumerate(output_ids):
        score = dot(rows, _MEAN, model.W_out, output_id)
        label, signed_score = (_ONE, score) if z == 0 else (_ZERO, -score)
        error = alpha * (label - sigmoid(score, tables.sigmoid))
        loss += negative_log_sigmoid(signed_score, tables.negative_log_sigmoid)
        add_scaled(rows, _INPUT_GRAD, error, model.W_out, output_id)
        add_scaled(model.W_out, output_id, error, rows, _MEAN)
    return loss


@compiled
def update_inputs(W, context_ids, gradient_power, rows):
    """Apply 001 eq. (28), with 1 / C ** gradient_power."""
    scale = np.float32(context_ids.size**-gradient_power)
    for context_id in context_ids:
        add_scaled(W, context_id, scale, rows, _INPUT_GRAD)


@compiled
def train_window(model, context_ids, center_id, alpha, settings, tables, state, scratch):
    """Train one window; return the generator's state and the loss."""
    output_ids, rows = scratch
    state, n_outputs = draw_negatives(
        state, center_id, settings.n_negatives, settings.n_redraws, tables, output_ids
    )
    mean_rows(model.W, context_ids, rows)
    loss = train_outputs(model, output_ids[:n_outputs], alpha, tables, rows)
    update_inputs(model.W, context_ids, settings.gradient_power, rows)
    return state, loss


@compiled
def train_shard(model, text, tables, settings, job, start, stop, state):
    """Train on the centers start .. stop - 1, one after the other, on one thread.

    Returns the generator's state (uint64), the sum of the losses (float64) and the number of windows.
    """
    window, n_outputs = settings.window, settings.n_negatives + 1
    piece, context_ids = allocate_piece(window), np.empty(2 * window, np.int32)
    scratch = (
        np.empty(n_outputs, np.int32),
        np.empty((2, model.W.shape[1]), np.float32),
    )
    loss, n_windows, pos = 0.0, 0, start
    while pos < stop:
        pos, n_centers = gather_piece(text, tables.keep_prob, job, window, pos, stop, piece)
        for i in range(n_centers):
            center_id, n_contexts, alpha = open_window(piece, i, window, context_ids)
            if n_contexts == 0:
                continue
            state, window_loss = train_window(
                model, context_ids[:n_contexts], center_id, alpha, settings, tables, state, scratch
            )
            loss += window_loss
            n_windows += 1
    return state, loss, n_windows


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
