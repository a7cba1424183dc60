"""Count and number the words of clean text on several threads: tables that grow, and merge after every block."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from w2vfast.corpus.cleaner import Cleaner
from w2vfast.corpus.reading import ReadingOptions, ReadingReport
from w2vfast.errors import UsageError
from w2vfast.kernels.tokens import WordTable, fill_slots, last_space_end, merge_words, next_space, tokenize
from w2vfast.vocab import Vocab

T = TypeVar("T", bound=np.generic)
#: The threads' own tables may have so many words together; one that has its share begins anew. Some 60 MB.
_MOST_OWN_WORDS = 1 << 20
_PADDING = 8
_FEWEST_BYTES = 1 << 14  # that are worth a thread of their own


class Sentences(NamedTuple):
    """A block of text as numbers."""

    ids: NDArray[np.int32]  # provisional word ids
    ends: NDArray[np.int64]  # for each line that ends, the number of ids up to there
    ends_file: bool


class _Piece(NamedTuple):
    """What a thread made of its piece of a block."""

    ids: NDArray[np.int32]  # common ids; -1 - own id of words that are not in the common table yet
    ends: NDArray[np.int64]
    n_too_long: int
    table: WordTable  # the thread's own, as it was then
    n_words: int


class Tokenizer:
    """Split text into words, count and number them.

    Words get provisional ids in order of first appearance over all files, whatever the number of threads.

    Parameters
    ----------
    options
        Which text and words count.
    key
        Key of the hash tables, a 64-bit number; by default a random one. The result does not depend on it.
    """

    def __init__(self, options: ReadingOptions, key: int | None = None) -> None:
        self.report = ReadingReport()
        self._options = options
        self._cleaner = Cleaner(options, self.report)
        self._key = np.uint64(secrets.randbits(64) if key is None else key)
        self._all = _Words()
        most_words = _MOST_OWN_WORDS // options.threads
        self._threads = [
            _Thread(self._all, self._key, options.max_word_bytes, most_words) for _ in range(options.threads)
        ]
        self._in_long_word = False

    def run(self, blocks: Iterable[tuple[bytes, bool]]) -> Iterator[Sentences]:
        """Tokenize the blocks of any number of files.

        While threads work on a block, the one before it is merged and used; while they still work, the next one
        is read and cleaned.

        Parameters
        ----------
        blocks
            Any bytes, of which words and characters may go on in the next block; and whether the block ends a
            file, and so its last sentence.

        Yields
        ------
        Sentences
            Those of each block.
        """
        with ThreadPoolExecutor(len(self._threads), "w2vfast-read") as pool:
            work: list[Future[_Piece]] = []
            ends_file = False
            for block, is_last in blocks:
                text = self._cleaned(block, is_last)
                pieces, ended_file = [future.result() for future in work], ends_file
                if any(thread.is_full for thread in self._threads):
                    yield self._merged(pieces, ended_file)
                    pieces = []
                    for thread in self._threads:
                        thread.begin_anew()
                work, ends_file = self._start(pool, text), is_last
                if pieces:
                    yield self._merged(pieces, ended_file)
            if work:
                yield self._merged([future.result() for future in work], ends_file)

    def vocabulary(self) -> tuple[Vocab, NDArray[np.int32]]:
        """Return the words that stay, and the map to their final ids.

        The words come most frequent first, ties in order of first appearance. The map, int32, takes
        provisional ids to final ones and dropped words to -1.
        """
        for thread in self._threads:
            thread.hand_in_counts()
        vocab = self._options.vocab
        kept = self._chosen() if vocab is None else self._ids_of(vocab.words)
        counts, new_ids = self._all.table.counts[: self._all.n], np.full(self._all.n, -1, np.int32)
        new_ids[kept] = np.arange(kept.size)
        is_dropped = (new_ids < 0) & (counts > 0)
        self.report.n_dropped_words = int(is_dropped.sum())
        self.report.n_dropped = int(counts[is_dropped].sum())
        return vocab or Vocab(self._all.texts(kept), counts[kept]), new_ids

    def counted(self) -> tuple[list[str], NDArray[np.int64]]:
        """Return all words in order of first appearance, and their counts."""
        for thread in self._threads:
            thread.hand_in_counts()
        ids = np.arange(self._all.n)
        return self._all.texts(ids), self._all.table.counts[ids]

    @property
    def n_words(self) -> int:
        """Distinct words in the text, once the vocabulary has been asked for."""
        return int(np.count_nonzero(self._all.table.counts[: self._all.n]))

    @property
    def highest_count(self) -> int:
        """Occurrences of the most frequent word, once the vocabulary has been asked for."""
        return int(self._all.table.counts[: self._all.n].max(initial=0))

    def _chosen(self) -> NDArray[np.int64]:
        """Return the provisional ids of the words that are frequent enough or wanted, in their final order."""
        options = self._options
        wanted, unwanted = self._ids_of(sorted(options.keep_words)), self._ids_of(sorted(options.drop_words))
        counts = self._all.table.counts[: self._all.n]
        self.report.n_unseen_kept = int((counts[wanted] == 0).sum())
        self.report.n_unseen_dropped = int((counts[unwanted] == 0).sum())
        return choose_words(counts, wanted, unwanted, options)

    def _ids_of(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Return the provisional ids of words; those that the text has not get ids too, and counts of 0."""
        text = _padded("\n".join(words).encode())
        thread = _Thread(self._all, self._key, text.size, _MOST_OWN_WORDS)
        ids = thread.common_ids(thread.tokenize(text, 0, text.size - _PADDING, thread.known_ids))
        if ids.size != len(words):
            raise UsageError("a word of a list or vocabulary has white space in it, or is empty")
        return ids.astype(np.int64)

    def _without_long_word(self, text: bytes, goes_on: bool, is_last: bool) -> bytes:
        """Drop the parts of words that are too long to fit in one text."""
        if self._in_long_word:
            begin = next_space(np.frombuffer(text, np.uint8), 0)
            if begin == len(text) and not is_last:
                return b""
            self._in_long_word = False
            self.report.n_too_long += 1
            self.report.n_tokens += 1
            text = text[begin:]
        if goes_on:
            self._in_long_word = True
            text = text[: last_space_end(np.frombuffer(text, np.uint8))]
        return text

    def _cleaned(self, block: bytes, is_last: bool) -> NDArray[np.uint8]:
        """Return clean text of whole words, padded."""
        text, goes_on = self._cleaner.feed(block, is_last=is_last)
        return _padded(self._without_long_word(text, goes_on, is_last))

    def _start(self, pool: ThreadPoolExecutor, data: NDArray[np.uint8]) -> list[Future[_Piece]]:
        """Let threads tokenize text, a piece each; a short one is done at once."""
        size = data.size - _PADDING
        n_pieces = max(1, min(len(self._threads), size // _FEWEST_BYTES))
        if n_pieces == 1 and size < _FEWEST_BYTES:
            done: Future[_Piece] = Future()
            done.set_result(self._threads[0].tokenize(data, 0, size, self._threads[0].known_ids))
            return [done]
        inner = [min(next_space(data, size * i // n_pieces), size) for i in range(1, n_pieces)]
        bounds = [0, *inner, size]
        return [
            pool.submit(thread.tokenize, data, begin, end, thread.known_ids)
            for thread, begin, end in zip(self._threads, bounds, bounds[1:], strict=False)
        ]

    def _merged(self, pieces: list[_Piece], ends_file: bool) -> Sentences:
        """Return the pieces of a block as one, with common ids."""
        all_ids, all_ends, n_ids = [], [], 0
        for thread, piece in zip(self._threads, pieces, strict=False):
            all_ids.append(thread.common_ids(piece))
            all_ends.append(piece.ends + n_ids)
            n_ids += piece.ids.size
            self.report.n_too_long += piece.n_too_long
            self.report.n_tokens += piece.ids.size + piece.n_too_long
        if ends_file:
            all_ends.append(np.array([n_ids], np.int64))
        return Sentences(np.concatenate(all_ids), np.concatenate(all_ends), ends_file)


def choose_words(
    counts: NDArray[np.int64], wanted: NDArray[np.int64], unwanted: NDArray[np.int64], options: ReadingOptions
) -> NDArray[np.int64]:
    """Return the ids of the words that stay: most frequent first, ties by their ids.

    Parameters
    ----------
    counts
        Of all words, int64.
    wanted, unwanted
        Ids of words that stay if they occur, and of words that go, whatever their counts.
    options
        Least count and greatest number.
    """
    is_wanted = np.zeros(counts.size, np.bool_)
    is_wanted[wanted] = counts[wanted] > 0
    is_kept = (counts >= options.min_count) | is_wanted
    is_kept[unwanted] = False
    order = np.argsort(-counts, kind="stable")
    if options.max_vocab is not None:
        others = order[(is_kept & ~is_wanted)[order]]
        is_kept[others[max(0, options.max_vocab - int((is_kept & is_wanted).sum())) :]] = False
    return order[is_kept[order]]


class _Words:
    """A table of words that grows."""

    def __init__(self) -> None:
        self.n = 0
        self.table = WordTable(
            np.zeros(1 << 13, np.uint64),
            np.empty(1 << 12, np.uint64),
            np.empty(1 << 12, np.int64),
            np.zeros((1 << 12) + 1, np.int64),
            np.empty(1 << 16, np.uint8),
        )

    def grow(self, n_bytes: int) -> None:
        """Double what is full: the places for words, or for their bytes, at least another ``n_bytes``."""
        slots, hashes, counts, starts, pool = self.table
        if self.n == counts.size:
            slots = np.zeros(2 * slots.size, np.uint64)
            hashes, counts = _grown(hashes, 2 * counts.size), _grown(counts, 2 * counts.size)
            starts = _grown(starts, counts.size + 1)
        else:
            pool = _grown(pool, max(2 * pool.size, int(starts[self.n]) + n_bytes + _PADDING))
        is_new = slots is not self.table.slots
        self.table = WordTable(slots, hashes, counts, starts, pool)
        if is_new:
            fill_slots(self.table, self.n)

    def clear(self) -> None:
        """Forget all words."""
        self.n = 0
        self.table.slots[:] = 0

    def texts(self, words: NDArray[np.int64]) -> list[str]:
        """Return words as text."""
        starts = self.table.starts
        pool = self.table.pool[: starts[self.n]].tobytes()
        begins, ends = starts[words].tolist(), starts[words + 1].tolist()
        return [pool[begin:end].decode() for begin, end in zip(begins, ends, strict=True)]


class _Thread:
    """What one thread counts with: a table of its own, and the common ids of its words."""

    def __init__(self, common: _Words, key: np.uint64, most_bytes: int, most_words: int) -> None:
        self._own, self._common, self._key = _Words(), common, key
        self._most_bytes, self._most_words = most_bytes, most_words
        self._common_ids = np.empty(0, np.int32)
        self._n_merged = 0

    @property
    def is_full(self) -> bool:
        """Whether the own table has become so large that it should begin anew."""
        return self._own.n > self._most_words

    @property
    def known_ids(self) -> NDArray[np.int32]:
        """The common ids of the first own words, those that have one."""
        return self._common_ids[: self._n_merged]

    def tokenize(self, data: NDArray[np.uint8], begin: int, end: int, known: NDArray[np.int32]) -> _Piece:
        """Tokenize data[begin:end]; ``known`` are the ``known_ids`` from before other threads went on."""
        ids, ends = np.empty((end - begin) // 2 + 1, np.int32), np.empty(end - begin, np.int64)
        n_ids, n_ends, n_too_long, own = 0, 0, 0, self._own
        while True:
            begin, own.n, new_ids, new_ends, new_too_long = tokenize(
                data, begin, end, self._most_bytes, self._key, own.table, own.n, known, ids[n_ids:], ends[n_ends:]
            )
            ends[n_ends : n_ends + new_ends] += n_ids
            n_ids, n_ends, n_too_long = n_ids + new_ids, n_ends + new_ends, n_too_long + new_too_long
            if begin == end:
                return _Piece(ids[:n_ids], ends[:n_ends], n_too_long, own.table, own.n)
            own.grow(self._most_bytes)

    def common_ids(self, piece: _Piece) -> NDArray[np.int32]:
        """Enter the new words into the common table; return the ids with theirs filled in, in place.

        The thread may work on its next piece meanwhile.
        """
        common = self._common
        if self._common_ids.size < piece.n_words:
            self._common_ids = _grown(self._common_ids, piece.table.counts.size)
        while self._n_merged < piece.n_words:
            self._n_merged, common.n = merge_words(
                piece.table, self._n_merged, piece.n_words, common.table, common.n, self._common_ids
            )
            if self._n_merged < piece.n_words:
                common.grow(self._most_bytes)
        is_new = np.flatnonzero(piece.ids < 0)
        piece.ids[is_new] = self._common_ids[-1 - piece.ids[is_new]]
        return piece.ids

    def begin_anew(self) -> None:
        """Hand in the counts and forget all words."""
        self.hand_in_counts()
        self._own.clear()
        self._n_merged = 0

    def hand_in_counts(self) -> None:
        """Add own counts to the common ones."""
        own = self._own
        self._common.table.counts[self._common_ids[: own.n]] += own.table.counts[: own.n]
        own.table.counts[: own.n] = 0


def _padded(text: bytes) -> NDArray[np.uint8]:
    """Return text as an array, with the white space behind it that the kernel needs."""
    return np.frombuffer(text + b" " * _PADDING, np.uint8)


def _grown(array: NDArray[T], size: int) -> NDArray[T]:
    """Return a copy with room for ``size`` entries."""
    larger = np.empty(size, array.dtype)
    larger[: array.size] = array
    return larger
