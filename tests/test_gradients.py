"""The compiled kernels of negative sampling against the equations."""

import numpy as np
import pytest
import reference
from conftest import small_matrices

from w2vfast.kernels import cbow, rows, sampling, sgns, sigmoid, windows
from w2vfast.kernels.arguments import LINEAR, Model, Settings
from w2vfast.kernels.vector import LANES
from w2vfast.objectives import sigma
from w2vfast.training.tables import make_tables

CONTEXTS = [[2], [0, 3], [1, 4, 5], [6, 1, 4, 5, 2]]
TWICE_CONTEXT = [3, 3, 1]
OUTPUTS = [[6, 0], [5, 1, 2, 3], [4, 0, 1, 2, 3, 6]]
TWICE = [4, 2, 2, 0]  # a noise word that was drawn twice


def padded(matrix):
    """A float32 copy with rows padded to whole vectors of lanes."""
    width = -(-matrix.shape[1] // LANES) * LANES
    result = np.zeros((len(matrix), width), np.float32)
    result[:, : matrix.shape[1]] = matrix
    return result


def tables(noise=()):
    """Sigmoid tables, and what else a window looks up: the first output is the target."""
    return make_tables(np.array([2, 1]), 0, 1)._replace(noise=np.array(noise, np.uint64))


def exact_tables(monkeypatch):
    """Let the uncompiled kernels use exact functions instead of tables."""
    monkeypatch.setattr(rows, "sigmoid", lambda x, table: np.float32(sigma(np.float64(x))))
    monkeypatch.setattr(rows, "negative_log_sigmoid", lambda x, table: np.float32(np.logaddexp(0, -np.float64(x))))


@pytest.fixture
def uncompiled(monkeypatch):
    """Run the bodies of all kernels as plain Python and NumPy."""

    def apply():
        for module in (rows, sgns, cbow, sampling, sigmoid, windows):
            for name, value in list(vars(module).items()):
                if hasattr(value, "py_func"):
                    monkeypatch.setattr(module, name, value.py_func)

    return apply


def run_sg(model, contexts, outputs, alpha):
    """Train one skip-gram window; return its loss."""
    contexts, outputs = np.array(contexts, np.int32), np.array(outputs, np.int32)
    scores = np.full((sgns.GROUP // 2, LANES), np.nan, np.float32)
    some = tables()
    return sgns.train_window(model, contexts, outputs, some.labels, outputs, np.float32(alpha), some, True, scores)


def run_cbow(model, contexts, outputs, alpha, power):
    """Train one CBOW window; return its loss."""
    contexts, outputs = np.array(contexts, np.int32), np.array(outputs, np.int32)
    hidden = np.full((2, model.W.shape[1]), np.nan, np.float32)
    scores, some = np.full((1, LANES), np.nan, np.float32), tables()
    return cbow.train_window(
        model, contexts, outputs, some.labels, outputs, power, hidden, (np.float32(alpha), some, True, scores)
    )


def check(model, W, W_out, gradients, alpha, tolerance):
    """The change of both matrices is -alpha times the gradient; padding stays zero."""
    for trained, start, gradient in zip(model, (W, W_out), gradients, strict=True):
        expected, dim = start - alpha * gradient, start.shape[1]
        np.testing.assert_allclose(trained[:, :dim], expected, atol=tolerance * alpha + 1e-6)
        assert (trained[:, dim:] == 0).all()


@pytest.mark.parametrize("dim", [1, 5, 16, 17, 40])
@pytest.mark.parametrize("contexts", CONTEXTS)
@pytest.mark.parametrize("outputs", OUTPUTS)
def test_skip_gram_kernel_follows_its_equations(dim, contexts, outputs):
    W, W_out = small_matrices(dim=dim)
    model = Model(padded(W), padded(W_out))
    loss = run_sg(model, contexts, outputs, 0.5)
    check(model, W, W_out, reference.sg_gradients(W, W_out, contexts, outputs), 0.5, 0.02)
    assert loss == pytest.approx(reference.sg_loss(W, W_out, contexts, outputs), rel=0.005)


@pytest.mark.parametrize("dim", [1, 5, 16, 17, 40])
@pytest.mark.parametrize("power", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("contexts", CONTEXTS)
@pytest.mark.parametrize("outputs", OUTPUTS)
def test_cbow_kernel_follows_its_equations(dim, power, contexts, outputs):
    W, W_out = small_matrices(dim=dim)
    model = Model(padded(W), padded(W_out))
    loss = run_cbow(model, contexts, outputs, 0.5, power)
    check(model, W, W_out, reference.cbow_gradients(W, W_out, contexts, outputs, power), 0.5, 0.02)
    assert loss == pytest.approx(reference.cbow_loss(W, W_out, contexts, outputs), rel=0.005)


@pytest.mark.parametrize("contexts", CONTEXTS)
@pytest.mark.parametrize("outputs", OUTPUTS)
def test_with_an_exact_sigmoid_the_kernels_bodies_are_exact(monkeypatch, uncompiled, contexts, outputs):
    """What separates the kernels from the equations is the table's cell width and nothing else."""
    uncompiled()
    exact_tables(monkeypatch)
    W, W_out = small_matrices()
    model = Model(padded(W), padded(W_out))
    loss = run_sg(model, contexts, outputs, 0.5)
    check(model, W, W_out, reference.sg_gradients(W, W_out, contexts, outputs), 0.5, 1e-6)
    assert loss == pytest.approx(reference.sg_loss(W, W_out, contexts, outputs), rel=1e-5)
    model = Model(padded(W), padded(W_out))
    loss = run_cbow(model, contexts, outputs, 0.5, 1.0)
    check(model, W, W_out, reference.cbow_gradients(W, W_out, contexts, outputs), 0.5, 1e-6)
    assert loss == pytest.approx(reference.cbow_loss(W, W_out, contexts, outputs), rel=1e-5)


@pytest.mark.parametrize("contexts", [*CONTEXTS, TWICE_CONTEXT, [*range(7)] * 4])
@pytest.mark.parametrize("outputs", [*OUTPUTS, TWICE, [*range(7)] * 2])
@pytest.mark.parametrize("model", ["sg", "cbow"])
def test_compiled_kernels_agree_with_their_uncompiled_bodies(uncompiled, model, contexts, outputs):
    W, W_out = small_matrices(dim=33)
    models, losses = [], []
    for _ in range(2):
        models.append(Model(padded(W), padded(W_out)))
        run, more = (run_sg, ()) if model == "sg" else (run_cbow, (0.5,))
        losses.append(run(models[-1], contexts, outputs, 0.1, *more))
        uncompiled()
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    np.testing.assert_allclose(models[0].W, models[1].W, atol=1e-6)
    np.testing.assert_allclose(models[0].W_out, models[1].W_out, atol=1e-6)


@pytest.mark.parametrize("contexts", [*CONTEXTS, TWICE_CONTEXT])
@pytest.mark.parametrize("power", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("outputs", [TWICE, [6, 0, 1, 2, 3, 4, 5, 0, 0, 1]])
def test_cbow_trains_repeated_and_many_noise_words_in_turn(contexts, power, outputs):
    W, W_out = small_matrices()
    model = Model(padded(W), padded(W_out))
    run_cbow(model, contexts, outputs, 0.5, power)
    reference.cbow_in_turn(W, W_out, contexts, outputs, 0.5, power)
    check(model, W, W_out, (0, 0), 0.5, 0.02)


@pytest.mark.parametrize("contexts", [[2], [2, 3, 0, 1], [*range(2, 7)] * 9])
@pytest.mark.parametrize("outputs", [[0, 1], [0, 1, 1], [0, 1, 2, 2, 1, 1], [6, 0, 1, 2, 3, 4, 5, 5]])
def test_skip_gram_trains_wide_windows_in_groups_and_many_outputs_in_turn(contexts, outputs):
    W, W_out = small_matrices()
    model, start = Model(padded(W), padded(W_out)), (W.copy(), W_out.copy())
    run_sg(model, contexts, outputs, 0.02)
    begin = 0
    while begin < len(outputs):
        end = begin + 1
        while end < len(outputs) and end < begin + rows.OUTPUTS and outputs[end] not in outputs[begin:end]:
            end += 1
        for c in range(0, len(contexts), sgns.GROUP):
            group, target = contexts[c : c + sgns.GROUP], 0 if begin == 0 else None
            reference.sg_step(W, W_out, group, outputs[begin:end], target, 0.02)
        begin = end
    for trained, expected, before in zip(model, (W, W_out), start, strict=True):
        largest = np.abs(expected - before).max()  # the sigmoid's table errs by about 1 % of it
        np.testing.assert_allclose(trained[:, : W.shape[1]], expected, rtol=0, atol=0.02 * largest)


def test_pairs_with_their_own_noise_words_are_windows_of_one_context():
    """With two words to draw from, the target 0 and 1, the noise word is always 1."""
    W, W_out = small_matrices()
    model = Model(padded(W), padded(W_out))
    some, settings = (
        tables([1 << 63 | 0, 1 << 63 | 1]),
        Settings(5, 5, 5, LINEAR, 1, 50, True, False, False, 1, 0, 0.0),
    )
    scores, output_ids = np.empty((sgns.GROUP // 2, LANES), np.float32), np.empty((2, 2), np.int32)
    contexts = np.array([4, 2, 4, 5], np.int32)
    center, alpha = np.zeros(1, np.int32), np.float32(0.5)
    sgns.train_pairs(model, contexts, center, alpha, settings, some, False, np.uint64(1), output_ids, scores)
    for c in contexts:
        reference.sg_step(W, W_out, [c], [0, 1], 0, 0.5)
    check(model, W, W_out, (0, 0), 0.5, 0.02)
