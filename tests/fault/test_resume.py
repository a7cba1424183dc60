"""Runs that are stopped, killed and resumed: no work is lost, and nothing is torn."""

import io
import os
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import COMMAND, SAMPLE
from parts import run_in_parts

from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import Source, find_sources
from w2vfast.errors import FormatError, UsageError
from w2vfast.model.embeddings import Embeddings
from w2vfast.system.signals import StopRequests
from w2vfast.training import trainer as trainers
from w2vfast.training.checkpoint import Checkpoints, Saved
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor
from w2vfast.training.trainer import Trainer


@pytest.fixture(scope="module")
def text():
    """The sample, encoded."""
    return encode(find_sources(str(SAMPLE)), ReadingOptions())


@pytest.mark.parametrize("params", [
    {"model": "sg"}, {"model": "cbow"}, {"negatives_per": "pair", "dim": 33}, {"loss": "hs"},
    {"loss": "hs", "model": "cbow"}, {"shuffle": True},
])  # fmt: skip
def test_a_resumed_run_computes_what_an_uninterrupted_one_does(text, tmp_path, monkeypatch, params):
    """T6: one thread, stopped within epochs and at their ends."""
    monkeypatch.setattr(trainers, "CHUNK_SECONDS", 1e9)  # chunks of 30,001, 120,004 and the rest of an epoch
    monkeypatch.setattr(trainers, "_FIRST_CHUNK_TOKENS", 30_001)
    config = TrainConfig(threads=1, epochs=3, **params).resolved()
    whole = Trainer(text, config, Monitor())
    whole.run()
    parts = run_in_parts(text, tmp_path, config, at=(1, 2, 4))
    assert whole.model.W.tobytes() == parts.model.W.tobytes()
    assert whole.model.W_out.tobytes() == parts.model.W_out.tobytes()
    assert whole.state.n_pairs == parts.state.n_pairs
    assert whole.state.last_loss == pytest.approx(parts.state.last_loss)


def test_a_resumed_full_softmax_has_the_same_minibatches(tmp_path, monkeypatch):
    """T6, T14: where a chunk ends depends on the text only."""
    monkeypatch.setattr(trainers, "chunk_tokens", lambda vocab_size, dim: 700)
    small = encode([Source(io.BytesIO(b"one two three four five six\nseven one five\n" * 300))], ReadingOptions())
    config = TrainConfig(threads=1, epochs=3, dim=6, loss="softmax").resolved()
    whole = Trainer(small, config, Monitor())
    whole.run()
    parts = run_in_parts(small, tmp_path, config, at=(1, 2, 4))
    assert whole.model.W.tobytes() == parts.model.W.tobytes()
    assert whole.model.W_out.tobytes() == parts.model.W_out.tobytes()


def test_other_numbers_of_threads_go_on(text, tmp_path):
    config = TrainConfig(threads=2, epochs=2).resolved()
    path = tmp_path / "m.ckpt"
    first = Trainer(text, config, Monitor())
    stop = StopRequests("")
    stop.number = signal.SIGTERM
    with Checkpoints(path, stop, Monitor(), 1e9) as checkpoints, pytest.raises(KeyboardInterrupt):
        first.run(checkpoints.after_chunk)
    for threads in (1, 3):
        saved = Saved(path)
        config = saved.config({"threads": threads})
        assert config.threads == threads
        trainer = Trainer(text, config, Monitor())
        saved.fill(trainer.model)
        trainer.resume(saved.state)
        trainer.run()
        assert trainer.state.done == trainer.state.total
        assert trainer.alpha_at(trainer.state.done) == config.min_alpha


def test_checkpoints_that_do_not_fit_are_refused(text, tmp_path):
    """T18."""
    path, stop = tmp_path / "m.ckpt", StopRequests("")
    stop.number = signal.SIGINT
    with pytest.raises(UsageError, match="no checkpoint"):
        Saved(path)
    trainer = Trainer(text, TrainConfig(threads=1, dim=20).resolved(), Monitor())
    with Checkpoints(path, stop, Monitor(), 1e9) as checkpoints, pytest.raises(KeyboardInterrupt):
        trainer.run(checkpoints.after_chunk)
    saved = Saved(path)
    assert saved.config({"dim": 20, "threads": 4}).threads == 4
    with pytest.raises(UsageError, match=r"--dim 30 \(was 20\), --neg 9 \(was 5\)"):
        saved.config({"dim": 30, "neg": 9})
    other = encode(find_sources(str(SAMPLE)), ReadingOptions(min_count=50))
    with pytest.raises(UsageError, match="tokens"):
        saved.check(other)
    data = path.read_bytes()
    for cut in (0, 5, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:cut])
        with pytest.raises(FormatError):
            Saved(path)
    rng = np.random.default_rng(0)
    for place in rng.integers(8 + int.from_bytes(data[:8], "little"), len(data), 30).tolist():
        damaged = bytearray(data)
        damaged[place] ^= 16
        path.write_bytes(damaged)
        with pytest.raises(FormatError):
            Saved(path)
    assert data.count(b'\\"n_pairs\\":') == 1
    path.write_bytes(data.replace(b'\\"n_pairs\\":', b'\\"n_peers\\":'))
    with pytest.raises(FormatError, match="n_pairs"):
        Saved(path)


# ---- the command

OPTIONS = ["--epochs", "20", "--threads", "1", "--dim", "32", "--sample", "0"]


def start(folder, *args, **options):
    """Begin to train as a shell would start it."""

    def obey():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    return subprocess.Popen(
        [*COMMAND, "train", *map(str, args)], cwd=folder, stderr=subprocess.PIPE, preexec_fn=obey, **options
    )  # fmt: skip


def wait_for_training(process):
    """Read what the run says until it trains."""
    for line in process.stderr:
        if line.startswith(b"epoch"):
            return


@pytest.fixture
def long_text(w2v):
    """Text that takes some seconds to train on, in the folder of the commands."""
    sentences = ["one two three four five six seven", "eight nine ten one two", "three nine seven four"]
    rng = random.Random(1)
    (w2v.folder / "text.txt").write_text("".join(rng.choice(sentences) + "\n" for _ in range(60_000)))
    return w2v.folder / "text.txt"


@pytest.fixture
def whole(w2v, long_text):
    """The model of an uninterrupted run, as bytes."""
    assert w2v("train", "text.txt", *OPTIONS, "-q", "-o", "whole.w2v").returncode == 0
    return (w2v.folder / "whole.w2v").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_at_random_times_and_resumed(w2v, whole, number):
    """T6, T8: the same bytes as without interruption, the old model stays until then."""
    rng = random.Random(number)
    (w2v.folder / "m.w2v").write_bytes(b"old")
    n_stops, resume = 0, []
    while n_stops < 4:
        process = start(w2v.folder, "text.txt", "-o", "m.w2v", *(resume or OPTIONS))
        wait_for_training(process)
        time.sleep(rng.random() * 0.3)
        process.send_signal(number)
        said = process.stderr.read().decode()
        process.stderr.close()
        if process.wait(60) == 0:
            break
        assert process.returncode == -number
        if (w2v.folder / "m.w2v").read_bytes() == whole:  # it came when the run was done
            break
        assert "to go on: w2vfast train text.txt -o m.w2v --resume" in said
        assert (w2v.folder / "m.w2v").read_bytes() == b"old"
        n_stops, resume = n_stops + 1, ["--resume"]
    assert n_stops > 0
    if (w2v.folder / "m.w2v.ckpt").exists():
        assert w2v("train", "text.txt", "-o", "m.w2v", "--resume").returncode == 0
    assert (w2v.folder / "m.w2v").read_bytes() == whole
    assert sorted(os.listdir(w2v.folder)) == ["m.w2v", "text.txt", "whole.w2v"]


def test_a_second_signal_quits_at_once(w2v, long_text):
    """T7: here while a checkpoint takes for ever."""
    program = (
        "import sys, time, w2vfast.training.checkpoint as k, w2vfast.cli as c\n"
        "k.Checkpoints._save = lambda *args: time.sleep(600)\n"
        "c.main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", program, "train", "text.txt", "--epochs", "1000"]
    process = subprocess.Popen(command, cwd=w2v.folder, stderr=subprocess.PIPE)
    wait_for_training(process)
    process.send_signal(signal.SIGINT)
    while b"stopping" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == -signal.SIGINT
    assert os.listdir(w2v.folder) == ["text.txt"]


def test_killed_again_and_again(w2v, long_text):
    """T9: whatever is there afterwards is whole."""
    rng, checkpoint = random.Random(5), w2v.folder / "model.w2v.ckpt"
    n_seen = 0
    for _ in range(8):
        resume = ["--resume"] if checkpoint.exists() else ["--epochs", "1000", "--dim", "300", "--min-count", "1"]
        process = start(w2v.folder, "text.txt", *resume, "--checkpoint-every", "0.0005")
        wait_for_training(process)
        time.sleep(rng.random() * 0.3)
        process.kill()
        process.stderr.close()
        process.wait()
        if checkpoint.exists():
            n_seen += 1
            Saved(checkpoint)
    assert n_seen > 3
    assert not (w2v.folder / "model.w2v").exists()


def test_checkpoints_of_long_runs(w2v, long_text):
    """One is written every so often, found by a new run, and removed by a finished one."""
    checkpoint = w2v.folder / "model.w2v.ckpt"
    process = start(w2v.folder, "text.txt", "--epochs", "1000", "--checkpoint-every", "0.001")
    end = time.monotonic() + 60
    while not checkpoint.exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    process.kill()
    process.stderr.close()
    process.wait()
    first = checkpoint.read_bytes()
    assert w2v("similar", "one", "-m", checkpoint).returncode == 3
    assert b"--resume" in w2v("similar", "one", "-m", checkpoint).stderr
    result = w2v("train", "text.txt", "--epochs", "3", "--checkpoint-every", "0.000001")
    assert result.returncode == 0
    assert b"model.w2v.ckpt of an unfinished run is there; --resume would go on with it" in result.stderr
    assert not checkpoint.exists()
    assert (w2v.folder / "model.w2v.ckpt.prev").read_bytes() == first


def test_a_checkpoint_that_cannot_be_written_is_a_warning(w2v, long_text):
    (w2v.folder / "model.w2v.ckpt").mkdir()
    result = w2v("train", "text.txt", "--epochs", "3", "--checkpoint-every", "0.000001")
    assert result.returncode == 0
    assert b"warning: a checkpoint may not be possible" in result.stderr
    assert b"warning: no checkpoint" in result.stderr


def test_wrong_resumptions(w2v, long_text, whole):
    """T18, with the command."""
    assert w2v("train", "text.txt", "--resume").returncode == 2
    assert w2v("train", "text.txt", "--resume", "-o", "-").returncode == 2
    process = start(w2v.folder, "text.txt", *OPTIONS)
    wait_for_training(process)
    process.send_signal(signal.SIGINT)
    process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == -signal.SIGINT
    result = w2v("train", "text.txt", "--resume", "--dim", "64", "--epochs", "20")
    assert result.returncode == 2
    assert b"--dim 64 (was 32)" in result.stderr
    assert b"--epochs" not in result.stderr
    (w2v.folder / "other.txt").write_bytes(long_text.read_bytes() + b"one two three\n")
    result = w2v("train", "other.txt", "--resume")
    assert result.returncode == 2
    assert b"the text is another one" in result.stderr
    result = w2v("train", "-", "--resume", stdin=long_text.read_bytes())
    assert result.returncode == 0, result.stderr
    # the model says where the text came from; the numbers are those of the file
    one, two = Embeddings.load(w2v.folder / "model.w2v"), Embeddings.load(w2v.folder / "whole.w2v")
    assert one.vectors.tobytes() == two.vectors.tobytes()


def test_nothing_can_be_kept_of_a_run_to_standard_output(w2v, long_text):
    process = start(w2v.folder, "text.txt", "--epochs", "1000", "-o", "-", stdout=subprocess.DEVNULL)
    wait_for_training(process)
    process.send_signal(signal.SIGTERM)
    said = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(30) == -signal.SIGTERM
    assert "stopping, nothing can be saved" in said
    assert said.endswith("stopped; standard output was not written\n")
    assert os.listdir(w2v.folder) == ["text.txt"]


def test_a_reader_always_finds_a_whole_model(w2v, sample_model):
    """T16: while another program replaces the file again and again."""
    target, models = w2v.folder / "m.w2v", [sample_model, w2v.folder / "small.w2v"]
    assert w2v("convert", sample_model, "-o", "small.w2v", "--top", "50", "-q").returncode == 0
    stop = threading.Event()

    def replace():
        loaded = [Embeddings.load(path) for path in models]
        while not stop.is_set():
            for model in loaded:
                model.save(target)

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        while not target.exists():
            time.sleep(0.01)
        sizes = set()
        for _ in range(60):
            sizes.add(len(Embeddings.load(target)))
        for _ in range(5):
            assert w2v("similar", "the", "-m", target).returncode == 0
    finally:
        stop.set()
        writer.join()
    assert sizes == {50, 2076}
