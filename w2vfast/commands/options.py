"""Options that several commands share."""

import re
from collections.abc import Callable, Iterable
from typing import Any, get_args

import click

from w2vfast.commands.help import LEARNING, MODEL, RUN, TEXT, F, GroupedOption, NumberOrAll
from w2vfast.commands.output import refuse_stdin_twice
from w2vfast.corpus.wordlists import read_vocab, read_words
from w2vfast.errors import UsageError
from w2vfast.training.config import LIMITS, TrainConfig

_ALPHAS = "sg 0.05, cbow 0.15, classic 0.075; with --loss hs 0.025, 0.05, 0.025"
_READING = {
    "lowercase": "Turn the text to lower case.",
    "tokenizer": "Split at white space only; or find words: letters, digits, inner ' and -.",
    "sentence": "What a sentence is: a line, a document (a whole file), or so many words.",
    "max_word_bytes": "Drop longer tokens.",
    "strict": "Stop at invalid UTF-8 instead of replacing it.",
    "allow_truncated": "Read compressed text that breaks off as far as it goes.",
}
_COUNTS = {
    "min_count": "Drop words that occur less often.",
    "max_vocab": "Keep at most so many words, the most frequent ones.",
}
_LISTS = {
    "keep_words": "Words that stay, however rare: one a line.",
    "drop_words": "Words that go, however frequent.",
    "vocab": "Exactly these words, with their counts, as the command vocab writes them.",
}


def config_option(name: str, heading: str, help: str, *names: str, default_text: str = "") -> Callable[[F], F]:
    """Return the option for a field of TrainConfig, with the field's default and type.

    Parameters
    ----------
    name
        The field.
    heading, help
        Where it stands in the help, and what it says there.
    *names
        More names of the option.
    default_text
        What the help gives as the default of a field whose default is None.
    """
    spec = TrainConfig.__dataclass_fields__[name]
    if name in LIMITS:  # which TrainConfig checks
        kind: Any = NumberOrAll() if "all" in str(spec.type) else int if "int" in str(spec.type) else float
    elif spec.type in (bool, str):
        kind = spec.type
    else:
        kind = click.Choice(get_args(spec.type))
    special = {"None": "none", "False": "off"}
    return click.option(
        f"--{name.replace('_', '-')}", *names, name,
        cls=GroupedOption, heading=heading, help=help, type=kind, default=spec.default,
        show_default=default_text or special.get(str(spec.default), True), is_flag=spec.type is bool,
    )  # fmt: skip


def config_of(params: dict[str, Any]) -> TrainConfig:
    """Return the configuration; what is wrong with it is told in the names of the options."""
    fields = TrainConfig.__dataclass_fields__
    try:
        return TrainConfig(**params)
    except UsageError as error:
        text = re.sub(
            r"^\w+|\w+_\w+", lambda m: f"--{m[0].replace('_', '-')}" if m[0] in fields else m[0], str(error)
        )
        raise UsageError(text) from None


def without_effect(config: TrainConfig, given: Iterable[str]) -> list[str]:
    """Return what to say of the options given that the others leave without effect."""
    given = list(given)
    reasons = {
        "cbow_grad": "--model sg" if config.model == "sg" else "",
        "direction": "--model cbow" if config.model == "cbow" else "",
        "negatives_per": "--model cbow" if config.model == "cbow" else "",
    }
    if config.loss != "ns":
        reasons |= dict.fromkeys(("neg", "neg_exponent", "negatives_per"), f"--loss {config.loss}")
    if config.direction == "to-contexts":
        reasons["negatives_per"] = "--direction to-contexts"
    if config.window == "all":
        reasons["context_weight"] = "--window all"
    if config.left is not None and config.right is not None:
        reasons["window"] = "--left and --right"
    if "vocab" in given:
        reasons |= dict.fromkeys(("min_count", "max_vocab", "keep_words", "drop_words"), "--vocab")
    return [
        f"--{name.replace('_', '-')} has no effect with {reasons[name]}" for name in given if reasons.get(name)
    ]


def training_options(function: F) -> F:
    """Add the options of training itself."""
    fields = (
        config_option("model", MODEL, "Skip-gram or CBOW."),
        config_option("loss", MODEL, "Negative sampling; hierarchical softmax; full softmax, slow."),
        config_option("direction", MODEL, "Skip-gram: contexts predict the center, or the center its contexts."),
        config_option("dim", MODEL, "Vector size.", "--size"),
        config_option("window", MODEL, "Words on either side, at most; each size is drawn. all: the sentence."),
        config_option(
            "context_weight",
            MODEL,
            "Chance of a word at distance d in a window of w: 1 - (d - 1) / w, 1, or 1 / d.",
        ),
        click.option(
            "--fixed-window",
            "context_weight",
            cls=GroupedOption,
            heading=MODEL,
            flag_value="equal",
            show_default="off",
            help="The same as --context-weight equal.",
        ),
        config_option("left", MODEL, "Words before the center, at most.", default_text="as --window"),
        config_option("right", MODEL, "Words after it, at most.", default_text="as --window"),
        config_option("neg", MODEL, "Noise words for each prediction."),
        config_option("neg_exponent", MODEL, "Noise words are drawn by count to the power of this."),
        config_option("negatives_per", MODEL, "Skip-gram: draw noise words once a window, or for each pair."),
        config_option("cbow_grad", MODEL, "CBOW: divide the input gradient by C (mean, exact), its root, or not."),
        config_option("sample", LEARNING, "Subsample words of higher relative frequency; 0 = none."),
        config_option("epochs", LEARNING, "Passes over the corpus.", "--iter"),
        config_option("shuffle", LEARNING, "Put the sentences into another order in each epoch."),
        config_option("alpha", LEARNING, "Learning rate at the start.", default_text=_ALPHAS),
        config_option("min_alpha", LEARNING, "Learning rate at the end, absolute.", default_text="alpha x 1e-4"),
        config_option("held_out", LEARNING, "Hold out this share of the text, its end, to measure the loss on."),
        config_option("early_stop", LEARNING, "Stop when the held-out loss has not fallen for so many epochs."),
        config_option("threads", RUN, "Threads.", default_text="the CPUs this process may use"),
        config_option("seed", RUN, "Of all random draws; with --threads 1 the same file each time."),
        config_option("vectors", RUN, "Save input vectors, output vectors, their sum, or both side by side."),
        config_option("deterministic", RUN, "The same file each time with any number of threads; slower."),
    )
    for field in reversed(fields):
        function = field(function)
    return function


def reading_options(function: F) -> F:
    """Add the options that say how text is read."""
    for name, help in reversed(_READING.items()):
        function = config_option(name, TEXT, help)(function)
    return function


def text_options(function: F) -> F:
    """Add the options that say how text is read and which words stay; ``take_reading`` takes the lists."""
    for name, help in reversed(_LISTS.items()):
        function = click.option(
            f"--{name.replace('_', '-')}", cls=GroupedOption, heading=TEXT, metavar="FILE", show_default="none",
            help=help,
        )(function)  # fmt: skip
    for name, help in reversed(_COUNTS.items()):
        function = config_option(name, TEXT, help)(function)
    return reading_options(function)


def list_files(params: dict[str, Any]) -> list[str | None]:
    """Return the files of words that a command's parameters name."""
    return [params[name] for name in _LISTS]


def take_reading(params: dict[str, Any]) -> dict[str, Any]:
    """Take the files of words out of a command's parameters; return their words for ``TrainConfig.reading``."""
    given = [*click.get_current_context().params.get("corpus", ()), *(params[name] for name in _LISTS)]
    refuse_stdin_twice(*given)
    lists: dict[str, Any] = {}
    for name in _LISTS:
        path = params.pop(name)
        if path is not None:
            lists[name] = read_vocab(path) if name == "vocab" else read_words(path)
    return lists


def refuse_text_options(sources: Iterable[Any]) -> None:
    """Raise a UsageError if options of ``text_options`` are given and a source or file ``is_encoded`` already."""
    source_of, names = click.get_current_context().get_parameter_source, [*_READING, *_COUNTS, *_LISTS]
    useless = [name for name in names if source_of(name) is click.core.ParameterSource.COMMANDLINE]
    if useless and any(source.is_encoded for source in sources):
        option = useless[0].replace("_", "-")
        raise UsageError(f"--{option} has no effect on an encoded corpus; give it to w2vfast encode")


def progress_option(function: F) -> F:
    """Add ``--progress``."""
    return click.option(
        "--progress", cls=GroupedOption, heading=RUN, type=click.Choice(["auto", "always", "never"]),
        default="auto", show_default=True, help="Progress on stderr.",
    )(function)  # fmt: skip


def model_file_option(function: F) -> F:
    """Add ``-m/--model-file``."""
    return click.option(
        "-m", "--model-file", cls=GroupedOption, heading=MODEL, envvar="W2VFAST_MODEL", metavar="FILE",
        help="Model to ask; else $W2VFAST_MODEL, ./model.w2v, the last one trained.",
    )(function)  # fmt: skip


def common_options(function: F) -> F:
    """Add ``-q``, ``--color`` and ``--debug``."""
    function = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")(
        function
    )
    return click.option("-q", "--quiet", is_flag=True, help="Errors only on stderr.")(function)
