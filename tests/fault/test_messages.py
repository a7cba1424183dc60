"""What messages say: names that the user knows, help that helps, one thing and several things."""

import subprocess
import sys

import pytest
from conftest import COMMAND

from w2vfast.errors import FormatError
from w2vfast.system.places import rereadable
from w2vfast.wording import counted


@pytest.mark.parametrize(
    "args", ["similar a -m <(echo junk)", "info <(echo junk)", "convert <(echo 3 2; echo a 1) -o out.w2v"]
)
def test_a_pipe_is_called_as_the_user_calls_it(w2v, args):
    """Not by the name of its temporary copy."""
    script = " ".join([*COMMAND, args])
    result = subprocess.run(["bash", "-c", script], cwd=w2v.folder, capture_output=True, timeout=60)
    assert result.returncode == 3
    assert result.stderr.startswith(b"w2vfast: error: /dev/fd/")


def test_other_errors_about_a_copy_pass(tmp_path):
    with pytest.raises(FormatError, match=r"^file is odd$"), rereadable(__file__):
        raise FormatError("file is odd")


@pytest.mark.parametrize(("command", "helps"), [("similar", False), ("info", False), ("train", True)])
def test_too_little_memory(command, helps):
    """What is said to help are options that the command has."""
    script = (
        "import sys, w2vfast.cli as c\n"
        "def fail(arguments): raise MemoryError\n"
        f"c._run = fail; c.main([{command!r}, 'x'])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
    assert result.returncode == 6
    assert b"not enough memory" in result.stderr
    assert (b"--min-count" in result.stderr) is helps


def test_a_hint_reads_well(w2v):
    hint = w2v("similar", "--hlep").stderr
    assert hint.endswith(b" Try: w2vfast similar --help\n")
    assert b"--help-all" in hint  # in click's words, which vary
    assert b"?." not in hint
    assert b"?)" not in hint
    assert w2v("trian").stderr.endswith(b"'trian'. Did you mean 'train'? Try: w2vfast --help\n")
    assert w2v("frob").stderr.endswith(b"'frob'. Try: w2vfast --help\n")


def test_one_thing_and_several_things(w2v, corpus):
    assert [counted(n, "word") for n in (0, 1, 2000)] == ["0 words", "1 word", "2,000 words"]
    assert b" 1 epoch, 1 thread;" in w2v("train", "corpus.txt", "--epochs", "1", "--threads", "1").stderr
    assert w2v("convert", "model.w2v", "-o", "one.txt", "--top", "1").stderr == b"1 word x 100: one.txt\n"
