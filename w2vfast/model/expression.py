"""Sums of words as people write them: ``king - man + woman``, ``2 * king + 0.5 * queen``."""

import re
from collections import deque
from collections.abc import Sequence

from w2vfast.errors import UsageError

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")


def parse_expression(text: str) -> list[tuple[float, str]]:
    """Return the weights and words of a sum.

    ``+``, ``-`` and ``*`` stand between spaces, so that words may contain them. Words without an operator between
    them are added. A number is a weight if ``*`` follows, else a word.

    Raises
    ------
    UsageError
        A word is missing.
    """
    fields = deque(text.split())
    terms: list[tuple[float, str]] = []
    while fields or not terms:
        weight = 1.0
        if fields and fields[0] in ("+", "-"):
            weight = 1.0 if fields.popleft() == "+" else -1.0
        if len(fields) > 1 and fields[1] == "*" and _NUMBER.fullmatch(fields[0]):
            weight *= float(fields.popleft())
            fields.popleft()
        if not fields or fields[0] in ("+", "-"):
            raise UsageError(f"a word is missing in: {text.strip()}")
        terms.append((weight, fields.popleft()))
    return terms


def format_expression(terms: Sequence[tuple[float, str]]) -> str:
    """Return a sum as text that ``parse_expression`` reads."""
    text = ""
    for weight, word in terms:
        sign = "-" if weight < 0 else "+" if text else ""
        factor = "" if abs(weight) == 1 else f"{abs(weight):g} * "
        text += f" {sign} {factor}{word}" if text else f"{sign}{' ' * bool(sign)}{factor}{word}"
    return text
