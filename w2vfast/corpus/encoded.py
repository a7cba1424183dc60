"""The encoded corpus: word ids and sentence ends in files that are mapped into memory."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from w2vfast.corpus.reading import ReadingOptions, ReadingReport
from w2vfast.corpus.sources import Source
from w2vfast.corpus.tokenizer import Tokenizer
from w2vfast.errors import CorpusError, OutputError
from w2vfast.kernels.tokens import renumber
from w2vfast.system.places import temporary_folder
from w2vfast.vocab import Vocab
from w2vfast.wording import counted

_SAMPLE_BYTES = 1 << 20
_STEP_SENTENCES = 1 << 20


@dataclass(frozen=True)
class EncodedCorpus:
    """A corpus as integers. Sentence s is ``ids[offsets[s] : offsets[s + 1]]``; no sentence is empty."""

    ids: NDArray[np.int32]  # (N,)
    offsets: NDArray[np.int64]  # (S + 1,), from 0 to N, strictly increasing
    vocab: Vocab
    report: ReadingReport
    names: tuple[str, ...]  # base names of the files read
    sample_sha256: str  # of the text's first MiB
    reading: dict[str, Any] = field(default_factory=dict)  # how it was read: ``ReadingOptions.facts``, if known

    @property
    def n_tokens(self) -> int:
        """Number of tokens in the vocabulary, N."""
        return int(self.ids.size)

    @property
    def n_sentences(self) -> int:
        """Number of sentences, S."""
        return int(self.offsets.size - 1)


def encode(
    sources: Sequence[Source],
    options: ReadingOptions,
    on_read: Callable[[int], None] = lambda n_bytes: None,
) -> EncodedCorpus:
    """Read text once and encode it; the end of a file ends a sentence.

    The ids lie in a temporary file without a name, 4 bytes a token, in the folder for temporary files.

    Parameters
    ----------
    sources
        Read in this order.
    options
        What counts as a word and as a sentence, and which words stay.
    on_read
        Called with the number of bytes of text read since the last call.

    Raises
    ------
    CorpusError
        No words, none frequent enough; for training, fewer than two different ones, or no two in one sentence.
    OutputError
        The temporary file does not fit on the disk.
    """
    tokenizer, hasher, place = Tokenizer(options), hashlib.sha256(), temporary_folder()
    try:
        with tempfile.TemporaryFile(prefix="w2vfast-") as id_file, tempfile.TemporaryFile() as offset_file:
            spool = _Spool(tokenizer, options.sentence, hasher, id_file, offset_file)
            spool.read(sources, options.allow_truncated, on_read)
            vocab, new_ids = tokenizer.vocabulary()
            _check(vocab, tokenizer, sources, options)
            ids, offsets = spool.mapped()
    except OSError as error:
        raise OutputError(f"cannot keep the encoded corpus in {place}: {error.strerror}; set TMPDIR") from None
    n_tokens, n_sentences = _renumber(ids, offsets, new_ids, options.threads)
    if n_sentences == n_tokens and options.for_training:
        unit, hint = ("line", "; a line is a sentence") if options.sentence == "line" else ("sentence", "")
        raise CorpusError(f"no {unit} has two known words, so there are no contexts{hint}")
    return EncodedCorpus(
        ids[:n_tokens],
        offsets[: n_sentences + 1],
        vocab,
        tokenizer.report,
        tuple(source.name for source in sources),
        hasher.hexdigest(),
        options.facts(),
    )


def _renumber(
    ids: NDArray[np.int32], offsets: NDArray[np.int64], new_ids: NDArray[np.int32], threads: int
) -> tuple[int, int]:
    """Turn provisional ids into final ones, in place; return how many tokens and sentences remain."""
    cuts = sorted({(offsets.size - 1) * i // threads for i in range(threads + 1)})
    begins = [int(offsets[cut]) for cut in cuts]

    def renumber_part(begin: int, first: int, last: int) -> tuple[int, int]:
        return renumber(ids, offsets, begin, first, last, new_ids)  # type: ignore[no-any-return]

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(renumber_part, begins, cuts, cuts[1:]))
    n_tokens, n_sentences = 0, 0
    for begin, first, (tokens, sentences) in zip(begins, cuts, parts, strict=False):
        ids[n_tokens : n_tokens + tokens] = ids[begin : begin + tokens]
        for i in range(1, 1 + sentences, _STEP_SENTENCES):
            n = min(_STEP_SENTENCES, 1 + sentences - i)
            offsets[n_sentences + i : n_sentences + i + n] = offsets[first + i : first + i + n] + (
                n_tokens - begin
            )
        n_tokens, n_sentences = n_tokens + tokens, n_sentences + sentences
    return n_tokens, n_sentences


class _Spool:
    """Provisional ids and the ends of sentences, in two files."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        sentence: str | int,
        hasher: "hashlib._Hash",
        id_file: BinaryIO,
        offset_file: BinaryIO,
    ) -> None:
        self._tokenizer, self._sentence, self._hasher = tokenizer, sentence, hasher
        self._id_file, self._offset_file = id_file, offset_file
        self._n_ids, self._n_offsets, self._to_hash = 0, 1, _SAMPLE_BYTES
        self._offset_file.write(bytes(8))

    def read(self, sources: Sequence[Source], allow_truncated: bool, on_read: Callable[[int], None]) -> None:
        """Tokenize all sources."""
        begin = 0  # of the file
        report = self._tokenizer.report
        blocks = blocks_of(
            sources, report, lambda block: self._see(block, on_read), allow_truncated=allow_truncated
        )
        for ids, ends, ends_file in self._tokenizer.run(blocks):
            self._id_file.write(ids.data)
            if self._sentence == "line":
                self._write_offsets(ends + self._n_ids)
            self._n_ids += ids.size
            if ends_file and self._sentence != "line":
                step = self._sentence if isinstance(self._sentence, int) else max(1, self._n_ids - begin)
                for first in range(begin + step, self._n_ids, step * _STEP_SENTENCES):
                    self._write_offsets(np.arange(first, min(first + step * _STEP_SENTENCES, self._n_ids), step))
                self._write_offsets(np.array([self._n_ids]))
            begin = self._n_ids if ends_file else begin

    def _see(self, block: bytes, on_read: Callable[[int], None]) -> None:
        """Take note of a block that has been read."""
        if self._to_hash > 0:
            self._hasher.update(block[: self._to_hash])
            self._to_hash -= len(block)
        on_read(len(block))

    def mapped(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return ids and offsets as arrays in memory maps."""
        self._id_file.flush()
        self._offset_file.flush()
        return _map(self._id_file, np.int32, self._n_ids), _map(self._offset_file, np.int64, self._n_offsets)

    def _write_offsets(self, offsets: NDArray[np.int64]) -> None:
        self._offset_file.write(offsets.data)
        self._n_offsets += offsets.size


def blocks_of(
    sources: Sequence[Source],
    report: ReadingReport,
    on_block: Callable[[bytes], None] = lambda block: None,
    *,
    allow_truncated: bool = False,
) -> Iterator[tuple[bytes, bool]]:
    """Yield the blocks of all sources, and whether each is the last one of its source; call ``on_block`` first."""
    for source in sources:
        blocks = source.blocks(report, allow_truncated=allow_truncated)
        block, following = next(blocks, b""), next(blocks, None)
        report.n_empty_files += not block
        while following is not None:
            on_block(block)
            yield block, False
            block, following = following, next(blocks, None)
        on_block(block)
        yield block, True


def _map(file: BinaryIO, dtype: DTypeLike, size: int) -> NDArray[Any]:
    if size == 0:
        return np.empty(0, dtype)
    return np.memmap(file, dtype, mode="r+", shape=(size,))


def _check(vocab: Vocab, tokenizer: Tokenizer, sources: Sequence[Source], options: ReadingOptions) -> None:
    """Refuse text without words, and a vocabulary that nothing can be trained on."""
    min_count, n_too_long = options.min_count, tokenizer.report.n_too_long
    names = sources[0].name if len(sources) == 1 else f"{len(sources)} files"
    longest = f"more than {counted(options.max_word_bytes, 'byte')}"
    dropped = f" ({counted(n_too_long, 'token')} of {longest} dropped: --max-word-bytes)" if n_too_long else ""
    if tokenizer.n_words == 0 and (options.vocab is None or options.for_training):
        raise CorpusError(f"{names} has no words{dropped}")
    if len(vocab) == 0:
        raise CorpusError(
            f"{names}: {counted(tokenizer.n_words, 'distinct word')}, the most frequent occurs "
            f"{tokenizer.highest_count:,}x, --min-count is {min_count}; try --min-count 1{dropped}"
        )
    if len(vocab) == 1 and options.for_training:
        often = f" that occur {min_count:,} times or more" if min_count > 1 else ""
        raise CorpusError(f"{names}: need at least 2 words{often}, found 1{dropped}")
