"""Disks that are full or fail: whatever happens, the old file or the new one is there, whole."""

import builtins
import errno
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import COMMAND, SAMPLE

from w2vfast.errors import OutputError
from w2vfast.model.embeddings import Embeddings
from w2vfast.system import spool
from w2vfast.system import staging as module
from w2vfast.system.staging import Staging

CLOSE = os.close
OLD, NEW = b"old", b"new content" * 1000


class Failing:
    """System calls of the module under test, counted; from the n-th on they fail, once or for good."""

    NAMES = ("open", "fsync", "close", "replace", "chmod", "rename", "posix_fallocate", "read", "write")

    def __init__(self, monkeypatch, place, at, code, *, lasting):
        self._place, self._at, self._code, self._lasting, self.n_calls = os.fspath(place), at, code, lasting, 0
        for name in self.NAMES:
            monkeypatch.setattr(module.os, name, self._wrapped(getattr(os, name)))
        monkeypatch.setattr(builtins, "open", self._opened(builtins.open))
        for name in ("mkdir", "unlink"):
            monkeypatch.setattr(Path, name, self._wrapped(getattr(Path, name)))

    def _count(self):
        self.n_calls += 1
        if self.n_calls == self._at or (self._lasting and self.n_calls > self._at):
            raise OSError(self._code, os.strerror(self._code))

    def _wrapped(self, real):
        def call(*args, **kwargs):
            is_here = not isinstance(args[0], str | Path) or os.fspath(args[0]).startswith(self._place)
            if is_here and real is not CLOSE:  # a descriptor that cannot be closed would stay open for ever
                self._count()
            return real(*args, **kwargs)

        return call

    def _opened(self, real):
        def call(path, *args, **kwargs):
            if isinstance(path, str | Path) and os.fspath(path).startswith(self._place):
                self._count()
                return Writes(real(path, *args, **kwargs), self._count)
            return real(path, *args, **kwargs)

        return call


class Writes:
    """A file whose writes and closing are counted."""

    def __init__(self, file, count):
        self._file, self._count = file, count

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def write(self, data):
        """Write, or fail."""
        self._count()
        return self._file.write(data)

    def __exit__(self, *error):
        self._file.close()
        self._count()


def write_in_parts(path):
    """What the writers do, with files that can fail."""
    with open(path, "wb") as file:
        for first in range(0, len(NEW), 4000):
            file.write(NEW[first : first + 4000])


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("code", [28, 5, 122])  # ENOSPC, EIO, EDQUOT
def test_the_nth_call_fails(tmp_path, code, lasting):
    """O3: for N = 1, 2, ... until none fails."""
    target, n, outcomes = tmp_path / "out", 0, []
    while True:
        n += 1
        target.write_bytes(OLD)
        with pytest.MonkeyPatch.context() as patch:
            calls = Failing(patch, tmp_path, n, code, lasting=lasting)
            try:
                with Staging(target) as staging:
                    staging.reserve(len(NEW))
                    staging.write(write_in_parts, len(NEW))
                outcomes.append("written")
            except OutputError as error:
                assert os.strerror(code) in str(error)
                outcomes.append("refused")
        content = target.read_bytes()
        assert content == NEW if outcomes[-1] == "written" else content in (OLD, NEW)
        if lasting:
            for left in tmp_path.glob(".out.*"):
                shutil.rmtree(left)
        assert os.listdir(tmp_path) == ["out"], n
        if calls.n_calls < n:
            break
    assert outcomes[-1] == "written"
    assert outcomes.count("refused") >= 6


@pytest.mark.parametrize("in_place", [False, True])
def test_interrupted_and_short_writes_lose_nothing(tmp_path, sample_model, in_place):
    """O3: a signal every millisecond, while a model is written to a file, and to a pipe with a slow reader."""
    target, model, found, n_signals = tmp_path / "out", Embeddings.load(sample_model), [], 0
    if in_place:
        os.mkfifo(target)

    def read_slowly():
        with open(target, "rb") as file:
            while part := file.read(40_000):
                found.append(part)
                time.sleep(0.001)

    def count(number, frame):
        nonlocal n_signals
        n_signals += 1

    reader = threading.Thread(target=read_slowly, daemon=True)
    if in_place:
        reader.start()
    before = signal.signal(signal.SIGALRM, count)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        model.save(target)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if in_place:
        reader.join(10)
    assert n_signals >= 3
    assert (b"".join(found) if in_place else target.read_bytes()) == sample_model.read_bytes()


def limited(n_bytes):
    """A function that forbids files of more than so many bytes."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))

    return limit


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99, 1.0])
def test_the_librarys_writes_fail_at_any_size(w2v, sample_model, share):
    """O2, O3: a limit on the size of files, at rising sizes."""
    size = sample_model.stat().st_size
    (w2v.folder / "out.w2v").write_bytes(OLD)
    # the matrices wait in files of their own, which are smaller than the model
    result = subprocess.run(
        [*COMMAND, "convert", sample_model, "-o", "out.w2v", "-q"], cwd=w2v.folder, capture_output=True,
        timeout=60, preexec_fn=limited(int(size * share)),
    )  # fmt: skip
    assert result.returncode == (0 if share == 1 else 4), result.stderr
    assert b"Traceback" not in result.stderr
    assert ((w2v.folder / "out.w2v").read_bytes() == OLD) == (share < 1)
    assert os.listdir(w2v.folder) == ["out.w2v"]


def test_too_small_a_disk_is_found_before_training(w2v, corpus):
    """O2: the space is reserved before training begins."""
    (w2v.folder / "model.w2v").write_bytes(OLD)
    result = subprocess.run(
        [*COMMAND, "train", "corpus.txt", "--dim", "5000"], cwd=w2v.folder, capture_output=True, timeout=120,
        preexec_fn=limited(100_000),
    )  # fmt: skip
    assert result.returncode == 4, result.stderr
    assert b"cannot write model.w2v: File too large" in result.stderr
    assert b"words/s" not in result.stderr
    assert (w2v.folder / "model.w2v").read_bytes() == OLD


def test_a_trained_model_is_rescued(w2v, corpus, monkeypatch, tmp_path):
    """O2: the disk fails at the very end."""
    program = (
        "import sys, w2vfast.model.vectors as v, w2vfast.cli as c; real = v.WordVectors.save_staged\n"
        "def fail(self, staging):\n"
        "    if staging.name == 'model.w2v': raise v.OutputError('cannot write model.w2v: No space left')\n"
        "    return real(self, staging)\n"
        "v.WordVectors.save_staged = fail; c.main(sys.argv[1:])"
    )
    (w2v.folder / "model.w2v").write_bytes(OLD)
    state = tmp_path / "state"
    for place, env in (
        (state / "w2vfast" / "rescue", {"XDG_STATE_HOME": str(state)}),
        (tmp_path / "tmp", {"XDG_STATE_HOME": "/proc/none", "TMPDIR": str(tmp_path / "tmp")}),
    ):
        (tmp_path / "tmp").mkdir(exist_ok=True)
        command = [sys.executable, "-c", program, "train", "corpus.txt", "--epochs", "1"]
        result = subprocess.run(
            command, cwd=w2v.folder, capture_output=True, timeout=120, env={**os.environ, **env}
        )
        assert result.returncode == 4, result.stderr
        last = result.stderr.decode().splitlines()[-1]
        assert last.startswith("w2vfast: error: cannot write model.w2v: No space left. The model was saved as")
        (rescued,) = place.glob("model-*.w2v")
        assert str(rescued) in last
        assert len(Embeddings.load(rescued)) == 7
        assert (w2v.folder / "model.w2v").read_bytes() == OLD


def test_a_model_whose_reader_is_gone_is_rescued(w2v, corpus, tmp_path):
    command = [*COMMAND, "train", "corpus.txt", "--epochs", "1", "-o", "-"]
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        env = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
        result = subprocess.run(command, cwd=w2v.folder, stdout=out, stderr=subprocess.PIPE, timeout=120, env=env)
    assert result.returncode == -signal.SIGPIPE
    last = result.stderr.decode().splitlines()[-1]
    (rescued,) = (tmp_path / "state" / "w2vfast" / "rescue").glob("model-*.w2v")
    assert last == f"w2vfast: error: the reader of standard output is gone. The model was saved as {rescued}"
    assert len(Embeddings.load(rescued)) == 7


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB; making one needs root."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk(small_disk, sample_model, w2v):
    """O2: on a real one."""
    (small_disk / "m.w2v").write_bytes(OLD)
    (small_disk / "filler").write_bytes(bytes(1_000_000))  # a picture is small
    for args in (
        ["convert", sample_model, "-o", small_disk / "m.w2v"],
        ["train", SAMPLE, "--epochs", "1", "-o", small_disk / "m.w2v"],
        ["convert", sample_model, "-o", small_disk / "folder", "--format", "npy"],
        ["plot", "-m", sample_model, "-o", small_disk / "map.html", "--top", "2000"],
    ):
        result = w2v(*args)
        assert result.returncode == 4, result.stderr
        assert b"No space left" in result.stderr
        assert (small_disk / "m.w2v").read_bytes() == OLD
        assert sorted(os.listdir(small_disk)) == ["filler", "m.w2v"]


@pytest.mark.parametrize("args", [["train", "--shuffle", "--epochs", "1"], ["cooccur", "--window", "5"]])
def test_a_full_disk_for_temporary_data(small_disk, w2v, args):
    """What is mapped into memory has its room before; else the process would die of SIGBUS."""
    rng = random.Random(1)
    words = (f"w{rng.randrange(1000)}" for _ in range(150_000))  # 600 kB when encoded
    (w2v.folder / "text.txt").write_text("\n".join(" ".join(line) for line in zip(*[words] * 20, strict=True)))
    result = w2v(args[0], "text.txt", *args[1:], env={"TMPDIR": str(small_disk)})
    assert result.returncode == 4, result.stderr
    told = f"cannot keep temporary data in {small_disk}: No space left on device; set TMPDIR\n"
    assert result.stderr.decode().endswith(told)
    assert os.listdir(small_disk) == []
    assert os.listdir(w2v.folder) == ["text.txt"]


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSPC, errno.EIO])
def test_disks_that_reserve_nothing_are_filled_with_zeros(monkeypatch, code):
    """Only if they cannot: a disk that is full or fails is told."""

    def fail(*args):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(spool.os, "posix_fallocate", fail)
    if code in (errno.ENOSPC, errno.EIO):
        with pytest.raises(OutputError if code == errno.ENOSPC else OSError, match=os.strerror(code)):
            spool.spooled(300_000, np.int32)
    else:
        array = spool.spooled(300_000, np.int32)
        assert array.shape == (300_000,)
        assert not array.any()


def test_an_input_is_never_the_output(w2v, corpus, sample_model):
    """O7: also through a hard link or a symbolic one."""
    os.link(corpus, w2v.folder / "hard")
    os.symlink("corpus.txt", w2v.folder / "soft")
    (w2v.folder / "m.w2v").write_bytes(sample_model.read_bytes())
    os.link(w2v.folder / "m.w2v", w2v.folder / "m-hard")
    text, model = corpus.read_bytes(), sample_model.read_bytes()
    for command in ("train", "phrases", "encode", "vocab"):
        for output in ("corpus.txt", "hard", "soft"):
            assert w2v(command, "corpus.txt", "-o", output).returncode == 2, (command, output)
    for output in ("m.w2v", "m-hard"):
        assert w2v("convert", "m.w2v", "-o", output, "--format", "txt").returncode == 2
    assert corpus.read_bytes() == text
    assert (w2v.folder / "m-hard").read_bytes() == model


@pytest.mark.parametrize("args", [("vocab", "-o"), ("train", "--save-vocab")])
def test_words_that_cannot_be_written_are_told_before_text_is_read(w2v, corpus, args):
    done = w2v(args[0], corpus, *args[1:], "missing/words.tsv")
    assert (done.returncode, b"reading" in done.stderr) == (4, False)
    assert sorted(os.listdir(w2v.folder)) == ["corpus.txt"]
