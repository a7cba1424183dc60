"""Queries on vectors, and finding the model that is meant."""

import dataclasses

import numpy as np
import pytest

import w2vfast
from w2vfast.errors import UsageError
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.locate import find_model, read_last, write_last
from w2vfast.vocab import Vocab


def embeddings(rows):
    """A model with words a, b, c ..."""
    words = [chr(97 + i) for i in range(len(rows))]
    return Embeddings(Contents(np.array(rows, np.float32), Vocab(words, np.zeros(len(rows), np.int64))))


SQUARE = embeddings([[1, 0], [2, 0.2], [0, 3], [-1, 0], [0, 0]])


def test_neighbours_come_by_cosine_without_the_word_itself():
    result = SQUARE.most_similar("a", k=10)
    assert [word for word, _ in result] == ["b", "c", "e", "d"]
    assert result[0][1] == pytest.approx(2 / np.hypot(2, 0.2))
    assert result[2][1] == 0.0  # a zero vector is similar to nothing, and not NaN
    assert result[3][1] == pytest.approx(-1)


def test_neighbours_of_several_words_are_those_of_each():
    model = embeddings(np.random.default_rng(0).normal(size=(26, 7)))
    words = list("azkm")
    together = model.neighbours(words, k=5)
    for word, results in zip(words, together, strict=True):
        alone = model.most_similar(word, k=5)
        assert [w for w, _ in results] == [w for w, _ in alone]
        assert [s for _, s in results] == pytest.approx([s for _, s in alone])
        by_hand = model.vectors @ model[word] / np.linalg.norm(model.vectors, axis=1) / np.linalg.norm(model[word])
        order = [i for i in np.argsort(-by_hand) if model.vocab.words[i] != word][:5]
        assert [w for w, _ in results] == [model.vocab.words[i] for i in order]


def test_arithmetic_and_vectors_as_queries():
    model = embeddings([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1]])
    assert model.most_similar(["b", "c"], ["a"], k=1)[0][0] == "d"
    assert model.most_similar(np.array([0, 1, 1.0]), k=1)[0] == ("d", pytest.approx(1.0))


def test_wrong_queries_are_errors():
    with pytest.raises(KeyError, match="'zz' is not in the vocabulary"):
        SQUARE.most_similar("zz")
    for query, k in ((np.zeros(3), 10), ([], 10), ("a", 0)):
        with pytest.raises(UsageError):
            SQUARE.most_similar(query, k=k)


def test_more_neighbours_than_words_are_all_words():
    assert len(SQUARE.most_similar("a", k=100)) == 4
    assert embeddings([[1.0]]).most_similar("a") == []


def test_mapping_interface(tmp_path):
    assert "a" in SQUARE
    assert "zz" not in SQUARE
    assert len(SQUARE) == 5
    assert list(SQUARE) == list("abcde")
    assert SQUARE["c"].tolist() == [0, 3]
    n_bytes = SQUARE.save(tmp_path / "m.w2v")
    assert n_bytes == (tmp_path / "m.w2v").stat().st_size
    assert w2vfast.load(tmp_path / "m.w2v")["c"].tolist() == [0, 3]
    with pytest.raises(UsageError, match="No such file"):
        w2vfast.load(tmp_path / "none")


def test_suggestions_try_other_letter_cases_first():
    vocab = Vocab(["Paris", "paris", "king", "kong", "USA"], np.zeros(5, np.int64))
    assert vocab.close_to("PARIS")[:2] == ["paris", "Paris"]
    assert vocab.close_to("usa")[0] == "USA"
    assert set(vocab.close_to("kng")) == {"king", "kong"}
    assert vocab.close_to("zzzzzz") == []


def test_the_model_is_looked_up_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"tried -m FILE, \$W2VFAST_MODEL, \./model\.w2v, .*none"):
        find_model(None)
    last = tmp_path / "elsewhere.w2v"
    SQUARE.save(last)
    write_last(last)
    assert find_model(None).path == read_last() == last
    SQUARE.save("model.w2v")
    assert find_model(None).path.resolve() == tmp_path / "model.w2v"
    with pytest.raises(UsageError, match="an empty file name"):
        find_model("")
    assert find_model(str(last)).named
    with pytest.raises(UsageError, match=r"missing\.w2v does not exist"):
        find_model("missing.w2v")
    (tmp_path / "model.w2v").unlink()
    last.unlink()
    with pytest.raises(UsageError, match="which is gone"):
        find_model(None)


def test_the_last_model_can_be_switched_off(tmp_path, monkeypatch):
    SQUARE.save(tmp_path / "m.w2v")
    write_last(tmp_path / "m.w2v")
    assert read_last()
    monkeypatch.setenv("W2VFAST_NO_LAST", "1")
    assert read_last() is None


@pytest.mark.filterwarnings("error")
def test_vectors_at_the_ends_of_float32_have_right_cosines(tmp_path, monkeypatch):
    """Lengths beyond float32 were cut to its range, and similarities wrong without a word."""
    model = embeddings([[3e38, 3e38], [3e38, 0], [1e-45, 1e-45], [1, 0], [0, 0], [2e-30, 0]])
    pairs = [("a", "b"), ("a", "c"), ("c", "c"), ("a", "a"), ("c", "d"), ("f", "b"), ("a", "e")]
    right = [0.5**0.5, 1, 1, 1, 0.5**0.5, 1, 0]
    assert model.similarity(pairs).tolist() == pytest.approx(right)
    scores = [dict(model.most_similar(one))[other] for one, other in pairs if one != other]
    assert scores == pytest.approx([score for score, (a, b) in zip(right, pairs, strict=True) if a != b])
    model.save(tmp_path / "m.w2v")
    monkeypatch.setattr("w2vfast.model.vectors._SMALL_BYTES", 0)  # the file is gone over
    assert Embeddings.open(tmp_path / "m.w2v").most_similar("a") == model.most_similar("a")


def test_vectors_cannot_be_changed_behind_the_lengths():
    """Answers after a change came from the old lengths, wrong without a word."""
    model = embeddings([[1, 0], [1, 1], [0, 1]])
    model.most_similar("a")
    with pytest.raises(ValueError, match="read-only"):
        model.vectors[0] = 5
    with pytest.raises(ValueError, match="read-only"):
        model["a"][:] = 5
    changed = model.vectors.copy()
    changed[0] = 0, 5
    other = Embeddings(dataclasses.replace(model.contents, vectors=changed))
    assert other.most_similar("a", k=1) == [("c", pytest.approx(1))]
