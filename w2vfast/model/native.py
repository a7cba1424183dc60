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

import json
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import FormatError
from w2vfast.model.contents import Contents, all_finite
from w2vfast.model.packed import FORM, FORMAT_VERSION, KEY, MATRICES
from w2vfast.model.tensors import DTYPES, TensorFile
from w2vfast.vocab import Vocab

_CHECKPOINT_FORM = "w2vfast-checkpoint"
_MOST_HEADER_BYTES = 1 << 20
_DTYPES = {"vectors": "F32", "context": "F32", "counts": "I64", "vocab.offsets": "I64", "vocab.bytes": "U8"}


class NativeFile:
    """A model file that is open: header, words and counts are checked, vectors are read when they are needed.

    It has the attributes of ``Contents``. A context manager; reading the vectors needs it open.

    Parameters
    ----------
    path
        The file.
    form
        Its format: "w2vfast", or "w2vfast-checkpoint".

    Raises
    ------
    FormatError
        The file is damaged, cut short, of another format or of a later version.
    OSError
        The file cannot be opened.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, path: str | os.PathLike[str], *, form: str = FORM) -> None:
        self._path, self.is_verified = path, False
        _check_start(path)
        self._file = TensorFile(path)
        try:
            self.about = about = _read_about(path, self._file.metadata, form)
            self._shapes, self._crcs = _check_tensors(path, self._file), about["crc32"]
            names = "vocab.offsets", "vocab.bytes", "counts"
            self.vocab = Vocab.unpacked(*(self._read(name) for name in names))
        except ValueError as error:
            self._file.close()
            raise FormatError(f"{path} is damaged: {error}") from None
        except BaseException:
            self._file.close()
            raise
        params, corpus = about.get("params"), about.get("corpus")
        self.params: dict[str, Any] = params if isinstance(params, dict) else {}
        self.corpus: dict[str, Any] = corpus if isinstance(corpus, dict) else {}
        self.generator = str(about.get("generator", ""))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def shape(self) -> tuple[int, int]:
        """Vocabulary size V and vector size D."""
        n_words, dim = self._shapes["vectors"]
        return n_words, dim

    @property
    def has_context(self) -> bool:
        """Whether the file has the output vectors."""
        return "context" in self._shapes

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """The input vectors, float32 (V, D), read and checked when first asked for."""
        return np.asarray(self._read("vectors"))

    @cached_property
    def context(self) -> NDArray[np.float32] | None:
        """The output vectors, float32 (V, D), if the file has them."""
        return self._read("context") if self.has_context else None

    @property
    def is_loaded(self) -> bool:
        """Whether the vectors are in memory."""
        return "vectors" in self.__dict__

    def rows(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Return some rows of the vectors, float32 (len(ids), D), not verified."""
        return self._file.rows("vectors", ids)

    def extra(self, name: str) -> NDArray[np.int64]:
        """Return another tensor of int64, one row of numbers.

        Raises
        ------
        FormatError
            There is none, or it is damaged.
        """
        if (
            name not in self._file.names()
            or self._file.about(name)[0] != "I64"
            or len(self._file.about(name)[1]) != 1
        ):
            raise FormatError(f"{self._path} is damaged: it has no {name!r}")
        return np.asarray(self._read(name))

    def slice(self, name: str, first: int, n_rows: int) -> NDArray[np.float32]:
        """Return neighbouring rows of "vectors" or "context", float32 (n_rows, D), not verified."""
        return self._file.slice(name, first, n_rows)

    def scan(self, visit: Callable[[int, NDArray[np.float32]], None], name: str = "vectors") -> None:
        """Go once over a matrix without keeping it, and verify it.

        Parameters
        ----------
        visit
            Called by several threads with the number of a block's first row and the block.
        name
            "vectors" or "context".

        Raises
        ------
        FormatError
            The checksum does not match, or a value is not finite.
        """
        self._scan(name, visit, None)

    def _read(self, name: str) -> Any:
        dtype, shape = self._file.about(name)
        tensor = np.empty(shape, DTYPES[dtype])
        self._scan(name, lambda first, block: None, tensor)
        return tensor

    def _scan(self, name: str, visit: Callable[[int, NDArray[Any]], None], into: NDArray[Any] | None) -> None:
        is_finite = True

        def look(first: int, block: NDArray[Any]) -> None:
            nonlocal is_finite
            if name in MATRICES and not all_finite(block):
                is_finite = False
            visit(first, block)

        if self._file.scan(name, look, into=into) != self._crcs.get(name):
            raise FormatError(f"{self._path}: the checksum of {name!r} does not match: the file is damaged")
        if not is_finite:
            raise FormatError(f"{self._path}: {name!r} has values that are not finite")
        self.is_verified = self.is_verified or name == "vectors"


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
    with NativeFile(path) as file:
        context = file.context if with_context else None
        return Contents(file.vectors, file.vocab, context, file.params, file.corpus, file.generator)


def _check_start(path: str | os.PathLike[str]) -> None:
    """Refuse what cannot be a model by its first nine bytes, before the library sees it."""
    with open(path, "rb") as file:
        start = file.read(9)
    if not looks_native(start):
        refuse_pickle(path, start)
        raise FormatError(f"{path} is not a w2vfast model")


def is_native(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is a safetensors file, which no other trainer writes.

    Raises
    ------
    OSError
        It cannot be opened.
    """
    if os.path.isdir(path):
        return False
    with open(path, "rb") as file:
        return looks_native(file.read(9))


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


def _read_about(path: str | os.PathLike[str], metadata: dict[str, str], form: str) -> dict[str, Any]:
    try:
        about = json.loads(metadata[KEY])
        name, version = about["format"], about["format_version"]
        if name == _CHECKPOINT_FORM != form:
            raise FormatError(
                f"{path} is the checkpoint of a run; the command that began it goes on with --resume"
            )
        if name == form and isinstance(version, int) and version >= 1 and isinstance(about["crc32"], dict):
            if version > FORMAT_VERSION:
                raise FormatError(
                    f"{path} is of format version {version}, this w2vfast reads up to {FORMAT_VERSION}; upgrade"
                )
            return dict(about)
    except (KeyError, TypeError, ValueError, RecursionError):
        pass
    raise FormatError(f"{path} is a safetensors file but not a w2vfast model")


def _check_tensors(path: str | os.PathLike[str], file: TensorFile) -> dict[str, list[int]]:
    """Check names, dtypes and shapes from the header, before any data is read."""
    names = file.names()
    for name in _DTYPES.keys() - names - {"context"}:
        raise FormatError(f"{path} is damaged: it has no {name!r}")
    shapes = {}
    for name in sorted(names & _DTYPES.keys()):
        dtype, shapes[name] = file.about(name)
        if dtype != _DTYPES[name]:
            raise FormatError(f"{path} is damaged: {name!r} has the wrong type {dtype}")
    matrix = shapes["vectors"]
    if len(matrix) != 2 or min(matrix) < 1:
        raise FormatError(f"{path} is damaged: 'vectors' has the shape {matrix}")
    expected = {"context": matrix, "counts": [matrix[0]], "vocab.offsets": [matrix[0] + 1]}
    for name, shape in shapes.items():
        if shape != expected.get(name, shape) or (name == "vocab.bytes" and len(shape) != 1):
            raise FormatError(f"{path} is damaged: {name!r} has the shape {shape}")
    return shapes
