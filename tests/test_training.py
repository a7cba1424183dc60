"""Whole runs: learning rate, determinism, divergence, small data, the planted structure."""

import dataclasses
import gzip
import io
import itertools
import json
import math
import random

import numpy as np
import pytest
from conftest import QUESTIONS, SAMPLE, make_sample
from hypothesis import given
from hypothesis import strategies as st

import w2vfast
from w2vfast.errors import CorpusError, DivergedError, OutOfMemoryError, UsageError
from w2vfast.training import matrices, resources, trainer
from w2vfast.training.config import LIMITS, TrainConfig
from w2vfast.training.monitor import Console, Monitor, Progress, clock, human


class Recorder(Monitor):
    """A monitor that keeps what it is told."""

    def __init__(self):
        self.progress: list[Progress] = []
        self.notes: list[str] = []

    def note(self, text):
        """Keep it."""
        self.notes.append(text)

    def finished(self, progress):
        """Keep it."""
        self.last = progress

    def trained(self, progress):
        """Keep it."""
        self.progress.append(progress)


def text(n_lines=300, n_words=30, seed=0):
    """Random text as a stream."""
    rng = np.random.default_rng(seed)
    lines = (" ".join(f"w{i}" for i in rng.integers(0, n_words, 12)) for _ in range(n_lines))
    return io.BytesIO("\n".join(lines).encode())


def analogy_score(model):
    """The share of the sample's planted questions that the model answers."""
    lines = [line.split() for line in QUESTIONS.read_text().splitlines() if not line.startswith(":")]
    answers = [model.most_similar([b, c], [a], k=1)[0][0] == d for a, b, c, d in lines]
    return sum(answers) / len(answers)


@pytest.mark.parametrize(
    "params",
    [
        {"model": "sg"},
        {"model": "sg", "negatives_per": "pair"},
        {"model": "cbow", "cbow_grad": "mean"},
        {"model": "cbow", "cbow_grad": "sqrt"},
        {"model": "cbow", "cbow_grad": "classic"},
        {"model": "sg", "threads": 1, "dim": 50},
    ],
)
def test_planted_structure_is_found(params):
    """The answers are known by construction; chance would answer one question in 2,000."""
    model = w2vfast.train(str(SAMPLE), **{"epochs": 10, "threads": 2, **params})
    assert analogy_score(model) > 0.75
    topics = make_sample.topic_slots()
    own = [{word for slot in slots for word in slot.words} for slots in topics]
    for slots, words in zip(topics, own, strict=True):
        near = [word for result in model.neighbours(slots[1].words[:10], k=5) for word, _ in result]
        assert sum(word in words for word in near) >= 0.8 * len(near)


def test_the_sample_is_what_its_script_makes():
    assert gzip.decompress(SAMPLE.read_bytes()).decode() == make_sample.make_text(random.Random(2016))
    assert QUESTIONS.read_text() == make_sample.make_questions()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_alpha_falls_to_its_floor_for_any_number_of_threads(threads):
    recorder = Recorder()
    w2vfast.train(text(), epochs=3, threads=threads, alpha=0.04, min_alpha=0.001, monitor=recorder)
    alphas = [p.alpha for p in recorder.progress]
    assert alphas == sorted(alphas, reverse=True)
    assert alphas[-1] == 0.001
    assert [p.epoch for p in recorder.progress if p.ends_epoch] == [1, 2, 3]
    assert recorder.progress[-1].percent == 100
    assert recorder.last.alpha == 0.001
    assert recorder.last.tokens == recorder.last.total_tokens


def test_the_kernels_own_alpha_ends_at_the_floor_too(monkeypatch):
    """What a window is trained with, by its position: the last token of the last epoch is one step above."""
    corpus = run_corpus(text())
    config = TrainConfig(epochs=4, alpha=0.04, min_alpha=0.001, threads=1, sample=0.0).resolved()
    some = trainer.Trainer(corpus, config, Monitor())
    jobs = []
    monkeypatch.setattr(some, "_train_on", lambda model, text, tables, settings, job, *results: jobs.append(job))
    some._pairs[:] = 1
    some.run()
    last = jobs[-1]
    assert last.stop == corpus.n_tokens
    assert last.alpha + last.alpha_slope * last.stop == pytest.approx(0.001)
    first = jobs[1]  # the one before warms up
    assert first.start == 0
    assert first.alpha == 0.04
    for a, b in itertools.pairwise(jobs[1:]):
        assert b.start in (a.stop, 0)  # each token once an epoch, in order


def run_corpus(stream):
    """Encode a stream."""
    from w2vfast.corpus.encoded import encode
    from w2vfast.corpus.reading import ReadingOptions
    from w2vfast.corpus.sources import find_sources

    return encode(find_sources(stream), ReadingOptions(min_count=1, max_word_bytes=100))


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("model", ["sg", "cbow"])
def test_pairs_grow_with_epochs_and_do_not_depend_on_threads(model, threads):
    pairs = []
    for epochs in (1, 4):
        config = TrainConfig(model=model, epochs=epochs, threads=threads, sample=0.0, min_count=1).resolved()
        some = trainer.Trainer(run_corpus(text()), config, Monitor())
        some.run()
        pairs.append(some.state.n_pairs)
    assert pairs[1] == pytest.approx(4 * pairs[0], rel=0.03)
    again = trainer.Trainer(run_corpus(text()), dataclasses.replace(config, threads=7), Monitor())
    again.run()
    assert again.state.n_pairs == pairs[1]


def test_training_changes_both_matrices_and_lowers_the_loss():
    recorder = Recorder()
    model = w2vfast.train(str(SAMPLE), epochs=2, threads=1, monitor=recorder)
    start = matrices.initial_model(len(model), 100, 1)
    assert np.abs(model.vectors - start.W[:, :100]).max() > 0.1
    assert np.abs(model.context).max() > 0.1
    assert recorder.progress[0].loss <= 6 * math.log(2) + 1e-3
    assert recorder.progress[-1].loss < 0.5 * 6 * math.log(2)


@pytest.mark.parametrize("params", [{}, {"model": "cbow"}, {"negatives_per": "pair", "sample": 0.0}])
def test_one_thread_gives_the_same_file_whatever_the_chunks(tmp_path, monkeypatch, params):
    """T14; their length depends on the machine: here an epoch, or 100 tokens and then one at a time."""
    files, n_chunks = [], []
    for first, seconds in ((100_000, 1e9), (100, 0.0)):
        monkeypatch.setattr(trainer, "_FIRST_CHUNK_TOKENS", first)
        monkeypatch.setattr(trainer, "CHUNK_SECONDS", seconds)
        path, recorder = tmp_path / f"{first}.w2v", Recorder()
        w2vfast.train(text(50), threads=1, epochs=2, monitor=recorder, **params).save(path)
        files.append(path.read_bytes())
        n_chunks.append(len(recorder.progress))
    assert n_chunks == [2, 1101]  # 600 tokens an epoch
    assert files[0] == files[1]
    w2vfast.train(text(50), threads=1, epochs=2, seed=2, **params).save(path)
    assert path.read_bytes() != files[0]


@pytest.mark.parametrize("alpha", [10.0, 1e4, 1e30])
@pytest.mark.parametrize("model", ["sg", "cbow"])
@pytest.mark.parametrize("dim", [1, 100, 300])
def test_divergence_is_an_error(model, alpha, dim):
    """T1, T2."""
    with pytest.raises(DivergedError, match=r"training diverged at .* with --alpha"):
        w2vfast.train(str(SAMPLE), model=model, alpha=alpha, dim=dim, epochs=2, threads=2)


def test_an_exploded_row_is_noticed_without_nan():
    """T2: gensim saves garbage."""
    config = TrainConfig(threads=1, min_count=1).resolved()
    some = trainer.Trainer(run_corpus(text()), config, Monitor())
    some._check(4.0, 0.5)
    some.model.W[0, 0] = 2e3
    with pytest.raises(DivergedError, match="has the length 2e"):
        some._check(4.0, 0.5)
    with pytest.raises(DivergedError, match="the loss is 100"):
        some._check(100.0, 0.5)


@pytest.mark.parametrize(
    "params", [{"window": 50, "sample": 0.0}, {"neg": 64}, {"neg": 64, "negatives_per": "pair"}]
)
@pytest.mark.parametrize("n_words", [2, 3, 20])
@pytest.mark.parametrize("model", ["sg", "cbow"])
def test_small_vocabularies_stay_stable_at_the_default_alpha(model, n_words, params):
    """C4 and beyond: more negatives than words, windows longer than the vocabulary."""
    recorder = Recorder()
    w2vfast.train(text(500, n_words), model=model, monitor=recorder, threads=2, **params)
    assert recorder.progress[-1].loss <= (params.get("neg", 5) + 1) * math.log(2) + 1e-3


@pytest.mark.parametrize("threads", [1, 2, 64])
@pytest.mark.parametrize("data", [b"a b", b"a b\nb a\n", b"a b c d e a b c", b"a a a b " * 5])
def test_tiny_corpora_train_with_any_number_of_threads(data, threads):
    """C5."""
    model = w2vfast.train(io.BytesIO(data), min_count=1, threads=threads, sample=0.0, dim=3)
    assert np.isfinite(model.vectors).all()


def test_zero_pairs_are_an_error():
    with pytest.raises(CorpusError, match="--sample 0"):
        w2vfast.train(text(20, 3), sample=1e-12, min_count=1, epochs=1)


def test_too_little_memory_is_refused_before_training(monkeypatch):
    """T12."""
    monkeypatch.setattr(resources, "available_bytes", lambda: 10_000)
    with pytest.raises(OutOfMemoryError, match=r"30 words x 100 need about 51 kB of memory, 10 kB are available"):
        w2vfast.train(text(), min_count=1)


def test_initial_vectors_are_word2vec_s():
    model = matrices.initial_model(1000, 20, 1)
    assert model.W.shape == (1000, 32)
    W = model.W[:, :20]
    assert np.abs(W).max() <= 0.5 / 20
    assert W.std() == pytest.approx(1 / 20 / math.sqrt(12), rel=0.02)
    assert (model.W[:, 20:] == 0).all()
    assert (model.W_out == 0).all()


@given(st.sampled_from(sorted(LIMITS)), st.one_of(st.integers(), st.floats(), st.text(), st.none(), st.booleans()))
def test_any_parameter_value_is_taken_within_its_limits_or_refused(name, value):
    """E12."""
    least, most = LIMITS[name]
    try:
        config = TrainConfig(**{name: value})
    except UsageError as error:
        assert name in str(error)
    else:
        assert value is None or least <= getattr(config, name) <= most
        assert config.resolved().alpha >= config.resolved().min_alpha


def test_configuration_is_resolved_and_stored():
    model = w2vfast.train(text(), model="cbow", cbow_grad="mean", threads=2)
    assert model.params["alpha"] == 0.15
    assert model.params["min_alpha"] == pytest.approx(0.15e-4)
    assert model.params["cbow_grad"] == "mean"
    assert set(model.params) == {field.name for field in dataclasses.fields(TrainConfig)}
    json.dumps(model.params)
    for wrong in ({"model": "glove"}, {"nope": 1}, {"alpha": 0.1, "min_alpha": 0.2}):
        with pytest.raises(UsageError):
            w2vfast.train(text(), **wrong)


def test_numbers_for_people():
    assert [human(x) for x in (0, 5, 999, 1923456, 16_714_790, 298_000)] == [
        "0",
        "5",
        "999",
        "1.92M",
        "16.7M",
        "298k",
    ]
    assert [human(x, "B") for x in (12, 6_000_000, 58_123_456, 1.2e9)] == ["12 B", "6.00 MB", "58 MB", "1.20 GB"]
    assert [clock(x) for x in (0, 42.4, 725, 3723)] == ["0:00", "0:42", "12:05", "1:02:03"]


def test_a_closed_stream_stops_no_run(tmp_path):
    """T11: tqdm on a closed stream ends a loop at its first round."""
    with (tmp_path / "log").open("w") as stream:
        console = Console("always", stream=stream)
    model = w2vfast.train(text(), monitor=console)
    console.note("nobody reads this")
    assert len(model) == 30
