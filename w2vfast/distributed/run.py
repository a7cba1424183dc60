"""A run in rounds: the same model file as on one machine, from workers that train apart and are merged."""

import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from w2vfast.distributed import rounds
from w2vfast.distributed.engine import Engine, workers_of
from w2vfast.distributed.manifest import Manifest, Standing
from w2vfast.distributed.prepare import ShardedCorpus
from w2vfast.distributed.store import Store
from w2vfast.errors import ClusterError, CorpusError, Interrupted
from w2vfast.kernels.arguments import Model
from w2vfast.system.signals import StopRequests
from w2vfast.training.checks import check_loss, check_norm, diverged
from w2vfast.training.heldout import too_little
from w2vfast.training.monitor import Monitor, Progress
from w2vfast.training.state import RunState
from w2vfast.training.tables import untrained_loss

_TICK_SECONDS = 0.3
_STRAGGLES = 3.0  # times the median of the others
_LEAST_STRAGGLE_SECONDS = 10.0
_MOST_MERGES = 5
_QUIET_SECONDS = 60.0


def wait_for(engine: Engine, results: Sequence[Any]) -> None:
    """Wait for all results."""
    while len(engine.wait(results, _TICK_SECONDS)) < len(results):
        pass


class ClusterRun:
    """Trains in rounds; for those who save and score models it looks like a ``Trainer``.

    Parameters
    ----------
    manifest
        Of the run, as it stands.
    corpus
        The text.
    engine
        Does the work.
    monitor
        Whom to report to.
    """

    def __init__(self, manifest: Manifest, corpus: ShardedCorpus, engine: Engine, monitor: Monitor) -> None:
        self.plan, self.corpus, self.config = manifest.plan, corpus, manifest.plan.config
        self.engine, self.monitor, self._manifest = engine, monitor, manifest
        self.n_tokens, self.words_per_second = self.plan.n_tokens, 0.0
        self.state: RunState = manifest.last.state()
        self.stop: StopRequests | None = None
        self._untrained = untrained_loss(self.config, corpus.vocab.counts)
        self._begin, self._told = time.perf_counter(), 0  # tokens that workers told of before this round
        self._moved, self._seen = time.monotonic(), 0  # when something last happened, tokens told of then

    @property
    def model(self) -> Model:
        """The matrices as they stand; read from the store."""
        both = rounds.read_blocks(self.plan, self._names)
        return Model(both[0], both[1])

    @property
    def _names(self) -> list[str]:
        return [name for name, _ in self._manifest.last.blocks]

    def run(self, after_round: Callable[["ClusterRun"], None] = lambda run: None) -> None:
        """Train all rounds that are left.

        Raises
        ------
        DivergedError
            A value is not finite, or the loss or a vector has exploded.
        CorpusError
            There was nothing to train on.
        Interrupted
            A signal asked for a stop; the rounds that are done are safe.
        """
        if self.config.held_out:  # too little text for it is found before any work is done
            self._held_out_loss(self._names)
        begin, self._begin = self.state.done, time.perf_counter()
        while self.state.done < self.state.total and not self._has_had_enough():
            self._train_round()
            after_round(self)
        n_tokens, seconds = self.state.done - begin, self._seconds()
        self.monitor.finished(self._progress(self.state.last_loss, self.state.done, n_tokens, seconds))
        self.words_per_second = n_tokens / seconds
        if self.state.n_pairs == 0:
            raise CorpusError("no pair of words was trained: subsampling left nothing; try --sample 0")

    def _train_round(self) -> None:
        state, number, begin = self.state, self._manifest.last.n_rounds, time.perf_counter()
        stats, blocks = self._outcomes(number)
        n_tokens = self.plan.tokens_before(number + 1) - state.done
        loss_sum, n_measured = sum(s.loss_sum for s in stats), sum(s.n_measured for s in stats)
        state.n_pairs += sum(s.n_pairs for s in stats)
        loss = state.add(n_tokens, loss_sum, n_measured, begins_epoch=number % self.plan.n_rounds == 0)
        self._check(loss, max(blocks, key=lambda b: b.norm if math.isfinite(b.norm) else math.inf).norm)
        names = [block.name for block in blocks]
        held_out_loss = self._measure_held_out(names) if state.done % self.n_tokens == 0 else None
        self._commit(number + 1, [(block.name, block.crc32) for block in blocks])
        seconds = time.perf_counter() - begin
        self.monitor.trained(self._progress(loss, state.done, n_tokens, seconds, held_out_loss))

    def _outcomes(self, number: int) -> tuple[list[rounds.Stats], list[rounds.Block]]:
        """Train all replicas and merge them; return their figures and the model's blocks."""
        engine, plan, names = self.engine, self.plan, self._names
        before = [name for name, _ in self._manifest.last.before]
        trained = self._train_all(number)
        try:
            stats = [engine.submit(rounds.stats_of, outcome) for outcome in trained]
            for _ in range(_MOST_MERGES):
                merged = []
                for block, old_and_new in enumerate(zip(before, names, strict=True)):
                    parts = [engine.submit(rounds.block_of, plan, block, outcome) for outcome in trained]
                    merged.append(
                        engine.submit(rounds.merge_block, plan, number, block, old_and_new, stats, parts)
                    )
                self._wait([*stats, *merged])
                found, blocks = engine.get(stats), engine.get(merged)
                # an outcome that was lost with its worker and trained again by threads is another one
                if len({block.attempts for block in blocks}) == 1:
                    return found, blocks
            raise ClusterError("workers come and go too quickly: the replicas of a round could not be merged")
        finally:
            engine.drop(trained)

    def _train_all(self, number: int) -> list[Any]:
        """Train all replicas; of one that takes far longer than the others another attempt is made."""
        begin, durations = time.monotonic(), dict[int, float]()
        self._told = self.engine.tokens_trained()
        attempts = [[self._start(number, replica)] for replica in range(self.plan.n_replicas)]
        first: dict[int, Any] = {}
        while len(first) < len(attempts):
            running = [a for k, several in enumerate(attempts) if k not in first for a in several]
            done = self._done(running)
            for replica, several in enumerate(attempts):
                finished = [a for a in several if any(a is d for d in done)]
                if replica not in first and finished:
                    first[replica], durations[replica] = finished[0], time.monotonic() - begin
            if 2 * len(first) < len(attempts) or len(first) == len(attempts):
                continue
            limit = max(_STRAGGLES * statistics.median(durations.values()), _LEAST_STRAGGLE_SECONDS)
            for replica, several in enumerate(attempts):
                if replica not in first and len(several) == 1 and time.monotonic() - begin > limit:
                    self.monitor.detail(f"replica {replica} is late: another worker begins it, too")
                    several.append(self._start(number, replica))
        self.engine.drop([a for k, several in enumerate(attempts) for a in several if a is not first[k]])
        return [first[replica] for replica in range(len(attempts))]

    def _start(self, number: int, replica: int) -> Any:
        return self.engine.submit_training(rounds.train_replica, self.plan, number, replica, self._names)

    def _wait(self, results: Sequence[Any]) -> None:
        """Wait for all results; draw progress, and heed a signal meanwhile."""
        while len(self._done(results)) < len(results):
            pass

    def _done(self, results: Sequence[Any]) -> Sequence[Any]:
        """Wait a moment; return the results that are there."""
        done = self.engine.wait(results, _TICK_SECONDS)
        if self.stop is not None and self.stop.number is not None:
            self.engine.drop(results)
            raise Interrupted(self.stop.number)
        self._show()
        if done or self.engine.tokens_trained() != self._seen:
            self._moved, self._seen = time.monotonic(), self.engine.tokens_trained()
        elif time.monotonic() - self._moved > _QUIET_SECONDS:
            self._moved = time.monotonic()
            if not workers_of(self.engine):
                self.monitor.note("no worker answers; waiting for one")
        return done

    def _show(self) -> None:
        """Draw the tokens that workers have told of."""
        n_tokens = self.engine.tokens_trained() - self._told
        here = self.plan.tokens_before(self._manifest.last.n_rounds + 1) - self.state.done
        if n_tokens > 0:
            seconds, done = self._seconds(), self.state.done + min(n_tokens, here)
            begun = done - (self.state.resumed_at or 0)
            number = self._manifest.last.n_rounds + 1
            self.monitor.drawn(self._progress(self.state.last_loss, done, begun, seconds, number=number))

    def _check(self, loss: float, norm: float) -> None:
        share, alpha = self.state.done / self.state.total, self.config.alpha or 0.0
        check_loss(loss, self._untrained, alpha, share)
        if not math.isfinite(norm):
            raise diverged("a vector is not finite", alpha, share)
        check_norm(norm, alpha, share)

    def _measure_held_out(self, names: list[str]) -> float | None:
        if self.config.held_out == 0:
            return None
        loss = self._held_out_loss(names)
        self.state.note_held_out(loss)
        return loss

    def _held_out_loss(self, names: list[str]) -> float:
        result = self.engine.submit(rounds.held_out_loss, self.plan, names)
        self._wait([result])
        loss = float(self.engine.get([result])[0])
        if math.isnan(loss):
            raise too_little()
        return loss

    def _has_had_enough(self) -> bool:
        if self.state.done % self.n_tokens != 0 or not self.state.has_had_enough(self.config.early_stop):
            return False
        self.monitor.note(f"stopping: the held-out loss has not fallen for {self.config.early_stop} epochs")
        return True

    def _commit(self, n_rounds: int, blocks: list[tuple[str, str]]) -> None:
        """Write the manifest; then what neither it nor the round before needs can go."""
        last = self._manifest.last
        standing = Standing(n_rounds, tuple(blocks), last.blocks, self.state.numbers())
        self._manifest = dataclasses.replace(self._manifest, last=standing, previous=last)
        self._manifest.write()
        Store(self.plan.store).remove([rounds.folder_of(n_rounds - 4)])

    def _progress(
        self, loss: float, done: int, n_tokens: int, seconds: float, held_out_loss: float | None = None,
        number: int | None = None,
    ) -> Progress:  # fmt: skip
        """Return where the run stands, in round ``number`` from 1; by default the last one that is done."""
        n_rounds, number = self.plan.n_rounds, number or self._manifest.last.n_rounds
        return Progress(
            epoch=max(1, -(-done // self.n_tokens)), n_epochs=self.config.epochs, tokens=done,
            pairs=self.state.n_pairs, total_tokens=self.state.total, alpha=self.plan.alpha_at(done),
            loss=float(loss), words_per_second=n_tokens / max(seconds, 1e-9), seconds=self._seconds(),
            ends_epoch=done % self.n_tokens == 0, held_out_loss=held_out_loss,
            resumed_at=self.state.resumed_at or 0,
            rounds=f"{(number - 1) % n_rounds + 1}/{n_rounds}",
        )  # fmt: skip

    def _seconds(self) -> float:
        return max(time.perf_counter() - self._begin, 1e-9)
