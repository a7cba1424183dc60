"""From what the user asks for to a plan: text becomes shards, defaults are chosen, what cannot work is refused."""

import dataclasses
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from w2vfast.corpus.container import load_corpus
from w2vfast.corpus.reading import ReadingOptions, ReadingReport
from w2vfast.distributed.engine import Engine, Worker, describe_worker
from w2vfast.distributed.plan import BLOCK_BYTES, Plan, Shard
from w2vfast.distributed.reading import (
    Encoded,
    File,
    choose_vocab,
    count_parts,
    cut,
    encode_shard,
    merge_counts,
    total_report,
)
from w2vfast.distributed.rounds import sentence_end
from w2vfast.distributed.store import crc_of, fetch
from w2vfast.errors import CorpusError, OutOfMemoryError, UsageError
from w2vfast.kernels.vector import LANES
from w2vfast.training.config import TrainConfig
from w2vfast.training.heldout import too_short
from w2vfast.training.monitor import Monitor, human
from w2vfast.vocab import Vocab
from w2vfast.wording import counted

T = TypeVar("T")
#: More replicas have not been shown to keep the quality of one machine: benchmarks/distributed.py.
MOST_REPLICAS = 4
DEFAULT_ROUNDS = 64
#: What part of a round's change is made again in the next one, if there are several replicas.
MOMENTUM = 0.25
_MERGED_AT_ONCE = 8  # tables of counts


@dataclass(frozen=True)
class ShardedCorpus:
    """A text in shards."""

    shards: tuple[Shard, ...]
    vocab: Vocab
    n_sentences: int
    report: ReadingReport
    names: tuple[str, ...]
    sample_sha256: str
    count_bound: int = 0  # by so much a count may be too small, where tables were too large to be kept whole

    @property
    def n_tokens(self) -> int:
        """Number of tokens in the vocabulary, N."""
        return sum(shard.n_tokens for shard in self.shards)


def check_options(config: TrainConfig, n_replicas: int, *, force: bool) -> None:
    """Refuse what training in rounds cannot do.

    Raises
    ------
    UsageError
        With the reason.
    """
    if config.loss == "softmax":
        raise UsageError(
            "--workers cannot train the full softmax, whose steps change every row; use --loss ns or hs"
        )
    if config.deterministic:
        raise UsageError(
            "--deterministic is for one machine; with --workers, --threads 1 gives the same file each time"
        )
    if n_replicas > MOST_REPLICAS and not force:
        raise UsageError(
            f"--replicas {n_replicas}: about the quality of one machine has been shown for up to {MOST_REPLICAS} "
            f"only, with 8 it falls; more workers than replicas stand by. --force trains nevertheless"
        )


def check_workers(workers: dict[str, Worker], plan: Plan, monitor: Monitor, *, force: bool) -> None:
    """Refuse workers of other versions or without the memory that a replica needs.

    Raises
    ------
    UsageError, OutOfMemoryError
        With the worker's name, what it has and what is needed.
    """
    here, memory = describe_worker(), memory_for(workers, plan.n_replicas)
    needed = replica_bytes(plan.vocab_size, plan.config.dim, plan.n_replicas)
    for name, worker in workers.items():
        differ = [
            f"{package} {version} (here {here.versions[package]})"
            for package, version in worker.versions.items()
            if version != here.versions.get(package)
        ]
        if any(text.startswith("w2vfast") for text in differ):
            raise UsageError(f"{name} has {', '.join(differ)}; install the same version everywhere")
        if differ:
            monitor.note(f"warning: {name} has {', '.join(differ)}: results may differ in their last bits")
        if memory.get(name, needed) < needed:
            what = f"{name} has {human(memory[name], 'B')} of memory, a replica needs {human(needed, 'B')}"
            if not force:
                raise OutOfMemoryError(f"{what}; use a smaller --dim or a larger --min-count, or --force to try")
            monitor.note(f"warning: {what}")
    if len({worker.cpu for worker in workers.values()}) > 1:
        monitor.note("the workers have different processors: the same run may differ in its last bits")


def threads_for(workers: dict[str, Worker]) -> int:
    """Return the threads of a replica that every worker has CPUs for; workers of one machine share its CPUs."""
    n_here = Counter(worker.host for worker in workers.values())
    return max(1, min(worker.n_cpus // n_here[worker.host] for worker in workers.values()))


def memory_for(workers: dict[str, Worker], n_replicas: int) -> dict[str, int]:
    """Return the bytes of memory for a replica on each worker, where known; one machine's workers share them."""
    n_here = Counter(worker.host for worker in workers.values())
    return {
        name: worker.memory_bytes // min(n_here[worker.host], n_replicas)
        for name, worker in workers.items()
        if worker.memory_bytes is not None
    }


def replica_bytes(vocab_size: int, dim: int, n_replicas: int) -> int:
    """Return the memory that a worker needs: two models, and the outcomes of all replicas for a block of rows."""
    model = 8 * vocab_size * (dim + LANES)
    return 2 * model + min(model, BLOCK_BYTES) * (n_replicas + 1)


def make_plan(
    corpus: ShardedCorpus, config: TrainConfig, store: str, n_replicas: int, n_rounds: int, engine: Engine,
    frozen: frozenset[str] = frozenset(),
) -> Plan:  # fmt: skip
    """Return the plan of a new run.

    Raises
    ------
    CorpusError
        The text is too short for so many replicas, or to hold any of it out.
    """
    n_tokens = _trained_tokens(corpus, config.held_out, engine)
    if n_tokens // n_replicas == 0:
        raise CorpusError(f"{counted(n_tokens, 'token')} are too few for {n_replicas} replicas")
    n_rounds = min(n_rounds, n_tokens // n_replicas)
    momentum = MOMENTUM if n_replicas > 1 else 0.0
    return Plan(
        uuid.uuid4().hex, store, config, corpus.shards, n_tokens, len(corpus.vocab), n_replicas, n_rounds,
        momentum, frozen_ids(corpus.vocab, frozen),
    )  # fmt: skip


def frozen_ids(vocab: Vocab, words: Collection[str]) -> tuple[int, ...]:
    """Return the numbers of the words that keep their vectors, where the vocabulary has them."""
    return tuple(i for i in vocab.find(sorted(words)) if i is not None)


def _trained_tokens(corpus: ShardedCorpus, held_out: float, engine: Engine) -> int:
    """Return the number of tokens before those that are held out: whole sentences at the end."""
    if held_out == 0:
        return corpus.n_tokens
    wanted, first = round(corpus.n_tokens * (1 - held_out)), 0
    for shard in corpus.shards:
        if wanted <= first + shard.n_tokens:
            first += int(engine.get([engine.submit(sentence_end, shard, wanted - first)])[0])
            break
        first += shard.n_tokens
    if not 0 < first < corpus.n_tokens:
        raise too_short(held_out)
    return first


def container(file: File) -> ShardedCorpus:
    """Return an encoded corpus as the only shard."""
    corpus, names = load_corpus(fetch(file.url)), (file.name,)
    shards = (Shard(file.url, corpus.n_tokens, crc_of(corpus.ids)),)
    return ShardedCorpus(shards, corpus.vocab, corpus.n_sentences, corpus.report, names, corpus.sample_sha256)


def encode_text(
    files: Sequence[File], options: ReadingOptions, n_replicas: int, store: str, engine: Engine,
    wait: Callable[[Sequence[Any]], None],
) -> ShardedCorpus:  # fmt: skip
    """Count, choose and encode on the workers; ``wait`` waits for results.

    Raises
    ------
    CorpusError
        There is nothing to train on.
    """
    parts = cut(files, n_replicas)
    if not parts:
        raise CorpusError(f"{files[0].name if len(files) == 1 else f'{len(files)} files'} has no words")
    counts = [engine.submit(count_parts, part, options) for part in parts] if options.vocab is None else []
    table = _merged(counts, engine)
    chosen = engine.submit(choose_vocab, table, options)
    wait([chosen])
    vocab: Vocab = engine.get([chosen])[0]
    if len(vocab) < 2:
        raise CorpusError(
            f"the text has {counted(len(vocab), 'word')} that occur {options.min_count:,} times or more, 2 are "
            "needed; try --min-count 1"
        )
    bare = dataclasses.replace(options, vocab=None)
    running = [
        engine.submit(encode_shard, part, bare, chosen, store, f"shards/{number:05d}.w2vc")
        for number, part in enumerate(parts)
    ]
    wait(running)
    encoded: list[Encoded] = engine.get(running)
    shards = [found.shard for found in encoded if found.shard is not None]
    if sum(shard.n_tokens for shard in shards) == sum(found.n_sentences for found in encoded):
        raise CorpusError("no line has two known words, so there are no contexts; a line is a sentence")
    whole = None if table is None else engine.get([table])[0]
    report = total_report([found.report for found in encoded], whole, len(vocab))
    names = tuple(file.name for file in files)
    n_sentences = sum(found.n_sentences for found in encoded)
    bound = 0 if whole is None else whole.bound
    return ShardedCorpus(tuple(shards), vocab, n_sentences, report, names, encoded[0].sample_sha256, bound)


def _merged(tables: Sequence[T], engine: Engine) -> T | None:
    """Return one table of counts, merged a few at a time, in order."""
    while len(tables) > 1:
        tables = [
            engine.submit(merge_counts, list(tables[i : i + _MERGED_AT_ONCE]))
            for i in range(0, len(tables), _MERGED_AT_ONCE)
        ]
    return tables[0] if tables else None
