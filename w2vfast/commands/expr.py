"""``w2vfast expr``: the nearest words of a sum of words."""

from typing import Any

import click

from w2vfast.commands.asking import Asking, asks, parsed, words_argument
from w2vfast.commands.help import GroupedCommand
from w2vfast.commands.nearest import ask_sums, parse_sum, result_options, results_wanted


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
    sums = parsed(words, example, lambda fields: parse_sum(" ".join(fields)))
    ask_sums(asking, sums, results_wanted(asking, params))
