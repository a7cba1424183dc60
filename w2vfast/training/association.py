"""Vectors out of counts of words that occur together: the counts, PPMI, and PPMI with fewer dimensions by SVD."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from w2vfast.corpus.encoded import EncodedCorpus
from w2vfast.errors import CorpusError, UsageError
from w2vfast.model.contents import Contents
from w2vfast.model.vectors import WordVectors
from w2vfast.training.cooccurrence import Counts
from w2vfast.training.result import GENERATOR, corpus_facts

Form = Literal["counts", "ppmi", "svd"]

_LEAST_PMI = 1e-6  # what is less is the rounding of 0


def with_self(counts: Counts, occurrences: NDArray[np.int64]) -> Counts:
    """Return the counts with each word beside itself as often as it occurs, as in document 003's example."""
    n_words = occurrences.size
    keep = counts.columns != counts.rows()
    rows = np.concatenate([counts.rows()[keep], np.arange(n_words, dtype=np.int32)])
    columns = np.concatenate([counts.columns[keep], np.arange(n_words, dtype=np.int32)])
    values = np.concatenate([counts.values[keep], occurrences.astype(np.float32)])
    order = np.lexsort((columns, rows))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_words))])
    return Counts(offsets, columns[order], values[order])


def binary(counts: Counts) -> Counts:
    """Return 1 for each two words that occur together at all."""
    return replace(counts, values=np.ones_like(counts.values))


def ppmi(counts: Counts, smoothing: float = 0.75) -> Counts:
    """Return the positive pointwise mutual information: max(0, log p(w, c) / (p(w) p(c))).

    p(w, c) is a pair's share of all counts, p(w) a row's, and p(c) a column's share after raising to the power of
    ``smoothing`` (Levy, Goldberg and Dagan, 2015, section 3.1); 1 is the plain definition. Zeros are not stored.
    """
    rows, n_words = counts.rows(), counts.offsets.size - 1
    sums = np.bincount(rows, counts.values, n_words)
    smoothed = sums**smoothing
    with np.errstate(divide="ignore"):
        log_row, log_column = np.log(sums), np.log(smoothed / smoothed.sum())
    values = (np.log(counts.values) - log_row[rows] - log_column[counts.columns]).astype(np.float32)
    keep = values > _LEAST_PMI
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows[keep], minlength=n_words))])
    return Counts(offsets, counts.columns[keep], values[keep])


def svd(counts: Counts, dim: int, power: float = 0.5, seed: int = 1) -> NDArray[np.float32]:
    """Return the rows of U S ** power, float32 (V, dim), U S V^T being the ``dim`` largest singular values' part.

    Raises
    ------
    UsageError
        SciPy is missing, or there are not more words than dimensions.
    """
    try:
        from scipy.sparse import csr_array
        from scipy.sparse.linalg import svds
    except ImportError:
        raise UsageError("--form svd needs: pip install 'w2vfast[cooccur]'") from None
    n_words = counts.offsets.size - 1
    if dim >= n_words:
        raise UsageError(f"--dim {dim} must be less than the number of words, {n_words:,}")
    matrix: Any = csr_array((counts.values, counts.columns, counts.offsets), shape=(n_words, n_words))
    start = np.random.default_rng(seed).standard_normal(n_words).astype(np.float32)
    U, S, _ = svds(matrix, k=dim, v0=start)
    order = np.argsort(-S)
    return np.ascontiguousarray(U[:, order] * S[order] ** power, np.float32)


def cooccurrence_vectors(
    corpus: EncodedCorpus, counts: Counts, *, form: Form = "svd", dim: int = 100, smoothing: float = 0.75,
    columns: int | None = None, is_binary: bool = False, is_with_self: bool = False,
    params: dict[str, Any] | None = None,
) -> WordVectors:  # fmt: skip
    """Return a model of what ``count_pairs`` found.

    Parameters
    ----------
    corpus, counts
        The text and its counts.
    form
        "counts" and "ppmi" have a dimension for each of the first ``columns`` words, by default all; "svd" is PPMI
        in ``dim`` dimensions.
    smoothing
        See ``ppmi``.
    is_binary, is_with_self
        See ``binary`` and ``with_self``.
    params
        What else is to be known about the counts.

    Raises
    ------
    UsageError
        See ``svd``.
    CorpusError
        No two words occur together more often than by chance.
    OutOfMemoryError
        Counts or PPMI of so many words do not fit.
    """
    if is_with_self:
        counts = with_self(counts, corpus.vocab.counts)
    if is_binary:
        counts = binary(counts)
    about = {**(params or {}), "model": "cooccur", "form": form, "binary": is_binary, "self": is_with_self}
    if form != "counts":
        counts, about["smoothing"] = ppmi(counts, smoothing), smoothing
        if counts.values.size == 0:
            raise CorpusError(
                "no two words occur together more often than by chance; --form counts has the counts"
            )
    vectors = svd(counts, dim) if form == "svd" else counts.dense(columns)
    about["dim"] = vectors.shape[1]
    return WordVectors(Contents(vectors, corpus.vocab, None, about, corpus_facts(corpus), GENERATOR))
