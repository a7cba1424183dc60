"""A folder that the machine of the user and all workers can reach: a path on a shared disk, or a URL."""

import contextlib
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import FormatError, OutputError, UsageError

#: Stores where a file appears whole, and only when all of it has been sent.
_PUTS_WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"}


@dataclass(frozen=True)
class Store:
    """Whole files of bytes, under names with slashes; a reader never sees half of one.

    Parameters
    ----------
    url
        An absolute path, or what fsspec understands, such as ``s3://bucket/run``.
    """

    url: str

    @property
    def _place(self) -> tuple[Any, str]:
        return open_filesystem(self.url)

    def path(self, name: str) -> str:
        """Return the URL of a file."""
        return f"{self.url.rstrip('/')}/{name}"

    def put(self, name: str, content: bytes | memoryview) -> None:
        """Write a file, replacing an older one.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        system, root = self._place
        target = f"{root}/{name}"
        part = f"{target}.{uuid4().hex}.part"
        try:
            system.makedirs(os.path.dirname(target), exist_ok=True)
            if _protocols(system) & _PUTS_WHOLE:
                system.pipe_file(target, bytes(content))
                return
            with system.open(part, "wb") as file:
                file.write(content)
            system.mv(part, target)
        except OSError as error:
            with contextlib.suppress(OSError):
                system.rm(part)
            raise OutputError(f"cannot write {self.path(name)}: {reason(error)}") from None

    def read_into(self, name: str, *buffers: memoryview) -> None:
        """Fill buffers, one after the other, with a file of their size.

        Raises
        ------
        FormatError
            The file is not there, or of another size.
        """
        system, root = self._place
        try:
            with system.open(f"{root}/{name}", "rb") as file:
                if not all(_fills(file, buffer) for buffer in buffers) or file.read(1):
                    raise FormatError(f"{self.path(name)} is damaged: it has not {sum(map(len, buffers)):,} bytes")
        except OSError as error:
            raise FormatError(f"cannot read {self.path(name)}: {reason(error)}") from None

    def put_json(self, name: str, value: Any) -> None:
        """Write a value as JSON."""
        self.put(name, json.dumps(value, indent=1, sort_keys=True).encode())

    def get_json(self, name: str) -> Any:
        """Return the value of a JSON file; None if there is no file.

        Raises
        ------
        FormatError
            It is no JSON, or cannot be read.
        """
        system, root = self._place
        try:
            return json.loads(system.cat_file(f"{root}/{name}"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise FormatError(f"{self.path(name)} is damaged ({reason(error)})") from None

    def names(self) -> list[str]:
        """Return the names of what lies in the folder; none if there is no folder.

        Raises
        ------
        OutputError
            It cannot be listed.
        """
        system, root = self._place
        try:
            return sorted(os.path.basename(path.rstrip("/")) for path in system.ls(root, detail=False))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise OutputError(f"cannot look into {self.url}: {reason(error)}") from None

    def remove(self, names: Sequence[str], *, with_folder: bool = False) -> None:
        """Delete files or folders, patterns too, those that are there; the folder itself if it is empty then."""
        system, root = self._place
        for name in names:
            with contextlib.suppress(OSError):  # what stays is in nobody's way
                for path in system.glob(f"{root}/{name}"):
                    system.rm(path, recursive=True)
        if with_folder:
            with contextlib.suppress(OSError):
                system.rmdir(root)


def open_filesystem(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path on it.

    Raises
    ------
    UsageError
        fsspec, or what it needs for this kind of URL, is not installed.
    """
    try:
        from fsspec.core import url_to_fs

        return url_to_fs(url)  # type: ignore[no-any-return]
    except (ImportError, ValueError) as error:
        raise UsageError(f"cannot open {url}: {error}") from None


def fetch(url: str) -> Path:
    """Return a path on this machine where a file lies: its own, or that of a copy made once.

    Raises
    ------
    FormatError
        It cannot be read.
    """
    import fsspec

    system, path = open_filesystem(url)
    if "file" in _protocols(system):
        return Path(path)
    try:
        return Path(fsspec.open_local(f"filecache::{url}", filecache={"check_files": True}))
    except OSError as error:
        raise FormatError(f"cannot read {url}: {reason(error)}") from None


def _fills(file: Any, buffer: memoryview) -> bool:
    """Tell whether a file fills a buffer."""
    n_read = 0
    while n_read < len(buffer) and (n := file.readinto(buffer[n_read:])):
        n_read += n
    return n_read == len(buffer)


def octets_of(array: NDArray[Any]) -> memoryview:
    """Return the bytes of a contiguous array, in place."""
    return memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type]


def crc_of(array: NDArray[Any]) -> str:
    """Return the checksum of a contiguous array."""
    return f"{zlib.crc32(np.ascontiguousarray(array).data):08x}"


def reason(error: Exception) -> str:
    """Return why something failed, in a few words."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _protocols(system: Any) -> set[str]:
    found = system.protocol
    return {found} if isinstance(found, str) else set(found)
