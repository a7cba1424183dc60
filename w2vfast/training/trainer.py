"""The training loop: epochs in short chunks, with the checks that belong between them.

A kernel runs outside the main thread and without the GIL, for a fraction of a second at a time; the main
thread waits, draws progress and handles signals. (Sentences are put into another order, for --shuffle, in
the main thread, once an epoch.) Whatever the length of the chunks, one thread computes the
same numbers: learning rate, subsampling and window sizes depend on a token's position only.
"""

import dataclasses
import io
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2vfast import _jit
from w2vfast.corpus.encoded import EncodedCorpus, encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import Source
from w2vfast.errors import CorpusError, UsageError
from w2vfast.kernels import cbow, sgns, shards
from w2vfast.kernels.arguments import Job, Text
from w2vfast.model.contents import all_finite
from w2vfast.training.checks import check_loss, check_norm, diverged
from w2vfast.training.config import TrainConfig
from w2vfast.training.heldout import HeldOut, first_held_out
from w2vfast.training.inputs import kernel_inputs
from w2vfast.training.matrices import initial_model
from w2vfast.training.monitor import Monitor, Progress
from w2vfast.training.replicas import Replicas, count_shards, round_tokens
from w2vfast.training.shuffling import Shuffler
from w2vfast.training.softmax import Softmax, chunk_tokens
from w2vfast.training.state import RunState
from w2vfast.training.tables import untrained_loss, with_frozen

CHUNK_SECONDS = 0.4
_FIRST_CHUNK_TOKENS = 20_000
_ROWS_CHECKED = 256
_GOLDEN_SECTION = 0.618034
#: The module that trains each architecture.
KERNELS: dict[str, ModuleType] = {"sg": sgns, "cbow": cbow}

#: Numba's thread pool serves one caller at a time.
_pool_lock = threading.Lock()


class Trainer:
    """One run over an encoded corpus.

    Parameters
    ----------
    corpus
        What to train on.
    config
        A resolved configuration.
    monitor
        Whom to report to.
    """

    def __init__(self, corpus: EncodedCorpus, config: TrainConfig, monitor: Monitor) -> None:
        assert config.alpha is not None
        assert config.min_alpha is not None
        assert config.threads is not None
        self.config, self.monitor, self.corpus = config, monitor, corpus
        self.model = initial_model(len(corpus.vocab), config.dim, config.seed)
        self.words_per_second = 0.0  # tokens of the vocabulary a second, without compilation
        self.n_tokens = first_held_out(corpus, config.held_out)  # that are trained on in an epoch
        total = self.n_tokens * config.epochs
        n_shards = count_shards(config, total, len(corpus.vocab))
        states = np.array([_seed(config.seed, 1, shard) for shard in range(n_shards)], np.uint64)
        self._untrained_loss = untrained_loss(config, corpus.vocab.counts)
        self.state = RunState(states, total, last_loss=self._untrained_loss)
        self._alpha, self._min_alpha = config.alpha, config.min_alpha
        self._chunk = _FIRST_CHUNK_TOKENS
        self._begin = 0.0
        self._text = Text(corpus.ids, corpus.offsets)
        self.tables, self._settings = kernel_inputs(corpus, config, n_shards)
        self._train_on = partial(shards.train_chunk, KERNELS[config.model].train_shard)
        if config.loss == "softmax":
            self._train_on = Softmax(config).train  # type: ignore[assignment]
        self._shuffler = Shuffler(self._text, self.n_tokens, config.seed) if config.shuffle else None
        self._held_out: HeldOut | None = None
        if self.n_tokens < corpus.n_tokens:
            inputs = self._text, self.tables, self._settings
            whole = config.loss == "softmax"
            self._held_out = HeldOut(self._train_on, *inputs, self.n_tokens, corpus.n_tokens, measures_all=whole)
        self._round = 0  # tokens of a chunk, if it must not depend on the machine's speed
        self._has_replicas = config.deterministic and n_shards > 1
        if self._has_replicas:
            self._round = n_shards * round_tokens(len(corpus.vocab), config, self._settings.window)
        elif config.loss == "softmax":
            self._round = chunk_tokens(len(corpus.vocab), config.dim)
        self._replicas: Replicas | None = None
        self._losses = np.zeros(n_shards)
        self._pairs = np.zeros((n_shards, 2), np.int64)  # measured, all

    def resume(self, state: RunState) -> None:
        """Go on where a run of the same corpus and configuration stood; its vectors are in ``model`` already.

        Parameters
        ----------
        state
            What was kept; with more threads than it has generators, the others begin anew.
        """
        n_kept = min(len(state.states), len(self.state.states))
        self.state.states[:n_kept] = state.states[:n_kept]
        self.state = dataclasses.replace(state, states=self.state.states)

    def freeze(self, words: Collection[str]) -> int:
        """Keep the vectors of some words as they are now; return how many the vocabulary has."""
        ids = np.array([i for i in self.corpus.vocab.find(list(words)) if i is not None], np.int64)
        self.tables = with_frozen(self.tables, ids, self.model, has_words_out=self.config.loss != "hs")
        return ids.size

    def run(self, after_chunk: Callable[["Trainer"], None] = lambda trainer: None) -> None:
        """Train all epochs, from where the state stands.

        Parameters
        ----------
        after_chunk
            Called between two chunks, when matrices and state belong together; what it raises ends the run.

        Raises
        ------
        DivergedError
            A value is not finite, or the loss or a vector has exploded.
        CorpusError
            There was nothing to train on.
        """
        n_threads, begin = len(self.state.states), self.state.done
        with _pool_lock, ThreadPoolExecutor(1, "w2vfast", _jit.use_threads, (n_threads,)) as worker:
            self._warm_up(worker)
            if self._held_out is not None:  # too little text for it is found before any work is done
                worker.submit(self._held_out.loss, self.model).result()
            self._begin = time.perf_counter()
            while self.state.done < self.state.total and not self._has_had_enough():
                self._train_chunk(worker)
                after_chunk(self)
            n_tokens = self.state.done - begin
            self.monitor.finished(self._progress(self.state.last_loss, n_tokens, self._seconds()))
            self.words_per_second = n_tokens / self._seconds()
        if self.state.n_pairs == 0:
            raise CorpusError("no pair of words was trained: subsampling left nothing; try --sample 0")
        if not (all_finite(self.model.W) and all_finite(self.model.W_out)):
            raise diverged("a vector is not finite", self._alpha, 1.0)

    def measure(self, seconds: float) -> tuple[float, float]:
        """Train on parts from all over the corpus for some seconds; return words and pairs a second.

        Afterwards the vectors are of no use.
        """
        n_tokens, n_words, spent, n_parts = self.corpus.n_tokens, 0, 0.0, 0
        with _pool_lock, ThreadPoolExecutor(1, "w2vfast", _jit.use_threads, (len(self.state.states),)) as worker:
            self._warm_up(worker)
            while spent < seconds:
                size = min(n_tokens, self._round or 4 * self._chunk)
                start = int((n_tokens - size) * (n_parts * _GOLDEN_SECTION % 1))
                before = time.perf_counter()
                self._train(worker, 0, start, start + size)
                spent, n_words, n_parts = spent + time.perf_counter() - before, n_words + size, n_parts + 1
        return n_words / spent, self.state.n_pairs / spent

    def alpha_at(self, tokens: int) -> float:
        """Return the learning rate after so many tokens: linear from alpha to min_alpha over the run."""
        share = tokens / self.state.total
        return self._alpha * (1 - share) + self._min_alpha * share  # min_alpha exactly at the end

    def _train_chunk(self, worker: ThreadPoolExecutor) -> None:
        """Train on the next tokens of the epoch, for about CHUNK_SECONDS."""
        state, n_tokens = self.state, self.n_tokens
        epoch, start = divmod(state.done, n_tokens)
        stop = min(start + (self._round or self._chunk), n_tokens)
        before = time.perf_counter()
        self._train(worker, epoch, start, stop)
        seconds = max(time.perf_counter() - before, 1e-9)
        loss_sum, n_measured = float(self._losses.sum()), int(self._pairs[:, 0].sum())
        loss = state.add(stop - start, loss_sum, n_measured, begins_epoch=start == 0)
        self._check(loss, state.done / state.total)
        held_out_loss = self._measure_held_out(worker) if stop == n_tokens else None
        self.monitor.trained(self._progress(loss, stop - start, seconds, held_out_loss))
        self._chunk = max(1, min(4 * self._chunk, int((stop - start) / seconds * CHUNK_SECONDS)))

    def _measure_held_out(self, worker: ThreadPoolExecutor) -> float | None:
        """Return the loss on the text held out, if there is any; remember whether it has fallen."""
        if self._held_out is None:
            return None
        loss: float = worker.submit(self._held_out.loss, self.model).result()
        self.state.note_held_out(loss)
        return loss

    def _has_had_enough(self) -> bool:
        """Tell whether the held-out loss has not fallen for long enough; say so."""
        patience, epoch = self.config.early_stop, self.state.done // self.n_tokens
        if not self.state.has_had_enough(patience):
            return False
        self.monitor.note(f"stopping after epoch {epoch}: the held-out loss has not fallen for {patience} epochs")
        return True

    def _progress(
        self, loss: float, n_tokens: int, seconds: float, held_out_loss: float | None = None
    ) -> Progress:
        """Return where the run stands: the last ``n_tokens`` were trained on in ``seconds``."""
        done, resumed_at = self.state.done, self.state.resumed_at or 0
        return Progress(
            epoch=-(-done // self.n_tokens),
            n_epochs=self.config.epochs,
            tokens=done,
            pairs=self.state.n_pairs,
            total_tokens=self.state.total,
            alpha=self.alpha_at(done),
            loss=float(loss),
            words_per_second=n_tokens / seconds,
            seconds=self._seconds(),
            ends_epoch=done % self.n_tokens == 0,
            held_out_loss=held_out_loss,
            resumed_at=resumed_at,
        )

    def _seconds(self) -> float:
        """Return the time since training began, without compilation."""
        return max(time.perf_counter() - self._begin, 1e-9)

    def _train(self, worker: ThreadPoolExecutor, epoch: int, start: int, stop: int) -> None:
        """Train the tokens start .. stop - 1 of an epoch."""
        key = np.uint64(_seed(self.config.seed, 2, epoch))
        slope = (self._min_alpha - self._alpha) / self.state.total
        job = Job(start, stop, key, self.alpha_at(epoch * self.n_tokens), slope)
        text = self._text if self._shuffler is None else self._shuffler.text(epoch)
        worker.submit(self._call, text, job).result()
        self.state.n_pairs += int(self._pairs[:, 1].sum())

    def _call(self, text: Text, job: Job) -> None:
        inputs, results = (text, self.tables, self._settings, job), (self.state.states, self._losses, self._pairs)
        if not self._has_replicas:
            self._train_on(self.model, *inputs, *results)
            return
        if self._replicas is None:  # not before: until it runs, a run's matrices may be filled
            kernel, counts = KERNELS[self.config.model].train_shard, self.corpus.vocab.counts
            self._replicas = Replicas(kernel, self.model, self.tables, counts, self.config, len(self.state.states))
        self._replicas.train(*inputs, *results)

    def _warm_up(self, worker: ThreadPoolExecutor) -> None:
        """Compile the kernel, or load it from the cache, by training on nothing."""
        begin = time.perf_counter()
        nothing = Job(0, 0, np.uint64(0), self._alpha, -1e-9)
        _jit.call_mended(lambda: worker.submit(self._call, self._text, nothing).result())
        self.monitor.detail(f"kernels ready in {time.perf_counter() - begin:.1f} s")

    def _check(self, loss: float, share_done: float) -> None:
        """Stop a run that has diverged."""
        check_loss(loss, self._untrained_loss, self._alpha, share_done)
        rows = np.linspace(0, len(self.model.W) - 1, _ROWS_CHECKED).astype(np.int64)
        for matrix in self.model:
            norm = float(np.sqrt(np.square(matrix[rows], dtype=np.float64).sum(axis=1).max()))
            check_norm(norm, self._alpha, share_done)


def load_kernels(config: TrainConfig, monitor: Monitor) -> None:
    """Compile or load the kernels that reading needs, on a corpus of two words; announce a long wait.

    Raises
    ------
    UsageError
        This process was forked from one that has run kernels: its threads cannot be used.
    """
    if _jit.is_barred_by_fork():
        raise UsageError(
            "cannot train in a process forked from one that has trained (GNU OpenMP would end it); start it "
            "with multiprocessing.get_context('spawn')"
        )
    if not _jit.is_cached(KERNELS[config.model].train_shard):
        has_folder = _jit.cache_directory() is not None
        why = "first run only" if has_folder else "no folder can be used to keep the code: set NUMBA_CACHE_DIR"
        monitor.note(f"compiling ({why})")
    monitor.detail(f"compiled code: {_jit.cache_directory() or 'not kept'}")
    _jit.call_mended(lambda: encode([Source(io.BytesIO(b"two words\n"))], ReadingOptions(min_count=1)))


def _seed(seed: int, stream: int, number: int) -> NDArray[np.uint64] | Any:
    """Return 64 bits for one use of the seed: stream 1 shards, 2 epochs."""
    return np.random.SeedSequence([seed, stream, number]).generate_state(1, np.uint64)[0]
