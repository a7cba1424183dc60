"""What runs the work of a run: plain functions of numbers, arrays and paths; results may go into other work.

``InProcess`` does one piece of work after the other: the reference that every other engine must equal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

OnTokens = Callable[[int], None]


@dataclass(frozen=True)
class Worker:
    """A process that work is done in."""

    host: str
    n_cpus: int  # that the process may use
    memory_bytes: int | None  # free, None if unknown
    versions: dict[str, str]
    cpu: str


class Engine(Protocol):
    """Runs work somewhere."""

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        """Begin a piece of work, and return what stands for its result, also among the arguments of other work."""

    def submit_training(self, function: Callable[..., Any], *args: Any) -> Any:
        """Do the same for work that needs a worker of its own, and takes ``on_tokens`` as its last argument."""

    def wait(self, results: Sequence[Any], seconds: float) -> Sequence[Any]:
        """Wait until some results are there, or the time is over; return those that are, or that failed."""

    def get(self, results: Sequence[Any]) -> list[Any]:
        """Wait for results and return them; what the work raised is raised."""

    def drop(self, results: Sequence[Any]) -> None:
        """Forget work and its results."""

    def tokens_trained(self) -> int:
        """Return how many tokens the training that goes on has gone over, so far as is known."""

    def on_each(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """Call a function on every worker; return what it returned, or raised, by the workers' names."""


class InProcess:
    """Does the work at once, in this process."""

    def __init__(self) -> None:
        self._n_tokens = 0

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        """Do it."""
        return function(*args)

    def submit_training(self, function: Callable[..., Any], *args: Any) -> Any:
        """Do it."""
        return function(*args, self._count)

    def wait(self, results: Sequence[Any], seconds: float) -> Sequence[Any]:
        """Return them all."""
        return results

    def get(self, results: Sequence[Any]) -> list[Any]:
        """Return them all."""
        return list(results)

    def drop(self, results: Sequence[Any]) -> None:
        """Do nothing: nobody keeps them."""

    def tokens_trained(self) -> int:
        """Return the tokens of all work."""
        return self._n_tokens

    def on_each(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """Call it once."""
        return {"this process": function(*args)}

    def _count(self, n_tokens: int) -> None:
        self._n_tokens += n_tokens


def workers_of(engine: Engine) -> dict[str, Worker]:
    """Return the workers that there are now, by their names."""
    return {name: found for name, found in engine.on_each(describe_worker).items() if isinstance(found, Worker)}


def describe_worker() -> Worker:
    """Describe the process that this runs in."""
    import platform
    import socket
    from importlib.metadata import version

    from w2vfast import _jit
    from w2vfast.system.memory import available_bytes
    from w2vfast.system.threads import count_cpus

    versions = {package: version(package) for package in ("w2vfast", "numba", "numpy")}
    versions["Python"] = platform.python_version()
    return Worker(socket.gethostname(), count_cpus(), available_bytes(), versions, _jit.processor())
