"""Training that gives the same bytes with any number of threads.

The text of a round is cut into pieces, one a replica. Each replica trains on a copy of the matrices, one token
after the other; then the copies are merged in a fixed order (``kernels.merging``), and the next round begins. How
many replicas there are, and how long a round is, depends on the text and the options only: threads do no more than
share the replicas among them.

A replica that sees too little text pulls the vectors its own way: with 5 epochs of 1M words two replicas lose 2
points of similarity; with 17M words four lose 2 of skip-gram's analogies. So short runs have one.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2vfast.kernels.arguments import Job, Model, Settings, Tables, Text
from w2vfast.kernels.merging import CURVATURE, merge_rows
from w2vfast.kernels.shards import shard_bounds
from w2vfast.training.config import TrainConfig
from w2vfast.training.matrices import aligned_zeros
from w2vfast.training.tables import noise_distribution

#: As many replicas as a run may have, and the tokens, over all epochs, that each must have.
MOST_REPLICAS = 4
REPLICA_TOKENS = 10_000_000
#: Tokens of a replica in a round: by default, and at least if windows are large and dear.
ROUND_TOKENS, LEAST_ROUND_TOKENS = 50_000, 1_000
# shards that share a handful of rows overwrite each other's steps: with 2 words and 2 threads a run diverges
_WORDS_A_SHARD = 16
_ROWS_A_TOKEN = 4  # or as many as a fourth of the vocabulary: merging goes over all rows
_USUAL_WORK = 100 * 5 * 6  # dim x window x outputs
_MERGED_ROWS = 4096  # by a thread at a time


def count_shards(config: TrainConfig, n_tokens: int, vocab_size: int) -> int:
    """Return how many parts a text of so many tokens, over all epochs, is cut into: one a thread or a replica."""
    if config.loss == "softmax":  # goes through the text in order, each step on all threads
        return 1
    n_shards = min(MOST_REPLICAS, n_tokens // REPLICA_TOKENS) if config.deterministic else config.threads or 1
    return max(1, min(n_shards, vocab_size // _WORDS_A_SHARD))


def round_tokens(vocab_size: int, config: TrainConfig, window: int) -> int:
    """Return how many tokens a replica trains before it is merged."""
    usual = max(ROUND_TOKENS, vocab_size // _ROWS_A_TOKEN)
    return max(LEAST_ROUND_TOKENS, min(usual, usual * _USUAL_WORK // (config.dim * window * (config.neg + 1))))


class Replicas:
    """Copies of a model that are trained apart and merged.

    Parameters
    ----------
    train_shard
        The kernel of an objective.
    model
        Trained by ``train``; between two calls nobody else may change it.
    tables
        Those of the run.
    counts
        Of the words, int64 (V,).
    config
        A resolved configuration.
    n_replicas
        How many.
    """

    def __init__(
        self, train_shard: Callable[..., Any], model: Model, tables: Tables, counts: NDArray[np.int64],
        config: TrainConfig, n_replicas: int,
    ) -> None:  # fmt: skip
        self._train_shard, self._model, self._n_replicas = train_shard, model, n_replicas
        self._copies = [np.concatenate([matrix] * n_replicas, out=_like(matrix, n_replicas)) for matrix in model]
        self._updates = expected_updates(tables, counts, config)
        self._pool = ThreadPoolExecutor(min(config.threads or 1, n_replicas), "replica")

    def train(
        self, text: Text, tables: Tables, settings: Settings, job: Job, states: NDArray[np.uint64],
        losses: NDArray[np.float64], n_pairs: NDArray[np.int64],
    ) -> None:  # fmt: skip
        """Train on a job, as ``kernels.shards.train_chunk`` does, with a replica in place of a thread's shard."""

        def train_replica(k: int) -> None:
            bounds = shard_bounds(job, k, self._n_replicas)
            own = Model(*(matrix.reshape(self._n_replicas, -1, matrix.shape[1])[k] for matrix in self._copies))
            found = self._train_shard(own, text, tables, settings, job, bounds, states[k])
            states[k], losses[k], n_pairs[k, 0], n_pairs[k, 1] = found

        list(self._pool.map(train_replica, range(self._n_replicas)))
        alpha, pairs = job.alpha + job.alpha_slope * job.start, float(n_pairs[:, 1].mean())
        self._merge(CURVATURE * alpha * pairs)

    def _merge(self, strength: float) -> None:
        """Merge all rows of both matrices."""
        n_rows = len(self._model.W)
        for matrix, copies, updates in zip(self._model, self._copies, self._updates, strict=True):

            def merge(begin: int, of: tuple[Any, ...] = (matrix, copies, updates)) -> None:
                merge_rows(*of, strength, begin, min(begin + _MERGED_ROWS, n_rows))

            list(self._pool.map(merge, range(0, n_rows, _MERGED_ROWS)))


def expected_updates(
    tables: Tables, counts: NDArray[np.int64], config: TrainConfig
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many steps each row of W and of W_out takes, float64 (V,) each: expected, for one pair."""
    weights = np.asarray(counts * tables.keep_prob.astype(np.float64))
    seen = weights / weights.sum()
    if config.loss == "hs":  # a node is seen with each word below it
        below = np.repeat(seen, np.diff(tables.path_offsets))
        return seen, np.bincount(tables.nodes, below, minlength=len(counts)).astype(np.float64)
    return seen, seen + config.neg * noise_distribution(counts, config.neg_exponent)


def _like(matrix: NDArray[np.float32], n_copies: int) -> NDArray[np.float32]:
    """Return room for copies of a matrix, below each other."""
    return aligned_zeros(n_copies * len(matrix), matrix.shape[1])
