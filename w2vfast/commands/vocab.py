"""``w2vfast vocab``: the words of a text and their counts."""

import sys
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from w2vfast.commands.help import GroupedCommand
from w2vfast.commands.options import (
    common_options,
    config_of,
    list_files,
    progress_option,
    refuse_text_options,
    take_reading,
    text_options,
)
from w2vfast.commands.output import as_row
from w2vfast.corpus.sources import find_sources
from w2vfast.corpus.wordlists import vocab_text
from w2vfast.system.staging import Staging
from w2vfast.training.messages import announce
from w2vfast.training.monitor import Console, Monitor, human
from w2vfast.training.outputs import refuse_input_as_output
from w2vfast.training.run import read_corpus
from w2vfast.wording import counted

if TYPE_CHECKING:
    from w2vfast.corpus.encoded import EncodedCorpus

_STEP_TOKENS = 1 << 22


@click.command(
    cls=GroupedCommand, essential="-o --min-count --max-vocab --lowercase --tokenizer --coverage --format"
)
@click.argument("corpus", nargs=-1, required=True)
@text_options
@click.option("--format", "form", type=click.Choice(["tsv", "w2v"]), default="tsv", show_default=True,
              help="A tab between word and count, or a space as for word2vec.c's -read-vocab.")  # fmt: skip
@click.option(
    "--coverage", is_flag=True, help="A third column: the share of all tokens that the words so far have."
)
@click.option("-o", "--output", default="-", metavar="FILE", show_default="standard output",
              help="File to write.")  # fmt: skip
@progress_option
@common_options
def vocab(
    corpus: tuple[str, ...], form: str, coverage: bool, output: str, progress: str, quiet: bool, **params: Any
) -> None:
    """Count the words of CORPUS.

    Lines of word, tab, count; the most frequent first.

    \b
    w2vfast vocab corpus.txt | head
    w2vfast vocab corpus.txt --min-count 100 -o words.tsv
    w2vfast train corpus.txt --vocab words.tsv
    """
    monitor = Monitor() if quiet else Console(progress)
    files, lists = list_files(params), take_reading(params)
    config = config_of(params).resolved()
    sources = find_sources(corpus, monitor.note)
    refuse_text_options(sources)
    refuse_input_as_output(sources, output, files=files)
    with Staging(output) as staging:
        announce(sources, monitor)
        encoded = read_corpus(sources, config.reading(**lists, for_training=False), monitor)
        staging.write_bytes(_as_bytes(encoded, form, output, coverage=coverage, monitor=monitor))


def _as_bytes(encoded: "EncodedCorpus", form: str, output: str, *, coverage: bool, monitor: Monitor) -> bytes:
    """Return the lines of the vocabulary; say how much of the text it covers."""
    words, total = encoded.vocab, max(1, encoded.report.n_tokens)
    covered = f"{encoded.n_tokens / total:.1%} of {human(total)} tokens"
    monitor.note(f"{counted(len(words), 'word')} cover{'s' * (len(words) == 1)} {covered}")
    text = vocab_text(words, "\t" if form == "tsv" else " ")
    if coverage:
        shares = np.cumsum(_counts_in(encoded)) / total
        lines = text.decode().split("\n")
        text = "".join(f"{line}\t{share:.6f}\n" for line, share in zip(lines, shares, strict=False)).encode()
    if output == "-" and sys.stdout.isatty():
        rows = (line.split("\t") for line in text.decode().splitlines())
        text = "".join(map(as_row, rows)).encode()
    return text


def _counts_in(encoded: "EncodedCorpus") -> NDArray[np.int64]:
    """Return how often each word occurs in the text, whatever counts --vocab gave, int64 (V,)."""
    counts = np.zeros(len(encoded.vocab), np.int64)
    for begin in range(0, encoded.n_tokens, _STEP_TOKENS):
        counts += np.bincount(encoded.ids[begin : begin + _STEP_TOKENS], minlength=counts.size)
    return counts
