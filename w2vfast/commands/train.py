"""``w2vfast train``: from text to vectors."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click

from w2vfast.commands import output as out
from w2vfast.commands.help import GroupedCommand, GroupedOption
from w2vfast.commands.keeping import is_given, make_keeping
from w2vfast.commands.next import tell_next
from w2vfast.commands.options import (
    common_options,
    config_of,
    list_files,
    progress_option,
    refuse_text_options,
    take_reading,
    text_options,
    training_options,
    without_effect,
)
from w2vfast.commands.workers import Cluster, cluster_options, train_on_workers
from w2vfast.corpus.sources import Source, find_sources
from w2vfast.corpus.wordlists import vocab_text
from w2vfast.errors import UsageError
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.locate import DEFAULT_NAME
from w2vfast.system.places import checkpoint_of
from w2vfast.system.staging import Staging
from w2vfast.training.config import TrainConfig
from w2vfast.training.log import JsonLog, Recorder
from w2vfast.training.monitor import Console, Monitor, Together
from w2vfast.training.outputs import refuse_input_as_output, refuse_replacing
from w2vfast.training.run import Keeping, parameters_like, train_to_file

_RUN = "Run"


@click.command(
    cls=GroupedCommand,
    essential="--model --loss --dim --window --neg --min-count --epochs --threads -o --from --resume",
)
@click.argument("corpus", nargs=-1, required=True)
@training_options
@text_options
@click.option("-o", "--output", cls=GroupedOption, heading=_RUN, default=DEFAULT_NAME, show_default=True,
              metavar="FILE", help="Model file to write; - is standard output.")  # fmt: skip
@progress_option
@click.option("--log-json", cls=GroupedOption, heading=_RUN, metavar="FILE", show_default="none",
              help="Write the run's figures as JSON Lines.")  # fmt: skip
@click.option("--eval", "tests", cls=GroupedOption, heading=_RUN, metavar="FILE", multiple=True,
              show_default="none", help="Score the vectors on such a test after each epoch.")  # fmt: skip
@click.option("--plot-loss", cls=GroupedOption, heading=_RUN, metavar="FILE", show_default="none",
              help="Draw loss and learning rate as a .png or .svg.")  # fmt: skip
@click.option("--save-vocab", cls=GroupedOption, heading=_RUN, metavar="FILE", show_default="none",
              help="Write the words and their counts, too.")  # fmt: skip
@click.option("--from", "base", cls=GroupedOption, heading=_RUN, metavar="MODEL", show_default="none",
              help="Train a model on: its words and vectors stay, new words are added.")  # fmt: skip
@click.option("--like", cls=GroupedOption, heading=_RUN, metavar="MODEL", show_default="none",
              help="Take the options that a model was trained with, where none are given.")  # fmt: skip
@click.option("--freeze", cls=GroupedOption, heading=_RUN, metavar="FILE", show_default="none",
              help="With --from: these words keep their vectors, one a line.")  # fmt: skip
@click.option("--resume", cls=GroupedOption, heading=_RUN, is_flag=True, show_default="off",
              help="Go on with a run that was stopped; its options hold.")  # fmt: skip
@click.option("--checkpoint-every", cls=GroupedOption, heading=_RUN, type=click.FloatRange(min=0, min_open=True),
              default=10.0, show_default=True, metavar="MINUTES", help="Save a long run so often.")  # fmt: skip
@click.option("--no-context", cls=GroupedOption, heading=_RUN, is_flag=True, show_default="off",
              help="Save no output vectors: half the file, but it cannot be trained on.")  # fmt: skip
@click.option("-n", "--no-clobber", cls=GroupedOption, heading=_RUN, is_flag=True, show_default="off",
              help="Do not replace an older file.")  # fmt: skip
@click.option("--force", cls=GroupedOption, heading=_RUN, is_flag=True, show_default="off",
              help="Train even if memory seems too small, or --replicas is above 4.")  # fmt: skip
@cluster_options
@click.option("-v", "--verbose", is_flag=True, help="Tell compile times and more.")
@common_options
def train(
    corpus: tuple[str, ...], output: str, progress: str, log_json: str | None, plot_loss: str | None,
    save_vocab: str | None, base: str | None, like: str | None, freeze: str | None, resume: bool, tests:
    tuple[str, ...], cluster: Cluster, no_clobber: bool, verbose: bool, quiet: bool, **params: Any,
) -> None:  # fmt: skip
    """Train word vectors on the text of CORPUS.

    CORPUS: files, folders, patterns, - for standard input, or what w2vfast encode wrote. One line is one
    sentence, white space separates words.

    \b
    w2vfast train corpus.txt --model sg --neg 5
    cat *.txt | w2vfast train - --model cbow -o vectors.w2v

    Ctrl-C saves a checkpoint beside the output and says how to go on with it; a second one quits at once.
    """
    out.refuse_terminal(output)
    ctx, words = click.get_current_context(), list_files(params)
    lists = take_reading(params)
    params = {name: value for name, value in params.items() if name in TrainConfig.__dataclass_fields__}
    given = {name: value for name, value in params.items() if is_given(ctx, name)}
    cluster = replace(cluster, given=given, resume=resume)
    keeping = make_keeping(ctx, cluster)
    config = _config(keeping, like, params, given)
    monitor = Monitor() if quiet else Console(progress, verbose=verbose)
    for text in without_effect(config, [*given, *lists]):
        monitor.note(f"warning: {text}")
    local = corpus if cluster.workers is None else [name for name in corpus if "://" not in name]
    sources = find_sources(local, monitor.note) if local else []
    beside, kept = (log_json, plot_loss, save_vocab), None if output == "-" else checkpoint_of(output)
    refuse_input_as_output(sources, output, *beside, files=(*words, freeze, *tests), checkpoint=kept)
    refuse_input_as_output([], *beside, files=(base, like), checkpoint=kept)  # which -o may replace
    if cluster.workers is not None and is_given(ctx, "checkpoint_every"):
        raise UsageError("--checkpoint-every has no effect with --workers: every round is kept")
    refuse_text_options(sources)
    if log_json == "-":
        raise UsageError("--log-json needs the name of a file; /dev/stdout is one")
    if no_clobber:
        refuse_replacing(output, plot_loss, save_vocab, None if resume else log_json)
    if log_json:
        monitor = Together(monitor, JsonLog(log_json, append=resume))
    with _curve(plot_loss, replaces=not no_clobber, quiet=quiet) as recorder, contextlib.ExitStack() as stack:
        words_file = None
        if save_vocab is not None:
            words_file = stack.enter_context(Staging(save_vocab, replaces=not no_clobber))
        everyone = Together(monitor, recorder)
        if cluster.workers is None:
            embeddings = run_training(sources, config, everyone, output, keeping, **lists)
        else:
            embeddings = train_on_workers(corpus, config, everyone, output, keeping, cluster, **lists)
        if words_file is not None:
            words_file.write_bytes(vocab_text(embeddings.vocab))


def _config(keeping: Keeping, like: str | None, params: dict[str, Any], given: dict[str, Any]) -> TrainConfig:
    """Return the options of the run: a checkpoint's, a model's where none are given, or those of the command."""
    if keeping.resumed is not None:
        return keeping.resumed.config(given)
    if keeping.base is not None:
        return config_of(parameters_like(keeping.base.model, given))
    return config_of(params if like is None else parameters_like(Embeddings.open(like), given))


@contextlib.contextmanager
def _curve(target: str | None, *, replaces: bool, quiet: bool) -> Iterator[Monitor]:
    """Yield a monitor; draw the curves that it has seen when the run is done, if anybody wants them."""
    if target is None:
        yield Monitor()
        return
    from w2vfast.commands.plot import form_of, write_picture
    from w2vfast.pictures.charts import draw_loss

    form, recorder = form_of(target), Recorder()
    with Staging(target, replaces=replaces) as staging:
        yield recorder
        if recorder.rows:
            write_picture(staging, lambda path: draw_loss(recorder.rows, path, form), quiet=quiet)
        elif not quiet:
            out.note(f"nothing was left to be trained, so there is no curve: {target} was not written")


def run_training(
    sources: Sequence[Source], config: TrainConfig, monitor: Monitor, output: str, keeping: Keeping | None = None,
    **lists: Any,
) -> Embeddings:  # fmt: skip
    """Train, write the model, note it as the last one and say what to try next."""
    embeddings = train_to_file(sources, config.resolved(), monitor, output, keeping, **lists)
    tell_next(output, embeddings.vocab.words, monitor)
    return embeddings
