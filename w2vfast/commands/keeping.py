"""How ``train`` keeps a run: what it goes on from, and the command that goes on with it."""

import math
import os
import re
import shlex
from typing import Any

import click

from w2vfast.commands.output import refuse_stdin_twice
from w2vfast.commands.workers import Cluster
from w2vfast.corpus.wordlists import read_words
from w2vfast.errors import UsageError
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.evaluate import LoadedTest, read_test
from w2vfast.system.places import checkpoint_of, short_names
from w2vfast.training.continued import Base
from w2vfast.training.run import Keeping

#: What a resumed run needs to be told again: no checkpoint has it. Parameter -> option.
_REPEATED = {
    "output": "-o", "base": "--from", "freeze": "--freeze", "log_json": "--log-json", "tests": "--eval",
    "plot_loss": "--plot-loss", "save_vocab": "--save-vocab", "checkpoint_every": "--checkpoint-every",
    "no_context": "--no-context", "no_clobber": "--no-clobber", "force": "--force", "workers": "--workers",
    "replicas": "--replicas", "rounds": "--rounds", "checkpoint": "--checkpoint",
}  # fmt: skip


def is_given(ctx: click.Context, name: str) -> bool:
    """Tell whether a parameter stands on the command line."""
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def make_keeping(ctx: click.Context, cluster: Cluster) -> Keeping:
    """Return how the run of a command line is kept; its model, words and tests are read and checked.

    Raises
    ------
    UsageError
        A file cannot be read, or options do not go together.
    """
    params = ctx.params
    base, freeze, output = params["base"], params["freeze"], params["output"]
    if cluster.resume and output == "-":
        raise UsageError("--resume needs -o FILE: the checkpoint lies beside it")
    if freeze is not None and base is None:
        raise UsageError("--freeze needs --from MODEL: only its words have vectors to keep")
    if base is not None and params["like"] is not None:
        raise UsageError("--like has no effect with --from, whose options hold; give one of them")
    refuse_stdin_twice(freeze, *params["corpus"])
    if math.isnan(params["checkpoint_every"]):  # no limit of click's excludes it
        raise UsageError("--checkpoint-every needs a number of minutes, not nan")
    for name in ("vocab", "keep_words", "drop_words", "like"):
        if cluster.resume and params[name] is not None:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} has no effect with --resume: the run has its words and options already")
    names = short_names(params["tests"])
    tests = tuple(LoadedTest(name, read_test(test)) for name, test in zip(names, params["tests"], strict=True))
    resumed = None
    if cluster.resume and cluster.workers is None:
        from w2vfast.training.checkpoint import Saved

        resumed = Saved(checkpoint_of(output))
    began = None if base is None else Base(Embeddings.load(base), base)
    frozen = frozenset[str]() if freeze is None or began is None else read_words(freeze) & began.words
    return Keeping(
        resumed, resume_command(ctx), 60 * params["checkpoint_every"], base=began, tests=tests,
        frozen=frozen, with_context=not params["no_context"],
        replaces=not params["no_clobber"], force=params["force"],
    )  # fmt: skip


def resume_command(ctx: click.Context) -> str:
    """Return the command that goes on with the run of a command line."""
    again: list[Any] = []
    for name in filter(lambda name: is_given(ctx, name), _REPEATED):
        value, option = ctx.params[name], _REPEATED[name]
        values = value if isinstance(value, tuple) else (value,)
        again += [option] if value is True else [part for one in values for part in (option, one)]
    corpus = ctx.params["corpus"]
    are_dashed = any(re.match("-.", name) for name in corpus)  # such a name would be taken for an option
    parts = [*again, "--resume", "--", *corpus] if are_dashed else [*corpus, *again, "--resume"]
    command = " ".join(_quoted(str(part)) for part in ("w2vfast", "train", *parts))
    return f"... | {command}" if "-" in corpus else command


def _quoted(text: str) -> str:
    """Return a word as a shell takes it; what cannot be printed byte by byte."""
    if not text or text.isprintable():
        return shlex.quote(text)
    octets = os.fsencode(text).decode("latin-1")
    escaped = re.sub(r"[^\w/.-]", lambda m: f"\\x{ord(m[0]):02x}", octets, flags=re.ASCII)
    return f"$'{escaped}'"
