"""``w2vfast convert``: from one file of vectors to another."""

import sys
from pathlib import Path

import click
import numpy as np

from w2vfast.commands import output as out
from w2vfast.commands.options import GroupedCommand, common_options
from w2vfast.corpus.wordlists import read_words
from w2vfast.errors import UsageError
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.export import format_of, write_vectors
from w2vfast.system.staging import Staging
from w2vfast.vocab import Vocab


@click.command(cls=GroupedCommand)
@click.argument("vectors")
@click.option("-o", "--output", required=True, metavar="FILE", help="File to write; - is standard output.")
@click.option("--format", "form", type=click.Choice(["w2v", "txt", "bin", "glove"]),
              help="w2vfast; word2vec text, binary; no header.  [default: by the output's name]")  # fmt: skip
@click.option("--top", type=click.IntRange(1), metavar="N", help="The first N words only.")
@click.option("--keep-words", metavar="FILE", help="These words only, one a line.")
@click.option("--normalize", is_flag=True, help="Scale each vector to length 1.")
@click.option(
    "--space-char", metavar="CHAR", help="Replace white space in words, which other formats cannot hold."
)
@common_options
def convert(
    vectors: str, output: str, form: str | None, top: int | None, keep_words: str | None, normalize: bool,
    space_char: str | None, quiet: bool,
) -> None:  # fmt: skip
    """Convert VECTORS, a model of w2vfast or of another trainer, told by its bytes.

    Reads word2vec text and binary, GloVe and fastText .vec files, gzipped or not. Text gives back every bit.

    \b
    w2vfast convert model.w2v -o vectors.txt
    w2vfast convert glove.6B.100d.txt -o glove.w2v --top 100000
    """
    chosen = form or ("txt" if output == "-" else format_of(output))
    if output == "-" and chosen in ("w2v", "bin") and sys.stdout.isatty():
        raise UsageError("refusing to write binary to a terminal; use -o FILE or a pipe")
    with Staging(output) as staging:
        if Path(vectors).exists() and staging.target.exists() and staging.target.samefile(vectors):
            raise UsageError(f"the output {staging.name} is the input")
        model = Embeddings.load(vectors)
        if not quiet:
            for text in model.notes:
                out.note(f"warning: {text}")
        contents = _selected(model, top, keep_words, normalize, space_char)
        packed = output.lower().endswith(".gz") and chosen != "w2v"
        staging.write(lambda path: write_vectors(path, contents, chosen, packed=packed), None)  # type: ignore[arg-type]
    if not quiet:
        out.note(f"{len(contents.vocab):,} words x {contents.vectors.shape[1]}: {staging.name}")


def _selected(
    model: Embeddings, top: int | None, keep_words: str | None, normalize: bool, space_char: str | None
) -> Contents:
    """Return what is to be written."""
    wanted = read_words(keep_words) if keep_words else None
    rows = [i for i, word in enumerate(model.vocab.words) if wanted is None or word in wanted][:top]
    if not rows:
        raise UsageError("none of the words is in the vocabulary")
    everything = len(rows) == len(model)
    vectors = model.vectors if everything else model.vectors[rows]
    words = model.vocab.words if everything else [model.vocab.words[i] for i in rows]
    if normalize:
        vectors = vectors / (model.norms if everything else model.norms[rows])[:, None]
    if space_char is not None:
        words = [space_char.join(word.split()) if word.split() != [word] else word for word in words]
        if len(set(words)) != len(words) or "" in words:
            raise UsageError("replacing white space made two words equal, or one empty")
    context = None if model.context is None or normalize else model.context if everything else model.context[rows]
    return Contents(vectors, Vocab(words, model.vocab.counts[np.array(rows)]), context, model.params)
