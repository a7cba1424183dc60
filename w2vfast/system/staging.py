"""Files that appear whole or not at all.

A result is written into a private folder beside its target, flushed to the disk and renamed over the target.
The folder is locked while its owner lives; what a killed run left behind is removed by a later one.
"""

import contextlib
import errno
import glob
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from w2vfast.errors import OutputError, UsageError
from w2vfast.system.places import is_device, real_path

try:
    import fcntl
except ImportError:  # not on Windows; there nothing is cleaned up after a killed run
    fcntl = None  # type: ignore[assignment]

_STALE_SECONDS = 60
_STANDARD_OUTPUT = ("-", "/dev/stdout", "/dev/fd/1")
_COPY_BYTES = 1 << 22
_STEM_BYTES = 200  # of a name; with what is added it stays below the 255 bytes that systems allow


class Staging:
    """A private folder for one output; a context manager that removes the folder in the end.

    Parameters
    ----------
    output
        Where the result goes: a path, or "-" for standard output. A symbolic link stays and its target is
        replaced; a FIFO or device is written to, never replaced.
    files
        Names of the files of a result that is a folder; an older folder is replaced if it has no others.
    replaces
        Whether an older file is replaced; else it is an error, also if it appears before the result is there.

    Raises
    ------
    OutputError
        The place cannot be written to.
    UsageError
        The output is a folder and the result is not, or the other way round.

    Attributes
    ----------
    is_contested
        Whether somebody else is writing the same file: the last one to finish wins.
    """

    def __init__(
        self, output: str | os.PathLike[str], *, files: Collection[str] = (), replaces: bool = True
    ) -> None:
        self.is_stdout = os.fspath(output) in _STANDARD_OUTPUT
        is_special = not self.is_stdout and is_device(output)  # the path without links of an open pipe is none
        self.target = Path("-" if self.is_stdout else output if is_special else real_path(output))
        self.name = "standard output" if self.is_stdout else os.fspath(output)
        if not self.name:
            raise UsageError("an empty file name")
        self._lock = -1
        self._files, self._replaces = files, replaces
        with self._reporting():
            if files:
                self._check_folder()
            elif not self.is_stdout and self.target.is_dir():
                raise UsageError(f"the output {self.name} is a folder; give a file name")
            self.in_place = self.is_stdout or is_special
            home = Path(tempfile.gettempdir()) if self.in_place else self.target.parent
            stem = "w2vfast" if self.in_place else os.fsdecode(os.fsencode(self.target.name)[:_STEM_BYTES])
            self.is_contested = _remove_stale(home, stem) and not self.in_place
            self._folder = self._make_folder(home, stem)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in range(2):  # again if something could not be removed; what stays goes with a later run
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def reserve(self, n_bytes: int) -> None:
        """Claim disk space for the result.

        Raises
        ------
        OutputError
            There is not enough of it.
        """
        with self._reporting(), open(self._reserve, "wb") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, n_bytes)
            except (AttributeError, OSError) as error:
                number, free = getattr(error, "errno", None), shutil.disk_usage(self._folder).free
                if number not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    if free >= n_bytes:
                        return
                    number = errno.ENOSPC
                sizes = f"it needs about {n_bytes / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free there"
                raise OSError(number, f"{os.strerror(number)}; {sizes}") from None

    def write(self, writer: Callable[[Path], None], n_bytes: int | None) -> None:
        """Make the result with ``writer``, which gets a path to fill, and put it in place.

        Parameters
        ----------
        writer
            Writes a file of ``n_bytes`` bytes.
        n_bytes
            Its size, if it is known; a file of another size is not put in place.

        Raises
        ------
        OutputError
            It cannot be written; the target is as it was before.
        """
        staged = self._folder / "result"
        with self._reporting():
            self._reserve.unlink(missing_ok=True)
            try:
                self._write(writer, staged, n_bytes)
            except BaseException:  # make room: the result may be saved elsewhere on the same disk
                staged.unlink(missing_ok=True) if not self._files else shutil.rmtree(staged, ignore_errors=True)
                raise

    def write_bytes(self, content: bytes) -> None:
        """Make these bytes the result, as ``write`` does."""

        def fill(path: Path) -> None:
            path.write_bytes(content)

        self.write(fill, len(content))

    def _write(self, writer: Callable[[Path], None], staged: Path, n_bytes: int | None) -> None:
        if self._files:
            staged.mkdir()
        writer(staged)
        if n_bytes is not None and staged.stat().st_size != n_bytes:
            raise OSError(errno.EIO, f"{staged.stat().st_size} bytes written instead of {n_bytes}")
        if self._files:
            self._rename_folder(staged)
        elif self.in_place:
            self._copy_out(staged)
        else:
            self._rename(staged)

    @property
    def _reserve(self) -> Path:
        return self._folder / "reserve"

    def _rename(self, staged: Path) -> None:
        with open(staged, "rb+") as file:
            os.chmod(staged, _mode_for(self.target))
            os.fsync(file.fileno())
        (os.replace if self._replaces else _move)(staged, self.target)
        _flush_folder(self.target.parent)

    def _check_folder(self) -> None:
        """Refuse to replace what is not an older result."""
        if self.is_stdout:
            raise UsageError("several files cannot go to standard output; give a folder's name")
        if self.target.is_dir():
            if others := set(os.listdir(self.target)) - set(self._files):
                raise UsageError(f"the folder {self.name} has other files in it, such as {min(others)}")
        elif self.target.exists():
            raise UsageError(f"the output {self.name} is a file; this format makes a folder")

    def _rename_folder(self, staged: Path) -> None:
        """Put a folder in place; an older one changes places with it."""
        for path in staged.iterdir():
            os.chmod(path, _mode_for(self.target / path.name))  # the library makes files for the user alone
            with path.open("rb") as file:
                os.fsync(file.fileno())
        _flush_folder(staged)
        if not self.target.exists():
            os.rename(staged, self.target)
        elif not _swap(staged, self.target):
            os.rename(self.target, self._folder / "old")
            os.rename(staged, self.target)
        _flush_folder(self.target.parent)

    def _copy_out(self, staged: Path) -> None:
        with open(staged, "rb") as source:
            if self.is_stdout:
                shutil.copyfileobj(source, sys.stdout.buffer, _COPY_BYTES)
                sys.stdout.buffer.flush()
                return
            with open(self.target, "wb") as sink:
                shutil.copyfileobj(source, sink, _COPY_BYTES)

    def _make_folder(self, home: Path, stem: str) -> Path:
        while True:
            folder = home / f".{stem}.{os.urandom(6).hex()}.tmp"
            folder.mkdir(mode=0o700)
            if fcntl is None:
                return folder
            try:
                lock = os.open(folder, os.O_RDONLY)
            except OSError:
                folder.rmdir()
                raise
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # a cleaner looks whether it is held
                os.close(lock)
                folder.rmdir()
                continue
            except OSError:  # a file system without locks
                os.close(lock)
                return folder
            self._lock = lock
            return folder

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write {self.name}: {error.strerror or error}") from None


def _move(staged: Path, target: Path) -> None:
    """Rename a file to a name that nothing has yet."""
    try:
        os.link(staged, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        os.replace(staged, target)


def _flush_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # some systems cannot flush a folder; its files are safe
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _swap(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; return False where the system cannot."""
    import ctypes  # needed here only

    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def _mode_for(target: Path) -> int:
    """Return the old file's mode, or the one that a new file gets."""
    with contextlib.suppress(FileNotFoundError):
        return stat.S_IMODE(target.stat().st_mode)
    umask = os.umask(0o077)
    os.umask(umask)
    return 0o666 & ~umask


def _remove_stale(home: Path, stem: str) -> bool:
    """Remove the folders of dead runs: old, and with a lock that nobody holds; tell whether one is held."""
    is_held = False
    if fcntl is None:
        return False
    for folder in home.glob(f".{glob.escape(stem)}.{'[0-9a-f]' * 12}.tmp"):
        with contextlib.suppress(OSError):
            is_old = time.time() - folder.stat().st_mtime >= _STALE_SECONDS
            lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if is_old:
                    shutil.rmtree(folder, ignore_errors=True)
            except BlockingIOError:
                is_held = True
            finally:
                os.close(lock)
    return is_held
