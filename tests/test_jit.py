"""The disk cache of compiled code: private, per version, mended when damaged, never in the way."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import COMMAND, SAMPLE
from numba.core.caching import IndexDataCacheFile

import w2vfast
from w2vfast import _jit
from w2vfast.errors import OutputError
from w2vfast.system.threads import count_cpus


@pytest.fixture
def train(tmp_path):
    """Train one epoch in a process whose cache lies in the test's folder."""

    def run(**env):
        return subprocess.run(
            [sys.executable, "-m", "w2vfast", "train", str(SAMPLE), "--epochs", "1", "--dim", "8", "-v"],
            cwd=tmp_path, capture_output=True, timeout=240,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_STATE_HOME": str(tmp_path), **env},
        )  # fmt: skip

    return run


def test_compiled_code_is_kept_privately_and_damage_is_mended(train, tmp_path):
    """E8, E9."""
    first = train()
    assert first.returncode == 0
    assert b"compiling (first run only)" in first.stderr
    (directory,) = (tmp_path / "cache" / "w2vfast").iterdir()
    assert directory.name.startswith("numba-")
    assert directory.stat().st_mode & 0o777 == 0o700
    files = sorted(directory.rglob("*.nb[ci]"))
    assert files
    assert b"compiling" not in train().stderr
    for keep in (0, 10):
        for file in files:
            file.write_bytes(file.read_bytes()[:keep])
        damaged = train()
        assert damaged.returncode == 0, damaged.stderr
        assert b"Traceback" not in damaged.stderr


def test_a_directory_that_others_may_write_to_is_refused(train, tmp_path):
    """E9: what lies there is code."""
    directory = tmp_path / "cache" / "w2vfast" / f"numba-{_jit._digest()}"
    shared = _jit.cache_directory()
    assert train(XDG_CACHE_HOME=str(shared.parents[1])).returncode == 0
    shutil.copytree(shared, directory)  # code that is there, and private
    directory.chmod(0o700)
    assert b"compiling" not in train().stderr
    directory.chmod(0o777)
    assert b"compiling" in train().stderr


def test_a_cache_named_by_the_user_is_used(train, tmp_path):
    assert train(NUMBA_CACHE_DIR=str(tmp_path / "own")).returncode == 0
    assert list((tmp_path / "own").rglob("*.nbi"))
    assert not (tmp_path / "cache").exists()


def test_an_edited_kernel_is_noticed_in_a_cache_named_by_the_user(tmp_path):
    """Numba itself sees no edit of a helper in another file."""
    shutil.copytree(Path(w2vfast.__file__).parent, tmp_path / "w2vfast", ignore=shutil.ignore_patterns("*.pyc"))
    program = (
        "import numpy as np; from w2vfast.kernels.phrases import PairTable, count_pairs\n"
        "table = PairTable(np.zeros(64, np.uint64), np.zeros(64, np.int32))\n"
        "ids = np.arange(20, dtype=np.int32)\n"
        "count_pairs(ids, np.array([0, 20]), 0, 0, 1, np.zeros(20, np.bool_), 0, 1, table, 0)\n"
        "print(table.keys.nonzero()[0].tolist())"
    )
    places = []
    for edit in ("", "\n\n@inlined\ndef mix(counter):\n    return np.uint64(counter)\n"):
        with open(tmp_path / "w2vfast" / "kernels" / "sampling.py", "a") as file:
            file.write(edit)
        places.append(
            subprocess.run(
                [sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, timeout=240,
                env={**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "own")},
            ).stdout
        )  # fmt: skip
    assert places[0] != places[1]
    assert len(list((tmp_path / "own").iterdir())) == 2


def test_the_digest_follows_the_kernels_sources_and_the_mode(monkeypatch):
    before = _jit._digest()
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    assert _jit._digest() != before
    monkeypatch.undo()
    read = _jit.Path.read_bytes
    monkeypatch.setattr(_jit.Path, "read_bytes", lambda self: read(self) + b"\n# edited")
    assert _jit._digest() != before


def test_a_processor_without_wide_vectors_computes_the_same(train, tmp_path):
    """LLVM splits the lanes into what there is: here SSE2, and no fused multiply-add."""
    options = ["-q", "--threads", "1", "-o"]
    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for name, env in (("own", {}), ("plain", plain)):
        result = subprocess.run(
            [sys.executable, "-m", "w2vfast", "train", str(SAMPLE), "--epochs", "1", *options, f"{name}.w2v"],
            cwd=tmp_path, capture_output=True, timeout=240,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path), **env},
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
    own, other = (w2vfast.load(tmp_path / f"{name}.w2v") for name in ("own", "plain"))
    cosines = (own.vectors * other.vectors).sum(axis=1) / own.norms / other.norms
    assert cosines.min() > 0.999  # not equal: sums are rounded in another order


def test_other_packages_keep_their_cache_setting():
    import numba

    import w2vfast.kernels.sgns

    assert os.environ.get("NUMBA_CACHE_DIR", "") == numba.config.CACHE_DIR
    assert w2vfast.kernels.sgns


@pytest.mark.parametrize("error", [OSError(28, "full"), MemoryError(), OutputError("full"), ValueError()])
def test_work_that_fails_is_not_repeated_and_costs_no_cache(monkeypatch, error):
    """Other processes use the compiled code, too."""
    calls = []
    monkeypatch.setattr(_jit, "clear_cache", lambda: calls.append("cleared"))

    def fail():
        calls.append(1)
        raise error

    with pytest.raises(type(error)), ThreadPoolExecutor(1) as worker:
        _jit.call_mended(lambda: worker.submit(fail).result())
    assert calls == [1]


@pytest.mark.parametrize("content", [b"", b"\x80", b"no pickle", b"\x80\x04\x8e" + b"\x7f" * 8, b"cnone\nnone\n."])
def test_a_cache_that_cannot_be_loaded_is_cleared_and_the_work_done(monkeypatch, tmp_path, content):
    calls = []
    index = IndexDataCacheFile(str(tmp_path), "name", "stamp")
    Path(index._index_path).write_bytes(content)
    monkeypatch.setattr(_jit, "clear_cache", lambda: [calls.append("cleared"), os.unlink(index._index_path)])

    def work():
        calls.append(1)
        return index.load("key")

    with ThreadPoolExecutor(1) as worker:
        assert _jit.call_mended(lambda: worker.submit(work).result()) is None
    assert calls == [1, "cleared", 1]


def test_a_full_disk_for_compiled_code_hinders_nothing(monkeypatch, tmp_path):
    """The second call finds the code in memory; what other processes stored stays."""
    calls = []
    index = IndexDataCacheFile(str(tmp_path), "name", "stamp")
    monkeypatch.setattr(_jit, "clear_cache", lambda: calls.append("cleared"))

    def work():
        calls.append(1)
        if calls == [1]:
            index.save("key", "data")
        return "done"

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index, "_save_data", full)
    assert _jit.call_mended(work) == "done"
    assert calls == [1, 1]


def test_parallel_first_runs_do_not_disturb_each_other(tmp_path, w2v, corpus):
    """E10: three cold starts with one cache."""
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    env.pop("NUMBA_CACHE_DIR", None)
    runs = [
        subprocess.Popen(
            [*COMMAND, "train", "corpus.txt", "--epochs", "1", "--threads", "1", "-q", "-o", f"{i}.w2v"],
            cwd=w2v.folder, env=env, stderr=subprocess.PIPE,
        )
        for i in range(3)
    ]  # fmt: skip
    for run in runs:
        said = run.stderr.read()
        run.stderr.close()
        assert (run.wait(300), said) == (0, b"")
    assert len({(w2v.folder / f"{i}.w2v").read_bytes() for i in range(3)}) == 1


def test_threads_follow_the_affinity_mask():
    """T13: not the number of processors of the machine."""
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert count_cpus() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert 1 <= count_cpus() <= len(allowed)


@pytest.mark.parametrize("model", ["sg", "cbow"])
def test_checked_indices_change_nothing(tmp_path, w2v, model):
    """T4: with Numba's bounds checks, an index out of range would end the kernel and change the vectors."""
    checked = {"NUMBA_BOUNDSCHECK": "1", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    options = ["--model", model, "--epochs", "1", "--threads", "1", "-q"]
    assert w2v("train", SAMPLE, *options, "-o", "one.w2v").returncode == 0
    assert w2v("train", SAMPLE, *options, "-o", "two.w2v", env=checked).returncode == 0
    assert (w2v.folder / "one.w2v").read_bytes() == (w2v.folder / "two.w2v").read_bytes()


@pytest.mark.parametrize(
    "kind",
    ["--model sg", "--model cbow", "--direction to-contexts", "--negatives-per pair", "--model cbow --loss hs",
     "--loss hs --window all", "--left 0 --context-weight harmonic"],
)  # fmt: skip
def test_uncompiled_kernels_compute_the_same(w2v, kind):
    """T4: as plain Python, where an index out of range is an exception."""
    (w2v.folder / "text.txt").write_text("one two three four five\nsix\nsix seven one\n" * 12)
    options = [*kind.split(), "--epochs", "3", "--dim", "5", "--threads", "1", "-q", "--sample", "0"]
    assert w2v("train", "text.txt", *options, "-o", "one.w2v").returncode == 0
    plain = {"NUMBA_DISABLE_JIT": "1", "PYTHONWARNINGS": "ignore::RuntimeWarning"}
    result = w2v("train", "text.txt", *options, "-o", "two.w2v", env=plain)
    assert result.returncode == 0, result.stderr
    one, two = (w2vfast.load(w2v.folder / name) for name in ("one.w2v", "two.w2v"))
    assert list(one.vocab) == list(two.vocab)
    np.testing.assert_allclose(one.vectors, two.vectors, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(one.context, two.context, rtol=1e-4, atol=1e-5)
