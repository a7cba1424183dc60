"""Vectors for other programs: word2vec text and binary, GloVe text."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from w2vfast.errors import UsageError
from w2vfast.model.contents import Contents
from w2vfast.model.native import write_model

Format = Literal["w2v", "txt", "bin", "glove"]
#: The format by the end of a file's name; others must be named.
BY_SUFFIX: dict[str, Format] = {
    ".w2v": "w2v", ".txt": "txt", ".vec": "txt", ".txt.gz": "txt", ".vec.gz": "txt", ".bin": "bin",
}  # fmt: skip
_STEP_ROWS = 1 << 12


def format_of(name: str) -> Format:
    """Return the format that a file's name asks for.

    Raises
    ------
    UsageError
        The name has none of the known ends.
    """
    for suffix, form in sorted(BY_SUFFIX.items(), key=lambda item: -len(item[0])):
        if name.lower().endswith(suffix):
            return form
    raise UsageError(f"cannot tell the format of {name} from its name; use --format")


def write_vectors(path: Path, contents: Contents, form: Format, *, packed: bool = False) -> None:
    """Write vectors at ``path``, a place of the writer's own; ``packed`` text is gzipped.

    Raises
    ------
    UsageError
        A word has white space in it, which the format cannot hold.
    OSError
        The system refuses.
    """
    if form == "w2v":
        write_model(path, contents)
        return
    odd = [word for word in contents.vocab.words if word.split() != [word]]
    if odd:
        raise UsageError(
            f"{len(odd):,} words have white space in them, such as {odd[0]!r}; --space-char _ replaces it"
        )
    with path.open("wb") as raw:
        if packed:
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
                file.writelines(_binary(contents) if form == "bin" else _text(contents, has_header=form == "txt"))
        else:
            raw.writelines(_binary(contents) if form == "bin" else _text(contents, has_header=form == "txt"))


def _text(contents: Contents, *, has_header: bool) -> Iterator[bytes]:
    """Yield lines of a word and the shortest decimals that give each float32 back."""
    if has_header:
        yield b"%d %d\n" % contents.vectors.shape
    for first in range(0, len(contents.vectors), _STEP_ROWS):
        numbers = contents.vectors[first : first + _STEP_ROWS].astype("S32")
        for word, row in zip(contents.vocab.words[first : first + _STEP_ROWS], numbers.tolist(), strict=True):
            yield word.encode() + b" " + b" ".join(row) + b"\n"


def _binary(contents: Contents) -> Iterator[bytes]:
    """Yield words, spaces, little-endian float32 and line ends, as word2vec.c does."""
    yield b"%d %d\n" % contents.vectors.shape
    vectors = contents.vectors.astype("<f4", copy=False)
    for word, row in zip(contents.vocab.words, vectors, strict=True):
        yield word.encode() + b" " + np.ascontiguousarray(row).tobytes() + b"\n"
