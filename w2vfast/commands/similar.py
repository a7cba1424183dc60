"""``w2vfast similar``: the nearest words of words."""

from typing import Any

import click

from w2vfast.commands.asking import Asking, as_word, asks, lines, questions, reads_stdin, words_argument
from w2vfast.commands.help import QUESTION, GroupedCommand, grouped
from w2vfast.commands.nearest import (
    ask_all,
    ask_each,
    ask_sums,
    ask_vectors,
    prompted,
    result_options,
    results_wanted,
)
from w2vfast.errors import UsageError

_EXAMPLE = "w2vfast similar king"


@click.command(cls=GroupedCommand, essential="--mean --plus --minus --all -i -k --json --oov -m")
@words_argument()
@grouped(QUESTION, "--mean", is_flag=True, help="One question: the mean of the words (of each line).")
@grouped(QUESTION, "--plus", metavar="WORD", multiple=True, help="Add a word to the question.")
@grouped(QUESTION, "--minus", metavar="WORD", multiple=True, help="Subtract a word from it.")
@grouped(QUESTION, "--vector", metavar="FILE", help="Ask for vectors: lines of numbers, or of a name and numbers.")
@grouped(QUESTION, "--all", "is_all", is_flag=True, help="Ask for every word of the vocabulary.")
@grouped(QUESTION, "-i", "--interactive", is_flag=True, help="Ask at a prompt; lines as for expr.")
@result_options
@asks("query", "word", "score")
def similar(asking: Asking, words: tuple[str, ...], **params: Any) -> None:
    """Show the nearest words of each of WORDS.

    "-", or no words and a pipe, reads one word a line from standard input.

    \b
    w2vfast similar king
    w2vfast similar king queen paris -k 20
    w2vfast similar paris --minus france --plus japan
    cat words.txt | w2vfast similar - -m model.w2v > neighbours.tsv
    w2vfast similar -- -ing        a word that begins with a dash
    """
    kinds = ("mean", "vector", "is_all", "interactive")
    mean, vector, is_all, interactive = (params.pop(name) for name in kinds)
    plus, minus = params.pop("plus"), params.pop("minus")
    if sum(map(bool, (mean, vector, is_all, interactive, plus or minus))) > 1:
        raise UsageError("--mean, --plus and --minus, --vector, --all and -i exclude each other")
    if words and (vector or is_all or interactive):
        raise UsageError("no words can be given with --vector, --all or -i")
    if not words and not (vector or is_all or interactive or plus or minus) and not reads_stdin(words):
        raise UsageError(f"no word given. Example: {_EXAMPLE}")
    wanted = results_wanted(asking, params)
    if is_all:
        ask_all(asking, wanted)
    elif vector:
        ask_vectors(asking, vector, wanted)
    elif plus or minus:
        terms = [(1.0, word) for word in words + plus] + [(-1.0, word) for word in minus]
        ask_sums(asking, [[[(weight, as_word(word)) for weight, word in terms]]], wanted)
    elif mean:
        batches = questions(words, _EXAMPLE)
        sums = ([[(1.0, word) for word in question] for question in batch] for batch in batches)
        ask_sums(asking, sums, wanted, is_mean=True)
    elif interactive:
        ask_sums(asking, prompted(), wanted)
    else:
        ask_each(asking, lines(words, _EXAMPLE), wanted)
