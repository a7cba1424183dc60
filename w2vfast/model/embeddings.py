"""Trained vectors with their words: the object that ``train`` and ``load`` return."""

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import UsageError
from w2vfast.model.foreign import read_vectors
from w2vfast.model.native import Contents, model_bytes, write_model
from w2vfast.model.query import nearest, row_norms
from w2vfast.system.staging import Staging
from w2vfast.vocab import Vocab

#: A word, or a vector of D numbers.
Query = str | NDArray[np.floating[Any]]


class Embeddings:
    """Words and their vectors.

    Parameters
    ----------
    contents
        Vectors, vocabulary and provenance, as in a model file.

    Examples
    --------
    >>> emb = w2vfast.load("model.w2v")                            # doctest: +SKIP
    >>> emb["king"], "king" in emb, len(emb)                       # doctest: +SKIP
    >>> emb.most_similar(["king", "woman"], negative=["man"])      # doctest: +SKIP
    """

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The input vectors W, float32 (V, D)."""
        return self._contents.vectors

    @property
    def context(self) -> NDArray[np.float32] | None:
        """The output vectors, float32 (V, D), if the model has them."""
        return self._contents.context

    @property
    def vocab(self) -> Vocab:
        """The words, most frequent first, and their counts."""
        return self._contents.vocab

    @property
    def params(self) -> dict[str, Any]:
        """The parameters the model was trained with."""
        return self._contents.params

    @property
    def notes(self) -> tuple[str, ...]:
        """What was odd about the file that the vectors came from."""
        return self._contents.notes

    @property
    def dim(self) -> int:
        """Vector size D."""
        return int(self.vectors.shape[1])

    def __len__(self) -> int:
        return len(self.vocab)

    def __contains__(self, word: object) -> bool:
        return word in self.vocab

    def __iter__(self) -> Iterator[str]:
        return iter(self.vocab)

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        return np.asarray(self.vectors[self._word_id(word)])

    def __repr__(self) -> str:
        return f"<Embeddings: {len(self):,} words x {self.dim}>"

    def most_similar(
        self, positive: Query | Sequence[Query], negative: Query | Sequence[Query] = (), *, k: int = 10
    ) -> list[tuple[str, float]]:
        """Return the words nearest to the mean of some words, without those words themselves.

        Each vector is scaled to length 1 first. With ``negative`` words this is 3CosAdd (Mikolov et al.,
        2013): ``most_similar(["king", "woman"], ["man"])`` asks what is to woman as king is to man.

        Parameters
        ----------
        positive
            A word or vector, or several.
        negative
            Words or vectors to subtract.
        k
            How many results.

        Returns
        -------
        list
            Words and cosine similarities from -1 to 1, best first.

        Raises
        ------
        KeyError
            A word is not in the vocabulary.
        UsageError
            Nothing was given, ``k`` is less than 1 or a vector is of the wrong size.
        """
        plus, minus = _as_list(positive), _as_list(negative)
        if not plus and not minus:
            raise UsageError("give at least one word")
        if k < 1:
            raise UsageError(f"k must be at least 1, not {k}")
        total = np.zeros(self.dim, np.float32)
        for sign, queries in ((1, plus), (-1, minus)):
            for query in queries:
                total += sign * self._unit(query)
        used = [self._word_id(query) for query in plus + minus if isinstance(query, str)]
        return self._named(nearest(self.vectors, self.norms, total[None], k, [used]))[0]

    def neighbours(self, words: Sequence[str], *, k: int = 10) -> list[list[tuple[str, float]]]:
        """Return the nearest words of each word, in one matrix product.

        Parameters
        ----------
        words
            Each a query of its own.
        k
            How many results each.

        Raises
        ------
        KeyError
            A word is not in the vocabulary.
        """
        ids = [self._word_id(word) for word in words]
        return self._named(nearest(self.vectors, self.norms, self.vectors[ids], k, [[i] for i in ids]))

    @cached_property
    def norms(self) -> NDArray[np.float32]:
        """The length of each vector, float32 (V,), 1 for a zero vector."""
        return row_norms(self.vectors)

    def save(self, path: str | os.PathLike[str]) -> int:
        """Write the model file; whole or, if anything fails, not at all. Return its size in bytes.

        Raises
        ------
        OutputError
            It cannot be written; an older file is untouched.
        """
        with Staging(path) as staging:
            return self.save_staged(staging)

    def save_staged(self, staging: Staging) -> int:
        """Write the model file through a staging that is open already; return its size in bytes."""
        n_bytes = model_bytes(self._contents)
        staging.write(lambda path: write_model(path, self._contents), n_bytes)
        return n_bytes

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, with_context: bool = True) -> Self:
        """Read a model file, or the vectors of another trainer: word2vec text and binary, GloVe, fastText's .vec.

        Raises
        ------
        FormatError
            The file is damaged or not a model.
        UsageError
            It cannot be opened.
        """
        try:
            return cls(read_vectors(path, with_context=with_context))
        except OSError as error:
            raise UsageError(f"cannot read {os.fspath(path)}: {error.strerror or error}") from None

    def _word_id(self, word: str) -> int:
        try:
            return self.vocab.index[word]
        except KeyError:
            raise KeyError(f"{word!r} is not in the vocabulary") from None

    def _unit(self, query: Query) -> NDArray[np.float32]:
        if isinstance(query, str):
            word_id = self._word_id(query)
            return np.asarray(self.vectors[word_id] / self.norms[word_id])
        vector = np.asarray(query, np.float32)
        if vector.shape != (self.dim,):
            raise UsageError(f"a query vector must have the shape ({self.dim},), not {vector.shape}")
        return np.asarray(vector / row_norms(vector[None])[0], np.float32)

    def _named(self, results: list[list[tuple[int, float]]]) -> list[list[tuple[str, float]]]:
        return [[(self.vocab.words[i], score) for i, score in result] for result in results]


def _as_list(queries: Query | Sequence[Query]) -> list[Query]:
    is_one = isinstance(queries, str) or (isinstance(queries, np.ndarray) and queries.ndim == 1)
    return [queries] if is_one else list(queries)  # type: ignore[list-item]
