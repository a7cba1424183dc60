"""``w2vfast doctor``: what may be wrong with a text."""

import dataclasses
import json

import click

from w2vfast.commands import output
from w2vfast.commands.help import GroupedCommand
from w2vfast.commands.options import common_options, config_option
from w2vfast.corpus.doctor import MOST_BYTES, examine
from w2vfast.corpus.sources import find_sources
from w2vfast.training.monitor import human
from w2vfast.wording import counted


@click.command(cls=GroupedCommand, essential="--dim --json")
@click.argument("corpus", nargs=-1, required=True)
@config_option("dim", "Model", "Vector size that is to be trained.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object for each finding.")
@common_options
def doctor(corpus: tuple[str, ...], dim: int, as_json: bool, quiet: bool) -> None:
    """Look for trouble in the text of CORPUS.

    Markup, broken encoding, lines of one word, duplicates, stuck punctuation. The first 32 MiB are examined.
    Each finding comes with an example and what helps.

    \b
    w2vfast doctor corpus.txt
    """
    findings, n_bytes = examine(find_sources(corpus), dim)
    for finding in findings:
        if as_json:
            output.write(json.dumps(dataclasses.asdict(finding)) + "\n")
            continue
        example = f"  example: {output.printable(finding.example)}\n" if finding.example else ""
        output.write(f"{finding.what}\n{example}  what helps: {finding.remedy}\n")
    if not quiet:
        found = counted(len(findings), "finding") if findings else "no trouble found"
        part = "the first " if n_bytes >= MOST_BYTES else ""
        output.note(f"{found} in {part}{human(n_bytes, 'B')}")
