"""O7: nothing that is read, and no older work, is lost to an output."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import COMMAND, SAMPLE

import w2vfast
from w2vfast.commands.train import _curve
from w2vfast.model.packed import write_model
from w2vfast.training.checkpoint import FORM


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small model and what a stopped run leaves, as bytes."""
    folder = tmp_path_factory.mktemp("small")
    model = w2vfast.train(str(SAMPLE), epochs=1, dim=4, threads=1)
    model.save(folder / "m.w2v")
    write_model(folder / "m.w2v.ckpt", model.contents, FORM, {}, {})
    return (folder / "m.w2v").read_bytes(), (folder / "m.w2v.ckpt").read_bytes()


@pytest.fixture
def folder(w2v, corpus, small):
    """The text, a model x.w2v, a checkpoint r.w2v.ckpt, words and counts."""
    for name, content in (("x.w2v", small[0]), ("r.w2v.ckpt", small[1])):
        (w2v.folder / name).write_bytes(content)
    (w2v.folder / "kw").write_text("one\ntwo\n")
    (w2v.folder / "v.tsv").write_text("one\t10\ntwo\t10\n")
    (w2v.folder / "test.txt").write_text("one two 3\nthree four 4\n")
    (w2v.folder / "link.w2v").symlink_to("x.w2v")
    return w2v.folder


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train corpus.txt -o x.w2v --save-vocab x.w2v", "two outputs go to x.w2v"),
        ("train corpus.txt -o new.w2v --save-vocab ./new.w2v", "two outputs go to"),
        ("train corpus.txt --plot-loss p.svg --log-json p.svg", "two outputs go to p.svg"),
        ("train corpus.txt -o x.w2v --log-json x.w2v --min-count 100000", "two outputs go to x.w2v"),
        ("train corpus.txt -o x.w2v --log-json x.w2v.ckpt", "two outputs go to"),
        ("train corpus.txt -o - --save-vocab -", "two outputs go to standard output"),
        ("train corpus.txt --from x.w2v --log-json link.w2v", "link.w2v is one of the inputs"),
        ("train corpus.txt --like x.w2v --save-vocab x.w2v", "x.w2v is one of the inputs"),
        ("train corpus.txt --from x.w2v --freeze kw --log-json kw", "kw is one of the inputs"),
        ("train corpus.txt --vocab v.tsv -o v.tsv", "v.tsv is one of the inputs"),
        ("train corpus.txt --eval test.txt --save-vocab test.txt", "test.txt is one of the inputs"),
        ("encode corpus.txt --keep-words kw -o kw", "kw is one of the inputs"),
        ("vocab corpus.txt --drop-words kw -o kw", "kw is one of the inputs"),
        ("cooccur corpus.txt --keep-words kw -o kw", "kw is one of the inputs"),
        ("phrases corpus.txt --connectors kw -o kw", "kw is one of the inputs"),
        ("train corpus.txt -o r.w2v.ckpt", "r.w2v.ckpt is the checkpoint of a run"),
        ("train corpus.txt -o r.w2v --save-vocab r.w2v.ckpt", "r.w2v.ckpt is the checkpoint of a run"),
        ("encode corpus.txt -o r.w2v.ckpt", "r.w2v.ckpt is the checkpoint of a run"),
    ],
)
def test_what_an_output_would_destroy_stays(w2v, folder, command, message):
    before = {name: (folder / name).read_bytes() for name in os.listdir(folder)}
    result = w2v(*command.split())
    assert (result.returncode, message in result.stderr.decode()) == (2, True), result.stderr
    assert {name: (folder / name).read_bytes() for name in os.listdir(folder)} == before


def test_a_model_is_trained_on_in_place_and_devices_take_any_output(w2v, folder):
    os.mkfifo(folder / "device")  # no real one: a fault would replace it
    with subprocess.Popen(["sh", "-c", "cat device; cat device"], cwd=folder, stdout=subprocess.PIPE) as reader:
        more = ("--epochs", "1", "--threads", "1", "--log-json", "device", "--save-vocab", "device")
        result = w2v("train", "corpus.txt", "--from", "x.w2v", "-o", "x.w2v", *more)
        assert result.returncode == 0, result.stderr
        assert stat.S_ISFIFO(os.stat(folder / "device").st_mode)
        reader.kill()
    assert w2v("train", "corpus.txt", "--like", "x.w2v", "-o", "x.w2v").returncode == 0


def test_no_clobber_holds_until_the_model_is_written(w2v, folder):
    """The text comes through a pipe, so that the other file can appear once the run has begun."""
    os.mkfifo(folder / "pipe")
    command = [*COMMAND, "train", "pipe", "-n", "-o", "new.w2v", "--dim", "4"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE)
    with open(folder / "pipe", "wb") as pipe:
        (folder / "new.w2v").write_bytes(b"other")
        pipe.write((folder / "corpus.txt").read_bytes())
    said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 4
    assert "cannot write new.w2v: File exists. The model was saved as" in said
    assert (folder / "new.w2v").read_bytes() == b"other"


def test_no_working_folder_is_needed_for_absolute_paths(w2v, folder):
    """Names of files are relative to a folder that is gone; that is told, unless all of them are absolute."""
    code = "import os, sys; os.rmdir(os.getcwd()); from w2vfast.cli import main; main(sys.argv[1:])"
    text, model = folder / "corpus.txt", folder / "new.w2v"
    for number, (code_expected, *args) in enumerate((
        (0, "vocab", text),
        (0, "train", text, "-o", model, "--epochs", "1", "--dim", "4"),
        (0, "train", text, "-o", "-", "--epochs", "1", "--dim", "4"),
        (2, "train", text),
        (2, "encode", text),
        (2, "vocab", "corpus.txt"),
    )):  # fmt: skip
        (folder / f"gone{number}").mkdir()
        command = [sys.executable, "-c", code, *map(str, args)]
        env = {**os.environ, "PYTHONPATH": str(Path(w2vfast.__file__).parents[1])}
        done = subprocess.run(command, cwd=folder / f"gone{number}", env=env, capture_output=True)
        assert done.returncode == code_expected, done.stderr
    assert model.exists()


def test_no_clobber_is_for_every_file_that_is_written(folder, w2v):
    for option, name in (("--save-vocab", "v.tsv"), ("--log-json", "log.jsonl"), ("--plot-loss", "l.svg")):
        (w2v.folder / name).write_text("old")
        result = w2v("train", "corpus.txt", "-n", "-o", "new.w2v", option, name)
        assert (result.returncode, (w2v.folder / name).read_text()) == (2, "old")
        assert f"{name} is there already, and --no-clobber was given" in result.stderr.decode()
        assert not (w2v.folder / "new.w2v").exists()


def test_a_log_is_a_file(folder, w2v):
    result = w2v("train", "corpus.txt", "-o", "new.w2v", "--log-json", "-")
    assert (result.returncode, b"/dev/stdout is one" in result.stderr) == (2, True)
    assert not (w2v.folder / "-").exists()


def test_no_curve_of_a_run_in_which_nothing_was_left_to_train(tmp_path, capsys):
    """A checkpoint of the last chunk: the model is there, and there is nothing to draw."""
    pytest.importorskip("matplotlib")
    target = tmp_path / "l.svg"
    with _curve(str(target), replaces=True, quiet=False):
        pass
    assert "there is no curve" in capsys.readouterr().err
    assert not target.exists()
