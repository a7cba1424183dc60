"""The engine on Dask: the one file that imports it.

An address is that of a running scheduler, ``tcp://host:8786`` or ``tls://host:8786``, or ``local:N`` for a cluster
of N processes on this machine, that listens on the loopback interface only. Certificates and all other settings
are Dask's own: its configuration files and variables (``DASK_DISTRIBUTED__COMM__TLS__CA_FILE`` and so on).
"""

import contextlib
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from typing import Any, Self

import dask
from distributed import Client, Future, LocalCluster, get_worker, wait
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from w2vfast.errors import ClusterError, OutOfMemoryError, OutputError, UsageError, W2vfastError

#: Of a machine, declared by its worker: one training at a time.
RESOURCE = "w2v"
_RETRIES = 5
_CONNECT_SECONDS = 15
_DONE = "finished", "error"  # lost results are computed again


class DaskEngine:
    """Runs work on the workers of a cluster; a context manager.

    Parameters
    ----------
    address
        See above.

    Raises
    ------
    UsageError
        There is no such cluster, it has no workers, or they could train twice at a time.
    """

    def __init__(self, address: str) -> None:
        self.address, self._topic = address, f"w2vfast-{uuid.uuid4().hex}"
        self._n_tokens, self._lock = 0, threading.Lock()
        self._cluster: LocalCluster | None = None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is raised
        logging.getLogger("tornado").setLevel(logging.CRITICAL)
        target: Any = address
        if not re.fullmatch(r"local:.*|[a-z]+://.+:\d+", address):
            raise UsageError(f"a cluster's address is tcp://HOST:PORT, or local:N, not {address}")
        if address.startswith("local:"):
            target = self._cluster = _start_cluster(address)
        try:
            self._client = Client(target, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError, CommClosedError) as error:
            raise UsageError(f"no Dask scheduler answers at {address}: {error}") from None
        try:
            self._resources = self._check_workers()
        except BaseException:
            self.close()
            raise
        self._client.subscribe_topic(self._topic, self._count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cluster; end a local one."""
        with contextlib.suppress(Exception):
            self._client.close(timeout=5)
        if self._cluster is not None:
            with contextlib.suppress(Exception):
                self._cluster.close(timeout=10)

    def submit(self, function: Callable[..., Any], *args: Any) -> Future:
        """Begin a piece of work on any worker."""
        return self._client.submit(_named, function, *args, pure=False, retries=_RETRIES)

    def submit_training(self, function: Callable[..., Any], *args: Any) -> Future:
        """Begin a piece of work that needs a machine of its own."""
        return self._client.submit(
            _training, self._topic, function, *args, pure=False, retries=_RETRIES, resources=self._resources
        )

    def wait(self, results: Sequence[Future], seconds: float) -> list[Future]:
        """Wait until some results are there, or the time is over; return those that are."""
        with contextlib.suppress(TimeoutError), self._telling(), self._client.as_current():
            wait([f for f in results if f.status not in _DONE] or list(results), seconds, "FIRST_COMPLETED")
        if any(future.status == "cancelled" for future in results):
            raise self._lost()
        return [future for future in results if future.status in _DONE]

    def get(self, results: Sequence[Future]) -> list[Any]:
        """Return results that are there."""
        with self._telling():
            return list(self._client.gather(list(results)))

    def drop(self, results: Sequence[Future]) -> None:
        """Forget work and its results."""
        for future in results:
            future.release()

    def tokens_trained(self) -> int:
        """Return the tokens that workers have told of."""
        with self._lock:
            return self._n_tokens

    def on_each(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """Call a function on every worker; return results, or what was raised, by the names of those who live."""
        with self._telling():
            found = self._client.run(function, *args, on_error="return")
        return {name: result for name, result in found.items() if not isinstance(result, CommClosedError)}

    def seconds_to_move(self, n_bytes: int, sender: str, receiver: str) -> float:
        """Return how long so many bytes take from one worker to another."""
        with self._telling(), self._client.as_current():
            source = self._client.submit(bytes, n_bytes, pure=False, workers=[sender])
            wait([source], _CONNECT_SECONDS)
            begin = time.perf_counter()
            self._client.submit(len, source, pure=False, workers=[receiver]).result(_CONNECT_SECONDS)
            return time.perf_counter() - begin

    def _check_workers(self) -> dict[str, float] | None:
        """Return what a training must ask for."""
        with contextlib.suppress(TimeoutError):
            self._client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            raise UsageError(f"the cluster at {self.address} has no workers; start some with: dask worker")
        declared = [name for name, about in workers.items() if about.get("resources", {}).get(RESOURCE)]
        if declared:
            return {RESOURCE: 1}
        many = [name for name, about in workers.items() if about["nthreads"] > 1]
        if many:
            raise UsageError(
                f"{many[0]} would train several times at once; start workers with "
                f"--nthreads 1 or --resources '{RESOURCE}=1'"
            )
        return None

    def _count(self, event: Any) -> None:
        with self._lock:
            self._n_tokens += int(event[1])

    @contextlib.contextmanager
    def _telling(self) -> Any:
        """Turn Dask's errors into our own."""
        try:
            yield
        except KilledWorker as error:
            raise OutOfMemoryError(
                f"workers died again and again, the last one {error.last_worker.address}; "
                "too little memory is the usual reason (dask worker --memory-limit)"
            ) from None
        except MemoryError:
            raise OutOfMemoryError(
                "a worker has too little memory; use a smaller --dim or a larger --min-count"
            ) from None
        except W2vfastError:
            raise
        except TimeoutError as error:
            if self._client.status == "running":
                raise
            raise self._lost() from error
        except (CancelledError, CommClosedError, OSError) as error:
            raise self._lost() from error

    def _lost(self) -> ClusterError:
        return ClusterError(f"lost the scheduler at {self.address}; run the command again with --resume")


def _start_cluster(address: str) -> LocalCluster:
    text = address.removeprefix("local:")
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 256):
        raise UsageError(f"--workers {address}: local:N needs a number of processes from 1 to 256")
    dask.config.set({"distributed.scheduler.allowed-failures": 10, "distributed.admin.tick.limit": "60s"})
    return LocalCluster(  # workers leave Ctrl-C, which the terminal sends to them too, to the client
        preload="import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)",
        n_workers=int(text), threads_per_worker=1, processes=True, memory_limit=0, resources={RESOURCE: 1},
        host="127.0.0.1", dashboard_address="127.0.0.1:0", worker_dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    )  # fmt: skip


def _named(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function; what it raises on purpose tells the worker."""
    try:
        return function(*args)
    except W2vfastError as error:
        raise type(error)(f"worker {get_worker().address}: {error}") from None
    except OSError as error:  # not that of a connection
        raise OutputError(f"worker {get_worker().address}: {error}") from None


def _training(topic: str, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function with one more argument, that tells the client of tokens trained."""
    worker = get_worker()
    return _named(function, *args, lambda n_tokens: worker.log_event(topic, n_tokens))
