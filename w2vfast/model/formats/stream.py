"""Vectors on their way from one file to another: some rows at a time, so that they need not fit into memory."""

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import DataError, FormatError
from w2vfast.model.contents import Contents, all_finite
from w2vfast.vocab import Vocab
from w2vfast.wording import counted

_BLOCK_VALUES = 1 << 20
#: Errors of compressed data.
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)

Pathlike = str | os.PathLike[str]


@dataclass(frozen=True)
class Block:
    """Some words with their rows."""

    words: Sequence[str]
    vectors: NDArray[np.float32]  # (n, D)
    counts: NDArray[np.int64] | None = None  # (n,)
    context: NDArray[np.float32] | None = None  # (n, D)


@dataclass(frozen=True)
class Stream:
    """Vectors that can be read once, from the first word to the last."""

    dim: int
    blocks: Iterator[Block]
    kind: str  # what the file is
    params: dict[str, Any] = field(default_factory=dict)
    corpus: dict[str, Any] = field(default_factory=dict)
    generator: str = ""
    n_words: int | None = None  # if it is known before they have been read
    notes: list[str] = field(default_factory=list)  # what was odd; complete when all has been read


def block_rows(dim: int) -> int:
    """Return how many rows make a block."""
    return max(1, _BLOCK_VALUES // dim)


def stream_of(contents: Contents) -> Stream:
    """Return the stream of vectors in memory."""
    step = block_rows(contents.vectors.shape[1])

    def blocks() -> Iterator[Block]:
        for first in range(0, len(contents.vocab), step):
            part = slice(first, first + step)
            context = None if contents.context is None else contents.context[part]
            yield Block(contents.vocab.words[part], contents.vectors[part], contents.vocab.counts[part], context)

    n_words, dim = contents.vectors.shape
    return Stream(
        dim, blocks(), "w2vfast model", contents.params, contents.corpus, contents.generator, n_words,
        list(contents.notes),
    )  # fmt: skip


def collect(stream: Stream) -> Contents:
    """Read a stream into memory."""
    blocks = list(stream.blocks)
    words = [word for block in blocks for word in block.words]
    counts = [np.zeros(len(block.words), np.int64) if block.counts is None else block.counts for block in blocks]
    has_context = bool(blocks) and blocks[0].context is not None
    contexts = [block.context for block in blocks if block.context is not None]
    rows = [block.vectors for block in blocks]
    del blocks
    context = _joined(contexts, len(words), stream.dim) if has_context else None
    return Contents(
        _joined(rows, len(words), stream.dim), Vocab(words, np.concatenate(counts)), context, stream.params,
        stream.corpus, stream.generator or stream.kind, tuple(stream.notes),
    )  # fmt: skip


def _joined(parts: list[NDArray[np.float32]], n_rows: int, dim: int) -> NDArray[np.float32]:
    """Return one matrix of all parts, which are given up one by one: memory for one copy is enough."""
    result, first = np.empty((n_rows, dim), np.float32), 0
    parts.reverse()
    while parts:
        part = parts.pop()
        result[first : first + len(part)] = part
        first += len(part)
    return result


#: What a reader of another format yields: words as they stand in the file, rows, counts if it has them.
RawBlock = tuple[Sequence[bytes], NDArray[np.float32], NDArray[np.int64] | None]


def checked(
    path: Pathlike, raw: Iterable[RawBlock], dim: int, kind: str, *, n_expected: int | None = None,
    allow_nonfinite: bool = False,
) -> Stream:  # fmt: skip
    """Return a stream of what a reader found, each word once and in UTF-8.

    Parameters
    ----------
    path
        The file, for messages.
    raw
        Words and rows.
    dim, kind
        Vector size; what the file is.
    n_expected
        How many rows its header promises.
    allow_nonfinite
        Let NaN and infinity pass.

    Raises
    ------
    FormatError
        While it is read: a word is empty, a value not finite, rows are missing, or there is none.
    """
    notes: list[str] = []
    return Stream(dim, _checked_blocks(path, raw, n_expected, allow_nonfinite, notes), kind, notes=notes)


def _checked_blocks(
    path: Pathlike, raw: Iterable[RawBlock], n_expected: int | None, allow_nonfinite: bool, notes: list[str]
) -> Iterator[Block]:
    raw = _undamaged(path, raw)
    seen: set[str] = set()
    n_rows = n_twice = n_mended = 0
    for raw_words, vectors, counts in raw:
        words, rows = [], []
        for row, raw_word in enumerate(raw_words):
            word = raw_word.decode("utf-8", "replace")
            if not word.strip():
                raise FormatError(f"{path}: vector {n_rows + row + 1:,} has no word")
            is_mended = "\ufffd" in word and "\ufffd".encode() not in raw_word
            n_mended += is_mended
            while is_mended and word in seen:  # two broken words are two words
                word += "_"
            if word in seen:
                n_twice += 1
                continue
            seen.add(word)
            words.append(word)
            rows.append(row)
        n_rows += len(raw_words)
        if not (allow_nonfinite or all_finite(vectors)):
            raise FormatError(
                f"{path} has values that are not finite; w2vfast convert --allow-nonfinite copies them to .bin"
            )
        if len(rows) < len(raw_words):
            vectors, counts = vectors[rows], None if counts is None else counts[rows]
        if words:
            yield Block(words, vectors, counts)
    if n_expected is not None and n_rows != n_expected:
        raise FormatError(f"{path} has {n_rows:,} vectors, its header says {n_expected:,}: incomplete download?")
    if not n_rows:
        raise FormatError(f"{path} has no vectors")
    if n_twice:
        notes.append(f"{counted(n_twice, 'word')} came again; the first vector counts")
    if n_mended:
        notes.append(f"{counted(n_mended, 'word')} of invalid UTF-8, mended with U+FFFD")


def _undamaged(path: Pathlike, raw: Iterable[RawBlock]) -> Iterator[RawBlock]:
    """Yield what is read; what cannot be unpacked is damage of the file, not of one that is being written."""
    try:
        yield from raw
    except DAMAGED as error:
        raise FormatError(f"{path} is damaged: {error}") from None


def finite(stream: Stream) -> Stream:
    """Return the stream; an error comes at a value that is not finite.

    Raises
    ------
    DataError
        While it is read.
    """

    def blocks() -> Iterator[Block]:
        for block in stream.blocks:
            if not all_finite(block.vectors):
                raise DataError("the format cannot hold numbers that are not finite")
            yield block

    return replace(stream, blocks=blocks())


def without_white_space(stream: Stream) -> Stream:
    """Return the stream; at its end comes an error if a word has white space, which a text format cannot hold.

    Raises
    ------
    DataError
        While it is read.
    """

    def blocks() -> Iterator[Block]:
        n_odd, example = 0, ""
        for block in stream.blocks:
            odd = [word for word in block.words if word.split() != [word]]
            n_odd, example = n_odd + len(odd), example or (odd or [""])[0]
            if not n_odd:
                yield block
        if n_odd:
            raise DataError(
                f"{counted(n_odd, 'word')} with white space, such as {example!r}; --space-char _ replaces it"
            )

    return replace(stream, blocks=blocks())
