"""``w2vfast encode``: from text to a corpus that training reads at once."""

from typing import Any

import click

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
from w2vfast.commands.output import refuse_terminal
from w2vfast.corpus.sources import find_sources
from w2vfast.system.staging import Staging
from w2vfast.training.messages import announce
from w2vfast.training.monitor import Console, Monitor, human
from w2vfast.training.outputs import refuse_input_as_output
from w2vfast.training.run import read_corpus
from w2vfast.wording import counted


@click.command(cls=GroupedCommand, essential="-o --min-count --max-vocab --lowercase --tokenizer --vocab")
@click.argument("corpus", nargs=-1, required=True)
@text_options
@click.option("-o", "--output", default="corpus.w2vc", show_default=True, metavar="FILE", help="File to write.")
@progress_option
@common_options
def encode(corpus: tuple[str, ...], output: str, progress: str, quiet: bool, **params: Any) -> None:
    """Read CORPUS once, for any number of trainings.

    The file holds word ids, sentence ends, words and counts, with checksums; it is mapped into memory, so it may
    be larger than that. With --vocab, parts of one corpus can be encoded apart, with the same ids.

    \b
    w2vfast encode corpus.txt -o corpus.w2vc
    w2vfast train corpus.w2vc --dim 300
    """
    refuse_terminal(output)
    monitor = Monitor() if quiet else Console(progress)
    files, lists = list_files(params), take_reading(params)
    config = config_of(params).resolved()
    sources = find_sources(corpus, monitor.note)
    refuse_text_options(sources)
    with Staging(output) as staging:
        refuse_input_as_output(sources, output, files=files)
        announce(sources, monitor)
        encoded = read_corpus(sources, config.reading(**lists), monitor)
        from w2vfast.corpus.container import save_corpus

        n_bytes = save_corpus(encoded, staging)
    monitor.note(
        f"{counted(len(encoded.vocab), 'word')}, {human(encoded.n_tokens)} tokens, "
        f"{counted(encoded.n_sentences, 'sentence')}: {staging.name}, {human(n_bytes, 'B')}"
    )
