"""``w2vfast vector``: the numbers themselves."""

import click
import numpy as np

from w2vfast.commands import output
from w2vfast.commands.asking import Asking, Question, asks, lines, questions, words_argument
from w2vfast.commands.help import QUESTION, GroupedCommand, grouped


@click.command(cls=GroupedCommand, essential="--mean --json --oov -m")
@words_argument()
@grouped(QUESTION, "--mean", is_flag=True, help="One vector: the mean of the words (of each line).")
@asks()
def vector(asking: Asking, words: tuple[str, ...], mean: bool) -> None:
    """Print the vectors of WORDS.

    Lines of a word and its numbers with spaces between them, as in GloVe's files. "-" or a pipe reads one word
    a line, with --mean a text a line. A mean leaves unknown words out.

    \b
    w2vfast vector king queen
    w2vfast vector king | w2vfast similar --vector -
    w2vfast vector --mean - < sentences.txt
    """
    if mean:
        batches = questions(words, "w2vfast vector --mean good morning")
    else:
        batches = ([[word] for word in batch] for batch in lines(words, "w2vfast vector king"))
    for batch in batches:
        for question in batch:
            _print(asking, question)
        output.flush()


def _print(asking: Asking, question: Question) -> None:
    """Print the mean vector of the known words of a question."""
    known = asking.known(question)
    if not known:
        return
    rows, text = asking.model.rows(asking.model.ids(known)), " ".join(question)
    mean = rows[0] if len(rows) == 1 else rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    if asking.form == "json":
        asking.row(query=text, vector=mean.tolist())
        return
    name = output.printable(text) if asking.form == "table" else text
    output.write(f"{name} {' '.join(map(str, np.asarray(mean, np.float32)))}\n")
