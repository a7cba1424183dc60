"""``w2vfast info``: what a file of vectors holds, where it comes from, how healthy it is."""

import dataclasses
import json
from typing import Any

import click

from w2vfast.commands import output
from w2vfast.commands.help import GroupedCommand
from w2vfast.commands.options import common_options, model_file_option
from w2vfast.errors import UsageError
from w2vfast.model.card import model_card
from w2vfast.model.formats.registry import open_vectors
from w2vfast.model.health import complaints, examine
from w2vfast.model.locate import find_model
from w2vfast.model.vectors import reading

_TYPED = click.core.ParameterSource.COMMANDLINE


@click.command(cls=GroupedCommand, essential="--json --card -m")
@click.argument("vectors", required=False)
@model_file_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--card", is_flag=True, help="A model card: a README with front matter.")
@common_options
def info(vectors: str | None, model_file: str | None, as_json: bool, card: bool, quiet: bool) -> None:
    """Show what a file of vectors holds, and its health.

    VECTORS may be of any trainer; without a file, the model that similar would ask is shown. Reads all of it
    and verifies the checksums of w2vfast's own files.

    \b
    w2vfast info model.w2v
    w2vfast info glove.6B.100d.txt --json
    w2vfast info model.w2v --card > README.md
    """
    if vectors is not None and click.get_current_context().get_parameter_source("model_file") is _TYPED:
        raise UsageError("give VECTORS or -m, not both")
    path = find_model(model_file if vectors is None else vectors).path
    with reading(path) as place, open_vectors(place, allow_nonfinite=True) as stream:
        health = examine(stream)
    if card:
        text = model_card(stream.params, stream.corpus, stream.generator or stream.kind)
        output.write("\n".join(map(output.printable, text.split("\n"))))
        return
    is_own = stream.kind == "w2vfast model"
    facts: dict[str, Any] = {
        "file": str(path), "format": stream.kind, "checksums": "verified" if is_own else "none",
        **dataclasses.asdict(health), "generator": stream.generator, "params": stream.params,
        "corpus": stream.corpus, "warnings": [*stream.notes, *complaints(health)],
    }  # fmt: skip
    output.write(json.dumps(facts) + "\n" if as_json else _as_text(facts))


def _as_text(facts: dict[str, Any]) -> str:
    """Return lines of names and values; those of a group are indented."""
    lines = []
    for name, value in facts.items():
        shown = name.replace("_", " ")
        if isinstance(value, dict):
            items = [f"  {output.printable(key)}: {_shown(item)}" for key, item in value.items()]
            lines += [f"{shown}:", *items] if items else []
        elif isinstance(value, list):
            lines += [f"warning: {output.printable(item)}" for item in value]
        elif value != "":
            lines.append(f"{shown}: {_shown(value)}")
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return output.printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
