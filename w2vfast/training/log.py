"""The figures of a run as JSON Lines, for programs to read."""

import json
import os
import time
from pathlib import Path
from typing import Any

from w2vfast.errors import OutputError
from w2vfast.system.memory import used_bytes
from w2vfast.training.monitor import Monitor, Progress


class Recorder(Monitor):
    """A monitor that keeps tokens, loss, learning rate and epoch of each chunk, for a picture."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float, float, int]] = []

    def trained(self, progress: Progress) -> None:
        """Keep the figures."""
        self.rows.append((progress.tokens, progress.loss, progress.alpha, progress.epoch))


class JsonLog(Monitor):
    """A monitor that writes a line of JSON for each chunk, and one for the run.

    Every line of training has ``time`` (seconds since 1970), ``epoch``, ``tokens``, ``pairs``, ``alpha``,
    ``loss``, ``held_out_loss`` (at the end of an epoch, if text is held out, else null), ``words_per_second``,
    ``seconds`` since training began, without compilation, and ``memory_bytes``. ``tokens`` and
    ``words_per_second`` count the tokens of the vocabulary, before subsampling. The last line has
    ``"done": true``; its speed is that of the whole run, its loss the mean of the last epoch. A line with
    ``scores`` has the scores of the tests after an epoch.

    Parameters
    ----------
    path
        The file, written line by line; an older one goes with the first line.
    append
        Whether lines are added to an older file instead.

    Raises
    ------
    OutputError
        The file cannot be opened or, later, written to.
    """

    def __init__(self, path: str | os.PathLike[str], *, append: bool = False) -> None:
        self._path, self._is_old = os.fspath(path), not append
        try:
            self._file = Path(path).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115 closed by finished()
        except OSError as error:
            raise self._error(error) from None

    def trained(self, progress: Progress) -> None:
        """Write a line."""
        self._write(progress)

    def evaluated(self, epoch: int, scores: dict[str, float | None]) -> None:
        """Write a line of scores."""
        self._write_row({"time": time.time(), "epoch": epoch, "scores": scores})

    def finished(self, progress: Progress) -> None:
        """Write the last line and close the file."""
        self._write(progress, done=True)
        self._file.close()

    def _write(self, progress: Progress, **more: Any) -> None:
        names = ("epoch", "tokens", "pairs", "alpha", "loss", "held_out_loss", "words_per_second", "seconds")
        row = {name: getattr(progress, name) for name in names}
        self._write_row({"time": time.time(), **row, "memory_bytes": used_bytes(), **more})

    def _write_row(self, row: dict[str, Any]) -> None:
        try:
            if self._is_old and os.path.isfile(self._path):
                self._file.truncate(0)
            self._is_old = False
            self._file.write(json.dumps(row) + "\n")
        except OSError as error:
            raise self._error(error) from None

    def _error(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write {self._path}: {error.strerror}")
