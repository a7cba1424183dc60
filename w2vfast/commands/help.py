"""What ``--help`` and ``--help-all`` show: the first fits a screen, the second tells everything."""

from collections.abc import Callable, Sequence
from inspect import cleandoc
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
QUESTION, RESULTS, ANSWERS = "Question", "Results", "Form of the answers"
MODEL, TEXT, LEARNING, RUN, CLUSTER, OTHER = "Model", "Text", "Learning", "Run", "Cluster", "Other options"
_HEADINGS = QUESTION, RESULTS, ANSWERS, MODEL, TEXT, LEARNING, RUN, CLUSTER, OTHER
_SHOWS_ALL = "w2vfast.shows_all_options"
_EXIT_CODES = (
    "0 done, 1 a word is unknown, 2 wrong usage, 3 unusable input, 4 cannot write, 5 diverged, "
    "6 not enough memory, 7 cluster lost, 70 a bug"
)
_WIDTH = 78


class NumberOrAll(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A whole number, or the word all."""

    name = "N|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or "all"."""
        return "all" if str(value).lower() == "all" else click.INT.convert(value, param, ctx)


class GroupedOption(click.Option):
    """An option that stands under a heading of the help."""

    def __init__(self, *args: Any, heading: str = OTHER, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heading = heading


def grouped(heading: str, *names: str, **settings: Any) -> Callable[[F], F]:
    """Return an option that stands under a heading of the help."""
    return click.option(*names, cls=GroupedOption, heading=heading, **settings)


class GroupedCommand(click.Command):
    """A command whose ``--help`` fits a screen: what it does, examples, the options that matter.

    ``--help-all`` adds what else is to be known, all options under headings, and the exit codes. In the docstring,
    what it does is the first paragraph; examples are paragraphs that begin with click's ``\\b``.

    Parameters
    ----------
    essential
        The options that ``--help`` shows, with spaces between them.
    """

    def __init__(self, *args: Any, essential: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._essential = set(essential.split())
        self.params.append(help_all_option())
        for param in self.params:
            name_value(param)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, and how."""
        write_text(self, ctx, formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options that matter, or each group of options under its heading."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        if not shows_all(ctx):
            chosen = [option for option in options if self._essential & set(option.opts)]
            with formatter.section("Options"):
                write_rows(formatter, [_short_row(ctx, option) for option in chosen])
            return
        groups: dict[str, list[tuple[str, str]]] = {}
        for option in options:
            record = option.get_help_record(ctx)
            if record is not None:
                groups.setdefault(getattr(option, "heading", OTHER), []).append(record)
        for heading in sorted(groups, key=_HEADINGS.index):
            with formatter.section(heading):
                formatter.write_dl(groups[heading])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes, or where the rest is told."""
        write_end(ctx, formatter)


def help_all_option() -> click.Option:
    """Return the option ``--help-all``."""
    return click.Option(
        ["--help-all"], is_flag=True, is_eager=True, expose_value=False, callback=_show_all,
        help="Show all options, and what else is to be known.",
    )  # fmt: skip


def _show_all(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.meta[_SHOWS_ALL] = True
        click.echo(ctx.get_help())
        ctx.exit()


def shows_all(ctx: click.Context) -> bool:
    """Tell whether everything is to be shown."""
    return _SHOWS_ALL in ctx.meta


def write_text(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write the first paragraph of a command's docstring, its examples and, if wanted, the others."""
    first, *others = cleandoc(command.help or "").split("\n\n")
    examples = [text for text in others if text.startswith("\b")]
    rest = [text for text in others if text not in examples] if shows_all(ctx) else []
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text("\n\n".join([first, *examples, *rest]))


def write_end(ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write the exit codes, or where the rest is told."""
    if shows_all(ctx):
        with formatter.section("Exit codes"):
            formatter.write_text(_EXIT_CODES)
    else:
        formatter.write_paragraph()
        formatter.write_text(f"{ctx.command_path} --help-all tells the rest.")


def write_rows(formatter: click.HelpFormatter, rows: Sequence[tuple[str, str, str]]) -> None:
    """Write options in lines of name, help and, where there is room, the default."""
    indent = max(len(name) for name, _, _ in rows) + 4
    formatter.write_dl(
        [(name, text + (extra if indent + len(text + extra) <= _WIDTH else "")) for name, text, extra in rows],
        col_max=indent,
    )


def _short_row(ctx: click.Context, option: click.Option) -> tuple[str, str, str]:
    """Return an option's names, the first sentence of its help, and its default if that tells anything."""
    record = option.get_help_record(ctx)
    assert record is not None
    first = (option.help or "").partition(". ")[0].rstrip(".") + "."
    default = option.get_help_extra(ctx).get("default")
    return record[0], first, "" if default in (None, "(none)", "(off)") else f"  [default: {default}]"


def name_value(param: click.Parameter) -> None:
    """Let the help call a number N or X, not INTEGER RANGE."""
    if param.metavar is None and isinstance(param, click.Option) and not param.is_flag:
        if isinstance(param.type, NumberOrAll):
            param.metavar = "N|all"
        elif isinstance(param.type, click.types.IntParamType):
            param.metavar = "N"
        elif isinstance(param.type, click.types.FloatParamType):
            param.metavar = "X"
