"""Scores on analogies and word similarities, for vectors of any trainer."""

import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import DataError, UsageError
from w2vfast.model.query import multiplied, unit_rows
from w2vfast.model.vectors import WordVectors

_N_RESAMPLES = 1000
_RESAMPLED_AT_ONCE = 1 << 22  # numbers
_Z95 = 1.959964
_STEP_VALUES = 1 << 24
#: word2vec's questions name their syntactic sections so.
_SYNTACTIC = "gram"

#: How analogies are answered.
METHODS = "add", "mul"

Pairs = list[tuple[str, str, float]]
Questions = dict[str, list[tuple[str, ...]]]


@dataclass(frozen=True)
class Score:
    """One line of an evaluation; scores are percentages."""

    test: str
    section: str  # of a file of analogies, or "semantic", "syntactic", "total"; "spearman" or "pearson"
    score: float | None  # None if no question could be asked
    low: float | None  # of the 95 % interval
    high: float | None
    correct: int | None  # None for a correlation
    total: int  # questions asked
    skipped: int  # questions with an unknown word


def read_test(path: str | os.PathLike[str]) -> Questions | Pairs:
    """Read a file of analogies (``: section``, ``a b c d``) or of similarities (two words and a number).

    Fields stand between tabs, if the line has any, else between two commas or more, else spaces; lines that begin
    with # are comments, and a first line without a number may name the columns. Behind a line ``: section`` all
    lines are analogies, so that their words may be numbers.

    Raises
    ------
    UsageError
        The file cannot be read.
    DataError
        A line is of neither kind, or there is none.
    """
    name = os.fspath(path)
    try:
        text = Path(path).read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}") from None
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip() and line[:1] != "#"]
    sections: Questions = {}
    pairs: Pairs = []
    section = ""
    for number, line in lines:
        fields = _fields(line)
        if line.startswith(":"):
            section = line[1:].strip() or "all"
        elif len(fields) == 4 and (section or _number_in(fields) is None) and not pairs:
            sections.setdefault(section or "all", []).append(tuple(fields))
        elif (value := _number_in(fields)) is not None and (not sections or number == lines[1][0]):
            sections = {}  # the first line named the columns
            pairs.append((fields[0], fields[1], value))
        elif number != lines[0][0]:
            raise DataError(f"{name}: line {number:,} is neither four words nor two words and a number")
    if not sections and not pairs:
        raise DataError(f"{name} has neither analogies nor similarities")
    return sections or pairs


def _fields(line: str) -> list[str]:
    """Return the fields of a line, without white space around them."""
    if "\t" in line or line.count(",") >= 2:
        return [field.strip() for field in line.split("\t" if "\t" in line else ",")]
    return re.split(r"[,\s]+", line.strip())


def _number_in(fields: Sequence[str]) -> float | None:
    """Return the first number behind two words."""
    for field in fields[2:]:
        if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", field):
            value = float(field)
            return value if math.isfinite(value) else None
    return None


@dataclass(frozen=True)
class LoadedTest:
    """A file of analogies or similarities that has been read, for several models or moments."""

    name: str
    content: Questions | Pairs


def evaluate(
    model: WordVectors, path: str | os.PathLike[str] | LoadedTest, *, top: int | None = 30_000,
    fold_case: bool = True, method: Literal["add", "mul"] = "add",
) -> list[Score]:  # fmt: skip
    """Score vectors on a file of analogies or of similarities.

    Parameters
    ----------
    model
        The vectors.
    path
        The file; what it holds tells which test it is. It may have been read before.
    top
        Analogies are asked among so many words, the first of the vocabulary; None = all.
    fold_case
        Letter case does not matter; of words that differ only in case the first counts.
    method
        How analogies are answered: "add" (3CosAdd) or "mul" (3CosMul).

    Returns
    -------
    list
        For analogies one score a section, the totals of both kinds if the sections are word2vec's, and the
        total; for similarities Spearman's and Pearson's correlation. Questions with an unknown word are skipped.

    Raises
    ------
    UsageError
        The file cannot be read, the method is unknown or ``top`` less than 1.
    DataError
        It is no test.
    """
    if method not in METHODS:
        raise UsageError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    if top is not None and top < 1:
        raise UsageError(f"top must be at least 1, or None for all words, not {top}")
    test = path if isinstance(path, LoadedTest) else LoadedTest(Path(path).stem, read_test(path))
    if isinstance(test.content, dict):
        return _analogies(model, test.name, test.content, top, fold_case, method)
    return _similarities(model, test.name, test.content, fold_case)


def _analogies(
    model: WordVectors, test: str, sections: Questions, top: int | None, fold_case: bool, method: str
) -> list[Score]:
    ids, index = _folded(model, top, fold_case)
    units = unit_rows(model.rows(ids))
    fold = str.lower if fold_case else str
    outcomes: dict[str, tuple[int, int, int]] = {}
    for section, questions in sections.items():
        asked = [[index.get(fold(word), -1) for word in question] for question in questions]
        known = np.array([row for row in asked if -1 not in row], np.int64).reshape(-1, 4)
        outcomes[section] = _count_right(units, known, method), len(known), len(questions) - len(known)
    kinds: list[tuple[str, Callable[[str], bool]]] = [("total", lambda name: True)]
    n_syntactic = sum(name.startswith(_SYNTACTIC) for name in outcomes)
    if 0 < n_syntactic < len(outcomes):
        kinds.insert(0, ("semantic", lambda name: not name.startswith(_SYNTACTIC)))
        kinds.insert(1, ("syntactic", lambda name: name.startswith(_SYNTACTIC)))
    lines = list(outcomes.items()) if len(outcomes) > 1 else []
    for kind, belongs in kinds:
        of_kind = [outcome for name, outcome in outcomes.items() if belongs(name)]
        lines.append((kind, tuple(map(sum, zip(*of_kind, strict=True)))))  # type: ignore[arg-type]
    return [Score(test, name, *_share(right, n), right, n, skipped) for name, (right, n, skipped) in lines]


def _folded(model: WordVectors, top: int | None, fold_case: bool) -> tuple[list[int], dict[str, int]]:
    """Return the numbers of the words that take part, and the place among them of each folded word."""
    ids: list[int] = []
    index: dict[str, int] = {}
    for word_id in range(min(len(model), top or len(model))):
        word = model.vocab[word_id].lower() if fold_case else model.vocab[word_id]
        if word not in index:
            index[word] = len(ids)
            ids.append(word_id)
    return ids, index


def _count_right(units: NDArray[np.float32], questions: NDArray[np.int64], method: str) -> int:
    """Return how many questions (Q, 4) are answered right: the word nearest to b - a + c, without these, is d."""
    n_right, step = 0, max(1, _STEP_VALUES // len(units) // (1 if method == "add" else 3))
    for first in range(0, len(questions), step):
        a, b, c, d = questions[first : first + step].T
        if method == "add":
            scores = (units[b] - units[a] + units[c]) @ units.T
        else:
            each = units[np.concatenate((b, c, a))] @ units.T
            scores = multiplied(each.reshape(3, len(a), -1), 2)
        for used in (a, b, c):
            scores[np.arange(len(a)), used] = -np.inf
        n_right += int((scores.argmax(axis=1) == d).sum())
    return n_right


def _share(right: int, n: int) -> tuple[float | None, float | None, float | None]:
    """Return a share in percent with its 95 % interval (Wilson, 1927)."""
    if n == 0:
        return None, None, None
    share, z = right / n, _Z95
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return 100 * share, 100 * max(0.0, min(share, middle - half)), 100 * min(1.0, max(share, middle + half))


def _similarities(model: WordVectors, test: str, pairs: Pairs, fold_case: bool) -> list[Score]:
    exact = {word: i for word, i in _find(model, pairs, fold_case) if i is not None}
    known = [(exact[a], exact[b], value) for a, b, value in pairs if a in exact and b in exact]
    skipped = len(pairs) - len(known)
    if len(known) < 2:
        return [Score(test, name, None, None, None, None, len(known), skipped) for name in ("spearman", "pearson")]
    first, second = (unit_rows(model.rows(ids)) for ids in ([a for a, _, _ in known], [b for _, b, _ in known]))
    cosines = np.vecdot(first, second).astype(np.float64)
    gold = np.array([pair[2] for pair in known])
    gold /= np.abs(gold).max() or 1.0  # so that no square overflows
    everything = np.ones((1, len(known)))
    scores = []
    for name, place in (("spearman", weighted_ranks), ("pearson", _as_is)):
        value = correlation(place(cosines, everything), place(gold, everything), everything)[0]
        spread = np.concatenate(
            [correlation(place(cosines, some), place(gold, some), some) for some in _resamples(len(known))]
        )
        is_defined = bool(np.ptp(gold) and np.ptp(cosines) and np.isfinite(value) and np.isfinite(spread).any())
        ends = np.nanpercentile(spread, (2.5, 97.5)) if is_defined else ()
        shown: list[float | None] = [None] * 3
        if is_defined:
            shown = [100 * min(1.0, max(-1.0, float(one))) for one in (value, *ends)]
        score, low, high = shown
        scores.append(Score(test, name, score, low, high, None, len(known), skipped))
    return scores


def _resamples(n: int) -> Iterator[NDArray[np.int64]]:
    """Yield how often each of n pairs is drawn in samples of n with replacement, (B, n); always the same ones."""
    rng, done = np.random.default_rng(1), 0
    while done < _N_RESAMPLES:
        size = min(_N_RESAMPLES - done, max(1, _RESAMPLED_AT_ONCE // n))
        yield rng.multinomial(n, np.full(n, 1 / n), size)
        done += size


def _find(model: WordVectors, pairs: Pairs, fold_case: bool) -> Iterator[tuple[str, int | None]]:
    """Yield each word of the pairs with its number: the word itself, or the first of another letter case."""
    words = sorted({word for pair in pairs for word in pair[:2]})
    wanted = {word.lower() for word in words}
    firsts: dict[str, int] = {}
    if fold_case:
        for word_id, word in enumerate(model.vocab.words):
            if (lower := word.lower()) in wanted:
                firsts.setdefault(lower, word_id)
    for word, exact in zip(words, model.vocab.find(words), strict=True):
        yield word, firsts.get(word.lower()) if fold_case else exact


def weighted_ranks(values: NDArray[np.float64], weights: NDArray[Any]) -> NDArray[np.float64]:
    """Return the ranks of values that occur so many times, (B, n); equal values share their mean rank.

    Parameters
    ----------
    values
        Numbers (n,).
    weights
        How often each occurs in each of B samples, (B, n).
    """
    _, starts, place = np.unique(np.sort(values), return_index=True, return_inverse=True)
    order = np.argsort(values, kind="stable")
    counts = np.add.reduceat(weights[:, order], starts, axis=1)
    place = place[np.argsort(order, kind="stable")]
    return np.asarray((np.cumsum(counts, axis=1) - (counts - 1) / 2)[:, place])


def _as_is(values: NDArray[np.float64], weights: NDArray[Any]) -> NDArray[np.float64]:
    return np.broadcast_to(values, weights.shape)


def correlation(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[Any]) -> NDArray[np.float64]:
    """Return Pearson's correlation of each row of x and y (B, n), whose entries occur so many times, (B,)."""
    n = weights.sum(axis=1, keepdims=True)
    x, y = (v - (weights * v).sum(axis=1, keepdims=True) / n for v in (x, y))
    covariance, squares = (
        (weights * x * y).sum(axis=1),
        (weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1),
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(covariance / np.sqrt(squares))
