"""Shards, chunks and windows: every token once, no window beyond its sentence, cuts change nothing."""

import itertools

import numba
import numpy as np
import pytest
import reference
from conftest import compiled_only
from hypothesis import given
from hypothesis import strategies as st

from w2vfast.kernels import cbow, sampling, sgns, shards, windows
from w2vfast.kernels.arguments import EQUAL, LINEAR, Job, Model, Settings, Text
from w2vfast.kernels.vector import LANES
from w2vfast.training.matrices import initial_model
from w2vfast.training.tables import make_tables

WINDOW = 3


def make_text(lengths, vocab_size=9, seed=0):
    """Random sentences of these lengths."""
    ids = np.random.default_rng(seed).integers(0, vocab_size, sum(lengths)).astype(np.int32)
    return Text(ids, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def numbered(lengths):
    """A text in which every token's id is its position."""
    text = make_text(lengths)
    return Text(np.arange(text.ids.size, dtype=np.int32), text.offsets)


def some_settings(left=WINDOW, right=WINDOW, shape=LINEAR):
    """Settings for windows only."""
    return Settings(max(left, right), left, right, shape, 1, 0, False, False, False, 1, 0, 0.0)


def all_windows(text, keep_prob, starts_and_stops, settings=some_settings()):  # noqa: B008 a constant
    """The windows of some ranges of centers: {center: contexts}, and each range's centers in order."""
    job, window = Job(0, 0, np.uint64(77), 0.05, 0.0), settings.window
    piece, context_ids = windows.allocate_piece(settings), np.empty(2 * window, np.int32)
    found, order = {}, []
    for start, stop in starts_and_stops:
        pos = start
        while pos < stop:
            pos, n_centers = windows.gather_piece(text, keep_prob, job, settings, pos, stop, piece)
            for i in range(n_centers):
                center, n_contexts = (
                    piece.kept_ids[window + i],
                    windows.copy_contexts(piece, i, window, context_ids),
                )
                assert center not in found
                found[int(center)] = context_ids[:n_contexts].tolist()
                order.append(int(center))
    return found, order


lengths_strategy = st.lists(st.integers(1, 40), min_size=1, max_size=12)


@given(lengths_strategy, st.data())
def test_any_cut_visits_every_token_once_with_the_same_window(lengths, data):
    text = numbered(lengths)
    n_tokens = text.ids.size
    keep_prob = np.ones(n_tokens, np.float32)
    whole, order = all_windows(text, keep_prob, [(0, n_tokens)])
    assert order == list(range(n_tokens))
    cuts = sorted(data.draw(st.sets(st.integers(0, n_tokens), max_size=6)) | {0, n_tokens})
    parts, _ = all_windows(text, keep_prob, list(itertools.pairwise(cuts)))
    assert parts == whole


@given(lengths_strategy, st.data())
def test_cuts_change_nothing_under_subsampling_either(lengths, data):
    text = numbered(lengths)
    n_tokens = text.ids.size
    keep_prob = np.full(n_tokens, 0.4, np.float32)
    whole, order = all_windows(text, keep_prob, [(0, n_tokens)])
    assert order == sorted(order)
    cuts = sorted(data.draw(st.sets(st.integers(0, n_tokens), max_size=6)) | {0, n_tokens})
    parts, _ = all_windows(text, keep_prob, list(itertools.pairwise(cuts)))
    assert parts == whole
    assert set().union(*whole.values(), []) <= set(whole)  # contexts are survivors too


@given(lengths_strategy)
def test_no_window_crosses_a_sentence_or_exceeds_its_size(lengths):
    text = numbered(lengths)
    found, _ = all_windows(text, np.ones(text.ids.size, np.float32), [(0, text.ids.size)])
    sentence_of = np.repeat(np.arange(len(lengths)), lengths)
    for center, contexts in found.items():
        assert all(sentence_of[c] == sentence_of[center] for c in contexts)
        assert all(0 < abs(c - center) <= WINDOW for c in contexts)
        if contexts:  # no gaps: the window is all words between its ends but the center
            ends = range(min([*contexts, center]), max([*contexts, center]) + 1)
            assert sorted([*contexts, center]) == list(ends)


@pytest.mark.parametrize(("left", "right"), [(0, 3), (3, 0), (1, 4), (5, 2)])
def test_the_sides_of_a_window_have_their_own_sizes(left, right):
    text = numbered([2000])
    found, _ = all_windows(text, np.ones(2000, np.float32), [(0, 2000)], some_settings(left, right))
    inner = [(center, contexts) for center, contexts in found.items() if 5 <= center < 1995]
    before = [sum(c < center for c in contexts) for center, contexts in inner]
    after = [sum(c > center for c in contexts) for center, contexts in inner]
    assert set(before) == set(range(min(left, 1), left + 1))
    assert set(after) == set(range(min(right, 1), right + 1))
    assert np.mean(before) == pytest.approx((left + 1) / 2 if left else 0, abs=0.1)
    assert np.mean(after) == pytest.approx((right + 1) / 2 if right else 0, abs=0.1)


def test_a_fixed_window_holds_the_whole_sentence():
    lengths = [1, 2, 7, 5]
    text = numbered(lengths)
    found, _ = all_windows(text, np.ones(15, np.float32), [(0, 15)], some_settings(6, 6, EQUAL))
    sentence_of = np.repeat(np.arange(len(lengths)), lengths)
    for center, contexts in found.items():
        assert contexts == [i for i in range(15) if sentence_of[i] == sentence_of[center] and i != center]


def test_a_sentence_longer_than_a_piece_keeps_all_its_windows():
    text = numbered([3 * windows.PIECE + 5])
    found, order = all_windows(text, np.ones(text.ids.size, np.float32), [(0, text.ids.size)])
    assert order == list(range(text.ids.size))
    assert min(len(contexts) for center, contexts in found.items() if 3 < center < text.ids.size - 4) >= 2


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 70))
def test_shards_partition_the_job(start, length, n_shards):
    job = Job(start, start + length, np.uint64(0), 0.05, 0.0)
    bounds = [shards.shard_bounds(job, shard, n_shards) for shard in range(n_shards)]
    assert bounds[0][0] == start
    assert bounds[-1][1] == start + length
    assert all(a[1] == b[0] for a, b in itertools.pairwise(bounds))


def problem(module, *, vocab_size=9, dim=20, per_pair=False, sample=0.0):
    """Text, tables, settings and matrices to train on."""
    text = make_text([30, 1, 2, 500, 7], vocab_size)
    counts = np.bincount(text.ids, minlength=vocab_size) + 1
    tables = make_tables(counts, sample, 0.75)
    power = 0.5 if module is cbow else 0.0
    settings = Settings(
        WINDOW, WINDOW, WINDOW, LINEAR, 4, 0 if per_pair else 8, per_pair, False, False, 1, 0, power
    )
    model = initial_model(vocab_size, dim, 1)
    model.W_out[:, :dim] = np.random.default_rng(5).normal(0, 0.1, (vocab_size, dim))
    return model, text, tables, settings


def train(module, parts, n_shards=1, **options):
    """Train the parts of one epoch, one after the other; return matrices, state, loss and pairs."""
    model, text, tables, settings = problem(module, **options)
    states = np.arange(3, 3 + n_shards).astype(np.uint64)
    losses, n_pairs, total, pairs = np.zeros(n_shards), np.zeros((n_shards, 2), np.int64), 0.0, 0
    for start, stop in parts:
        job = Job(start, stop, np.uint64(77), 0.05, -1e-5)
        shards.train_chunk(module.train_shard, model, text, tables, settings, job, states, losses, n_pairs)
        total, pairs = total + losses.sum(), pairs + n_pairs.sum(axis=0)
    return model, states, total, tuple(pairs)


MODES = [(sgns, False), (sgns, True), (cbow, False)]


@pytest.mark.parametrize(("module", "per_pair"), MODES)
def test_parallel_kernel_with_one_shard_equals_its_serial_twin_bit_for_bit(module, per_pair):
    model, states, loss, pairs = train(module, [(0, 540)], per_pair=per_pair)
    twin, text, tables, settings = problem(module, per_pair=per_pair)
    job = Job(0, 540, np.uint64(77), 0.05, -1e-5)
    result = module.train_shard(twin, text, tables, settings, job, (0, 540), np.uint64(3))
    assert (states[0], loss, *pairs) == result
    for a, b in zip(model, twin, strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize(("module", "per_pair"), MODES)
def test_with_one_shard_the_length_of_chunks_changes_no_bit(module, per_pair):
    whole = train(module, [(0, 540)], per_pair=per_pair, sample=0.05)
    cut = train(module, [(0, 1), (1, 37), (37, 400), (400, 540)], per_pair=per_pair, sample=0.05)
    assert whole[0].W.tobytes() == cut[0].W.tobytes()
    assert whole[0].W_out.tobytes() == cut[0].W_out.tobytes()
    assert whole[1].tolist() == cut[1].tolist()
    assert whole[2] == pytest.approx(cut[2])
    assert whole[3] == cut[3]


@pytest.mark.parametrize(("module", "per_pair"), MODES)
@pytest.mark.parametrize("n_shards", [1, 2, 7, 64, 1000])
def test_the_number_of_pairs_does_not_depend_on_shards(module, per_pair, n_shards):
    assert train(module, [(0, 540)], n_shards, per_pair=per_pair)[3] == train(module, [(0, 540)], 1)[3]


@pytest.mark.parametrize("n_shards", [1, 3, 16])
@pytest.mark.parametrize("module", [sgns, cbow])
def test_loss_at_fixed_weights_does_not_depend_on_shards(module, n_shards):
    """With alpha 0 nothing moves, and each shard's sum is its own (T17)."""
    model, text, tables, settings = problem(module)
    states, losses = np.zeros(n_shards, np.uint64), np.zeros(n_shards)
    pairs = np.zeros((n_shards, 2), np.int64)
    start = model.W.copy(), model.W_out.copy()
    job = Job(0, 540, np.uint64(77), 0.0, 0.0)
    totals = np.zeros(2)
    for round_ in range(60):
        states[:] = np.arange(n_shards) + 1000 * round_ + 1
        shards.train_chunk(module.train_shard, model, text, tables, settings, job, states, losses, pairs)
        totals += losses.sum(), pairs[:, 0].sum()
    assert np.array_equal(model.W, start[0])
    assert np.array_equal(model.W_out, start[1])
    assert totals[0] / totals[1] == pytest.approx(5 * np.log(2), rel=0.01)


@pytest.mark.parametrize("module", [sgns, cbow])
def test_untrained_loss_is_k_plus_one_times_log_two(module):
    model, text, tables, settings = problem(module)
    model.W_out[:] = 0
    losses, pairs = np.zeros(1), np.zeros((1, 2), np.int64)
    job = Job(0, 540, np.uint64(77), 0.0, 0.0)
    shards.train_chunk(
        module.train_shard, model, text, tables, settings, job, np.ones(1, np.uint64), losses, pairs
    )
    assert losses[0] / pairs[0, 0] == pytest.approx(5 * np.log(2), rel=1e-6)


@pytest.mark.parametrize("module", [sgns, cbow])
def test_nan_in_a_matrix_shows_in_the_loss_and_breaks_nothing(module):
    model, text, tables, settings = problem(module)
    model.W[0, 0] = np.nan
    losses, pairs = np.zeros(1), np.zeros((1, 2), np.int64)
    job = Job(0, 540, np.uint64(77), 0.05, 0.0)
    shards.train_chunk(
        module.train_shard, model, text, tables, settings, job, np.ones(1, np.uint64), losses, pairs
    )
    assert np.isnan(losses[0])


@compiled_only
def test_shard_function_returns_the_types_that_the_arrays_hold():
    """A bare literal would widen them: uint64 + int64 is float64."""
    model, text, tables, settings = problem(sgns)
    job = Job(0, 540, np.uint64(77), 0.05, -1e-5)
    for module in (sgns, cbow):
        module.train_shard(model, text, tables, settings, job, (0, 540), np.uint64(3))
        for signature in module.train_shard.nopython_signatures:
            assert signature.return_type == numba.types.Tuple(
                [numba.types.uint64, numba.types.float64, numba.types.int64, numba.types.int64]
            )


def test_rows_beyond_two_to_the_31_values_are_reached(tmp_path):
    """V x D > 2^31 (T5), on a sparse file."""
    rows, width = (1 << 31) // 16 + 8, 16
    W = np.memmap(tmp_path / "W", np.float32, "w+", shape=(rows, width))
    W_out = np.memmap(tmp_path / "W_out", np.float32, "w+", shape=(rows, width))
    W[-1], W[-2], W_out[-1] = 0.25, 0.5, 0.125
    model = Model(np.asarray(W), np.asarray(W_out))
    contexts, outputs = np.array([rows - 2], np.int32), np.array([rows - 1], np.int32)
    tables = make_tables(np.ones(2, np.int64), 0, 1)
    scores = np.empty((sgns.GROUP // 2, LANES), np.float32)
    sgns.train_window(model, contexts, outputs, tables.labels, outputs, np.float32(1), tables, False, scores)
    expected = 1 - reference.sigma(16 * 0.5 * 0.125)
    assert W_out[-1, 3] == pytest.approx(0.125 + expected * 0.5, abs=2e-3)
    assert W[-2, 3] == pytest.approx(0.5 + expected * 0.125, abs=2e-3)
    assert W[-1, 3] == 0.25


def test_the_loss_is_measured_in_one_window_of_32_wherever_it_lies():
    positions = np.arange(32 * 4000)
    bits = [np.uint64(sampling.position_bits(np.uint64(5), pos)) for pos in positions.tolist()]
    measured = np.array([sampling.is_measured(one) for one in bits])
    shares = np.array([measured[positions % 32 == place].mean() for place in range(32)])
    assert np.abs(shares - 1 / 32).max() < 5 * np.sqrt(1 / 32 / 4000)
