"""Other trainers' files: read in all their variants, refused when damaged, written so that they come back."""

import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2vfast.errors import DataError, FormatError, UsageError
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.formats import registry, word2vec
from w2vfast.model.formats import stream as streams
from w2vfast.model.formats.registry import format_of, read_vectors
from w2vfast.model.formats.stream import stream_of
from w2vfast.vocab import Vocab

WORDS = ["king", "naïve", "日本", "42", "-3.5", "e5", "nan", ".", "</s>"]


def write_vectors(path, contents, form, **options):
    """Write vectors that are in memory."""
    registry.write_vectors(path, stream_of(contents), form, **options)


def some(words=WORDS, dim=3, seed=0):
    """Random vectors for words."""
    vectors = np.random.default_rng(seed).normal(size=(len(words), dim)).astype(np.float32)
    return Contents(vectors, Vocab(list(words), np.zeros(len(words), np.int64)))


def check_same(found, expected):
    """Words and every bit of the vectors."""
    assert found.vocab.words == expected.vocab.words
    assert found.vectors.tobytes() == expected.vectors.tobytes()


numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
words_strategy = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda w: w.split() == [w]),
    min_size=1, max_size=6, unique=True,
)  # fmt: skip


@pytest.mark.parametrize("form", ["txt", "bin", "glove", "w2v", "txt.gz", "bin.gz", "jsonl", "jsonl.gz", "sqlite"])
@given(words=words_strategy, dim=st.sampled_from([2, 3, 17]), data=st.data())
def test_what_is_written_comes_back_bit_for_bit(tmp_path_factory, form, words, dim, data):
    """M15."""
    row = st.lists(numbers, min_size=dim, max_size=dim)
    vectors = np.array([data.draw(row) for _ in words], np.float32)
    contents = Contents(vectors, Vocab(words, np.zeros(len(words), np.int64)))
    path = tmp_path_factory.mktemp("round") / "vectors"
    form, _, packed = form.partition(".")
    write_vectors(path, contents, form, packed=bool(packed))
    check_same(read_vectors(path), contents)


@pytest.mark.parametrize(
    "text",
    [
        "2 2\nking 1 2\nqueen 3 4\n",
        "2 2\nking 1 2 \nqueen 3 4 ",
        "2\t2\r\nking\t1\t2\r\nqueen\t3\t4\r\n",
        "\ufeff2 2\nking 1.0 2e0\nqueen +3 4.\n\n",
        "king 1 2\nqueen 3 4\n",
        "\ufeffking 1 2\nqueen 3 4",
    ],
)
def test_variants_of_text_are_read(tmp_path, text):
    """M8."""
    path = tmp_path / "vectors"
    for content in (text.encode(), gzip.compress(text.encode())):
        path.write_bytes(content)
        found = read_vectors(path)
        assert found.vocab.words == ["king", "queen"]
        assert found.vectors.tolist() == [[1, 2], [3, 4]]


def test_words_with_spaces_are_read_and_not_written(tmp_path):
    path = tmp_path / "vectors"
    path.write_text("2 2\nnew york 1 2\n. . 3 4\n")
    found = read_vectors(path)
    assert found.vocab.words == ["new york", ". ."]
    with pytest.raises(DataError, match="white space"):
        write_vectors(tmp_path / "out", found, "txt")


DATA = Path(__file__).parent / "data"
LONG = "x" + 48 * "é"


@pytest.mark.parametrize("name", ["word2vec-c.bin", "word2vec-c.txt", "gensim.bin", "gensim.txt", "fasttext.vec"])
def test_files_that_other_trainers_wrote_are_read(name):
    """M7, M8: word2vec.c cuts words within a character, at 98 bytes; lines may end in a space."""
    found = read_vectors(DATA / name)
    assert {"naïve", "日本語", "king", "queen", "42"} < set(found.vocab.words)
    assert found.vectors.shape == (7, 4)
    if name.startswith("word2vec-c"):
        assert LONG + "\ufffd" in found.vocab.words
        assert found.notes == ("1 word of invalid UTF-8, mended with U+FFFD",)
    else:
        assert found.notes == ()
    again = {"bin": "txt", "txt": "bin"}.get(name[-3:])
    if again:
        other = read_vectors(DATA / f"{name[:-3]}{again}")
        assert other.vocab.words == found.vocab.words
        assert np.allclose(other.vectors, found.vectors, atol=1e-6)


def test_a_long_file_cut_anywhere_is_refused(tmp_path):
    """M3: two hundred cuts of 2 MB, binary and text."""
    path, rng = tmp_path / "vectors", np.random.default_rng(0)
    for form in ("bin", "txt"):
        write_vectors(path, some([f"w{i}" for i in range(5000)], 100), form)
        size = path.stat().st_size
        for cut in sorted(rng.integers(0, size - 1, 100).tolist(), reverse=True):
            os.truncate(path, cut)
            with pytest.raises(FormatError):
                read_vectors(path)


@pytest.mark.parametrize("line_end", [b"\n", b""])
def test_binary_with_and_without_line_ends_is_read(tmp_path, line_end):
    contents, path = some(), tmp_path / "vectors"
    rows = [w.encode() + b" " + v.tobytes() + line_end for w, v in zip(WORDS, contents.vectors, strict=True)]
    path.write_bytes(b"%d 3\n" % len(WORDS) + b"".join(rows))
    check_same(read_vectors(path), contents)


@pytest.mark.parametrize("block", [50, 1 << 24])
def test_many_rows_cross_blocks(tmp_path, monkeypatch, block):
    monkeypatch.setattr(word2vec, "READ_BYTES", block)
    monkeypatch.setattr(streams, "_BLOCK_VALUES", 35)
    contents, path = some([f"w{i}" for i in range(100)], 5), tmp_path / "vectors"
    for form in ("bin", "txt"):
        write_vectors(path, contents, form)
        check_same(read_vectors(path), contents)


def test_odd_words_are_noted(tmp_path):
    path = tmp_path / "vectors"
    path.write_bytes(b"5 1\nking 1\nking 2\ncaf\xc3 3\ncaf\xe9 4\nx 5\n")
    found = read_vectors(path)
    assert found.vocab.words == ["king", "caf\ufffd", "caf\ufffd_", "x"]
    assert found.vectors[:, 0].tolist() == [1, 3, 4, 5]
    assert found.notes == (
        "1 word came again; the first vector counts",
        "2 words of invalid UTF-8, mended with U+FFFD",
    )


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\n", b"just some text\nof no kind\n", b"0 5\n", b"5 0\n", b"2 2\nking 1 2\n",
        b"1 2\nking 1 2\nx 3 4\n", b"999999999999 999999\nking 1 2\n", b"1 2\nking 1 nan\n",
        b"1 2\nking 1 inf\n", b"1 2\n 1 2\n",
        b"2 2\nking 1 2\nqueen 3\n", b"2 2\nking 1 2\nqueen 3 x\n", b"king 1 2\nqueen 3\n",
        b"\x93NUMPY\x01\0", b"\xba\x16\x4f\x2f\x0c\0\0\0", pickle.dumps({"a": 1}, 4), b"\x1f\x8b\x08\0\0",
        b"1 4\n" + b"w" * 5000 + b" " + bytes(16), b"1 1\nking " + b"\0\0\0\0" + b"xyz",
        gzip.compress(b"3 999999\nking " + bytes(100)), gzip.compress(b"999999999999 2\nking 1 2\n"),
    ],
)  # fmt: skip
def test_what_is_no_good_is_refused(tmp_path, content):
    """M2, M3, M4, M5, M6."""
    path = tmp_path / "vectors"
    path.write_bytes(content)
    with pytest.raises(FormatError):
        read_vectors(path)


@pytest.mark.parametrize("form", ["txt", "bin"])
def test_a_cut_file_is_refused_at_every_length(tmp_path, form):
    path = tmp_path / "vectors"
    write_vectors(path, some(dim=4), form)
    content = path.read_bytes()
    for length in range(len(content) - 1):  # the last line end may be missing
        if form == "txt" and content[:length].count(b"\n") == len(WORDS):
            continue  # the last number is cut, and still a number
        path.write_bytes(content[:length])
        with pytest.raises(FormatError):
            read_vectors(path)


def test_formats_are_told_by_names():
    names = {"a.w2v": "w2v", "a.txt": "txt", "A.VEC": "txt", "a.txt.gz": "txt", "a.bin": "bin"}
    assert {name: format_of(name) for name in names} == names
    with pytest.raises(UsageError, match="--format"):
        format_of("a.xyz")


def test_convert_as_a_user(w2v, sample_model, tmp_path):
    text, again = tmp_path / "v.txt.gz", tmp_path / "again.w2v"
    assert w2v("convert", sample_model, "-o", text).returncode == 0
    assert w2v("convert", text, "-o", again, "-q").returncode == 0
    one, two = Embeddings.load(sample_model), Embeddings.load(again)
    assert one.vocab.words == two.vocab.words
    assert one.vectors.tobytes() == two.vectors.tobytes()
    asked = [w2v("similar", "king", "-q", "-m", model).stdout for model in (sample_model, text, again)]
    assert asked[0] == asked[1] == asked[2] != b""
    shown = w2v("convert", sample_model, "-o", "-", "--top", "2", "--normalize", "-q").stdout.decode().splitlines()
    assert shown[0] == "2 100"
    assert np.linalg.norm(np.array(shown[1].split()[1:], float)) == pytest.approx(1)
    assert w2v("convert", sample_model, "-o", sample_model).returncode == 2
    assert w2v("convert", sample_model, "-o", "x.xyz").returncode == 2
    assert w2v("convert", "none", "-o", "x.txt").returncode == 2


@pytest.mark.parametrize("form", ["txt", "bin"])
def test_gensim_reads_what_is_written(tmp_path, form):
    gensim = pytest.importorskip("gensim")
    contents, path = some(), tmp_path / "vectors"
    write_vectors(path, contents, form)
    found = gensim.models.KeyedVectors.load_word2vec_format(str(path), binary=form == "bin")
    assert found.index_to_key == WORDS
    assert found.vectors.tobytes() == contents.vectors.tobytes()
    found.save_word2vec_format(str(path), binary=form == "bin")
    check_same(read_vectors(path), contents)
