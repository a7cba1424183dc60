"""Trained vectors with their words: the object that ``train`` and ``load`` return."""

import numbers
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import UsageError
from w2vfast.model import query
from w2vfast.model.cluster import spherical_kmeans
from w2vfast.model.evaluate import METHODS, Score, evaluate
from w2vfast.model.vectors import LEAST_QUERIES, WordVectors, as_words

#: A word, or a vector of D numbers.
Query = str | NDArray[np.floating[Any]]
#: Words and scores, best first.
Answer = list[tuple[str, float]]

_STEP_WORDS = 1 << 12


class Embeddings(WordVectors):
    """Words and their vectors, and the questions that can be asked of them.

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

    def most_similar(
        self, positive: Query | Sequence[Query], negative: Query | Sequence[Query] = (), *, k: int = 10,
        among: Sequence[str] | None = None, exclude: Sequence[str] = (), min_score: float = -np.inf,
    ) -> Answer:  # fmt: skip
        """Return the words nearest to the mean of some words, without those words themselves.

        Each vector is scaled to length 1 first. With ``negative`` words this is 3CosAdd (Mikolov et al.,
        2013): ``most_similar(["king", "woman"], ["man"])`` asks what is to woman as king is to man.

        Parameters
        ----------
        positive
            A word or vector (D numbers), or several.
        negative
            Words or vectors to subtract.
        k
            How many results.
        among
            Only these words can be results.
        exclude
            These words cannot.
        min_score
            No results below this similarity.

        Returns
        -------
        list
            Words and cosine similarities from -1 to 1, best first.

        Raises
        ------
        KeyError
            A word is not in the vocabulary.
        UsageError
            Nothing was given, ``k`` is no whole number from 1 on, ``min_score`` is NaN, or a vector is of the
            wrong size or not finite.
        TypeError
            Something is neither a word nor a vector.
        """
        plus, minus = _as_list(positive), _as_list(negative)
        total, used = self.combine([(1.0, query) for query in plus] + [(-1.0, query) for query in minus])
        return self.nearest(total[None], [used], k=k, among=among, exclude=exclude, min_score=min_score)[0]

    def neighbours(
        self, words: Sequence[str], *, k: int = 10, among: Sequence[str] | None = None,
        exclude: Sequence[str] = (), min_score: float = -np.inf,
    ) -> list[Answer]:  # fmt: skip
        """Return the nearest words of each word, in one matrix product.

        Parameters
        ----------
        words
            Each a query of its own.
        k, among, exclude, min_score
            As for ``most_similar``.

        Raises
        ------
        KeyError
            A word is not in the vocabulary.
        """
        ids, step = self.ids(words), _STEP_WORDS
        answers: list[Answer] = []
        for first in range(0, len(ids), step):
            part = ids[first : first + step]
            answers += self.nearest(
                self.rows(part, verified=False),
                [[i] for i in part],
                k=k,
                among=among,
                exclude=exclude,
                min_score=min_score,
            )
        return answers

    def analogy(
        self, questions: Sequence[tuple[str, str, str]], *, k: int = 10, method: Literal["add", "mul"] = "add",
        among: Sequence[str] | None = None, exclude: Sequence[str] = (), min_score: float = -np.inf,
    ) -> list[Answer]:  # fmt: skip
        """Answer questions "a is to b as c is to ?", without the words of the question.

        Parameters
        ----------
        questions
            The words a, b, c of each.
        method
            "add": cosine similarity to b - a + c, each of length 1 (3CosAdd, Mikolov et al., 2013). "mul": the
            product of the shifted similarities to b and c over that to a (3CosMul, Levy and Goldberg, 2014,
            eq. (4)), which is not a cosine.
        k, among, exclude, min_score
            As for ``most_similar``.

        Raises
        ------
        KeyError
            A word is not in the vocabulary.
        UsageError
            The method is unknown, or a question has not three words.
        """
        if method not in METHODS:
            raise UsageError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
        _check_lengths(questions, 3)
        ids = [self.ids(question) for question in questions]
        if method == "add":
            totals = [query.unit_rows(self.rows(i, verified=False)).T @ (-1, 1, 1) for i in ids]
            vectors = np.array(totals, np.float32).reshape(len(ids), self.dim)
            return self.nearest(vectors, ids, k=k, among=among, exclude=exclude, min_score=min_score)
        answers, allowed = [], self._allowed(among, exclude)
        for a, b, c in ids:
            scores = query.multiplied(self.cosines(self.rows([b, c, a], verified=False)), 2)[None]
            answers += self._best(scores, k, [[a, b, c]], allowed, min_score)
        return answers

    def nearest(
        self, vectors: NDArray[np.float32], hidden: Sequence[Sequence[int]], *, k: int = 10,
        among: Sequence[str] | None = None, exclude: Sequence[str] = (), min_score: float = -np.inf,
    ) -> list[Answer]:  # fmt: skip
        """Return the words nearest to vectors.

        Parameters
        ----------
        vectors
            One query a row, float32 (Q, D).
        hidden
            For each query the numbers of words that are no results.
        k, among, exclude, min_score
            As for ``most_similar``.
        """
        answers: list[Answer] = []
        allowed = self._allowed(among, exclude)
        step = max(LEAST_QUERIES, query.BLOCK_VALUES // len(self))
        for first in range(0, len(vectors), step):
            scores = self.cosines(vectors[first : first + step])
            answers += self._best(scores, k, hidden[first : first + step], allowed, min_score)
        return [[(word, min(1.0, max(-1.0, score))) for word, score in answer] for answer in answers]

    def odd_one_out(self, words: Sequence[str]) -> Answer:
        """Return words by their cosine similarity to the mean of the others, the odd one first.

        Raises
        ------
        KeyError
            A word is not in the vocabulary.
        UsageError
            There are fewer than three words.
        """
        words = as_words(words)
        if len(words) < 3:
            raise UsageError("give at least three words")
        units = query.unit_rows(self.rows(self.ids(words)))
        others = query.unit_rows(units.sum(axis=0) - units)
        scores = np.vecdot(units, others)
        return [(words[i], float(scores[i])) for i in np.argsort(scores, kind="stable")]

    def similarity(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Return the cosine similarity of each pair of words, float32 (len(pairs),).

        Raises
        ------
        KeyError
            A word is not in the vocabulary.
        UsageError
            A pair has not two words.
        """
        _check_lengths(pairs, 2)
        sides = [self.ids(side) for side in zip(*pairs, strict=True)]
        if not sides:
            return np.zeros(0, np.float32)
        first, second = (query.unit_rows(self.rows(side)) for side in sides)
        return np.asarray(np.clip(np.vecdot(first, second), -1, 1), np.float32)

    def rank(self, word: str, others: Sequence[str]) -> list[int]:
        """Return the place of each of ``others`` among the neighbours of ``word``; 1 is the nearest.

        Raises
        ------
        KeyError
            A word is not in the vocabulary.
        """
        word_id, *ids = self.ids([word, *as_words(others)])
        scores = self.cosines(self.rows([word_id], verified=False))[0]
        scores[word_id] = -np.inf
        return [0 if i == word_id else int((scores > scores[i]).sum()) + 1 for i in ids]

    def combine(self, terms: Sequence[tuple[float, Query]]) -> tuple[NDArray[np.float32], list[int]]:
        """Return the weighted sum of words and vectors, each scaled to length 1, and the words' numbers.

        Raises
        ------
        KeyError
            A word is not in the vocabulary.
        UsageError
            There are no terms, or a vector is of the wrong size or not finite.
        TypeError
            A term is neither a word nor a vector.
        """
        if not terms:
            raise UsageError("give at least one word")
        used = self.ids([term for _, term in terms if isinstance(term, str)])
        rows, total = iter(self.rows(used, verified=False)), np.zeros(self.dim, np.float32)
        for weight, term in terms:
            vector = next(rows) if isinstance(term, str) else _as_vector(term)
            if vector.shape != (self.dim,):
                raise UsageError(f"a query vector must have {self.dim} numbers, not the shape {vector.shape}")
            if not isinstance(term, str) and not np.isfinite(vector).all():
                raise UsageError("a query vector must have finite numbers")
            total += np.float32(weight) * query.unit_rows(vector[None])[0]
        return total, used

    def predict(self, words: Sequence[str], *, k: int = 10) -> Answer:
        """Return the likeliest center words between context words, with their probabilities.

        The probability is softmax(W' h), where h is the mean of the input vectors of the context words, as in
        CBOW's forward pass and gensim's ``predict_output_word``. The words given can be results.

        Raises
        ------
        KeyError
            A word is not in the vocabulary.
        UsageError
            The model has no output vectors, or no word was given.
        """
        if self.context is None:
            raise UsageError("the model has no output vectors (it was saved without them, or by another trainer)")
        if self.params.get("loss") == "hs":
            raise UsageError("a model of hierarchical softmax has no output vectors of words to predict with")
        if not words:
            raise UsageError("give at least one word")
        scores = (self.context @ self.rows(self.ids(words)).mean(axis=0)).astype(np.float64)
        probabilities = np.exp(scores - scores.max())
        probabilities /= probabilities.sum()
        return self._best(probabilities[None], k, [[]], _Allowed(), 0.0)[0]

    def evaluate(
        self, path: str | os.PathLike[str], *, top: int | None = 30_000, fold_case: bool = True,
        method: Literal["add", "mul"] = "add",
    ) -> list[Score]:  # fmt: skip
        """Score the vectors on a file of analogies or similarities; see ``w2vfast.model.evaluate.evaluate``."""
        return evaluate(self, path, top=top, fold_case=fold_case, method=method)

    def cluster(self, k: int, *, seed: int = 1) -> NDArray[np.int32]:
        """Return the class of each word, int32 (V,), by spherical k-means; class 0 is the largest.

        Raises
        ------
        UsageError
            There are fewer than ``k`` words.
        """
        return spherical_kmeans(self.vectors, k, seed=seed)[0]

    def _best(
        self, scores: NDArray[Any], k: int, hidden: Sequence[Sequence[int]], allowed: "_Allowed", min_score: float
    ) -> list[Answer]:
        """Return the words with the best of some scores (Q, V), which are changed."""
        if not isinstance(k, numbers.Integral) or k < 1:
            raise UsageError(f"k must be a whole number, at least 1, not {k!r}")
        if np.isnan(min_score):
            raise UsageError("min_score must be a number, not NaN")
        scores[:, allowed.excluded] = -np.inf
        for row, own in zip(scores, hidden, strict=True):
            row[list(own)] = -np.inf
        ids = allowed.among
        results = query.best(scores if ids is None else scores[:, ids], k, least=min_score)
        return [
            [(self.vocab[column if ids is None else int(ids[column])], score) for column, score in result]
            for result in results
        ]

    def _allowed(self, among: Sequence[str] | None, exclude: Sequence[str]) -> "_Allowed":
        ids = None if among is None else [i for i in self.vocab.find(as_words(among)) if i is not None]
        excluded = [i for i in self.vocab.find(as_words(exclude)) if i is not None]
        return _Allowed(None if ids is None else np.unique(np.array(ids, np.int64)), excluded)


@dataclass(frozen=True)
class _Allowed:
    """Numbers of the words that can be results (None: all), and of those that cannot."""

    among: NDArray[np.int64] | None = None
    excluded: list[int] = field(default_factory=list)


def _as_list(queries: Query | Sequence[Query]) -> list[Query]:
    """Return queries as a list; a word, a vector and a list of numbers are one."""
    if isinstance(queries, str | bytes) or not isinstance(queries, Iterable):
        return [queries]
    result: list[Any] = list(queries)
    is_vector = bool(result) and all(isinstance(value, numbers.Real) for value in result)
    return [np.asarray(result)] if is_vector else result


def _as_vector(query: object) -> NDArray[np.float32]:
    """Return the numbers of a query that is no word."""
    if isinstance(query, bytes) or not isinstance(query, Iterable):
        raise TypeError(f"a query is a word (str) or a vector of numbers, not {type(query).__name__}")
    with np.errstate(over="ignore"):  # found by who uses it
        return np.asarray(query, np.float32)


def _check_lengths(questions: Sequence[Sequence[str]], length: int) -> None:
    """Raise a UsageError if a question has not so many words."""
    for question in questions:
        if isinstance(question, str) or len(question) != length:
            raise UsageError(f"each question must have {length} words, not {question!r}")
