"""``w2vfast phrases``: join words that belong together."""

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from w2vfast.commands.help import GroupedCommand
from w2vfast.commands.options import common_options, config_of, progress_option, reading_options
from w2vfast.commands.output import check_text, refuse_stdin_twice
from w2vfast.corpus.sources import find_sources
from w2vfast.corpus.wordlists import read_words
from w2vfast.errors import UsageError
from w2vfast.system.staging import Staging
from w2vfast.training.messages import announce, warn
from w2vfast.training.monitor import Console, Monitor
from w2vfast.training.outputs import refuse_input_as_output


@click.command(
    cls=GroupedCommand,
    essential="-o --scoring --threshold --min-count --passes --connectors --lowercase",
)
@click.argument("corpus", nargs=-1, required=True)
@click.option("--scoring", type=click.Choice(["word2phrase", "gensim", "npmi"]), default="word2phrase",
              show_default=True, help="The pair's count against its words', weighed as word2phrase.c or gensim "
              "does; or normalised pointwise mutual information.")  # fmt: skip
@click.option("--threshold", type=float, show_default="100, 10 for gensim, 0.5 for npmi",
              help="Pairs that score higher are joined.")  # fmt: skip
@click.option("--min-count", type=click.IntRange(1), default=5, show_default=True,
              help="Join no pair that occurs less often.")  # fmt: skip
@click.option("--passes", type=click.IntRange(1, 10), default=1, show_default=True,
              help="Two passes make phrases of up to four words, and so on.")  # fmt: skip
@click.option("--connectors", metavar="FILE", show_default="none",
              help="Words that may stand within a phrase (bank_of_america): one a line; or english.")  # fmt: skip
@click.option("--delimiter", default="_", show_default=True, help="What stands between the words of a phrase.")
@click.option("-o", "--output", default="-", metavar="FILE", show_default="standard output",
              help="File to write.")  # fmt: skip
@reading_options
@progress_option
@common_options
def phrases(
    corpus: tuple[str, ...], output: str, progress: str, quiet: bool, connectors: str | None, scoring: str,
    threshold: float | None, min_count: int, passes: int, delimiter: str, **params: Any,
) -> None:  # fmt: skip
    """Join words that often stand together: new_york.

    Pairs of words that occur together in CORPUS more often than by chance become one word. The text is written
    a sentence a line, for training or another pass.

    \b
    w2vfast phrases corpus.txt | w2vfast train - -o phrases.w2v
    """
    if not delimiter or delimiter.split() != [delimiter]:
        raise UsageError("a delimiter must be one or more characters, none of them white space")
    check_text(delimiter, "--delimiter")
    if threshold is not None and math.isnan(threshold):
        raise UsageError("--threshold must be a number, not nan")
    refuse_stdin_twice(connectors, *corpus)
    monitor = Monitor() if quiet else Console(progress)
    reading = config_of({**params, "min_count": 1}).resolved().reading(for_training=False)
    sources = find_sources(corpus, monitor.note)
    with Staging(output) as staging:
        refuse_input_as_output(sources, output, files=[None if connectors == "english" else connectors])
        announce(sources, monitor)
        from w2vfast.corpus.phrases import ENGLISH_CONNECTORS, PhraseOptions, PhraseReport, join_phrases

        words = ENGLISH_CONNECTORS if connectors == "english" else frozenset[str]()
        if connectors and connectors != "english":
            words = read_words(connectors)
        options = PhraseOptions(scoring, threshold, min_count, passes, words, delimiter)  # type: ignore[arg-type]
        report = PhraseReport()
        text = join_phrases(sources, reading, options, report, monitor.read)
        if staging.is_stdout:
            sys.stdout.buffer.writelines(text)
            sys.stdout.buffer.flush()
        else:
            staging.write(lambda path: _write(path, text), None)
    monitor.read_all()
    warn(report.reading, len(sources), reading, monitor)
    counts = ", then ".join(f"{n:,}" for n in report.n_phrases)
    monitor.note(f"joined {counts} phrases")
    if report.n_forgotten:
        monitor.note(f"warning: {report.n_forgotten:,} rare pairs were forgotten while counting, to save memory")


def _write(path: Path, text: Iterator[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(text)
