"""How w2vfast compiles: one set of Numba options, one private cache directory.

Numba's disk cache does not notice a change of options or of a helper in another file, and it stores pickled
machine code. So each combination of kernel sources, versions, processor and mode has a directory of its own,
readable by its owner only. In a ``NUMBA_CACHE_DIR`` set by the user it has a directory, too.
"""

import contextlib
import errno
import hashlib
import os
import platform
import stat
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from traceback import walk_tb
from typing import Any

import llvmlite.binding
import numba
import numpy as np
from numba import config
from numba.core import caching

#: What LLVM may assume. Never nnan or ninf: they would make every test for NaN constant false.
FASTMATH = {"reassoc", "contract", "arcp", "nsz", "afn"}


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function that runs on one thread, without the GIL, and makes no arrays.

    Numba counts the references of arrays that go in and out of calls, by atomic additions. Threads that share the
    arrays would wait for each other at every call, so counting is switched off.
    """
    return _compile(function, _nrt=False)


def inlined(function: Callable[..., Any]) -> Any:
    """Make a function a part of each of its callers: for what is called once a row, a byte or a draw.

    Numba copies it before it infers types, which compiles faster than LLVM's inlining.
    """
    return _compile(function, _nrt=False, inline="always")


def compiled_with_arrays(function: Callable[..., Any]) -> Any:
    """Compile a function that may make arrays: to be called rarely."""
    return _compile(function)


def compiled_parallel(function: Callable[..., Any]) -> Any:
    """Compile a function whose ``prange`` loops run on all of Numba's threads, without the GIL."""
    return _compile(function, parallel=True)


def processor() -> str:
    """Return LLVM's name of the processor: code is compiled for it."""
    return str(llvmlite.binding.get_host_cpu_name())


def use_threads(n_threads: int) -> None:
    """Let the parallel kernels that this thread calls run on so many threads, as far as there are."""
    numba.set_num_threads(min(n_threads, config.NUMBA_NUM_THREADS))


_layer_before_fork = ""


def _note_fork() -> None:
    """Remember in a forked process which threads its parent had launched."""
    global _layer_before_fork
    with contextlib.suppress(ValueError):  # none
        _layer_before_fork = numba.threading_layer()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def is_barred_by_fork() -> bool:
    """Tell whether a parallel kernel would kill this process, as GNU OpenMP does if the parent has used it."""
    return _layer_before_fork == "omp" and sys.platform == "linux"


def call_mended(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function whose first call loads compiled code; if loading fails, clear the cache and call again.

    A damaged cache file makes Numba raise whatever unpickling it raises, at every start: even a MemoryError, so
    what counts is where it was raised. What cannot be stored because the disk is full is compiled all the same.
    """
    try:
        return function(*args)
    except Exception as error:
        if not any(frame.f_code.co_filename == caching.__file__ for frame, _ in walk_tb(error.__traceback__)):
            raise
        if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
            clear_cache()
        return function(*args)


def clear_cache() -> None:
    """Delete the compiled code on disk, so that the next call compiles again."""
    directory = cache_directory()
    if directory is not None:
        for file in directory.rglob("*.nb[ci]"):
            file.unlink(missing_ok=True)


def is_cached(function: Any) -> bool:
    """Tell whether compiled code of a kernel lies in the disk cache, or none is needed (NUMBA_DISABLE_JIT)."""
    if not hasattr(function, "py_func"):
        return True
    directory, name = cache_directory(), function.py_func.__qualname__
    module = function.py_func.__module__.rpartition(".")[2]
    return directory is not None and any(directory.rglob(f"{module}.{name}-*.nbi"))


@cache
def cache_directory() -> Path | None:
    """Return the directory for compiled code, made if need be, or None where nothing can be kept."""
    try:
        if named := os.environ.get("NUMBA_CACHE_DIR"):
            path = Path(named) / f"w2vfast-{_digest()}"
        else:
            root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
            path = Path(root) / "w2vfast" / f"numba-{_digest()}"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
    except (OSError, RuntimeError):  # read-only or missing home; no home at all
        return None
    owned = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
    private = not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return path if owned and private and os.access(path, os.W_OK) else None


def _compile(function: Callable[..., Any], **options: Any) -> Any:
    directory = cache_directory()
    options |= {"nogil": True, "fastmath": FASTMATH, "error_model": "numpy"}
    before = config.CACHE_DIR
    try:  # Numba reads the setting when a function is decorated; other packages keep their own
        config.CACHE_DIR = str(directory or "")
        return numba.njit(function, cache=directory is not None, **options)
    except RuntimeError:  # a source that Numba cannot find again, for example in a zip file
        return numba.njit(function, **options)
    finally:
        config.CACHE_DIR = before


def _digest() -> str:
    parts = [
        numba.__version__,
        np.__version__,
        platform.python_version(),
        platform.machine(),
        processor(),
        os.environ.get("NUMBA_BOUNDSCHECK", ""),
        os.environ.get("NUMBA_CPU_NAME", ""),
        os.environ.get("NUMBA_CPU_FEATURES", ""),
    ]
    here = Path(__file__)
    sources = [here, *sorted((here.parent / "kernels").glob("*.py"))]
    content = "\0".join(parts).encode() + b"\0".join(source.read_bytes() for source in sources)
    return hashlib.sha256(content).hexdigest()[:16]
