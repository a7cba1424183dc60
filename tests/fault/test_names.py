"""Names of files and values of options as nobody expects them: empty, too long, not UTF-8."""

import io
import os

import pytest

import w2vfast
from w2vfast.errors import UsageError

VECTORS = "4 2\nnorth 0 1\neast 1 0\nsouth 0 -1\nboth 1 1\n"
TOO_LONG = "x" * 300


@pytest.fixture
def folder(w2v, corpus):
    """A folder with a text and some vectors."""
    (w2v.folder / "map.vec").write_text(VECTORS)
    (w2v.folder / "tabs.jsonl").write_text('{"word": "new york", "vector": [1, 2]}\n')
    return w2v.folder


@pytest.mark.parametrize(
    "args",
    [
        ("train", ""),
        ("vocab", ""),
        ("train", "corpus.txt", "-o", ""),
        ("convert", "map.vec", "-o", "", "--format", "txt"),
        ("plot", "-m", "map.vec", "-o", ""),
    ],
)
def test_an_empty_name_is_no_file(w2v, folder, args):
    """It would mean all files of the current folder."""
    before = sorted(os.listdir(folder))
    result = w2v(*args)
    assert result.returncode == 2, result.stderr
    assert sorted(os.listdir(folder)) == before


def test_an_empty_name_is_no_corpus_of_the_api(corpus, monkeypatch):
    monkeypatch.chdir(corpus.parent)
    with pytest.raises(UsageError, match="an empty file name"):
        w2vfast.train("")
    with pytest.raises(UsageError, match="an empty file name"):
        w2vfast.train([io.BytesIO(b"a b"), ""])


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("similar", "north", "-m", TOO_LONG), 2),
        (("info", TOO_LONG), 2),
        (("train", TOO_LONG), 2),
        (("convert", TOO_LONG, "-o", "out.txt"), 2),
        (("similar", "north", "-m", "map.vec", "--among", TOO_LONG), 2),
        (("train", "corpus.txt", "-o", TOO_LONG), 4),
        (("train", "corpus.txt", "-q", "--log-json", TOO_LONG), 4),
        (("convert", "map.vec", "-o", f"{TOO_LONG}.txt"), 4),
        (("convert", "map.vec", "-o", TOO_LONG, "--format", "npy"), 4),
        (("plot", "-m", "map.vec", "-o", f"{TOO_LONG}.html"), 4),
    ],
)
def test_a_name_that_no_file_can_have(w2v, folder, args, code):
    result = w2v(*args)
    assert result.returncode == code
    assert b"long" in result.stderr
    assert b"internal error" not in result.stderr


@pytest.mark.parametrize("letter", ["x", "ö"])
def test_a_name_as_long_as_a_file_can_have(w2v, folder, letter):
    """What is written beside it first has a shorter one."""
    stem = letter * (250 // len(letter.encode()))
    for args, name in (
        (("train", "corpus.txt", "--epochs", "1", "-o"), stem),
        (("convert", "map.vec", "-o"), f"{stem[:-4]}.txt"),
    ):
        result = w2v(*args, name)
        assert result.returncode == 0, result.stderr
        assert (folder / name).stat().st_size > 0
    assert not [name for name in os.listdir(folder) if name.startswith(".")]


def test_a_picture_of_a_model_whose_name_is_not_utf_8(w2v, folder):
    (folder / "map.vec").rename(os.fsdecode(os.fsencode(folder) + b"/m\xff.vec"))
    result = w2v("plot", "-m", b"m\xff.vec", "-o", "map.html")
    assert result.returncode == 0, result.stderr
    assert "<title>m\ufffd.vec" in (folder / "map.html").read_text("utf-8")


@pytest.mark.parametrize(
    "args",
    [
        ("convert", "tabs.jsonl", "-o", "out.txt", "--space-char", b"\xff"),
        ("phrases", "corpus.txt", "--delimiter", b"\xff"),
        ("cluster", "-m", "map.vec", "--seed", "-1"),
        ("cluster", "-m", "map.vec", "--seed", "4294967296"),
        ("plot", "-m", "map.vec", "--seed", "-1"),
    ],
)
def test_values_that_cannot_be_used(w2v, folder, args):
    result = w2v(*args)
    assert result.returncode == 2, result.stderr
    assert b"--" in result.stderr
