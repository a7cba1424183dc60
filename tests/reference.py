"""What the kernels must agree with: the equations in float64, and a plain reader of text.

Numbers in parentheses are those of document 001. W holds input vectors v, W_out output vectors u; a window is
(context ids, output ids), the first output being the center and the others noise.
"""

import numpy as np

from w2vfast import objectives
from w2vfast.objectives import sigma


def objective(outputs):
    """Negative sampling of given noise words; outputs[0] is the target."""
    return lambda h, W_out, word: objectives.negative_sampling(h, W_out, word, outputs[1:])


def cbow_loss(W, W_out, contexts, outputs):
    """(23)."""
    return objectives.cbow(W, W_out, outputs[0], contexts, objective(outputs))[0]


def cbow_gradients(W, W_out, contexts, outputs, power=1.0):
    """(26) and (28) as gradients of W and W_out; 1/C ** power, where 1 is the exact gradient."""
    return objectives.cbow(W, W_out, outputs[0], contexts, objective(outputs), power)[1:]


def sg_loss(W, W_out, contexts, outputs):
    """(29), the inputs being the context rows and the target the center, the same noise words for all."""
    return objectives.skip_gram(W, W_out, outputs[0], contexts, objective(outputs), "to-center")[0]


def sg_gradients(W, W_out, contexts, outputs):
    """(32) and (34) summed over the contexts, as gradients of W and W_out."""
    return objectives.skip_gram(W, W_out, outputs[0], contexts, objective(outputs), "to-center")[1:]


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
    h, delta = W[contexts].mean(axis=0), np.zeros(W.shape[1])
    for z, output in enumerate(outputs):
        error = sigma(W_out[output] @ h) - (z == 0)
        delta += error * W_out[output]
        W_out[output] -= alpha * error * h
    np.add.at(W, contexts, -alpha * delta / len(contexts) ** power)


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
