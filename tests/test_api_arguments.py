"""What is given to the Python interface is taken as it is meant, or refused in clear words."""

import io
import os
from types import SimpleNamespace

import numpy as np
import pytest

import w2vfast
from w2vfast.errors import UsageError
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.training.config import TrainConfig
from w2vfast.vocab import Vocab

WORDS = ["king", "queen", "man", "woman", "q", "u"]
ROWS = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)
EMB = Embeddings(Contents(ROWS, Vocab(WORDS, np.zeros(6, np.int64))))


def test_one_word_is_not_taken_for_its_letters():
    found = [word for word, _ in EMB.most_similar("king", exclude="queen")]
    assert sorted(found) == ["man", "q", "u", "woman"]
    assert [word for word, _ in EMB.most_similar("king", among="queen")] == ["queen"]
    assert EMB.rank("king", "queen") == EMB.rank("king", ["queen"])
    assert EMB.neighbours("king") == EMB.neighbours(["king"])
    assert EMB.ids("king") == [0]


def test_a_list_of_numbers_is_a_vector():
    assert EMB.most_similar([1, 0.5, 2]) == EMB.most_similar(np.array([1, 0.5, 2]))
    assert EMB.most_similar([[1, 0.5, 2], "king"]) == EMB.most_similar([np.array([1, 0.5, 2]), "king"])
    assert len(EMB.most_similar("king", k=np.int64(2))) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda path: EMB.analogy([("man", "king", "woman")], method="x"), "method must be one of add, mul"),
        (lambda path: EMB.evaluate(path, method="x"), "method must be one of add, mul"),
        (lambda path: EMB.evaluate(path, top=0), "top must be at least 1"),
        (lambda path: EMB.evaluate(path, top=-1), "top must be at least 1"),
        (lambda path: EMB.most_similar("king", min_score=float("nan")), "min_score"),
        (lambda path: EMB.most_similar(np.array([1, np.nan, 0])), "finite"),
        (lambda path: EMB.most_similar([1e300, 0, 0]), "finite"),
        (lambda path: EMB.most_similar("king", k=2.0), "k must be a whole number"),
        (lambda path: EMB.analogy([("man", "king")]), "3 words"),
        (lambda path: EMB.analogy(("man", "king", "woman")), "3 words"),
        (lambda path: EMB.similarity(("king", "queen")), "2 words"),
        (lambda path: EMB.odd_one_out("king"), "three words"),
        (lambda path: w2vfast.train(io.StringIO("a b")), "open for bytes"),
        (lambda path: w2vfast.train([b"c.txt"]), r"path \(str\)"),
        (lambda path: w2vfast.train(path, base=os.fspath(path) + ".none"), "cannot read"),
        (lambda path: TrainConfig(dim=np.float64(8)), "dim must be a whole number"),
        (lambda path: TrainConfig(dim=np.int64(0)), "dim must be from 1"),
    ],
)
def test_wrong_arguments_are_usage_errors(tmp_path, call, message):
    """They were taken as something else, or ended in an error of NumPy."""
    (tmp_path / "t.txt").write_text("king queen man woman\n")
    with pytest.raises(UsageError, match=message):
        call(tmp_path / "t.txt")


@pytest.mark.parametrize("key", [0, None, ["king"], b"king"])
def test_what_is_no_word_is_a_type_error(tmp_path, key):
    EMB.save(tmp_path / "m.w2v")
    for model in (EMB, Embeddings.open(tmp_path / "m.w2v")):
        with pytest.raises(TypeError, match="must be a str"):
            model[key]
        assert key not in model


def test_bytes_are_no_query_but_a_path(tmp_path):
    for query in (b"king", 0, None):
        with pytest.raises(TypeError, match=r"a word \(str\) or a vector"):
            EMB.most_similar(query)
    EMB.save(tmp_path / "m.w2v")
    assert len(w2vfast.load(os.fsencode(tmp_path / "m.w2v"))) == 6


def test_numbers_of_numpy_are_parameters(tmp_path):
    """They were refused as no whole numbers; models hold Python's own."""
    (tmp_path / "c.txt").write_text("one two three four\n" * 20)
    params = {"dim": np.int64(4), "alpha": np.float32(0.05), "min_count": np.int32(1), "sample": 0}
    emb = w2vfast.train(tmp_path / "c.txt", epochs=1, threads=1, **params)
    assert emb.save(tmp_path / "m.w2v") > 0
    assert (emb.dim, type(emb.params["dim"]), type(emb.params["alpha"])) == (4, int, float)
    assert len(w2vfast.train(tmp_path / "c.txt", base=tmp_path / "m.w2v", threads=1, alpha=0.01)) == 4


def test_names_that_are_imported_late_are_listed():
    assert {"train", "Embeddings", "TrainConfig", "load", "objectives"} <= set(dir(w2vfast))
    assert SimpleNamespace(**{name: getattr(w2vfast, name) for name in w2vfast.__all__})


def test_opposite_words_are_results_too():
    """Rounding puts their cosine a little below -1."""
    vectors = np.random.default_rng(0).standard_normal((50, 7)).astype(np.float32)
    words = [f"{sign}{i}" for sign in ("a", "b") for i in range(50)]
    emb = Embeddings(Contents(np.concatenate([vectors, -vectors]), Vocab(words, np.arange(100, 0, -1))))
    for i in range(50):
        assert len(emb.most_similar(f"a{i}", k=99)) == 99
