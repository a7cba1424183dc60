"""Counting what occurs together, and vectors made of it: document 003's example, and brute force."""

import io
import itertools

import numpy as np
import pytest
from conftest import QUESTIONS, SAMPLE
from hypothesis import assume, given
from hypothesis import strategies as st

import w2vfast
from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import Source
from w2vfast.errors import CorpusError, OutOfMemoryError
from w2vfast.training import association, cooccurrence

#: Document 003's corpus, and the table that it gives for it.
SEVEN = "Bob likes pizza\nBob likes wings\nBob dislikes kale\nBob dislikes lettuce\n"
NAMES = ["Bob", "dislikes", "kale", "lettuce", "likes", "pizza", "wings"]
TABLE = [
    [1, 1, 0, 0, 1, 0, 0], [1, 1, 1, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0, 0], [0, 1, 0, 1, 0, 0, 0],
    [1, 0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 1, 0, 1],
]  # fmt: skip


def corpus_of(sentences):
    """An encoded text."""
    text = "\n".join(" ".join(f"w{i}" for i in sentence) for sentence in sentences) + "\n"
    return encode([Source(io.BytesIO(text.encode()))], ReadingOptions(min_count=1))


def brute_force(corpus, window, weight):
    """The matrix, pair by pair."""
    matrix = np.zeros((len(corpus.vocab),) * 2)
    for a, b in itertools.pairwise(corpus.offsets):
        ids = corpus.ids[a:b].tolist()
        if window is None:
            for one, two in itertools.permutations(set(ids), 2):
                matrix[one, two] += 1
            continue
        for i, j in itertools.permutations(range(len(ids)), 2):
            if abs(i - j) <= window:
                matrix[ids[i], ids[j]] += 1 if weight == "equal" else 1 / abs(i - j)
    return matrix


sentences = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=30), min_size=1, max_size=20)


@given(sentences, st.sampled_from([1, 2, 5, None]), st.sampled_from(["equal", "harmonic"]), st.integers(1, 4),
       st.sampled_from([7, 64, 1 << 22]))  # fmt: skip
def test_counts_are_those_of_brute_force(sentences, window, weight, threads, buffer_keys):
    """With any number of threads and any size of buffers."""
    assume(any(len(sentence) > 1 for sentence in sentences) and len({w for s in sentences for w in s}) > 1)
    corpus = corpus_of(sentences)
    want = brute_force(corpus, window, "equal" if window is None else weight)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cooccurrence, "_BUFFER_KEYS", max(buffer_keys, 31))
        if not want.any():
            with pytest.raises(CorpusError, match="no two words"):
                cooccurrence.count_pairs(corpus, window, threads=threads)
            return
        found = cooccurrence.count_pairs(corpus, window, weight=weight, threads=threads)
    np.testing.assert_allclose(found.dense(), want, rtol=1e-5)
    for a, b in itertools.pairwise(found.offsets):
        assert (np.diff(found.columns[a:b]) > 0).all()
    assert (found.values > 0).all()


def test_document_003_s_example(w2v):
    """The table of seven words and its cosines, as the README shows it."""
    (w2v.folder / "seven.txt").write_text(SEVEN)
    made = w2v(
        "cooccur", "seven.txt", "--window", "1", "--binary", "--self", "--form", "counts", "--min-count", "1"
    )
    assert made.returncode == 0, made.stderr
    model = w2vfast.load(w2v.folder / "model.w2v")
    order = [model.vocab.find([name])[0] for name in NAMES]
    assert model.vectors[np.ix_(order, order)].tolist() == TABLE
    pairs = "kale lettuce\npizza wings\nlettuce wings\npizza kale\n"
    shown = w2v("distance", stdin=pairs.encode()).stdout.decode().splitlines()
    assert [line.split("\t")[2] for line in shown] == ["0.500000", "0.500000", "0.000000", "0.000000"]


def test_per_sentence_counts_documents(w2v):
    (w2v.folder / "a.txt").write_text("sun moon sun\nstar\n")
    (w2v.folder / "b.txt").write_text("moon star\n")
    options = ["--per-sentence", "--form", "counts", "--min-count", "1", "-q"]
    assert w2v("cooccur", "a.txt", "b.txt", "--sentence", "document", *options).returncode == 0
    model = w2vfast.load(w2v.folder / "model.w2v")
    sun, moon, star = (model.vocab.find([word])[0] for word in ("sun", "moon", "star"))
    assert model.vectors[sun, moon] == 1
    assert model.vectors[moon, star] == 2
    assert model.vectors[sun, sun] == 0


def test_ppmi_is_its_definition():
    corpus = corpus_of([[0, 1, 2, 1], [2, 3, 0], [1, 1, 4]])
    counts = cooccurrence.count_pairs(corpus, 2)
    C = counts.dense().astype(np.float64)
    for smoothing in (1.0, 0.75):
        p, columns = C / C.sum(), C.sum(axis=0) ** smoothing
        with np.errstate(divide="ignore"):
            want = np.maximum(0, np.log(p / np.outer(p.sum(axis=1), columns / columns.sum())))
        np.testing.assert_allclose(association.ppmi(counts, smoothing).dense(), want, atol=1e-6)


def test_svd_is_the_best_approximation():
    pytest.importorskip("scipy")
    rng = np.random.default_rng(1)
    corpus = corpus_of(rng.integers(0, 40, (60, 12)).tolist())
    matrix = association.ppmi(cooccurrence.count_pairs(corpus, 2))
    vectors = association.svd(matrix, 10, power=1.0)
    U, S, _ = np.linalg.svd(matrix.dense())
    np.testing.assert_allclose(np.abs(vectors), np.abs(U[:, :10] * S[:10]), atol=1e-3)
    assert (vectors == association.svd(matrix, 10, power=1.0)).all()


def test_counts_know_the_sample(w2v):
    """Planted structure is found without training, and the model is like any other."""
    pytest.importorskip("scipy")
    assert w2v("cooccur", SAMPLE, "--window", "5", "--dim", "50", "--threads", "2").returncode == 0
    assert w2vfast.load(w2v.folder / "model.w2v").evaluate(QUESTIONS)[-1].score > 25  # by chance it is 0.1
    info = w2v("info", "model.w2v").stdout.decode()
    assert "cooccur" in info
    assert "checksums: verified" in info
    assert w2v("similar", "king", "-k", "3").stdout.count(b"king\t") == 3
    assert w2v("predict", "king").returncode == 2  # it has no output vectors


def test_columns_and_memory(w2v, corpus, monkeypatch):
    options = ["--form", "counts", "--columns", "3", "-q"]
    assert w2v("cooccur", "corpus.txt", *options).returncode == 0
    assert w2vfast.load(w2v.folder / "model.w2v").vectors.shape == (7, 3)
    assert w2v("cooccur", "corpus.txt", "--form", "svd", "--dim", "7").returncode == 2
    counts = cooccurrence.count_pairs(corpus_of([[0, 1, 2]]), 2)
    monkeypatch.setattr(cooccurrence, "available_bytes", lambda: 10)
    with pytest.raises(OutOfMemoryError, match="--columns N"):
        counts.dense()


def test_wrong_use(w2v, corpus):
    (w2v.folder / "alone.txt").write_text("one\ntwo\nthree\n" * 10)
    for args, code, message in (
        (["corpus.txt", "-o", "corpus.txt"], 2, b"is one of the inputs"),
        (["corpus.txt", "--window", "0"], 2, b"0 is not in the range"),
        (["alone.txt"], 3, b"no line has two known words"),
        (["none.txt"], 2, b"none.txt does not exist"),
    ):
        result = w2v("cooccur", *args)
        assert (result.returncode, message in result.stderr) == (code, True), result.stderr
