"""The gradients of all objectives against finite differences, on a small random problem."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from w2vfast import objectives
from w2vfast.objectives import Objective, Result, central_differences

_CONTEXTS, _CENTER, _NEGATIVES = [1, 4, 5, 4], 2, [0, 3, 6, 3]
_COUNTS = [40, 20, 12, 9, 5, 3, 1]
N_WORDS = len(_COUNTS)


@dataclass(frozen=True)
class Check:
    """The largest relative errors of one objective's gradients: largest difference over largest derivative."""

    objective: str  # softmax, ns or hs
    model: str  # sg or cbow
    error: float  # of the gradient by W
    error_out: float  # of that by W_out


def check_objectives(dim: int = 5, seed: int = 1) -> Iterator[Check]:
    """Yield a check of each objective: both directions of skip-gram are one row, the worse one counts.

    Parameters
    ----------
    dim
        D; the vocabulary has 7 words, windows have 4 contexts, one of them twice.
    seed
        Of the matrices, float64.
    """
    rng = np.random.default_rng(seed)
    W, W_out = rng.normal(0, 0.5, (N_WORDS, dim)), rng.normal(0, 0.5, (N_WORDS, dim))
    for name, objective in objectives_to_check().items():
        window = partial(objectives.skip_gram, W, W_out, _CENTER, _CONTEXTS, objective)
        both = [_errors(partial(window, direction), W, W_out) for direction in ("to-contexts", "to-center")]
        yield Check(name, "sg", *np.max(both, axis=0).tolist())
        yield Check(
            name, "cbow", *_errors(partial(objectives.cbow, W, W_out, _CENTER, _CONTEXTS, objective), W, W_out)
        )


def objectives_to_check() -> dict[str, Objective]:
    """Return the objectives with noise words and a tree filled in."""
    paths = objectives.huffman(_COUNTS)
    return {
        "softmax": objectives.softmax,
        "ns": lambda h, W_out, word: objectives.negative_sampling(h, W_out, word, _NEGATIVES),
        "hs": lambda h, W_out, word: objectives.hierarchical_softmax(h, W_out, *paths[word]),
    }


def check_positive_term() -> dict[str, float]:
    """Return the largest error of each derivative of -log sigma(x) that the sources have, for x from -5 to 5.

    001 eq. (25) and 003 have sigma(x) - 1, 000 has sigma(x) (sigma(x) - 1).
    """
    x, step = np.linspace(-5, 5, 101), 1e-5
    differences = (np.logaddexp(0, -(x + step)) - np.logaddexp(0, -(x - step))) / (2 * step)
    sigma = objectives.sigma(x)
    return {
        "sigma(x) - 1": float(np.abs(differences - (sigma - 1)).max()),
        "sigma(x) (sigma(x) - 1)": float(np.abs(differences - sigma * (sigma - 1)).max()),
    }


def _errors(window: Callable[[], Result], W: NDArray[np.float64], W_out: NDArray[np.float64]) -> list[float]:
    """Return the largest relative errors of a window's gradients by W and W_out."""
    _, *gradients = window()
    errors = []
    for gradient, matrix in zip(gradients, (W, W_out), strict=True):
        differences = central_differences(lambda: window()[0], matrix)
        errors.append(float(np.abs(gradient - differences).max() / np.abs(differences).max()))
    return errors
