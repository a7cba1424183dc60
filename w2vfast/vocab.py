"""Words, their ids and their counts."""

import difflib
from collections.abc import Iterator, Sequence
from functools import cached_property

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

    def close_to(self, word: str, most: int = 3) -> list[str]:
        """Return up to ``most`` known words that the user may have meant: other letter case first."""
        cases = [case for case in (word.lower(), word.capitalize(), word.upper()) if case in self.index]
        frequent = self.words[:100_000]
        similar = difflib.get_close_matches(word, frequent, n=most, cutoff=0.7)
        return list(dict.fromkeys(cases + similar))[:most]
