"""``w2vfast plot``: maps of words and curves of the loss."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import click

from w2vfast.commands import output as out
from w2vfast.commands.asking import MOST_SEED, as_word, open_model
from w2vfast.commands.help import GroupedCommand
from w2vfast.commands.options import common_options, model_file_option
from w2vfast.corpus.wordlists import read_names
from w2vfast.errors import UsageError
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.locate import find_model
from w2vfast.pictures.charts import draw_loss, draw_map, read_log, require_matplotlib
from w2vfast.pictures.webpage import webpage
from w2vfast.pictures.wordmap import make_map
from w2vfast.system.staging import Staging

_FORMS = ("html", "png", "svg")
_TOP = {"html": 20_000, "png": 300, "svg": 300}


@click.command(cls=GroupedCommand, essential="-o --top --words --near --layout --classes --color-by -m")
@click.argument("what", nargs=-1, metavar="[loss LOG]")
@model_file_option
@click.option("-o", "--output", metavar="FILE", default=None,
              show_default="map.html, loss.svg", help="Picture: .html, .png, .svg.")  # fmt: skip
@click.option("--top", type=click.IntRange(1), metavar="N", default=None,
              show_default="20,000 for HTML, else 300", help="The first N words.")  # fmt: skip
@click.option("--words", metavar="FILE", help="These words instead, one a line.")
@click.option("--near", metavar="WORD", multiple=True, help="The nearest words of WORD instead; may be repeated.")
@click.option("--layout", "method", type=click.Choice(["pca", "tsne", "umap"]), default="pca", show_default=True,
              help="How vectors become points; t-SNE and UMAP are extras.")  # fmt: skip
@click.option("--classes", type=click.IntRange(1), default=20, show_default=True, help="Classes, for the colours.")
@click.option("--color-by", type=click.Choice(["class", "frequency", "none"]), default="class", show_default=True,
              help="Of the points of a PNG or SVG.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, MOST_SEED), default=1, show_default=True, help="Of all draws.")
@common_options
def plot(
    what: tuple[str, ...], model_file: str | None, output: str | None, method: Literal["pca", "tsne", "umap"],
    classes: int, color_by: str, seed: int, quiet: bool, **choice: Any,
) -> None:  # fmt: skip
    """Draw a map of words, or the loss of a run.

    An HTML map is one file for any browser, without a network: move, zoom, search, click a word for its
    neighbours. PNG and SVG need: pip install 'w2vfast[plot]'.

    \b
    w2vfast plot
    w2vfast plot -o king.png --near king --top 50
    w2vfast plot loss log.jsonl -o loss.svg       of train --log-json log.jsonl
    """
    if what and (len(what) != 2 or what[0] != "loss"):
        shown = " ".join(what)
        raise UsageError(f"{shown!r} cannot be drawn. Examples: w2vfast plot; w2vfast plot loss log.jsonl")
    target = ("loss.svg" if what else "map.html") if output is None else output
    form = form_of(target, _FORMS[1:] if what else _FORMS)
    if what:
        rows = read_log(what[1])
        with Staging(target) as staging:
            write_picture(staging, lambda path: draw_loss(rows, path, form), quiet=quiet)
        return
    model = open_model(model_file, quiet=quiet)
    ids = _chosen(model, top=choice["top"] or _TOP[form], words=choice["words"], near=choice["near"])
    title = f"Words near {', '.join(choice['near'])}" if choice["near"] else find_model(model_file).path.name
    title = os.fsencode(title).decode("utf-8", "replace")
    word_map = make_map(model, ids, title=title, method=method, n_classes=classes, seed=seed)

    def draw(path: Path) -> str:
        if form != "html":
            return draw_map(word_map, path, form, color=color_by)
        path.write_bytes(webpage(word_map).encode())
        return ""

    with Staging(target) as staging:
        write_picture(staging, draw, quiet=quiet)


def form_of(target: str, forms: Sequence[str] = _FORMS[1:]) -> str:
    """Return the form that a picture's name asks for, if it can be drawn.

    Raises
    ------
    UsageError
        It is none of ``forms``, or Matplotlib is missing.
    """
    form = Path(target).suffix.lower().removeprefix(".")
    if form not in forms:
        raise UsageError(f"a picture's name ends in {' or '.join(f'.{f}' for f in forms)}, not {target}")
    if form != "html":
        require_matplotlib()
    return form


def write_picture(staging: Staging, draw: Callable[[Path], str], *, quiet: bool) -> None:
    """Put a picture in place, and say what ``draw`` returns."""
    said: list[str] = []
    staging.write(lambda path: said.append(draw(path)), None)
    if not quiet:
        for text in filter(None, said):
            out.note(f"warning: {text}")
        out.note(f"wrote {staging.name}")


def _chosen(model: Embeddings, *, top: int, words: str | None, near: tuple[str, ...]) -> list[int]:
    """Return the numbers of the words of a map."""
    if words is not None and near:
        raise UsageError("--words and --near exclude each other")
    if words is not None:
        wanted = read_names(words)
        ids = sorted(i for i in model.vocab.find(sorted(wanted)) if i is not None)[:top]
        if not ids:
            raise UsageError(f"none of the words of {words} is in the vocabulary")
        return ids
    if near:
        given = [as_word(word) for word in near]
        if unknown := [w for w, i in zip(given, model.vocab.find(given), strict=True) if i is None]:
            raise UsageError(f"{unknown[0]!r} is not in the vocabulary")
        answers = model.neighbours(given, k=max(1, top // len(given)))
        found = {word for answer in answers for word, _ in answer} | set(given)
        return sorted(model.ids(sorted(found)))
    return list(range(min(top, len(model))))
