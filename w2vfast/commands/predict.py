"""``w2vfast predict``: the word that fits between others."""

import click

from w2vfast.commands import output
from w2vfast.commands.asking import Asking, asks, k_option, questions, words_argument
from w2vfast.commands.help import GroupedCommand


@click.command(cls=GroupedCommand, essential="-k --json --oov -m")
@words_argument()
@k_option(10)
@asks("query", "word", "probability")
def predict(asking: Asking, words: tuple[str, ...], k: int) -> None:
    """Show the likeliest words in the context of WORDS.

    Softmax over the output vectors with the mean of the context's input vectors, as CBOW computes it. The model
    needs its output vectors. "-" or a pipe reads a context a line. Unknown words are left out.

    \b
    w2vfast predict the king and of
    """
    for batch in questions(words, "w2vfast predict the king and of"):
        for question in batch:
            if known := asking.known(question):
                asking.answer(" ".join(question), asking.model.predict(known, k=k))
        output.flush()
