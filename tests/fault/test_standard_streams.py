"""Standard input, output and error that are closed, full, or without a buffer."""

import os
import subprocess

import pytest
from conftest import COMMAND

VECTORS = "4 2\nnorth 0 1\neast 1 0\nsouth 0 -1\nboth 1 1\n"


@pytest.fixture
def shell(w2v, corpus):
    """Run the command by bash, with redirections: shell("similar north", "2>&-")."""
    (w2v.folder / "map.vec").write_text(VECTORS)
    (w2v.folder / "many.vec").write_text("20000 2\n" + "".join(f"word{i} 0 1\n" for i in range(20_000)))

    def run(args, redirection="", **env):
        script = f"set -o pipefail; {' '.join(COMMAND)} {args} {redirection}"
        return subprocess.run(
            ["bash", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, timeout=120, cwd=w2v.folder,
            env={**os.environ, "W2VFAST_MODEL": "map.vec", **env},
        )  # fmt: skip

    run.folder = w2v.folder
    return run


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_no_cut_output_passes_for_a_whole_one(shell, unbuffered):
    """Without its buffer, Python's standard output writes less than it is given and tells nobody."""
    convert = "convert many.vec -q -o - --format txt"
    assert shell(convert, "| head -1", PYTHONUNBUFFERED=unbuffered).returncode == 141
    result = shell(convert, "> whole.txt", PYTHONUNBUFFERED=unbuffered)
    assert (result.returncode, (shell.folder / "whole.txt").read_bytes().count(b"\n")) == (0, 20_001)
    for args in ("train corpus.txt -q --epochs 1 -o -", convert, "similar north", "--help"):
        result = shell(args, "> /dev/full", PYTHONUNBUFFERED=unbuffered)
        assert result.returncode == 4, args
        assert result.stderr.count(b"error: cannot write") == 1, result.stderr


@pytest.mark.parametrize("redirection", ["<&-", "2>&-", "2>/dev/full", "2> >(true)"])
@pytest.mark.parametrize(
    ("args", "code"),
    [
        ("similar north", 0),
        ("similar north nowhere", 1),
        ("similar -", 0),
        ("similar", 0),
        ("train corpus.txt --epochs 1 -o new.w2v", 0),
        ("train - -o new.w2v", 3),
        ("convert map.vec -o new.vec", 0),
        ("", 2),
    ],
)
def test_closed_input_is_empty_and_unwritable_notes_stop_nobody(shell, args, code, redirection):
    result = shell(args, redirection)
    assert result.returncode == code, result.stderr
    assert result.stdout.count(b"\n") == (3 if "north" in args else 0)
    assert b"Traceback" not in result.stderr
    assert (shell.folder / args.split()[-1]).is_file() if "new" in args and code == 0 else True


@pytest.mark.parametrize("redirection", [">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_with_a_closed_output_only_results_are_lost(shell, redirection):
    """As with cat; a file of the run never takes the place of a closed stream."""
    result = shell("similar north", redirection)
    assert result.returncode == 4
    assert result.stderr.count(b"cannot write") == ("2>&-" not in redirection)
    assert shell("train corpus.txt --epochs 1 -o new.w2v", redirection).returncode == 0
    assert shell("info new.w2v").returncode == 0
