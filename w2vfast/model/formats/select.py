"""Which words of a stream go on, and in what shape."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from w2vfast.errors import DataError, UsageError
from w2vfast.model.formats.stream import Block, Stream
from w2vfast.model.query import unit_rows


@dataclasses.dataclass
class Selection:
    """A choice of words and what is done to them; it counts what passes.

    Parameters
    ----------
    top
        Only so many words, the first.
    words
        Only these words.
    normalize
        Scale each vector to length 1; output vectors are left out.
    space_char
        What replaces white space in words.
    """

    top: int | None = None
    words: frozenset[str] | None = None
    normalize: bool = False
    space_char: str | None = None
    n_words: int = dataclasses.field(default=0, init=False)
    n_missing: int = dataclasses.field(default=0, init=False)

    def of(self, stream: Stream) -> Stream:
        """Return what is chosen of a stream.

        Raises
        ------
        UsageError
            While it is read: nothing is left.
        DataError
            While it is read: two words become equal.
        """
        keeps_all = self.top is None and self.words is None
        n_words = stream.n_words if keeps_all else None
        return dataclasses.replace(stream, blocks=self._blocks(stream), n_words=n_words)

    def _blocks(self, stream: Stream) -> Iterator[Block]:
        seen: set[str] = set()
        for block in stream.blocks:
            rows = [i for i, word in enumerate(block.words) if self.words is None or word in self.words]
            if self.top is not None:
                rows = rows[: self.top - self.n_words]
            chosen = block if len(rows) == len(block.words) else _rows(block, rows)
            if self.space_char is not None:
                chosen = dataclasses.replace(chosen, words=self._joined(chosen, seen))
            if self.normalize:
                chosen = dataclasses.replace(chosen, vectors=unit_rows(chosen.vectors), context=None)
            self.n_words += len(rows)
            if rows:
                yield chosen
            if self.n_words == self.top:
                break
        if self.words is not None and self.n_words != self.top:
            self.n_missing = len(self.words) - self.n_words
        if not self.n_words:
            raise UsageError("none of the words is in the vocabulary")

    def _joined(self, block: Block, seen: set[str]) -> list[str]:
        """Return the words without white space."""
        joined = []
        for word in block.words:
            plain = word if word.split() == [word] else str(self.space_char).join(word.split())
            if plain in seen or not plain:
                raise DataError(f"replacing white space made two words equal, or one empty: {word!r}")
            seen.add(plain)
            joined.append(plain)
        return joined


def _rows(block: Block, rows: list[int]) -> Block:
    """Return some rows of a block."""
    return Block(
        [block.words[i] for i in rows],
        block.vectors[rows],
        None if block.counts is None else block.counts[np.array(rows, np.int64)],
        None if block.context is None else block.context[rows],
    )
