"""The encoded corpus as a file, ``corpus.w2vc``: a strictly valid safetensors file that is trained on as it lies.

tensor          dtype, shape    content
offsets         I64 [S + 1]     sentence s is ids[offsets[s] : offsets[s + 1]]; from 0 to N, strictly increasing
counts          I64 [V]         occurrences in the whole corpus
vocab.offsets   I64 [V + 1]     word w is vocab.bytes[offsets[w] : offsets[w + 1]], UTF-8
ids             I32 [N]         word ids, 0 .. V - 1
vocab.bytes     U8 [B]

The one metadata key, ``w2vfast``, holds canonical JSON: format "w2vfast-corpus", format_version, crc32 of each
tensor, names of the files read, sha256_of_first_mib of the text, the report of reading it, and how it was read
(lowercase, min_count and so on). Nothing is used before everything has been checked, each id too.
"""

import dataclasses
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from w2vfast.corpus.encoded import EncodedCorpus
from w2vfast.corpus.magic import CONTAINER_FORMAT
from w2vfast.corpus.reading import FACTS, ReadingReport
from w2vfast.errors import FormatError
from w2vfast.system.staging import Staging
from w2vfast.vocab import Vocab

FORMAT_VERSION = 1
_KEY = "w2vfast"
_DTYPES = {"offsets": "<i8", "counts": "<i8", "vocab.offsets": "<i8", "ids": "<i4", "vocab.bytes": "|u1"}
_NAMES = {"<i8": "I64", "<i4": "I32", "|u1": "U8"}
_STEP_BYTES = 1 << 24
_MOST_HEADER_BYTES = 1 << 24


def save_corpus(corpus: EncodedCorpus, staging: Staging) -> int:
    """Write an encoded corpus, some MiB at a time; return the size of the file in bytes.

    Raises
    ------
    OutputError
        It cannot be written; an older file is untouched.
    """
    vocab_offsets, vocab_bytes = corpus.vocab.packed()
    tensors: dict[str, NDArray[Any]] = {
        "offsets": corpus.offsets,
        "counts": corpus.vocab.counts,
        "vocab.offsets": vocab_offsets,
        "ids": corpus.ids,
        "vocab.bytes": vocab_bytes,
    }
    about = {
        "format": CONTAINER_FORMAT,
        "format_version": FORMAT_VERSION,
        "crc32": {name: _checksum(tensor) for name, tensor in tensors.items()},
        "names": list(corpus.names[:1000]),
        "sha256_of_first_mib": corpus.sample_sha256,
        "report": dataclasses.asdict(corpus.report),
        "reading": corpus.reading,
    }
    header, total = {"__metadata__": {_KEY: _json(about)}}, 0
    for name, tensor in tensors.items():
        kind, end = _NAMES[_DTYPES[name]], total + tensor.nbytes
        header[name] = {"dtype": kind, "shape": [tensor.size], "data_offsets": [total, end]}  # type: ignore[dict-item]
        total = end
    text = _json(header).encode()
    text += b" " * (-len(text) % 8)
    n_bytes = 8 + len(text) + total
    staging.reserve(n_bytes)

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for tensor in tensors.values():
                for part in _parts(tensor):
                    file.write(part.data)

    staging.write(write, n_bytes)
    return n_bytes


def load_corpus(path: Path, on_read: Callable[[int], None] = lambda n_bytes: None) -> EncodedCorpus:
    """Check an encoded corpus and map it into memory.

    Parameters
    ----------
    path
        The file.
    on_read
        Called with the number of bytes checked since the last call.

    Raises
    ------
    FormatError
        The file is damaged, cut short, of another format or of a later version.
    OSError
        The file cannot be opened.
    """
    try:
        with safe_open(path, "numpy", backend="pread") as file:  # checks the header against the file's size
            about, names = json.loads((file.metadata() or {})[_KEY]), set(file.keys())
        if about["format"] != CONTAINER_FORMAT or names != _DTYPES.keys():
            raise FormatError(f"{path} is not an encoded corpus")
        if about["format_version"] != FORMAT_VERSION:
            raise FormatError(f"{path} is of a format version that this w2vfast cannot read; upgrade")
        tensors = _map(path)
        for name, tensor in tensors.items():
            if _checksum(tensor, on_read) != about["crc32"][name]:
                raise FormatError(f"{path}: the checksum of {name!r} does not match: the file is damaged")
        vocab = Vocab.unpacked(
            np.array(tensors["vocab.offsets"]), tensors["vocab.bytes"], np.array(tensors["counts"])
        )
        _check(tensors, vocab)
        report = ReadingReport(**{name: int(value) for name, value in about["report"].items()})
        files, sample = tuple(map(str, about["names"])), str(about["sha256_of_first_mib"])
        facts = {name: value for name, value in about.get("reading", {}).items() if name in FACTS}
        return EncodedCorpus(tensors["ids"], tensors["offsets"], vocab, report, files, sample, facts)
    except (FormatError, OSError):
        raise
    except Exception as error:  # the library's own; KeyError, TypeError and others of odd metadata
        raise FormatError(f"{path} is damaged or not an encoded corpus ({error})") from None


def _map(path: Path) -> dict[str, NDArray[Any]]:
    """Map the tensors of a file whose header the library has accepted."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _MOST_HEADER_BYTES:
            raise FormatError(f"{path} is damaged: its header is too long")
        header, tensors = json.loads(file.read(length)), dict[str, NDArray[Any]]()
        for name, dtype in _DTYPES.items():
            (begin, end), shape = header[name]["data_offsets"], header[name]["shape"]
            if header[name]["dtype"] != _NAMES[dtype] or len(shape) != 1 or end == begin:
                raise FormatError(f"{path} is damaged: {name!r} has the wrong type or shape")
            tensors[name] = np.memmap(file, dtype, "c", 8 + length + begin, tuple(shape))
    return tensors


def _check(tensors: dict[str, NDArray[Any]], vocab: Vocab) -> None:
    """Check what the kernels rely on."""
    ids, offsets = tensors["ids"], tensors["offsets"]
    if (
        offsets[0] != 0
        or offsets[-1] != ids.size
        or any((np.diff(part) <= 0).any() for part in _parts(offsets, 1))
    ):
        raise FormatError("the sentence offsets are not increasing")
    if len(vocab) < 2 or vocab.counts.size != len(vocab) or vocab.counts.min() < 1:
        raise FormatError("the vocabulary is too small or its counts are wrong")
    if any(part.min() < 0 or part.max() >= len(vocab) for part in _parts(ids)):
        raise FormatError("an id is outside the vocabulary")


def _checksum(tensor: NDArray[Any], on_read: Callable[[int], None] = lambda n_bytes: None) -> str:
    crc = 0
    for part in _parts(tensor):
        crc = zlib.crc32(part.data, crc)
        on_read(part.nbytes)
    return f"{crc:08x}"


def _parts(array: NDArray[Any], overlap: int = 0) -> Iterator[NDArray[Any]]:
    """Yield some MiB of an array at a time, with ``overlap`` entries of the next part."""
    step = _STEP_BYTES // array.itemsize
    for begin in range(0, array.size, step):
        yield np.ascontiguousarray(array[begin : begin + step + overlap])


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
