"""Maps and curves as PNG or SVG, with Matplotlib (an extra), without a screen."""

import json
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import DataError, UsageError
from w2vfast.pictures.wordmap import WordMap

#: Fonts that have the letters which Matplotlib's own has not, in order of preference.
_FONTS = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans", "Source Han Sans", "WenQuanYi Zen Hei", "IPAexGothic",
    "Hiragino Sans", "PingFang SC", "Microsoft YaHei", "Malgun Gothic", "Noto Sans Arabic", "Noto Sans Hebrew",
    "Noto Sans Devanagari", "Noto Sans Thai", "Unifont",
)  # fmt: skip
_MAP_INCHES, _CURVE_INCHES, _DOTS_PER_INCH, _GAP_POINTS = (12, 9), (9, 5.5), 120, 4
_MOST_LETTERS = 40
#: Where a label may stand beside its point, in the order they are tried: direction and alignment.
_SIDES = (
    (1, 0, "left", "center"), (-1, 0, "right", "center"), (0, 1, "center", "bottom"), (0, -1, "center", "top"),
    (0.7, 0.7, "left", "bottom"), (-0.7, 0.7, "right", "bottom"), (0.7, -0.7, "left", "top"),
    (-0.7, -0.7, "right", "top"),
)  # fmt: skip


def require_matplotlib() -> None:
    """Make sure that pictures can be drawn.

    Raises
    ------
    UsageError
        Matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UsageError("plot needs: pip install 'w2vfast[plot]'") from None


def draw_map(word_map: WordMap, path: Path, form: str, *, color: str = "class") -> str:
    """Draw a map of words; of labels that would cover each other the rarer word's is left out.

    Parameters
    ----------
    word_map
        The words and their places.
    path
        The file to make.
    form
        "png" or "svg".
    color
        "class", "frequency" or "none".

    Returns
    -------
    str
        What the user should know about the picture, or "".

    Raises
    ------
    UsageError
        Matplotlib is not installed.
    """

    def draw(figure: Any) -> None:
        axes = figure.add_axes((0.01, 0.01, 0.98, 0.94))
        axes.set_axis_off()
        axes.set_aspect("equal", adjustable="datalim")
        figure.suptitle(_label(word_map.title), fontsize=13, parse_math=False)
        x, y = word_map.points.T
        values: Any = {"class": word_map.classes % 20, "frequency": np.log1p(word_map.ranks)}.get(color, "0.45")
        axes.scatter(x, y, s=9, c=values, cmap="tab20" if color == "class" else "plasma", linewidths=0, alpha=0.85)
        _add_labels(figure, axes, word_map)

    return _save(draw, path, form, _MAP_INCHES)


def _add_labels(figure: Any, axes: Any, word_map: WordMap) -> None:
    """Write each word beside its point where there is room, frequent ones first."""
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    pixels = axes.transData.transform(word_map.points)
    gap = _GAP_POINTS * figure.dpi / 72
    taken = np.column_stack((pixels - gap / 2, pixels + gap / 2))  # x0, y0, x1, y1 of the points
    frame = axes.get_window_extent()
    for i in np.argsort(word_map.ranks, kind="stable"):
        text = axes.text(0, 0, _label(word_map.words[i]), fontsize=8, parse_math=False, clip_on=False)
        size = text.get_window_extent(renderer)
        for dx, dy, horizontal, vertical in _SIDES:
            box = _box(pixels[i] + gap * np.array((dx, dy)), size.width, size.height, horizontal, vertical)
            inside = frame.x0 <= box[0] and box[2] <= frame.x1 and frame.y0 <= box[1] and box[3] <= frame.y1
            covered = np.flatnonzero(((taken[:, :2] < box[2:]) & (taken[:, 2:] > box[:2])).all(axis=1))
            if inside and set(covered.tolist()) <= {i}:
                text.set(
                    position=axes.transData.inverted().transform(box[:2]), horizontalalignment="left",
                    verticalalignment="bottom",
                )  # fmt: skip
                taken = np.vstack((taken, box))
                break
        else:
            text.remove()


def _box(
    anchor: NDArray[np.float64], width: float, height: float, horizontal: str, vertical: str
) -> NDArray[np.float64]:
    """Return the corners of a label, x0, y0, x1, y1."""
    left = anchor[0] - {"left": 0, "center": width / 2, "right": width}[horizontal]
    bottom = anchor[1] - {"bottom": 0, "center": height / 2, "top": height}[vertical]
    return np.array((left, bottom, left + width, bottom + height))


def draw_loss(rows: Sequence[tuple[float, float, float, int]], path: Path, form: str) -> str:
    """Draw the curves of loss and learning rate of a run.

    Parameters
    ----------
    rows
        Tokens trained on so far, mean loss of a pair, learning rate and epoch, at some moments.
    path, form
        The file to make, and "png" or "svg".

    Returns
    -------
    str
        What the user should know about the picture, or "".

    Raises
    ------
    UsageError
        Matplotlib is not installed.
    """
    tokens, loss, alpha, epochs = (np.array(column) for column in zip(*rows, strict=True))
    scale, unit = next(
        (s, u) for s, u in ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")) if tokens[-1] >= s or s == 1
    )

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        axes.plot(tokens / scale, loss, color="tab:blue", linewidth=1.8, marker="o" if len(rows) < 3 else "")
        axes.set_xlabel(f"tokens trained on ({unit}, all epochs)" if unit else "tokens trained on (all epochs)")
        axes.set_ylabel("mean loss of a pair", color="tab:blue")
        axes.grid(alpha=0.25)
        axes.margins(x=0.01)
        for place in np.flatnonzero(np.diff(epochs)):
            axes.axvline(tokens[place] / scale, color="0.6", linewidth=0.8, linestyle=":")
        rate = axes.twinx()
        rate.plot(tokens / scale, alpha, color="tab:orange", linewidth=1.2, linestyle="--")
        rate.set_ylabel("learning rate", color="tab:orange")
        rate.set_ylim(bottom=0)
        axes.set_title(f"Loss {loss[-1]:.3f} after {int(epochs[-1]):,} epochs; dotted lines end an epoch")
        figure.tight_layout()

    return _save(draw, path, form, _CURVE_INCHES)


def read_log(path: str | os.PathLike[str]) -> list[tuple[float, float, float, int]]:
    """Return tokens, loss, learning rate and epoch of each line of a log, but for the line that sums up.

    Raises
    ------
    UsageError
        It cannot be read.
    DataError
        A line is no record of a run, or there is none.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"cannot read {os.fspath(path)}: {error.strerror}") from None
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            if "scores" in row:
                continue
            values = float(row["tokens"]), float(row["loss"]), float(row["alpha"]), int(float(row["epoch"]))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise DataError(f"{os.fspath(path)}: line {number:,} is no record of train --log-json") from None
        if not row.get("done"):
            rows.append(values)
    if not rows:
        raise DataError(f"{os.fspath(path)} has no records of a run")
    return rows


def _label(text: str) -> str:
    """Return a text that can be drawn: no control characters, not too long."""
    plain = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return plain if len(plain) <= _MOST_LETTERS else plain[: _MOST_LETTERS - 1] + "\u2026"


def _save(draw: Callable[[Any], None], path: Path, form: str, inches: tuple[float, float]) -> str:
    """Draw a figure into a file; the same picture gives the same bytes."""
    require_matplotlib()
    import matplotlib
    from matplotlib import font_manager
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    known = {font.name for font in font_manager.fontManager.ttflist}
    fonts = ["DejaVu Sans", *(name for name in _FONTS if name in known)]
    settings = {"font.family": fonts, "svg.hashsalt": "w2vfast", "axes.unicode_minus": False}
    with matplotlib.rc_context(settings), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure = Figure(figsize=inches, dpi=_DOTS_PER_INCH)
        FigureCanvasAgg(figure)  # which measures the labels
        draw(figure)
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(path, format=form, metadata=metadata)
    if any("missing from" in str(warning.message) for warning in caught):
        return "no installed font has some of the letters; a font such as Noto Sans CJK would help"
    return ""
