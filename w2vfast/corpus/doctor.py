"""What may be wrong with a text, each finding with an example and the option that helps."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from w2vfast.corpus.reading import ReadingReport
from w2vfast.corpus.sources import Source
from w2vfast.wording import counted

MOST_BYTES = 1 << 25
_EXAMPLE_CHARACTERS = 60
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:amp|lt|gt|nbsp|quot|#\d+);")
_STUCK = re.compile(r"^[\"'(\[{«“‘]+\w|\w[.,;:!?\"')\]}»”’]+$")
#: UTF-8 read as Latin-1 and written as UTF-8 again: two or three characters where one was.
_MOJIBAKE = re.compile("[\u00c2\u00c3][\u0080-\u00bf\u0152-\u2122]|\u00e2\u20ac[\u0080-\u2122]")
_FEW_TOKENS_A_NUMBER = 5.0


@dataclass(frozen=True)
class Finding:
    """Something that may spoil the vectors."""

    what: str
    example: str
    remedy: str


@dataclass
class _Counts:
    """What was counted in the lines of a text."""

    lines: int = 0
    tokens: int = 0
    single: int = 0  # lines of one token
    repeated: int = 0  # lines that occurred before
    longest: int = 0  # tokens of the longest line
    tags: int = 0
    stuck: int = 0
    mojibake: int = 0
    replaced: int = 0  # lines with U+FFFD


def examine(sources: Sequence[Source], dim: int) -> tuple[list[Finding], int]:
    """Examine the first 32 MiB of a text.

    Parameters
    ----------
    sources
        The text.
    dim
        Size of the vectors that are to be trained.

    Returns
    -------
    findings
        The gravest first.
    n_bytes
        How much was read.

    Raises
    ------
    UsageError, CorpusError
        The text cannot be read.
    """
    counts, words, examples, n_bytes = _Counts(), Counter[str](), dict[str, str](), 0
    seen: set[int] = set()
    for line in _lines(sources):
        n_bytes += len(line.encode()) + 1
        tokens = line.split()
        if not tokens:
            continue
        words.update(tokens)
        _count(counts, line, tokens, examples)
        counts.repeated += (key := hash(line)) in seen and len(tokens) > 1
        if key in seen and len(tokens) > 1:
            examples.setdefault("repeated", line)
        seen.add(key)
    return _findings(counts, words, examples, dim), n_bytes


def _lines(sources: Sequence[Source]) -> Iterator[str]:
    """Yield the lines of the first MOST_BYTES bytes."""
    left, report = MOST_BYTES, ReadingReport()
    for source in sources:
        rest = b""
        for block in source.blocks(report, allow_truncated=True):
            *whole, rest = (rest + block[:left]).split(b"\n")
            left -= len(block[:left])
            yield from (line.decode("utf-8", "replace").replace("\0", " ") for line in whole)
            if left == 0:
                break
        if rest:
            yield rest.decode("utf-8", "replace").replace("\0", " ")
        if left == 0:
            return


def _count(counts: _Counts, line: str, tokens: list[str], examples: dict[str, str]) -> None:
    """Count the traits of a line, and keep the first example of each."""
    counts.lines += 1
    counts.tokens += len(tokens)
    counts.single += len(tokens) == 1
    counts.longest = max(counts.longest, len(tokens))
    for name, pattern in (("tags", _TAG), ("mojibake", _MOJIBAKE)):
        if found := pattern.search(line):
            setattr(counts, name, getattr(counts, name) + len(pattern.findall(line)))
            examples.setdefault(name, line[max(0, found.start() - 20) :])
    if "\ufffd" in line:
        counts.replaced += 1
        examples.setdefault("replaced", line[max(0, line.index("\ufffd") - 20) :])
    stuck = [token for token in tokens if _STUCK.search(token)]
    if stuck:
        counts.stuck += len(stuck)
        examples.setdefault("stuck", stuck[0])
    if len(tokens) == 1:
        examples.setdefault("single", line)
    if len(tokens) == counts.longest:
        examples["longest"] = line


def _findings(counts: _Counts, words: Counter[str], examples: dict[str, str], dim: int) -> list[Finding]:
    """Judge the counts."""
    lines, tokens = max(1, counts.lines), max(1, counts.tokens)
    folded = Counter[str]()
    for word, count in words.items():
        lower = word.lower()
        if lower != word and lower in words:
            folded[word] = count
    frequent = sum(1 for count in words.values() if count >= 5)
    most_folded = folded.most_common(1)
    judged = [
        (not words, "there are no words", "", "give another file"),
        (counts.replaced > 0, f"{counted(counts.replaced, 'line')} with characters that are not valid UTF-8",
         examples.get("replaced", ""), "convert the text: iconv -f LATIN1 -t UTF-8; --strict stops at the first"),
        (counts.mojibake > 0.0001 * tokens, f"{counted(counts.mojibake, 'place')} of UTF-8 converted twice",
         examples.get("mojibake", ""), "convert the text back: iconv -f UTF-8 -t CP1252"),
        (counts.single > 0.5 * lines, f"{counts.single / lines:.0%} of the lines have one token, so no contexts",
         examples.get("single", ""), "--sentence document, or --sentence 1000"),
        (counts.longest > 10_000 and counts.longest > 0.5 * tokens, f"one line has {counts.longest:,} tokens",
         examples.get("longest", ""), "good if it is running text; else break it into sentences"),
        (counts.tags > 0.001 * tokens, f"HTML tags or entities: {counts.tags:,}", examples.get("tags", ""),
         "take the markup out first; --tokenizer words drops the brackets only"),
        (counts.repeated > 0.1 * lines, f"{counts.repeated / lines:.0%} of the lines occurred before",
         examples.get("repeated", ""), "remove duplicates: awk '!seen[$0]++'"),
        (counts.stuck > 0.02 * tokens, f"{counts.stuck / tokens:.0%} of the tokens have punctuation stuck to them",
         examples.get("stuck", ""), "--tokenizer words"),
        (folded.total() > 0.02 * tokens, f"{folded.total() / tokens:.0%} of the tokens differ from others by case "
         "only", f"{most_folded[0][0]}, {most_folded[0][0].lower()}" if most_folded else "", "--lowercase"),
        (bool(words) and tokens < _FEW_TOKENS_A_NUMBER * dim * max(1, frequent) and tokens < 1_000_000,
         f"little text: {counted(tokens, 'token')} for {counted(frequent, 'frequent word')} of {dim} numbers", "",
         "more text, a smaller --dim, more --epochs"),
    ]  # fmt: skip
    return [Finding(what, _shortened(example), remedy) for holds, what, example, remedy in judged if holds]


def _shortened(text: str) -> str:
    text = " ".join(text[: 4 * _EXAMPLE_CHARACTERS].split())
    return text if len(text) <= _EXAMPLE_CHARACTERS else text[: _EXAMPLE_CHARACTERS - 3] + "..."
