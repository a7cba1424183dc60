"""The beginning and the end of a run in rounds: new or resumed, to a model file."""

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from w2vfast.corpus.reading import ReadingReport
from w2vfast.distributed import prepare, rounds
from w2vfast.distributed.engine import Engine, Worker, workers_of
from w2vfast.distributed.manifest import NAME, Manifest, Standing, read_manifest
from w2vfast.distributed.plan import Plan
from w2vfast.distributed.reading import File
from w2vfast.distributed.run import ClusterRun, wait_for
from w2vfast.distributed.store import Store
from w2vfast.errors import ClusterError, FormatError, Interrupted, UsageError
from w2vfast.model.embeddings import Embeddings
from w2vfast.system.signals import StopRequests
from w2vfast.system.staging import Staging
from w2vfast.training.config import TrainConfig
from w2vfast.training.matrices import initial_model
from w2vfast.training.messages import describe, warn
from w2vfast.training.monitor import Monitor, human
from w2vfast.training.outputs import refuse_replacing
from w2vfast.training.result import corpus_facts, score
from w2vfast.training.run import Keeping, finish
from w2vfast.training.state import RunState
from w2vfast.training.tables import untrained_loss
from w2vfast.wording import counted

_PROBE, _SHARDS, _ROUNDS = "probe", "shards", "round-*"
_CLAIM = "w2vfast-run"  # lies in a folder that holds nothing but a run, begun or broken off


@dataclass(frozen=True)
class Options:
    """What a run in rounds needs to know beside the configuration."""

    store: str  # URL or absolute path of what all workers reach
    n_replicas: int | None = None  # by default the number of workers, up to MOST_REPLICAS
    n_rounds: int | None = None  # in an epoch
    given: dict[str, Any] = dataclasses.field(default_factory=dict)  # parameters that a resumed run must have
    resume: bool = False


def train_to_file(
    files: Sequence[File], config: TrainConfig, monitor: Monitor, output: str, keeping: Keeping, options: Options,
    engine: Engine, **lists: Any,
) -> Embeddings:  # fmt: skip
    """Train on an engine and write the model file; ``training.run.train_to_file`` for several machines.

    ``config`` is as the user gave it, not resolved: learning rate and threads depend on replicas and workers.

    Raises
    ------
    UsageError
        Something cannot be trained in rounds; or a resumed run has other options.
    ClusterError
        The cluster was lost; the rounds that are done are safe.
    """
    if not keeping.replaces:
        refuse_replacing(output)
    if any(os.path.exists(output) and _is_same(file.url, output) for file in files):
        raise UsageError(f"the output {os.fspath(output)} is one of the inputs")
    with Staging(output, replaces=keeping.replaces) as staging:
        begin = time.perf_counter()
        run = start(files, config, monitor, keeping, options, engine, **lists)
        train = partial(_train_and_keep, run, staging.name, keeping)
        in_rounds = {"replicas": run.plan.n_replicas, "rounds": run.plan.n_rounds}
        return finish(run, train, staging, keeping, begin, in_rounds)


def start(
    files: Sequence[File], config: TrainConfig, monitor: Monitor, keeping: Keeping, options: Options,
    engine: Engine, **lists: Any,
) -> ClusterRun:  # fmt: skip
    """Return a run that stands at its beginning, or where an older one stopped."""
    workers = workers_of(engine)
    if not workers:
        raise ClusterError("no worker answers; on all of them w2vfast must be installed")
    n_machines = len({worker.host for worker in workers.values()})
    monitor.note(f"workers: {len(workers)}, machines: {n_machines}")
    found = read_manifest(options.store)
    if options.resume:
        if found is None:
            raise UsageError(f"there is no run in {options.store} to resume; start without --resume")
        _check_store(options.store, engine)
        run = _resumed(found, files, keeping, options, engine, monitor)
        prepare.check_workers(workers, run.plan, monitor, force=keeping.force)
        return run
    if found is not None:
        raise UsageError(f"{options.store} holds a run; --resume goes on with it, or give another --checkpoint")
    _claim(Store(options.store))
    try:
        _check_store(options.store, engine)
        return _begun(files, config, monitor, keeping, options, engine, workers, lists)
    except BaseException:  # also Ctrl-C: without a manifest nothing of this is of any use
        Store(options.store).remove([_SHARDS, _ROUNDS, _CLAIM], with_folder=True)
        raise


def _begun(
    files: Sequence[File], config: TrainConfig, monitor: Monitor, keeping: Keeping, options: Options,
    engine: Engine, workers: dict[str, Worker], lists: dict[str, Any],
) -> ClusterRun:  # fmt: skip
    """Return a new run, with its manifest written."""
    n_replicas = options.n_replicas or max(1, min(len(workers), prepare.MOST_REPLICAS))
    prepare.check_options(config, n_replicas, force=keeping.force)
    threads = config.threads or prepare.threads_for(workers)
    config = dataclasses.replace(config, threads=threads).resolved()
    if keeping.base is not None:
        lists["keep_words"] = keeping.base.words | lists.get("keep_words", frozenset())
    corpus = _read(files, config, n_replicas, options, engine, lists)
    describe(corpus, config, monitor)
    warn(corpus.report, len(corpus.names), config.reading(), monitor)
    if corpus.count_bound:
        monitor.note(f"warning: rare words were forgotten: a count may be too small by {corpus.count_bound:,}")
    n_rounds = options.n_rounds or prepare.DEFAULT_ROUNDS
    plan = prepare.make_plan(corpus, config, options.store, n_replicas, n_rounds, engine, keeping.frozen)
    prepare.check_workers(workers, plan, monitor, force=keeping.force)
    monitor.note(
        f"{n_replicas} replicas, {plan.n_rounds} rounds an epoch of "
        f"{human(plan.n_tokens / plan.n_rounds / n_replicas)} tokens for each, learning rate {config.alpha:g}"
        + (f", momentum {plan.momentum:g}" if plan.momentum else "")
    )
    base = None if keeping.base is None else keeping.base.fingerprint
    facts = {**corpus_facts(corpus), "report": dataclasses.asdict(corpus.report)}
    manifest = Manifest(plan, facts, base, _first_standing(plan, corpus, keeping, monitor))
    manifest.write()
    return ClusterRun(manifest, corpus, engine, monitor)


def _claim(store: Store) -> None:
    """Make a folder that of a run, unless it holds files of somebody else, which would be deleted in the end.

    Raises
    ------
    UsageError
        It does.
    """
    found = store.names()
    if found and _CLAIM not in found:
        raise UsageError(f"{store.url} has files in it, such as {found[0]}; give an empty folder for the run")
    store.put_json(_CLAIM, "This folder holds a run of w2vfast, and is deleted when its model is there.")


def _is_same(url: str, output: str) -> bool:
    return os.path.exists(url) and os.path.samefile(url, output)


def _check_store(store: str, engine: Engine) -> None:
    """Make sure that every worker sees what is written to the store.

    Raises
    ------
    UsageError
        One does not.
    """
    token = uuid4().hex
    Store(store).put_json(_PROBE, token)
    try:
        seen_by = engine.on_each(_probe, store)
    finally:
        Store(store).remove([_PROBE], with_folder=True)
    for name, seen in seen_by.items():
        if seen != token:
            why = f" ({seen})" if isinstance(seen, Exception) else ""
            raise UsageError(
                f"{name} does not see {store}{why}; --checkpoint needs a folder or URL of all workers"
            )


def _probe(store: str) -> Any:
    return Store(store).get_json(_PROBE)


def _read(
    files: Sequence[File], config: TrainConfig, n_replicas: int, options: Options, engine: Engine,
    lists: dict[str, Any],
) -> prepare.ShardedCorpus:  # fmt: skip
    """Return the text in shards."""
    encoded = [file for file in files if file.is_encoded]
    if not encoded:
        wait = partial(wait_for, engine)
        reading = config.reading(**lists)
        return prepare.encode_text(files, reading, n_replicas, options.store, engine, wait)
    if len(files) > 1:
        raise UsageError("an encoded corpus must be the only input")
    return prepare.container(encoded[0])


def _first_standing(plan: Plan, corpus: prepare.ShardedCorpus, keeping: Keeping, monitor: Monitor) -> Standing:
    """Write the model that the first round begins with."""
    model = initial_model(plan.vocab_size, plan.config.dim, plan.config.seed)
    if keeping.base is not None:
        keeping.base.fill(model, corpus.vocab, plan.config, monitor)
    if plan.frozen:
        monitor.note(f"vectors kept: {counted(len(plan.frozen), 'word')} (--freeze)")
    blocks = []
    for block in range(plan.n_blocks):
        begin, end = plan.rows(block)
        written = rounds.write_block(plan, -1, block, np.stack([matrix[begin:end] for matrix in model]))
        blocks.append((written.name, written.crc32))
    untrained = untrained_loss(plan.config, corpus.vocab.counts)
    state = RunState(np.empty(0, np.uint64), plan.total, last_loss=untrained)
    return Standing(0, tuple(blocks), tuple(blocks), state.numbers())


def _resumed(
    found: Manifest, files: Sequence[File], keeping: Keeping, options: Options, engine: Engine, monitor: Monitor
) -> ClusterRun:
    """Return a run where its manifest says it stands; where the round before did, if the last one is damaged."""
    _check_same(found, files, keeping, options)
    for standing in (found.last, found.previous):
        if standing is None:
            continue
        needed = [*enumerate(standing.blocks), *enumerate(standing.before)]
        checks = [engine.submit(_is_whole, found.plan, i, *block) for i, block in needed]
        if all(engine.get(checks)):
            share = standing.progress["done"] / found.plan.total
            monitor.note(f"going on at {100 * share:.1f} %")
            manifest = dataclasses.replace(found, last=standing, previous=None)
            return ClusterRun(manifest, _corpus_of(found), engine, monitor)
        monitor.note("warning: the last round is damaged")
    raise FormatError(f"the model in {options.store} is damaged; start anew in another folder")


def _check_same(found: Manifest, files: Sequence[File], keeping: Keeping, options: Options) -> None:
    """Raise a UsageError if a run is to be resumed with something else than it was begun with."""
    plan, about = found.plan, found.corpus
    known = {**dataclasses.asdict(plan.config), "replicas": plan.n_replicas, "rounds": plan.n_rounds}
    given = {**options.given, "replicas": options.n_replicas, "rounds": options.n_rounds}
    differ = [
        f"--{name.replace('_', '-')} {value} (was {known[name]})"
        for name, value in given.items()
        if value is not None and value != known[name]
    ]
    if differ:
        raise UsageError(f"cannot resume with other options: {', '.join(differ)}")
    names = tuple(file.name for file in files)
    if names != tuple(about["names"]):
        raise UsageError(f"cannot resume: the run was begun with {', '.join(about['names'][:3])}")
    base = None if keeping.base is None else keeping.base.fingerprint
    if base != found.base:
        raise UsageError(
            f"cannot resume: the run went on from {found.base or 'no model'}, not from {base or 'none'} (--from)"
        )
    if keeping.frozen or plan.frozen:
        frozen = prepare.frozen_ids(rounds.open_shard(plan.shards[0]).vocab, keeping.frozen)
        if frozen != plan.frozen:
            now, was = counted(len(frozen), "word"), f"{len(plan.frozen):,}, perhaps others"
            raise UsageError(f"cannot resume: words that keep their vectors: {now} (was {was}) (--freeze)")


def _corpus_of(found: Manifest) -> prepare.ShardedCorpus:
    about, shards = found.corpus, found.plan.shards
    vocab, report = rounds.open_shard(shards[0]).vocab, ReadingReport(**about["report"])
    return prepare.ShardedCorpus(
        shards, vocab, about["sentences"], report, tuple(about["names"]), about["sha256_of_first_mib"]
    )


def _is_whole(plan: Plan, block: int, name: str, crc32: str) -> bool:
    """Tell whether a block is in the store as it was written."""
    try:
        return rounds.check_block(plan, block, name, crc32)
    except FormatError:
        return False


def _train_and_keep(run: ClusterRun, name: str, keeping: Keeping, stop: StopRequests) -> Callable[[], None]:
    """Train; say how to go on if a signal ends the run. Returns what cleans up after the model is saved."""
    run.stop, store = stop, Store(run.plan.store)

    def after_round(run: ClusterRun) -> None:
        if keeping.tests and run.state.done % run.n_tokens == 0:
            score(run, keeping.base, keeping.tests)
        if stop.number is not None:
            raise Interrupted(stop.number)

    try:
        run.run(after_round)
    except KeyboardInterrupt:
        share = 100 * run.state.done / run.state.total
        run.monitor.note(f"stopped at {share:.1f} %, saved in {store.url}; {name} was not written")
        run.monitor.note(f"to go on: {keeping.command}")
        raise
    return partial(store.remove, [NAME, _SHARDS, _ROUNDS, _CLAIM], with_folder=True)


def default_store(output: str) -> str:
    """Return the folder beside an output where its run is kept, if no other place is given."""
    return str(Path(os.path.realpath(output) + ".run"))
