"""What several commands share: options, grouped help."""

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from w2vfast.training.config import LIMITS, TrainConfig

F = TypeVar("F", bound=Callable[..., Any])


class GroupedCommand(click.Command):
    """A command whose help shows its options under headings, after its examples."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each group of options under its heading."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                heading = param.heading if isinstance(param, GroupedOption) else "Other options"
                groups.setdefault(heading, []).append(record)
        for heading in sorted(groups, key=lambda name: name == "Other options"):
            with formatter.section(heading):
                formatter.write_dl(groups[heading])


class GroupedOption(click.Option):
    """An option that stands under a heading of the help."""

    def __init__(self, *args: Any, heading: str = "Options", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heading = heading


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
    if name in LIMITS:
        kind: Any = int if "int" in str(spec.type) else float  # TrainConfig checks the limits
    else:
        kind = click.Choice(get_args(spec.type))
    return click.option(
        f"--{name.replace('_', '-')}", *names, name,
        cls=GroupedOption, heading=heading, help=help, type=kind, default=spec.default,
        show_default=default_text or True,
    )  # fmt: skip


def model_file_option(function: F) -> F:
    """Add ``-m/--model-file``."""
    return click.option(
        "-m", "--model-file", envvar="W2VFAST_MODEL", metavar="FILE",
        help="Model to ask; else $W2VFAST_MODEL, ./model.w2v, the last one trained.",
    )(function)  # fmt: skip


def common_options(function: F) -> F:
    """Add ``-q``, ``--color`` and ``--debug``."""
    function = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")(
        function
    )
    return click.option("-q", "--quiet", is_flag=True, help="Errors only on stderr.")(function)
