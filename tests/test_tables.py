"""Tables and random draws: sigmoid, noise words, subsampling, window sizes."""

import numpy as np
import pytest
import reference
from conftest import compiled_only
from hypothesis import given
from hypothesis import strategies as st

from w2vfast.kernels import sampling
from w2vfast.kernels.arguments import LINEAR, Settings
from w2vfast.kernels.sigmoid import MAX_SCORE, N_CELLS, negative_log_sigmoid, sigmoid
from w2vfast.training import tables

counts_strategy = st.lists(st.integers(1, 10**9), min_size=1, max_size=50).map(lambda x: np.array(x, np.int64))


def bits(n, seed=1):
    """Random 64-bit numbers from the generator under test."""
    states = np.uint64(seed) + np.arange(n, dtype=np.uint64) * sampling.GAMMA
    return np.array([sampling.mix(state) for state in states], np.uint64)


def test_sigmoid_table_is_unbiased_and_close():
    sigma, _ = tables.sigmoid_tables()
    scores = np.random.default_rng(0).uniform(-float(MAX_SCORE), float(MAX_SCORE), 100_000).astype(np.float32)
    errors = np.array([sigmoid(x, sigma) for x in scores]) - reference.sigma(scores.astype(np.float64))
    assert abs(errors.mean()) < 1e-5
    assert np.abs(errors).max() < 1.05e-3
    assert sigmoid(np.float32(0), sigma) == 0.5


def test_loss_table_is_close():
    _, table = tables.sigmoid_tables()
    for score in np.linspace(-20, 20, 2001, dtype=np.float32):
        expected = np.logaddexp(0, -np.float64(score))
        assert negative_log_sigmoid(score, table) == pytest.approx(expected, abs=0.005)


@compiled_only
@pytest.mark.parametrize("function", [sigmoid, negative_log_sigmoid])
def test_no_score_leaves_its_table(function):
    """The scores next to the limits, infinities and NaN: none becomes an index outside the table (T3)."""
    table = np.arange(N_CELLS + 1, dtype=np.float32)
    edges = [
        MAX_SCORE,
        -MAX_SCORE,
        np.nextafter(MAX_SCORE, np.float32(0)),
        np.nextafter(-MAX_SCORE, np.float32(0)),
    ]
    for score in [*edges, np.float32(np.inf), np.float32(-np.inf), np.float32(np.nan), np.float32(0)]:
        for body in (function, function.py_func):  # the plain body would raise IndexError
            value = body(np.float32(score), table)
            assert not np.isnan(value) or (np.isnan(score) and function is negative_log_sigmoid)


def test_saturated_scores_keep_their_gradient():
    sigma, _ = tables.sigmoid_tables()
    assert sigmoid(np.float32(50), sigma) == 1.0  # a wrong negative still gets error -1
    assert sigmoid(np.float32(-50), sigma) == 0.0  # a wrong positive still gets error +1


@given(counts_strategy, st.sampled_from([0.0, 0.5, 0.75, 1.0, -0.5]))
def test_noise_distribution_is_proportional_to_the_power_of_the_count(counts, exponent):
    p = tables.noise_distribution(counts, exponent)
    np.testing.assert_allclose(p / p[0], (counts / counts[0]) ** exponent, rtol=1e-9)
    assert p.sum() == pytest.approx(1.0)


@given(counts_strategy)
def test_alias_table_holds_exactly_the_distribution(counts):
    p = tables.noise_distribution(counts, 0.75)
    table = tables.alias_table(p)
    prob, other = (table >> np.uint64(32)) / 2.0**31, (table & np.uint64(0xFFFFFFFF)).astype(np.int64)
    held = prob.copy()
    np.add.at(held, other, 1.0 - prob)
    np.testing.assert_allclose(held / len(p), p, atol=1e-9)


def test_alias_draws_follow_the_distribution():
    """Chi-square over 200,000 draws; 40.79 is the 99.9 % point of 17 degrees of freedom."""
    counts = np.array([1000, 500, 300, 200, 100, 80, 60, 50, 40, 30, 25, 20, 15, 10, 8, 6, 5, 5])
    p = tables.noise_distribution(counts, 0.75)
    noise = tables.alias_table(p)
    drawn = np.bincount([sampling.draw_noise_word(b, noise) for b in bits(200_000)], minlength=len(p))
    expected = p * drawn.sum()
    assert ((drawn - expected) ** 2 / expected).sum() < 40.79


@given(counts_strategy, st.floats(1e-6, 1.0))
def test_keep_probability_falls_with_frequency(counts, sample):
    keep = tables.keep_probabilities(np.sort(counts)[::-1], sample)
    assert (np.diff(keep) >= 0).all()
    assert ((keep > 0) & (keep <= 1)).all()


def test_keep_probability_is_word2vec_s():
    counts = np.array([900_000, 99_000, 1000])
    f, t = counts / counts.sum(), 1e-3
    np.testing.assert_allclose(
        tables.keep_probabilities(counts, t), np.minimum(1, np.sqrt(t / f) + t / f), rtol=1e-6
    )
    assert (tables.keep_probabilities(counts, 0) == 1).all()


def test_subsampling_keeps_the_right_share():
    keep_prob = np.float32(0.3)
    positions = [np.uint64(sampling.position_bits(np.uint64(9), pos)) for pos in range(50_000)]
    kept = sum(sampling.is_kept(b, keep_prob) for b in positions)
    assert kept / 50_000 == pytest.approx(0.3, abs=0.01)
    assert all(sampling.is_kept(b, np.float32(1)) for b in bits(1000))


@pytest.mark.parametrize("window", [1, 2, 5, 8, 50])
def test_window_sizes_are_uniform(window):
    """No low bits with a short period drive them, for powers of two either."""
    sizes = np.bincount([sampling.draw_window(b, window) for b in bits(50_000)], minlength=window + 1)
    assert sizes[0] == 0
    assert sizes.size == window + 1
    np.testing.assert_allclose(sizes[1:] / 50_000, 1 / window, atol=0.011)


@pytest.mark.parametrize("n_redraws", [0, 8])
def test_negatives_never_equal_the_target_and_drawing_ends(n_redraws):
    """Also where the target is almost the whole distribution (C4)."""
    some = tables.make_tables(np.array([9, 1]), 0, 1)
    settings = Settings(5, 5, 5, LINEAR, 20, n_redraws, False, False, False, 1, 0, 0.0)
    output_ids, state, n_drawn = np.empty(21, np.int32), np.uint64(3), 0
    for _ in range(200):
        state, n_outputs = sampling.draw_negatives(np.uint64(state), 0, settings, some, output_ids)
        assert output_ids[0] == 0
        assert (output_ids[1:n_outputs] == 1).all()
        n_drawn += n_outputs - 1
    chance = 1 - 0.9 ** (n_redraws + 1)
    assert n_drawn / 4000 == pytest.approx(chance, abs=0.05)
