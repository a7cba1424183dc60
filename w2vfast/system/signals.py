"""Signals that stop a run, as exceptions; and dying of one, as the shell expects."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, Self

from w2vfast.errors import Interrupted

_STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def stop_signals_raise() -> Iterator[None]:
    """Raise ``Interrupted`` in the main thread on SIGINT, SIGTERM and SIGHUP.

    A signal that the process inherited as ignored (``nohup``, a background job) stays ignored.
    """

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in _STOPPING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class StopRequests:
    """Signals that ask for a stop at the next good moment; a second one stops at once.

    A context manager; outside the main thread, and for signals that the process inherited as ignored, it does
    nothing.

    Parameters
    ----------
    message
        A line for standard error, written at once, in the signal handler; "" = nothing.
    """

    def __init__(self, message: str) -> None:
        self.number: int | None = None
        self._message = f"\n{message}\n".encode() if message else b""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in _STOPPING}
            for number, handler in self._before.items():
                if handler is not signal.SIG_IGN:
                    signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            raise Interrupted(number)
        self.number = number
        with contextlib.suppress(OSError):  # not through a stream: it may be in the middle of writing
            os.write(2, self._message)


def die_of(number: int) -> NoReturn:
    """End this process by the signal, so that its parent sees a real death by signal."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # only where the signal is blocked
