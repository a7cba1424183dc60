"""Where text comes from: files, folders, patterns, standard input and open streams, as blocks of bytes."""

import glob
import importlib.util
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, cast

from w2vfast.corpus.magic import START_BYTES, begins_container, compression_of, foreign_of, unreadable_of
from w2vfast.corpus.reading import ReadingReport
from w2vfast.errors import CorpusError, UsageError, W2vfastError
from w2vfast.wording import counted

BLOCK_BYTES = 1 << 23
_PACKED_STEP_BYTES = 1 << 11  # what these unpack to, 60 MB at the very most, is in memory at once
_HEAD_BYTES = 16

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
        return isinstance(self.origin, Path) and begins_container(_start(self.origin))

    def is_file(self, path: Path) -> bool:
        """Tell whether this source is the file at ``path``, whatever its names."""
        return isinstance(self.origin, Path) and os.path.isfile(path) and self.origin.samefile(path)

    def blocks(self, report: ReadingReport | None = None, *, allow_truncated: bool = False) -> Iterator[bytes]:
        """Yield the text in blocks of some MiB, decompressed.

        Parameters
        ----------
        report
            Told of what is odd but no error.
        allow_truncated
            Compressed data that breaks off is no error.

        Raises
        ------
        UsageError
            The file cannot be opened.
        CorpusError
            It is no UTF-8 text but a model, an archive or UTF-16, or damaged compressed data.
        """
        report = report or ReadingReport()
        if not isinstance(self.origin, Path):
            yield from self._checked(self.origin, report, allow_truncated)
            return
        try:
            file = self.origin.open("rb")
        except OSError as error:
            raise UsageError(f"cannot read {self.origin}: {error.strerror}") from None
        with file:
            before = os.fstat(file.fileno())
            blocks = self._checked(file, report, allow_truncated)
            if stat.S_ISREG(before.st_mode) and before.st_size > BLOCK_BYTES:
                with ThreadPoolExecutor(1, "w2vfast-file") as reader:
                    yield from _ahead(blocks, reader)
            else:
                yield from blocks
            after = os.fstat(file.fileno())
            changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
            report.n_changed_files += changed and stat.S_ISREG(before.st_mode)

    def _checked(self, raw: BinaryIO, report: ReadingReport, allow_truncated: bool) -> Iterator[bytes]:
        """Yield blocks as ``_read`` does, if the first one looks like text."""
        blocks = self._read(raw, report, allow_truncated)
        first = next(blocks, b"")
        if what := unreadable_of(first[:START_BYTES]):
            raise CorpusError(f"{self.name} {what}")
        if first:
            yield first
        yield from blocks

    def _read(self, raw: BinaryIO, report: ReadingReport, allow_truncated: bool) -> Iterator[bytes]:
        n_read, parts, n_bytes = 0, list[bytes](), 0
        try:
            head = raw.read(_HEAD_BYTES)
            text = self._decompressed(
                cast(BinaryIO, io.BufferedReader(_Replay(head, raw), BLOCK_BYTES)), head, report
            )
            while part := text.read1(BLOCK_BYTES):  # what is read before the data breaks off is not lost
                parts.append(part)
                n_read, n_bytes = n_read + len(part), n_bytes + len(part)
                if n_bytes >= BLOCK_BYTES:
                    yield b"".join(parts)
                    parts, n_bytes = [], 0
        except EOFError:
            if not allow_truncated:
                raise CorpusError(
                    f"{self.name} is truncated after {n_read:,} bytes of text; --allow-truncated reads so far"
                ) from None
            report.n_truncated_files += 1
        except (W2vfastError, MemoryError):
            raise
        except Exception as error:  # each module has errors of its own for damaged data
            what = getattr(error, "strerror", None) or error
            raise CorpusError(f"cannot read {self.name} beyond {n_read:,} bytes of text: {what}") from None
        if parts:
            yield b"".join(parts)

    def _decompressed(self, stream: BinaryIO, head: bytes, report: ReadingReport) -> Any:
        kind = compression_of(head)
        if kind is None:
            return stream
        module, maker, help = kind
        if importlib.util.find_spec(module) is None:
            raise UsageError(f"{self.name} is compressed{help}")
        make = getattr(importlib.import_module(module), maker)
        if module == "gzip":
            return make(fileobj=stream)
        if module == "zstandard":  # what follows must be zstd too, as the program zstd wants it
            return io.BufferedReader(_Members(stream, lambda: make().decompressobj(), None), BLOCK_BYTES)
        return io.BufferedReader(_Members(stream, make, report), BLOCK_BYTES)


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


class _Members(io.RawIOBase):
    """The text of compressed members, one after the other, as concatenated files have them.

    The libraries' own readers take a broken zstd frame for the end, and drop what follows bz2 and xz data.
    """

    def __init__(self, stream: BinaryIO, start: Callable[[], Any], report: ReadingReport | None) -> None:
        self._stream, self._start, self._report = stream, start, report
        self._member, self._packed, self._text, self._n_members = start(), b"", b"", 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._text:
            self._packed = self._packed or self._stream.read(_PACKED_STEP_BYTES)
            if self._member.eof:
                self._packed = self._packed.lstrip(b"\0")  # padding
            if not self._packed:
                if not self._member.eof:
                    raise EOFError
                return 0
            if not self._unpack():
                return 0
        n_bytes = min(len(buffer), len(self._text))
        buffer[:n_bytes] = self._text[:n_bytes]
        self._text = self._text[n_bytes:]
        return n_bytes

    def _unpack(self) -> bool:
        """Unpack the next bytes; return whether they belong to a member."""
        begins = self._member.eof
        if begins:
            self._member, self._n_members = self._start(), self._n_members + 1
        try:
            self._text = self._member.decompress(self._packed)
        except Exception:
            if not begins or self._report is None:
                raise
            self._report.n_files_with_garbage += 1
            return False
        self._packed = self._member.unused_data if self._member.eof else b""
        return True


def _ahead(blocks: Iterator[bytes], reader: ThreadPoolExecutor) -> Iterator[bytes]:
    """Read the next block while the last one is worked on."""
    future = reader.submit(next, blocks, None)
    while (block := future.result()) is not None:
        future = reader.submit(next, blocks, None)
        yield block


def _start(path: Path) -> bytes:
    """Return the first bytes of a regular file."""
    try:
        with path.open("rb") if path.is_file() else io.BytesIO() as file:
            return file.read(START_BYTES)
    except OSError:
        return b""


def find_sources(
    inputs: CorpusInput | Sequence[CorpusInput], on_skip: Callable[[str], None] = lambda text: None
) -> list[Source]:
    """Turn paths, folders (searched to the bottom, sorted), patterns, "-" and streams into sources.

    Hidden files of a folder do not count; models, archives and such in it are skipped, and ``on_skip`` is told.

    Raises
    ------
    UsageError
        Something named does not exist or holds no file, or "-" comes twice. Nothing has been read then.
    """
    several = isinstance(inputs, Sequence) and not isinstance(inputs, str)
    sources: list[Source] = []
    entries = list(cast(Sequence[CorpusInput], inputs if several else [inputs]))
    if entries.count("-") > 1:
        raise UsageError("standard input can be read only once, but - is given more often")
    for entry in entries:
        if isinstance(entry, str) and entry == "-":
            sources.append(Source(sys.stdin.buffer))
        elif isinstance(entry, str | os.PathLike):
            try:
                sources += [Source(path) for path in _expand(os.fspath(entry), on_skip)]
            except PermissionError as error:
                raise UsageError(f"cannot read {error.filename or entry}: permission denied") from None
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


def _expand(name: str, on_skip: Callable[[str], None]) -> list[Path]:
    if not name:  # which Path takes for the current folder
        raise UsageError("an empty file name")
    path = Path(name)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and not _is_hidden(p.relative_to(path)))
        foreign = [file for file in files if foreign_of(_start(file))]
        if foreign:
            on_skip(f"skipped in {name}: {counted(len(foreign), 'file')} of no text, such as {foreign[0].name}")
            files = [file for file in files if file not in set(foreign)]
        if not files:
            raise UsageError(f"the folder {name} holds no files")
        return [_readable(file) for file in files]
    if path.exists():
        return [_readable(path)]
    matches = sorted(Path(match) for match in glob.glob(name, recursive=True))
    files = [_readable(match) for match in matches if match.is_file()]
    if not files:
        raise UsageError(f"{name} does not exist")
    return files


def _readable(path: Path) -> Path:
    if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        raise UsageError(f"cannot read {path}: permission denied")
    return path


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _stream_name(stream: BinaryIO) -> str:
    name = getattr(stream, "name", None)
    return os.path.basename(name) if isinstance(name, str) and name != "<stdin>" else "standard input"
