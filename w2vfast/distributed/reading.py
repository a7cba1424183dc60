"""From text to shards on all workers: count words part by part, choose the vocabulary, encode part by part.

A part is whole lines of a file: those that begin in a range of its bytes; or a whole file, if it is compressed or
its sentences are documents. The vocabulary is that of reading the parts in order, on one machine.
"""

import dataclasses
import io
import itertools
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from w2vfast.corpus.container import save_corpus
from w2vfast.corpus.encoded import blocks_of, encode
from w2vfast.corpus.magic import START_BYTES, begins_container, is_compressed
from w2vfast.corpus.reading import ReadingOptions, ReadingReport
from w2vfast.corpus.sources import Source, find_sources
from w2vfast.corpus.tokenizer import Tokenizer, choose_words
from w2vfast.distributed.plan import Shard
from w2vfast.distributed.store import Store, crc_of, open_filesystem, reason
from w2vfast.errors import CorpusError, UsageError
from w2vfast.system.staging import Staging
from w2vfast.vocab import Vocab, pack

_SHARD_BYTES, _LEAST_SHARD_BYTES = 1 << 28, 1 << 16
_SHARDS_A_REPLICA = 4  # at least, if the text is not too short: so that all workers have some to encode
_MOST_WORDS = 1 << 23  # of a table of counts
_SKIP_BYTES = 1 << 16


@dataclass(frozen=True)
class File:
    """A file of text, anywhere."""

    url: str
    n_bytes: int
    is_divisible: bool
    is_encoded: bool

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class Part:
    """The lines of a file that begin in the bytes begin .. end - 1."""

    url: str
    begin: int
    end: int


@dataclass(frozen=True)
class Counted:
    """Words in the order of their first appearance, and how often they occur."""

    offsets: NDArray[np.int64]  # (V + 1,) of the words in
    letters: NDArray[np.uint8]  # their UTF-8 bytes
    counts: NDArray[np.int64]  # (V,)
    n_words: int  # distinct ones, those forgotten counted too
    bound: int = 0  # by so much, at most, a count may be too small, or a word be missing

    @property
    def words(self) -> list[str]:
        """The words themselves."""
        data, bounds = self.letters.tobytes(), self.offsets.tolist()
        return [data[a:b].decode() for a, b in itertools.pairwise(bounds)]


@dataclass(frozen=True)
class Encoded:
    """What encoding of a shard came to."""

    shard: Shard | None  # None if no token is left
    n_sentences: int
    report: ReadingReport
    sample_sha256: str


def find_files(inputs: Sequence[str], sentence: str) -> list[File]:
    """Return the files that are meant by URLs, and by what ``find_sources`` takes.

    Raises
    ------
    UsageError
        There are none, or one is no file that workers could read.
    """
    files: list[File] = []
    for name in inputs:
        urls = _expand_url(name) if "://" in name else [_path_of(source) for source in find_sources([name])]
        files += [_file(url, sentence) for url in urls]
    return files


def _expand_url(name: str) -> list[str]:
    system, path = open_filesystem(name)
    try:
        found = system.glob(path) if any(sign in path for sign in "*?[") else [path]
        found = [file for entry in found for file in ([entry] if system.isfile(entry) else system.find(entry))]
    except OSError as error:
        raise UsageError(f"cannot read {name}: {reason(error)}") from None
    if not found:
        raise UsageError(f"{name} does not exist")
    return [system.unstrip_protocol(file) for file in sorted(found)]


def _path_of(source: Source) -> str:
    if not isinstance(source.origin, Path) or not source.origin.is_file():
        raise UsageError(f"{source.name}: only files can be read by several workers; save the stream first")
    return os.path.realpath(source.origin)


def _file(url: str, sentence: str) -> File:
    system, path = open_filesystem(url)
    try:
        with system.open(path, "rb") as file:
            start = file.read(START_BYTES)
        is_divisible = sentence != "document" and not is_compressed(start)
        return File(url, int(system.size(path)), is_divisible, begins_container(start))
    except OSError as error:
        raise UsageError(f"cannot read {url}: {reason(error)}") from None


def cut(files: Sequence[File], n_replicas: int) -> list[tuple[Part, ...]]:
    """Return the parts of each shard, in order; how they are cut depends on sizes and replicas only."""
    total = sum(file.n_bytes for file in files)
    wanted = max(-(-total // _SHARD_BYTES), min(_SHARDS_A_REPLICA * n_replicas, total // _LEAST_SHARD_BYTES), 1)
    step = -(-total // wanted)
    shards: list[tuple[Part, ...]] = []
    parts, size = list[Part](), 0
    for file in files:
        begin = 0
        while begin < file.n_bytes:
            end = min(file.n_bytes, begin + step - size) if file.is_divisible else file.n_bytes
            parts.append(Part(file.url, begin, end))
            size, begin = size + end - begin, end
            if size >= step:
                shards.append(tuple(parts))
                parts, size = [], 0
    return [*shards, tuple(parts)] if parts else shards


def count_parts(parts: Sequence[Part], options: ReadingOptions) -> Counted:
    """Count the words of some parts, read one after the other."""
    tokenizer, report = Tokenizer(options), ReadingReport()
    for _ in tokenizer.run(blocks_of(_sources(parts), report, allow_truncated=options.allow_truncated)):
        pass
    words, counts = tokenizer.counted()
    return _forget(*pack(words), counts, len(words), 0)


def merge_counts(counted: Sequence[Counted]) -> Counted:
    """Return the counts of texts that follow one another."""
    if len(counted) == 1:
        return counted[0]
    totals: dict[str, int] = {}
    for part in counted:
        for word, count in zip(part.words, part.counts.tolist(), strict=True):
            totals[word] = totals.get(word, 0) + count
    counts = np.fromiter(totals.values(), np.int64, len(totals))
    n_forgotten = sum(part.n_words - part.counts.size for part in counted)
    return _forget(*pack(totals), counts, len(totals) + n_forgotten, sum(part.bound for part in counted))


def _forget(
    offsets: NDArray[np.int64], letters: NDArray[np.uint8], counts: NDArray[np.int64], n_words: int, bound: int
) -> Counted:
    """Forget the rarest words of a table that is too large."""
    if counts.size <= _MOST_WORDS:
        return Counted(offsets, letters, counts, n_words, bound)
    least = int(np.partition(counts, -_MOST_WORDS)[-_MOST_WORDS])
    stays, data, bounds = np.flatnonzero(counts > least), letters.tobytes(), offsets.tolist()
    words = [data[bounds[i] : bounds[i + 1]].decode() for i in stays.tolist()]
    return Counted(*pack(words), counts[stays], n_words, bound + least)


def choose_vocab(counted: Counted | None, options: ReadingOptions) -> Vocab:
    """Return the words that stay, in the order of ``Tokenizer.vocabulary``; without counts, the list given."""
    if counted is None:
        assert options.vocab is not None
        return options.vocab
    words = counted.words
    index = {word: i for i, word in enumerate(words)} if options.keep_words or options.drop_words else {}
    wanted, unwanted = (
        np.array([index[word] for word in sorted(some) if word in index], np.int64)
        for some in (options.keep_words, options.drop_words)
    )
    ids = choose_words(counted.counts, wanted, unwanted, options)
    return Vocab([words[i] for i in ids.tolist()], counted.counts[ids])


def encode_shard(parts: Sequence[Part], options: ReadingOptions, vocab: Vocab, store: str, name: str) -> Encoded:
    """Encode some parts with a given vocabulary, and write the shard to the store."""
    reading = dataclasses.replace(options, vocab=vocab, for_training=False)
    corpus = encode(_sources(parts), reading)
    n_sentences, shard = corpus.offsets.size - 1, None
    if corpus.n_tokens > 0:
        with tempfile.TemporaryDirectory(prefix="w2vfast-") as folder:
            path = Path(folder) / "shard.w2vc"
            with Staging(path) as staging:
                save_corpus(corpus, staging)
            content = np.memmap(path, np.uint8, "r")
            Store(store).put(name, content.data)
        shard = Shard(Store(store).path(name), corpus.n_tokens, crc_of(corpus.ids))
    return Encoded(shard, n_sentences, corpus.report, corpus.sample_sha256)


def total_report(reports: Sequence[ReadingReport], counted: Counted | None, n_kept: int) -> ReadingReport:
    """Return the report of all shards together."""
    sums = {
        field.name: sum(getattr(report, field.name) for report in reports)
        for field in dataclasses.fields(ReadingReport)
    }
    bad = [report.first_bad_offset for report in reports if report.first_bad_offset >= 0]
    sums["first_bad_offset"] = bad[0] if bad else -1
    if counted is not None:
        sums["n_dropped_words"] = counted.n_words - n_kept
    return ReadingReport(**sums)


def _sources(parts: Sequence[Part]) -> list[Source]:
    return [Source(cast(BinaryIO, _Lines(part))) for part in parts]


class _Lines(io.RawIOBase):
    """The bytes of a part."""

    def __init__(self, part: Part) -> None:
        self.name, self._end = part.url, part.end
        system, path = open_filesystem(part.url)
        try:
            self._file = system.open(path, "rb")
            self._file.seek(max(0, part.begin - 1))
        except OSError as error:
            raise CorpusError(f"cannot read {part.url}: {reason(error)}") from None
        self._pos, self._last = part.begin, b"\n"
        if part.begin > 0:
            self._pos -= 1
            self._skip_line()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b""
        if self._pos < self._end:
            data = self._read(min(len(buffer), self._end - self._pos))
        elif self._last != b"\n":
            data = self._read(min(len(buffer), _SKIP_BYTES))
            cut = data.find(b"\n") + 1
            if cut > 0:
                data, self._last = data[:cut], b"\n"
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _skip_line(self) -> None:
        """Go to the beginning of a line; to the end of the part, if none begins in it."""
        while self._pos < self._end and (data := self._read(_SKIP_BYTES)):
            cut = data.find(b"\n") + 1
            if cut > 0:
                self._pos += cut - len(data)
                self._file.seek(self._pos)
                break
        self._last = b"\n"

    def _read(self, n_bytes: int) -> bytes:
        try:
            data: bytes = self._file.read(n_bytes)
        except OSError as error:
            raise CorpusError(f"cannot read {self.name}: {reason(error)}") from None
        self._pos += len(data)
        self._last = data[-1:] or b"\n"
        return data
