"""Tensors of a safetensors file, read in blocks by several threads with their checksums.

The library checks the header against the file's size; the numbers are then read from the same open file. A file
that is replaced meanwhile is read as it was; one that another program cuts gives an error, never a signal.
"""

import itertools
import json
import os
import weakref
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from w2vfast.errors import FormatError
from w2vfast.system.threads import count_cpus

#: NumPy's names of the dtypes that w2vfast writes.
DTYPES = {"F32": "<f4", "F16": "<f2", "I64": "<i8", "U8": "|u1"}
_BLOCK_BYTES = 1 << 20
_LARGE_BYTES = 1 << 26  # below that one thread is as fast
_POLYNOMIAL = 0xEDB88320  # of CRC-32, lowest bit first


class TensorFile:
    """An open safetensors file whose header has been checked; a context manager.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    FormatError
        It is damaged, cut short or longer than its header says.
    OSError
        It cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._open()
        try:
            self.metadata = self._check()
            length = int.from_bytes(os.pread(self._fd, 8, 0), "little")
            self._begin, self._header = 8 + length, json.loads(os.pread(self._fd, length, 8))
        except OSError:
            self.close()
            raise
        except Exception as error:  # the library's own, and those of odd headers
            self.close()
            raise FormatError(f"{path} is damaged or not a safetensors file ({error})") from None

    def _open(self) -> None:
        """Open the file; it is closed with the last reference at the latest."""
        self._fd = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._closing = weakref.finalize(self, os.close, self._fd)
        self._closing.atexit = False  # threads may still read

    def _check(self) -> dict[str, str]:
        """Let the library check the file; if another took its place meanwhile, follow it."""
        while True:
            with safe_open(self._path, "numpy", backend="pread") as file:
                metadata = dict(file.metadata() or {})
            if os.path.samestat(os.fstat(self._fd), os.stat(self._path)):
                return metadata
            self.close()
            self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._closing()  # once
        self._fd = -1

    def about(self, name: str) -> tuple[str, list[int]]:
        """Return dtype, as the format names it, and shape of a tensor.

        Raises
        ------
        KeyError
            There is no such tensor.
        """
        return self._header[name]["dtype"], self._header[name]["shape"]

    def names(self) -> set[str]:
        """Return the tensors' names."""
        return set(self._header) - {"__metadata__"}

    def scan(
        self, name: str, visit: Callable[[int, NDArray[Any]], None], *, into: NDArray[Any] | None = None
    ) -> str:
        """Read a tensor block by block on all CPUs; return its CRC-32 as 8 hex digits.

        Parameters
        ----------
        name
            The tensor.
        visit
            Called by several threads with the number of a block's first row and the block, which is
            overwritten afterwards. Nothing is known to be right before the checksum has been compared.
        into
            An array of the tensor's type and shape that is filled.

        Raises
        ------
        FormatError
            The file has become shorter.
        """
        dtype, shape = self.about(name)
        row_bytes = int(np.prod(shape[1:], dtype=np.int64)) * np.dtype(DTYPES[dtype]).itemsize
        step = max(1, _BLOCK_BYTES // row_bytes)

        def part(bounds: tuple[int, int]) -> int:
            crc, buffer = 0, np.empty((step, *shape[1:]), DTYPES[dtype]) if into is None else None
            for first in range(bounds[0], bounds[1], step):
                n_rows = min(step, bounds[1] - first)
                block = into[first : first + n_rows] if buffer is None else buffer[:n_rows]  # type: ignore[index]
                octets = block.reshape(-1).view(np.uint8)
                self._read_into(octets, self._start(name) + first * row_bytes)
                crc = zlib.crc32(octets.data, crc)
                visit(first, block)
            return crc

        n_parts = count_cpus() if shape[0] * row_bytes >= _LARGE_BYTES else 1
        ends = [shape[0] * i // n_parts for i in range(n_parts + 1)]
        parts = list(itertools.pairwise(ends))
        with ThreadPoolExecutor(n_parts) as pool:
            sums = list(pool.map(part, parts))
        crc = 0
        for (begin, end), other in zip(parts, sums, strict=True):
            crc = combine_crc(crc, other, (end - begin) * row_bytes)
        return f"{crc:08x}"

    def slice(self, name: str, first: int, n_rows: int) -> NDArray[Any]:
        """Return neighbouring rows of a matrix; the checksum is not looked at.

        Raises
        ------
        FormatError
            The file has become shorter.
        """
        dtype, (_, dim) = self.about(name)
        result = np.empty((n_rows, dim), DTYPES[dtype])
        self._read_into(result.reshape(-1).view(np.uint8), self._start(name) + first * dim * result.itemsize)
        return result

    def rows(self, name: str, ids: Sequence[int]) -> NDArray[Any]:
        """Return some rows of a matrix; the checksum is not looked at.

        Raises
        ------
        FormatError
            The file has become shorter.
        """
        dtype, (_, dim) = self.about(name)
        result = np.empty((len(ids), dim), DTYPES[dtype])
        for row, row_id in zip(result, ids, strict=True):
            self._read_into(row.view(np.uint8), self._start(name) + row_id * row.nbytes)
        return result

    def _start(self, name: str) -> int:
        return int(self._begin + self._header[name]["data_offsets"][0])

    def _read_into(self, octets: NDArray[np.uint8], place: int) -> None:
        while octets.size:
            n_read = os.preadv(self._fd, [octets.data], place)
            if n_read == 0:
                raise FormatError(f"{os.fspath(self._path)} has become shorter than its header says")
            octets, place = octets[n_read:], place + n_read


def combine_crc(first: int, second: int, n_bytes: int) -> int:
    """Return the CRC-32 of two pieces of data; ``n_bytes`` is the length of the second one.

    A CRC is the remainder of a polynomial over GF(2): the first is multiplied by x to the power of 8 * n_bytes.
    """
    power, square = 1 << 31, 1 << 30  # the polynomials 1 and x
    for bit in range((8 * n_bytes).bit_length()):
        if 8 * n_bytes >> bit & 1:
            power = _multiply(power, square)
        square = _multiply(square, square)
    return _multiply(first, power) ^ second


def _multiply(a: int, b: int) -> int:
    """Multiply two polynomials modulo that of the CRC; the highest bit stands for 1."""
    product = 0
    for bit in range(31, -1, -1):
        if a >> bit & 1:
            product ^= b
        b = b >> 1 ^ (_POLYNOMIAL if b & 1 else 0)
    return product
