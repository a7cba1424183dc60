"""Lists of words in files, compressed or not, "-" for standard input: one word a line, perhaps with its count."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from w2vfast.corpus.sources import Source
from w2vfast.errors import CorpusError
from w2vfast.vocab import Vocab

#: So many tokens a vocabulary may count: sums stay exact in float64.
_MOST_TOKENS = 2**53


def read_words(path: str | os.PathLike[str]) -> frozenset[str]:
    """Return the first word of every line.

    Raises
    ------
    UsageError
        The file cannot be read.
    CorpusError
        It is no text, or not valid UTF-8.
    """
    return frozenset(text.split()[0] for _, text in _lines(path))


def read_names(path: str | os.PathLike[str]) -> frozenset[str]:
    """Return what stands on every line, up to a tab: words that may hold spaces, as those of some models do.

    Raises
    ------
    UsageError
        The file cannot be read.
    CorpusError
        It is no text, or not valid UTF-8.
    """
    return frozenset(text.partition("\t")[0].strip() for _, text in _lines(path))


def read_vocab(path: str | os.PathLike[str]) -> Vocab:
    """Return a vocabulary from lines ``word count``, as ``write_vocab`` and word2vec.c write them.

    Raises
    ------
    UsageError
        The file cannot be read.
    CorpusError
        It is no text, a line has another form, a word comes twice, the counts are beyond all bounds, or there
        are fewer than two words.
    """
    counts, total = dict[str, int](), 0
    for number, text in _lines(path):
        fields = text.split()
        if len(fields) == 3 and re.fullmatch(r"[01]\.[0-9]+", fields[2]):  # vocab --coverage
            del fields[2]
        if len(fields) != 2 or not re.fullmatch("0*[1-9][0-9]{0,17}", fields[1]):
            raise CorpusError(f"{path}: line {number:,} is no word with its count, 1 or more")
        if fields[0] in counts:
            raise CorpusError(f"{path}: line {number:,} repeats the word {fields[0]!r}")
        counts[fields[0]] = int(fields[1])
        total += counts[fields[0]]
        if total > _MOST_TOKENS:
            raise CorpusError(f"{path}: line {number:,}: the counts so far add up to more than {_MOST_TOKENS:,}")
    if len(counts) < 2:
        raise CorpusError(f"{path} has {len(counts)} words; need at least 2")
    words = sorted(counts, key=lambda word: -counts[word])
    return Vocab(words, np.array([counts[word] for word in words], np.int64))


def vocab_text(vocab: Vocab, separator: str = "\t") -> bytes:
    """Return lines of a word and its count, most frequent first."""
    lines = (f"{word}{separator}{count}\n" for word, count in zip(vocab.words, vocab.counts.tolist(), strict=True))
    return "".join(lines).encode()


def read_lines(path: str | os.PathLike[str]) -> list[tuple[int, str]]:
    """Return number and text of the lines of a file, without white space around them; empty ones are left out.

    Raises
    ------
    UsageError
        The file cannot be read.
    """
    return list(_lines(path, is_list=False))


def _lines(path: str | os.PathLike[str], *, is_list: bool = True) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of every line that is not blank; of a list, all must be words."""
    source = Source(sys.stdin.buffer if os.fspath(path) == "-" else Path(path))
    content = b"".join(source.blocks())
    try:
        text = content.decode("utf-8-sig", "strict" if is_list else "replace")
    except UnicodeDecodeError as error:
        bad = content.count(b"\n", 0, error.start) + 1
        raise CorpusError(f"{path} is no list of words: line {bad:,} is not valid UTF-8") from None
    if is_list and "\0" in text:
        raise CorpusError(f"{path} is no list of words: it has NUL bytes")
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if line := line.replace("\0", " ").strip():
            yield number, line
