"""Files of vectors that mean harm or are half there: each is refused with one FormatError, at once."""

import json
import os
import sqlite3
from types import SimpleNamespace

import numpy as np
import pytest

from w2vfast.errors import DataError, FormatError, UsageError
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.formats.registry import read_vectors, write_vectors
from w2vfast.model.formats.stream import stream_of
from w2vfast.pictures.charts import read_log
from w2vfast.vocab import Vocab


def write(path, form, words=("a", "b"), rows=((1.0, 2.0), (3.0, 4.5))):
    """Write a few vectors."""
    contents = Contents(np.array(rows, np.float32), Vocab(list(words), np.zeros(len(words), np.int64)))
    write_vectors(path, stream_of(contents), form)


@pytest.mark.parametrize(
    "columns",
    [
        "vector BLOB AS (zeroblob(16000000)) VIRTUAL",
        "vector BLOB AS (zeroblob(4000)) STORED",
        "vector BLOB DEFAULT (zeroblob(4000))",
    ],
)
def test_a_database_whose_vectors_are_computed_is_refused(tmp_path, columns):
    """300 rows of 8 KB took 4 GB."""
    path = tmp_path / "v.db"
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE vectors (id INTEGER PRIMARY KEY, word TEXT, count INTEGER, {columns})")
        database.executemany("INSERT INTO vectors (word, count) VALUES (?, 1)", [("a",), ("b",)])
    database.close()
    with pytest.raises(FormatError, match="'vector' is computed"):
        read_vectors(path)


def test_a_database_with_rows_in_its_log_is_refused(tmp_path):
    """The committed row in the -wal file was missing, without a word."""
    path = tmp_path / "v.db"
    write(path, "sqlite")
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("INSERT INTO vectors VALUES (2, 'c', 0, ?)", (bytes(8),))
    database.commit()
    with pytest.raises(FormatError, match=r"v\.db-wal"):
        read_vectors(path)
    database.close()
    assert read_vectors(path).vocab.words == ["a", "b", "c"]


@pytest.mark.parametrize("text", ["[0]", "[5]", "[]", "{}", "3", '"ab"', "null"])
def test_a_vocabulary_that_is_no_object_is_refused(tmp_path, text):
    """A list was taken for a dictionary, and ended in an internal error."""
    write(tmp_path, "hf", ["a"], [[1.0, 2.0]])
    (tmp_path / "vocab.json").write_text(text)
    with pytest.raises(FormatError, match="does not number the words"):
        read_vectors(tmp_path)


@pytest.mark.parametrize("field", ["loss", "tokens", "alpha", "epoch"])
def test_a_log_with_a_number_beyond_all_bounds_is_refused(tmp_path, field):
    """OverflowError came out as an internal error."""
    record = {"loss": 1, "tokens": 1, "alpha": 1, "epoch": 1, field: 10**400}
    (tmp_path / "log").write_text(json.dumps(record))
    with pytest.raises(DataError, match="line 1 is no record"):
        read_log(tmp_path / "log")


@pytest.mark.parametrize(
    ("form", "name"),
    [(f, n) for f, names in (
        ("npy", ("vectors.npy", "words.txt")), ("tensorboard", ("vectors.tsv", "metadata.tsv")),
        ("hf", ("model.safetensors", "vocab.json")),
    ) for n in names],
)  # fmt: skip
def test_a_fifo_in_a_folder_is_not_waited_for(tmp_path, form, name):
    """Reading it hung for ever."""
    write(tmp_path, form)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(FormatError, match="holds no known format"):
        read_vectors(tmp_path)


@pytest.mark.parametrize("form", ["glove", "txt", "bin", "jsonl"])
@pytest.mark.parametrize("first", ["{", '{"word":"a","vector":[1.5]}', "{}", "w" * 4096, "é" * 2048])
def test_odd_first_words_come_back(tmp_path, form, first):
    """A GloVe file whose first word begins with { was taken for JSON."""
    write(tmp_path / "v", form, [first, "b"])
    found = read_vectors(tmp_path / "v")
    assert found.vocab.words == [first, "b"]
    assert found.vectors.tolist() == [[1, 2], [3, 4.5]]


@pytest.mark.parametrize("form", ["glove", "txt", "bin"])
def test_words_too_long_to_be_read_are_not_written(tmp_path, form):
    """They were written, and the file then refused."""
    with pytest.raises(DataError, match="more than 4,096 bytes"):
        write(tmp_path / "v", form, ["a", "w" * 4097])


def test_a_byte_order_mark_in_the_first_word_is_kept_or_refused(tmp_path):
    """GloVe files lost it; behind a header it is safe."""
    write(tmp_path / "v", "txt", ["\ufeffa", "b"])
    assert read_vectors(tmp_path / "v").vocab.words == ["\ufeffa", "b"]
    with pytest.raises(DataError, match="byte order mark"):
        write(tmp_path / "g", "glove", ["\ufeffa", "b"])
    write(tmp_path / "g", "glove", ["a", "\ufeffb"])
    assert read_vectors(tmp_path / "g").vocab.words == ["a", "\ufeffb"]


@pytest.mark.parametrize("text", ["the 17\nking 5\n", "the\t17\nking\t5\n", "</s> 0\nthe 17\n"])
def test_a_list_of_words_and_counts_is_no_file_of_vectors(tmp_path, text):
    """It was read as vectors of one dimension, all alike."""
    (tmp_path / "v").write_text(text)
    with pytest.raises(FormatError, match="a list of words and counts"):
        read_vectors(tmp_path / "v")
    write(tmp_path / "g", "glove", ["a", "b"], [[3.0], [-1e20]])
    assert read_vectors(tmp_path / "g").vectors.ravel().tolist() == pytest.approx([3, -1e20])


def test_a_tab_may_stand_before_the_only_number(tmp_path, recwarn):
    """The line was taken for a word without numbers, which NumPy warned of on stderr."""
    for text in ("a\t1.5\nb\t2.5\n", "2 1\na\t1.5\nb\t2.5\n"):
        (tmp_path / "v").write_text(text)
        assert read_vectors(tmp_path / "v").vectors.ravel().tolist() == [1.5, 2.5]
    (tmp_path / "v").write_text("2 1\na \t\nb\t2.5\n")
    with pytest.raises(FormatError):
        read_vectors(tmp_path / "v")
    assert len(recwarn) == 0


@pytest.mark.parametrize(
    ("words", "rows", "message"),
    [
        (["a", "b"], [[1.0], [np.nan]], "not finite"),
        ([], np.zeros((0, 3)), "shape"),
        (["a"], np.zeros((1, 0)), "shape"),
        (["a", ""], [[1.0], [2.0]], "vocabulary"),
        (["a", "a"], [[1.0], [2.0]], "twice"),
        (["a"], [[1.0], [2.0]], "2 vectors for 1 words"),
    ],
)
def test_a_model_that_could_not_be_loaded_is_not_saved(tmp_path, words, rows, message):
    """``save`` wrote it, and ``load`` refused it."""
    contents = Contents(np.array(rows, np.float32), Vocab(words, np.zeros(len(words), np.int64)))
    with pytest.raises(DataError, match=message):
        Embeddings(contents).save(tmp_path / "m.w2v")
    assert not list(tmp_path.iterdir())


def test_what_gensim_gives_must_have_words():
    """Whole numbers as keys and a whole model were errors without a hint."""
    with pytest.raises(UsageError, match=r"model\.wv"):
        Embeddings.from_gensim(object())
    keyed = SimpleNamespace(index_to_key=["a", 7], vectors=np.ones((2, 2)), expandos={})
    with pytest.raises(UsageError, match="not 7"):
        Embeddings.from_gensim(keyed)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.asfortranarray(np.ones((2, 3), np.float32)), "shape (2, 3), by columns"),
        (np.ones((2, 3), ">f4"), "type >f4"),
        (np.ones((2, 3), np.int64), "type <i8"),
        (np.ones(2, np.float32), "shape (2,)"),
        (np.ones((2, 3, 1), np.float32), "shape (2, 3, 1)"),
        (np.array(1.0), "shape ()"),
        (np.zeros(2, [("a", "<f4")]), "no NumPy file of numbers"),
    ],
)
def test_a_matrix_that_cannot_be_read_is_told_what_it_is(tmp_path, array, message):
    """All of them were called no matrix of little-endian floating-point numbers."""
    np.save(tmp_path / "vectors.npy", array)
    (tmp_path / "words.txt").write_text("a\nb\n")
    with pytest.raises(FormatError) as caught:
        read_vectors(tmp_path)
    assert message in str(caught.value)
