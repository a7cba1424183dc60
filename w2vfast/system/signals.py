"""Signals that stop a run, as exceptions; and dying of one, as the shell expects."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

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


def die_of(number: int) -> NoReturn:
    """End this process by the signal, so that its parent sees a real death by signal."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # only where the signal is blocked
