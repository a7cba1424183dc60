"""--deterministic: the same bytes with any number of threads, and replicas that are merged as the formula says."""

import itertools

import numpy as np
import pytest
from conftest import SAMPLE
from hypothesis import given
from hypothesis import strategies as st
from parts import run_in_parts

from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import find_sources
from w2vfast.kernels.merging import merge_rows, saturation
from w2vfast.training import replicas
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor
from w2vfast.training.resources import matrix_bytes
from w2vfast.training.trainer import Trainer


@pytest.fixture(scope="module")
def text():
    """The sample, encoded."""
    return encode(find_sources(str(SAMPLE)), ReadingOptions())


@pytest.fixture
def short_rounds(monkeypatch):
    """Several replicas, and many rounds, for a text as short as the sample's."""
    monkeypatch.setattr(replicas, "REPLICA_TOKENS", 100_000)
    monkeypatch.setattr(replicas, "ROUND_TOKENS", 10_000)


def trained(text, **params):
    """A trainer that has run."""
    trainer = Trainer(text, TrainConfig(deterministic=True, **{"epochs": 3, **params}).resolved(), Monitor())
    trainer.run()
    return trainer


@pytest.mark.parametrize("params", [{"model": "sg"}, {"model": "cbow", "dim": 33}, {"negatives_per": "pair"}])
def test_any_number_of_threads_gives_the_same_bytes(text, short_rounds, params):
    """T14: and several replicas it is; the loss falls as it does with one."""
    one, *others = (trained(text, threads=threads, **params) for threads in (1, 2, 3, 7))
    assert len(one.state.states) == 4
    for other in others:
        assert [m.tobytes() for m in other.model] == [m.tobytes() for m in one.model]
        assert other.state.numbers() == one.state.numbers()
    alone = Trainer(text, TrainConfig(threads=1, epochs=3, **params).resolved(), Monitor())
    alone.run()
    assert (alone.model.W != one.model.W).any()
    assert one.state.last_loss < 0.5 * (alone.state.last_loss + 6 * np.log(2))


def test_another_seed_gives_other_vectors(text, short_rounds):
    assert (trained(text, epochs=1).model.W != trained(text, epochs=1, seed=2).model.W).any()


def test_a_short_text_has_one_replica_and_is_trained_as_by_one_thread(text):
    alone = Trainer(text, TrainConfig(threads=1, epochs=1).resolved(), Monitor())
    alone.run()
    assert (trained(text, threads=4, epochs=1).model.W == alone.model.W).all()


def test_a_resumed_run_computes_what_an_uninterrupted_one_does(text, short_rounds, tmp_path):
    """T6: it goes on at the round where it stopped, with more threads or fewer."""
    config = TrainConfig(deterministic=True, threads=2, epochs=2).resolved()
    resumed, whole = run_in_parts(text, tmp_path, config, at=[3, 1, 9]), trained(text, epochs=2)
    for mine, theirs in zip(resumed.model, whole.model, strict=True):
        assert (mine == theirs).all()


def test_the_file_is_the_same_too(w2v, tmp_path):
    """T14: two replicas, whatever --threads and whatever the machine says."""
    (w2v.folder / "c.txt").write_text("one two three four five six seven eight nine ten " * 10_000
                                      + " ".join(f"w{i} w{i} w{i}" for i in range(40)))  # fmt: skip
    for threads in (1, 2, 5):
        done = w2v("train", "c.txt", "--deterministic", "--threads", str(threads), "-o", f"{threads}.w2v", "--dim",
                   "2", "--neg", "1", "--window", "1", "--epochs", "200", "--sentence", "1000", "-q",
                   "--min-count", "1")  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert len({(w2v.folder / f"{threads}.w2v").read_bytes() for threads in (1, 2, 5)}) == 1


def test_the_number_of_shards_depends_on_the_text_only():
    def count(threads, n_tokens, vocab_size=1000):
        config = TrainConfig(deterministic=True, threads=threads).resolved()
        return replicas.count_shards(config, n_tokens, vocab_size)

    for threads in (1, 2, 64):
        assert [count(threads, n) for n in (1, 19_999_999, 20_000_000, 10**12)] == [1, 1, 2, 4]
        assert [count(threads, 10**9, n) for n in (2, 31, 32, 64)] == [1, 1, 2, 4]
    assert replicas.count_shards(TrainConfig(threads=3).resolved(), 10**9, 1000) == 3


def test_rounds_are_shorter_where_a_token_takes_more_work():
    def length(vocab_size, **params):
        return replicas.round_tokens(vocab_size, TrainConfig(**params), params.get("window", 5))

    assert length(1000) == length(1000, dim=10) == replicas.ROUND_TOKENS
    assert length(1_000_000) == 250_000
    assert length(1000, dim=1000) == replicas.ROUND_TOKENS // 10
    assert length(1000, dim=1000, window=100, neg=100) == replicas.LEAST_ROUND_TOKENS


def test_memory_counts_the_copies():
    """T12."""
    one, four = (TrainConfig(deterministic=flag, epochs=5).resolved() for flag in (False, True))
    extra = matrix_bytes(four, 10**8, 1000) - matrix_bytes(one, 10**8, 1000)
    assert extra == 4 * 2 * 4 * 1000 * 112


@given(st.integers(1, 5), st.integers(0, 2**32 - 1), st.floats(0, 10))
def test_rows_are_merged_by_the_formula(n_copies, seed, strength):
    """Against float64, with rows that no copy, one copy and several copies have changed."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(7, 32)).astype(np.float32)
    updates, changed = rng.random(7), rng.random((n_copies, 7)) < 0.5
    changes = rng.normal(size=(n_copies, 7, 32)) * changed[:, :, None]
    copies = (matrix + changes).astype(np.float32)
    want = matrix.astype(np.float64)
    for row in range(7):
        n = changed[:, row].sum()
        if n:
            rho = np.exp(-strength * updates[row] * n_copies / n)
            factor = (1 - rho**n) / (n * (1 - rho)) if rho < 1 else 1.0
            want[row] += factor * (copies[:, row].astype(np.float64) - matrix[row]).sum(axis=0)
    stacked = copies.reshape(-1, 32).copy()
    merge_rows(matrix, stacked, updates, strength, 0, 4)
    merge_rows(matrix, stacked, updates, strength, 4, 7)
    np.testing.assert_allclose(matrix, want, rtol=1e-5, atol=1e-5)
    assert (stacked.reshape(n_copies, 7, 32) == matrix).all()


def test_a_change_in_the_last_lane_counts():
    matrix = np.zeros((2, 32), np.float32)
    copies = np.zeros((4, 32), np.float32)
    copies[3, 31] = 1.0
    merge_rows(matrix, copies, np.ones(2), 1.0, 0, 2)
    assert matrix[1, 31] == 1.0
    assert matrix.sum() == 1.0


def test_the_factor_lies_between_mean_and_sum():
    for n in range(1, 9):
        factors = [saturation(x, n) for x in (0.0, 1e-13, 1e-9, 1e-3, 0.1, 1.0, 10.0, 1000.0)]
        assert factors[0] == factors[1] == 1.0
        assert factors[-1] == pytest.approx(1 / n)
        assert all(1.0 + 1e-7 >= a >= b - 1e-12 for a, b in itertools.pairwise(factors))
