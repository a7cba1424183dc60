"""The work of a round, as pure functions: what they return depends on their arguments only.

Every replica reads the model that the round begins with, trains on its piece of the text and keeps the outcome on
its worker. Then, block after block of rows, the outcomes of all replicas are merged (``kernels.merging``) and
written to the store. So no machine ever sends or takes more than one model's worth of rows, and whatever is lost
can be computed again, by anybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from w2vfast import _jit
from w2vfast.corpus.container import load_corpus
from w2vfast.corpus.encoded import EncodedCorpus
from w2vfast.distributed.engine import OnTokens
from w2vfast.distributed.plan import Plan, Shard
from w2vfast.distributed.store import Store, crc_of, fetch, octets_of
from w2vfast.errors import FormatError
from w2vfast.kernels.arguments import Job, Model, Settings, Tables, Text
from w2vfast.kernels.merging import CURVATURE, merge_rows
from w2vfast.kernels.shards import train_chunk
from w2vfast.training.config import TrainConfig
from w2vfast.training.heldout import HeldOut
from w2vfast.training.inputs import kernel_inputs
from w2vfast.training.matrices import aligned_zeros
from w2vfast.training.replicas import count_shards, expected_updates
from w2vfast.training.shuffling import Shuffler
from w2vfast.training.tables import with_frozen
from w2vfast.training.trainer import KERNELS

_CHUNK_TOKENS = 1_000_000  # of a thread: a call must not take long, or progress and heartbeats would be late
_SHARDS_STREAM, _KEYS_STREAM = 5, 6  # of the seed


@dataclass(frozen=True)
class Stats:
    """What training of a replica in a round came to."""

    loss_sum: float
    n_measured: int
    n_pairs: int
    attempt: str  # tells one doing of the same work from another where threads make them differ


@dataclass(frozen=True)
class Trained:
    """The outcome of a replica's training."""

    model: NDArray[np.float32]  # (2, V, D) W and W_out
    stats: Stats


@dataclass(frozen=True)
class Block:
    """Rows of the model after a round, as they lie in the store."""

    name: str
    crc32: str
    norm: float  # the largest of a row; NaN if a value is not finite
    attempts: tuple[str, ...]


def train_replica(
    plan: Plan, round_number: int, replica: int, blocks: Sequence[str], on_tokens: OnTokens
) -> Trained:
    """Train a replica on its piece of the text.

    Parameters
    ----------
    plan
        Of the run.
    round_number, replica
        From 0; rounds are counted over all epochs.
    blocks
        Names of the blocks of the model that the round begins with.
    on_tokens
        Told how many tokens have been trained on since the last call.
    """
    epoch, number = divmod(round_number, plan.n_rounds)
    both = read_blocks(plan, blocks)
    model = Model(both[0], both[1])
    n_threads = count_shards(plan.config, plan.n_tokens, plan.vocab_size)
    _jit.use_threads(n_threads)
    states = np.array([plan.seed(_SHARDS_STREAM, round_number, replica, i) for i in range(n_threads)])
    loss_sum, n_measured, n_pairs, (first, last) = 0.0, 0, 0, plan.piece(replica, number)
    before = plan.tokens_before(round_number)
    for span in plan.spans(first, last):
        text, tables, settings = _inputs(plan, span.shard, epoch, n_threads)
        if plan.frozen:
            tables = with_frozen(tables, np.array(plan.frozen), model, has_words_out=plan.config.loss != "hs")
        alpha = plan.alpha_at(before + plan.n_replicas * (span.first - first))  # the others are as far
        slope = plan.n_replicas * (plan.alpha_at(1) - plan.alpha_at(0))
        key = plan.seed(_KEYS_STREAM, epoch, span.shard)
        for begin in range(span.begin, span.end, _CHUNK_TOKENS * n_threads):
            end = min(begin + _CHUNK_TOKENS * n_threads, span.end)
            losses, pairs = np.zeros(n_threads), np.zeros((n_threads, 2), np.int64)
            job, kernel = Job(begin, end, key, alpha, slope), KERNELS[plan.config.model].train_shard
            train_chunk(kernel, model, text, tables, settings, job, states, losses, pairs)
            loss_sum += float(losses.sum())
            n_measured, n_pairs = n_measured + int(pairs[:, 0].sum()), n_pairs + int(pairs[:, 1].sum())
            on_tokens(end - begin)
    attempt = uuid4().hex if n_threads > 1 else ""
    return Trained(both, Stats(loss_sum, n_measured, n_pairs, attempt))


def stats_of(trained: Trained) -> Stats:
    """Return the small part of an outcome."""
    return trained.stats


def block_of(plan: Plan, block: int, trained: Trained) -> NDArray[np.float32]:
    """Return the rows of a block."""
    begin, end = plan.rows(block)
    return trained.model[:, begin:end]


def merge_block(
    plan: Plan,
    round_number: int,
    block: int,
    names: tuple[str, str],
    stats: Sequence[Stats],
    outcomes: Sequence[NDArray[np.float32]],
) -> Block:
    """Merge the replicas' rows of a block, in the order of the replicas, and write them to the store.

    With x_r the rows after round r and m the merging of ``kernels.merging``, they become

        x_r = m(x_{r-1}, outcomes) + momentum (x_{r-1} - x_{r-2})

    (Polyak, 1964): averaging replicas makes the steps of frequent rows too short, and this makes up for it.

    Parameters
    ----------
    plan, round_number, block
        Which block.
    names
        Of the block as it was when the round before began, and when this one began.
    stats, outcomes
        Of each replica: its figures, and its rows (2, B, D).
    """
    base = _read_block(plan, block, names[1])
    step = None
    if plan.momentum:
        step = _read_block(plan, block, names[0])
        np.subtract(base, step, out=step)
        step *= np.float32(plan.momentum)
    begin, end = plan.rows(block)
    alpha = plan.alpha_at(plan.tokens_before(round_number))
    strength = CURVATURE * alpha * sum(s.n_pairs for s in stats) / len(stats)
    for part, updates in enumerate(_updates(plan)):
        copies = np.concatenate([outcome[part] for outcome in outcomes])
        merge_rows(base[part], copies, updates[begin:end], strength, 0, end - begin)
    if step is not None:
        base += step
    return write_block(plan, round_number, block, base, tuple(s.attempt for s in stats))


def write_block(
    plan: Plan, round_number: int, block: int, rows: NDArray[np.float32], attempts: tuple[str, ...] = ()
) -> Block:
    """Write a block of the model after a round; its name has its checksum, so nothing is ever overwritten."""
    crc = crc_of(rows)
    name = f"{folder_of(round_number)}/block-{block:05d}-{crc}.f32"
    Store(plan.store).put(name, octets_of(rows))
    norm = float(np.sqrt(np.einsum("pij,pij->pi", rows, rows).max(initial=0)))
    return Block(name, crc, norm, attempts)


def folder_of(round_number: int) -> str:
    """Return the folder of the model after a round; -1 is the one that the run begins with."""
    return f"round-{round_number + 1:08d}"


def read_blocks(plan: Plan, blocks: Sequence[str]) -> NDArray[np.float32]:
    """Return W and W_out, (2, V, D), from the names of their blocks."""
    both = aligned_zeros(2 * plan.vocab_size, plan.width).reshape(2, plan.vocab_size, plan.width)
    for block, name in enumerate(blocks):
        begin, end = plan.rows(block)
        Store(plan.store).read_into(name, *(octets_of(matrix[begin:end]) for matrix in both))
    return both


def check_block(plan: Plan, block: int, name: str, crc32: str) -> bool:
    """Tell whether a block in the store is what was written."""
    return crc_of(_read_block(plan, block, name)) == crc32


def _read_block(plan: Plan, block: int, name: str) -> NDArray[np.float32]:
    rows = np.empty(plan.block_shape(block), np.float32)
    Store(plan.store).read_into(name, octets_of(rows))
    return rows


def held_out_loss(plan: Plan, blocks: Sequence[str]) -> float:
    """Return the mean loss of a pair on the text that is not trained on."""
    both, total, n_pairs = read_blocks(plan, blocks), 0.0, 0
    n_all = sum(shard.n_tokens for shard in plan.shards)
    for span in plan.spans(plan.n_tokens, n_all):
        text, tables, settings = _inputs(plan, span.shard, 0, 1)
        train_on = _train_on(plan.config)
        held_out = HeldOut(train_on, text, tables, settings, span.begin, span.end, n_all - plan.n_tokens)
        loss_sum, pairs = held_out.sums(Model(both[0], both[1]))
        total, n_pairs = total + loss_sum, n_pairs + pairs
    return total / n_pairs if n_pairs else float("nan")


def sentence_end(shard: Shard, wanted: int) -> int:
    """Return the first end of a sentence in a shard that is not before a position."""
    offsets = open_shard(shard).offsets
    return int(offsets[np.searchsorted(offsets, wanted)])


@lru_cache(maxsize=4)
def open_shard(shard: Shard) -> EncodedCorpus:
    """Return a shard, fetched to this machine, checked, and mapped into memory.

    Raises
    ------
    FormatError
        It is damaged, or another one than the run was begun with.
    """
    corpus = load_corpus(fetch(shard.url))
    if crc_of(corpus.ids) != shard.crc32:
        raise FormatError(f"{shard.url} has changed since the run was begun")
    return corpus


def _train_on(config: TrainConfig) -> Any:
    def train_on(*args: Any) -> None:
        train_chunk(KERNELS[config.model].train_shard, *args)

    return train_on


def _inputs(plan: Plan, shard: int, epoch: int, n_threads: int) -> tuple[Text, Tables, Settings]:
    """Return what a kernel takes to train on a shard in an epoch."""
    corpus, (tables, settings) = open_shard(plan.shards[shard]), _tables(plan, shard, n_threads)
    shuffler = _shuffler(plan, shard)
    text = Text(corpus.ids, corpus.offsets) if shuffler is None else shuffler.text(epoch)
    return text, tables, settings


@lru_cache(maxsize=2)
def _tables(plan: Plan, shard: int, n_threads: int) -> tuple[Tables, Settings]:
    return kernel_inputs(open_shard(plan.shards[shard]), plan.config, n_threads)


@lru_cache(maxsize=2)
def _shuffler(plan: Plan, shard: int) -> Shuffler | None:
    if not plan.config.shuffle:
        return None
    corpus, first = open_shard(plan.shards[shard]), sum(s.n_tokens for s in plan.shards[:shard])
    n_trained = max(0, min(corpus.n_tokens, plan.n_tokens - first))
    return Shuffler(Text(corpus.ids, corpus.offsets), n_trained, plan.config.seed)


@lru_cache(maxsize=1)
def _updates(plan: Plan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    tables, _ = _tables(plan, 0, 1)
    return expected_updates(tables, open_shard(plan.shards[0]).vocab.counts, plan.config)
