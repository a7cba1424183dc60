"""Folders of the user's where w2vfast keeps something between runs."""

import os
from pathlib import Path


def state_folder() -> Path | None:
    """Return ``$XDG_STATE_HOME/w2vfast``, or what stands for it; None without a home. It may not exist yet."""
    try:
        root = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    except RuntimeError:  # no home
        return None
    return Path(root) / "w2vfast"


def checkpoint_of(output: str | os.PathLike[str]) -> Path:
    """Return the path of the checkpoint that belongs to an output, through links."""
    return Path(os.path.realpath(output) + ".ckpt")
