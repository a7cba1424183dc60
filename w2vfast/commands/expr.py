"""``w2vfast expr``: the nearest words of a sum of words."""

from typing import Any

import click

from w2vfast.commands.asking import Asking, asks, lines, reads_stdin, words_argument
from w2vfast.commands.help import GroupedCommand
from w2vfast.commands.nearest import ask_sums, result_options, results_wanted
from w2vfast.model.expression import parse_expression


@click.command(cls=GroupedCommand, essential="-k --among --json --oov -m")
@words_argument("[SUM]...")
@result_options
@asks("query", "word", "score")
def expr(asking: Asking, words: tuple[str, ...], **params: Any) -> None:
    """Show the nearest words of a SUM of words.

    Each word is scaled to length 1; those words are no results. Operators are + and - and, behind a number, *;
    spaces around them. "-" or a pipe: one sum a line.

    \b
    w2vfast expr "king - man + woman"
    w2vfast expr "2 * paris - france" -k 3
    """
    example = 'w2vfast expr "king - man + woman"'
    batches = lines(words, example)
    if not reads_stdin(words):
        batches = iter([[" ".join(batch)] for batch in batches])
    parsed = ([parse_expression(line) for line in batch] for batch in batches)
    ask_sums(asking, parsed, results_wanted(asking, params))
