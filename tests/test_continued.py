"""Training on with more text: nothing known is lost, new words are learned."""

import dataclasses
import gzip
import json

import numpy as np
import pytest
from conftest import QUESTIONS, SAMPLE, make_sample

import w2vfast
from w2vfast.errors import UsageError
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.training.config import TrainConfig
from w2vfast.training.continued import Base
from w2vfast.training.resources import matrix_bytes
from w2vfast.training.run import parameters_like
from w2vfast.vocab import Vocab


def parts():
    """The sample in two parts; the second one has no music, which the first has, and a new word for king."""
    lines = gzip.decompress(SAMPLE.read_bytes()).decode().splitlines()
    half = len(lines) // 2
    second = [
        line.replace("king", "monarque") for line in lines[half:] if "guitar" not in line and "song" not in line
    ]
    return "\n".join(lines[:half]) + "\n", "\n".join(second) + "\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model of the first part, and one that went on with the second."""
    folder = tmp_path_factory.mktemp("parts")
    for name, text in zip(("one.txt", "two.txt"), parts(), strict=True):
        (folder / name).write_text(text)
    one = w2vfast.train(folder / "one.txt", epochs=10, threads=2, model="sg")
    two = w2vfast.train(folder / "two.txt", base=one, threads=2)
    return folder, one, two


def test_words_that_do_not_occur_stay_as_they_are(trained):
    _, one, two = trained
    for word in ("guitar", "song", "king"):
        assert two[word].tobytes() == one[word].tobytes()
        i, j = two.vocab.index[word], one.vocab.index[word]
        assert two.context[i].tobytes() == one.context[j].tobytes()
        assert two.vocab.counts[i] == one.vocab.counts[j]
    assert set(one.vocab.words) < set(two.vocab.words)


def test_counts_are_those_of_both_texts(trained):
    folder, one, two = trained
    text = (folder / "two.txt").read_text().split()
    for word in ("bread", "the", "monarque"):
        before = one.vocab.counts[one.vocab.index[word]] if word in one else 0
        assert two.vocab.counts[two.vocab.index[word]] == before + text.count(word)
    assert (np.diff(two.vocab.counts) <= 0).all()
    assert two.params["epochs"] == 10  # as the model before
    assert two._contents.corpus["before"] == one._contents.corpus


def test_new_words_are_learned_and_old_ones_do_not_collapse(trained):
    _, one, two = trained
    assert "monarque" not in one
    assert {"queen", "crown", "palace", "kingdom", "throne", "royal"} & {
        w for w, _ in two.most_similar("monarque", k=5)
    }
    own = [{word for slot in slots for word in slot.words} for slots in make_sample.topic_slots()]
    for word in ("bread", "ship"):
        topic = next(words for words in own if word in words)
        assert sum(near in topic for near, _ in two.most_similar(word, k=10)) >= 8
    # the vectors of the sample's countries still answer
    others = [("italy", "rome"), ("egypt", "cairo"), ("cuba", "havana"), ("norway", "oslo"), ("peru", "lima")]
    right = sum(two.most_similar(["paris", b], ["france"], k=1)[0][0] == d for b, d in others)
    assert right >= 4
    lengths = [np.linalg.norm(model.vectors, axis=1) for model in (one, two)]
    assert 0.3 < np.median(lengths[1]) / np.median(lengths[0]) < 3


def test_models_that_cannot_be_trained_on(trained):
    folder, one, _ = trained
    bare = Embeddings(Contents(one.vectors, Vocab(one.vocab.words, one.vocab.counts)))
    with pytest.raises(UsageError, match="no output vectors"):
        w2vfast.train(folder / "two.txt", base=bare)
    with pytest.raises(UsageError, match="dim 50 cannot go on"):
        w2vfast.train(folder / "two.txt", base=one, dim=50)


def test_from_and_like_as_a_user(w2v, trained):
    folder, _, _ = trained
    one, two = folder / "one.txt", folder / "two.txt"
    options = ["--dim", "40", "--window", "3", "--epochs", "2", "--model", "cbow", "--threads", "1"]
    assert w2v("train", one, *options, "-q", "-o", "one.w2v").returncode == 0
    result = w2v("train", two, "--from", "one.w2v", "--threads", "1", "-o", "two.w2v")
    assert result.returncode == 0, result.stderr
    said = result.stderr.decode()
    assert "going on from one.w2v: " in said
    assert "the learning rate starts again at 0.15 and falls to 1.5e-05" in said
    assert "CBOW (sqrt), dim 40, window 3" in said
    params = Embeddings.load(w2v.folder / "two.w2v").params
    assert (params["window"], params["epochs"], params["model"]) == (3, 2, "cbow")
    assert w2v("similar", "monarque", "guitar", "-m", "two.w2v").returncode == 0
    like = w2v("train", two, "--like", "one.w2v", "--model", "sg", "--threads", "1", "-o", "like.w2v")
    assert b"skip-gram, dim 40, window 3" in like.stderr
    assert Embeddings.load(w2v.folder / "like.w2v").params["alpha"] == 0.05
    assert w2v("train", two, "--from", "one.w2v", "--dim", "8").returncode == 2
    assert w2v("train", two, "--from", "none.w2v").returncode == 2
    assert w2v("train", two, "--from", two).returncode == 3
    # the output may be the model that it goes on from: it is replaced when the run is done
    assert w2v("train", two, "--from", "one.w2v", "--threads", "1", "-o", "one.w2v").returncode == 0
    assert (w2v.folder / "one.w2v").read_bytes() == (w2v.folder / "two.w2v").read_bytes()


def test_words_that_the_model_has_not_are_not_frozen(w2v, corpus):
    """They kept the random numbers that they began with."""
    assert w2v("train", "corpus.txt", "--dim", "8", "--epochs", "2", "-q").returncode == 0
    (w2v.folder / "more.txt").write_text("one new two new three\n" * 50)
    (w2v.folder / "words").write_text("new\none\n")
    result = w2v("train", "more.txt", "--from", "model.w2v", "--freeze", "words", "-o", "on.w2v")
    assert b"vectors kept: 1 word (--freeze)" in result.stderr
    old, new = (w2vfast.load(w2v.folder / name) for name in ("model.w2v", "on.w2v"))
    assert (new["one"] == old["one"]).all()
    assert new.context[new.vocab.index["new"]].any()


def test_parameters_like_those_of_another_objective_or_of_saved_vectors():
    def model(columns, **params):
        return Embeddings(
            Contents(np.ones((2, columns), np.float32), Vocab(["a", "b"], np.array([2, 1])), None, params)
        )

    like = parameters_like(model(4, dim=4, loss="ns", alpha=0.05, min_alpha=5e-6), {"loss": "hs"})
    assert TrainConfig(**like).resolved().alpha == 0.025
    assert parameters_like(model(8, dim=4, vectors="concat"), {})["dim"] == 4  # both matrices side by side
    assert parameters_like(model(8, alpha=0.1), {})["dim"] == 8


def test_models_of_an_encoded_corpus_tell_how_it_was_read(w2v):
    (w2v.folder / "c.txt").write_text("The cat sat. The CAT ran.\n" * 40 + "rare words here\n" * 5)
    options = ("--lowercase", "--tokenizer", "words", "--min-count", "9")
    assert w2v("encode", "c.txt", "-o", "c.w2vc", *options).returncode == 0
    result = w2v("train", "c.w2vc", "--dim", "8", "--epochs", "1", "--sample", "0")
    assert b"(min-count 9)" in result.stderr
    params = w2vfast.load(w2v.folder / "model.w2v").params
    assert [params[name] for name in ("lowercase", "tokenizer", "min_count")] == [True, "words", 9]
    (w2v.folder / "more.txt").write_text("THE cat, the dog.\n" * 40)
    assert w2v("train", "more.txt", "--from", "model.w2v", "-o", "on.w2v").returncode == 0
    assert sorted(w2vfast.load(w2v.folder / "on.w2v").vocab.words) == ["cat", "dog", "ran", "sat", "the"]
    assert w2v("encode", "c.txt", "-o", "cased.w2vc").returncode == 0
    result = w2v("train", "cased.w2vc", "--from", "model.w2v", "-o", "on.w2v")
    assert b"warning: the corpus was encoded with lowercase False, that of model.w2v with True" in result.stderr


@pytest.mark.parametrize("options", [["--vectors", "concat"], ["--from", "old.w2v"]])
def test_the_scores_of_an_epoch_are_those_of_the_model_that_is_saved(w2v, options):
    first, second = parts()
    (w2v.folder / "one.txt").write_text(first)
    (w2v.folder / "two.txt").write_text(second)
    assert w2v("train", "one.txt", "--epochs", "2", "--dim", "20", "-q", "-o", "old.w2v").returncode == 0
    options = [*options, "--epochs", "1", "--eval", QUESTIONS]
    told = w2v("train", "two.txt", *options).stderr.decode()
    rows = w2v("evaluate", QUESTIONS, "-m", "model.w2v", "--json").stdout.decode().splitlines()
    (total,) = (row for row in map(json.loads, rows) if row["section"] == "total")
    assert f"epoch 1: sample-questions {total['score']:.1f}\n" in told


def test_memory_for_what_is_made_at_the_end_is_counted(trained):
    _, one, _ = trained
    config = TrainConfig(dim=104, threads=1).resolved()
    plain = matrix_bytes(config, 10**6, 1000)
    assert matrix_bytes(config, 10**6, 1000, 1500) == plain + 1500 * 104 * 8
    concat = dataclasses.replace(config, vectors="concat")
    assert matrix_bytes(concat, 10**6, 1000) == plain + 1000 * 104 * 8
    assert Base(one, "one").count_absent(Vocab(["the", "nowhere"], np.array([1, 1]))) == len(one) - 1
