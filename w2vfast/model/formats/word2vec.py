"""word2vec text and binary, GloVe, fastText's .vec; gzipped or not, told by their bytes.

Nothing of a file is believed. A plain file must be large enough for what its header promises before memory is
taken for it; a compressed one is read in steps. What is odd but readable is read and noted: words that come twice
(the first counts) or are cut within a character (they get U+FFFD).
"""

import re
import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from w2vfast.errors import DataError, FormatError
from w2vfast.model.formats.stream import (
    Block,
    Pathlike,
    RawBlock,
    Stream,
    block_rows,
    checked,
    without_white_space,
)
from w2vfast.model.formats.writing import numbers_as_text, write_counted

_HEADER = re.compile(rb"([0-9]{1,12})[ \t]+([0-9]{1,6})[ \t]*\r?\n?")
_NUMBER = re.compile(rb"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?:nan|inf(?:inity)?)", re.I)
_MOST_WORD_BYTES, MOST_LINE_BYTES = 1 << 12, 1 << 22
_LINES_LOOKED_AT = 8
_BOM = b"\xef\xbb\xbf"
READ_BYTES = 1 << 24


def read(path: Pathlike, stream: BinaryIO, size: int | None, *, allow_nonfinite: bool = False) -> Stream:
    """Read text or binary vectors.

    Parameters
    ----------
    path
        The file, for messages.
    stream
        Its unpacked bytes.
    size
        Its size, if it is not compressed.
    allow_nonfinite
        Let NaN and infinity pass.

    Raises
    ------
    FormatError
        It is no such file, or damaged; part of that is found only when the blocks are read.
    """
    first = stream.readline(MOST_LINE_BYTES)
    header = _HEADER.fullmatch(first.removeprefix(_BOM))
    if header is None:
        dim = _columns_of(stream, first)
        if dim == 0:
            raise FormatError(f"{path} is not a w2vfast model, nor a known file of vectors")
        if dim == 1 and first.split()[-1].isdigit():  # what we write has a decimal point
            raise FormatError(f"{path} has one whole number a line: a list of words and counts, not vectors")
        rows = _text_blocks(path, stream, first.removeprefix(_BOM), dim, 1)
        return checked(path, rows, dim, "GloVe text", allow_nonfinite=allow_nonfinite)
    n_words, dim = int(header[1]), int(header[2])
    if n_words == 0 or dim == 0:
        raise FormatError(f"{path} has no vectors")
    second = stream.readline(MOST_LINE_BYTES)
    is_text = count_numbers(second) >= dim
    least = n_words * (2 * dim + 2 if is_text else 4 * dim + 2) - 1  # the last line end may be missing
    if size is not None and least > size - len(first):
        raise FormatError(f"{path} ends before the {n_words:,} words x {dim} of its header: incomplete download?")
    if is_text:
        rows, kind = _text_blocks(path, stream, second, dim, 2), "word2vec text"
    else:
        rows, kind = _binary_blocks(path, stream, second, n_words, dim), "word2vec binary"
    return checked(path, rows, dim, kind, n_expected=n_words, allow_nonfinite=allow_nonfinite)


def _columns_of(stream: BinaryIO, first: bytes) -> int:
    """Return how many numbers most of the first lines end in: a word of several parts may end in one, too."""
    if count_numbers(first) == 0:
        return 0
    here = stream.tell()
    lines = [first, *(stream.readline(MOST_LINE_BYTES) for _ in range(_LINES_LOOKED_AT - 1))]
    stream.seek(here)
    return statistics.mode([count_numbers(line) for line in lines if line.strip()] or [0])


def count_numbers(line: bytes) -> int:
    """Return how many numbers a line has behind its first field."""
    fields = line.split()
    n_numbers = 0
    while n_numbers < len(fields) - 1 and _NUMBER.fullmatch(fields[-1 - n_numbers]):
        n_numbers += 1
    return n_numbers


def _text_blocks(path: Pathlike, stream: BinaryIO, line: bytes, dim: int, number: int) -> Iterator[RawBlock]:
    """Yield lines of a word, which may hold spaces, and its numbers, beginning with a line that has been read."""
    words: list[bytes] = []
    numbers: list[str] = []
    first = number
    while line:
        if line.strip():
            word, rest = _split(line, dim)
            if not word or len(word) > _MOST_WORD_BYTES:
                raise FormatError(f"{path}: line {number:,} is no word with {dim} numbers")
            words.append(word)
            numbers.append(rest.decode("latin-1"))
        line = stream.readline(MOST_LINE_BYTES)
        number += 1
        if words and (len(words) == block_rows(dim) or not line):
            yield words, _parse(path, numbers, dim, first), None
            words, numbers, first = [], [], number


def _split(line: bytes, dim: int) -> tuple[bytes, bytes]:
    """Return the word and the numbers of a line; an empty word if there are too few fields."""
    word, _, rest = line.rstrip().partition(b" ")
    if word and rest and rest.count(b" ") == dim - 1 and b"\t" not in rest:
        return word, rest
    word, *fields = line.rstrip().rsplit(None, dim)
    return (word.strip(), b" ".join(fields)) if len(fields) == dim else (b"", b"")


def _parse(path: Pathlike, lines: list[str], dim: int, first: int) -> np.ndarray:
    """Return the numbers of lines; an error names the line, if there are no blank ones before it."""
    try:
        rows = np.loadtxt(lines, np.float32, comments=None, ndmin=2)
    except ValueError:
        for number, line in enumerate(lines, first):
            if not all(_NUMBER.fullmatch(field) for field in line.encode("latin-1").split()):
                raise FormatError(f"{path}: line {number:,} is no word with {dim} numbers") from None
        raise FormatError(f"{path}: a line from {first:,} on is no word with {dim} numbers") from None
    if rows.shape != (len(lines), dim):
        raise FormatError(f"{path}: a line from {first:,} on is no word with {dim} numbers")
    return rows


def _binary_blocks(path: Pathlike, stream: BinaryIO, begin: bytes, n_words: int, dim: int) -> Iterator[RawBlock]:
    """Yield words, spaces and 4-byte numbers; the line end that word2vec.c puts behind each is optional."""
    data, pos, step = begin, 0, block_rows(dim)
    words: list[bytes] = []
    rows = np.empty((step, dim), np.float32)
    for number in range(n_words):
        if len(data) - pos < 4 * dim + _MOST_WORD_BYTES + 2:
            data, pos = data[pos:] + stream.read(max(READ_BYTES, 8 * dim)), 0
        space = data.find(b" ", pos, pos + _MOST_WORD_BYTES + 2)  # a line end, word, space
        if space < 0 or len(data) < space + 1 + 4 * dim:
            if space >= 0 or len(data) - pos <= _MOST_WORD_BYTES + 1:
                raise FormatError(f"{path} ends inside vector {number + 1:,} of {n_words:,}: incomplete download?")
            raise FormatError(f"{path} is damaged: word {number + 1:,} has no end")
        rows[len(words)] = np.frombuffer(data, "<f4", dim, space + 1)
        words.append(data[pos:space].lstrip(b"\n"))
        pos = space + 1 + 4 * dim
        if len(words) == step or number == n_words - 1:
            yield words, rows[: len(words)], None
            words, rows = [], np.empty((min(step, n_words), dim), np.float32)
    if (data[pos:] + stream.read(2)) not in (b"", b"\n"):
        raise FormatError(f"{path} is damaged: something follows its {n_words:,} vectors")


def _readable(stream: Stream) -> Stream:
    """Return the stream; an error comes at a word that cannot be read back.

    Raises
    ------
    DataError
        While it is read: a word has white space in it or is too long.
    """

    def blocks() -> Iterator[Block]:
        for block in without_white_space(stream).blocks:
            longest = max(block.words, key=len, default="")
            for word in block.words if 4 * len(longest) > _MOST_WORD_BYTES else ():
                if len(word.encode()) > _MOST_WORD_BYTES:
                    raise DataError(
                        f"the word {word[:20]!r}... has more than {_MOST_WORD_BYTES:,} bytes, too many for the "
                        "format; jsonl or w2v can hold it"
                    )
            yield block

    return replace(stream, blocks=blocks())


def write_text(path: Path, stream: Stream, *, has_header: bool, packed: bool, dtype: type) -> None:
    """Write lines of a word and the shortest decimals that give each number back.

    Parameters
    ----------
    path
        A place of the writer's own.
    stream
        The vectors.
    has_header
        Whether a line with the numbers of words and dimensions comes first (word2vec) or not (GloVe).
    packed
        Whether it is gzipped.
    dtype
        float32, or float16 for numbers rounded to that.

    Raises
    ------
    DataError
        A word has white space in it or is too long, or the first one begins with a byte order mark.
    """

    def lines() -> Iterator[bytes]:
        is_first = not has_header
        for block in _readable(stream).blocks:
            if is_first and block.words[0].startswith("\ufeff"):
                raise DataError("the first word begins with a byte order mark; --format txt can hold that")
            is_first = False
            for word, row in zip(block.words, numbers_as_text(block.vectors, dtype), strict=True):
                yield word.encode() + b" " + b" ".join(row) + b"\n"

    header = (lambda n_words: b"%d %d\n" % (n_words, stream.dim)) if has_header else None
    write_counted(path, lines(), header, stream.n_words, packed=packed)


def write_binary(path: Path, stream: Stream, *, packed: bool) -> None:
    """Write words, spaces, little-endian float32 and line ends, as word2vec.c does.

    Raises
    ------
    DataError
        A word has white space in it or is too long.
    """

    def rows() -> Iterator[bytes]:
        for block in _readable(stream).blocks:
            vectors = np.ascontiguousarray(block.vectors, "<f4")
            for word, row in zip(block.words, vectors, strict=True):
                yield word.encode() + b" " + row.tobytes() + b"\n"

    write_counted(path, rows(), lambda n_words: b"%d %d\n" % (n_words, stream.dim), stream.n_words, packed=packed)
