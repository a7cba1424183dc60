"""The objectives: against finite differences, against each other, and the compiled forms against them."""

import doctest
import itertools
import re

import numpy as np
import pytest
from conftest import small_matrices
from hypothesis import given
from hypothesis import strategies as st

from w2vfast import objectives
from w2vfast.kernels import tree
from w2vfast.training import gradcheck
from w2vfast.training.tables import tree_paths

COUNTS = [40, 20, 12, 9, 5, 3, 1]


def by_differences(function, *arguments):
    """Gradients of function(*arguments)[0] by its first two arguments."""
    return [objectives.central_differences(lambda: function(*arguments)[0], arguments[i]) for i in range(2)]


@pytest.mark.parametrize("word", range(7))
@pytest.mark.parametrize(
    ("function", "more"),
    [
        (objectives.softmax, lambda word: (word,)),
        (objectives.negative_sampling, lambda word: (word, [1, 3, 3])),
        (objectives.negative_sampling, lambda word: (word, [])),
        (objectives.hierarchical_softmax, lambda word: objectives.huffman(COUNTS)[word]),
    ],
)
def test_gradients_of_an_example(function, more, word):
    """001 (1)-(8), (23)-(27); 000; 002; 003: every entry of h and W_out."""
    W, W_out = small_matrices()
    h = W[0].copy()
    _, by_h, by_out = function(h, W_out, *more(word))
    differences_h, differences_out = by_differences(function, h, W_out, *more(word))
    np.testing.assert_allclose(by_h, differences_h, atol=1e-8)
    np.testing.assert_allclose(by_out, differences_out, atol=1e-8)


@pytest.mark.parametrize("name", ["softmax", "ns", "hs"])
@pytest.mark.parametrize("contexts", [[1], [1, 4, 5], [3, 3, 0, 6]])
def test_gradients_of_a_window(name, contexts):
    """001 (9)-(22), (28)-(34): every entry of W and W_out, in both directions and both models."""
    W, W_out = small_matrices()
    objective = gradcheck.objectives_to_check()[name]
    windows = [
        (objectives.skip_gram, (2, contexts, objective, "to-contexts")),
        (objectives.skip_gram, (2, contexts, objective, "to-center")),
        (objectives.cbow, (2, contexts, objective)),
    ]
    for function, more in windows:
        _, *gradients = function(W, W_out, *more)
        for gradient, difference in zip(gradients, by_differences(function, W, W_out, *more), strict=True):
            np.testing.assert_allclose(gradient, difference, atol=1e-8)


def test_the_softmax_is_the_brute_force_cross_entropy():
    W, W_out = small_matrices()
    scores = W_out @ W[1]
    y = np.exp(scores) / np.exp(scores).sum()
    for word in range(7):
        loss, by_h, by_out = objectives.softmax(W[1], W_out, word)
        t = np.eye(7)[word]
        assert loss == pytest.approx(-np.log(y[word]))
        np.testing.assert_allclose(by_out, np.outer(y - t, W[1]))
        np.testing.assert_allclose(by_h, W_out.T @ (y - t))


def test_the_softmax_is_stable():
    h, W_out = np.array([1e4]), np.array([[1.0], [0.0], [-1.0]])
    assert objectives.softmax(h, W_out, 0)[0] == 0.0
    assert objectives.softmax(h, W_out, 2)[0] == pytest.approx(2e4)
    assert all(np.isfinite(part).all() for part in objectives.softmax(h, W_out, 1))


def test_a_window_s_errors_are_summed_over_its_contexts():
    """001 (15): gamma = sum_c (y - t_c), with one y for all contexts."""
    W, W_out = small_matrices()
    contexts = [1, 4, 4]
    _, _, by_out = objectives.skip_gram(W, W_out, 2, contexts, objectives.softmax)
    scores = W_out @ W[2]
    gamma = 3 * np.exp(scores) / np.exp(scores).sum() - np.bincount(contexts, minlength=7)
    np.testing.assert_allclose(by_out, np.outer(gamma, W[2]))


@pytest.mark.parametrize("k", [1, 5, 20])
def test_negative_sampling_nears_the_softmax_as_the_noise_nears_the_model(k):
    """With noise q, the model p and scores log(p / (k q)) it has k / (k + 1) times the softmax's gradient.

    In the mean over the noise (Gutmann and Hyvarinen, 2012); the further q is from p, the less so.
    """
    W, W_out = small_matrices()
    h, word = np.append(W[3], 1.0), 2
    p = np.exp(W_out @ W[3] - np.logaddexp.reduce(W_out @ W[3]))
    exact = objectives.softmax(W[3], W_out, word)[2]
    distances = []
    for mix in (1.0, 0.5, 0.1, 0.0):  # from uniform noise to the model's own
        noise = (1 - mix) * p + mix / 7
        biases = np.log(p) - W_out @ W[3] - np.log(k * noise)
        some = np.hstack([W_out, biases[:, None]])
        positive = objectives.negative_sampling(h, some, word, [])[2]
        gradient = positive + sum(
            k * noise[w] * (objectives.negative_sampling(h, some, word, [w])[2] - positive) for w in range(7)
        )
        distances.append(np.abs((k + 1) / k * gradient[:, :-1] - exact).max())
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 1e-3
    assert distances[-1] < 1e-12


def test_negative_sampling_with_an_equal_noise_word_is_symmetric():
    """A word that is target and noise at once: the derivative by its score is 2 sigma - 1."""
    W, W_out = small_matrices()
    _, _, by_out = objectives.negative_sampling(W[0], W_out, 5, [5])
    np.testing.assert_allclose(by_out[5], (2 * objectives.sigma(W_out[5] @ W[0]) - 1) * W[0])


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=60))
def test_huffman_trees_are_optimal_prefix_codes(counts):
    """Probabilities add up to 1 for any vectors; the compiled tree's codes are as short as the plain one's."""
    counts = sorted(counts, reverse=True)
    nodes, labels, offsets = tree.huffman_paths(*tree.huffman_tree(np.array(counts)))
    paths = [
        (nodes[a:b].tolist(), labels[a:b].astype(int).tolist()) for a, b in itertools.pairwise(offsets.tolist())
    ]
    plain = objectives.huffman(counts)
    for found in (paths, plain):
        codes = ["".join(map(str, code)) for _, code in found]
        assert all(not b.startswith(a) for a, b in itertools.permutations(codes, 2))
        assert sum(2.0 ** -len(code) for code in codes) == 1.0
        assert {node for path, _ in found for node in path} == set(range(len(counts) - 1))
        assert all(path[0] == len(counts) - 2 for path, _ in found)  # the root
    lengths = [sum(n * len(code) for n, (_, code) in zip(counts, found, strict=True)) for found in (paths, plain)]
    assert lengths[0] == lengths[1]


def test_probabilities_of_a_tree_add_up_to_one():
    W, W_out = small_matrices()
    losses = [objectives.hierarchical_softmax(W[1], W_out, *path)[0] for path in objectives.huffman(COUNTS)]
    assert np.exp(-np.array(losses)).sum() == pytest.approx(1.0)


def test_counts_in_any_order_give_the_tree_of_sorted_ones():
    counts = np.array([3, 40, 1, 12, 9, 20, 5])
    order = np.argsort(-counts)
    nodes, labels, offsets = tree_paths(counts)
    want = tree_paths(counts[order])
    for rank, word in enumerate(order):
        a, b = slice(*offsets[word : word + 2]), slice(*want[2][rank : rank + 2])
        assert nodes[a].tolist() == want[0][b].tolist()
        assert labels[a].tolist() == want[1][b].tolist()


def test_gradcheck_as_a_user(w2v):
    for options in ([], ["--dim", "1"], ["--dim", "20", "--seed", "9"]):
        result = w2v("gradcheck", *options)
        assert result.returncode == 0, result.stderr
        head, *rows = [line.split("\t") for line in result.stdout.decode().splitlines()]
        assert head == ["objective", "model", "error_W", "error_W_out"]
        assert [row[:2] for row in rows[:6]] == [[o, m] for o in ("softmax", "ns", "hs") for m in ("sg", "cbow")]
        assert all(float(number) < 1e-6 for row in rows[:6] for number in row[2:])
        right, wrong = (float(row[2]) for row in rows[6:])
        assert right < 1e-9
        assert wrong > 0.5
        assert b"finite differences support sigma(x) - 1 as" in result.stderr


def test_gradcheck_finds_a_wrong_gradient(w2v, monkeypatch):
    """The check can fail: with 000's derivative in place of the right one it does."""
    right = objectives.negative_sampling

    def wrong(h, W_out, word, negatives):
        loss, by_h, by_out = right(h, W_out, word, negatives)
        return loss, by_h, by_out * objectives.sigma(W_out[word] @ h)

    monkeypatch.setattr(objectives, "negative_sampling", wrong)
    errors = {(check.objective, check.model): check.error_out for check in gradcheck.check_objectives()}
    assert errors["ns", "sg"] > 0.1
    assert errors["softmax", "sg"] < 1e-6


def test_the_examples_in_the_docstrings_are_right():
    import w2vfast

    assert w2vfast.objectives is objectives
    assert doctest.testmod(objectives).attempted > 0
    assert doctest.testmod(objectives).failed == 0


def test_equations_are_named():
    """Every function says which equations it is."""
    for function in (objectives.softmax, objectives.negative_sampling, objectives.skip_gram, objectives.cbow):
        assert re.search(r"\(\d+\)", function.__doc__)
