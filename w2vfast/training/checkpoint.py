"""The state of a run on disk, so that it can go on later: ``OUTPUT.ckpt``.

A checkpoint is a model file of the format "w2vfast-checkpoint": both matrices, words and counts; the generator
states of the shards; the position in the text; the options; and the checksums of the encoded text, which must be
the same when the run is resumed.
"""

import io
import os
import time
import zlib
from collections.abc import Collection
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import FormatError, Interrupted, OutputError, UsageError
from w2vfast.model.contents import Contents
from w2vfast.model.native import NativeFile, looks_native
from w2vfast.model.packed import MATRICES, pack_model
from w2vfast.system.signals import StopRequests
from w2vfast.system.staging import Staging
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor, human
from w2vfast.training.state import RunState

if TYPE_CHECKING:
    from w2vfast.corpus.encoded import EncodedCorpus
    from w2vfast.kernels.arguments import Model
    from w2vfast.training.trainer import Trainer

FORM = "w2vfast-checkpoint"
_START_BYTES = 4096  # its form stands there


def is_checkpoint(path: Path) -> bool:
    """Tell whether a file begins like a checkpoint."""
    try:
        with path.open("rb") if path.is_file() else io.BytesIO() as file:
            start = file.read(_START_BYTES)
    except OSError:
        return False
    return looks_native(start) and f'"{FORM}'.encode() in start.replace(b"\\", b"")


def fingerprint(corpus: "EncodedCorpus") -> dict[str, Any]:
    """Return what an encoded text must have in common with that of a checkpoint."""
    return {
        "tokens": corpus.n_tokens,
        "sentences": corpus.n_sentences,
        "ids_crc32": _crc(corpus.ids),
        "offsets_crc32": _crc(corpus.offsets),
    }


def _about_words(words: Collection[str]) -> str:
    """Return what tells one set of words from another."""
    return f"{len(words):,} words ({zlib.crc32(' '.join(sorted(words)).encode()):08x})" if words else "none"


def _crc(array: NDArray[Any]) -> str:
    crc, step = 0, 1 << 22
    for first in range(0, len(array), step):
        crc = zlib.crc32(np.ascontiguousarray(array[first : first + step]).data, crc)
    return f"{crc:08x}"


class Saved:
    """A checkpoint that has been read.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    UsageError
        There is none.
    FormatError
        It is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path, self.name = path, path.name
        if not path.exists():
            raise UsageError(f"there is no checkpoint {path.name} to resume from; start without --resume")
        with NativeFile(path, form=FORM) as file:
            self.params, self.vocab, self._about = file.params, file.vocab, file.about
            if not file.has_context or file.shape[1] != self.params.get("dim"):
                raise FormatError(f"{path} is damaged: it has no 'context', or another number of dimensions")
            for name in MATRICES:
                file.scan(lambda first, block: None, name)  # what is damaged is found before the text is read
            states = file.extra("states")
        try:
            self.state = RunState.of(self._about["progress"], states.view(np.uint64))
            self._fingerprint = dict(self._about["fingerprint"])
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{path} is damaged: it has no {error}") from None

    def config(self, given: dict[str, Any]) -> TrainConfig:
        """Return the options of the run; those given again must agree, but for the number of threads.

        Raises
        ------
        UsageError
            Some do not; the message lists them.
        """
        known = {name: self.params[name] for name in TrainConfig.__dataclass_fields__ if name in self.params}
        differ = [name for name, value in given.items() if name != "threads" and known.get(name) != value]
        if differ:
            listed = ", ".join(f"--{n.replace('_', '-')} {given[n]} (was {known.get(n)})" for n in differ)
            raise UsageError(f"cannot resume with other options: {listed}")
        return TrainConfig(**known | {name: given[name] for name in given if name == "threads"})

    def fill(self, model: "Model") -> None:
        """Give a run's matrices the values that were kept, from the file, so that they are in memory once only.

        Raises
        ------
        FormatError
            The file is another one by now.
        """
        with NativeFile(self._path, form=FORM) as file:
            if file.about != self._about:
                raise FormatError(f"{self.name} has been replaced meanwhile")
            for name, matrix in zip(MATRICES, model, strict=True):
                file.scan(partial(_copy_rows, matrix), name)

    def check(
        self, corpus: "EncodedCorpus", base: str | None = None, frozen: Collection[str] = frozenset()
    ) -> None:
        """Make sure that text, model that was gone on from and words that keep their vectors are the same.

        Raises
        ------
        UsageError
            It is not; the message says in what it differs.
        """
        if base != self._about.get("base"):
            began = self._about.get("base") or "no model"
            raise UsageError(f"cannot resume: the run went on from {began}, not from {base or 'none'} (--from)")
        kept = self._about.get("frozen", _about_words(frozen))  # older checkpoints do not tell
        if kept != _about_words(frozen):
            raise UsageError(
                f"cannot resume: words that keep their vectors: {_about_words(frozen)} (was {kept}) (--freeze)"
            )
        now = fingerprint(corpus)
        differ = [name for name in now if now[name] != self._fingerprint.get(name)]
        if list(corpus.vocab.words) != list(self.vocab.words):
            differ.append("vocabulary")
            now["vocabulary"], self._fingerprint["vocabulary"] = len(corpus.vocab), len(self.vocab)
        if differ:
            listed = ", ".join(f"{name} {now[name]} (was {self._fingerprint.get(name)})" for name in differ)
            raise UsageError(f"cannot resume: the text is another one than that of {self.name}: {listed}")


def _copy_rows(matrix: NDArray[np.float32], first: int, block: NDArray[np.float32]) -> None:
    """Copy rows without padding into a matrix."""
    matrix[first : first + len(block), : block.shape[1]] = block


class Checkpoints:
    """Writes the checkpoint of a run: every so often, and when a signal asks the run to stop.

    Parameters
    ----------
    path
        The file; None where nothing can be kept.
    stop
        The signals.
    monitor
        Whom to tell.
    seconds
        How often.
    n_bytes
        Its size; so much of the disk is claimed for it in advance.
    base
        The fingerprint of the model that the run went on from.
    frozen
        The words that keep their vectors.
    """

    def __init__(
        self, path: Path | None, stop: StopRequests, monitor: Monitor, seconds: float, n_bytes: int = 0,
        base: str | None = None, frozen: Collection[str] = frozenset(),
    ) -> None:  # fmt: skip
        self._path, self._stop, self._monitor, self._seconds = path, stop, monitor, seconds
        self._n_bytes, self._base, self._frozen = n_bytes, base, _about_words(frozen)
        self._begin = self._last = time.monotonic()
        self._staging: Staging | None = None
        self._fingerprint: dict[str, Any] = {}
        self.share: float | None = None  # how much of the run the file holds

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._staging = Staging(self._path)
                self._staging.reserve(self._n_bytes)
            except (OutputError, UsageError) as error:
                self._monitor.note(f"warning: a checkpoint may not be possible: {error}")
        return self

    def __exit__(self, *error: object) -> None:
        if self._staging is not None:
            self._staging.__exit__(None, None, None)

    def after_chunk(self, trainer: "Trainer") -> None:
        """Save the run if it is time to, or if it has to stop.

        Raises
        ------
        Interrupted
            A signal asked for it.
        """
        now = time.monotonic()
        is_due = now - self._last >= self._seconds
        ends_late_epoch = trainer.state.done % trainer.n_tokens == 0 and now - self._begin >= self._seconds
        if self._path is not None and (self._stop.number is not None or is_due or ends_late_epoch):
            self._save(self._path, trainer)
        if self._stop.number is not None:
            raise Interrupted(self._stop.number)

    def _save(self, path: Path, trainer: "Trainer") -> None:
        """Write the file; a failure is told, and the older one stays."""
        state, corpus, dim = trainer.state, trainer.corpus, trainer.config.dim
        W, W_out = (np.ascontiguousarray(matrix[:, :dim]) for matrix in trainer.model)
        contents = Contents(W, corpus.vocab, W_out, asdict(trainer.config))
        self._fingerprint = self._fingerprint or fingerprint(corpus)
        about = {"progress": state.numbers(), "fingerprint": self._fingerprint, "base": self._base}
        about["frozen"] = self._frozen
        extra = {"states": state.states.view(np.int64)}
        begin = time.monotonic()
        try:
            self._staging = self._staging or Staging(path)
            if self.share is None and state.resumed_at is None and path.exists():
                os.replace(path, path.with_name(path.name + ".prev"))
            packed = pack_model(contents, FORM, extra, about)
            self._staging.write(packed.write, packed.n_bytes)
        except (OutputError, UsageError, OSError) as error:
            self._monitor.note(f"warning: no checkpoint: {error}")
            return
        finally:
            self._last = time.monotonic()
        self.share = state.done / state.total
        self._monitor.detail(f"checkpoint of {human(packed.n_bytes, 'B')} in {time.monotonic() - begin:.1f} s")
