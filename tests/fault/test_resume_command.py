"""The command that goes on with a run: a shell takes it, and nothing is missing."""

import os
import subprocess

import pytest

from w2vfast.commands.keeping import resume_command
from w2vfast.commands.train import train
from w2vfast.training.log import JsonLog


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("c.txt --dim 5", "c.txt --resume"),
        ("c.txt -o m.w2v -n --no-context", "c.txt -o m.w2v --no-context --no-clobber --resume"),
        ("--eval a --eval b c.txt", "c.txt --eval a --eval b --resume"),
        (
            "--log-json l --save-vocab v --plot-loss p.svg --checkpoint-every 1 c.txt",
            "c.txt --log-json l --plot-loss p.svg --save-vocab v --checkpoint-every 1.0 --resume",
        ),
        ("-o m.w2v -- -c.txt", "-o m.w2v --resume -- -c.txt"),
    ],
)
def test_the_command_repeats_what_a_checkpoint_does_not_have(given, expected):
    context = train.make_context("train", given.split())
    assert resume_command(context) == f"w2vfast train {expected}"
    again = train.make_context("train", expected.split())
    assert again.params["resume"]
    assert again.params["corpus"] == context.params["corpus"]


def test_standard_input_comes_again():
    assert resume_command(train.make_context("train", ["-"])) == "... | w2vfast train - --resume"


@pytest.mark.parametrize("name", [b"a b'c.txt", b"caf\xe9 1.txt", b"tab\there\x1b", "\u00e9t\u00e9".encode()])
def test_a_shell_reads_any_name_as_it_is(name):
    command = resume_command(train.make_context("train", [os.fsdecode(name)]))
    line = command.encode().replace(b"w2vfast train", b"printf '%s\\0'")
    assert subprocess.run(["bash", "-c", line], capture_output=True).stdout == name + b"\0--resume\0"


def test_a_log_goes_on_and_an_older_one_stays_until_there_is_something_new(tmp_path):
    path = tmp_path / "log"
    path.write_text("old\n")
    for append, n_rows, n_lines in ((False, 0, 1), (False, 2, 2), (True, 1, 3), (False, 1, 1)):
        log = JsonLog(path, append=append)
        for epoch in range(n_rows):
            log.evaluated(epoch, {})
        log._file.close()
        assert path.read_text().count("\n") == n_lines
