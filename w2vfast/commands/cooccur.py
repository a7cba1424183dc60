"""``w2vfast cooccur``: vectors out of counts instead of training."""

import importlib.util
import math
from typing import Any, cast

import click

from w2vfast.commands.help import GroupedCommand, grouped
from w2vfast.commands.next import tell_next
from w2vfast.commands.options import (
    common_options,
    config_of,
    config_option,
    list_files,
    progress_option,
    refuse_text_options,
    take_reading,
    text_options,
)
from w2vfast.commands.output import refuse_terminal
from w2vfast.corpus.sources import find_sources
from w2vfast.errors import UsageError
from w2vfast.model.locate import DEFAULT_NAME
from w2vfast.system.staging import Staging
from w2vfast.training.messages import announce
from w2vfast.training.monitor import Console, Monitor, human
from w2vfast.training.outputs import refuse_input_as_output
from w2vfast.training.run import read_corpus
from w2vfast.wording import counted

_PAIRS, _VECTORS = "Learning", "Model"


@click.command(
    cls=GroupedCommand, essential="-o --form --dim --window --context-weight --binary --min-count --threads"
)
@click.argument("corpus", nargs=-1, required=True)
@grouped(_PAIRS, "--window", type=click.IntRange(1, 1000), default=5, show_default=True,
         help="Words on either side that count.")  # fmt: skip
@grouped(_PAIRS, "--per-sentence", is_flag=True, show_default="off",
         help="Count two words of a sentence once (of a document, with --sentence document).")  # fmt: skip
@grouped(_PAIRS, "--context-weight", "weight", type=click.Choice(["equal", "harmonic"]), default="equal",
         show_default=True, help="A pair counts 1, or 1 / distance.")  # fmt: skip
@grouped(_PAIRS, "--binary", is_flag=True, show_default="off", help="1 for words that occur together at all.")
@grouped(_PAIRS, "--self", "with_self", is_flag=True, show_default="off",
         help="Count each word beside itself, as often as it occurs.")  # fmt: skip
@grouped(_VECTORS, "--form", type=click.Choice(["svd", "ppmi", "counts"]), default="svd", show_default=True,
         help="Positive pointwise mutual information in --dim dimensions or in all; or the counts.")  # fmt: skip
@grouped(_VECTORS, "--dim", "--size", type=click.IntRange(1, 10_000), default=100, show_default=True,
         help="Dimensions of svd.")  # fmt: skip
@grouped(_VECTORS, "--smoothing", type=click.FloatRange(0, 1), default=0.75, show_default=True,
         help="PPMI: power of the contexts' counts; 1 is the plain definition.")  # fmt: skip
@grouped(_VECTORS, "--columns", type=click.IntRange(1), metavar="N", show_default="all",
         help="Dimensions of ppmi and counts: the most frequent words.")  # fmt: skip
@text_options
@config_option("threads", "Run", "Threads.", default_text="the CPUs this process may use")
@grouped("Run", "-o", "--output", default=DEFAULT_NAME, show_default=True, metavar="FILE",
         help="Model file to write; - is standard output.")  # fmt: skip
@progress_option
@common_options
def cooccur(
    corpus: tuple[str, ...], window: int, per_sentence: bool, weight: str, binary: bool, with_self: bool, form:
    str, dim: int, smoothing: float, columns: int | None, output: str, progress: str, quiet: bool, **params: Any,
) -> None:  # fmt: skip
    """Make vectors of how often words occur together.

    The result is a model like any other: for similar, analogy, evaluate, plot.

    \b
    w2vfast cooccur corpus.txt --window 2 -o svd.w2v
    w2vfast cooccur corpus.txt --form counts --columns 2000 -o counts.w2v
    """
    refuse_terminal(output)
    if form == "svd" and importlib.util.find_spec("scipy") is None:
        raise UsageError("--form svd needs: pip install 'w2vfast[cooccur]'")
    if math.isnan(smoothing):  # no limit of click's excludes it
        raise UsageError("--smoothing must be a number, not nan")
    monitor, files = Monitor() if quiet else Console(progress), list_files(params)
    lists = take_reading(params)
    _refuse_useless(form, per_sentence=per_sentence, binary=binary)
    config = config_of(params).resolved()
    sources = find_sources(corpus, monitor.note)
    refuse_text_options(sources)
    refuse_input_as_output(sources, output, files=files)
    with Staging(output) as staging:
        announce(sources, monitor)
        from w2vfast.training.association import cooccurrence_vectors
        from w2vfast.training.cooccurrence import count_pairs

        text = read_corpus(sources, config.reading(**lists), monitor)
        width, n_threads = None if per_sentence else window, config.threads or 1
        found = count_pairs(text, width, weight=cast(Any, weight), threads=n_threads)
        words, pairs = counted(len(text.vocab), "word"), counted(found.values.size, "pair")
        monitor.note(f"vocabulary: {words}; occurring together: {pairs}")
        model = cooccurrence_vectors(
            text, found, form=cast(Any, form), dim=dim, smoothing=smoothing, columns=columns, is_binary=binary,
            is_with_self=with_self, params={"window": width, "context_weight": weight},
        )  # fmt: skip
        n_bytes = model.save_or_rescue(staging)
        monitor.note(f"done: {staging.name}, {human(n_bytes, 'B')}")
    tell_next(output, model.vocab.words, monitor)


def _refuse_useless(form: str, *, per_sentence: bool, binary: bool) -> None:
    """Raise a UsageError for an option that another one leaves without effect."""
    given = click.get_current_context().get_parameter_source
    useless = {
        f"--form {form}": {"counts": ("dim", "smoothing"), "ppmi": ("dim",), "svd": ("columns",)}[form],
        "--per-sentence": ("window", "weight") if per_sentence else (),
        "--binary": ("weight",) if binary else (),
    }
    for reason, names in useless.items():
        for name in names:
            if given(name) is click.core.ParameterSource.COMMANDLINE:
                option = "context-weight" if name == "weight" else name
                raise UsageError(f"--{option} has no effect with {reason}")
