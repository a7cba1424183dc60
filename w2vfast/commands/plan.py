"""``w2vfast plan``: what a training run would take."""

import dataclasses
import json
from typing import Any

import click

from w2vfast.commands import output
from w2vfast.commands.help import GroupedCommand
from w2vfast.commands.options import (
    common_options,
    config_of,
    progress_option,
    refuse_text_options,
    take_reading,
    text_options,
    training_options,
)
from w2vfast.corpus.sources import find_sources
from w2vfast.training.messages import announce
from w2vfast.training.monitor import Console, Monitor, clock, human
from w2vfast.training.run import read_corpus
from w2vfast.wording import counted


@click.command(
    cls=GroupedCommand, essential="--model --dim --window --neg --epochs --min-count --max-vocab --threads --json"
)
@click.argument("corpus", nargs=-1, required=True)
@training_options
@text_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@progress_option
@common_options
def plan(corpus: tuple[str, ...], as_json: bool, progress: str, quiet: bool, **params: Any) -> None:
    """Tell what training would take: memory, disk, time.

    The text of CORPUS is read as for training; the time comes from a second of it.

    \b
    w2vfast plan corpus.txt --dim 300 --epochs 10
    """
    monitor = Monitor() if quiet else Console(progress)
    lists = take_reading(params)
    config = config_of(params).resolved()
    sources = find_sources(corpus, monitor.note)
    refuse_text_options(sources)
    announce(sources, monitor)
    from w2vfast.training.plan import make_plan

    found = make_plan(read_corpus(sources, config.reading(**lists), monitor), config)
    if as_json:
        output.write(json.dumps(dataclasses.asdict(found)) + "\n")
        return
    free = "unknown" if found.memory_available_bytes is None else human(found.memory_available_bytes, "B")
    speed, seconds = found.words_per_second, found.training_seconds
    threads, epochs = counted(config.threads or 1, "thread"), counted(config.epochs, "epoch")
    lines = {
        "vocabulary": counted(found.vocabulary, "word"),
        "tokens": f"{human(found.tokens)} of {human(found.tokens_read)}",
        "after subsampling": f"{human(found.tokens_after_subsampling)} an epoch",
        "pairs" if config.model == "sg" else "windows": f"{human(found.pairs)} an epoch" if speed else "unknown",
        "memory": f"{human(found.memory_bytes, 'B')}; {free} available",
        "temporary files": f"{human(found.spool_bytes, 'B')} in {found.spool_folder}",
        "model file": human(found.model_bytes, "B"),
        "speed": f"{human(speed)} words/s with {threads}" if speed else "the matrices do not fit",
        "time": f"{clock(seconds)} for {epochs}" if seconds is not None else "unknown",
    }
    width = max(map(len, lines))
    output.write("".join(f"{name:{width}}  {text}\n" for name, text in lines.items()))
