"""The commands and options that messages advise exist, and do what the message promises."""

import ast
import re
import shlex
from pathlib import Path

import click
import numpy as np
import pytest
from conftest import SAMPLE

import w2vfast
from w2vfast.cli import _COMMANDS, cli

PACKAGE = Path(w2vfast.__file__).parent
_COMMAND_LINE = re.compile(rf"w2vfast (?:{'|'.join(_COMMANDS)})\b[^\n;|)]*")
#: Options of other programs that messages speak of.
_FOREIGN = {"--nthreads", "--resources", "--memory-limit"}


def spoken(path):
    """The texts of a module that are no docstrings, with {} where values go."""
    tree = ast.parse(path.read_text())
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and isinstance(node.body[0], ast.Expr)
    }
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (docs | parts):
            yield node.value


def texts():
    """Every text of the package that a user may see."""
    return [text for path in sorted(PACKAGE.rglob("*.py")) for text in spoken(path)]


def advised():
    """The command lines in them."""
    found = (
        re.split(r"[.,] ", match[0])[0].rstrip() for text in texts() for match in _COMMAND_LINE.finditer(text)
    )
    return sorted({line for line in found if len(line.split()) > 2})


def options_of(command):
    """All that can be written for a command's options."""
    return {name for option in command.params for name in (*option.opts, *option.secondary_opts)}


def every_option():
    commands = [cli, *(cli.get_command(None, name) for name in _COMMANDS)]
    return set().union(*map(options_of, commands)) | {"--help", "--help-all"}


def test_advised_command_lines_are_found():
    assert {"w2vfast train corpus.txt", "w2vfast vector --mean good morning", "w2vfast similar king"} <= {
        *advised()
    }


@pytest.mark.parametrize("line", advised())
def test_an_advised_command_line_is_one(line):
    """Its command takes all of it."""
    _, name, *arguments = shlex.split(line.replace("{}", "1"))
    command = cli.get_command(None, name)
    takes_all = not any(param.required for param in command.params if isinstance(param, click.Option))
    command.make_context(name, arguments, resilient_parsing=not takes_all)
    assert {word for word in arguments if word.startswith("--")} <= options_of(command)


def test_advised_options_exist():
    known = every_option() | _FOREIGN
    missing = {
        option
        for text in texts()
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z0-9]+", text)
        if option not in known and " " in text
    }
    assert not missing


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files that give trouble."""
    place = tmp_path_factory.mktemp("trouble")
    packed = SAMPLE.read_bytes()
    (place / "cut.gz").write_bytes(packed[: len(packed) // 2])
    (place / "rare.txt").write_text("one two three\nfour five six\n")
    (place / "column.txt").write_text("one\ntwo\nthree\n" * 20)
    (place / "latin.txt").write_bytes("un caf\xe9 noir\n".encode("latin-1") * 20)
    (place / "odd.vec").write_text("2 2\nnorth 1 nan\nsouth 1 2\n")
    (place / "good.vec").write_text("2 2\nnorth 1 1\nsouth 1 2\n")
    (place / "names.jsonl").write_text(
        '{"word": "new york", "vector": [1, 2]}\n{"word": "rome", "vector": [2, 1]}\n'
    )
    (place / "marked.npy").mkdir()
    np.save(place / "marked.npy" / "vectors.npy", np.eye(2, dtype=np.float32))
    (place / "marked.npy" / "words.txt").write_text("\ufeffking\nqueen\n")
    (place / "short.txt").write_text("a b c d e f g h\n" * 30)
    (place / "corpus.txt").write_text("one two three four five six seven\n" * 100)
    return place


@pytest.mark.parametrize(
    ("fails", "advice", "works"),
    [
        ("train cut.gz", "--allow-truncated", "train cut.gz --allow-truncated --epochs 1"),
        ("vocab cut.gz", "--allow-truncated", "vocab cut.gz --allow-truncated"),
        ("train rare.txt", "--min-count 1", "train rare.txt --min-count 1 --sample 0"),
        ("encode rare.txt -o r.w2vc", "--min-count 1", "encode rare.txt -o r.w2vc --min-count 1"),
        ("cooccur rare.txt", "--min-count 1", "cooccur rare.txt --min-count 1 --form counts"),
        ("doctor column.txt", "--sentence document", "train column.txt --sentence document --sample 0"),
        ("doctor column.txt", "--sentence 1000", "train column.txt --sentence 1000 --sample 0"),
        ("convert odd.vec -o o.w2v", "convert --allow-nonfinite", "convert --allow-nonfinite odd.vec -o o.bin"),
        ("convert names.jsonl -o n.txt", "--space-char _", "convert names.jsonl -o n.txt --space-char _"),
        ("convert good.vec -o good.xyz", "--format", "convert good.vec -o good.xyz --format txt"),
        ("convert marked.npy -o m --format glove", "--format txt", "convert marked.npy -o m --format txt"),
        ("similar north -m good.vec -k 0", "w2vfast similar --help", "similar --help"),
        ("train short.txt --held-out 0.00001", "--held-out", "train short.txt --held-out 0.3 --sample 0"),
        ("similar one", "w2vfast train corpus.txt", "train corpus.txt"),
        ("train corpus.txt --resume", "start without --resume", "train corpus.txt"),
        ("cooccur corpus.txt --dim 100 --min-count 1", "--dim", "cooccur corpus.txt --dim 3 --min-count 1"),
    ],
)  # fmt: skip
def test_advice_helps(w2v, folder, fails, advice, works):
    """What failed, or was found fault with, works as the message says."""
    for file in folder.iterdir():
        (w2v.folder / file.name).symlink_to(file)
    if "cooccur" in fails:
        pytest.importorskip("scipy")
    result = w2v(*fails.split())
    assert fails.startswith("doctor") or result.returncode in (2, 3)
    assert advice in result.stdout.decode() + result.stderr.decode()
    done = w2v(*works.split())
    assert done.returncode == 0, done.stderr.decode()
