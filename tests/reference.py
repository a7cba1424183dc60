"""The equations in float64 NumPy, one function an equation, without tricks: what the kernels must agree with.

Numbers in parentheses are those of document 001. W holds input vectors v, W_out output vectors u; a window
is (context ids, center id, noise ids).
"""

import numpy as np


def sigma(x):
    """The logistic function."""
    return 1.0 / (1.0 + np.exp(-x))


def softplus(x):
    """-log sigma(-x), without overflow."""
    return np.logaddexp(0.0, x)


def labels(n_negatives):
    """t: 1 for the target, 0 for each noise word."""
    return np.array([1.0] + [0.0] * n_negatives)


def cbow_hidden(W, contexts):
    """H = 1/C sum of the context rows."""
    return W[contexts].mean(axis=0)


def prediction_loss(h, W_out, outputs):
    """(23) and each term of (29): -log sigma(u_target . h) - sum log sigma(-u_noise . h)."""
    scores = W_out[outputs] @ h
    return softplus(-scores[0]) + softplus(scores[1:]).sum()


def output_errors(h, W_out, outputs):
    """(24), (25), (30), (31): delta'_i = sigma(u_i) - t_i for i in S."""
    return sigma(W_out[outputs] @ h) - labels(len(outputs) - 1)


def output_gradient(h, W_out, outputs):
    """(26), (32): the sum over S of delta'_i h, as a matrix of W_out's shape; a repeated word adds up."""
    gradient = np.zeros_like(W_out)
    np.add.at(gradient, outputs, np.outer(output_errors(h, W_out, outputs), h))
    return gradient


def hidden_gradient(h, W_out, outputs):
    """(27), (33): delta = sum over S of delta'_i v'_i."""
    return output_errors(h, W_out, outputs) @ W_out[outputs]


def cbow_loss(W, W_out, contexts, outputs):
    """(23)."""
    return prediction_loss(cbow_hidden(W, contexts), W_out, outputs)


def cbow_gradients(W, W_out, contexts, outputs, power=1.0):
    """(26) and (28) as gradients of W and W_out; 1/C ** power, where 1 is the exact gradient."""
    h = cbow_hidden(W, contexts)
    gradient = np.zeros_like(W)
    share = hidden_gradient(h, W_out, outputs) / len(contexts) ** power
    np.add.at(gradient, contexts, np.broadcast_to(share, (len(contexts), W.shape[1])))
    return gradient, output_gradient(h, W_out, outputs)


def sg_loss(W, W_out, contexts, outputs):
    """(29), the inputs being the context rows and the target the center, the same noise words for all."""
    return sum(prediction_loss(W[c], W_out, outputs) for c in contexts)


def sg_gradients(W, W_out, contexts, outputs):
    """(32) and (34) summed over the contexts, as gradients of W and W_out."""
    gradient, gradient_out = np.zeros_like(W), np.zeros_like(W_out)
    for c in contexts:
        gradient[c] += hidden_gradient(W[c], W_out, outputs)
        gradient_out += output_gradient(W[c], W_out, outputs)
    return gradient, gradient_out


def sg_step(W, W_out, contexts, outputs, target, alpha):
    """One step on some contexts and distinct outputs, in place; without a target all outputs are noise."""
    errors = sigma(W[contexts] @ W_out[outputs].T)
    if target is not None:
        errors[:, target] -= 1.0
    by_W, by_W_out = errors @ W_out[outputs], errors.T @ W[contexts]
    np.add.at(W, contexts, -alpha * by_W)
    np.add.at(W_out, outputs, -alpha * by_W_out)


def cbow_in_turn(W, W_out, contexts, outputs, alpha, power):
    """(24)-(28) with the outputs in turn, as word2vec.c does it, in place: a repeated one takes two steps."""
    h, delta = cbow_hidden(W, contexts), np.zeros(W.shape[1])
    for z, output in enumerate(outputs):
        error = sigma(W_out[output] @ h) - (z == 0)
        delta += error * W_out[output]
        W_out[output] -= alpha * error * h
    np.add.at(W, contexts, -alpha * delta / len(contexts) ** power)


def central_differences(loss, matrix, step=1e-5):
    """The derivative of loss() by every entry of a matrix that it reads."""
    gradient = np.zeros_like(matrix)
    for index in np.ndindex(*matrix.shape):
        before = matrix[index]
        matrix[index] = before + step
        high = loss()
        matrix[index] = before - step
        low = loss()
        matrix[index] = before
        gradient[index] = (high - low) / (2 * step)
    return gradient


def tokenize(data: bytes, max_word_bytes: int = 1024) -> list[list[str]]:
    """Sentences of words, as the contract says: UTF-8 repaired, BOM dropped, NUL and Unicode white space split."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\0", " ")
    sentences = [line.split() for line in text.split("\n")]
    return [[word for word in line if len(word.encode()) <= max_word_bytes] for line in sentences]


def vocabulary(sentences: list[list[str]], min_count: int) -> list[tuple[str, int]]:
    """Words and counts, most frequent first, ties in order of first appearance."""
    counts: dict[str, int] = {}
    for sentence in sentences:
        for word in sentence:
            counts[word] = counts.get(word, 0) + 1
    kept = [item for item in counts.items() if item[1] >= min_count]
    return sorted(kept, key=lambda item: -item[1])
