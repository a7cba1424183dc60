"""Questions to vectors: against plain NumPy, and through the commands."""

import gc
import json
import os
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2vfast.errors import DataError, FormatError, UsageError
from w2vfast.model import native, query, tensors, vectors
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.expression import format_expression, parse_expression
from w2vfast.model.native import NativeFile
from w2vfast.model.packed import write_model
from w2vfast.model.tensors import combine_crc
from w2vfast.vocab import Vocab


def random_model(n_words=700, dim=9, seed=0, *, with_context=True):
    """A model with words w0, w1 ... and a zero vector."""
    rng = np.random.default_rng(seed)
    rows, context = rng.normal(size=(2, n_words, dim)).astype(np.float32)
    rows[5] = 0
    words = [f"w{i}" for i in range(n_words)]
    return Contents(rows, Vocab(words, np.zeros(n_words, np.int64)), context if with_context else None)


MODEL = Embeddings(random_model())
UNITS = MODEL.vectors / np.maximum(np.linalg.norm(MODEL.vectors, axis=1), 1e-9)[:, None]


def by_hand(scores, k, hidden=()):
    """The best words of some scores, by sorting them all."""
    order = [i for i in np.argsort(-scores, kind="stable") if i not in hidden][:k]
    return [f"w{i}" for i in order], scores[order]


def check(answer, expected):
    """Words and scores."""
    assert [word for word, _ in answer] == expected[0]
    assert [score for _, score in answer] == pytest.approx(expected[1], abs=1e-5)


@pytest.mark.parametrize("k", [1, 10, 300, 699, 2000])
def test_neighbours_are_those_of_plain_sorting(k):
    ids = [0, 5, 699, 256]
    for i, answer in zip(ids, MODEL.neighbours([f"w{i}" for i in ids], k=k), strict=True):
        if i != 5:
            check(answer, by_hand(UNITS @ UNITS[i], k, {i}))
    assert {score for _, score in MODEL.neighbours(["w5"], k=3)[0]} == {0.0}


@given(st.integers(1, 2000), st.integers(1, 40), st.sampled_from([1, 3, 1000]), st.integers(0, 5))
def test_the_best_scores_are_found_whatever_their_ties(n_columns, k, n_values, seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, n_values, (3, n_columns)).astype(np.float32)
    scores[0, ::2] = -np.inf
    for row, found in zip(scores, query.best(scores, k), strict=True):
        order = [i for i in np.argsort(-row, kind="stable") if row[i] > -np.inf][:k]
        assert found == [(i, row[i]) for i in order]


def test_results_can_be_restricted():
    some = ["w3", "w9", "w600", "unknown"]
    check(MODEL.most_similar("w1", among=some), by_hand_among(["w3", "w9", "w600"]))
    first = [word for word, _ in MODEL.most_similar("w1", k=3)]
    assert MODEL.most_similar("w1", k=1, exclude=[*first[:2], "unknown"])[0][0] == first[2]
    n_near = (UNITS @ UNITS[1] >= 0.5).sum() - 1
    assert 0 < len(MODEL.most_similar("w1", k=700, min_score=0.5)) == n_near < 600


def by_hand_among(words):
    """Neighbours of w1 among some words."""
    scores = {word: float(UNITS[int(word[1:])] @ UNITS[1]) for word in words}
    order = sorted(words, key=lambda word: -scores[word])
    return order, [scores[word] for word in order]


def test_analogies_are_3cosadd_and_3cosmul():
    a, b, c = 3, 7, 11
    add, mul = (MODEL.analogy([("w3", "w7", "w11")], k=5, method=m)[0] for m in ("add", "mul"))
    total = UNITS[b] - UNITS[a] + UNITS[c]
    check(add, by_hand(UNITS @ total / np.linalg.norm(total), 5, {a, b, c}))
    near = [(1 + UNITS @ UNITS[i]) / 2 for i in (a, b, c)]
    check(mul, by_hand(near[1] * near[2] / (near[0] + 0.001), 5, {a, b, c}))


def test_predictions_are_a_softmax_over_the_output_vectors():
    scores = MODEL.context @ (MODEL.vectors[3] + MODEL.vectors[4]) / 2
    probabilities = np.exp(scores) / np.exp(scores).sum()
    check(MODEL.predict(["w3", "w4"], k=7), by_hand(probabilities, 7))
    assert sum(score for _, score in MODEL.predict(["w3"], k=700)) == pytest.approx(1)
    with pytest.raises(UsageError, match="no output vectors"):
        Embeddings(random_model(with_context=False)).predict(["w3"])
    with pytest.raises(UsageError, match="at least one"):
        MODEL.predict([])


def test_pairs_ranks_and_the_odd_one():
    assert MODEL.similarity([("w1", "w2"), ("w3", "w5")]) == pytest.approx([UNITS[1] @ UNITS[2], 0])
    assert MODEL.similarity([]).shape == (0,)
    nearest = [word for word, _ in MODEL.most_similar("w1", k=3)]
    assert MODEL.rank("w1", [*nearest, "w1"]) == [1, 2, 3, 0]
    square = Embeddings(
        Contents(
            np.array([[1, 0.1], [1, 0], [0, 1], [1, 0.2]], np.float32), Vocab(list("abcd"), np.zeros(4, np.int64))
        )
    )
    assert square.odd_one_out(list("abcd"))[0][0] == "c"
    with pytest.raises(UsageError, match="three"):
        square.odd_one_out(["a", "b"])


@pytest.mark.parametrize(
    ("text", "terms", "again"),
    [
        ("king", [(1, "king")], "king"),
        (" king - man + woman ", [(1, "king"), (-1, "man"), (1, "woman")], "king - man + woman"),
        ("2 * king + .5 * a-b", [(2, "king"), (0.5, "a-b")], "2 * king + 0.5 * a-b"),
        ("- king 42", [(-1, "king"), (1, "42")], "- king + 42"),
        ("3 - 2 * 2", [(1, "3"), (-2, "2")], "3 - 2 * 2"),
    ],
)
def test_sums_are_read_and_written(text, terms, again):
    assert parse_expression(text) == terms
    assert format_expression(terms) == again
    assert parse_expression(again) == terms


@pytest.mark.parametrize("text", ["", "king -", "king + - man", "+", "2 *"])
def test_incomplete_sums_are_refused(text):
    with pytest.raises(UsageError, match="missing"):
        parse_expression(text)


def test_norms_of_tiny_huge_and_odd_rows():
    rows = np.array([[3, 4], [0, 0], [3e-30, 4e-30], [3e30, 4e30], [np.nan, 1], [3e38, 3e38]], np.float32)
    assert query.row_norms(rows) == pytest.approx([5, 1, 5e-30, 5e30, 1, np.finfo(np.float32).max], rel=1e-6)


@given(st.binary(max_size=50), st.binary(max_size=5000))
def test_checksums_of_parts_are_combined(first, second):
    assert combine_crc(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A model file that counts as large, read in small blocks by several threads."""
    monkeypatch.setattr(vectors, "_SMALL_BYTES", 0)
    monkeypatch.setattr(tensors, "_LARGE_BYTES", 0)
    monkeypatch.setattr(tensors, "_BLOCK_BYTES", 100)
    monkeypatch.setattr(tensors, "count_cpus", lambda: 3)
    path = tmp_path / "m.w2v"
    write_model(path, random_model())
    return path


def test_a_large_file_is_asked_without_being_loaded(stored):
    for question in (
        lambda model: model.neighbours(["w3", "w5", "w99"]),
        lambda model: model.analogy([("w3", "w7", "w11")], method="mul"),
        lambda model: model.rank("w1", ["w2"]),
        lambda model: model.similarity([("w1", "w2")]).tolist(),
        lambda model: model.odd_one_out(["w1", "w2", "w3"]),
    ):
        opened = Embeddings.open(stored)
        assert rounded(question(opened)) == rounded(question(MODEL))
        assert opened.dim == 9
        assert not opened._contents.is_loaded
    opened.neighbours(["w1"])
    opened.neighbours(["w2"])
    assert opened._contents.is_loaded
    assert opened["w1"].tolist() == MODEL["w1"].tolist()
    assert opened.context.tobytes() == MODEL.context.tobytes()


def rounded(value):
    """The same nested lists with rounded numbers."""
    return json.loads(json.dumps(value), parse_float=lambda text: round(float(text), 5))


def test_damage_is_noticed_before_an_answer(stored):
    """M10, M12: also when the file is cut under an open model."""
    opened = Embeddings.open(stored)
    data = bytearray(stored.read_bytes())
    with open(stored, "rb+") as file:
        file.seek(data.rindex(MODEL.vectors[650].tobytes()) + 2)
        file.write(b"\xff")
    for question in (lambda m: m.neighbours(["w1"]), lambda m: m.similarity([("w1", "w2")]), lambda m: m.vectors):
        with pytest.raises(FormatError, match="checksum"):
            question(Embeddings.open(stored))
    with open(stored, "rb+") as file:
        file.truncate(len(data) - 3000)
    with pytest.raises(FormatError, match="shorter"):
        opened.neighbours(["w1"])


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="nothing lists open files")
def test_opened_models_are_closed_with_their_last_reference(stored):
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        assert "w1" in Embeddings.open(stored)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_replaced_file_is_read_as_it_was(stored):
    """M12."""
    opened = Embeddings.open(stored)
    Embeddings(random_model(seed=9)).save(stored)
    assert opened.vectors.tobytes() == MODEL.vectors.tobytes()


def test_a_file_replaced_while_it_is_opened_is_read_whole(stored, monkeypatch):
    real = tensors.safe_open

    def replacing(*args, **kwargs):
        monkeypatch.setattr(tensors, "safe_open", real)
        Embeddings(random_model(300, seed=9)).save(stored)
        return real(*args, **kwargs)

    monkeypatch.setattr(tensors, "safe_open", replacing)
    with NativeFile(stored) as file:
        assert file.vectors.tobytes() == random_model(300, seed=9).vectors.tobytes()


words_strategy = st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=30)


@given(words_strategy)
def test_twins_are_found_and_words_are_found_in_their_bytes(words):
    words = [word.encode("utf-8", "replace").decode() for word in words]
    offsets = np.cumsum([0] + [len(word.encode()) for word in words])
    data = np.frombuffer("".join(words).encode(), np.uint8)
    if len(set(words)) < len(words):
        with pytest.raises(ValueError, match="twice"):
            Vocab.unpacked(offsets, data, np.zeros(len(words), np.int64))
        return
    vocab = Vocab.unpacked(offsets, data, np.zeros(len(words), np.int64))
    assert vocab.find([*words, "no such word"]) == [*range(len(words)), None]
    assert [vocab[i] for i in range(len(words))] == words == list(vocab.words)
    assert vocab[-1] == words[-1]
    assert vocab.starting_with(words[0], 99) == [word for word in words if word.startswith(words[0])]


def test_native_is_told_from_other_files(stored, tmp_path):
    assert native.is_native(stored)
    (tmp_path / "t").write_text("2 2\na 1 2\n")
    assert not native.is_native(tmp_path / "t")


# ---- commands


def rows(result):
    """Standard output as lines of fields; the command must have been happy."""
    assert result.returncode == 0, result.stderr.decode()
    return [line.split("\t") for line in result.stdout.decode().splitlines()]


@pytest.fixture
def ask(w2v, sample_model):
    """Ask the sample's model: ask("similar", "king", stdin=b"...")."""
    return lambda command, *args, **kw: w2v(command, *args, *([] if "-m" in args else ["-m", sample_model]), **kw)


def test_similar_of_sums_means_and_vectors(ask, w2v):
    assert rows(ask("similar", "paris", "--minus", "france", "--plus", "japan", "-k", "1"))[0][:2] == [
        "paris + japan - france", "tokyo",
    ]  # fmt: skip
    expr = rows(ask("expr", "paris - france + japan", "-k", "1"))
    assert expr[0][1:] == rows(ask("analogy", "france", "paris", "japan", "-k", "1"))[0][1:]
    assert rows(ask("expr", "-k", "1", stdin=b"paris - france + japan\n2 * king\n"))[0][:2] == expr[0][:2]
    mean = rows(ask("similar", "king", "queen", "--mean", "-k", "2"))
    assert [row[0] for row in mean] == ["king queen"] * 2
    result = ask("similar", "--mean", "-k", "2", stdin=b"king queen\nkng\nkng king\n")
    assert result.returncode == 1
    assert [line.split("\t")[0] for line in result.stdout.decode().splitlines()] == ["king queen"] * 2 + [
        "kng king"
    ] * 2
    printed = ask("vector", "king", "queen").stdout
    again = rows(
        ask("similar", "--vector", "-", "-k", "2", stdin=printed + printed.split(b"\n")[0].split(b" ", 1)[1])
    )
    assert [(row[0], row[1]) for row in again[::2]] == [("king", "king"), ("queen", "queen"), ("3", "king")]
    (w2v.folder / "v.txt").write_bytes(printed)
    assert rows(ask("similar", "--vector", "v.txt", "-k", "2")) == again[:4]
    some = ask("similar", "--vector", "-", "-k", "2", stdin=printed + b"\n1 2 3\n" + printed)
    assert (some.returncode, b"line 4 of the vectors has not 100 numbers" in some.stderr) == (3, True)
    assert [line.split("\t") for line in some.stdout.decode().splitlines()] == again[:4]  # what stands before
    for bad in (
        b"1 2 3\n",
        b"0.5 " * 300,
        b"king " + b"x " * 100,
        printed.replace(b"king", b"nan nan").replace(b" -0", b" nan"),
    ):
        assert ask("similar", "--vector", "-", stdin=bad).returncode == DataError.exit_code


def test_similar_of_the_whole_vocabulary_and_restricted(ask, w2v, sample_model):
    every = rows(ask("similar", "--all", "-k", "1"))
    assert [row[0] for row in every] == list(Embeddings.load(sample_model).vocab.words)
    (w2v.folder / "list").write_text("queen\nprince\nnosuchword\n")
    result = ask("similar", "king", "--among", "list")
    assert sorted(row[1] for row in rows(result)) == ["prince", "queen"]
    assert b"1 word of list not" in result.stderr
    (w2v.folder / "none").write_text("nosuchword\n")
    assert ask("similar", "king", "--among", "none").returncode == 2
    best = [row[1] for row in rows(ask("similar", "king", "-k", "3"))]
    (w2v.folder / "out").write_text(best[1])
    found = rows(ask("similar", "king", "-k", "1", "--exclude", best[0], "--exclude-from", "out"))
    assert found[0][1] == best[2]
    assert len(rows(ask("similar", "king", "-k", "99", "--min-score", "0.7"))) < 10


def test_analogies_in_batches(ask):
    result = ask("analogy", "-k", "1", stdin=b"france paris japan\nfrance\tparis\tkenya\nfrance nosuch peru\n")
    assert result.returncode == 1
    lines = result.stdout.decode().splitlines()
    assert [line.split("\t")[:2] for line in lines] == [
        ["france paris japan", "tokyo"],
        ["france paris kenya", "nairobi"],
    ]
    mul = json.loads(ask("analogy", "france", "paris", "japan", "--method", "mul", "--json").stdout)
    assert (mul["query"], mul["results"][0]["word"]) == ("france paris japan", "tokyo")
    assert ask("analogy", "france", "paris").returncode == 2


def test_odd_distance_rank_predict(ask):
    assert rows(ask("odd", "bread", "cheese", "soup", "harbor"))[0][1] == "harbor"
    assert [row[1] for row in rows(ask("odd", stdin=b"bread cheese soup harbor\nship sail guitar mast\n"))] == [
        "harbor",
        "guitar",
    ]
    pairs = rows(ask("distance", "king", "queen", "guitar"))
    assert [row[:2] for row in pairs] == [["king", "queen"], ["king", "guitar"], ["queen", "guitar"]]
    assert float(pairs[0][2]) > float(pairs[1][2])
    assert rows(ask("distance", "-", stdin=b"king\tqueen\n"))[0] == pairs[0]
    assert json.loads(ask("distance", "king", "queen", "--json").stdout).keys() == {"a", "b", "cosine"}
    nearest = rows(ask("similar", "king", "-k", "2"))
    assert rows(ask("rank", "king", nearest[1][1], nearest[0][1])) == [
        ["king", nearest[1][1], "2"],
        ["king", nearest[0][1], "1"],
    ]
    likely = rows(ask("predict", "king", "the", "-k", "5"))
    assert len(likely) == 5
    assert 0 < float(likely[0][2]) < 1
    for command in ("distance", "rank"):
        assert ask(command, "king").returncode == 2
        assert ask(command, "king", "kng").returncode == 1


def test_vectors_are_printed_exactly(ask, sample_model):
    model = Embeddings.load(sample_model)
    line = ask("vector", "king").stdout.decode().split()
    assert line[0] == "king"
    assert np.array(line[1:]).astype(np.float32).tobytes() == model["king"].tobytes()
    mean = json.loads(ask("vector", "--mean", "--json", "king", "queen").stdout)
    assert mean["query"] == "king queen"
    assert mean["vector"] == pytest.approx(((model["king"] + model["queen"]) / 2).tolist())


def test_unknown_words_by_policy(ask):
    told, skipped, failed = (
        ask("similar", "kng", "king", "-k", "1", "--oov", policy) for policy in ("tell", "skip", "fail")
    )
    assert [r.returncode for r in (told, skipped, failed)] == [1, 0, 1]
    assert told.stdout == skipped.stdout != failed.stdout == b""
    assert b"close: king" in told.stderr
    assert skipped.stderr == b"words not in the vocabulary: 1\n"
    assert ask("similar", "kng", "--skip-missing", "-q").stderr == b""


def test_options_that_exclude_each_other(ask):
    for args in (
        ["--all", "--mean"],
        ["king", "--all"],
        ["king", "--vector", "-"],
        ["-i"],
        ["--plus", "king", "--all"],
    ):
        assert ask("similar", *args).returncode == 2


def test_headers_name_the_columns(ask):
    assert rows(ask("distance", "king", "queen", "--header"))[0] == ["a", "b", "cosine"]
    assert rows(ask("predict", "king", "--header"))[0] == ["query", "word", "probability"]


def test_words_are_completed_from_the_model(w2v, sample_model):
    env = {
        "_W2VFAST_COMPLETE": "bash_complete",
        "COMP_WORDS": f"w2vfast similar -m {sample_model} quee",
        "COMP_CWORD": "4",
    }
    assert "plain,queen" in w2v(env=env).stdout.decode().split()
    env = {"_W2VFAST_COMPLETE": "bash_complete", "COMP_WORDS": "w2vfast similar quee", "COMP_CWORD": "2"}
    assert w2v(env=env).stdout.strip() == b""
    env["W2VFAST_MODEL"] = str(sample_model)
    assert "plain,queen" in w2v(env=env).stdout.decode().split()
    for shell in ("bash", "zsh", "fish"):
        assert b"_W2VFAST_COMPLETE" in w2v(env={"_W2VFAST_COMPLETE": f"{shell}_source"}).stdout
