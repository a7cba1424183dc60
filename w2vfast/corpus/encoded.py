"""The encoded corpus: word ids and sentence ends in files that are mapped into memory."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from w2vfast.corpus.sources import Source
from w2vfast.corpus.tokenizer import ReadingReport, Tokenizer
from w2vfast.errors import CorpusError, OutputError
from w2vfast.kernels.tokens import renumber
from w2vfast.vocab import Vocab

_SAMPLE_BYTES = 1 << 20


@dataclass(frozen=True)
class EncodedCorpus:
    """A corpus as integers. Sentence s is ``ids[offsets[s] : offsets[s + 1]]``; no sentence is empty."""

    ids: NDArray[np.int32]  # (N,)
    offsets: NDArray[np.int64]  # (S + 1,), from 0 to N, strictly increasing
    vocab: Vocab
    report: ReadingReport
    names: tuple[str, ...]  # base names of the files read
    sample_sha256: str  # of the text's first MiB

    @property
    def n_tokens(self) -> int:
        """Number of tokens in the vocabulary, N."""
        return int(self.ids.size)


def encode(
    sources: Sequence[Source],
    *,
    min_count: int,
    max_word_bytes: int,
    on_read: Callable[[int], None] = lambda n_bytes: None,
) -> EncodedCorpus:
    """Read text once and encode it; a line is a sentence, and the end of a file ends one.

    The ids lie in a temporary file without a name, 4 bytes a token, in the folder for temporary files.

    Parameters
    ----------
    sources
        Read in this order.
    min_count
        Words that occur less often are dropped.
    max_word_bytes
        Words of more bytes are dropped.
    on_read
        Called with the number of bytes read since the last call.

    Raises
    ------
    CorpusError
        No words, none frequent enough, fewer than two different ones, or no two in one sentence.
    OutputError
        The temporary file does not fit on the disk.
    """
    tokenizer, hasher = Tokenizer(max_word_bytes), hashlib.sha256()
    try:
        with tempfile.TemporaryFile(prefix="w2vfast-") as id_file, tempfile.TemporaryFile() as offset_file:
            n_ids, n_offsets = _spool(sources, tokenizer, hasher, id_file, offset_file, on_read)
            vocab, new_ids = tokenizer.vocabulary(min_count)
            _check(vocab, tokenizer, sources, min_count)
            ids, offsets = _map(id_file, np.int32, n_ids), _map(offset_file, np.int64, n_offsets)
    except OSError as error:
        place = tempfile.gettempdir()
        raise OutputError(f"cannot keep the encoded corpus in {place}: {error.strerror}; set TMPDIR") from None
    n_tokens, n_sentences = renumber(ids, offsets, new_ids)
    if n_sentences == n_tokens:
        raise CorpusError("no line has two known words, so there are no contexts; a line is a sentence")
    return EncodedCorpus(
        ids[:n_tokens],
        offsets[: n_sentences + 1],
        vocab,
        tokenizer.report,
        tuple(source.name for source in sources),
        hasher.hexdigest(),
    )


def _spool(
    sources: Sequence[Source],
    tokenizer: Tokenizer,
    hasher: "hashlib._Hash",
    id_file: BinaryIO,
    offset_file: BinaryIO,
    on_read: Callable[[int], None],
) -> tuple[int, int]:
    """Tokenize all sources into the two files; return the numbers of ids and of offsets written."""
    n_ids, n_offsets, to_hash = 0, 1, _SAMPLE_BYTES
    offset_file.write(bytes(8))
    for source in sources:
        for block, is_last in _with_end(source):
            hasher.update(block[:to_hash])
            to_hash -= len(block[:to_hash])
            ids, ends = tokenizer.feed(block, is_last=is_last)
            id_file.write(ids.data)
            offset_file.write((ends + n_ids).data)
            n_ids, n_offsets = n_ids + ids.size, n_offsets + ends.size
            on_read(len(block))
    id_file.flush()
    offset_file.flush()
    return n_ids, n_offsets


def _with_end(source: Source) -> Iterator[tuple[bytes, bool]]:
    """Yield a source's blocks, then an empty one that is marked as the last."""
    for block in source.blocks():
        yield block, False
    yield b"", True


def _map(file: BinaryIO, dtype: DTypeLike, size: int) -> NDArray[Any]:
    return np.memmap(file, dtype, mode="r+", shape=(size,))


def _check(vocab: Vocab, tokenizer: Tokenizer, sources: Sequence[Source], min_count: int) -> None:
    names = sources[0].name if len(sources) == 1 else f"{len(sources)} files"
    if tokenizer.n_words == 0:
        too_long = tokenizer.report.n_too_long
        raise CorpusError(f"{names} has no words" + (f" ({too_long:,} are too long)" if too_long else ""))
    if len(vocab) == 0:
        raise CorpusError(
            f"{names}: {tokenizer.n_words:,} distinct words, the most frequent occurs "
            f"{tokenizer.highest_count:,}x, --min-count is {min_count}; try --min-count 1"
        )
    if len(vocab) == 1:
        raise CorpusError(f"{names}: need at least 2 words that occur {min_count} times or more, found 1")
