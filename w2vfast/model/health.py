"""What a file of vectors holds and how healthy it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2vfast.model.formats.stream import Stream
from w2vfast.model.query import unit_rows

_N_FIRST = 1000


@dataclass(frozen=True)
class Health:
    """Figures of vectors; lengths are Euclidean."""

    words: int
    dim: int
    has_context: bool
    has_counts: bool
    tokens: int  # the sum of the counts
    zero_vectors: int
    nonfinite_vectors: int
    words_with_white_space: int
    length_min: float
    length_median: float
    length_max: float
    mean_cosine: float  # of pairs among the first words; near 1 if all vectors point the same way


def examine(stream: Stream) -> Health:
    """Read a stream to its end and return what it holds."""
    n_words = n_tokens = n_nonfinite = n_spaced = 0
    has_context = False
    lengths: list[NDArray[np.float64]] = []
    first_rows: list[NDArray[np.float32]] = []
    for block in stream.blocks:
        is_finite = np.isfinite(block.vectors).all(axis=1)
        rows = block.vectors[is_finite]
        lengths.append(np.sqrt(np.vecdot(rows.astype(np.float64), rows.astype(np.float64))))
        if sum(len(part) for part in first_rows) < _N_FIRST:
            first_rows.append(rows[:_N_FIRST])
        n_words += len(block.words)
        n_nonfinite += int((~is_finite).sum())
        n_spaced += sum(word.split() != [word] for word in block.words)
        n_tokens += 0 if block.counts is None else int(block.counts.sum())
        has_context = has_context or block.context is not None
    length = np.concatenate(lengths)
    first = unit_rows(np.concatenate(first_rows)[:_N_FIRST])
    n_pairs, total = len(first) * (len(first) - 1), first.sum(axis=0, dtype=np.float64)
    own = float(np.vecdot(first, first).sum())
    low, middle, high = (float(np.quantile(length, q)) if length.size else 0.0 for q in (0, 0.5, 1))
    return Health(
        words=n_words, dim=stream.dim, has_context=has_context, has_counts=n_tokens > 0, tokens=n_tokens,
        zero_vectors=int((length == 0).sum()), nonfinite_vectors=n_nonfinite, words_with_white_space=n_spaced,
        length_min=low, length_median=middle, length_max=high,
        mean_cosine=(float(total @ total) - own) / n_pairs if n_pairs else 0.0,
    )  # fmt: skip


def complaints(health: Health) -> list[str]:
    """Return what is wrong with vectors, in words."""
    found: list[Any] = [
        (health.nonfinite_vectors, f"{health.nonfinite_vectors:,} vectors have values that are not finite"),
        (health.zero_vectors, f"{health.zero_vectors:,} vectors are zero: similar to nothing"),
        (health.words_with_white_space, f"{health.words_with_white_space:,} words have white space in them"),
        (health.length_max > 1000, f"lengths of up to {health.length_max:,.0f}: training may have diverged"),
        (health.mean_cosine > 0.7, f"all vectors point the same way (mean cosine {health.mean_cosine:.2f})"),
    ]
    return [text for is_so, text in found if is_so]
