"""Vectors of other trainers: word2vec text and binary, GloVe, fastText's .vec, gzipped or not, by their bytes.

Nothing of a file is believed. A plain file must be large enough for what its header promises before memory is
taken for it; a compressed one is read in steps. What is odd but readable is read and noted: words that come twice
(the first counts) or are cut within a character (they get U+FFFD). Nothing is ever unpickled.
"""

import gzip
import os
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import FormatError
from w2vfast.model.contents import Contents, all_finite
from w2vfast.model.native import looks_native, read_model, refuse_pickle
from w2vfast.vocab import Vocab

_HEADER = re.compile(rb"([0-9]{1,12})[ \t]+([0-9]{1,6})[ \t]*\r?\n?")
_NUMBER = re.compile(rb"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?:nan|inf(?:inity)?)", re.I)
_GZIP, _NUMPY, _FASTTEXT = b"\x1f\x8b", b"\x93NUMPY", b"\xba\x16\x4f\x2f"
_MOST_WORD_BYTES, _MOST_LINE_BYTES = 1 << 12, 1 << 22
_BLOCK_BYTES, _STEP_ROWS, _STEP_VALUES = 1 << 24, 1 << 14, 1 << 24

Row = tuple[bytes, NDArray[np.float32]]


def read_vectors(path: str | os.PathLike[str], *, with_context: bool = True) -> Contents:
    """Read a model of w2vfast or of another trainer.

    Parameters
    ----------
    path
        The file; its name does not matter.
    with_context
        Read the output vectors too, if the file has them.

    Raises
    ------
    FormatError
        The file is damaged, cut short, of an unknown format, or of one that could run code.
    OSError
        It cannot be opened.
    """
    with open(path, "rb") as file:
        start = file.read(16)
    if looks_native(start):
        return read_model(path, with_context=with_context)
    refuse_pickle(path, start)
    if start.startswith(_FASTTEXT):
        raise FormatError(f"{path} is a fastText model; use the .vec file beside it")
    if start.startswith(_NUMPY):
        raise FormatError(f"{path} has numbers without words")
    try:
        if start.startswith(_GZIP):
            with gzip.open(path, "rb") as packed:
                return _read(path, cast(BinaryIO, packed), None)
        with open(path, "rb", _BLOCK_BYTES) as plain:
            return _read(path, plain, os.fstat(plain.fileno()).st_size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FormatError(f"{path} is damaged: {error}") from None


def _read(path: str | os.PathLike[str], stream: BinaryIO, size: int | None) -> Contents:
    """Read text or binary vectors; ``size`` is that of a plain file."""
    first = stream.readline(_MOST_LINE_BYTES)
    header = _HEADER.fullmatch(first.removeprefix(b"\xef\xbb\xbf"))
    if header is None:
        dim = _count_numbers(first)
        if dim == 0:
            raise FormatError(f"{path} is not a w2vfast model, nor a known file of vectors")
        lines = _Lines(path, stream, dim, 1)
        return _collect(path, lines.rows(first.removeprefix(b"\xef\xbb\xbf")), None, dim, "GloVe text")
    n_words, dim = int(header[1]), int(header[2])
    if n_words == 0 or dim == 0:
        raise FormatError(f"{path} has no vectors")
    second = stream.readline(_MOST_LINE_BYTES)
    is_text = _count_numbers(second) >= dim
    least = n_words * (2 * dim + 2 if is_text else 4 * dim + 2) - 1  # the last line end may be missing
    if size is not None and least > size - len(first):
        raise FormatError(f"{path} ends before the {n_words:,} words x {dim} of its header: incomplete download?")
    if is_text:
        rows = _Lines(path, stream, dim, 2).rows(second)
    else:
        rows = _binary_rows(path, stream, second, n_words, dim)
    return _collect(path, rows, n_words, dim, f"word2vec {'text' if is_text else 'binary'}")


def _count_numbers(line: bytes) -> int:
    """Return how many numbers a line has behind its first field."""
    fields = line.split()
    n_numbers = 0
    while n_numbers < len(fields) - 1 and _NUMBER.fullmatch(fields[-1 - n_numbers]):
        n_numbers += 1
    return n_numbers


class _Lines:
    """Lines of a word and its numbers, separated by spaces or tabs; the word may hold spaces itself."""

    def __init__(self, path: str | os.PathLike[str], stream: BinaryIO, dim: int, number: int) -> None:
        self._path, self._stream, self._dim, self._number = path, stream, dim, number

    def rows(self, first: bytes) -> Iterator[Row]:
        """Yield the rows, beginning with a line that has been read."""
        line = first
        while line:
            if line.strip():
                yield self._row(line)
            line = self._stream.readline(_MOST_LINE_BYTES)
            self._number += 1

    def _row(self, line: bytes) -> Row:
        word, *numbers = line.rstrip().rsplit(None, self._dim)
        if len(numbers) == self._dim and len(word) <= _MOST_WORD_BYTES:
            try:
                return word, np.array(numbers).astype(np.float32)
            except ValueError:
                pass
        raise FormatError(f"{self._path}: line {self._number:,} is no word with {self._dim} numbers")


def _binary_rows(
    path: str | os.PathLike[str], stream: BinaryIO, begin: bytes, n_words: int, dim: int
) -> Iterator[Row]:
    """Yield word, space and 4-byte numbers; the line end that word2vec.c puts behind each is optional."""
    data, pos = begin, 0
    for number in range(n_words):
        if len(data) - pos < 4 * dim + _MOST_WORD_BYTES + 2:
            data, pos = data[pos:] + stream.read(max(_BLOCK_BYTES, 8 * dim)), 0
        space = data.find(b" ", pos, pos + _MOST_WORD_BYTES + 1)
        if space < 0 or len(data) < space + 1 + 4 * dim:
            if space >= 0 or len(data) - pos <= _MOST_WORD_BYTES:
                raise FormatError(f"{path} ends inside vector {number + 1:,} of {n_words:,}: incomplete download?")
            raise FormatError(f"{path} is damaged: word {number + 1:,} has no end")
        yield data[pos:space].lstrip(b"\n"), np.frombuffer(data, "<f4", dim, space + 1)
        pos = space + 1 + 4 * dim
    if (data[pos:] + stream.read(2)) not in (b"", b"\n"):
        raise FormatError(f"{path} is damaged: something follows its {n_words:,} vectors")


def _collect(
    path: str | os.PathLike[str], rows: Iterator[Row], n_words: int | None, dim: int, kind: str
) -> Contents:
    """Gather rows into one matrix, each word once."""
    index: dict[str, int] = {}
    blocks: list[NDArray[np.float32]] = []
    n_rows = n_twice = n_mended = 0
    step = max(1, min(_STEP_ROWS, _STEP_VALUES // dim))
    for raw, vector in rows:
        n_rows += 1
        word = raw.decode("utf-8", "replace")
        if not word.strip():
            raise FormatError(f"{path}: vector {n_rows:,} has no word")
        is_mended = "\ufffd" in word and "\ufffd".encode() not in raw
        n_mended += is_mended
        while is_mended and word in index:  # two broken words are two words
            word += "_"
        if word in index:
            n_twice += 1
            continue
        row = len(index) % step
        if row == 0:
            blocks.append(np.empty((step, dim), np.float32))
        blocks[-1][row] = vector
        index[word] = len(index)
    if n_words is not None and n_rows != n_words:
        raise FormatError(f"{path} has {n_rows:,} vectors, its header says {n_words:,}: incomplete download?")
    if blocks:
        blocks[-1] = blocks[-1][: (len(index) - 1) % step + 1]
    vectors = np.concatenate(blocks)
    if not all_finite(vectors):
        raise FormatError(f"{path} has values that are not finite")
    notes = []
    if n_twice:
        notes.append(f"{n_twice:,} words came twice; the first vector counts")
    if n_mended:
        notes.append(f"{n_mended:,} words were not valid UTF-8; they got U+FFFD")
    vocab = Vocab(list(index), np.zeros(len(index), np.int64))
    return Contents(vectors, vocab, generator=kind, notes=tuple(notes))
