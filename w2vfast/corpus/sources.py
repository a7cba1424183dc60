"""Where text comes from: files, folders, patterns, standard input and open streams, as blocks of bytes."""

import contextlib
import glob
import importlib.util
import io
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, cast

from w2vfast.corpus.reading import ReadingReport
from w2vfast.errors import CorpusError, UsageError

BLOCK_BYTES = 1 << 23
#: Compression by the first bytes: the module and class that undo it. A Python may lack the modules.
_COMPRESSIONS = {
    b"\x1f\x8b": ("gzip", "GzipFile"),
    b"BZh": ("bz2", "BZ2File"),
    b"\xfd7zXZ\x00": ("lzma", "LZMAFile"),
}
_HEAD_BYTES = 16
CONTAINER_FORMAT = "w2vfast-corpus"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_STEP_BYTES = 1 << 11  # what these unpack to at most, some 60 MB, is in memory at once

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

    @property
    def is_encoded(self) -> bool:
        """Whether this is an encoded corpus instead of text."""
        return isinstance(self.origin, Path) and is_container(self.origin)

    def is_file(self, path: Path) -> bool:
        """Tell whether this source is the file at ``path``, whatever its names."""
        return isinstance(self.origin, Path) and path.is_file() and self.origin.samefile(path)

    def blocks(self, report: ReadingReport | None = None) -> Iterator[bytes]:
        """Yield the text in blocks of some MiB, decompressed.

        Parameters
        ----------
        report
            If given, compressed data that breaks off is no error, but counted here.

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
            blocks = self._read(raw, report)
            if (self.n_bytes or 0) > BLOCK_BYTES:
                blocks = _ahead(blocks, stack.enter_context(ThreadPoolExecutor(1, "w2vfast-file")))
            yield from blocks

    def _read(self, raw: BinaryIO, report: ReadingReport | None) -> Iterator[bytes]:
        head = raw.read(_HEAD_BYTES)
        stream = cast(BinaryIO, io.BufferedReader(_Replay(head, raw), BLOCK_BYTES))
        if head[8:9] == b"{" and head[4:8] == bytes(4):
            raise CorpusError(f"{self.name} is a model, not text")
        text, n_read, parts, n_bytes = self._decompressed(stream, head), 0, list[bytes](), 0
        try:
            while part := text.read1(BLOCK_BYTES):  # what is read before the data breaks off is not lost
                parts, n_read, n_bytes = [*parts, part], n_read + len(part), n_bytes + len(part)
                if n_bytes >= BLOCK_BYTES:
                    yield b"".join(parts)
                    parts, n_bytes = [], 0
        except EOFError:
            if report is None:
                raise CorpusError(
                    f"{self.name} is truncated after {n_read:,} bytes of text; --allow-truncated reads so far"
                ) from None
            report.n_truncated_files += 1
        except Exception as error:  # each module has errors of its own for damaged data
            what = getattr(error, "strerror", None) or error
            raise CorpusError(f"cannot read {self.name} beyond {n_read:,} bytes of text: {what}") from None
        if parts:
            yield b"".join(parts)

    def _decompressed(self, stream: BinaryIO, head: bytes) -> Any:
        if head.startswith(_ZSTD_MAGIC):
            if importlib.util.find_spec("zstandard") is None:
                raise UsageError(f"{self.name} is zstd-compressed; needs: pip install 'w2vfast[zstd]'")
            return io.BufferedReader(_Unzstd(stream), BLOCK_BYTES)
        for magic, (module, kind) in _COMPRESSIONS.items():
            if head.startswith(magic):
                try:
                    opener = getattr(importlib.import_module(module), kind)
                except ImportError:
                    raise UsageError(f"{self.name} is compressed; this Python has no module {module}") from None
                return opener(fileobj=stream) if module == "gzip" else opener(stream)
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


class _Unzstd(io.RawIOBase):
    """The text of zstd frames, one after the other; the library's own reader takes a broken frame for the end."""

    def __init__(self, stream: BinaryIO) -> None:
        import zstandard

        self._stream, self._start = stream, zstandard.ZstdDecompressor().decompressobj
        self._frame, self._packed, self._text = self._start(), b"", b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._text:
            self._packed = self._packed or self._stream.read(_ZSTD_STEP_BYTES)
            if self._frame.eof and self._packed:
                self._frame = self._start()
            if not self._packed:
                if not self._frame.eof:
                    raise EOFError
                return 0
            self._text = self._frame.decompress(self._packed)
            self._packed = self._frame.unused_data
        n_bytes = min(len(buffer), len(self._text))
        buffer[:n_bytes] = self._text[:n_bytes]
        self._text = self._text[n_bytes:]
        return n_bytes


def _ahead(blocks: Iterator[bytes], reader: ThreadPoolExecutor) -> Iterator[bytes]:
    """Read the next block while the last one is worked on."""
    future = reader.submit(next, blocks, None)
    while (block := future.result()) is not None:
        future = reader.submit(next, blocks, None)
        yield block


def is_container(path: Path) -> bool:
    """Tell whether a file begins like an encoded corpus."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            start = file.read(_HEAD_BYTES << 8)
    except OSError:
        return False
    return start[8:9] == b"{" and start[4:8] == bytes(4) and CONTAINER_FORMAT.encode() in start


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
