"""Feed text to the counting kernel, block by block: UTF-8 repair, unfinished words, growing tables."""

import codecs
import secrets
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from w2vfast.kernels.tokens import WordTable, fill_slots, skip_word, tokenize
from w2vfast.vocab import Vocab

T = TypeVar("T", bound=np.generic)
_MOST_LOAD = 0.6  # of the hash table


@dataclass
class ReadingReport:
    """What reading a corpus found: nothing disappears without being counted here."""

    n_bytes: int = 0
    n_tokens: int = 0  # all of them, the dropped ones too
    n_too_long: int = 0  # tokens longer than the limit, dropped
    n_below_min_count: int = 0  # tokens of words that are too rare, dropped
    n_below_min_count_words: int = 0  # distinct words among them
    n_bad_sequences: int = 0  # invalid UTF-8, each replaced by U+FFFD
    first_bad_offset: int = -1
    n_nul: int = 0  # NUL bytes, taken as white space


class Tokenizer:
    """Split text on white space and count its words.

    Parameters
    ----------
    max_word_bytes
        Words of more UTF-8 bytes are dropped and counted as too long.
    key
        Key of the hash table, a 64-bit number; by default a random one. The result does not depend on it.
    """

    def __init__(self, max_word_bytes: int, key: int | None = None) -> None:
        self.report = ReadingReport()
        self._max_word_bytes = max_word_bytes
        self._key = np.uint64(secrets.randbits(64) if key is None else key)
        self._n_words = 0
        self._table = WordTable(
            np.full(1 << 16, -1, np.int32),
            np.empty(0, np.uint64),
            np.empty(0, np.int64),
            np.zeros(1, np.int64),
            np.empty(0, np.uint8),
        )
        self._rest = b""  # an unfinished word
        self._undecoded = b""  # an unfinished character
        self._in_long_word = False
        self._at_start = True

    def feed(self, block: bytes, *, is_last: bool = False) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Tokenize the next block of a file.

        Parameters
        ----------
        block
            Any bytes; words and characters may go on in the next block.
        is_last
            The file ends here, and so does its last sentence.

        Returns
        -------
        ids
            Provisional word ids, int32, in order of first appearance over all files.
        ends
            For each line that ends, the number of ``ids`` up to there, int64.
        """
        self.report.n_bytes += len(block)
        self.report.n_nul += block.count(0)
        text = self._valid_text(block, is_last)
        if self._in_long_word:
            text = self._after_long_word(text, is_last)
        if self._in_long_word:
            self._rest = text
            return np.empty(0, np.int32), np.empty(0, np.int64)
        data = np.frombuffer(text, np.uint8)
        self._make_room(data.size)
        ids, ends = np.empty(data.size // 2 + 1, np.int32), np.empty(data.size + 1, np.int64)
        n_used, self._n_words, n_ids, n_ends, n_too_long = tokenize(
            data, is_last, self._max_word_bytes, self._key, self._table, self._n_words, ids, ends
        )
        self._rest = text[n_used:]
        self._in_long_word = len(self._rest) > self._max_word_bytes
        self.report.n_tokens += n_ids + n_too_long
        self.report.n_too_long += n_too_long
        if is_last:
            ends[n_ends] = n_ids
            n_ends += 1
            self._begin_file()
        return ids[:n_ids], ends[:n_ends]

    def vocabulary(self, min_count: int) -> tuple[Vocab, NDArray[np.int32]]:
        """Return the words that occur at least ``min_count`` times, and the map to their final ids.

        The words come most frequent first, ties in order of first appearance. The map, int32, takes
        provisional ids to final ones and dropped words to -1.
        """
        counts = self._table.counts[: self._n_words]
        order = np.argsort(-counts, kind="stable")
        kept = order[: np.count_nonzero(counts >= min_count)]
        new_ids = np.full(self._n_words, -1, np.int32)
        new_ids[kept] = np.arange(kept.size, dtype=np.int32)
        starts, pool = self._table.starts, self._table.pool
        words = [pool[starts[word] : starts[word + 1]].tobytes().decode() for word in kept]
        self.report.n_below_min_count_words = self._n_words - kept.size
        self.report.n_below_min_count = int(counts.sum() - counts[kept].sum())
        return Vocab(words, counts[kept]), new_ids

    @property
    def n_words(self) -> int:
        """Distinct words so far."""
        return self._n_words

    @property
    def highest_count(self) -> int:
        """Occurrences of the most frequent word so far."""
        return int(self._table.counts[: self._n_words].max(initial=0))

    def _begin_file(self) -> None:
        self._rest, self._undecoded = b"", b""
        self._in_long_word, self._at_start = False, True

    def _valid_text(self, block: bytes, is_last: bool) -> bytes:
        """Return the unfinished word and the block as valid UTF-8, without a byte order mark."""
        block = self._undecoded + block
        self._undecoded = b""
        if not block.isascii():
            block = self._decode(block, is_last)
        if self._at_start and block:
            block = block.removeprefix(codecs.BOM_UTF8)
            self._at_start = False
        return self._rest + block

    def _decode(self, block: bytes, is_last: bool) -> bytes:
        try:
            text, n_used = codecs.utf_8_decode(block, "strict", is_last)
            self._undecoded = block[n_used:]
            return block[:n_used]
        except UnicodeDecodeError as error:
            if self.report.first_bad_offset < 0:
                self.report.first_bad_offset = self.report.n_bytes - len(block) + error.start
        before = block.count("\ufffd".encode())
        text, n_used = codecs.utf_8_decode(block, "replace", is_last)
        self._undecoded = block[n_used:]
        self.report.n_bad_sequences += text.count("\ufffd") - before
        return text.encode()

    def _after_long_word(self, text: bytes, is_last: bool) -> bytes:
        """Drop the rest of a word that is too long; what is left to look at begins with white space."""
        pos, found = skip_word(np.frombuffer(text, np.uint8))
        if found or is_last:
            self._in_long_word = False
            self.report.n_too_long += 1
            self.report.n_tokens += 1
            return text[pos:] if found else b""
        return text[pos:]

    def _make_room(self, n_bytes: int) -> None:
        """Grow the table so that it can take any ``n_bytes`` of text."""
        table, n_words = self._table, self._n_words
        capacity, n_pooled = n_words + n_bytes // 2 + 1, int(table.starts[n_words])
        hashes, counts = _grown(table.hashes, capacity), _grown(table.counts, capacity)
        starts, pool = _grown(table.starts, capacity + 1), _grown(table.pool, n_pooled + n_bytes)
        slots = table.slots
        while capacity > _MOST_LOAD * slots.size:
            slots = np.full(2 * slots.size, -1, np.int32)
        self._table = WordTable(slots, hashes, counts, starts, pool)
        if slots is not table.slots:
            fill_slots(self._table, n_words)


def _grown(array: NDArray[T], size: int) -> NDArray[T]:
    """Return the array, or a copy of at least 1.5 times its size if it has no room for ``size`` entries."""
    if array.size >= size:
        return array
    larger = np.empty(max(size, array.size * 3 // 2), array.dtype)
    larger[: array.size] = array
    return larger
