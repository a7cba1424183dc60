"""``w2vfast analogy``: A is to B as C is to ... what."""

from typing import Any, Literal

import click

from w2vfast.commands import output
from w2vfast.commands.asking import Asking, asks, questions, words_argument
from w2vfast.commands.help import QUESTION, GroupedCommand, grouped
from w2vfast.commands.nearest import result_options, results_wanted


@click.command(cls=GroupedCommand, essential="--method -k --among --json --oov -m")
@words_argument("[A B C]")
@grouped(QUESTION, "--method", type=click.Choice(["add", "mul"]), default="add", show_default=True,
              help="Cosine to B - A + C (3CosAdd), or product of similarities (3CosMul).")  # fmt: skip
@result_options
@asks("query", "word", "score")
def analogy(asking: Asking, words: tuple[str, ...], method: Literal["add", "mul"], **params: Any) -> None:
    """Answer "A is to B as C is to ?".

    "-" or a pipe reads a question a line: three words between spaces, or between tabs if there are any. Lines
    that begin with ":" are skipped.

    \b
    w2vfast analogy man king woman
    w2vfast analogy france paris japan -k 1 --method mul
    cut -d' ' -f1-3 questions.txt | w2vfast analogy - -k 1
    """
    wanted = results_wanted(asking, params)
    for batch in questions(words, "w2vfast analogy man king woman", exactly=3, comment=(":",)):
        known = asking.answerable(batch)
        answers = asking.model.analogy([(a, b, c) for a, b, c in known], method=method, **wanted)
        for (a, b, c), results in zip(known, answers, strict=True):
            asking.answer(f"{a} is to {b} as {c} is to" if asking.form == "table" else f"{a} {b} {c}", results)
        output.flush()
