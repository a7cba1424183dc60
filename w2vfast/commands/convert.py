"""``w2vfast convert``: from one file of vectors to another."""

from pathlib import Path
from typing import Any

import click
import numpy as np

from w2vfast.commands import output as out
from w2vfast.commands.help import GroupedCommand
from w2vfast.commands.options import common_options
from w2vfast.corpus.wordlists import read_names
from w2vfast.errors import UsageError
from w2vfast.model.formats.registry import FOLDERS, FORMATS, NARROW, format_of, open_vectors, write_vectors
from w2vfast.model.formats.select import Selection
from w2vfast.model.vectors import reading
from w2vfast.system.places import real_path
from w2vfast.system.staging import Staging
from w2vfast.training.outputs import refuse_input_as_output
from w2vfast.wording import counted


@click.command(cls=GroupedCommand, essential="-o --format --top --keep-words --normalize --float16 --space-char")
@click.argument("vectors")
@click.option(
    "-o", "--output", required=True, metavar="FILE", help="File or folder to write; - is standard output."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    metavar="NAME",
    show_default="by its name",
    help="Of the output.",
)
@click.option("--top", type=click.IntRange(1), metavar="N", help="The first N words only.")
@click.option("--keep-words", metavar="FILE", help="These words only, one a line.")
@click.option("--normalize", is_flag=True, help="Scale each vector to length 1.")
@click.option("--float16", is_flag=True, help="Half the digits: numbers rounded to 16 bits.")
@click.option("--space-char", metavar="CHAR", help="Replace white space in words, which most formats cannot hold.")
@click.option("--allow-nonfinite", is_flag=True, help="Let NaN and infinity of other trainers' files pass.")
@common_options
def convert(
    vectors: str, output: str, form: Any, float16: bool, keep_words: str | None, allow_nonfinite: bool,
    quiet: bool, **selection: Any,
) -> None:  # fmt: skip
    """Convert VECTORS from one format to another.

    VECTORS may be of any trainer; their format is told by their bytes. Some rows at a time are in memory.

    \b
    w2vfast convert model.w2v -o vectors.txt    text, for gensim and spaCy
    w2vfast convert glove.6B.100d.txt -o glove.w2v --top 100000
    w2vfast convert model.w2v -o projector --format tensorboard

    Reads and writes w2v, txt and bin (word2vec; .vec, .gz), glove, jsonl, sqlite, and the folders npy (with
    words.txt), tensorboard and hf. Text gives back every bit.
    """
    if selection["space_char"] is not None:
        out.check_text(selection["space_char"], "--space-char")
    form = form or ("txt" if output == "-" else format_of(output))
    if form in ("w2v", "bin", "sqlite"):
        out.refuse_terminal(output)
    if float16 and form not in NARROW:
        raise UsageError(f"{form} holds 32-bit numbers only; --float16 goes with {', '.join(NARROW)}")
    refuse_input_as_output([], output, files=(vectors, keep_words))
    if any(name and Path(real_path(output)) in Path(real_path(name)).parents for name in (vectors, keep_words)):
        raise UsageError(f"the output {output} holds the input")
    selected = Selection(words=None if keep_words is None else read_names(keep_words), **selection)
    with (
        Staging(output, files=FOLDERS.get(form, ())) as staging,
        reading(vectors) as place,
        open_vectors(place, allow_nonfinite=allow_nonfinite) as stream,
    ):
        wanted = selected.of(stream)
        packed, dtype = output.lower().endswith(".gz"), np.float16 if float16 else np.float32
        staging.write(lambda path: write_vectors(path, wanted, form, packed=packed, dtype=dtype), None)
    if not quiet:
        for text in stream.notes:
            out.note(f"warning: {text}")
        if selected.n_missing:
            out.note(f"{counted(selected.n_missing, 'word')} of {keep_words} not in the vocabulary")
        out.note(f"{counted(selected.n_words, 'word')} x {wanted.dim}: {staging.name}")
