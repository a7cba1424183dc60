"""Standard input, output and error as the commands rely on them: there, buffered, and notes that cannot fail."""

import contextlib
import io
import os
import sys
from typing import Any


class _Heedless(io.FileIO):
    """A stream whose errors stop nobody: what cannot be written is lost."""

    def write(self, data: Any) -> int:
        with contextlib.suppress(OSError):
            if written := super().write(data):
                return written
        return len(data)


def mend_streams() -> None:
    """Make standard input, output and error usable, however the command was started.

    * Closed ones are opened, lest a file takes their numbers: input is empty, output refuses whatever is
      written, as a closed one does, and errors go nowhere.
    * With PYTHONUNBUFFERED, Python's output has no buffer, and short writes go unnoticed: it gets one.
    * Notes on standard error never fail a command, be there a full disk or a closed pipe.
    """
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        _open_if_closed(number, mode)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8")
    if sys.stdout is None or isinstance(sys.stdout.buffer, io.RawIOBase):
        sys.stdout = _text(io.FileIO(1, "w", closefd=False))
    sys.stderr = _text(_Heedless(2, "w", closefd=False))


def _open_if_closed(number: int, mode: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        null = os.open(os.devnull, mode)
        if null != number:
            os.dup2(null, number)
            os.close(null)


def _text(raw: io.FileIO) -> io.TextIOWrapper:
    """Return a text stream that sends each line at once, if it is written as text."""
    return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True)
