"""Where files lie: the user's folder for w2vfast, checkpoints, copies of what can be read only once."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from w2vfast.errors import OutputError, UsageError, W2vfastError


def state_folder() -> Path | None:
    """Return ``$XDG_STATE_HOME/w2vfast``, or what stands for it; None without a home. It may not exist yet."""
    try:
        root = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    except RuntimeError:  # no home
        return None
    return Path(root) / "w2vfast"


def real_path(path: str | os.PathLike[str]) -> str:
    """Return the absolute path without links.

    Raises
    ------
    UsageError
        The path is relative, and the working folder was removed.
    """
    try:
        return os.path.realpath(path)
    except FileNotFoundError:
        raise UsageError(f"there is no {os.fspath(path)}: the working folder was removed") from None


def exists(path: str | os.PathLike[str]) -> bool:
    """Tell whether there is a file or folder.

    Raises
    ------
    UsageError
        Nobody can tell: a folder on the way cannot be searched.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as error:
        raise UsageError(f"cannot read {os.fspath(path)}: {error.strerror}") from None
    return True


def is_device(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path is that of a pipe or device, which can be written to and not replaced."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def short_names(paths: Sequence[str], *, with_suffix: bool = False) -> list[str]:
    """Return the name of each file, with as many folders as no other path ends with; else the path."""
    tails: dict[str, list[str]] = {}
    for path in paths:
        parts = (Path(path) if with_suffix else Path(path).with_suffix("")).parts
        tails[path] = ["/".join(parts[-n:]) for n in range(1, len(parts) + 1)]
    taken = Counter(tail for own in tails.values() for tail in own)
    return [next((tail for tail in tails[path] if taken[tail] == 1), path) for path in paths]


def checkpoint_of(output: str | os.PathLike[str]) -> Path:
    """Return the path of the checkpoint that belongs to an output, through links."""
    return Path(real_path(output) + ".ckpt")


def temporary_folder() -> str:
    """Return the folder for temporary files.

    Raises
    ------
    OutputError
        Python would silently take another one than the user has set.
    """
    named, found = os.environ.get("TMPDIR"), tempfile.gettempdir()
    if named and os.path.realpath(named) != os.path.realpath(found):
        raise OutputError(f"TMPDIR={named} cannot be written to")
    return found


@contextlib.contextmanager
def rereadable(path: str | os.PathLike[str]) -> Iterator[str | os.PathLike[str]]:
    """Yield a path that can be read several times: of a pipe, such as ``<(zcat x)``, that of a temporary copy.

    Raises
    ------
    OSError
        It cannot be read.
    """
    if not stat.S_ISFIFO(os.stat(path).st_mode):
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="w2vfast-") as copy:
        with open(path, "rb") as pipe:
            shutil.copyfileobj(pipe, copy)
        copy.flush()
        try:
            yield copy.name
        except W2vfastError as error:  # the user knows the pipe only
            error.args = (str(error).replace(copy.name, os.fspath(path)),)
            raise
