"""What the commands share that answer with words and scores: which results are wanted, kinds of questions."""

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from w2vfast.commands import output
from w2vfast.commands.asking import Asking, T, as_word, decoded, k_option, numbered_lines, reads_stdin
from w2vfast.commands.help import RESULTS, F, grouped
from w2vfast.corpus.wordlists import read_lines, read_names
from w2vfast.errors import DataError, UsageError
from w2vfast.model.expression import format_expression, parse_expression
from w2vfast.wording import counted

#: Weights and words.
Sum = Sequence[tuple[float, str]]

_MOST_WEIGHT = 1e9
_STEP_WORDS = 1 << 12


def result_options(function: F) -> F:
    """Add the options that say which words can be results; ``results_wanted`` takes them."""
    options = [
        k_option(10),
        grouped(RESULTS, "--among", metavar="FILE", help="Only these words can be results: one a line."),
        grouped(RESULTS, "--exclude", metavar="WORD", multiple=True, help="No such result; may be repeated."),
        grouped(RESULTS, "--exclude-from", metavar="FILE", help="No such results: one a line."),
        grouped(RESULTS, "--min-score", type=float, metavar="X", help="No results below this score."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def results_wanted(asking: Asking, params: dict[str, Any]) -> dict[str, Any]:
    """Take ``result_options`` out of a command's parameters; return them for the methods of ``Embeddings``."""
    k, exclude, min_score = params.pop("k"), [*map(as_word, params.pop("exclude"))], params.pop("min_score")
    among, exclude_from = params.pop("among"), params.pop("exclude_from")
    output.refuse_stdin_twice(among, exclude_from, "-" if _asks_stdin() else None)
    if exclude_from is not None:
        exclude += sorted(read_names(exclude_from))
    wanted: dict[str, Any] = {"k": k, "exclude": exclude}
    if min_score is not None:
        if math.isnan(min_score):
            raise UsageError("--min-score must be a number, not nan")
        wanted["min_score"] = min_score
    if among is not None:
        words = sorted(read_names(among))
        ids = asking.model.vocab.find(words)
        wanted["among"] = [word for word, i in zip(words, ids, strict=True) if i is not None]
        if len(wanted["among"]) < len(words):
            missing = counted(len(words) - len(wanted["among"]), "word")
            asking.note(f"{missing} of {among} not in the vocabulary")
        if not wanted["among"]:
            raise UsageError(f"none of the words of {among} is in the vocabulary")
    return wanted


def _asks_stdin() -> bool:
    """Tell whether the questions of this command come from standard input."""
    params = click.get_current_context().params
    if params.get("vector") is not None:
        return bool(params["vector"] == "-")
    others = any(params.get(name) for name in ("is_all", "interactive", "plus", "minus"))
    return not others and reads_stdin(params.get("words", ()))


def ask_all(asking: Asking, wanted: dict[str, Any]) -> None:
    """Answer for every word of the vocabulary."""
    words = asking.model.vocab.words
    ask_each(asking, _in_steps(words), wanted)


def ask_each(asking: Asking, batches: Iterable[Sequence[str]], wanted: dict[str, Any]) -> None:
    """Answer for each word of its own; a batch in one matrix product."""
    for batch in batches:
        known = asking.known(batch)
        for word, results in zip(known, asking.model.neighbours(known, **wanted), strict=True):
            asking.answer(word, results)
        output.flush()


def ask_sums(
    asking: Asking, batches: Iterable[Sequence[Sum]], wanted: dict[str, Any], *, is_mean: bool = False
) -> None:
    """Answer for weighted sums of words; of a mean, unknown words are left out."""
    for batch in batches:
        vectors, hidden, names = [], [], []
        for terms in batch:
            words = [word for _, word in terms]
            known = set(asking.known(words))
            if not known or (len(known) < len(set(words)) and not is_mean):
                continue
            vector, used = asking.model.combine([term for term in terms if term[1] in known])
            vectors.append(vector)
            hidden.append(used)
            names.append(" ".join(words) if is_mean else format_expression(terms))
        if vectors:
            answers = asking.model.nearest(np.array(vectors), hidden, **wanted)
            for name, results in zip(names, answers, strict=True):
                asking.answer(name, results)
        output.flush()


def ask_vectors(asking: Asking, path: str, wanted: dict[str, Any]) -> None:
    """Answer for vectors from a file, or from standard input ("-"): lines of numbers, perhaps with a name before.

    Raises
    ------
    DataError
        A line is something else.
    UsageError
        The file cannot be read.
    """
    dim = asking.model.dim
    for batch in numbered_lines() if path == "-" else _in_steps(read_lines(path)):
        odd, names, vectors = 0, [], list[NDArray[np.float32]]()
        for number, line in batch:
            name, vector = _named_vector(line, dim)
            if vector is None:
                odd = number
                break
            names.append(name or str(number))
            vectors.append(vector)
        if vectors:
            answers = asking.model.nearest(np.array(vectors), [[]] * len(names), **wanted)
            for name, results in zip(names, answers, strict=True):
                asking.answer(name, results)
            output.flush()
        if odd:
            raise DataError(f"line {odd:,} of the vectors has not {dim} numbers")


def _in_steps(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[i : i + _STEP_WORDS] for i in range(0, len(items), _STEP_WORDS))


def _named_vector(line: str, dim: int) -> tuple[str, NDArray[np.float32] | None]:
    """Return the name before the last ``dim`` numbers of a line, and these; None if it is no such line.

    Several numbers are no name, but those of a longer vector; one may be a word.
    """
    fields = line.split()
    name, vector = fields[:-dim], _as_numbers(fields[-dim:])
    is_longer = len(name) > 1 and _as_numbers(name) is not None
    if vector is None or vector.size != dim or is_longer or not np.isfinite(vector).all():
        return "", None
    return " ".join(name), vector


def _as_numbers(fields: Sequence[str]) -> NDArray[np.float32] | None:
    """Return texts as numbers; None if they are not."""
    try:
        with np.errstate(over="ignore"):
            return np.array(fields).astype(np.float32)
    except ValueError:
        return None


def parse_sum(text: str) -> Sum:
    """Return the weights and words of a sum, with weights that can be reckoned with.

    Raises
    ------
    UsageError
        A word is missing, or a number is too large.
    """
    terms = parse_expression(text)
    for weight, word in terms:
        if abs(weight) > _MOST_WEIGHT:
            raise UsageError(f"the number before {word} is too large, {_MOST_WEIGHT:g} at most")
    return terms


def prompted() -> Iterator[list[Sum]]:
    """Yield what the user types at a prompt, until the input ends.

    Raises
    ------
    UsageError
        There is no terminal.
    """
    if not sys.stdin.isatty():
        raise UsageError("-i needs a terminal; use a pipe without it")
    while True:
        output.note("word, or sum such as king - man + woman (end with Ctrl-D)? ")
        if not (line := sys.stdin.buffer.readline()):
            return
        if text := decoded(line):
            try:
                yield [parse_sum(text)]
            except UsageError as error:
                output.note(str(error))
