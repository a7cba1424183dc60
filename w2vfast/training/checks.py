"""Signs that a run has diverged."""

import math

from w2vfast.errors import DivergedError

_MOST_NORM = 1e3
_MOST_LOSS = 3.0  # times the untrained loss


def check_loss(loss: float, untrained_loss: float, alpha: float, share_done: float) -> None:
    """Raise a DivergedError if the loss is not finite, or far worse than that of vectors without training."""
    if not math.isfinite(loss):
        raise diverged("the loss is not finite", alpha, share_done)
    if loss > _MOST_LOSS * untrained_loss:
        raise diverged(f"the loss is {loss:.3g}", alpha, share_done)


def check_norm(norm: float, alpha: float, share_done: float) -> None:
    """Raise a DivergedError if a vector is so long, or its length is not a number."""
    if not norm <= _MOST_NORM:
        raise diverged(f"a vector has the length {norm:.3g}", alpha, share_done)


def diverged(what: str, alpha: float, share_done: float) -> DivergedError:
    """Return the error of a run that was begun with the learning rate ``alpha``."""
    return DivergedError(
        f"training diverged at {100 * share_done:.1f} % ({what}) with --alpha {alpha:g}; "
        "usual values: 0.05 (skip-gram), 0.15 (CBOW)"
    )
