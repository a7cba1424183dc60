"""Formats of several files: NumPy with a list of words, TensorBoard's projector, Hugging Face static vectors."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from w2vfast.errors import FormatError
from w2vfast.model.formats.stream import RawBlock, Stream, block_rows, checked, without_white_space
from w2vfast.model.formats.word2vec import MOST_LINE_BYTES
from w2vfast.model.formats.writing import numbers_as_text, spooled
from w2vfast.model.packed import save_tensors
from w2vfast.model.tensors import TensorFile

NPY_FILES = "vectors.npy", "words.txt"
TENSORBOARD_FILES = "vectors.tsv", "metadata.tsv"
HF_FILES = "model.safetensors", "vocab.json", "config.json", "README.md"
_NPY_HEADER = re.compile(
    rb"\s*\{\s*'descr':\s*'([^']{1,20})',\s*'fortran_order':\s*(False|True),\s*"
    rb"'shape':\s*\(([\d, ]*)\),?\s*\}\s*"
)
_NPY_SHAPE = re.compile(rb"(\d{1,12}),\s*(\d{1,6}),?\s*")
_MOST_HEADER_BYTES = 1 << 16


def write_npy(folder: Path, stream: Stream, *, dtype: type) -> None:
    """Write ``vectors.npy``, float32 or float16 (V, D), and ``words.txt``, one word a line.

    Raises
    ------
    DataError
        A word has white space in it.
    """
    vectors, words, _, _ = spooled(without_white_space(stream), folder.parent, dtype)
    with (folder / "vectors.npy").open("wb") as file:
        header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": vectors.shape}
        npy_format.write_array_header_1_0(file, header)
        _write_matrix(file, vectors)
    (folder / "words.txt").write_bytes("".join(f"{word}\n" for word in words).encode())


def read_npy(folder: Path, *, allow_nonfinite: bool = False) -> Stream:
    """Read ``vectors.npy`` and ``words.txt``. The header is checked against the file's size before it is believed.

    Raises
    ------
    FormatError
        They are damaged, or their lengths differ.
    OSError
        One of them cannot be opened.
    """
    matrix, words = folder / "vectors.npy", _lines_of(folder / "words.txt")
    with matrix.open("rb") as file:
        start = file.read(12)
        n_bytes = 2 if start[6:7] == b"\1" else 4
        length = int.from_bytes(start[8 : 8 + n_bytes], "little")
        file.seek(8 + n_bytes)
        header = _NPY_HEADER.fullmatch(file.read(min(length, _MOST_HEADER_BYTES)))
        begin = file.tell()
    if start[:6] != b"\x93NUMPY" or header is None:
        raise FormatError(f"{matrix} is no NumPy file of numbers")
    kind, is_fortran, shape = header[1].decode("latin-1"), header[2] == b"True", _NPY_SHAPE.fullmatch(header[3])
    if shape is None or is_fortran or kind not in ("<f2", "<f4", "<f8"):
        order = ", by columns" if is_fortran else ""
        raise FormatError(
            f"{matrix} has the type {kind} and shape ({header[3].decode()}){order}; w2vfast reads matrices of "
            "float32, float16 or float64 by rows: np.save(path, np.ascontiguousarray(matrix, '<f4'))"
        )
    dtype, n_rows, dim = np.dtype(kind), int(shape[1]), int(shape[2])
    if n_rows == 0 or dim == 0 or matrix.stat().st_size != begin + n_rows * dim * dtype.itemsize:
        raise FormatError(f"{matrix} has not the size of {n_rows:,} x {dim} numbers: incomplete download?")
    if len(words) != n_rows:
        raise FormatError(f"{folder} has {n_rows:,} vectors and {len(words):,} words")
    step = block_rows(dim)

    def blocks() -> Iterator[RawBlock]:
        with matrix.open("rb") as file:
            file.seek(begin)
            for first in range(0, n_rows, step):
                part = words[first : first + step]
                data = file.read(len(part) * dim * dtype.itemsize)
                if len(data) < len(part) * dim * dtype.itemsize:
                    raise FormatError(f"{matrix} has become shorter")
                with np.errstate(over="ignore"):
                    yield part, np.frombuffer(data, dtype).reshape(-1, dim).astype(np.float32), None

    return checked(folder, blocks(), dim, "NumPy matrix with words", allow_nonfinite=allow_nonfinite)


def write_tensorboard(folder: Path, stream: Stream, *, dtype: type) -> None:
    """Write ``vectors.tsv`` and ``metadata.tsv`` for the embedding projector.

    Words alone have no header line; with counts there is one, as the projector expects.

    Raises
    ------
    DataError
        A word has white space in it.
    """
    has_counts = None
    with (folder / "vectors.tsv").open("wb") as numbers, (folder / "metadata.tsv").open("wb") as metadata:
        for block in without_white_space(stream).blocks:
            if has_counts is None:
                has_counts = block.counts is not None and bool(block.counts.any())
                metadata.write(b"word\tcount\n" if has_counts else b"")
            numbers.writelines(b"\t".join(row) + b"\n" for row in numbers_as_text(block.vectors, dtype))
            counts = (
                block.counts.tolist() if has_counts and block.counts is not None else [None] * len(block.words)
            )
            for word, count in zip(block.words, counts, strict=True):
                metadata.write((word if count is None else f"{word}\t{count}").encode() + b"\n")


def read_tensorboard(folder: Path, *, allow_nonfinite: bool = False) -> Stream:
    """Read ``vectors.tsv`` and ``metadata.tsv``; the word is the first column.

    Raises
    ------
    FormatError
        They are damaged, or their lengths differ.
    OSError
        One of them cannot be opened.
    """
    path, rows = folder / "vectors.tsv", _lines_of(folder / "metadata.tsv")
    counts = None
    if rows and b"\t" in rows[0]:
        columns = rows.pop(0).split(b"\t")
        if b"count" in columns:
            place = columns.index(b"count")
            counts = [_count(row.split(b"\t")[place : place + 1]) for row in rows]
        rows = [row.split(b"\t")[0] for row in rows]
    with path.open("rb") as file:
        dim = len(file.readline(MOST_LINE_BYTES).split(b"\t"))

    def blocks() -> Iterator[RawBlock]:
        step = block_rows(dim)
        with path.open("rb") as file:
            for first in range(0, len(rows), step):
                lines = [file.readline(MOST_LINE_BYTES) for _ in rows[first : first + step]]
                vectors = np.empty((0, 0), np.float32)
                if all(line.strip() for line in lines):
                    with contextlib.suppress(ValueError):
                        text = [line.decode("latin-1") for line in lines]
                        vectors = np.loadtxt(text, np.float32, comments=None, ndmin=2, delimiter="\t")
                if vectors.shape != (len(lines), dim):
                    raise FormatError(f"{path}: a line from {first + 1:,} on has not {dim} numbers, or is missing")
                part = None if counts is None else np.array(counts[first : first + step], np.int64)
                yield rows[first : first + step], vectors, part
            if file.read(2).strip():
                raise FormatError(f"{path} has more vectors than metadata.tsv has words")

    return checked(folder, blocks(), dim, "TensorBoard projector", allow_nonfinite=allow_nonfinite)


def _count(fields: list[bytes]) -> int:
    return int(fields[0]) if fields and re.fullmatch(rb"[0-9]{1,18}", fields[0]) else 0


def write_hf(folder: Path, stream: Stream, *, dtype: type, card: str) -> None:
    """Write a folder in the layout of static vectors on the Hugging Face hub, with ``card`` as its README."""
    vectors, words, counts, _ = spooled(stream, folder.parent, dtype)
    save_tensors({"vectors": vectors}, folder / "model.safetensors")
    config = {
        "model_type": "staticvectors",
        "format": "word2vec",
        "storage": "safetensors",
        "source": stream.generator or stream.kind,
        "total": int(counts.sum()),
        "dim": stream.dim,
    }
    (folder / "vocab.json").write_bytes(json.dumps({word: i for i, word in enumerate(words)}).encode())
    (folder / "config.json").write_bytes(json.dumps(config, indent=2).encode() + b"\n")
    (folder / "README.md").write_bytes(card.encode("utf-8", "backslashreplace"))


def read_hf(folder: Path, *, allow_nonfinite: bool = False) -> Stream:
    """Read a folder with ``model.safetensors`` (tensor ``vectors``, float32 or float16) and ``vocab.json``.

    Raises
    ------
    FormatError
        They are damaged or do not fit.
    OSError
        One of them cannot be opened.
    """
    try:
        vocab = json.loads((folder / "vocab.json").read_bytes())
        words = sorted(vocab, key=lambda word: vocab[word]) if isinstance(vocab, dict) else []
        is_right = bool(words) and [vocab[word] for word in words] == list(range(len(words)))
    except (ValueError, TypeError, RecursionError):
        is_right = False
    if not is_right:
        raise FormatError(f"{folder / 'vocab.json'} does not number the words from 0 on")
    with TensorFile(folder / "model.safetensors") as file:
        try:
            dtype, shape = file.about("vectors")
        except KeyError:
            raise FormatError(f"{folder} has no tensor 'vectors'") from None
        if dtype not in ("F32", "F16") or len(shape) != 2 or shape[0] != len(words) or min(shape) < 1:
            raise FormatError(f"{folder}: the tensor 'vectors' has the type {dtype} and shape {shape}")
    n_rows, dim = shape
    step = block_rows(dim)

    def blocks() -> Iterator[RawBlock]:
        with TensorFile(folder / "model.safetensors") as file:
            for first in range(0, n_rows, step):
                part = words[first : first + step]
                rows = file.slice("vectors", first, len(part)).astype(np.float32)
                yield [word.encode("utf-8", "replace") for word in part], rows, None

    return checked(folder, blocks(), dim, "Hugging Face static vectors", allow_nonfinite=allow_nonfinite)


def _lines_of(path: Path) -> list[bytes]:
    """Return the lines of a file without their ends; an empty last one does not count."""
    lines = path.read_bytes().replace(b"\r\n", b"\n").split(b"\n")
    return lines[:-1] if lines[-1:] == [b""] else lines


def _write_matrix(file: BinaryIO, matrix: NDArray[Any]) -> None:
    step = block_rows(matrix.shape[1])
    for first in range(0, len(matrix), step):
        file.write(np.ascontiguousarray(matrix[first : first + step]).data)
