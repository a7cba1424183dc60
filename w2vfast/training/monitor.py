"""What a run tells its user: notes, progress, results. Everything goes to standard error."""

import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from tqdm import tqdm

_PLAIN_SECONDS = 30.0


@dataclass(frozen=True)
class Progress:
    """Where a run stands after a chunk."""

    epoch: int  # from 1
    n_epochs: int
    tokens: int  # trained so far, over all epochs
    pairs: int  # trained so far
    total_tokens: int
    alpha: float  # learning rate of the next token
    loss: float  # mean loss of a pair in the chunk
    words_per_second: float  # of the chunk
    seconds: float  # since training began
    ends_epoch: bool
    resumed_at: int = 0  # tokens that an earlier run had trained on
    held_out_loss: float | None = None  # on the text held out, measured at the end of an epoch
    rounds: str = ""  # of a run in rounds: which of how many in the epoch

    @property
    def text(self) -> str:
        """The figures as one line."""
        left = self.seconds * (self.total_tokens - self.tokens) / max(self.tokens - self.resumed_at, 1)
        round_ = f"  round {self.rounds}" if self.rounds else ""
        held_out = "" if self.held_out_loss is None else f"  held-out {self.held_out_loss:.3f}"
        return (
            f"epoch {self.epoch}/{self.n_epochs}{round_}  {self.percent:3.0f} %  "
            f"{human(self.words_per_second)} words/s  alpha {self.alpha:.4f}  loss {self.loss:.3f}{held_out}  "
            f"ETA {clock(left)}"
        )

    @property
    def percent(self) -> float:
        """How much of the run is done; 100 only at the end."""
        return 100 * self.tokens // self.total_tokens if self.tokens < self.total_tokens else 100


class Monitor:
    """Whom a run reports to. This one says nothing: the default of the Python API, and of ``-q``."""

    is_heard = False  # whether notes reach anybody

    def note(self, text: str) -> None:
        """Say something once."""

    def detail(self, text: str) -> None:
        """Say something that only the curious want to know."""

    def reading(self, names: Sequence[str], n_bytes: int | None) -> None:
        """Take note that reading begins; the size is None where nobody knows it."""

    def read(self, n_bytes: int) -> None:
        """Take note of so many more bytes read."""

    def read_all(self) -> None:
        """Take note that reading is done."""

    def trained(self, progress: Progress) -> None:
        """Take note that a chunk is done."""

    def drawn(self, progress: Progress) -> None:
        """Take note of where a run stands within a chunk, as far as is known."""

    def evaluated(self, epoch: int, scores: dict[str, float | None]) -> None:
        """Take note of the scores of the vectors after an epoch."""

    def finished(self, progress: Progress) -> None:
        """Take note that the run is done: speed of the whole run, loss of its last epoch."""


class Together(Monitor):
    """A monitor that passes everything on to others, in turn."""

    def __init__(self, *monitors: Monitor) -> None:
        for name in ("note", "detail", "reading", "read", "read_all", "trained", "drawn", "evaluated", "finished"):
            setattr(self, name, _each([getattr(monitor, name) for monitor in monitors]))
        self.is_heard = any(monitor.is_heard for monitor in monitors)


def _each(methods: Sequence[Callable[..., None]]) -> Callable[..., None]:
    def call_each(*args: object) -> None:
        for method in methods:
            method(*args)

    return call_each


class Console(Monitor):
    """A monitor that writes to a terminal or a log file.

    On a terminal one line is drawn over and over; elsewhere a plain line comes every 30 seconds and at the
    end of each epoch. A closed stream does not stop the run.

    Parameters
    ----------
    progress
        "auto" (as above), "always" (draw even into a file) or "never".
    verbose
        Tell details too.
    stream
        By default standard error.
    """

    is_heard = True

    def __init__(self, progress: str = "auto", *, verbose: bool = False, stream: TextIO | None = None) -> None:
        self._stream = _Unbreakable(stream or sys.stderr)
        self._verbose = verbose
        self._draws = progress == "always" or (progress == "auto" and self._stream.isatty())
        self._speaks = progress != "never"
        self._bar: tqdm[Any] | None = None
        self._n_bytes: int | None = None
        self._last_line = time.monotonic()

    def note(self, text: str) -> None:
        """Print a line above the progress line."""
        self._close_bar()
        self._stream.write(text + "\n")
        self._stream.flush()

    def detail(self, text: str) -> None:
        """Print a line if the console is verbose."""
        if self._verbose:
            self.note(text)

    def reading(self, names: Sequence[str], n_bytes: int | None) -> None:
        """Say what is read, which a bar of bytes will show."""
        what = names[0] if len(names) == 1 else f"{len(names)} files"
        self.note(f"reading {what}" + (f" ({human(n_bytes, 'B')})" if n_bytes is not None else ""))
        self._n_bytes = n_bytes

    def read(self, n_bytes: int) -> None:
        """Advance the bar of bytes."""
        if self._draws:
            if self._bar is None:
                self._bar = self._make_bar(self._n_bytes, unit="B", unit_scale=True)
            self._bar.update(n_bytes)

    def read_all(self) -> None:
        """Take the bar of bytes away."""
        self._close_bar()

    def trained(self, progress: Progress) -> None:
        """Draw the progress line, or print it when it is time to."""
        self.drawn(progress)
        if self._draws:
            return
        if self._speaks and (progress.ends_epoch or time.monotonic() - self._last_line > _PLAIN_SECONDS):
            self._last_line = time.monotonic()
            self.note(progress.text)

    def drawn(self, progress: Progress) -> None:
        """Draw the progress line on a terminal."""
        if self._draws:
            if self._bar is None:
                self._bar = self._make_bar(progress.total_tokens, bar_format="{desc}  {bar}")
            self._bar.n = progress.tokens
            self._bar.set_description_str(progress.text)

    def finished(self, progress: Progress) -> None:
        """Take the progress line away."""
        self._close_bar()

    def _make_bar(self, total: int | None, **form: Any) -> "tqdm[Any]":
        return tqdm(total=total, file=self._stream, leave=False, dynamic_ncols=True, **form)

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class _Unbreakable:
    """A text stream that swallows the errors of a closed terminal or pipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = "utf-8"

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            data = text.encode("utf-8", "backslashreplace")
            self._stream.buffer.write(data) if hasattr(self._stream, "buffer") else self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        with contextlib.suppress(OSError, ValueError):
            return self._stream.isatty()
        return False

    def fileno(self) -> int:
        return self._stream.fileno()


def human(number: float, unit: str = "") -> str:
    """Return a number with three digits and a decimal prefix: 1.92M; with a unit: 58 MB."""
    for prefix in ("", "k", "M", "G", "T"):
        if abs(number) < 999.5 or prefix == "T":
            break
        number /= 1000
    whole = not prefix or (unit and number >= 9.95)
    text = f"{number:.0f}" if whole else f"{number:.{max(0, 3 - len(str(int(number))))}f}"
    return f"{text} {prefix}{unit}" if unit else text + prefix


def clock(seconds: float) -> str:
    """Return a time span as 0:42, 12:05 or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
