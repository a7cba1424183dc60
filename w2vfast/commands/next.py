"""After a model has been made: what comes next."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from w2vfast.commands.output import printable
from w2vfast.model.locate import DEFAULT_NAME, write_last
from w2vfast.training.monitor import Monitor


def tell_next(output: str, words: Sequence[str], monitor: Monitor) -> None:
    """Note a model that is a file as the last one, and say how to ask it something."""
    if Path(output).is_file():
        write_last(Path(output))
        model = [] if output == DEFAULT_NAME else ["-m", output]
        word = _example(words)
        asked = [*model, "--", word] if word.startswith("-") else [word, *model]
        monitor.note(printable(f"next: {shlex.join(['w2vfast', 'similar', *asked])}"))


def _example(words: Sequence[str]) -> str:
    """Return a word to try: king if it is known, else one that is neither rare nor a function word."""
    if "king" in words[:50_000]:
        return "king"
    return next((word for word in words[min(100, len(words) - 1) :] if word.isprintable()), words[0])
