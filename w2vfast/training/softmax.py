"""The full softmax, a minibatch at a time: matrix products over the whole vocabulary.

The examples of a minibatch are the pairs of some windows (skip-gram) or the windows (CBOW). With H the hidden
vectors, n_b the number of words that row b of H has to predict, and T_bi how often word i is among them:

    Y        = softmax(H W_out^T), row by row
    E        = sum_b ( n_b log sum_i exp(u_i . h_b) - sum_i T_bi u_i . h_b )            001 eq. (1), (12)
    Delta    = diag(n) Y - T                                                            001 eq. (3), (14), (15)
    W_out   -= eta Delta^T H                                                            001 eq. (5)-(6), (16)-(17)
    H       -= eta Delta W_out                                                          001 eq. (8)-(11), (19)-(22)

All right-hand sides are the values before the minibatch. In skip-gram the pairs with the same input word have the
same h and so the same y: they are one row, as in document 001, section 2, where the errors of a window's contexts
are summed. Gradients are exact; the maximum of a row's scores is taken off before the exponential.

The products are NumPy's, on the threads of its linear algebra library; the exponentials run on the run's threads.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from w2vfast.kernels.arguments import Job, Model, Settings, Tables, Text
from w2vfast.kernels.windows import allocate_piece, gather_piece
from w2vfast.training.config import TrainConfig
from w2vfast.training.inputs import GRADIENT_POWER

#: Windows of a minibatch: many enough for fast products, few enough for the steps of frequent words.
BATCH_WINDOWS = 64
#: Vocabularies beyond this get a warning, however long a run takes.
MANY_WORDS = 50_000
_TRIAL_ROWS = 128
_CHUNK_WORK, _MOST_CHUNK_TOKENS = 4_000_000_000, 20_000


class Softmax:
    """Trains parts of a text; ``train`` is called like ``kernels.shards.train_chunk``, and needs no generators.

    Parameters
    ----------
    config
        A resolved configuration.
    """

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._n_threads = config.threads or 1
        self._pool = ThreadPoolExecutor(self._n_threads, "softmax")

    def train(
        self, model: Model, text: Text, tables: Tables, settings: Settings, job: Job,
        states: NDArray[np.uint64], losses: NDArray[np.float64], n_pairs: NDArray[np.int64],
    ) -> None:  # fmt: skip
        """Train on a job in the order of the text; add up the loss and the predictions."""
        del states
        loss, n_predictions, frozen_ids = 0.0, 0, np.flatnonzero(tables.frozen >= 0)
        kept = [matrix[tables.frozen[frozen_ids]] for matrix in (tables.frozen_inputs, tables.frozen_outputs)]
        for centers, rows, contexts, alpha in _batches(text, tables, settings, job):
            if self._config.model == "cbow":
                loss += self._train_cbow(model, centers, rows, contexts, alpha)
                n_predictions += centers.size
            else:
                loss += self._train_skip_gram(model, centers[rows], contexts, alpha)
                n_predictions += contexts.size
            if frozen_ids.size:
                model.W[frozen_ids], model.W_out[frozen_ids] = kept
        losses[0], n_pairs[0] = loss, n_predictions

    def _train_skip_gram(
        self, model: Model, centers: NDArray[np.int32], contexts: NDArray[np.int32], alpha: float
    ) -> float:
        """Train on the pairs of some windows, given by center and context."""
        to_contexts = self._config.direction == "to-contexts"
        inputs, targets = (centers, contexts) if to_contexts else (contexts, centers)
        words, rows, n_targets = np.unique(inputs, return_inverse=True, return_counts=True)
        loss, change = self.step(model.W[words], model.W_out, rows, targets, n_targets, alpha)
        model.W[words] += change
        return loss

    def _train_cbow(
        self, model: Model, centers: NDArray[np.int32], rows: NDArray[np.int64], contexts: NDArray[np.int32],
        alpha: float,
    ) -> float:  # fmt: skip
        """Train on some windows; contexts[i] is in the window of centers[rows[i]], and each window has one."""
        n_contexts = np.bincount(rows, minlength=centers.size).astype(np.float32)[:, None]
        H = np.zeros((centers.size, model.W.shape[1]), np.float32)
        np.add.at(H, rows, model.W[contexts])
        H /= n_contexts
        ones = np.ones(centers.size, np.int64)
        loss, change = self.step(H, model.W_out, np.arange(centers.size), centers, ones, alpha)
        change /= n_contexts ** GRADIENT_POWER[self._config.cbow_grad]
        np.add.at(model.W, contexts, change[rows])
        return loss

    def step(
        self, H: NDArray[np.float32], W_out: NDArray[np.float32], rows: NDArray[np.int64],
        targets: NDArray[np.int32], n_targets: NDArray[np.int64], alpha: float,
    ) -> tuple[float, NDArray[np.float32]]:  # fmt: skip
        """Update W_out for one minibatch; return the loss E and -alpha dE/dH.

        Parameters
        ----------
        H
            float32 (B, D).
        W_out
            float32 (V, D), updated in place.
        rows, targets
            (P,): row rows[p] of H has to predict the word targets[p].
        n_targets
            (B,): how many words each row has to predict.
        alpha
            Learning rate; with 0 nothing changes.
        """
        scores = H @ W_out.T
        loss = -float(scores[rows, targets].sum(dtype=np.float64))
        parts = [
            slice(part[0], part[-1] + 1)
            for part in np.array_split(np.arange(len(H)), self._n_threads)
            if part.size
        ]

        def to_errors(part: slice) -> float:
            return _to_errors(scores[part], n_targets[part].astype(np.float32))

        loss += sum(self._pool.map(to_errors, parts))
        np.subtract.at(scores, (rows, targets), np.float32(1))
        if alpha == 0:
            return loss, np.zeros_like(H)
        scores *= np.float32(-alpha)
        change = np.asarray(scores @ W_out, np.float32)
        W_out += scores.T @ H
        return loss, change


def chunk_tokens(vocab_size: int, dim: int) -> int:
    """Return how many tokens are trained between two looks at the signals: some tenths of a second's work.

    It must not depend on the machine, for where a chunk ends a minibatch ends, too.
    """
    return max(BATCH_WINDOWS, min(_MOST_CHUNK_TOKENS, _CHUNK_WORK // (vocab_size * dim)))


def estimate_seconds(vocab_size: int, config: TrainConfig, n_windows: float) -> float:
    """Return how long so many windows take, by a short trial of the products that they need."""
    rng = np.random.default_rng(1)
    W_out = rng.random((vocab_size, config.dim), np.float32)
    H = rng.random((_TRIAL_ROWS, config.dim), np.float32)
    softmax, rows = Softmax(config), np.arange(_TRIAL_ROWS)
    targets, ones = rng.integers(0, vocab_size, _TRIAL_ROWS).astype(np.int32), np.ones(_TRIAL_ROWS, np.int64)
    begin = time.perf_counter()
    softmax.step(H, W_out, rows, targets, ones, 1e-9)
    # a minibatch of skip-gram has about twice as many rows as windows, one for each different word
    n_rows = n_windows * (1 if config.model == "cbow" else 2)
    return (time.perf_counter() - begin) / _TRIAL_ROWS * n_rows


def _to_errors(scores: NDArray[np.float32], n_targets: NDArray[np.float32]) -> float:
    """Replace each row of scores (B, V) by n_b y_b; return the sum of n_b log sum exp."""
    most = scores.max(axis=1, keepdims=True)
    scores -= most
    np.exp(scores, out=scores)
    sums = scores.sum(axis=1, keepdims=True)
    scores *= n_targets[:, None] / sums
    return float((n_targets * (np.log(sums) + most)[:, 0]).sum(dtype=np.float64))


def _batches(
    text: Text, tables: Tables, settings: Settings, job: Job
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], float]]:
    """Yield minibatches of windows that have contexts.

    Each is the centers (B,), for every context the row of its center (P,), the contexts (P,), and the learning
    rate.
    """
    window, piece, pos = settings.window, allocate_piece(settings), job.start
    while pos < job.stop:
        pos, n_centers = gather_piece(text, tables.keep_prob, job, settings, pos, job.stop, piece)
        for first in range(0, n_centers, BATCH_WINDOWS):
            some = slice(first, min(first + BATCH_WINDOWS, n_centers))
            begins, lengths = piece.begins[some], piece.ends[some] - piece.begins[some]
            places = np.repeat(begins - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
            centers = np.arange(window + some.start, window + some.stop)
            rows = np.repeat(np.arange(lengths.size), lengths)
            is_context = places != centers[rows]
            has_contexts = lengths > 1
            rows = (np.cumsum(has_contexts) - 1)[rows[is_context]]
            if rows.size:
                alpha = float(piece.alphas[some].mean())
                yield piece.kept_ids[centers[has_contexts]], rows, piece.kept_ids[places[is_context]], alpha
