"""Every parameter of a training run, its default and its limits, in one place."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal, Self, get_args

from w2vfast.errors import UsageError
from w2vfast.system.threads import count_cpus

Architecture = Literal["sg", "cbow"]
NegativesPer = Literal["window", "pair"]
CbowGrad = Literal["mean", "sqrt", "classic"]

#: The least and the greatest value of each number.
LIMITS: dict[str, tuple[float, float]] = {
    "neg": (1, 1000),
    "neg_exponent": (-2.0, 2.0),
    "dim": (1, 10_000),
    "window": (1, 1000),
    "min_count": (1, 2**31 - 1),
    "sample": (0.0, 1.0),
    "epochs": (1, 100_000),
    "alpha": (1e-9, 1e30),
    "min_alpha": (0.0, 1e30),
    "threads": (1, 1024),
    "seed": (0, 2**63 - 1),
    "max_word_bytes": (1, 2**20),
}

#: The learning rate that suits skip-gram, and CBOW by the form of its gradient: benchmarks/defaults.py.
DEFAULT_ALPHA = {"sg": 0.05, "mean": 0.15, "sqrt": 0.15, "classic": 0.075}


@dataclass(frozen=True)
class TrainConfig:
    """The parameters of a run; a value of None is chosen by ``resolved``.

    Raises
    ------
    UsageError
        A value is of the wrong type, not finite or outside its limits.
    """

    model: Architecture = "sg"  # skip-gram or CBOW
    loss: Literal["ns"] = "ns"  # the objective: negative sampling
    neg: int = 5  # noise words for each prediction
    neg_exponent: float = 0.75  # noise words are drawn in proportion to count ** this
    negatives_per: NegativesPer = "window"  # skip-gram: fresh noise words for each window, or for each pair
    cbow_grad: CbowGrad = "sqrt"  # CBOW: divide the input gradient by C (exact), by sqrt(C), or not at all
    dim: int = 100  # vector size
    window: int = 5  # words on either side, at most; each window's size is drawn from 1 .. this
    min_count: int = 5  # words that occur less often are dropped
    sample: float = 1e-3  # words of higher relative frequency are subsampled; 0 = none
    epochs: int = 5  # passes over the corpus
    alpha: float | None = None  # learning rate at the start; by default one that suits model and gradient
    min_alpha: float | None = None  # learning rate at the end, absolute; by default alpha x 1e-4
    threads: int | None = None  # by default the CPUs that the process may use
    seed: int = 1  # of every random draw
    max_word_bytes: int = 1024  # longer tokens are dropped

    def __post_init__(self) -> None:
        for name, allowed in (
            ("model", get_args(Architecture)),
            ("loss", ("ns",)),
            ("negatives_per", get_args(NegativesPer)),
            ("cbow_grad", get_args(CbowGrad)),
        ):
            if getattr(self, name) not in allowed:
                raise UsageError(f"{name} must be one of {', '.join(allowed)}, not {getattr(self, name)!r}")
        for name, (least, most) in LIMITS.items():
            _check_number(name, getattr(self, name), least, most, self.__dataclass_fields__[name].type)
        if self.alpha is not None and self.min_alpha is not None and self.min_alpha > self.alpha:
            raise UsageError(f"min_alpha ({self.min_alpha}) must not exceed alpha ({self.alpha})")

    def resolved(self) -> Self:
        """Return the same configuration with every None replaced by the value that will be used."""
        alpha = self.alpha
        if alpha is None:
            alpha = DEFAULT_ALPHA["sg" if self.model == "sg" else self.cbow_grad]
        return dataclasses.replace(
            self,
            alpha=alpha,
            min_alpha=alpha * 1e-4 if self.min_alpha is None else min(self.min_alpha, alpha),
            threads=self.threads or count_cpus(),
        )

    @property
    def untrained_loss(self) -> float:
        """The loss of a pair while all output vectors are 0: (k + 1) ln 2."""
        return (self.neg + 1) * math.log(2)


def _check_number(name: str, value: object, least: float, most: float, kind: object) -> None:
    if value is None and "None" in str(kind):
        return
    whole = "int" in str(kind)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise UsageError(f"{name} must be a {'whole ' if whole else ''}number, not {value!r}")
    if not least <= value <= most:  # NaN fails too
        raise UsageError(f"{name} must be from {least:g} to {most:g}, not {value}")
