"""``w2vfast cluster``: words in classes."""

import json
from collections.abc import Iterable, Iterator

import click
import numpy as np
from numpy.typing import NDArray

from w2vfast.commands import output
from w2vfast.commands.asking import MOST_SEED, open_model
from w2vfast.commands.help import GroupedCommand
from w2vfast.commands.options import common_options, model_file_option
from w2vfast.model.cluster import spherical_kmeans
from w2vfast.model.query import unit_rows
from w2vfast.vocab import Vocab

_N_WORDS, _N_CLASSES = 10, 20


@click.command(cls=GroupedCommand, essential="-k --top --summary --json --seed -m")
@model_file_option
@click.option("-k", "--classes", "k", type=click.IntRange(min=1), help="Classes.",
              show_default="20, or all words")  # fmt: skip
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="The first N words only.")
@click.option("--seed", type=click.IntRange(0, MOST_SEED), default=1, show_default=True, help="Of the draws.")
@click.option("--summary", is_flag=True, help="Classes: number, size, mean cosine, words at the center.")
@click.option("--json", "as_json", is_flag=True, help="JSON objects instead of TSV.")
@click.option("--header", is_flag=True, help="Begin the TSV with the names of its columns.")
@common_options
def cluster(
    model_file: str | None,
    k: int | None,
    top: int | None,
    seed: int,
    summary: bool,
    as_json: bool,
    header: bool,
    quiet: bool,
) -> None:
    """Put the words of a model into classes.

    Spherical k-means; prints word and class, 0 being the largest.

    \b
    w2vfast cluster -k 500 > classes.tsv
    w2vfast cluster -k 50 --summary
    w2vfast cluster -k 50 | awk -F'\\t' '$2 == 7 {print $1}'
    """
    model = open_model(model_file, quiet=quiet)
    vectors = model.vectors[:top]
    k = k or min(_N_CLASSES, len(vectors))
    if k > len(vectors):
        raise click.BadParameter(f"there are only {len(vectors):,} words", param_hint="'-k'")
    labels, centers = spherical_kmeans(vectors, k, seed=seed)
    columns: tuple[str, ...] = ("word", "class")
    rows: Iterable[tuple[object, ...]] = zip(model.vocab, labels.tolist(), strict=False)
    if summary:
        columns = ("class", "size", "mean_cosine", "words")
        rows = _summary(vectors, labels, centers, model.vocab)
    if header and not as_json:
        output.write(output.as_row(columns))
    for row in rows:
        values = dict(zip(columns, row, strict=True))
        output.write(json.dumps(values) + "\n" if as_json else output.as_row(row, digits=4))


def _summary(
    vectors: NDArray[np.float32], labels: NDArray[np.int32], centers: NDArray[np.float32], vocab: Vocab
) -> Iterator[tuple[int, int, float | None, list[str]]]:
    """Yield number, size, mean cosine to the center (None: no words), and the words nearest to it."""
    for number, center in enumerate(centers):
        ids = np.flatnonzero(labels == number)
        cosines = unit_rows(vectors[ids]) @ center
        nearest = ids[np.argsort(-cosines, kind="stable")[:_N_WORDS]]
        yield number, len(ids), float(cosines.mean()) if ids.size else None, [vocab[i] for i in nearest]
