"""w2vfast: a fast word2vec for the command line and for Python.

>>> import w2vfast
>>> emb = w2vfast.train("corpus.txt", model="sg", neg=5)      # doctest: +SKIP
>>> emb.save("model.w2v")                                     # doctest: +SKIP
>>> w2vfast.load("model.w2v").most_similar("king")            # doctest: +SKIP
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

__version__ = "1.0.0"
__all__ = ["Embeddings", "TrainConfig", "__version__", "load", "train"]

if TYPE_CHECKING:
    from w2vfast.model.embeddings import Embeddings
    from w2vfast.training.config import TrainConfig
    from w2vfast.training.run import train

_HOMES = {
    "Embeddings": "w2vfast.model.embeddings",
    "TrainConfig": "w2vfast.training.config",
    "train": "w2vfast.training.run",
}


def load(path: str | os.PathLike[str]) -> "Embeddings":
    """Read a model file, or the vectors of another trainer, whose format is told by their bytes.

    Parameters
    ----------
    path
        A ``model.w2v``, a word2vec, GloVe, JSON Lines or SQLite file, or a folder that ``convert`` makes.

    Raises
    ------
    FormatError
        The file is damaged or not a model.
    UsageError
        It cannot be opened.
    """
    from w2vfast.model.embeddings import Embeddings

    return Embeddings.load(path)


def __dir__() -> list[str]:
    """List what is imported when it is first used, too."""
    return sorted({*globals(), *_HOMES, "objectives"})


def __getattr__(name: str) -> Any:
    """Import the parts of the public interface when they are first used: queries never need Numba."""
    if name == "objectives":
        return importlib.import_module("w2vfast.objectives")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
