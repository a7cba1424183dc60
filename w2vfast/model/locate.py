"""Which model file a query means when none is named, and the note of the last one trained."""

import os
from dataclasses import dataclass
from pathlib import Path

from w2vfast.errors import OutputError, UsageError
from w2vfast.system.places import exists, state_folder
from w2vfast.system.staging import Staging

DEFAULT_NAME = "model.w2v"


@dataclass(frozen=True)
class Located:
    """A model file that was found; ``named`` tells whether the user named it."""

    path: Path
    named: bool


def find_model(option: str | None) -> Located:
    """Find the model: the option, $W2VFAST_MODEL, ./model.w2v, the last trained one; the first named counts.

    Parameters
    ----------
    option
        Value of ``--model-file`` or of the environment variable; None if neither was given.

    Raises
    ------
    UsageError
        The named file does not exist, or no model is found anywhere.
    """
    if option is not None:
        if not option:
            raise UsageError("an empty file name")
        if not exists(option):
            raise UsageError(f"the model {option} does not exist")
        return Located(Path(option), named=True)
    here = Path(DEFAULT_NAME)
    if os.path.exists(here):
        return Located(Path(".") / here, named=False)
    last = read_last()
    if last and os.path.exists(last):
        return Located(last, named=False)
    tried = ["-m FILE", "$W2VFAST_MODEL", f"./{DEFAULT_NAME}"]
    tried.append(f"the last trained model ({f'{last}, which is gone' if last else 'none'})")
    raise UsageError(f"no model found; tried {', '.join(tried)}. Train one: w2vfast train corpus.txt")


def read_last() -> Path | None:
    """Return the path of the last trained model, if one is noted; it may be gone."""
    note = _note_path()
    try:
        name = note.read_bytes().rstrip(b"\n") if note else b""
    except OSError:
        return None
    return Path(os.fsdecode(name)) if name.startswith(b"/") else None


def write_last(model: Path) -> None:
    """Note the last trained model; do nothing where that is impossible or switched off."""
    note = _note_path()
    if note is None:
        return
    content = os.fsencode(model.resolve()) + b"\n"
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        with Staging(note) as staging:
            staging.write_bytes(content)
    except (OSError, OutputError):
        pass  # a convenience; the model itself is safe


def _note_path() -> Path | None:
    if os.environ.get("W2VFAST_NO_LAST"):
        return None
    folder = state_folder()
    return None if folder is None else folder / "last"
