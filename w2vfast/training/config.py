"""Every parameter of a training run, its default and its limits, in one place."""

import dataclasses
import numbers
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from w2vfast.corpus.reading import ReadingOptions, Splitting
from w2vfast.errors import UsageError
from w2vfast.system.threads import check_numba_threads, count_cpus

Architecture = Literal["sg", "cbow"]
NegativesPer = Literal["window", "pair"]
CbowGrad = Literal["mean", "sqrt", "classic"]
Loss = Literal["ns", "hs", "softmax"]
Direction = Literal["to-center", "to-contexts"]
ContextWeight = Literal["linear", "equal", "harmonic"]
Saved = Literal["in", "out", "sum", "concat"]

#: The least and the greatest value of each number.
LIMITS: dict[str, tuple[float, float]] = {
    "neg": (1, 1000),
    "neg_exponent": (-2.0, 2.0),
    "dim": (1, 10_000),
    "window": (1, 1000),
    "left": (0, 1000),
    "right": (0, 1000),
    "min_count": (1, 2**31 - 1),
    "sample": (0.0, 1.0),
    "epochs": (1, 100_000),
    "alpha": (1e-9, 1e30),
    "min_alpha": (0.0, 1e30),
    "threads": (1, 1024),
    "seed": (0, 2**63 - 1),
    "max_word_bytes": (1, 2**20),
    "max_vocab": (2, 2**31 - 1),
    "held_out": (0.0, 0.5),
    "early_stop": (1, 100_000),
}

#: The learning rate that suits skip-gram, and CBOW by the form of its gradient: benchmarks/defaults.py.
DEFAULT_ALPHA = {"sg": 0.05, "mean": 0.15, "sqrt": 0.15, "classic": 0.075}
#: Hierarchical softmax takes a step at every node of a path: benchmarks/objectives.py.
DEFAULT_ALPHA_HS = {"sg": 0.025, "mean": 0.05, "sqrt": 0.05, "classic": 0.025}


@dataclass(frozen=True)
class TrainConfig:
    """The parameters of a run; a value of None is chosen by ``resolved``.

    Raises
    ------
    UsageError
        A value is of the wrong type, not finite or outside its limits.
    """

    model: Architecture = "sg"  # skip-gram or CBOW
    loss: Loss = "ns"  # the objective: negative sampling, hierarchical or full softmax
    direction: Direction = "to-center"  # skip-gram: contexts predict the center, or the center its contexts
    neg: int = 5  # noise words for each prediction
    neg_exponent: float = 0.75  # noise words are drawn in proportion to count ** this
    negatives_per: NegativesPer = "window"  # skip-gram: fresh noise words for each window, or for each pair
    cbow_grad: CbowGrad = "sqrt"  # CBOW: divide the input gradient by C (exact), by sqrt(C), or not at all
    dim: int = 100  # vector size
    window: int | Literal["all"] = 5  # words on either side, at most; a window's size is drawn; all: the sentence
    context_weight: ContextWeight = "linear"  # chance of a word at distance d: 1 - (d - 1) / window, 1, or 1 / d
    left: int | None = None  # words before the center, at most; by default as ``window``
    right: int | None = None  # words after it
    min_count: int = 5  # words that occur less often are dropped
    sample: float = 1e-3  # words of higher relative frequency are subsampled; 0 = none
    epochs: int = 5  # passes over the corpus
    shuffle: bool = False  # put the sentences into another order in each epoch
    alpha: float | None = None  # learning rate at the start; by default one that suits model and gradient
    min_alpha: float | None = None  # learning rate at the end, absolute; by default alpha x 1e-4
    threads: int | None = None  # by default the CPUs that the process may use
    seed: int = 1  # of every random draw
    deterministic: bool = False  # the same vectors with any number of threads
    vectors: Saved = "in"  # which vectors are saved: input, output, their sum, or both side by side
    held_out: float = (
        0.0  # the share of the text, at its end, that is not trained on but measured after each epoch
    )
    early_stop: int | None = None  # stop when the held-out loss has not fallen for so many epochs
    max_word_bytes: int = 1024  # longer tokens are dropped
    max_vocab: int | None = None  # at most so many words, the most frequent ones
    lowercase: bool = False  # turn the text to lower case
    tokenizer: Splitting = "whitespace"  # or words: letters, digits, inner apostrophes and hyphens
    sentence: str = "line"  # what a sentence is: a line, a document (file), or so many words
    strict: bool = False  # invalid UTF-8 is an error
    allow_truncated: bool = False  # compressed text that breaks off is read as far as it goes

    def __post_init__(self) -> None:
        for name, allowed in (
            ("model", get_args(Architecture)),
            ("loss", get_args(Loss)),
            ("direction", get_args(Direction)),
            ("context_weight", get_args(ContextWeight)),
            ("vectors", get_args(Saved)),
            ("shuffle", (False, True)),
            ("negatives_per", get_args(NegativesPer)),
            ("cbow_grad", get_args(CbowGrad)),
            ("tokenizer", get_args(Splitting)),
            ("deterministic", (False, True)),
            ("lowercase", (False, True)),
            ("strict", (False, True)),
            ("allow_truncated", (False, True)),
        ):
            if getattr(self, name) not in allowed:
                raise UsageError(
                    f"{name} must be one of {', '.join(map(str, allowed))}, not {getattr(self, name)!r}"
                )
        for name, (least, most) in LIMITS.items():
            value = _check_number(name, getattr(self, name), least, most, self.__dataclass_fields__[name].type)
            object.__setattr__(self, name, value)
        if self.sentence not in ("line", "document") and (self._sentence_words() or 0) < 2:
            raise UsageError(
                f"sentence must be line, document or a number of words, 2 or more, not {self.sentence!r}"
            )
        if self.window == "all" and (self.left is not None or self.right is not None):
            raise UsageError("window all leaves no room for left and right")
        if self.model == "cbow" and self.direction == "to-contexts":
            raise UsageError("CBOW predicts the center; direction to-contexts is skip-gram's")
        if self.loss == "hs" and self.vectors != "in":
            raise UsageError("loss hs has output vectors of a tree's nodes, not of words; vectors must be in")
        if self.left == 0 and self.right == 0:
            raise UsageError("left and right must not both be 0")
        if self.early_stop is not None and self.held_out == 0:
            raise UsageError("early_stop needs held_out, a share of the text such as 0.01")
        if self.min_alpha is not None and self.min_alpha > self._resolved_alpha():
            raise UsageError(f"min_alpha ({self.min_alpha}) must not exceed alpha ({self._resolved_alpha()})")

    def resolved(self) -> Self:
        """Return the same configuration with every None replaced by the value that will be used."""
        check_numba_threads()
        alpha = self._resolved_alpha()
        return dataclasses.replace(
            self,
            alpha=alpha,
            min_alpha=alpha * 1e-4 if self.min_alpha is None else float(self.min_alpha),
            threads=self.threads or count_cpus(),
        )

    def _resolved_alpha(self) -> float:
        """Return the learning rate at the start, by default one that suits model and gradient."""
        alphas = DEFAULT_ALPHA_HS if self.loss == "hs" else DEFAULT_ALPHA
        return float(alphas["sg" if self.model == "sg" else self.cbow_grad] if self.alpha is None else self.alpha)

    def reading(self, **more: Any) -> ReadingOptions:
        """Return how to read text, ``more`` being the lists of words; the configuration must be resolved."""
        assert self.threads is not None
        names = ("max_word_bytes", "max_vocab", "lowercase", "tokenizer", "min_count", "strict", "allow_truncated")
        sentence: Any = self._sentence_words() or self.sentence
        return ReadingOptions(
            **{name: getattr(self, name) for name in names}, sentence=sentence, threads=self.threads, **more
        )

    def _sentence_words(self) -> int | None:
        """Return the number of words of a sentence, None if it is not a number."""
        text = str(self.sentence)
        return int(text) if text.isascii() and text.isdecimal() and 2 <= len(text.lstrip("0")) + 1 <= 10 else None


def _check_number(name: str, value: Any, least: float, most: float, kind: object) -> Any:
    """Return a number within its limits as Python's own; NumPy's are taken, too."""
    if (value is None and "None" in str(kind)) or (value == "all" and "all" in str(kind)):
        return value
    whole = "int" in str(kind)
    wanted: Any = numbers.Integral if whole else numbers.Real
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise UsageError(f"{name} must be a {'whole ' if whole else ''}number, not {value!r}")
    if not least <= value <= most:  # NaN fails too
        low, high = (str(limit) if isinstance(limit, int) else f"{limit:g}" for limit in (least, most))
        raise UsageError(f"{name} must be from {low} to {high}, not {value}")
    return value if isinstance(value, int | float) else int(value) if whole else float(value)
