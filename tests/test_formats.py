"""Formats of records and folders, the choice of words, float16, the real libraries, ``convert`` and ``info``."""

import contextlib
import gzip
import json
import os
import resource
import sqlite3
import subprocess

import numpy as np
import pytest
from conftest import COMMAND
from hypothesis import given
from hypothesis import strategies as st
from test_foreign import WORDS, check_same, numbers, some, words_strategy, write_vectors

from w2vfast.errors import DataError, FormatError, UsageError
from w2vfast.model import native
from w2vfast.model.card import model_card
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.formats import stream as streams
from w2vfast.model.formats.registry import FOLDERS, open_vectors, read_vectors
from w2vfast.model.formats.stream import collect
from w2vfast.system import staging
from w2vfast.system.staging import Staging
from w2vfast.vocab import Vocab


def counted(words=WORDS, dim=3):
    """Random vectors for words that have counts."""
    plain = some(words, dim)
    return Contents(plain.vectors, Vocab(list(words), np.arange(len(words), 0, -1, dtype=np.int64)))


@pytest.mark.parametrize("form", FOLDERS)
@given(words=words_strategy, dim=st.sampled_from([1, 2, 17]), data=st.data())
def test_folders_come_back_bit_for_bit(tmp_path_factory, form, words, dim, data):
    row = st.lists(numbers, min_size=dim, max_size=dim)
    vectors = np.array([data.draw(row) for _ in words], np.float32)
    folder = tmp_path_factory.mktemp("round") / "folder"
    folder.mkdir()
    write_vectors(folder, Contents(vectors, Vocab(words, np.zeros(len(words), np.int64))), form)
    assert set(os.listdir(folder)) == set(FOLDERS[form])
    check_same(read_vectors(folder), Contents(vectors, Vocab(words, np.zeros(len(words)))))


@pytest.mark.parametrize("form", ["jsonl", "sqlite", "tensorboard", "w2v"])
def test_counts_come_back_from_formats_that_have_them(tmp_path, form):
    (tmp_path / "x").mkdir()
    path = tmp_path / "x" / "y"
    if form in FOLDERS:
        path.mkdir()
    write_vectors(path, counted(), form)
    assert read_vectors(path).vocab.counts.tolist() == list(range(9, 0, -1))


@pytest.mark.parametrize("form", ["txt", "glove", "jsonl", "npy", "tensorboard", "hf"])
def test_float16_is_rounded_once_and_comes_back(tmp_path, form):
    path = tmp_path / "x" / "y"
    path.parent.mkdir()
    if form in FOLDERS:
        path.mkdir()
    write_vectors(path, some(dim=17), form, dtype=np.float16)
    assert np.array_equal(read_vectors(path).vectors.astype(np.float16), some(dim=17).vectors.astype(np.float16))
    large = Contents(np.full((9, 2), 7e4, np.float32), some().vocab)
    with pytest.raises(DataError, match="float16"):
        write_vectors(path, large, form, dtype=np.float16)


@pytest.mark.parametrize("form", ["txt", "jsonl", "sqlite", "w2v", "npy", "tensorboard", "hf"])
def test_many_rows_cross_blocks(tmp_path, monkeypatch, form):
    monkeypatch.setattr(streams, "_BLOCK_VALUES", 35)
    (tmp_path / "x").mkdir()
    path, contents = tmp_path / "x" / "y", counted([f"w{i}" for i in range(100)], 5)
    if form in FOLDERS:
        path.mkdir()
    write_vectors(path, contents, form)
    check_same(read_vectors(path), contents)


def test_a_model_keeps_its_output_vectors(tmp_path):
    plain = counted()
    contents = Contents(plain.vectors, plain.vocab, plain.vectors + 1, {"dim": 3}, {"tokens": 5}, "someone")
    write_vectors(tmp_path / "m", contents, "w2v")
    with open_vectors(tmp_path / "m") as stream:
        found = collect(stream)
    assert found.context.tobytes() == contents.context.tobytes()
    assert (found.params, found.corpus, found.generator) == ({"dim": 3}, {"tokens": 5}, "someone")


def npy(shape, dtype="<f4", rest=b"", version=b"\1\0", order="False"):
    """The bytes of a .npy file with any header."""
    header = f"{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY" + version + len(header).to_bytes(2 if version == b"\1\0" else 4, "little") + header + rest


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x93NUMPY", npy("(3, 2)"), npy("(1000000000, 8)"), npy("(0, 2)"), npy("(3,)", rest=bytes(12)),
        npy("(2, 2)", rest=bytes(16)), npy("(3, 2)", rest=bytes(25)), npy("(3, 2)", rest=bytes(23)),
        npy("(3, 2)", "|O", bytes(24)), npy("(3, 2)", "<i4", bytes(24)), npy("__import__('os')"),
        npy("(3, 2)", order="True", rest=bytes(24)), npy("(3, 2)", rest=b"\xff" * 24),
        npy("(3, 2)", rest=bytes(24)).replace(b"NUMPY", b"NUMPX"),
    ],
)  # fmt: skip
def test_hostile_numpy_files_are_refused(tmp_path, content):
    """M13."""
    (tmp_path / "words.txt").write_text("a\nb\nc\n")
    (tmp_path / "vectors.npy").write_bytes(content)
    with pytest.raises(FormatError):
        read_vectors(tmp_path)


@pytest.mark.parametrize("version", [b"\1\0", b"\2\0"])
@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
def test_numpy_files_of_other_programs_are_read(tmp_path, version, dtype):
    rows = np.arange(6).reshape(3, 2).astype(dtype)
    (tmp_path / "words.txt").write_bytes(b"a\r\nb\r\nc")
    (tmp_path / "vectors.npy").write_bytes(npy("(3, 2)", dtype, rows.tobytes(), version))
    assert read_vectors(tmp_path).vectors.tolist() == rows.tolist()
    assert read_vectors(tmp_path / "vectors.npy").vocab.words == ["a", "b", "c"]
    np.save(tmp_path / "vectors.npy", rows)
    assert read_vectors(tmp_path).vectors.tolist() == rows.tolist()
    (tmp_path / "words.txt").write_text("a\nb\n")
    with pytest.raises(FormatError, match="3 vectors and 2 words"):
        read_vectors(tmp_path)
    (tmp_path / "words.txt").unlink()
    with pytest.raises(FormatError, match="no known format"):
        read_vectors(tmp_path)
    with pytest.raises(FormatError, match="without words"):
        read_vectors(tmp_path / "vectors.npy")


@pytest.mark.parametrize(
    "line",
    [
        b"{", b"{}", b"[1]", b'{"word": "a"}', b'{"word": "a", "vector": []}', b'{"word": 1, "vector": [1]}',
        b'{"word": "a", "vector": ["1"]}', b'{"word": "a", "vector": [true]}', b'{"word": "a", "vector": [NaN]}',
        b'{"word": "a", "vector": [1e999]}', b'{"word": "a", "vector": [1e39]}', b'{"word": "", "vector": [1]}',
        b'{"word": "a", "vector": [1], "count": -1}', b'{"word": "a", "vector": [1], "count": 1e400}',
        b'{"word": "a", "vector": [1], "count": ' + b"9" * 5000 + b"}", b'{"word": "a", "vector": {"x": 1}}',
        b'{"a":' * 100_000, b'{"word": "a", "vector": [1]}\n{"word": "b", "vector": [1, 2]}',
        b'{"word": "a", "vector": [1]}\nx', b'{"word": "a", "vector": "1"}', b'{"word": "a", "vector": null}',
    ],
)  # fmt: skip
def test_json_lines_that_are_no_good_are_refused(tmp_path, line):
    (tmp_path / "v").write_bytes(line)
    with pytest.raises(FormatError):
        read_vectors(tmp_path / "v")


def test_json_lines_of_others_are_read(tmp_path):
    (tmp_path / "v").write_text(
        '{"word": "a\\u00e9", "vector": [1, 2.5]}\n\n{"vector": [3, 4], "word": "b", "x": []}'
    )
    found = read_vectors(tmp_path / "v")
    assert found.vocab.words == ["aé", "b"]
    assert found.vectors.tolist() == [[1, 2.5], [3, 4]]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE other (x)",
        "CREATE TABLE vectors (id, word, count, vector)",
        "CREATE TABLE vectors (id, word, vector); INSERT INTO vectors VALUES (0, 'a', x'00000000')",
        "CREATE TABLE vectors (id, word, count, vector); INSERT INTO vectors VALUES (0, 'a', 1, 'text')",
        "CREATE TABLE vectors (id, word, count, vector); INSERT INTO vectors VALUES (0, 'a', 1, x'000000')",
        "CREATE TABLE vectors (id, word, count, vector); INSERT INTO vectors VALUES (0, 'a', 1, x'0000c07f')",
        "CREATE TABLE vectors (id, word, count, vector); INSERT INTO vectors VALUES (0, NULL, 1, x'00000000')",
        "CREATE TABLE vectors (id, word, count, vector); INSERT INTO vectors VALUES (0, 'a', 'x', x'00000000')",
        "CREATE TABLE vectors (id, word, count, vector);"
        "INSERT INTO vectors VALUES (0, 'a', 1, x'00000000'), (1, 'b', 1, x'0000000000000000')",
        "CREATE VIEW vectors AS WITH RECURSIVE r(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM r)"
        "SELECT id, 'w' || id AS word, 1 AS count, x'00000000' AS vector FROM r",
        "CREATE TABLE vectors (id, word, count, vector AS (zeroblob(900000000)));"
        "INSERT INTO vectors (id, word, count) VALUES (0, 'a', 1)",
    ],
)
def test_hostile_databases_are_refused(tmp_path, sql):
    with contextlib.closing(sqlite3.connect(tmp_path / "v")) as database:
        database.executescript(sql)
    with pytest.raises(FormatError):
        read_vectors(tmp_path / "v")


def test_damaged_databases_are_refused(tmp_path):
    write_vectors(tmp_path / "v", some([f"w{i}" for i in range(500)], 20), "sqlite")
    data = (tmp_path / "v").read_bytes()
    for cut in (100, 3000, len(data) // 2):
        (tmp_path / "v").write_bytes(data[:cut])
        with pytest.raises(FormatError):
            read_vectors(tmp_path / "v")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("vocab.json", b"{"), ("vocab.json", b'{"a": 0}'), ("vocab.json", b"[]"), ("vocab.json", b"[" * 100_000),
        ("vocab.json", b'{"a": "x", "b": 1}'), ("model.safetensors", b"x"), ("model.safetensors", b""),
    ],
)  # fmt: skip
def test_damaged_hub_folders_are_refused(tmp_path, name, content):
    folder = tmp_path / "f"
    folder.mkdir()
    write_vectors(folder, some(), "hf")
    (folder / name).write_bytes(content)
    with pytest.raises(FormatError):
        read_vectors(folder)


def test_damaged_projector_folders_are_refused(tmp_path):
    for name, content in (
        ("vectors.tsv", "1\t2\n3\t4\n"), ("vectors.tsv", "1\t2\t3\n" * 20), ("vectors.tsv", "1\t2\tx\n" * 9),
        ("vectors.tsv", ""), ("metadata.tsv", "a\nb\n"), ("metadata.tsv", ""),
    ):  # fmt: skip
        folder = tmp_path / str(abs(hash((name, content))))
        folder.mkdir()
        write_vectors(folder, some(), "tensorboard")
        (folder / name).write_text(content)
        with pytest.raises(FormatError):
            read_vectors(folder)


def test_a_lying_header_costs_no_memory(tmp_path):
    """M2: also packed, where the size is not known; under a limit of 1 GB."""
    for name, content in (
        ("a", b"999999999999 999999\nking " + bytes(1000)), ("b", b"900000000 300\nking " + bytes(1 << 20)),
        ("c", npy("(900000000, 300)", rest=bytes(1000))),
    ):  # fmt: skip
        for suffix, data in (("", content), (".gz", gzip.compress(content))):
            path = tmp_path / (name + suffix)
            path.write_bytes(data)
            result = subprocess.run(
                [*COMMAND, "similar", "king", "-m", path], capture_output=True, timeout=60,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)),
            )  # fmt: skip
            assert result.returncode == 3, result.stderr
            assert b"Traceback" not in result.stderr


# ---- folders as outputs


def test_a_folder_is_replaced_as_one(tmp_path, monkeypatch):
    """O10."""
    target = tmp_path / "out"

    def write(text):
        with Staging(target, files=("a", "b")) as place:
            place.write(lambda folder: [(folder / name).write_text(text) for name in "ab"] and None, None)

    for text in ("one", "two"):
        write(text)
        assert [(target / name).read_text() for name in "ab"] == [text, text]
    monkeypatch.setattr(staging, "_swap", lambda one, other: False)
    write("three")
    assert (target / "b").read_text() == "three"

    def fail(folder):
        (folder / "a").write_text("four")
        raise OSError(28, "No space left on device")

    with pytest.raises(Exception, match="No space"), Staging(target, files=("a", "b")) as place:
        place.write(fail, None)
    assert (target / "a").read_text() == "three"
    assert os.listdir(tmp_path) == ["out"]
    (target / "mine").write_text("precious")
    with pytest.raises(UsageError, match="mine"):
        Staging(target, files=("a", "b"))
    with pytest.raises(UsageError, match="is a file"):
        Staging(target / "mine", files=("a", "b"))
    with pytest.raises(UsageError, match="folder's name"):
        Staging("-", files=("a", "b"))


# ---- commands


@pytest.mark.parametrize("form", ["txt", "bin", "glove", "jsonl", "sqlite", "npy", "tensorboard", "hf"])
def test_every_format_answers_like_the_model(w2v, sample_model, form):
    for command in (
        ["convert", sample_model, "-o", f"out.{form}", "--format", form],
        ["convert", f"out.{form}", "-o", "b.w2v"],
    ):
        assert w2v(*command).returncode == 0
    asked = [w2v("similar", "king", "-q", "-m", model).stdout for model in (sample_model, f"out.{form}", "b.w2v")]
    assert asked[0] == asked[1] == asked[2] != b""
    assert w2v("convert", sample_model, "-o", f"out.{form}", "--format", form, "-q").stderr == b""  # replaces it


def test_words_are_chosen_and_missing_ones_counted(w2v, sample_model):
    (w2v.folder / "list").write_text("queen\nking\nnosuch\n")
    result = w2v("convert", sample_model, "-o", "few.txt", "--keep-words", "list", "--normalize")
    assert b"1 word of list not in the vocabulary" in result.stderr
    found = Embeddings.load(w2v.folder / "few.txt")
    assert sorted(found.vocab.words) == ["king", "queen"]
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(1)
    assert w2v("convert", sample_model, "-o", "one.w2v", "--keep-words", "list", "--top", "1").returncode == 0
    assert len(Embeddings.load(w2v.folder / "one.w2v")) == 1
    (w2v.folder / "list").write_text("nosuch\n")
    assert w2v("convert", sample_model, "-o", "none.txt", "--keep-words", "list").returncode == 2
    assert not (w2v.folder / "none.txt").exists()


def test_words_with_white_space_need_a_replacement(w2v):
    """M14."""
    (w2v.folder / "v.jsonl").write_text(
        '{"word": "new york", "vector": [1]}\n{"word": "a", "vector": [2]}\n{"word": "b c", "vector": [3]}\n'
    )
    for form in ("txt", "bin", "glove", "tensorboard", "npy"):
        result = w2v("convert", "v.jsonl", "-o", f"x.{form}", "--format", form)
        assert result.returncode == 3
        assert b"2 words with white space, such as 'new york'; --space-char" in result.stderr
        assert not (w2v.folder / f"x.{form}").exists()
        assert w2v("convert", "v.jsonl", "-o", f"x.{form}", "--format", form, "--space-char", "_").returncode == 0
        assert read_vectors(w2v.folder / f"x.{form}").vocab.words == ["new_york", "a", "b_c"]
    (w2v.folder / "v.jsonl").write_text('{"word": "b c", "vector": [1]}\n{"word": "b_c", "vector": [2]}\n')
    assert w2v("convert", "v.jsonl", "-o", "x.txt", "--space-char", "_").returncode == 3


def test_values_that_are_not_finite_pass_only_when_asked_to(w2v):
    """M6."""
    (w2v.folder / "v.txt").write_text("a 1 nan\nb inf 2\nc 3 4\n")
    assert w2v("similar", "a", "-m", "v.txt").returncode == 3
    assert w2v("convert", "v.txt", "-o", "w.bin").returncode == 3
    assert w2v("convert", "v.txt", "-o", "w.bin", "--allow-nonfinite").returncode == 0
    assert w2v("convert", "v.txt", "-o", "w.w2v", "--allow-nonfinite").returncode == 3
    assert w2v("convert", "v.txt", "-o", "w.jsonl", "--allow-nonfinite").returncode == 3
    info = json.loads(w2v("info", "w.bin", "--json").stdout)
    assert (info["words"], info["nonfinite_vectors"]) == (3, 2)
    assert any("not finite" in text for text in info["warnings"])


def test_wrong_uses_of_convert(w2v, sample_model):
    for args in (
        ["-o", "x.npy"], ["-o", "-", "--format", "hf"], ["-o", "x.bin", "--float16"], ["-o", "x.w2v", "--float16"],
        ["-o", "x.txt", "--format", "fasttext"], ["-o", "x.txt", "--top", "0"],
    ):  # fmt: skip
        assert w2v("convert", sample_model, *args).returncode == 2, args
    os.mkdir(w2v.folder / "mine")
    (w2v.folder / "mine" / "file").write_text("")
    assert w2v("convert", sample_model, "-o", "mine", "--format", "npy").returncode == 2
    assert w2v("convert", "mine", "-o", "x.txt").returncode == 3
    result = w2v(
        "convert", "mine/file/x", "-o", "x.txt"
    )  # an input that cannot be read is no trouble of the output
    assert (result.returncode, b"cannot read mine/file/x" in result.stderr) == (2, True)


def test_vectors_from_a_pipe_are_read(w2v, sample_model):
    """As of ``-m <(zcat vectors.txt.gz)``, which can be read only once."""
    assert w2v("convert", sample_model, "-o", "v.txt.gz", "-q").returncode == 0
    command = " ".join(COMMAND)
    for script in (
        f"{command} similar king -k 3 -m <(zcat v.txt.gz)",
        f"{command} similar king -k 3 -m <(cat {sample_model})",
        f"{command} convert <(zcat v.txt.gz) -o again.w2v -q && {command} similar king -k 3 -m again.w2v",
    ):
        result = subprocess.run(["bash", "-c", script], cwd=w2v.folder, capture_output=True, timeout=60)
        assert (result.returncode, result.stderr) == (0, b"")
        assert result.stdout == w2v("similar", "king", "-k", "3", "-m", sample_model).stdout
    script = f"{command} info <(zcat v.txt.gz)"
    result = subprocess.run(["bash", "-c", script], cwd=w2v.folder, capture_output=True)
    assert b"format: word2vec text" in result.stdout


def test_info_of_models_and_other_files(w2v, sample_model):
    info = json.loads(w2v("info", "-m", sample_model, "--json").stdout)
    model = Embeddings.load(sample_model)
    lengths = np.linalg.norm(model.vectors, axis=1)
    assert (info["words"], info["dim"], info["has_context"], info["checksums"]) == (
        len(model),
        100,
        True,
        "verified",
    )
    assert info["params"]["epochs"] == 10
    assert info["length_median"] == pytest.approx(float(np.median(lengths)), rel=1e-5)
    units = (model.vectors / lengths[:, None])[:1000]
    cosines = units @ units.T
    assert info["mean_cosine"] == pytest.approx((cosines.sum() - 1000) / (1000 * 999), abs=1e-4)
    assert info["warnings"] == []
    text = w2v("info", sample_model).stdout.decode()
    assert "checksums: verified" in text
    assert "  epochs: 10" in text
    card = w2v("info", sample_model, "--card").stdout.decode()
    assert card.startswith("---\nlibrary_name:")
    assert "skip-gram with negative sampling" in card
    assert "CBOW with hierarchical softmax" in model_card({"model": "cbow", "loss": "hs"}, {}, "")
    (w2v.folder / "z.txt").write_text("3 2\na 0 0\nb 1 1\nb 2 2\n")
    warnings = json.loads(w2v("info", "z.txt", "--json").stdout)["warnings"]
    assert any("zero" in text for text in warnings)
    assert any("1 word came again" in text for text in warnings)
    damaged = bytearray(sample_model.read_bytes())
    damaged[-5] ^= 1
    (w2v.folder / "d.w2v").write_bytes(damaged)
    assert w2v("info", "d.w2v").returncode == 3
    assert w2v("info", "none").returncode == 2


def test_the_rule_of_one_call_site():
    """O11: the library's save_file is called by one writer, in private folders only."""
    root = native.__file__.rsplit("/model/", 1)[0]
    found = subprocess.run(
        ["grep", "-rl", "save_file(", root, "--include=*.py"], capture_output=True
    ).stdout.split()
    assert {os.path.basename(path) for path in found} == {b"packed.py"}


# ---- the real libraries


def test_spacy_reads_what_is_written(w2v, sample_model):
    spacy = pytest.importorskip("spacy")
    assert w2v("convert", sample_model, "-o", "v.txt.gz", "-q").returncode == 0
    command = [COMMAND[0], "-m", "spacy", "init", "vectors", "en", "v.txt.gz", "out"]
    result = subprocess.run(command, cwd=w2v.folder, capture_output=True, timeout=300)
    assert result.returncode == 0, result.stderr.decode() + result.stdout.decode()
    model, nlp = Embeddings.load(sample_model), spacy.load(w2v.folder / "out")
    for word in ("king", "guitar"):
        assert np.array_equal(nlp.vocab[word].vector, model[word])


def test_gensim_and_back(sample_model, tmp_path):
    pytest.importorskip("gensim")
    model = Embeddings.load(sample_model)
    vectors = model.to_gensim()
    assert vectors.index_to_key == list(model.vocab.words)
    assert [word for word, _ in vectors.most_similar("king")] == [word for word, _ in model.most_similar("king")]
    assert vectors.get_vecattr("king", "count") == model.vocab.counts[model.vocab.index["king"]]
    assert np.shares_memory(vectors.vectors, model.vectors)
    again = Embeddings.from_gensim(vectors)
    assert np.shares_memory(again.vectors, model.vectors)
    assert list(again.vocab.words) == list(model.vocab.words)
    assert again.vocab.counts.tolist() == model.vocab.counts.tolist()
    vectors.save_word2vec_format(str(tmp_path / "g.bin"), binary=True)
    assert Embeddings.load(tmp_path / "g.bin")["king"].tolist() == model["king"].tolist()
    vectors.save(str(tmp_path / "g.kv"))
    with pytest.raises(FormatError, match="save_word2vec_format"):
        Embeddings.load(tmp_path / "g.kv")
