"""Phrases: words that occur together more often than by chance become one word, ``new_york``."""

import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from w2vfast.corpus.encoded import EncodedCorpus, encode
from w2vfast.corpus.reading import ReadingOptions, ReadingReport
from w2vfast.corpus.sources import Source
from w2vfast.kernels.phrases import (
    GENSIM,
    NPMI,
    WORD2PHRASE,
    PairTable,
    Scoring,
    count_pairs,
    mark_phrases,
    move_pairs,
    write_text,
)

Scorer = Literal["word2phrase", "gensim", "npmi"]
_KINDS = {"word2phrase": WORD2PHRASE, "gensim": GENSIM, "npmi": NPMI}
#: The customary threshold of each scoring.
DEFAULT_THRESHOLD = {"word2phrase": 100.0, "gensim": 10.0, "npmi": 0.5}
#: gensim's list of English words that may stand within a phrase: articles, prepositions, conjunctions.
ENGLISH_CONNECTORS = frozenset(
    ["a", "an", "the", "for", "of", "with", "without", "at", "from", "to", "in", "on", "by", "and", "or"]
)
_FIRST_SLOTS = 1 << 16
_MOST_SLOTS = 1 << 27  # of all tables together, 12 bytes each: 1.6 GB
_BLOCK_TOKENS = 1 << 20
_MOST_PHRASE_BYTES = 1 << 20


@dataclass(frozen=True)
class PhraseOptions:
    """Which candidates become phrases."""

    scoring: Scorer = "word2phrase"
    threshold: float | None = None  # by default the customary one
    min_count: int = 5  # candidates that occur less often are no phrases; also what scores discount
    passes: int = 1  # each joins phrases of the one before with a further word
    connectors: frozenset[str] = field(default=frozenset())  # words that may stand within a phrase
    delimiter: str = "_"


@dataclass
class PhraseReport:
    """What came of it."""

    n_phrases: list[int] = field(default_factory=list)  # joined, by pass
    reading: ReadingReport = field(default_factory=ReadingReport)  # of the text itself
    n_forgotten: int = 0  # candidates that were dropped while counting, to save memory


def join_phrases(
    sources: Sequence[Source],
    reading: ReadingOptions,
    options: PhraseOptions,
    report: PhraseReport,
    on_read: Callable[[int], None] = lambda n_bytes: None,
) -> Iterator[bytes]:
    """Yield the text of the sources with its phrases joined, a sentence a line.

    Parameters
    ----------
    sources, reading
        The text; every word stays, whatever the reading options say of its count.
    options
        Which candidates become phrases.
    report
        Filled in while the text is taken.
    on_read
        Called with the number of bytes of the sources read since the last call.

    Raises
    ------
    CorpusError, OutputError
        As ``encode`` does.
    """
    corpus = encode(sources, reading, on_read)
    report.reading = corpus.report
    # what is joined has been read: a sentence a line, white space between words
    again = ReadingOptions(_MOST_PHRASE_BYTES, min_count=1, for_training=False, threads=reading.threads)
    for _ in range(options.passes - 1):
        corpus = encode([_Text(_joined(corpus, reading.threads, options, report))], again)
        report.reading.n_too_long += corpus.report.n_too_long
    yield from _joined(corpus, reading.threads, options, report)


class _Text(Source):
    """Text that is made as it is read."""

    def __init__(self, text: Iterator[bytes]) -> None:
        super().__init__(io.BytesIO())
        self._text = text

    def blocks(self, report: ReadingReport | None = None, *, allow_truncated: bool = False) -> Iterator[bytes]:
        """Yield the text."""
        return self._text


def _joined(corpus: EncodedCorpus, threads: int, options: PhraseOptions, report: PhraseReport) -> Iterator[bytes]:
    """Yield a corpus as text with its phrases joined."""
    is_connector = np.array([word in options.connectors for word in corpus.vocab.words])
    table, n_keys = _count(corpus, is_connector, threads, options.min_count, report)
    gensim_total = len(corpus.vocab) + n_keys
    scoring = Scoring(
        _KINDS[options.scoring],
        float(options.min_count),
        float(gensim_total if options.scoring == "gensim" else corpus.n_tokens),
        float(DEFAULT_THRESHOLD[options.scoring] if options.threshold is None else options.threshold),
    )
    word_offsets, word_bytes = corpus.vocab.packed()
    lengths, delimiter = np.diff(word_offsets), np.frombuffer(options.delimiter.encode(), np.uint8)
    ids, offsets = corpus.ids, corpus.offsets

    def block(cut: tuple[int, int]) -> tuple[bytes, int]:
        first, last = cut
        part = ids[offsets[first] : offsets[last]]
        is_joined = np.empty(part.size, np.bool_)
        found = mark_phrases(
            ids, offsets, first, last, is_connector, corpus.vocab.counts, table, scoring, is_joined
        )
        size = int(lengths[part].sum()) + part.size + int(is_joined.sum()) * max(0, delimiter.size - 1)
        out = np.empty(size, np.uint8)
        n_bytes = write_text(ids, offsets, first, last, is_joined, word_offsets, word_bytes, delimiter, out)
        return out[:n_bytes].tobytes(), found

    report.n_phrases.append(0)
    with ThreadPoolExecutor(threads) as pool:
        cuts = _cuts(offsets)
        for begin in range(0, len(cuts), threads):  # as many at a time, so that memory stays bounded
            for text, found in pool.map(block, cuts[begin : begin + threads]):
                report.n_phrases[-1] += found
                yield text


def _cuts(offsets: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return ranges of sentences of about _BLOCK_TOKENS tokens each."""
    marks = np.searchsorted(offsets, np.arange(0, int(offsets[-1]), _BLOCK_TOKENS))
    edges = np.unique(np.append(marks, offsets.size - 1)).tolist()
    return list(itertools.pairwise(edges))


def _count(
    corpus: EncodedCorpus, is_connector: NDArray[np.bool_], threads: int, min_count: int, report: PhraseReport
) -> tuple[PairTable, int]:
    """Count the candidates; return those that occur often enough, and how many different ones there are."""

    def count_share(share: int) -> tuple[PairTable, int, int]:
        table, n_keys, sentence, begin, least = _empty(_FIRST_SLOTS), 0, 0, 0, 1
        n_sentences, forgotten = corpus.n_sentences, 0
        while True:
            sentence, begin, n_keys = count_pairs(
                corpus.ids,
                corpus.offsets,
                sentence,
                begin,
                n_sentences,
                is_connector,
                share,
                threads,
                table,
                n_keys,
            )
            if sentence == n_sentences:
                return table, n_keys, forgotten
            is_largest = table.keys.size >= _MOST_SLOTS // threads
            least += is_largest  # as word2phrase.c does: rare candidates are forgotten, more and more of them
            larger = _empty(table.keys.size * (1 if is_largest else 2))
            before, n_keys = n_keys, move_pairs(table, least, larger)
            table, forgotten = larger, forgotten + before - n_keys

    with ThreadPoolExecutor(threads) as pool:
        shares = list(pool.map(count_share, range(threads)))
    report.n_forgotten += sum(forgotten for _, _, forgotten in shares)
    n_often = sum(int(np.count_nonzero(table.counts[table.keys > 0] >= min_count)) for table, _, _ in shares)
    often = _empty(max(2, 1 << (2 * n_often).bit_length()))
    for table, _, _ in shares:
        move_pairs(table, min_count, often)
    return often, sum(n_keys for _, n_keys, _ in shares)


def _empty(n_slots: int) -> PairTable:
    return PairTable(np.zeros(n_slots, np.uint64), np.zeros(n_slots, np.int32))
