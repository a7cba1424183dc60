"""How files of vectors are written: numbers as text, a header that needs a count, matrices on disk."""

import gzip
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import DataError
from w2vfast.model.formats.stream import Stream

_COPY_BYTES = 1 << 22


def numbers_as_text(vectors: NDArray[np.float32], dtype: type) -> list[list[bytes]]:
    """Return the shortest decimals that give each number back, rounded to ``dtype`` first.

    Raises
    ------
    DataError
        A number is too large for float16.
    """
    return cast(list[list[bytes]], narrowed(vectors, dtype).astype("S32").tolist())


def narrowed(vectors: NDArray[np.float32], dtype: type) -> NDArray[np.floating[Any]]:
    """Return the numbers as ``dtype``, float32 or float16.

    Raises
    ------
    DataError
        A number is too large for float16.
    """
    with np.errstate(over="ignore"):
        result: NDArray[Any] = vectors.astype(dtype, copy=False)
    if not np.array_equal(np.isfinite(result), np.isfinite(vectors)):
        raise DataError("a number is too large for float16 (more than 65,504)")
    return result


def write_counted(
    path: Path, items: Iterator[bytes], header: Callable[[int], bytes] | None, n_items: int | None, *,
    packed: bool = False,
) -> int:  # fmt: skip
    """Write a header that tells how many items follow, and the items; return their number.

    Parameters
    ----------
    path
        The file. If the number is not known before, the items wait in another one beside it.
    items
        What is written, in turn.
    header
        Gives the header for a number of items; None = no header.
    n_items
        Their number, if it is known.
    packed
        Whether the file is gzipped.
    """
    with path.open("wb") as raw:
        sink = cast(BinaryIO, gzip.GzipFile("", "wb", fileobj=raw, mtime=0)) if packed else raw
        with sink:
            if header is None or n_items is not None:
                sink.write(b"" if header is None else header(cast(int, n_items)))
                return _write_all(sink, items)
            waiting = path.with_name(path.name + ".waiting")
            with waiting.open("wb+") as body:
                n_written = _write_all(body, items)
                body.seek(0)
                sink.write(header(n_written))
                shutil.copyfileobj(body, sink, _COPY_BYTES)
            waiting.unlink()
            return n_written


def _write_all(sink: BinaryIO, items: Iterator[bytes]) -> int:
    n_items = 0
    for item in items:
        sink.write(item)
        n_items += 1
    return n_items


class Spool:
    """A matrix that grows in a file, and is mapped into memory when it is whole.

    Parameters
    ----------
    path
        The file; its owner removes it.
    dim
        Length of a row.
    dtype
        Type of the numbers.
    """

    def __init__(self, path: Path, dim: int, dtype: type = np.float32) -> None:
        self._path, self._dim, self._dtype, self._n_rows = path, dim, dtype, 0
        path.unlink(missing_ok=True)

    def append(self, rows: NDArray[np.float32]) -> None:
        """Write some rows (n, D)."""
        with self._path.open("ab") as file:
            file.write(np.ascontiguousarray(narrowed(rows, self._dtype)).data)
        self._n_rows += len(rows)

    def matrix(self) -> NDArray[Any]:
        """Return all rows."""
        return np.memmap(self._path, self._dtype, "r", shape=(self._n_rows, self._dim))


def spooled(
    stream: Stream, folder: Path, dtype: type = np.float32
) -> tuple[NDArray[Any], list[str], NDArray[np.int64], NDArray[Any] | None]:
    """Return vectors, words, counts and output vectors of a stream; the matrices lie in files in ``folder``."""
    vectors = Spool(folder / "vectors.spool", stream.dim, dtype)
    words: list[str] = []
    counts: list[NDArray[np.int64]] = []
    contexts: Spool | None = None
    for block in stream.blocks:
        vectors.append(block.vectors)
        words.extend(block.words)
        counts.append(np.zeros(len(block.words), np.int64) if block.counts is None else block.counts)
        if block.context is not None:
            contexts = contexts or Spool(folder / "context.spool", stream.dim, dtype)
            contexts.append(block.context)
    return vectors.matrix(), words, np.concatenate(counts), None if contexts is None else contexts.matrix()
