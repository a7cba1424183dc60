"""A model as its file will hold it: ``native`` tells the format, and reads it."""

import errno
import json
import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from w2vfast.errors import DataError
from w2vfast.model.contents import Contents, all_finite
from w2vfast.vocab import Vocab

FORMAT_VERSION = 1
FORM = "w2vfast"
KEY = "w2vfast"
MATRICES = ("vectors", "context")  # W and W_out

Extra = dict[str, NDArray[np.int64]]
About = dict[str, Any]


def write_model(
    path: Path, contents: Contents, form: str = FORM, extra: Extra | None = None, about: About | None = None
) -> None:
    """Write a model file at ``path``, a place of the writer's own (see ``Staging``).

    Parameters
    ----------
    path
        The file.
    contents
        What it holds.
    form
        Its format: "w2vfast", or "w2vfast-checkpoint".
    extra, about
        More tensors (int64) and more metadata, of a checkpoint.

    Raises
    ------
    OSError
        The system refuses; ``errno`` says why.
    DataError
        It is a model that could not be read back.
    """
    pack_model(contents, form, extra, about).write(path)


@dataclass(frozen=True)
class Packed:
    """What a model file will hold, checksums included."""

    tensors: dict[str, NDArray[Any]]
    metadata: dict[str, str]

    @property
    def n_bytes(self) -> int:
        """The exact size of the file."""
        return _file_bytes(
            {name: (tensor.dtype, tensor.shape) for name, tensor in self.tensors.items()}, self.metadata
        )

    def write(self, path: Path) -> None:
        """Write the file; see ``write_model``."""
        save_tensors(self.tensors, path, self.metadata)


def save_tensors(tensors: dict[str, NDArray[Any]], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file at a place of the writer's own.

    Raises
    ------
    OSError
        The system refuses; ``errno`` says why.
    """
    try:
        save_file(tensors, path, metadata)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        code = int(number[1]) if number else errno.EIO
        raise OSError(code, os.strerror(code)) from None


def pack_model(
    contents: Contents, form: str = FORM, extra: Extra | None = None, about: About | None = None
) -> Packed:
    """Return what the file of a model will hold; parameters and DataError are those of ``write_model``."""
    tensors, metadata = _prepare(contents, form, extra or {}, about or {})
    if form == FORM:
        _check_readable(tensors)
    return Packed(tensors, metadata)


def _prepare(
    contents: Contents, form: str, extra: Extra, more: About
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the tensors of the file, compact and checked, and its metadata."""
    offsets, words = contents.vocab.packed()
    tensors: dict[str, NDArray[Any]] = {
        "vectors": np.ascontiguousarray(contents.vectors, np.float32),
        "counts": np.ascontiguousarray(contents.vocab.counts, np.int64),
        "vocab.offsets": offsets,
        "vocab.bytes": words,
    }
    if contents.context is not None:
        tensors["context"] = np.ascontiguousarray(contents.context, np.float32)
    tensors |= extra
    about = more | {
        "format": form,
        "format_version": FORMAT_VERSION,
        "crc32": {name: _checksum(tensor) for name, tensor in tensors.items()},
        "params": contents.params,
        "corpus": contents.corpus,
        "generator": contents.generator,
    }
    return tensors, {KEY: json.dumps(about, sort_keys=True, separators=(",", ":"), allow_nan=False)}


def _check_readable(tensors: dict[str, NDArray[Any]]) -> None:
    """Refuse to write what reading would refuse.

    Raises
    ------
    DataError
        There are no vectors or not one a word, a value is not finite, or the words are no vocabulary.
    """
    shape = tensors["vectors"].shape
    if len(shape) != 2 or min(shape) < 1 or tensors.get("context", tensors["vectors"]).shape != shape:
        raise DataError(f"a model cannot hold vectors of the shape {shape}")
    if len(tensors["counts"]) != shape[0]:
        raise DataError(f"a model cannot hold {shape[0]:,} vectors for {len(tensors['counts']):,} words")
    if not all(all_finite(tensors[name]) for name in MATRICES if name in tensors):
        raise DataError("a model cannot hold numbers that are not finite")
    try:
        Vocab.unpacked(tensors["vocab.offsets"], tensors["vocab.bytes"], tensors["counts"])
    except ValueError as error:
        raise DataError(f"a model cannot hold this vocabulary: {error}") from None


def _file_bytes(tensors: dict[str, tuple[np.dtype[Any], tuple[int, ...]]], metadata: dict[str, str]) -> int:
    """Return the size of a safetensors file: 8 bytes, a JSON header padded to 8, the data back to back."""
    names, total = {"float32": "F32", "int64": "I64", "uint8": "U8"}, 0
    header: dict[str, Any] = {"__metadata__": metadata}
    order = sorted(tensors.items(), key=lambda item: (-item[1][0].itemsize, item[0]))
    for name, (dtype, shape) in order:
        n_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        header[name] = {
            "dtype": names[dtype.name],
            "shape": list(shape),
            "data_offsets": [total, total + n_bytes],
        }
        total += n_bytes
    length = len(json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode())
    return 8 + (length + 7) // 8 * 8 + total


def _checksum(tensor: NDArray[Any]) -> str:
    assert tensor.flags.c_contiguous
    return f"{zlib.crc32(tensor.reshape(-1).view(np.uint8).data):08x}"
