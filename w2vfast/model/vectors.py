"""Vectors with their words, from memory or from an open file."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import OutputError, UsageError
from w2vfast.model import query
from w2vfast.model.contents import Contents
from w2vfast.model.native import NativeFile, is_native, read_model
from w2vfast.model.packed import pack_model
from w2vfast.system.places import rereadable, state_folder
from w2vfast.system.staging import Staging
from w2vfast.vocab import Vocab

#: So many queries are answered at a time, however many words there are.
LEAST_QUERIES = 16
_SMALL_BYTES = 1 << 26  # vectors of that size are read at once


class WordVectors:
    """Access to vectors by word: what ``Embeddings`` asks its questions of.

    Parameters
    ----------
    contents
        Vectors, vocabulary and provenance, in memory or as an open model file.
    """

    def __init__(self, contents: Contents | NativeFile) -> None:
        self._contents = contents
        self._has_answered = False

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The input vectors W, float32 (V, D): not a copy, and read-only, since their lengths are remembered.

        To change them: ``Embeddings(dataclasses.replace(emb.contents, vectors=changed))``.
        """
        view = self._contents.vectors.view()
        view.flags.writeable = False
        return view

    @property
    def context(self) -> NDArray[np.float32] | None:
        """The output vectors W', float32 (V, D), if the model has them; the array itself, not a copy."""
        return self._contents.context

    @property
    def vocab(self) -> Vocab:
        """The words, most frequent first, and their counts."""
        return self._contents.vocab

    @property
    def params(self) -> dict[str, Any]:
        """The parameters the model was trained with."""
        return self._contents.params

    @property
    def notes(self) -> tuple[str, ...]:
        """What was odd about the file that the vectors came from."""
        return self._contents.notes

    @property
    def dim(self) -> int:
        """Vector size D."""
        is_stored = isinstance(self._contents, NativeFile)
        return int((self._contents.shape if is_stored else self.vectors.shape)[1])  # type: ignore[union-attr]

    def __len__(self) -> int:
        return len(self.vocab)

    def __contains__(self, word: object) -> bool:
        return word in self.vocab

    def __iter__(self) -> Iterator[str]:
        return iter(self.vocab)

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        return np.asarray(self.vectors[self.ids([word])[0]])

    def __repr__(self) -> str:
        return f"<Embeddings: {len(self):,} words x {self.dim}>"

    def ids(self, words: Sequence[str]) -> list[int]:
        """Return the row numbers of words, or of one word.

        Raises
        ------
        KeyError
            A word is not in the vocabulary.
        TypeError
            Something is no word.
        """
        words = as_words(words)
        found = self.vocab.find(words)
        for word, word_id in zip(words, found, strict=True):
            if word_id is None:
                raise KeyError(f"{word!r} is not in the vocabulary")
        return found  # type: ignore[return-value]

    @property
    def contents(self) -> Contents:
        """Everything that a model file would hold."""
        source = self._contents
        if isinstance(source, Contents):
            return source
        return Contents(
            source.vectors, source.vocab, source.context, source.params, source.corpus, source.generator
        )

    def rows(self, ids: Sequence[int], *, verified: bool = True) -> NDArray[np.float32]:
        """Return some rows of the vectors, float32 (len(ids), D), by number.

        Parameters
        ----------
        ids
            Row numbers.
        verified
            Whether the checksum of a file must have been compared; not needed by who goes over all of it next.
        """
        source = self._contents
        if not isinstance(source, NativeFile) or source.is_loaded or self._is_small:
            return self.vectors[ids]
        if verified and not source.is_verified:
            source.scan(lambda first, block: None)
        return source.rows(ids)

    def cosines(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the cosine similarity of vectors (Q, D) to all words, float32 (Q, V).

        The first question to a large file that was opened, not loaded, goes over it without keeping it.
        """
        source = self._contents
        is_first, self._has_answered = not self._has_answered, True
        is_stored = isinstance(source, NativeFile) and not source.is_loaded and not self._is_small
        if is_stored and is_first and len(vectors) <= LEAST_QUERIES:
            return _cosines_of_file(source, vectors)  # type: ignore[arg-type]
        return query.cosines(self.vectors, self.norms, vectors)

    @cached_property
    def norms(self) -> NDArray[np.float32]:
        """The length of each vector, float32 (V,), 1 for a zero vector."""
        return query.row_norms(self.vectors)

    def save(self, path: str | os.PathLike[str]) -> int:
        """Write the model file; whole or, if anything fails, not at all. Return its size in bytes.

        Raises
        ------
        OutputError
            It cannot be written; an older file is untouched.
        DataError
            It could not be read back: a number is not finite, a word is empty or comes twice, or there is none.
        """
        with Staging(path) as staging:
            return self.save_staged(staging)

    def save_staged(self, staging: Staging) -> int:
        """Write the model file through a staging that is open already; return its size in bytes."""
        packed = pack_model(self.contents)
        staging.write(packed.write, packed.n_bytes)
        return packed.n_bytes

    def save_or_rescue(self, staging: Staging) -> int:
        """Write the model file as ``save_staged`` does; if that fails, put it where it can be written.

        Raises
        ------
        OutputError
            It cannot be written; the message says where the copy is, if there is one.
        BrokenPipeError
            Its reader is gone; the same stands in a note.
        """
        try:
            return self.save_staged(staging)
        except (OutputError, BrokenPipeError) as error:
            rescued = self._rescue("model" if staging.in_place else staging.target.stem)
            if rescued is None:
                raise
            where = f"The model was saved as {rescued}"
            if isinstance(error, BrokenPipeError):
                error.add_note(f"the reader of {staging.name} is gone. {where}")
                raise
            raise OutputError(f"{error}. {where}") from None

    def _rescue(self, name: str) -> Path | None:
        """Save the model in the user's folder for rescued files, or among temporary ones; return where."""
        state = state_folder()
        for folder in [*([] if state is None else [state / "rescue"]), Path(tempfile.gettempdir())]:
            path = folder / f"{name}-{os.urandom(4).hex()}.w2v"
            with contextlib.suppress(OSError, OutputError):
                folder.mkdir(parents=True, exist_ok=True)
                self.save(path)
                return path
        return None

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, with_context: bool = True) -> Self:
        """Read a model file, or vectors in any other format that ``w2vfast.model.formats`` knows.

        Raises
        ------
        FormatError
            The file is damaged or not a model.
        UsageError
            It cannot be opened.
        """
        with reading(path) as place:
            return cls(read_model(place, with_context=with_context) if is_native(place) else _read_other(place))

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a model file for a few questions: its vectors are read when they are needed.

        The first question to a large file goes once over it, verifies it and keeps nothing; a second one loads
        it. Other trainers' files are loaded at once.

        Raises
        ------
        FormatError
            The file is damaged or not a model.
        UsageError
            It cannot be opened.
        """
        with reading(path) as place:
            return cls(NativeFile(place) if is_native(place) else _read_other(place))

    def to_gensim(self) -> Any:
        """Return gensim's ``KeyedVectors`` of the same words; the matrix is shared, read-only.

        Raises
        ------
        UsageError
            gensim is not installed.
        """
        try:
            from gensim.models import KeyedVectors
        except ImportError:
            raise UsageError("to_gensim needs: pip install gensim") from None
        result = KeyedVectors(self.dim)
        result.index_to_key, result.key_to_index = list(self.vocab.words), dict(self.vocab.index)
        result.vectors = self.vectors
        result.expandos = {"count": self.vocab.counts} if self.vocab.counts.any() else {}
        return result

    @classmethod
    def from_gensim(cls, vectors: Any) -> Self:
        """Return the words and vectors of gensim's ``KeyedVectors``; a float32 matrix is shared, not copied.

        It must not be changed afterwards.

        Raises
        ------
        UsageError
            It is something else, or its keys are no words.
        """
        if not hasattr(vectors, "index_to_key"):
            raise UsageError(f"from_gensim takes KeyedVectors, such as model.wv, not {type(vectors).__name__}")
        words = list(vectors.index_to_key)
        for word in words:
            if not isinstance(word, str):
                raise UsageError(f"from_gensim needs keys that are words, not {word!r}; name them as text first")
        counts = vectors.expandos.get("count", np.zeros(len(words)))
        matrix = np.asarray(vectors.vectors, np.float32)
        return cls(Contents(matrix, Vocab(words, np.asarray(counts, np.int64)), generator="gensim"))

    @property
    def _is_small(self) -> bool:
        return 4 * len(self) * self.dim <= _SMALL_BYTES


def as_words(words: Sequence[str]) -> list[str]:
    """Return words as a list; one word is not taken for its letters.

    Raises
    ------
    TypeError
        Something is no word.
    """
    result = [words] if isinstance(words, str) else list(words)
    for word in result:
        if not isinstance(word, str):
            raise TypeError(f"a word must be a str, not {type(word).__name__}")
    return result


def _read_other(path: str | os.PathLike[str]) -> Contents:
    """Read the vectors of another trainer."""
    from w2vfast.model.formats.registry import (
        read_vectors,
    )  # which a question to a model of ours need not wait for

    return read_vectors(path)


@contextlib.contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[str | os.PathLike[str]]:
    """Yield a path of vectors that can be read several times; what the system refuses is a UsageError.

    Raises
    ------
    UsageError
        It cannot be read.
    """
    try:
        with rereadable(os.fsdecode(path)) as place:
            yield place
    except BrokenPipeError:  # of standard output
        raise
    except OSError as error:
        raise UsageError(f"cannot read {os.fspath(path)}: {error.strerror or error}") from None


def _cosines_of_file(file: NativeFile, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosine similarity of vectors to all words of a file, going once over it."""
    units = query.unit_rows(vectors)
    scores = np.empty((len(units), len(file.vocab)), np.float32)

    def visit(first: int, block: NDArray[np.float32]) -> None:
        norms = query.row_norms(block)
        for unit, row in zip(units, scores, strict=True):
            part = row[first : first + len(block)]
            with np.errstate(over="ignore", invalid="ignore"):
                np.divide(np.vecdot(block, unit), norms, out=part)
        query.mend_extremes(scores[:, first : first + len(block)], block, norms, units)

    file.scan(visit)
    return scores
