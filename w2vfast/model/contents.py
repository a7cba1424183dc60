"""What a file of vectors holds, whatever its format."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2vfast.vocab import Vocab

_STEP_VALUES = 1 << 22


@dataclass(frozen=True)
class Contents:
    """Vectors, their words, and what is known about them."""

    vectors: NDArray[np.float32]  # (V, D)
    vocab: Vocab
    context: NDArray[np.float32] | None = None  # (V, D)
    params: dict[str, Any] = field(default_factory=dict)
    corpus: dict[str, Any] = field(default_factory=dict)
    generator: str = ""
    notes: tuple[str, ...] = ()  # what was odd about a file of another trainer


def all_finite(matrix: NDArray[np.float32]) -> bool:
    """Tell whether no value is NaN or infinite, looking at some rows at a time."""
    rows = max(1, _STEP_VALUES // max(1, matrix.shape[-1]))
    return all(bool(np.isfinite(matrix[i : i + rows]).all()) for i in range(0, len(matrix), rows))
