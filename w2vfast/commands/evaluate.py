"""``w2vfast evaluate``: accuracy on analogies and word similarities."""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Literal

import click

from w2vfast.commands import output
from w2vfast.commands.asking import open_model
from w2vfast.commands.help import GroupedCommand, NumberOrAll
from w2vfast.commands.options import common_options
from w2vfast.model.evaluate import LoadedTest, Score, read_test
from w2vfast.model.evaluate import evaluate as score
from w2vfast.system.places import short_names

_COLUMNS = ("model", *(field.name for field in dataclasses.fields(Score)))


@click.command(cls=GroupedCommand, essential="-m --top --case-sensitive --method --table --tsv --json")
@click.argument("tests", nargs=-1, required=True)
@click.option("-m", "--model-file", multiple=True, metavar="FILE",
              help="Vectors of any trainer; may be repeated. Else as for similar.")  # fmt: skip
@click.option("--top", type=NumberOrAll(), default=30_000, show_default=True,
              help="Ask analogies among so many words, the first of the vocabulary.")  # fmt: skip
@click.option("--case-sensitive", is_flag=True, help="Letter case matters.")
@click.option("--method", type=click.Choice(["add", "mul"]), default="add", show_default=True,
              help="Analogies by 3CosAdd or 3CosMul.")  # fmt: skip
@click.option("--table", "form", flag_value="table", help="Models side by side; the default on a terminal.")
@click.option("--tsv", "form", flag_value="tsv", help="Columns with tabs between; the default in a pipe.")
@click.option("--json", "form", flag_value="json", help="One JSON object a score and line.")
@click.option("--header", is_flag=True, help="Begin the TSV with the names of its columns.")
@common_options
def evaluate(
    tests: tuple[str, ...], model_file: tuple[str, ...], top: int | str, case_sensitive: bool,
    method: Literal["add", "mul"], form: str | None, header: bool, quiet: bool,
) -> int:  # fmt: skip
    """Score models on TESTS: files of analogies or similarities.

    Analogies: ": section" and lines of four words. Similarities: lines of two words and a number.

    \b
    w2vfast evaluate questions-words.txt wordsim353.tsv
    w2vfast evaluate simlex999.tsv -m one.w2v -m glove.6B.100d.txt --table

    Columns: model, test, section, score (%), its 95 % interval (Wilson's; of correlations by 1,000 resamples),
    correct answers, questions asked, skipped for an unknown word. Exit code 1 if none was asked.
    """
    form = form or ("table" if sys.stdout.isatty() else "tsv")
    limit = None if top == "all" else int(top)
    if limit is not None and limit < 1:
        raise click.BadParameter("must be at least 1", param_hint="'--top'")
    results: dict[str, list[Score]] = {}
    loaded = [LoadedTest(Path(test).stem, read_test(test)) for test in tests]
    if not quiet:
        among = "all words" if limit is None else f"the {limit:,} first words"
        output.note(f"analogies among {among}; letter case {'matters' if case_sensitive else 'is ignored'}")
    names: list[str | None] = [*dict.fromkeys(model_file)] or [os.environ.get("W2VFAST_MODEL") or None]
    for name, shown in zip(names, short_names([name or "model" for name in names], with_suffix=True), strict=True):
        model = open_model(name, quiet=quiet)
        results[shown] = [
            line for test in loaded
            for line in score(model, test, top=limit, fold_case=not case_sensitive, method=method)
        ]  # fmt: skip
    if form == "table":
        output.write(_table(results))
    else:
        if header and form == "tsv":
            output.write(output.as_row(_COLUMNS))
        for name, lines in results.items():
            for line in lines:
                values = {"model": name, **dataclasses.asdict(line)}
                output.write(
                    json.dumps(values) + "\n" if form == "json" else output.as_row(values.values(), digits=2)
                )
    return int(not any(line.total for lines in results.values() for line in lines))


def _table(results: dict[str, list[Score]]) -> str:
    """Return a table with a column for each model: score, interval, questions asked."""
    rows = [["test", "section", *map(output.printable, results)]]
    for lines in zip(*results.values(), strict=True):
        cells = [
            "-" if s.score is None else f"{s.score:.1f} [{s.low:.1f}, {s.high:.1f}] of {s.total:,}" for s in lines
        ]
        rows.append([output.printable(lines[0].test), output.printable(lines[0].section), *cells])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(text) + "\n"
