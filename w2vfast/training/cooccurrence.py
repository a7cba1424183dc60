"""Which words of a text occur together, and vectors made of that (document 003; Levy and Goldberg, 2014).

The counts are a symmetric sparse matrix. They are collected on all threads into buffers of a fixed size, each
sorted into a run; runs of like size are merged. Runs lie in unnamed files in the folder for temporary files,
mapped into memory, so that the system can write them out when memory is short.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from w2vfast.corpus.encoded import EncodedCorpus
from w2vfast.errors import CorpusError, OutOfMemoryError, UsageError
from w2vfast.kernels.cooccurrence import (
    MOST_DISTANCE,
    collect_sentence_pairs,
    collect_window_pairs,
    fill_rows,
    merge_runs,
    row_lengths,
    sum_up,
)
from w2vfast.system.memory import available_bytes
from w2vfast.system.spool import spooled

Weight = Literal["equal", "harmonic"]
Run = tuple[NDArray[np.uint64], NDArray[np.float64]]

_BUFFER_KEYS = 1 << 22
_MOST_WORDS = 1 << 27  # of a vocabulary, so that keys fit into 64 bits
_MOST_WORDS_OF_SENTENCE = 1 << 21


@dataclass(frozen=True)
class Counts:
    """A matrix in compressed rows: row i has values[j] in columns[j], for offsets[i] <= j < offsets[i + 1]."""

    offsets: NDArray[np.int64]  # (V + 1,)
    columns: NDArray[np.int32]  # (n,), ascending in each row
    values: NDArray[np.float32]  # (n,), positive

    def rows(self) -> NDArray[np.int32]:
        """Return the row of each value, int32 (n,)."""
        return np.repeat(np.arange(self.offsets.size - 1, dtype=np.int32), np.diff(self.offsets))

    def dense(self, n_columns: int | None = None) -> NDArray[np.float32]:
        """Return the first columns as an ordinary matrix, float32 (V, n_columns); by default all.

        Raises
        ------
        OutOfMemoryError
            It does not fit.
        """
        n_words = self.offsets.size - 1
        n_columns = n_words if n_columns is None else min(n_columns, n_words)
        needed, free = 8 * n_words * n_columns, available_bytes()
        if free is not None and needed > free:
            raise OutOfMemoryError(
                f"{n_words:,} words x {n_columns:,} columns need about {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB "
                "are available; use --columns N, a larger --min-count, or --form svd"
            )
        matrix, is_inside = np.zeros((n_words, n_columns), np.float32), self.columns < n_columns
        matrix[self.rows()[is_inside], self.columns[is_inside]] = self.values[is_inside]
        return matrix


def count_pairs(
    corpus: EncodedCorpus, window: int | None, *, weight: Weight = "equal", threads: int = 1
) -> Counts:
    """Count how often each two words occur together.

    Parameters
    ----------
    corpus
        The text; pairs do not reach beyond a sentence.
    window
        Words on either side that count; None: two words that are in the same sentence count once, however often
        they are there and wherever (documents, if these are the sentences).
    weight
        What a pair within the window counts: 1, or 1 / distance, as in GloVe.
    threads
        To collect and sort on. The result does not depend on them, but for the last digits of sums of 1 /
        distance.

    Raises
    ------
    CorpusError
        No two words occur together.
    UsageError
        The window or the vocabulary is too large.
    """
    n_words = len(corpus.vocab)
    if n_words > _MOST_WORDS or (window is not None and window > MOST_DISTANCE):
        raise UsageError(
            f"at most {_MOST_WORDS:,} words and windows of {MOST_DISTANCE:,}; use a larger --min-count"
        )
    if window is None and int(np.diff(corpus.offsets).max()) > _MOST_WORDS_OF_SENTENCE:
        raise UsageError(f"a document of more than {_MOST_WORDS_OF_SENTENCE:,} words; use --window")
    parts = _parts(corpus, 4 * threads)
    waiting: list[Run] = []
    with ThreadPoolExecutor(threads, "cooccur") as pool:
        for runs in pool.map(lambda part: _runs(corpus, window, weight, *part), parts):
            waiting = _merged([*waiting, *runs])
        while len(waiting) > 1:
            waiting = [_merge(*waiting[-2:]), *waiting[:-2]]
    if not waiting or waiting[0][0].size == 0:
        raise CorpusError("no two words occur together")
    return _matrix(waiting[0], n_words)


def _parts(corpus: EncodedCorpus, n_parts: int) -> list[tuple[int, int]]:
    """Cut a text into ranges of sentences with about as many tokens each."""
    wanted = np.linspace(0, corpus.n_tokens, n_parts + 1)[1:-1]
    ends = np.unique([0, *np.searchsorted(corpus.offsets, wanted), corpus.offsets.size - 1])
    return list(itertools.pairwise(ends.tolist()))


def _runs(corpus: EncodedCorpus, window: int | None, weight: Weight, sentence: int, last: int) -> list[Run]:
    """Collect the pairs of some sentences; return sorted runs."""
    n_words, pos, runs = len(corpus.vocab), 0 if window is None else int(corpus.offsets[sentence]), []
    size = min(_BUFFER_KEYS, _most_pairs(corpus, window, sentence, last))
    keys, text = np.empty(size, np.uint64), (corpus.ids, corpus.offsets)
    last_seen, found = np.full(n_words, -1), np.empty(n_words, np.int32)
    while sentence < last:
        if window is None:
            scratch = last_seen, found, n_words, keys
            sentence, pos, n_keys = collect_sentence_pairs(*text, sentence, pos, last, *scratch)
        else:
            sentence, pos, n_keys = collect_window_pairs(*text, sentence, pos, last, window, n_words, keys)
        part, weights = keys[:n_keys], np.empty(n_keys)
        part.sort()
        n_distinct = sum_up(part, weight == "harmonic", part, weights)
        runs.append((_stored(part[:n_distinct]), _stored(weights[:n_distinct])))
        runs = _merged(runs)
    return runs


def _most_pairs(corpus: EncodedCorpus, window: int | None, sentence: int, last: int) -> int:
    """Return how many pairs some sentences have at most; at least as many as one step of collecting needs."""
    lengths = np.diff(corpus.offsets[sentence : last + 1])
    partners = lengths if window is None else np.minimum(lengths, window)
    return max(int((lengths * partners).sum()), 1)


def _merged(runs: list[Run]) -> list[Run]:
    """Merge neighbours while the last run is not much smaller than the one before."""
    while len(runs) > 1 and 2 * runs[-1][0].size >= runs[-2][0].size:
        runs[-2:] = [_merge(*runs[-2:])]
    return runs


def _merge(a: Run, b: Run) -> Run:
    """Return one run of two."""
    size = a[0].size + b[0].size
    keys, weights = spooled(size, np.uint64), spooled(size, np.float64)
    n = merge_runs(*a, *b, keys, weights)
    return keys[:n], weights[:n]


def _matrix(run: Run, n_words: int) -> Counts:
    """Return the symmetric matrix of a run."""
    lengths = np.zeros(n_words, np.int64)
    row_lengths(run[0], n_words, lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    columns, values = spooled(int(offsets[-1]), np.int32), spooled(int(offsets[-1]), np.float32)
    fill_rows(*run, n_words, offsets[:-1].copy(), columns, values)
    return Counts(offsets, columns, values)


def _stored(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of an array in a temporary file."""
    room = spooled(array.size, array.dtype)
    room[:] = array
    return room
