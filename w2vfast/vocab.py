"""Words, their ids and their counts."""

import difflib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

_FEW = 100  # so many words are looked for one by one before an index of all words is made
_SHORT = 64  # bytes; words up to that are compared by hashes first, and letters of those that may be mistyped
_FREQUENT = 100_000
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: mixes bits when it multiplies


class Vocab:
    """The words of a corpus or model, most frequent first; a word's id is its place.

    Parameters
    ----------
    words
        Distinct words.
    counts
        How often each occurs, int64 (V,); zeros where unknown.
    """

    _n_sought = 0  # words that have been looked for

    def __init__(self, words: Sequence[str], counts: NDArray[np.int64]) -> None:
        self.words = words
        self.counts = counts
        self._packed: tuple[NDArray[np.int64], bytes] | None = None

    def __len__(self) -> int:
        return len(self.counts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.find([word])[0] is not None

    def __getitem__(self, word_id: int) -> str:
        if self._packed is None or "words" in self.__dict__:
            return self.words[word_id]
        offsets, data = self._packed
        word_id = range(len(self))[word_id]
        return data[offsets[word_id] : offsets[word_id + 1]].decode()

    @cached_property
    def words(self) -> Sequence[str]:
        """The words themselves; those of a file are decoded when they are first needed."""
        assert self._packed is not None
        offsets, data = self._packed
        bounds = offsets.tolist()
        return [data[a:b].decode() for a, b in itertools.pairwise(bounds)]

    @cached_property
    def index(self) -> dict[str, int]:
        """The id of every word."""
        return {word: word_id for word_id, word in enumerate(self.words)}

    @cached_property
    def _frequent(self) -> list[str]:
        return [self[i] for i in range(min(len(self), _FREQUENT))]

    def find(self, words: Sequence[str]) -> list[int | None]:
        """Return the id of each word, None for an unknown one."""
        self._n_sought += len(words)
        if self._packed is None or "index" in self.__dict__ or self._n_sought > _FEW:
            return [self.index.get(word) for word in words]
        return [self._find_in_bytes(word) for word in words]

    def _find_in_bytes(self, word: str) -> int | None:
        """Look for one word among the packed ones, letter by letter."""
        assert self._packed is not None
        offsets, data = self._packed
        raw, letters = np.frombuffer(data, np.uint8), word.encode("utf-8", "surrogateescape")
        ids = np.flatnonzero(np.diff(offsets) == len(letters))
        for place, letter in enumerate(letters):
            if ids.size == 0:
                return None
            ids = ids[raw[offsets[ids] + place] == letter]
        return int(ids[0]) if ids.size else None

    def starting_with(self, prefix: str, most: int) -> list[str]:
        """Return the first words that begin so."""
        return list(itertools.islice((word for word in self.words if word.startswith(prefix)), most))

    def packed(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the words as offsets (V + 1,) into their UTF-8 bytes, back to back."""
        return pack(self.words)

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
        if offsets.size != counts.size + 1:
            raise ValueError("there are not as many counts as words")
        content = data.tobytes()
        try:
            content.decode()
        except UnicodeDecodeError:
            raise ValueError("a word is not valid UTF-8") from None
        if (data[offsets[:-1]] & 0xC0 == 0x80).any():  # a word begins within a character
            raise ValueError("a word is not valid UTF-8")
        if _has_twins(offsets, content):
            raise ValueError("a word occurs twice")
        vocab = cls.__new__(cls)
        vocab.counts, vocab._packed = counts, (offsets, content)
        return vocab

    def close_to(self, word: str, most: int = 3) -> list[str]:
        """Return up to ``most`` known words that the user may have meant: other letter case first.

        Of a word longer than any mistyped one, none.
        """
        if len(word) > _SHORT:
            return []
        cases = [case for case in (word.lower(), word.capitalize(), word.upper()) if case in self]
        near = [known for known in self._frequent if abs(len(known) - len(word)) <= max(1, len(word) // 3)]
        similar = difflib.get_close_matches(word, near, n=most, cutoff=0.7)
        return list(dict.fromkeys(cases + similar))[:most]


def pack(words: Iterable[str]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return words as offsets (V + 1,) into their UTF-8 bytes, back to back."""
    encoded = [word.encode() for word in words]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(word) for word in encoded], out=offsets[1:])
    return offsets, np.frombuffer(b"".join(encoded), np.uint8)


def _has_twins(offsets: NDArray[np.int64], data: bytes) -> bool:
    """Tell whether a word occurs twice; words with equal hashes are compared themselves."""
    starts, lengths = offsets[:-1], np.diff(offsets)
    eights = np.ndarray(len(data), "<u8", data + bytes(8), strides=(1,))  # the 8 bytes from each place on
    hashes = lengths.astype(np.uint64)
    for i in range(_SHORT // 8):
        ids = np.flatnonzero(lengths > 8 * i)
        if ids.size == 0:
            break
        unused = np.maximum(8 - (lengths[ids] - 8 * i), 0).astype(np.uint64) * np.uint64(8)
        part = eights[starts[ids] + 8 * i] << unused
        mixed = hashes[ids] ^ part
        hashes[ids] = (mixed ^ (mixed >> np.uint64(32))) * _ODD
    in_order = np.sort(hashes)
    equal = in_order[1:][in_order[1:] == in_order[:-1]]
    # NumPy 2.0 would make a table of the hashes and fail above 2**63
    suspects = np.flatnonzero(np.isin(hashes, equal, kind="sort"))
    words = [data[a:b] for a, b in zip(offsets[suspects].tolist(), offsets[suspects + 1].tolist(), strict=True)]
    return len(set(words)) != len(words)
