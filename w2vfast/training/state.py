"""Where a run stands between two chunks: what a checkpoint keeps beside the matrices."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray


@dataclass
class RunState:
    """Position, sums and generators of a run."""

    #: What is written as numbers.
    NUMBERS: ClassVar[tuple[str, ...]] = (
        "done", "total", "n_pairs", "epoch_loss_sum", "n_measured", "last_loss", "best_held_out_loss", "n_worse",
    )  # fmt: skip

    states: NDArray[np.uint64]  # the generator of each shard
    total: int  # tokens to be trained on, over all epochs
    done: int = 0  # tokens trained on
    n_pairs: int = 0  # pairs trained
    epoch_loss_sum: float = 0.0  # of the windows measured in this epoch
    n_measured: int = 0  # how many those were
    last_loss: float = 0.0  # mean of the epoch so far, or of the last one
    best_held_out_loss: float = -1.0  # -1: none yet
    n_worse: int = 0  # epochs since then
    resumed_at: int | None = None  # where a resumed run began

    @classmethod
    def of(cls, numbers: dict[str, Any], states: NDArray[np.uint64]) -> Self:
        """Return the state that was written as numbers.

        Raises
        ------
        KeyError, TypeError, ValueError
            Something is missing or makes no sense.
        """
        values = {name: float(numbers[name]) if "loss" in name else int(numbers[name]) for name in cls.NUMBERS}
        if not (0 <= values["done"] <= values["total"] and min(values["n_pairs"], values["n_measured"]) >= 0):
            raise ValueError("progress that makes sense")
        return cls(states=states, resumed_at=int(values["done"]), **values)  # type: ignore[arg-type]

    def add(self, n_tokens: int, loss_sum: float, n_measured: int, *, begins_epoch: bool) -> float:
        """Take note of tokens that were trained on; return the mean loss of a pair among them."""
        if begins_epoch:
            self.epoch_loss_sum, self.n_measured = 0.0, 0
        self.done += n_tokens
        self.epoch_loss_sum += loss_sum
        self.n_measured += n_measured
        loss = loss_sum / n_measured if n_measured else self.last_loss
        if self.n_measured:
            self.last_loss = self.epoch_loss_sum / self.n_measured
        return loss

    def note_held_out(self, loss: float) -> None:
        """Remember the loss on the text held out, and whether it has fallen."""
        if self.best_held_out_loss < 0 or loss < self.best_held_out_loss:
            self.best_held_out_loss, self.n_worse = loss, 0
        else:
            self.n_worse += 1

    def has_had_enough(self, patience: int | None) -> bool:
        """Tell whether the held-out loss has not fallen for ``patience`` epochs."""
        return patience is not None and self.n_worse >= patience

    def numbers(self) -> dict[str, float]:
        """Return what is written as numbers."""
        return {name: getattr(self, name) for name in self.NUMBERS}
