"""Where text comes from: files, folders, patterns, standard input and open streams, as blocks of bytes."""

import contextlib
import glob
import importlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from w2vfast.errors import CorpusError, UsageError

BLOCK_BYTES = 1 << 20
#: Compression by the first bytes: the module and class that undo it. A Python may lack the modules.
_COMPRESSIONS = {
    b"\x1f\x8b": ("gzip", "GzipFile"),
    b"BZh": ("bz2", "BZ2File"),
    b"\xfd7zXZ\x00": ("lzma", "LZMAFile"),
}
_HEAD_BYTES = 16
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

#: What ``w2vfast.train`` accepts as a corpus: a path or pattern, "-", an open binary stream, or several.
CorpusInput = str | os.PathLike[str] | BinaryIO


class Source:
    """One file or stream of text.

    Parameters
    ----------
    origin
        The path of a file, or an open binary stream.
    """

    def __init__(self, origin: Path | BinaryIO) -> None:
        self.origin = origin
        self.name = origin.name if isinstance(origin, Path) else _stream_name(origin)

    @property
    def n_bytes(self) -> int | None:
        """Size of a regular file; None for a stream, whose size nobody knows."""
        path = self.origin
        return path.stat().st_size if isinstance(path, Path) and path.is_file() else None

    def is_file(self, path: Path) -> bool:
        """Tell whether this source is the file at ``path``, whatever its names."""
        return isinstance(self.origin, Path) and path.is_file() and self.origin.samefile(path)

    def blocks(self) -> Iterator[bytes]:
        """Yield the text in blocks of at most 1 MiB, decompressed.

        Raises
        ------
        UsageError
            The file cannot be opened.
        CorpusError
            It is a model, not text, or damaged compressed data.
        """
        with contextlib.ExitStack() as stack:
            if isinstance(self.origin, Path):
                try:
                    raw: BinaryIO = stack.enter_context(self.origin.open("rb"))
                except OSError as error:
                    raise UsageError(f"cannot read {self.origin}: {error.strerror}") from None
            else:
                raw = self.origin
            yield from self._read(raw)

    def _read(self, raw: BinaryIO) -> Iterator[bytes]:
        head = raw.read(_HEAD_BYTES)
        stream = cast(BinaryIO, io.BufferedReader(_Replay(head, raw), BLOCK_BYTES))
        if head.startswith(_ZSTD_MAGIC):
            raise UsageError(f"{self.name} is zstd-compressed; decompress it: zstdcat FILE | w2vfast train -")
        if head[8:9] == b"{" and head[4:8] == bytes(4):
            raise CorpusError(f"{self.name} is a model, not text")
        text, n_read = self._decompressed(stream, head), 0
        try:
            while block := text.read(BLOCK_BYTES):
                n_read += len(block)
                yield block
        except EOFError:
            raise CorpusError(f"{self.name} is truncated after {n_read:,} bytes of text") from None
        except Exception as error:  # each module has errors of its own for damaged data
            what = getattr(error, "strerror", None) or error
            raise CorpusError(f"cannot read {self.name} beyond {n_read:,} bytes of text: {what}") from None

    def _decompressed(self, stream: BinaryIO, head: bytes) -> BinaryIO:
        for magic, (module, kind) in _COMPRESSIONS.items():
            if head.startswith(magic):
                try:
                    opener = getattr(importlib.import_module(module), kind)
                except ImportError:
                    raise UsageError(f"{self.name} is compressed; this Python has no module {module}") from None
                undone: BinaryIO = opener(fileobj=stream) if module == "gzip" else opener(stream)
                return undone
        return stream


class _Replay(io.RawIOBase):
    """A stream whose first bytes have been read already: it gives them again, then the rest."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head or self._stream.read(len(buffer))
        self._head = b""
        buffer[: len(data)] = data
        return len(data)


def find_sources(inputs: CorpusInput | Sequence[CorpusInput]) -> list[Source]:
    """Turn paths, folders (searched to the bottom, sorted), patterns, "-" and streams into sources.

    Raises
    ------
    UsageError
        Something named does not exist or holds no file. Nothing has been read then.
    """
    several = isinstance(inputs, Sequence) and not isinstance(inputs, str)
    sources: list[Source] = []
    for entry in cast(Sequence[CorpusInput], inputs if several else [inputs]):
        if isinstance(entry, str) and entry == "-":
            sources.append(Source(sys.stdin.buffer))
        elif isinstance(entry, str | os.PathLike):
            sources += [Source(path) for path in _expand(os.fspath(entry))]
        elif hasattr(entry, "read"):
            sources.append(Source(entry))
        else:
            raise UsageError(
                f"a corpus is a path or an open binary stream, not {type(entry).__name__}; "
                "for text in memory pass io.BytesIO(text.encode())"
            )
    if not sources:
        raise UsageError("no corpus given")
    return sources


def _expand(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and not _is_hidden(p.relative_to(path)))
        if not files:
            raise UsageError(f"the folder {name} holds no files")
        return files
    if path.exists():
        return [_readable(path)]
    matches = sorted(Path(match) for match in glob.glob(name, recursive=True))
    files = [_readable(match) for match in matches if match.is_file()]
    if not files:
        raise UsageError(f"{name} does not exist")
    return files


def _readable(path: Path) -> Path:
    if not os.access(path, os.R_OK):
        raise UsageError(f"cannot read {path}: permission denied")
    return path


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _stream_name(stream: BinaryIO) -> str:
    name = getattr(stream, "name", None)
    return os.path.basename(name) if isinstance(name, str) and name != "<stdin>" else "standard input"
