"""``w2vfast rank``: how near a word is, counted in words."""

import click

from w2vfast.commands import output
from w2vfast.commands.asking import Asking, asks, questions, words_argument
from w2vfast.commands.help import GroupedCommand


@click.command(cls=GroupedCommand, essential="--json --oov -m")
@words_argument("[A B]...")
@asks("a", "b", "rank")
def rank(asking: Asking, words: tuple[str, ...]) -> None:
    """Show the place of B among the neighbours of A.

    1 is the nearest; several words may be asked for at once. "-" or a pipe reads the words of a question from
    each line.

    \b
    w2vfast rank king queen prince guitar
    """
    for batch in questions(words, "w2vfast rank king queen", at_least=2):
        for question in batch:
            known = asking.known(question)
            if known[:1] == question[:1]:
                for other, place in zip(known[1:], asking.model.rank(known[0], known[1:]), strict=True):
                    asking.row(a=known[0], b=other, rank=place)
        output.flush()
