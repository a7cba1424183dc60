"""``w2vfast similar``: the nearest words of words."""

import io
import os
import sys
from collections.abc import Iterator
from typing import cast

import click

from w2vfast.commands import output
from w2vfast.commands.options import GroupedCommand, common_options, model_file_option
from w2vfast.errors import UsageError
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.locate import find_model

_READ_BYTES = 1 << 16


@click.command(cls=GroupedCommand)
@click.argument("words", nargs=-1)
@model_file_option
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="Neighbours a word.")
@click.option("--tsv", "form", flag_value="tsv", help="query, word, score by tabs; the default in a pipe.")
@click.option("--json", "form", flag_value="json", help="One JSON object a query and line.")
@click.option("--header", is_flag=True, help="Begin the TSV with a line of column names.")
@click.option("--skip-missing", is_flag=True, help="Unknown words are no error.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True,
              help="Colour on a terminal.")  # fmt: skip
@common_options
def similar(
    words: tuple[str, ...], model_file: str | None, k: int, form: str | None, header: bool, skip_missing: bool,
    color: str, quiet: bool,
) -> int:  # fmt: skip
    """Show the nearest words of each of WORDS, by cosine similarity.

    "-", or no words and a pipe, reads one word a line from standard input.

    \b
    w2vfast similar king
    w2vfast similar king queen paris -k 20
    cat words.txt | w2vfast similar - -m model.w2v > neighbours.tsv
    w2vfast similar -- -ing        a word that begins with a dash
    """
    from_stdin = words == ("-",) or (not words and not sys.stdin.isatty())
    if not words and not from_stdin:
        raise UsageError("no word given. Example: w2vfast similar king")
    located = find_model(model_file)
    model = Embeddings.load(located.path, with_context=False)
    if not quiet:
        for text in model.notes:
            output.note(f"warning: {text}")
    if not located.named and not quiet:
        output.note(f"using {_shown(located.path)} ({len(model):,} words x {model.dim})")
    form = form or ("table" if sys.stdout.isatty() else "tsv")
    if header and form == "tsv":
        output.write("query\tword\tscore\n")
    colored, n_answered, all_known = output.wants_color(color), 0, True
    for batch in _batches_of_stdin() if from_stdin else [[_as_word(os.fsencode(word)) for word in words]]:
        known = [word for word in batch if word in model]
        for word in batch:
            if word not in model:
                _say_unknown(word, model)
                all_known = all_known and skip_missing
        for word, results in zip(known, model.neighbours(known, k=k), strict=True):
            if form == "table":
                output.write(output.as_table(word, results, color=colored, is_first=n_answered == 0))
            else:
                output.write((output.as_json if form == "json" else output.as_tsv)(word, results))
            n_answered += 1
        output.flush()
    return 0 if all_known else 1


def _batches_of_stdin() -> Iterator[list[str]]:
    """Yield the lines that have arrived, as soon as they have; empty lines are no queries."""
    stream, rest = cast(io.BufferedReader, sys.stdin.buffer), b""
    while block := stream.read1(_READ_BYTES):
        *lines, rest = (rest + block).split(b"\n")
        yield [line for line in map(_as_word, lines) if line]
    if word := _as_word(rest):
        yield [word]


def _as_word(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape").strip()


def _shown(path: object) -> str:
    text = str(path)
    return text if text.startswith("/") else f"./{text}"


def _say_unknown(word: str, model: Embeddings) -> None:
    close = model.vocab.close_to(word)
    hint = f"; close: {', '.join(map(output.printable, close))}" if close else ""
    output.note(f"'{output.printable(word)}' is not in the vocabulary{hint}")
