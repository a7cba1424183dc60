"""The model file ``model.w2v``: a strictly valid safetensors file, checked before it is trusted.

tensor          dtype, shape    content
vectors         F32 [V, D]      input vectors, the result
context         F32 [V, D]      output vectors; optional, needed to train on
counts          I64 [V]         occurrences, descending; zeros where unknown
vocab.offsets   I64 [V + 1]     word w is vocab.bytes[offsets[w] : offsets[w + 1]], UTF-8
vocab.bytes     U8 [N]

The one metadata key, ``w2vfast``, holds canonical JSON: format, format_version, crc32 of each tensor, params,
corpus, generator. One key only, since the library writes several in random order.
"""

import errno
import json
import os
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from w2vfast.errors import FormatError
from w2vfast.vocab import Vocab

FORMAT_VERSION = 1
_KEY = "w2vfast"
_MOST_HEADER_BYTES = 1 << 20
_DTYPES = {"vectors": "F32", "context": "F32", "counts": "I64", "vocab.offsets": "I64", "vocab.bytes": "U8"}
_MATRICES = ("vectors", "context")


@dataclass(frozen=True)
class Contents:
    """What a model file holds."""

    vectors: NDArray[np.float32]  # (V, D)
    vocab: Vocab
    context: NDArray[np.float32] | None = None  # (V, D)
    params: dict[str, Any] = field(default_factory=dict)
    corpus: dict[str, Any] = field(default_factory=dict)
    generator: str = ""
    notes: tuple[str, ...] = ()  # what was odd about a file of another trainer


def write_model(path: Path, contents: Contents) -> None:
    """Write a model file at ``path``, a place of the writer's own (see ``Staging``).

    Raises
    ------
    OSError
        The system refuses; ``errno`` says why.
    """
    tensors, header = _prepare(contents)
    try:
        save_file(tensors, path, header)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        code = int(number[1]) if number else errno.EIO
        raise OSError(code, os.strerror(code)) from None


def model_bytes(contents: Contents) -> int:
    """Return the exact size in bytes of the file that ``write_model`` makes."""
    tensors, header = _prepare(contents)
    return _file_bytes({name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()}, header)


def read_model(path: str | os.PathLike[str], *, with_context: bool = True) -> Contents:
    """Read a model file, checking everything before it is used.

    Parameters
    ----------
    path
        The file.
    with_context
        Read the output vectors too, if the file has them. Queries need not.

    Raises
    ------
    FormatError
        The file is damaged, cut short, of another format or of a later version.
    OSError
        The file cannot be opened.
    """
    _check_start(path)
    try:
        with safe_open(path, "numpy", backend="pread") as file:
            about = _read_about(path, file)
            shapes = _check_tensors(path, file)
            wanted = [name for name in shapes if with_context or name != "context"]
            tensors = {name: file.get_tensor(name) for name in wanted}
    except (FormatError, OSError):
        raise
    except Exception as error:  # the library's own, and KeyError, TypeError, AttributeError of odd dtypes
        raise FormatError(f"{path} is damaged or not a w2vfast model ({error})") from None
    _check_sums(path, about, tensors)
    try:
        vocab = Vocab.unpacked(tensors["vocab.offsets"], tensors["vocab.bytes"], tensors["counts"])
    except ValueError as error:
        raise FormatError(f"{path} is damaged: {error}") from None
    for name in _MATRICES:
        if name in tensors and not all_finite(tensors[name]):
            raise FormatError(f"{path}: {name!r} has values that are not finite")
    params, corpus = about.get("params"), about.get("corpus")
    return Contents(
        tensors["vectors"],
        vocab,
        tensors.get("context"),
        params if isinstance(params, dict) else {},
        corpus if isinstance(corpus, dict) else {},
        str(about.get("generator", "")),
    )


def all_finite(matrix: NDArray[np.float32]) -> bool:
    """Tell whether no value is NaN or infinite, looking at some rows at a time."""
    rows = max(1, (1 << 22) // max(1, matrix.shape[1]))
    return all(bool(np.isfinite(matrix[i : i + rows]).all()) for i in range(0, len(matrix), rows))


def _prepare(contents: Contents) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
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
    about = {
        "format": "w2vfast",
        "format_version": FORMAT_VERSION,
        "crc32": {name: _checksum(tensor) for name, tensor in tensors.items()},
        "params": contents.params,
        "corpus": contents.corpus,
        "generator": contents.generator,
    }
    return tensors, {_KEY: json.dumps(about, sort_keys=True, separators=(",", ":"), allow_nan=False)}


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


def _check_start(path: str | os.PathLike[str]) -> None:
    """Refuse what cannot be a model by its first nine bytes, before the library sees it."""
    with open(path, "rb") as file:
        start = file.read(9)
    if not looks_native(start):
        refuse_pickle(path, start)
        raise FormatError(f"{path} is not a w2vfast model")


def looks_native(start: bytes) -> bool:
    """Tell whether a file begins like a safetensors file with a header of sensible length."""
    length = int.from_bytes(start[:8], "little")
    return start[8:9] == b"{" and 2 <= length <= _MOST_HEADER_BYTES


def refuse_pickle(path: str | os.PathLike[str], start: bytes) -> None:
    """Raise a FormatError if a file begins like a pickle."""
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise FormatError(
            f"{path} is a Python pickle (gensim save()); w2vfast never unpickles. "
            "In gensim run: kv.save_word2vec_format(...)"
        )


def _read_about(path: str | os.PathLike[str], file: Any) -> dict[str, Any]:
    try:
        about = json.loads((file.metadata() or {})[_KEY])
        name, version = about["format"], about["format_version"]
        if name == "w2vfast" and isinstance(version, int) and version >= 1 and isinstance(about["crc32"], dict):
            if version > FORMAT_VERSION:
                raise FormatError(
                    f"{path} is of format version {version}, this w2vfast reads up to {FORMAT_VERSION}; upgrade"
                )
            return dict(about)
    except (KeyError, TypeError, ValueError, RecursionError):
        pass
    raise FormatError(f"{path} is a safetensors file but not a w2vfast model")


def _check_tensors(path: str | os.PathLike[str], file: Any) -> dict[str, list[int]]:
    """Check names, dtypes and shapes from the header, before any data is read."""
    names = set(file.keys())
    for name in _DTYPES.keys() - names - {"context"}:
        raise FormatError(f"{path} is damaged: it has no {name!r}")
    shapes = {}
    for name in sorted(names & _DTYPES.keys()):
        view = file.get_slice(name)
        if view.get_dtype() != _DTYPES[name]:
            raise FormatError(f"{path} is damaged: {name!r} has the wrong type {view.get_dtype()}")
        shapes[name] = view.get_shape()
    matrix = shapes["vectors"]
    if len(matrix) != 2 or min(matrix) < 1:
        raise FormatError(f"{path} is damaged: 'vectors' has the shape {matrix}")
    expected = {"context": matrix, "counts": [matrix[0]], "vocab.offsets": [matrix[0] + 1]}
    for name, shape in shapes.items():
        if shape != expected.get(name, shape) or (name == "vocab.bytes" and len(shape) != 1):
            raise FormatError(f"{path} is damaged: {name!r} has the shape {shape}")
    return shapes


def _check_sums(path: str | os.PathLike[str], about: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> None:
    for name, tensor in tensors.items():
        if about["crc32"].get(name) != _checksum(tensor):
            raise FormatError(f"{path}: the checksum of {name!r} does not match: the file is damaged")
