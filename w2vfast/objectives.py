"""The objectives of word2vec, one example at a time: loss and exact gradients in float64, to read and to check.

Nothing here is fast, and training does not use it: these functions are what the compiled kernels are tested
against, and what ``w2vfast gradcheck`` compares with finite differences.

An example has a hidden vector h (D,), the matrix W_out (V, D) of output vectors u, and a word to be predicted.
Numbers in parentheses are equations of document 001 (Huang, "Derivation of Word2Vec Models"); 000, 002 and 003 are
the other sources, named in docs/theory.md. All functions return

    loss        E, a float
    by_h        dE/dh, float64 (D,): delta of (8), (27)
    by_out      dE/dW_out, float64 (V, D)

and raise IndexError for a word that is no row of its matrix.

Examples
--------
>>> import numpy as np
>>> h, W_out = np.array([1.0, 0.0]), np.zeros((4, 2))
>>> loss, by_h, by_out = softmax(h, W_out, 2)
>>> round(loss, 4), by_out[:, 0].tolist()                 # -log 1/4; y - t
(1.3863, [0.25, 0.25, -0.75, 0.25])
"""

import heapq
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
#: Loss, gradient by h, gradient by W_out.
Result = tuple[float, Vector, Vector]
#: An objective with all but its example filled in: (h, W_out, word) -> Result.
Objective = Callable[[Vector, Vector, int], Result]
Direction = Literal["to-center", "to-contexts"]


def sigma(x: Any) -> Any:
    """Return the logistic function 1 / (1 + exp(-x)), without overflow."""
    return np.exp(-np.logaddexp(0.0, -x))


def softmax(h: Vector, W_out: Vector, word: int) -> Result:
    """Return loss and gradients of the full softmax: (1)-(8); 002, naive softmax.

    E = -log y_word with y = softmax(W_out h). By the scores it is y - t (3), by W_out (y - t) h^T (5), by h
    W_out^T (y - t) (8).
    """
    scores = W_out @ h
    log_sum = np.logaddexp.reduce(scores)
    errors = np.exp(scores - log_sum)
    errors[word] -= 1.0
    return float(log_sum - scores[word]), W_out.T @ errors, np.outer(errors, h)


def negative_sampling(h: Vector, W_out: Vector, word: int, negatives: Sequence[int]) -> Result:
    """Return loss and gradients of negative sampling: (23)-(27); 000; 002; 003.

    E = -log sigma(u_word . h) - sum_k log sigma(-u_k . h). The derivative by a score is sigma - 1 for the word
    and sigma for a negative (25); 000 has another factor, sigma (sigma - 1), which finite differences do not
    support. A word that is drawn twice counts twice.
    """
    rows, labels = np.array([word, *negatives]), np.array([1.0, *[0.0] * len(negatives)])
    return _logistic(h, W_out, rows, labels)


def hierarchical_softmax(h: Vector, W_out: Vector, nodes: Sequence[int], labels: Sequence[int]) -> Result:
    """Return loss and gradients of hierarchical softmax for the word at the end of a path.

    E = -sum_n log sigma(s_n u_n . h), where s_n is 1 if the path goes left (label 1) and -1 if right (label 0).
    The derivative by a score is sigma - label, as in (25): each turn is a prediction of its own.

    Parameters
    ----------
    h, W_out
        Here W_out holds the vectors of the inner nodes, (V - 1, D) or more rows.
    nodes, labels
        A word's path, as ``huffman`` gives it.
    """
    return _logistic(h, W_out, np.asarray(nodes, np.int64), np.asarray(labels, np.float64))


def _logistic(h: Vector, W_out: Vector, rows: NDArray[np.int64], labels: Vector) -> Result:
    """Return loss and gradients of independent yes-or-no predictions of some rows."""
    scores = W_out[rows] @ h
    loss = np.logaddexp(0.0, np.where(labels == 1.0, -scores, scores)).sum()
    errors = sigma(scores) - labels
    by_out = np.zeros_like(W_out)
    np.add.at(by_out, rows, np.outer(errors, h))
    return float(loss), errors @ W_out[rows], by_out


def skip_gram(
    W: Vector, W_out: Vector, center: int, contexts: Sequence[int], objective: Objective,
    direction: Direction = "to-contexts",
) -> Result:  # fmt: skip
    """Return the loss of a skip-gram window and its gradients by W and W_out.

    "to-contexts": the center's row of W predicts each context, E = sum_c E(v_center, c): (12)-(22), (29)-(34),
    002. "to-center": each context's row predicts the center, as word2vec.c and w2vfast's kernels do it.

    Parameters
    ----------
    W, W_out
        Input vectors (V, D) and output vectors, float64.
    center, contexts
        Word ids.
    objective
        What is predicted how, for example ``softmax`` or
        ``lambda h, W_out, word: negative_sampling(h, W_out, word, [3, 7])``.
    direction
        Which word predicts which.
    """
    loss, by_W, by_out = 0.0, np.zeros_like(W), np.zeros_like(W_out)
    for context in contexts:
        source, target = (center, context) if direction == "to-contexts" else (context, center)
        part, by_h, by_row = objective(W[source], W_out, target)
        loss, by_out = loss + part, by_out + by_row
        by_W[source] += by_h
    return loss, by_W, by_out


def cbow(
    W: Vector, W_out: Vector, center: int, contexts: Sequence[int], objective: Objective, power: float = 1.0
) -> Result:
    """Return the loss of a CBOW window and its gradients by W and W_out: (1)-(11), (23)-(28).

    h is the mean of the C context rows of W, so dE/dv = dE/dh / C. With ``power`` other than 1 the gradient by W
    is divided by C ** power instead: 0 is what word2vec.c and gensim do.
    """
    n_contexts = len(contexts)
    loss, by_h, by_out = objective(W[list(contexts)].mean(axis=0), W_out, center)
    by_W = np.zeros_like(W)
    np.add.at(by_W, list(contexts), np.broadcast_to(by_h / n_contexts**power, (n_contexts, by_h.size)))
    return loss, by_W, by_out


def huffman(counts: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Return each word's path through the Huffman tree of some counts: its inner nodes from the root, and labels.

    Label 1 is a turn to the left. The tree has len(counts) - 1 inner nodes; the root has the highest number. Two
    words at least.
    """
    n_words = len(counts)
    heap = [(count, -word, word) for word, count in enumerate(counts)]
    heapq.heapify(heap)
    parent: dict[int, tuple[int, int]] = {}
    for node in range(n_words, 2 * n_words - 1):
        (left_count, _, left), (right_count, _, right) = heapq.heappop(heap), heapq.heappop(heap)
        parent[left], parent[right] = (node, 1), (node, 0)
        heapq.heappush(heap, (left_count + right_count, node, node))
    paths = []
    for word in range(n_words):
        turns, node = [], word
        while node in parent:
            node, label = parent[node]
            turns.append((node - n_words, label))
        paths.append(([n for n, _ in reversed(turns)], [label for _, label in reversed(turns)]))
    return paths


def central_differences(loss: Callable[[], float], matrix: Vector, step: float = 1e-5) -> Vector:
    """Return the derivative of ``loss()`` by every entry of a matrix that it reads, by central differences."""
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
