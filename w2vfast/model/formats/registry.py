"""Which format a file has and a name asks for; reading and writing in one call."""

import contextlib
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, cast, get_args

import numpy as np

from w2vfast.errors import FormatError, UsageError
from w2vfast.model.card import model_card
from w2vfast.model.contents import Contents
from w2vfast.model.formats import folders, records, word2vec
from w2vfast.model.formats.stream import DAMAGED, Block, Pathlike, Stream, block_rows, collect
from w2vfast.model.formats.writing import spooled
from w2vfast.model.native import NativeFile, looks_native, refuse_pickle
from w2vfast.model.packed import write_model
from w2vfast.vocab import Vocab

Format = Literal["w2v", "txt", "bin", "glove", "jsonl", "sqlite", "npy", "tensorboard", "hf"]
FORMATS: tuple[Format, ...] = get_args(Format)
#: The files of each format that makes a folder.
FOLDERS: dict[str, tuple[str, ...]] = {
    "npy": folders.NPY_FILES, "tensorboard": folders.TENSORBOARD_FILES, "hf": folders.HF_FILES,
}  # fmt: skip
#: Formats that can hold float16.
NARROW = ("txt", "glove", "jsonl", "npy", "tensorboard", "hf")
#: The format by the end of a file's name; others must be named.
_BY_SUFFIX: dict[str, Format] = {
    ".w2v": "w2v", ".txt": "txt", ".vec": "txt", ".bin": "bin", ".jsonl": "jsonl", ".sqlite": "sqlite",
    ".db": "sqlite",
}  # fmt: skip
#: Files of vectors whose words lie in another file.
_BESIDE = {"vectors.npy": "words.txt", "vectors.tsv": "metadata.tsv"}
_PACKABLE = ("txt", "bin", "glove", "jsonl")
_GZIP, _NUMPY, _FASTTEXT, _SQLITE = b"\x1f\x8b", b"\x93NUMPY", b"\xba\x16\x4f\x2f", b"SQLite format 3\0"


def format_of(name: str) -> Format:
    """Return the format that a file's name asks for.

    Raises
    ------
    UsageError
        The name has none of the known ends.
    """
    lower = name.lower()
    for suffix, form in _BY_SUFFIX.items():
        if lower.endswith(suffix) or (form in _PACKABLE and lower.endswith(suffix + ".gz")):
            return form
    raise UsageError(f"cannot tell the format of {name} from its name; use --format with {', '.join(FORMATS)}")


@contextlib.contextmanager
def open_vectors(path: Pathlike, *, allow_nonfinite: bool = False) -> Iterator[Stream]:
    """Open vectors of any known format; what is wrong with them may be found only when the blocks are read.

    Parameters
    ----------
    path
        A file or folder; its name does not matter.
    allow_nonfinite
        Let NaN and infinity of other trainers' files pass.

    Raises
    ------
    FormatError
        The file is damaged, cut short, of an unknown format, or of one that could run code.
    OSError
        It cannot be opened.
    """
    shown = Path(path)
    if shown.name in _BESIDE and shown.with_name(_BESIDE[shown.name]).exists():
        shown = shown.parent
    if shown.is_dir():
        yield _open_folder(shown, allow_nonfinite)
        return
    with open(shown, "rb") as file:
        start = file.read(16)
    if looks_native(start):
        with NativeFile(shown) as native:
            yield _native_stream(native)
        return
    _refuse(shown, start)
    if start.startswith(_SQLITE):
        yield records.read_sqlite(shown, allow_nonfinite=allow_nonfinite)
        return
    try:
        with contextlib.ExitStack() as stack:
            plain = stack.enter_context(open(shown, "rb", word2vec.READ_BYTES))
            size: int | None = os.fstat(plain.fileno()).st_size
            if start.startswith(_GZIP):
                plain = cast(BinaryIO, stack.enter_context(gzip.open(plain, "rb")))
                size = None
            line = plain.readline(word2vec.MOST_LINE_BYTES)
            plain.seek(0)
            is_json = line.startswith(b"{") and not word2vec.count_numbers(line)  # "{" can be a word, too
            if is_json:
                yield records.read_jsonl(shown, plain, allow_nonfinite=allow_nonfinite)
            else:
                yield word2vec.read(shown, plain, size, allow_nonfinite=allow_nonfinite)
    except DAMAGED as error:
        raise FormatError(f"{shown} is damaged: {error}") from None


def _refuse(path: Path, start: bytes) -> None:
    """Raise an error for formats that are known and not read."""
    refuse_pickle(path, start)
    if start.startswith(_FASTTEXT):
        raise FormatError(f"{path} is a fastText model; use the .vec file beside it")
    if start.startswith(_NUMPY):
        raise FormatError(
            f"{path} has numbers without words; a folder of {' and '.join(folders.NPY_FILES)} is read"
        )


def _open_folder(folder: Path, allow_nonfinite: bool) -> Stream:
    """Open a format of several files, told by their names."""
    readers = {"npy": folders.read_npy, "tensorboard": folders.read_tensorboard, "hf": folders.read_hf}
    for form, read in readers.items():
        if all((folder / name).is_file() for name in FOLDERS[form][:2]):
            return read(folder, allow_nonfinite=allow_nonfinite)
    raise FormatError(f"the folder {folder} holds no known format of vectors")


def _native_stream(file: NativeFile) -> Stream:
    """Return the stream of an open model file, after verifying it."""
    (n_words, dim), step = file.shape, block_rows(file.shape[1])
    file.scan(lambda first, block: None)
    if file.has_context:
        file.scan(lambda first, block: None, "context")

    def blocks() -> Iterator[Block]:
        for first in range(0, n_words, step):
            n_rows = min(step, n_words - first)
            context = file.slice("context", first, n_rows) if file.has_context else None
            words = [file.vocab[i] for i in range(first, first + n_rows)]
            counts = file.vocab.counts[first : first + n_rows]
            yield Block(words, file.slice("vectors", first, n_rows), counts, context)

    return Stream(dim, blocks(), "w2vfast model", file.params, file.corpus, file.generator, n_words)


def read_vectors(path: Pathlike, *, allow_nonfinite: bool = False) -> Contents:
    """Read vectors of any known format into memory.

    Raises
    ------
    FormatError
        The file is damaged, cut short, of an unknown format, or of one that could run code.
    OSError
        It cannot be opened.
    """
    with open_vectors(path, allow_nonfinite=allow_nonfinite) as stream:
        return collect(stream)


def write_vectors(
    path: Path, stream: Stream, form: Format, *, packed: bool = False, dtype: type = np.float32
) -> None:
    """Write vectors at ``path``, a place of the writer's own.

    Parameters
    ----------
    path
        A file to make, or an empty folder for a format of several files.
    stream
        The vectors.
    form
        The format.
    packed
        Whether text is gzipped.
    dtype
        float32, or float16 for formats that can hold it.

    Raises
    ------
    DataError
        A word or number cannot be held by the format.
    OSError
        The system refuses.
    """
    if form == "w2v":
        _write_native(path, stream)
    elif form in ("txt", "glove"):
        word2vec.write_text(path, stream, has_header=form == "txt", packed=packed, dtype=dtype)
    elif form == "bin":
        word2vec.write_binary(path, stream, packed=packed)
    elif form == "jsonl":
        records.write_jsonl(path, stream, packed=packed, dtype=dtype)
    elif form == "sqlite":
        records.write_sqlite(path, stream)
    elif form == "npy":
        folders.write_npy(path, stream, dtype=dtype)
    elif form == "tensorboard":
        folders.write_tensorboard(path, stream, dtype=dtype)
    else:
        folders.write_hf(
            path, stream, dtype=dtype, card=model_card(stream.params, stream.corpus, stream.generator)
        )


def _write_native(path: Path, stream: Stream) -> None:
    """Write a model file; the matrices wait in files beside it."""
    vectors, words, counts, context = spooled(stream, path.parent)
    generator = stream.generator or stream.kind
    write_model(path, Contents(vectors, Vocab(words, counts), context, stream.params, stream.corpus, generator))
