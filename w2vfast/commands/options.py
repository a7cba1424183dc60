"""What several commands share: options, grouped help."""

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from w2vfast.corpus.wordlists import read_vocab, read_words
from w2vfast.training.config import LIMITS, TrainConfig

F = TypeVar("F", bound=Callable[..., Any])
_MODEL, _TEXT, _LEARNING, _RUN, _OTHER = "Model", "Text", "Learning", "Run", "Other options"
QUESTION, RESULTS, ANSWERS = "Question", "Results", "Form of the answers"
_SHOWS_ALL = "w2vfast.shows_all_options"
_HEADINGS = QUESTION, RESULTS, ANSWERS, _MODEL, _TEXT, _LEARNING, _RUN, "Cluster", _OTHER
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


#: What every command's help ends with.
EXIT_CODES = (
    "0 done, 1 a word is unknown, 2 wrong usage, 3 unusable input, 4 cannot write, 5 diverged, "
    "6 not enough memory, 7 cluster lost"
)


def _show_all(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.meta[_SHOWS_ALL] = True
        click.echo(ctx.get_help())
        ctx.exit()


class GroupedCommand(click.Command):
    """A command whose help shows its options under headings, after its examples, and the exit codes in the end.

    Parameters
    ----------
    essential
        Names of the parameters that ``--help`` shows, so that it fits a screen; ``--help-all`` shows all. Without
        any, ``--help`` does.
    """

    def __init__(self, *args: Any, essential: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._essential = {"help", "help_all", *essential.split()} if essential else set()
        if essential:
            self.params.append(click.Option(
                ["--help-all"], is_flag=True, is_eager=True, expose_value=False, callback=_show_all,
                help="Show all options.",
            ))  # fmt: skip

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes."""
        with formatter.section("Exit codes"):
            formatter.write_text(EXIT_CODES)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each group of options under its heading."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if self._essential and param.name not in self._essential and _SHOWS_ALL not in ctx.meta:
                continue
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                heading = param.heading if isinstance(param, GroupedOption) else _OTHER
                groups.setdefault(heading, []).append(record)
        for heading in sorted(groups, key=_HEADINGS.index):
            with formatter.section(heading):
                formatter.write_dl(groups[heading])


class GroupedOption(click.Option):
    """An option that stands under a heading of the help."""

    def __init__(self, *args: Any, heading: str = _OTHER, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heading = heading


def grouped(heading: str, *names: str, **settings: Any) -> Callable[[F], F]:
    """Return an option that stands under a heading of the help."""
    return click.option(*names, cls=GroupedOption, heading=heading, **settings)


class NumberOrAll(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A whole number, or the word all."""

    name = "integer|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or "all"."""
        return value if value == "all" else click.INT.convert(value, param, ctx)


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


def training_options(function: F) -> F:
    """Add the options of training itself."""
    fields = (
        config_option("model", _MODEL, "Skip-gram or CBOW."),
        config_option("loss", _MODEL, "Negative sampling; hierarchical softmax; full softmax, slow."),
        config_option("direction", _MODEL, "Skip-gram: contexts predict the center, or the center its contexts."),
        config_option("dim", _MODEL, "Vector size.", "--size"),
        config_option("window", _MODEL, "Words on either side, at most; each size is drawn. all: the sentence."),
        config_option(
            "context_weight",
            _MODEL,
            "Chance of a word at distance d in a window of w: 1 - (d - 1) / w, 1, or 1 / d.",
        ),
        click.option(
            "--fixed-window",
            "context_weight",
            cls=GroupedOption,
            heading=_MODEL,
            flag_value="equal",
            show_default="off",
            help="The same as --context-weight equal.",
        ),
        config_option("left", _MODEL, "Words before the center, at most.", default_text="as --window"),
        config_option("right", _MODEL, "Words after it, at most.", default_text="as --window"),
        config_option("neg", _MODEL, "Noise words for each prediction."),
        config_option("neg_exponent", _MODEL, "Noise words are drawn by count to the power of this."),
        config_option("negatives_per", _MODEL, "Skip-gram: draw noise words once a window, or for each pair."),
        config_option(
            "cbow_grad", _MODEL, "CBOW: divide the input gradient by C (mean, exact), its root, or not."
        ),
        config_option("sample", _LEARNING, "Subsample words of higher relative frequency; 0 = none."),
        config_option("epochs", _LEARNING, "Passes over the corpus.", "--iter"),
        config_option("shuffle", _LEARNING, "Put the sentences into another order in each epoch."),
        config_option("alpha", _LEARNING, "Learning rate at the start.", default_text=_ALPHAS),
        config_option("min_alpha", _LEARNING, "Learning rate at the end, absolute.", default_text="alpha x 1e-4"),
        config_option("held_out", _LEARNING, "Hold out this share of the text, its end, to measure the loss on."),
        config_option("early_stop", _LEARNING, "Stop when the held-out loss has not fallen for so many epochs."),
        config_option("threads", _RUN, "Threads.", default_text="the CPUs this process may use"),
        config_option("seed", _RUN, "Of all random draws; with --threads 1 the same file each time."),
        config_option("vectors", _RUN, "Save input vectors, output vectors, their sum, or both side by side."),
        config_option("deterministic", _RUN, "The same file each time with any number of threads; slower."),
    )
    for field in reversed(fields):
        function = field(function)
    return function


def reading_options(function: F) -> F:
    """Add the options that say how text is read."""
    for name, help in reversed(_READING.items()):
        function = config_option(name, _TEXT, help)(function)
    return function


def text_options(function: F) -> F:
    """Add the options that say how text is read and which words stay; ``take_reading`` takes the lists."""
    for name, help in reversed(_LISTS.items()):
        function = click.option(
            f"--{name.replace('_', '-')}", cls=GroupedOption, heading=_TEXT, metavar="FILE", show_default="none",
            help=help,
        )(function)  # fmt: skip
    for name, help in reversed(_COUNTS.items()):
        function = config_option(name, _TEXT, help)(function)
    return reading_options(function)


def take_reading(params: dict[str, Any]) -> dict[str, Any]:
    """Take the files of words out of a command's parameters; return their words for ``TrainConfig.reading``."""
    lists: dict[str, Any] = {}
    for name in _LISTS:
        path = params.pop(name)
        if path is not None:
            lists[name] = read_vocab(path) if name == "vocab" else read_words(path)
    return lists


def given_text_options(ctx: click.Context) -> list[str]:
    """Return the options of ``text_options`` that stand on the command line."""
    names = [*_READING, *_COUNTS, *_LISTS]
    given = [name for name in names if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE]
    return [f"--{name.replace('_', '-')}" for name in given]


def progress_option(function: F) -> F:
    """Add ``--progress``."""
    return click.option(
        "--progress", cls=GroupedOption, heading=_RUN, type=click.Choice(["auto", "always", "never"]),
        default="auto", show_default=True, help="Progress on stderr.",
    )(function)  # fmt: skip


def model_file_option(function: F) -> F:
    """Add ``-m/--model-file``."""
    return click.option(
        "-m", "--model-file", cls=GroupedOption, heading=_MODEL, envvar="W2VFAST_MODEL", metavar="FILE",
        help="Model to ask; else $W2VFAST_MODEL, ./model.w2v, the last one trained.",
    )(function)  # fmt: skip


def common_options(function: F) -> F:
    """Add ``-q``, ``--color`` and ``--debug``."""
    function = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")(
        function
    )
    return click.option("-q", "--quiet", is_flag=True, help="Errors only on stderr.")(function)
