"""Every example that the help shows works as printed."""

import gzip
import os
import re
import subprocess
import sys
from inspect import cleandoc
from pathlib import Path

import pytest
from conftest import QUESTIONS, SAMPLE

from w2vfast.cli import _COMMANDS, cli

_NEEDS_A_CLUSTER = ("cluster-check",)


def examples(name):
    """The examples of a command's help, without the remarks behind them."""
    command = cli.get_command(None, name) if name else cli
    blocks = [block for block in cleandoc(command.help).split("\n\n") if block.startswith("\b")]
    return [re.split(r"\s{3,}", line)[0] for block in blocks for line in block.splitlines()[1:]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with everything that the examples name."""
    place = tmp_path_factory.mktemp("examples")
    text = gzip.decompress(SAMPLE.read_bytes()).decode() + "sing -ing ring -ing\n" * 20
    questions = QUESTIONS.read_text()
    (place / "corpus.txt").write_text(text)
    (place / "words.txt").write_text("king\nqueen\n")
    (place / "sentences.txt").write_text("king queen palace\nbread cheese\n")
    for name in ("questions-words.txt", "questions.txt"):
        (place / name).write_text("".join(questions.splitlines(keepends=True)[:40]))
    for name in ("wordsim353.tsv", "simlex999.tsv"):
        (place / name).write_text("king\tqueen\t9\nking\tbread\t1\nbread\tcheese\t8\n")
    run(place, "w2vfast train corpus.txt --epochs 3 -q --log-json log.jsonl && cp model.w2v one.w2v")
    run(place, "w2vfast convert model.w2v -o glove.6B.100d.txt --format glove")
    return place


def run(place, code):
    """Run a line in bash; the right w2vfast comes first on the path."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code], cwd=place, capture_output=True, timeout=120, text=True,
        env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert done.returncode in (0, 141), f"{code}\n{done.stderr}"  # head may end first
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["", *(name for name in _COMMANDS if name not in _NEEDS_A_CLUSTER)])
def test_examples_work_as_printed(name, folder):
    found = examples(name)
    assert found
    for example in found:
        if "loss.svg" in example or ".png" in example:
            pytest.importorskip("matplotlib")
        if "cooccur" in example:
            pytest.importorskip("scipy")
        run(folder, example)
