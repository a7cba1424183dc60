"""Evaluation and clustering: against plain counting, brute force and planted structure."""

import json
import shutil

import numpy as np
import pytest
from conftest import QUESTIONS
from hypothesis import given
from hypothesis import strategies as st

from w2vfast.errors import DataError, UsageError
from w2vfast.model.cluster import spherical_kmeans
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.evaluate import correlation, evaluate, read_test, weighted_ranks
from w2vfast.system.places import short_names
from w2vfast.vocab import Vocab


def model_of(words, vectors):
    """Embeddings of given vectors."""
    return Embeddings(Contents(np.array(vectors, np.float32), Vocab(list(words), np.zeros(len(words), np.int64))))


def slow_ranks(values):
    """Ranks, equal values sharing their mean rank."""
    return [sum(v < x for v in values) + (sum(v == x for v in values) + 1) / 2 for x in values]


@given(st.lists(st.integers(0, 5), min_size=2, max_size=12), st.integers(0, 99))
def test_ranks_of_weighted_values_are_those_of_repeated_ones(values, seed):
    weights = np.random.default_rng(seed).integers(0, 3, (2, len(values)))
    ranks = weighted_ranks(np.array(values, float), weights)
    for row, counts in zip(ranks, weights, strict=True):
        repeated = [v for v, n in zip(values, counts, strict=True) for _ in range(n)]
        expected = dict(zip(repeated, slow_ranks(repeated), strict=True))
        assert all(row[i] == expected[v] for i, v in enumerate(values) if counts[i])


@given(st.integers(0, 99))
def test_correlations_of_weighted_values_are_those_of_repeated_ones(seed):
    rng = np.random.default_rng(seed)
    (x, y), weights = rng.normal(size=(2, 9)), rng.integers(0, 3, (1, 9))
    if (weights > 0).sum() > 2:
        found = correlation(x[None], y[None], weights)[0]
        expected = np.corrcoef(np.repeat(x, weights[0]), np.repeat(y, weights[0]))[0, 1]
        assert found == pytest.approx(expected)


def test_similarities_are_spearman_and_pearson_with_an_interval(tmp_path):
    rng = np.random.default_rng(3)
    model = model_of("abcdefghij", rng.normal(size=(10, 4)))
    pairs = [(a, b) for a in "abcdefghij" for b in "abcdefghij" if a < b]
    cosines = model.similarity(pairs)
    gold = cosines + rng.normal(0, 0.3, len(pairs))
    path = tmp_path / "pairs.tsv"
    lines = [f"{a}\t{b}\t{g}" for (a, b), g in zip(pairs, gold, strict=True)]
    path.write_text("# a comment\nWord 1\tWord 2\tHuman\n" + "\n".join([*lines, "a\tunknown\t3"]) + "\n")
    spearman, pearson = evaluate(model, path)
    assert (spearman.section, spearman.total, spearman.skipped, spearman.correct) == ("spearman", 45, 1, None)
    assert pearson.score == pytest.approx(100 * np.corrcoef(cosines, gold)[0, 1])
    assert spearman.score == pytest.approx(100 * np.corrcoef(slow_ranks(cosines), slow_ranks(gold))[0, 1])
    for score in (spearman, pearson):
        assert score.low < score.score < score.high
        assert score.high - score.low < 60


def test_the_interval_shrinks_with_the_number_of_questions(tmp_path):
    model, path = model_of(["a", "b", "c", "d"], np.eye(4)), tmp_path / "t"
    widths = []
    for n in (10, 1000):
        path.write_text("a b c d\n" * n)
        score = evaluate(model, path)[0]
        assert 0 <= score.low <= score.score <= score.high <= 100
        widths.append(score.high - score.low)
    assert widths[1] < widths[0] / 5


def test_analogies_are_counted_by_section_and_kind(tmp_path):
    # a plane: b - a = d - c
    model = model_of(
        ["A", "B", "C", "D", "x", "a"], [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1], [9, 9, 9]]
    )
    path = tmp_path / "questions.txt"
    path.write_text(": family\na b c d\na b c x\n: gram1-x\na b c D\nb a d c\na b c unknown\n")
    found = {s.section: (s.correct, s.total, s.skipped) for s in evaluate(model, path)}
    assert found == {
        "family": (1, 2, 0), "gram1-x": (2, 2, 1), "semantic": (1, 2, 0), "syntactic": (2, 2, 1),
        "total": (3, 4, 1),
    }  # fmt: skip
    exact = {s.section: (s.total, s.skipped) for s in evaluate(model, path, fold_case=False)}
    assert exact["total"] == (0, 5)
    assert evaluate(model, path, fold_case=False)[-1].score is None
    few = {s.section: (s.total, s.skipped) for s in evaluate(model, path, top=3)}
    assert few["total"] == (0, 5)


@pytest.mark.parametrize("method", ["add", "mul"])
def test_batches_answer_as_single_questions_do(sample_model, method):
    model = Embeddings.load(sample_model)
    total = evaluate(model, str(QUESTIONS), top=None, method=method)[-1]
    questions = [line.split() for line in QUESTIONS.read_text().splitlines() if line[:1] != ":"]
    answers = model.analogy([(a, b, c) for a, b, c, _ in questions], k=1, method=method)
    right = sum(answer[0][0] == question[3] for answer, question in zip(answers, questions, strict=True))
    assert (total.correct, total.total, total.skipped) == (right, len(questions), 0)
    assert total.score > 75


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b 1\n", [("a", "b", 1.0)]),
        ("a,b,1.5\n", [("a", "b", 1.5)]),
        ("word1\tword2\tPOS\tSimLex999\nold\tnew\tA\t1.58\t0.4\n", [("old", "new", 1.58)]),
        ("new york\tbig apple\t9\n", [("new york", "big apple", 9.0)]),
        ("a b c d\n", {"all": [("a", "b", "c", "d")]}),
        ("\ufeff: s 1\r\na b c d\r\n", {"s 1": [("a", "b", "c", "d")]}),
    ],
)
def test_variants_of_tests_are_read(tmp_path, text, expected):
    (tmp_path / "t").write_text(text)
    assert read_test(tmp_path / "t") == expected


@pytest.mark.parametrize(
    "text", ["", "# only\n", "a b\nc d\n", "a b c d\na b\n", "a b 1\na b c d\n", "a b 1\nx\n"]
)
def test_other_files_are_no_tests(tmp_path, text):
    (tmp_path / "t").write_text(text)
    with pytest.raises(DataError):
        read_test(tmp_path / "t")
    with pytest.raises(UsageError):
        read_test(tmp_path / "none")


def test_evaluate_as_a_user(w2v, sample_model):
    assert w2v("convert", sample_model, "-o", "v.txt", "-q").returncode == 0
    (w2v.folder / "pairs").write_text("king queen 9\nking guitar 1\nking prince 8\n")
    (w2v.folder / "none").write_text("x1 x2 9\nx3 x4 1\n")
    result = w2v("evaluate", QUESTIONS, "pairs", "-m", sample_model, "-m", "v.txt", "--header")
    assert result.returncode == 0, result.stderr
    assert b"30,000 first words; letter case is ignored" in result.stderr
    lines = [line.split("\t") for line in result.stdout.decode().splitlines()]
    assert lines[0] == ["model", "test", "section", "score", "low", "high", "correct", "total", "skipped"]
    assert {line[0] for line in lines[1:]} == {"sample.w2v", "v.txt"}
    own, other = ([line[1:] for line in lines if line[0] == name] for name in ("sample.w2v", "v.txt"))
    assert own == other
    objects = [
        json.loads(line) for line in w2v("evaluate", "pairs", "-m", sample_model, "--json").stdout.splitlines()
    ]
    assert [o["section"] for o in objects] == ["spearman", "pearson"]
    (w2v.folder / "other").mkdir()
    shutil.copy(sample_model, w2v.folder / "other" / "sample.w2v")
    several = ("-m", sample_model, "-m", "other/sample.w2v", "-m", sample_model, "-m", "v.txt", "--table")
    table = w2v("evaluate", "pairs", *several).stdout.decode().splitlines()
    assert len(table) == 3
    folder = sample_model.parent.name
    assert table[0].split() == ["test", "section", f"{folder}/sample.w2v", "other/sample.w2v", "v.txt"]
    assert w2v("evaluate", "none", "-m", sample_model).returncode == 1
    assert w2v("evaluate", "missing", "-m", sample_model).returncode == 2
    assert w2v("evaluate", sample_model, "-m", sample_model).returncode == 3
    assert w2v("evaluate", "pairs", "--top", "0", "-m", sample_model).returncode == 2


def planted(n_groups=5, size=40, dim=8, seed=0):
    """Vectors of different lengths around a few directions, in random order, with their groups."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat(np.arange(n_groups), size))
    vectors = np.eye(dim)[truth] + rng.normal(0, 0.1, (len(truth), dim))
    return (vectors * rng.uniform(0.1, 10, (len(truth), 1))).astype(np.float32), truth


@pytest.mark.parametrize("seed", range(5))
def test_planted_groups_are_found(seed):
    vectors, truth = planted(seed=seed)
    labels, centers = spherical_kmeans(vectors, 5, seed=seed)
    assert len(set(zip(labels.tolist(), truth.tolist(), strict=True))) == 5
    assert np.linalg.norm(centers, axis=1) == pytest.approx(1)
    again, _ = spherical_kmeans(vectors, 5, seed=seed)
    assert np.array_equal(labels, again)


def test_groups_are_ordered_by_size_and_vectors_stand_by_their_nearest_center():
    vectors = np.random.default_rng(1).normal(size=(300, 6)).astype(np.float32)
    vectors[7] = 0
    labels, centers = spherical_kmeans(vectors, 12)
    counts = np.bincount(labels)
    assert len(counts) == 12
    assert (np.diff(counts) <= 0).all()
    cosines = vectors @ centers.T
    assert (np.delete(cosines.argmax(axis=1) == labels, 7)).all()


def test_groups_of_equal_vectors_and_as_many_as_vectors():
    same, _ = spherical_kmeans(np.ones((10, 3), np.float32), 3, n_rounds=5)
    assert len(same) == 10
    labels, _ = spherical_kmeans(np.eye(6, dtype=np.float32), 6)
    assert sorted(labels) == list(range(6))
    for n in (0, 7):
        with pytest.raises(UsageError):
            spherical_kmeans(np.eye(6, dtype=np.float32), n)


def test_cluster_as_a_user(w2v, sample_model):
    result = w2v("cluster", "-k", "20", "-m", sample_model)
    assert result.returncode == 0, result.stderr
    classes = dict(line.split("\t") for line in result.stdout.decode().splitlines())
    assert list(classes) == list(Embeddings.load(sample_model).vocab.words)
    assert classes["guitar"] == classes["violin"] != classes["bread"] == classes["cheese"]
    lines = w2v("cluster", "-k", "20", "--summary", "--header", "-m", sample_model).stdout.decode().splitlines()
    assert lines[0].split("\t") == ["class", "size", "mean_cosine", "words"]
    assert len(lines) == 21
    assert sum(int(line.split("\t")[1]) for line in lines[1:]) == len(classes)
    assert json.loads(w2v("cluster", "-k", "2", "--top", "9", "--json", "-m", sample_model).stdout.splitlines()[0])
    assert w2v("cluster", "-k", "99999", "-m", sample_model).returncode == 2


def test_tests_of_one_name_are_told_apart(w2v, corpus):
    for folder in ("qa", "qb"):
        (w2v.folder / folder).mkdir()
        (w2v.folder / folder / "q").write_text("one two 3\nthree four 4\nfive six 1\n")
    options = ("--epochs", "1", "--dim", "4", "--eval", "qa/q", "--eval", "qb/q", "--log-json", "log")
    result = w2v("train", "corpus.txt", *options)
    assert b"epoch 1: qa/q " in result.stderr
    assert b", qb/q " in result.stderr
    rows = map(json.loads, (w2v.folder / "log").read_text().splitlines())
    assert [list(row["scores"]) for row in rows if "scores" in row] == [["qa/q", "qb/q"]]
    paths = ["a/q", "r.txt", "b/q", "r.txt", "q", "/a/b/s", "t.tsv", "t.txt"]
    assert short_names(paths) == ["a/q", "r", "b/q", "r", "q", "s", "t.tsv", "t.txt"]
