"""Arrays in temporary files without a name, mapped into memory; the system may write them out."""

import errno
import os
import tempfile
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from w2vfast.errors import OutputError
from w2vfast.system.places import temporary_folder

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CANNOT_RESERVE = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}
_BLOCK_BYTES = 1 << 20


def spooled(size: int, kind: DTypeLike) -> NDArray[Any]:
    """Return an array (size,) of zeros in the folder for temporary files; it goes with its last reference.

    Raises
    ------
    OutputError
        It does not fit on the disk.
    """
    if size == 0:
        return np.zeros(0, kind)
    place = temporary_folder()
    try:
        with tempfile.TemporaryFile(prefix="w2vfast-") as file:
            _reserve(file, size * np.dtype(kind).itemsize)
            return np.memmap(file, kind, "r+", shape=(size,)).view(np.ndarray)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OutputError(f"cannot keep temporary data in {place}: {error.strerror}; set TMPDIR") from None


def _reserve(file: BinaryIO, n_bytes: int) -> None:
    """Give a file its size and the room for it: a write into a map that finds the disk full kills the process."""
    try:
        os.posix_fallocate(file.fileno(), 0, n_bytes)
    except (AttributeError, OSError) as error:  # not on every system, not on every disk
        if getattr(error, "errno", None) not in {None, *_CANNOT_RESERVE}:
            raise
        for begin in range(0, n_bytes, _BLOCK_BYTES):
            file.write(bytes(min(_BLOCK_BYTES, n_bytes - begin)))
        file.flush()
