"""``w2vfast odd``: the word that does not belong."""

import click

from w2vfast.commands import output
from w2vfast.commands.asking import Asking, asks, k_option, questions, words_argument
from w2vfast.commands.help import GroupedCommand


@click.command(cls=GroupedCommand, essential="--json --oov -m")
@words_argument()
@k_option(1)
@asks("query", "word", "score")
def odd(asking: Asking, words: tuple[str, ...], k: int) -> None:
    """Show which of WORDS does not belong.

    It is the least similar to the mean of the others. "-" or a pipe reads a list of words a line. Unknown
    words are left out.

    \b
    w2vfast odd bread cheese soup harbor
    """
    for batch in questions(words, "w2vfast odd bread cheese soup harbor"):
        for question in batch:
            known = asking.known(question)
            if len(known) >= 3 or len(known) == len(question):
                asking.answer(" ".join(question), asking.model.odd_one_out(known)[:k])
        output.flush()
