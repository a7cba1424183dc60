"""The command line: commands are loaded when used, errors become exit codes here and nowhere else."""

import contextlib
import errno
import faulthandler
import importlib
import os
import platform
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NoReturn, TextIO

import click
from click.shell_completion import shell_complete

from w2vfast import __version__
from w2vfast.commands.help import help_all_option, shows_all, write_end, write_text
from w2vfast.commands.output import printable
from w2vfast.errors import Interrupted, OutputError, W2vfastError
from w2vfast.system.signals import die_of, stop_signals_raise
from w2vfast.system.streams import mend_streams

PROGRAM = "w2vfast"
ISSUES_URL = "https://github.com/w2vfast/w2vfast/issues"
#: In the order of a first day's use.
_GROUPS = {
    "train": ("train", "cooccur", "demo"),
    "ask": ("similar", "analogy", "expr", "odd", "distance", "rank", "vector", "predict"),
    "judge": ("evaluate", "cluster", "plot", "info", "gradcheck"),
    "prepare": ("vocab", "phrases", "encode", "plan", "doctor"),
    "move": ("convert",),
    "clusters": ("cluster-check",),
}
_COMMANDS = tuple(command for commands in _GROUPS.values() for command in commands)
_SHOWN_NAME = 60  # characters of a name that is too long
_COMPLETE_VARIABLE = "_W2VFAST_COMPLETE"
_WRITE_ERRORS = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.ENOTDIR, errno.EIO, errno.EBADF,
}  # fmt: skip


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is asked for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(help_all_option())

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in _COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f"w2vfast.commands.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may be meant."""
        if args[0] not in _COMMANDS and (close := get_close_matches(args[0], _COMMANDS, 1)):
            raise click.UsageError(f"No such command '{args[0]}'. Did you mean '{close[0]}'?", ctx)
        return super().resolve_command(ctx, args)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the program does, and how."""
        write_text(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands' names, or what each does."""
        if shows_all(ctx):
            super().format_commands(ctx, formatter)
        else:
            with formatter.section("Commands"):
                formatter.write_dl([(purpose, ", ".join(names)) for purpose, names in _GROUPS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes, or where the rest is told."""
        write_end(ctx, formatter)


def _print_version(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version  # slow to import

        click.echo(
            f"{PROGRAM} {__version__} (numba {version('numba')}, numpy {version('numpy')}, "
            f"Python {platform.python_version()})"
        )
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version,
              help="Show the versions of w2vfast, numba, numpy and Python.")  # fmt: skip
def cli() -> None:
    """Train word vectors fast, and ask them questions.

    \b
    w2vfast train corpus.txt --model sg --neg 5    writes model.w2v
    w2vfast similar king                           its nearest words
    w2vfast plot                                   a map of all words, map.html

    Results go to standard output, everything else to standard error. The model asked is that of -m FILE, of
    $W2VFAST_MODEL, ./model.w2v, or the last one trained. In bash, words and options are completed after
    eval "$(_W2VFAST_COMPLETE=bash_source w2vfast)"; zsh and fish have zsh_source and fish_source.
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with the exit code of the contract."""
    mend_streams()
    with contextlib.suppress(OSError, ValueError, RuntimeError, AttributeError):  # no standard error
        faulthandler.enable()
    arguments = list(sys.argv[1:] if args is None else args)
    if instruction := os.environ.get(_COMPLETE_VARIABLE):
        sys.exit(shell_complete(cli, {}, PROGRAM, _COMPLETE_VARIABLE, instruction))
    try:
        with stop_signals_raise():
            code = _run(arguments)
            sys.stdout.flush()
    except Interrupted as stop:
        die_of(stop.signal_number)
    except BrokenPipeError as error:
        for text in getattr(error, "__notes__", ()):
            _complain(text)
        _drop(sys.stdout)
        die_of(signal.SIGPIPE)
    except Exception as error:
        code = _report(error, arguments)
    _exit(code)


def _run(arguments: list[str]) -> int:
    """Run a command and return its exit code. Click's own ``main`` would hide Ctrl-C and closed pipes."""
    try:
        if not arguments:
            click.echo(cli.get_help(click.Context(cli, info_name=PROGRAM)), err=True)
            return 2
        with cli.make_context(PROGRAM, arguments) as ctx:
            result = cli.invoke(ctx)
            return result if isinstance(result, int) else 0
    except click.exceptions.Exit as done:
        return done.exit_code


def _report(error: Exception, arguments: Sequence[str] = ()) -> int:
    """Say in one line what went wrong; return the exit code."""
    if "--debug" in arguments:
        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        text = re.sub(r"\((Did you mean .*\?)\)$", r"\1", error.format_message().rstrip("."))
        if isinstance(error, click.UsageError) and error.ctx is not None:
            text += f"{'' if text.endswith('?') else '.'} Try: {error.ctx.command_path} --help"
        _complain(text)
        return 2
    if isinstance(error, W2vfastError):
        _complain(str(error))
        return error.exit_code
    if isinstance(error, MemoryError):
        trains = arguments[:1] in (["train"], ["cooccur"])
        _complain("not enough memory" + ". Use a smaller --dim or a larger --min-count" * trains)
        return 6
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        _complain(f"a file name is too long: {os.fsdecode(error.filename or '')[:_SHOWN_NAME]}...")
        return 2
    if isinstance(error, OSError) and error.errno in _WRITE_ERRORS:
        _complain(f"cannot write: {error.strerror}")
        return 4
    with tempfile.NamedTemporaryFile("w", prefix="w2vfast-", suffix=".txt", delete=False) as file:
        traceback.print_exception(error, file=file)
    _complain(f"internal error: {error!r}. Traceback in {file.name}; please report it: {ISSUES_URL}")
    return 70


def _complain(text: str) -> None:
    line = f"{PROGRAM}: error: {printable(' '.join(text.split()))}\n"
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.buffer.write(line.encode("utf-8", "backslashreplace"))
        sys.stderr.flush()


def _drop(stream: TextIO) -> None:
    """Point a stream at nothing, so that Python's last flush finds no closed pipe."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _exit(code: int) -> NoReturn:
    """End the process; data that cannot be flushed is a write error, not a traceback."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop(sys.stdout)
        die_of(signal.SIGPIPE)
    except OSError as error:
        _drop(sys.stdout)
        if code != OutputError.exit_code:  # else it has been reported
            code = _report(error)
    try:
        sys.stderr.flush()
    except OSError:  # nobody reads the notes: no reason to fail
        _drop(sys.stderr)
    sys.exit(code)
