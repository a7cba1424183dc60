"""``w2vfast distance``: the cosine similarity of two words."""

import itertools

import click

from w2vfast.commands import output
from w2vfast.commands.asking import Asking, asks, questions, words_argument
from w2vfast.commands.help import GroupedCommand

_STEP_PAIRS = 1 << 12


@click.command(cls=GroupedCommand, essential="--json --oov -m")
@words_argument("[A B]...")
@asks("a", "b", "cosine")
def distance(asking: Asking, words: tuple[str, ...]) -> None:
    """Show the cosine similarity of A and B.

    From -1 to 1; of more words, that of each two. "-" or a pipe reads the words of a question from each line.

    \b
    w2vfast distance king queen
    cut -f1,2 wordsim353.tsv | w2vfast distance -
    """
    for batch in questions(words, "w2vfast distance king queen", at_least=2):
        pairs = (pair for question in batch for pair in itertools.combinations(asking.known(question), 2))
        while some := list(itertools.islice(pairs, _STEP_PAIRS)):
            for (a, b), score in zip(some, asking.model.similarity(some).tolist(), strict=True):
                asking.row(a=a, b=b, cosine=score)
        output.flush()
