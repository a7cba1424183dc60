"""``w2vfast train``: from text to vectors."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from w2vfast.commands.options import (
    GroupedCommand,
    GroupedOption,
    common_options,
    config_option,
    given_text_options,
    progress_option,
    take_reading,
    text_options,
)
from w2vfast.corpus.sources import Source, find_sources
from w2vfast.corpus.wordlists import vocab_text
from w2vfast.errors import UsageError
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.locate import DEFAULT_NAME, write_last
from w2vfast.system.staging import write_bytes
from w2vfast.training.config import TrainConfig
from w2vfast.training.log import JsonLog
from w2vfast.training.monitor import Console, Monitor, Together
from w2vfast.training.run import train_to_file

_MODEL, _LEARNING, _RUN = "Model", "Learning", "Run"


@click.command(cls=GroupedCommand)
@click.argument("corpus", nargs=-1, required=True)
@config_option("model", _MODEL, "Skip-gram or CBOW.")
@config_option("dim", _MODEL, "Vector size.", "--size")
@config_option("window", _MODEL, "Words on either side, at most; each window's size is drawn. all: the sentence.")
@config_option("left", _MODEL, "Words before the center, at most.", default_text="as --window")
@config_option("right", _MODEL, "Words after it, at most.", default_text="as --window")
@config_option("neg", _MODEL, "Noise words for each prediction.")
@config_option("neg_exponent", _MODEL, "Noise words are drawn by count to the power of this.")
@config_option("negatives_per", _MODEL, "Skip-gram: draw noise words once a window, or for each pair.")
@config_option("cbow_grad", _MODEL, "CBOW: divide the input gradient by C (mean, exact), its root, or not.")
@text_options
@config_option("sample", _LEARNING, "Subsample words of higher relative frequency; 0 = none.")
@config_option("epochs", _LEARNING, "Passes over the corpus.", "--iter")
@config_option(
    "alpha", _LEARNING, "Learning rate at the start.",
    default_text="0.05 for sg; for cbow 0.15, with --cbow-grad classic 0.075",
)  # fmt: skip
@config_option("min_alpha", _LEARNING, "Learning rate at the end, absolute.", default_text="alpha x 1e-4")
@config_option("threads", _RUN, "Threads.", default_text="the CPUs this process may use")
@config_option("seed", _RUN, "Of all random draws; with --threads 1 the same file each time.")
@click.option("-o", "--output", cls=GroupedOption, heading=_RUN, default=DEFAULT_NAME, show_default=True,
              metavar="FILE", help="Model file to write; - is standard output.")  # fmt: skip
@progress_option
@click.option("--log-json", cls=GroupedOption, heading=_RUN, metavar="FILE", show_default="none",
              help="Write the run's figures as JSON Lines.")  # fmt: skip
@click.option("--save-vocab", cls=GroupedOption, heading=_RUN, metavar="FILE", show_default="none",
              help="Write the words and their counts, too.")  # fmt: skip
@click.option("-v", "--verbose", is_flag=True, help="Tell compile times and more.")
@common_options
def train(
    corpus: tuple[str, ...], output: str, progress: str, log_json: str | None,
    save_vocab: str | None, verbose: bool, quiet: bool, **params: Any,
) -> None:  # fmt: skip
    """Train word vectors on the text of CORPUS: files, folders, patterns, or - for standard input.

    One line is one sentence, white space separates words. CORPUS may be what w2vfast encode wrote.

    \b
    w2vfast train corpus.txt --model sg --neg 5
    cat *.txt | w2vfast train - --model cbow -o vectors.w2v
    """
    if output == "-" and sys.stdout.isatty():
        raise UsageError("refusing to write binary to a terminal; use -o FILE or a pipe")
    lists = take_reading(params)
    config = TrainConfig(**params)
    sources = find_sources(corpus)
    if any(source.is_encoded for source in sources) and (given := given_text_options(click.get_current_context())):
        raise UsageError(f"{given[0]} has no effect on an encoded corpus; give it to w2vfast encode")
    monitor = Monitor() if quiet else Console(progress, verbose=verbose)
    if log_json:
        monitor = Together(monitor, JsonLog(log_json))
    embeddings = run_training(sources, config, monitor, output, **lists)
    if save_vocab is not None:
        write_bytes(save_vocab, vocab_text(embeddings.vocab))


def run_training(
    sources: Sequence[Source], config: TrainConfig, monitor: Monitor, output: str, **lists: Any
) -> Embeddings:
    """Train, write the model, note it as the last one and say what to try next."""
    embeddings = train_to_file(sources, config.resolved(), monitor, output, **lists)
    if Path(output).is_file():
        write_last(Path(output))
        named = "" if output == DEFAULT_NAME else f" -m {output}"
        monitor.note(f"next: w2vfast similar {_example(embeddings.vocab.words)}{named}")
    return embeddings


def _example(words: Any) -> str:
    """Return a word to try: king if it is known, else one that is neither rare nor a function word."""
    return "king" if "king" in words[:50_000] else str(words[min(100, len(words) - 1)])
