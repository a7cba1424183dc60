"""What a command writes must not be what it reads, nor twice the same file."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from w2vfast.corpus.sources import Source
from w2vfast.errors import UsageError
from w2vfast.system.places import real_path
from w2vfast.training.checkpoint import is_checkpoint

#: A path, or None for a file that is not wanted.
Name = str | os.PathLike[str] | None


def refuse_input_as_output(
    sources: Iterable[Source], *outputs: Name, files: Iterable[Name] = (), checkpoint: Name = None
) -> None:
    """Make sure that nothing is lost to an output, by whatever name: an input, another output, a stopped run.

    Parameters
    ----------
    sources
        The text that is read.
    *outputs
        What is written; "-" is standard output. Devices and pipes may take several outputs.
    files
        What else is read.
    checkpoint
        What is written, too, and may be a checkpoint already.

    Raises
    ------
    UsageError
        An output is an input, another output or a checkpoint.
    """
    origins = (source.origin for source in sources)
    read = {_identity(file) for file in (*files, *origins) if isinstance(file, str | os.PathLike)}
    written: set[object] = set()
    for output in (*outputs, checkpoint):
        if output is None:
            continue
        name, identity = os.fspath(output), "-" if output == "-" else _identity(output)
        if identity is None:
            continue
        if identity in read:
            raise UsageError(f"the output {name} is one of the inputs")
        if identity in written:
            raise UsageError(f"two outputs go to {'standard output' if name == '-' else name}")
        if output is not checkpoint and is_checkpoint(Path(name)):
            raise UsageError(f"the output {name} is the checkpoint of a run that could go on; remove it first")
        written.add(identity)


def refuse_replacing(*outputs: Name) -> None:
    """Make sure that no file is there yet where something is to be written.

    Raises
    ------
    UsageError
        One is.
    """
    for output in outputs:
        if output is not None and os.path.isfile(output):
            raise UsageError(f"{os.fspath(output)} is there already, and --no-clobber was given")


def _identity(path: str | os.PathLike[str]) -> object:
    """Return what all names of a file have in common; None for a device or pipe."""
    try:
        found = os.stat(path)
    except OSError:
        return real_path(path)
    special = not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode)
    return None if special else (found.st_dev, found.st_ino)
