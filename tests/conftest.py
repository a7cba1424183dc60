"""Shared pieces: an isolated home, the command as a subprocess, small problems, the planted sample."""

import importlib.util
import os
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

import w2vfast

settings.register_profile("suite", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("suite")

SAMPLE = files("w2vfast") / "data" / "sample.txt.gz"
COMMAND = [sys.executable, "-m", "w2vfast"]
QUESTIONS = files("w2vfast") / "data" / "sample-questions.txt"
#: Real text for those who have it; the tests that need it skip otherwise.
REAL_TEXT = Path(os.environ.get("W2VFAST_TEST_TEXT", Path(__file__).parents[2] / "shared/data/enwiki-1m.txt.xz"))


def pytest_configure(config):
    """Let tests interrupt what they start; uncompiled, the generators' arithmetic wraps around with a warning."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a job in the background, which children inherit
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        config.addinivalue_line("filterwarnings", r"ignore:overflow encountered in scalar:RuntimeWarning")


def _load(path):
    """Import a script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


#: The script that made the sample: it knows what was planted.
make_sample = _load(Path(__file__).parents[1] / "scripts" / "make_sample.py")


#: For tests that look at compiled code; with NUMBA_DISABLE_JIT=1 there is none.
compiled_only = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    """Keep the user's notes and environment out of the tests; compiled code stays shared."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("W2VFAST_MODEL", "W2VFAST_NO_LAST", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def w2v(tmp_path):
    """Run the command as a user does: w2v("similar", "king", stdin=b"..."), in a folder of its own."""
    work = tmp_path / "work"
    work.mkdir()

    def run(*args, stdin=b"", env=None, timeout=120, cwd=work):
        return subprocess.run(
            [*COMMAND, *map(os.fspath, args)],
            input=stdin, capture_output=True, timeout=timeout, cwd=cwd, env={**os.environ, **(env or {})},
        )  # fmt: skip

    run.folder = work
    return run


@pytest.fixture
def corpus(w2v):
    """A small text in the folder of the commands."""
    path = w2v.folder / "corpus.txt"
    path.write_text("one two three four five six seven\n" * 100)
    return path


@pytest.fixture(scope="session")
def sample_model(tmp_path_factory):
    """A model trained on the sample, as a file."""
    path = tmp_path_factory.mktemp("model") / "sample.w2v"
    w2vfast.train(str(SAMPLE), epochs=10, threads=2).save(path)
    return path


def small_matrices(vocab_size=7, dim=5, seed=0):
    """Random W and W_out, float64, large enough for visible gradients."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.5, (vocab_size, dim)), rng.normal(0, 0.5, (vocab_size, dim))
