"""The loss on text that is not trained on, stopping early, scores during training."""

import io
import json
import math

import numpy as np
import pytest
from conftest import QUESTIONS, SAMPLE

from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import Source, find_sources
from w2vfast.errors import CorpusError, UsageError
from w2vfast.training import heldout
from w2vfast.training.config import TrainConfig
from w2vfast.training.log import Recorder
from w2vfast.training.matrices import initial_model
from w2vfast.training.monitor import Monitor
from w2vfast.training.trainer import Trainer


class Listener(Monitor):
    """Keeps all reports."""

    def __init__(self):
        self.progress, self.notes = [], []

    def trained(self, progress):
        """Keep it."""
        self.progress.append(progress)

    def note(self, text):
        """Keep it."""
        self.notes.append(text)


def trainer_of(text, listener=None, **params):
    """A trainer of some text."""
    corpus = encode([Source(io.BytesIO(text.encode()))], ReadingOptions(min_count=1))
    return Trainer(corpus, TrainConfig(min_count=1, **params).resolved(), listener or Monitor())


def test_sentences_at_the_end_are_not_trained_on():
    text = "one two three four five\n" * 90 + "six seven eight nine ten\n" * 10
    trainer = trainer_of(text, held_out=0.1, sample=0.0, epochs=3)
    assert trainer.n_tokens == 450
    trainer.run()
    fresh = initial_model(10, 100, 1)
    for i, word in enumerate(trainer.corpus.vocab.words):
        is_held_out = word in ("six", "seven", "eight", "nine", "ten")
        assert (trainer.model.W[i] == fresh.W[i]).all() == is_held_out
    assert trainer.state.done == trainer.state.total == 3 * 450


@pytest.mark.parametrize("model", ["sg", "cbow"])
def test_the_loss_depends_on_the_vectors_only(model):
    """Not on threads, nor on when it is measured; measuring changes nothing. Untrained it is (neg + 1) ln 2."""
    corpus = encode(find_sources(str(SAMPLE)), ReadingOptions())
    trainers = [
        Trainer(corpus, TrainConfig(model=model, held_out=0.05, threads=n).resolved(), Monitor()) for n in (1, 3)
    ]
    assert trainers[0]._held_out.loss(trainers[0].model) == pytest.approx(6 * math.log(2), rel=1e-5)
    trainers[0].run()
    before = trainers[0].model.W.tobytes(), trainers[0].model.W_out.tobytes()
    losses = [trainer._held_out.loss(trainers[0].model) for trainer in (*trainers, trainers[0])]
    assert losses[0] == losses[1] == losses[2] < 2.0
    assert (trainers[0].model.W.tobytes(), trainers[0].model.W_out.tobytes()) == before


def test_it_is_reported_at_the_end_of_each_epoch_and_stops_a_run():
    rng = np.random.default_rng(0)
    noise = "".join(" ".join(f"w{i}" for i in rng.integers(0, 300, 10)) + "\n" for _ in range(3000))
    listener = Listener()
    trainer = trainer_of(noise, listener, held_out=0.1, early_stop=2, epochs=200, alpha=0.1, dim=64)
    trainer.run()
    reported = [p.held_out_loss for p in listener.progress if p.ends_epoch]
    assert None not in reported
    assert all(p.held_out_loss is None for p in listener.progress if not p.ends_epoch)
    assert len(reported) < 200  # random text cannot be learned, only remembered
    assert min(reported) == reported[-3]
    assert listener.notes == [
        f"stopping after epoch {len(reported)}: the held-out loss has not fallen for 2 epochs"
    ]
    assert "held-out" in next(p for p in listener.progress if p.ends_epoch).text


def test_of_much_text_a_part_is_measured(monkeypatch):
    """So that an epoch's end takes about a second, however much is held out."""
    corpus = encode(find_sources(str(SAMPLE)), ReadingOptions())
    config = TrainConfig(held_out=0.4, threads=1, epochs=2).resolved()
    trainer = Trainer(corpus, config, Monitor())
    trainer.run()
    whole = trainer._held_out.loss(trainer.model)
    monkeypatch.setattr(heldout, "_MOST_TOKENS", 30_000)
    part = Trainer(corpus, config, Monitor())._held_out
    assert 29_000 < sum(end - begin for begin, end in part._pieces) <= 30_000
    ends = [corpus.n_tokens - round(corpus.n_tokens * 0.4), corpus.n_tokens]
    assert abs(part._pieces[0][0] - ends[0]) < 200
    assert part._pieces[-1][1] > ends[1] - 0.06 * (ends[1] - ends[0])
    assert part.loss(trainer.model) == pytest.approx(whole, rel=0.05)
    assert part.loss(trainer.model) == part.loss(trainer.model)


def test_what_cannot_be_held_out():
    with pytest.raises(UsageError, match="early_stop needs held_out"):
        TrainConfig(early_stop=3)
    with pytest.raises(CorpusError, match="no sentence, or all"):
        trainer_of("one two three four\n", held_out=0.1)
    with pytest.raises(CorpusError, match="no sentence, or all"):
        trainer_of("one two three four\n" * 100, held_out=0.001)
    trainer = trainer_of("one two three\n" * 99 + "one\n" * 3, held_out=0.01, sample=0.0)
    with pytest.raises(CorpusError, match="too little text is held out"):
        trainer.run()
    assert trainer.state.done == 0


def test_the_log_has_everything(w2v):
    options = ["--epochs", "2", "--held-out", "0.05", "--eval", QUESTIONS, "--log-json", "log.jsonl"]
    result = w2v("train", SAMPLE, *options, "-o", "m.w2v")
    assert result.returncode == 0, result.stderr
    rows = [json.loads(line) for line in (w2v.folder / "log.jsonl").read_text().splitlines()]
    scores = [row for row in rows if "scores" in row]
    assert [row["epoch"] for row in scores] == [1, 2]
    assert scores[1]["scores"]["sample-questions"] > 20
    names = {
        "time", "epoch", "tokens", "pairs", "alpha", "loss", "held_out_loss", "words_per_second", "seconds",
        "memory_bytes",
    }  # fmt: skip
    for row in rows[:-1]:
        assert "scores" in row or row.keys() == names
    assert rows[-1].keys() == names | {"done"}
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert all(row["memory_bytes"] > 1e7 for row in rows if "memory_bytes" in row)
    assert b"  held-out 1." in result.stderr
    assert b"epoch 2: sample-questions " in result.stderr
    assert w2v("train", SAMPLE, "--eval", "none.txt").returncode == 2
    assert w2v("train", SAMPLE, "--eval", SAMPLE).returncode == 3
    assert Recorder().rows == []


@pytest.mark.parametrize("length", [16, 32, 64])
def test_the_loss_is_told_of_lines_of_any_length(length):
    """One-sided windows: the first word of a line, which has no contexts, must not be all that is measured."""
    rng = np.random.default_rng(1)
    lines = [
        " ".join(f"w{i}" for i in rng.integers(k, k + 5, length)) for k in rng.integers(0, 45, 64_000 // length)
    ]
    listener = Listener()
    trainer = trainer_of("\n".join(lines) + "\n", listener, left=5, right=0, held_out=0.1, epochs=2, threads=1)
    trainer.run()
    assert 0.5 < listener.progress[-1].loss < 2.5
