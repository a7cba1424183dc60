"""Arrays in temporary files without a name, mapped into memory; the system may write them out."""

import tempfile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def spooled(size: int, kind: DTypeLike) -> NDArray[Any]:
    """Return an array (size,) of zeros in the folder for temporary files; it goes with its last reference."""
    if size == 0:
        return np.zeros(0, kind)
    with tempfile.TemporaryFile(prefix="w2vfast-") as file:
        file.truncate(size * np.dtype(kind).itemsize)
        return np.memmap(file, kind, "r+", shape=(size,)).view(np.ndarray)
