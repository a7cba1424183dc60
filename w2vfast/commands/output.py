"""How results are written: bytes on standard output, aligned for a terminal, TSV or JSON Lines for a pipe."""

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence

from w2vfast.errors import UsageError

Results = Sequence[tuple[str, float]]

_BAR_WIDTH = 20
_DIM, _BOLD, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"


def write(text: str) -> None:
    """Write to standard output as UTF-8, whatever the locale says."""
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))


def flush() -> None:
    """Send what was written, so that a reader sees each answer at once."""
    sys.stdout.buffer.flush()


def note(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.buffer.write((text + "\n").encode("utf-8", "backslashreplace"))
    sys.stderr.flush()


def wants_color(choice: str) -> bool:
    """Decide about colour on standard output: the option, NO_COLOR, FORCE_COLOR, TERM, the terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM") != "dumb" and sys.stdout.isatty()


def printable(word: str) -> str:
    """Escape what a terminal would obey or hide: control, bidi and other unprintable characters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in word)


def check_text(value: str, option: str) -> None:
    """Raise a UsageError if an option's value, which goes into a file, is not UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{option} is not valid UTF-8") from None


def refuse_terminal(output: str) -> None:
    """Raise a UsageError if binary data would go to a terminal."""
    if output == "-" and sys.stdout.isatty():
        raise UsageError("refusing to write binary to a terminal; use -o FILE or a pipe")


def refuse_stdin_twice(*names: str | None) -> None:
    """Raise a UsageError if several of these are standard input."""
    if names.count("-") > 1:
        raise UsageError("standard input can be read only once, but - is given more often")


def as_table(query: str, results: Results, *, color: bool, is_first: bool) -> str:
    """Return the answer to one query for a terminal: words, scores and bars under the query."""
    bold, dim, reset = (_BOLD, _DIM, _RESET) if color else ("", "", "")
    words = [printable(word) for word, _ in results]
    width = max(map(_columns, words), default=0)
    lines = ["" if is_first else "\n", f"{bold}{printable(query)}{reset}\n"]
    for word, (_, score) in zip(words, results, strict=True):
        bar = "#" * round(max(score, 0.0) * _BAR_WIDTH)
        lines.append(f"  {word}{' ' * (width - _columns(word))}  {score:7.4f}  {dim}{bar}{reset}".rstrip() + "\n")
    return "".join(lines)


def as_tsv(query: str, results: Results) -> str:
    """Return lines ``query<TAB>word<TAB>score``."""
    return "".join(f"{query}\t{word}\t{score:.6f}\n" for word, score in results)


def as_row(values: Iterable[object], *, digits: int = 6) -> str:
    """Return a line of values with tabs between; None is empty, lists have spaces. Safe to show on a terminal."""
    fields = [
        "" if value is None
        else f"{value:.{digits}f}" if isinstance(value, float)
        else " ".join(map(str, value)) if isinstance(value, list)
        else str(value)
        for value in values
    ]  # fmt: skip
    return "\t".join(map(printable, fields) if sys.stdout.isatty() else fields) + "\n"


def as_json(query: str, results: Results) -> str:
    """Return one JSON object on one line."""
    found = [{"word": word, "score": score} for word, score in results]
    return json.dumps({"query": query, "results": found}) + "\n"


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
