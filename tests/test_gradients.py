"""The equations against central differences, and the kernels against the equations."""

import numpy as np
import pytest
import reference
from conftest import small_matrices

from w2vfast.kernels import cbow, sgns
from w2vfast.kernels.arguments import Model, Settings, Tables
from w2vfast.kernels.vector import LANES
from w2vfast.training.tables import sigmoid_tables

CONTEXTS = [[2], [0, 3], [1, 4, 5, 2], [3, 3, 1]]  # the last one has a word twice
OUTPUTS = [[6, 0], [5, 1, 2, 3]]
TWICE = [4, 2, 2, 0]  # a noise word that was drawn twice


@pytest.mark.parametrize("contexts", CONTEXTS)
@pytest.mark.parametrize("outputs", [*OUTPUTS, TWICE])
@pytest.mark.parametrize("model", ["sg", "cbow"])
def test_equations_are_the_derivatives_of_their_loss(model, contexts, outputs):
    """001 (23)-(28), (29)-(34), 000, 002, 003: every entry of W and W_out."""
    W, W_out = small_matrices()
    loss = {"sg": reference.sg_loss, "cbow": reference.cbow_loss}[model]
    gradients = {"sg": reference.sg_gradients, "cbow": reference.cbow_gradients}[model]
    by_W = reference.central_differences(lambda: loss(W, W_out, contexts, outputs), W)
    by_W_out = reference.central_differences(lambda: loss(W, W_out, contexts, outputs), W_out)
    gradient, gradient_out = gradients(W, W_out, contexts, outputs)
    np.testing.assert_allclose(gradient, by_W, atol=1e-8)
    np.testing.assert_allclose(gradient_out, by_W_out, atol=1e-8)


def test_the_positive_term_s_derivative_is_sigma_minus_one():
    """000 writes sigma (sigma - 1); differences decide for 001 (25) and 003: sigma - 1."""
    scores, step = np.linspace(-3, 3, 13), 1e-6
    by_difference = (reference.softplus(-(scores + step)) - reference.softplus(-(scores - step))) / (2 * step)
    sigma = reference.sigma(scores)
    np.testing.assert_allclose(by_difference, sigma - 1, atol=1e-8)
    assert np.abs(by_difference - sigma * (sigma - 1)).max() > 0.1


def padded(matrix):
    """A float32 copy with rows padded to whole vectors of lanes."""
    width = -(-matrix.shape[1] // LANES) * LANES
    result = np.zeros((len(matrix), width), np.float32)
    result[:, : matrix.shape[1]] = matrix
    return result


def tables():
    """Sigmoid tables only: a window's update looks nothing else up."""
    empty = np.empty(0, np.float32)
    return Tables(empty, empty, np.empty(0, np.int32), *sigmoid_tables())


def exact_tables(monkeypatch):
    """Let the uncompiled kernels use exact functions instead of tables."""
    for module in (sgns, cbow):
        monkeypatch.setattr(module, "sigmoid", lambda x, table: np.float32(reference.sigma(np.float64(x))))
        monkeypatch.setattr(
            module, "negative_log_sigmoid", lambda x, table: np.float32(reference.softplus(-np.float64(x)))
        )


def run_sg(model, contexts, outputs, alpha, *, compiled=True):
    """Train one skip-gram window; return its loss."""
    score, update = sgns.score_window, sgns.update_window
    if not compiled:
        score, update = score.py_func, update.py_func
    contexts, outputs = np.array(contexts, np.int32), np.array(outputs, np.int32)
    errors = np.full((len(contexts), len(outputs)), np.nan, np.float32)
    loss = score(model, contexts, outputs, 0, np.float32(alpha), tables(), errors)
    update(model, contexts, outputs, errors, np.full((len(contexts), model.W.shape[1]), np.nan, np.float32))
    return loss


def run_cbow(model, contexts, outputs, alpha, power, *, compiled=True):
    """Train one CBOW window; return its loss."""
    mean, train, update = cbow.mean_rows, cbow.train_outputs, cbow.update_inputs
    if not compiled:
        mean, train, update = mean.py_func, train.py_func, update.py_func
    contexts, outputs = np.array(contexts, np.int32), np.array(outputs, np.int32)
    rows = np.full((2, model.W.shape[1]), np.nan, np.float32)
    mean(model.W, contexts, rows)
    loss = train(model, outputs, np.float32(alpha), tables(), rows)
    update(model.W, contexts, power, rows)
    return loss


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
def test_with_an_exact_sigmoid_the_kernels_bodies_are_exact(monkeypatch, contexts, outputs):
    """What separates the kernels from the equations is the table's cell width and nothing else."""
    exact_tables(monkeypatch)
    W, W_out = small_matrices()
    model = Model(padded(W), padded(W_out))
    loss = run_sg(model, contexts, outputs, 0.5, compiled=False)
    check(model, W, W_out, reference.sg_gradients(W, W_out, contexts, outputs), 0.5, 1e-6)
    assert loss == pytest.approx(reference.sg_loss(W, W_out, contexts, outputs), rel=1e-5)
    model = Model(padded(W), padded(W_out))
    loss = run_cbow(model, contexts, outputs, 0.5, 1.0, compiled=False)
    check(model, W, W_out, reference.cbow_gradients(W, W_out, contexts, outputs), 0.5, 1e-6)
    assert loss == pytest.approx(reference.cbow_loss(W, W_out, contexts, outputs), rel=1e-5)


@pytest.mark.parametrize("contexts", CONTEXTS)
def test_compiled_kernels_agree_with_their_uncompiled_bodies(contexts):
    W, W_out = small_matrices(dim=33)
    for run in (
        lambda model, compiled: run_sg(model, contexts, [5, 1, 2, 3], 0.5, compiled=compiled),
        lambda model, compiled: run_cbow(model, contexts, [5, 1, 2, 3], 0.5, 0.5, compiled=compiled),
    ):
        compiled, plain = Model(padded(W), padded(W_out)), Model(padded(W), padded(W_out))
        assert run(compiled, True) == pytest.approx(run(plain, False), rel=1e-5)
        np.testing.assert_allclose(compiled.W, plain.W, atol=1e-6)
        np.testing.assert_allclose(compiled.W_out, plain.W_out, atol=1e-6)


@pytest.mark.parametrize("contexts", CONTEXTS)
@pytest.mark.parametrize("power", [1.0, 0.5, 0.0])
def test_cbow_trains_a_repeated_noise_word_in_two_steps(contexts, power):
    W, W_out = small_matrices()
    model = Model(padded(W), padded(W_out))
    run_cbow(model, contexts, TWICE, 0.5, power)
    reference.cbow_in_turn(W, W_out, contexts, TWICE, 0.5, power)
    check(model, W, W_out, (0, 0), 0.5, 0.02)


@pytest.mark.parametrize("contexts", [[2], [2, 3, 0, 1], [3] * 25, [*range(2, 7)] * 9])
@pytest.mark.parametrize("n_negatives", [1, 2, 5])
def test_skip_gram_trains_wide_windows_in_groups_and_repeated_noise_words_in_turn(contexts, n_negatives):
    """With two words to draw from, the target and 1, the noise word is always 1."""
    W, W_out = small_matrices()
    model = Model(padded(W), padded(W_out))
    some = tables()._replace(noise_prob=np.array([1.0, 1.0], np.float32), noise_other=np.array([0, 1], np.int32))
    settings = Settings(25, n_negatives, 50, False, 0.0)
    scratch = (
        np.empty(n_negatives + 1, np.int32),
        np.empty((sgns.GROUP, n_negatives + 1), np.float32),
        np.empty((sgns.GROUP, model.W.shape[1]), np.float32),
    )
    ids = np.array(contexts, np.int32)
    sgns.train_pairs(model, ids, 0, np.float32(0.1), settings, some, np.uint64(1), scratch)
    for outputs, target in [([0, 1], 0)] + [([1], None)] * (n_negatives - 1):
        for c in range(0, len(contexts), sgns.GROUP):
            reference.sg_step(W, W_out, contexts[c : c + sgns.GROUP], outputs, target, 0.1)
    check(model, W, W_out, (0, 0), 0.1, 0.2)
