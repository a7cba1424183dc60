"""Words, their ids and their counts."""

import difflib
import itertools
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray


class Vocab:
    """The words of a corpus or model, most frequent first; a word's id is its place.

    Parameters
    ----------
    words
        Distinct words.
    counts
        How often each occurs, int64 (V,); zeros where unknown.
    """

    def __init__(self, words: Sequence[str], counts: NDArray[np.int64]) -> None:
        self.words = words
        self.counts = counts

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    @cached_property
    def index(self) -> dict[str, int]:
        """The id of every word."""
        return {word: word_id for word_id, word in enumerate(self.words)}

    def packed(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the words as offsets (V + 1,) into their UTF-8 bytes, back to back."""
        encoded = [word.encode() for word in self.words]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(word) for word in encoded], out=offsets[1:])
        return offsets, np.frombuffer(b"".join(encoded), np.uint8)

    @classmethod
    def unpacked(cls, offsets: NDArray[np.int64], data: NDArray[np.uint8], counts: NDArray[np.int64]) -> Self:
        """Return the vocabulary that was ``packed``.

        Raises
        ------
        ValueError
            The offsets do not fit, a word is empty or not UTF-8, or one comes twice.
        """
        if offsets.size == 0 or offsets[0] != 0 or offsets[-1] != data.size or not (np.diff(offsets) > 0).all():
            raise ValueError("the word offsets are not increasing")
        content, bounds = data.tobytes(), offsets.tolist()
        try:
            vocab = cls([content[a:b].decode() for a, b in itertools.pairwise(bounds)], counts)
        except UnicodeDecodeError:
            raise ValueError("a word is not valid UTF-8") from None
        if len(vocab.index) != len(vocab):
            raise ValueError("a word occurs twice")
        return vocab

    def close_to(self, word: str, most: int = 3) -> list[str]:
        """Return up to ``most`` known words that the user may have meant: other letter case first."""
        cases = [case for case in (word.lower(), word.capitalize(), word.upper()) if case in self.index]
        frequent = self.words[:100_000]
        similar = difflib.get_close_matches(word, frequent, n=most, cutoff=0.7)
        return list(dict.fromkeys(cases + similar))[:most]
