"""The model file: what is written is read back; whatever else is there is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from w2vfast.errors import FormatError
from w2vfast.model import packed
from w2vfast.model.contents import Contents
from w2vfast.model.native import read_model
from w2vfast.model.packed import pack_model, write_model
from w2vfast.vocab import Vocab

words_strategy = st.lists(
    st.text(min_size=1, max_size=6).filter(lambda w: w.isprintable()), min_size=1, unique=True
)


def make_contents(words=("a", "bé", "日本"), dim=3, *, with_context=True, seed=0):
    """A small model."""
    rng = np.random.default_rng(seed)
    shape = len(words), dim
    context = rng.normal(size=shape).astype(np.float32) if with_context else None
    counts = np.arange(len(words), 0, -1, dtype=np.int64)
    vectors = rng.normal(size=shape).astype(np.float32)
    return Contents(vectors, Vocab(list(words), counts), context, {"dim": dim, "x": 'q"'}, {"names": ["ü"]}, "gen")


@pytest.fixture
def path(tmp_path):
    """A good model file."""
    file = tmp_path / "m.w2v"
    write_model(file, make_contents())
    return file


@given(words_strategy, st.integers(1, 40), st.booleans())
def test_round_trip_is_exact_and_the_size_is_known_before(tmp_path_factory, words, dim, with_context):
    file = tmp_path_factory.mktemp("m") / "m.w2v"
    contents = make_contents(words, dim, with_context=with_context)
    write_model(file, contents)
    assert file.stat().st_size == pack_model(contents).n_bytes
    back = read_model(file)
    assert back.vectors.tobytes() == contents.vectors.tobytes()
    assert (back.context is None) == (contents.context is None)
    assert back.context is None or back.context.tobytes() == contents.context.tobytes()
    assert list(back.vocab) == words
    assert back.vocab.counts.tolist() == contents.vocab.counts.tolist()
    assert (back.params, back.corpus, back.generator) == (contents.params, contents.corpus, "gen")


@pytest.mark.parametrize("dim", range(1, 41))
def test_padded_rows_are_written_as_what_they_hold(tmp_path, dim):
    """The library would write wrong values for a slice (O12)."""
    padded = np.random.default_rng(dim).normal(size=(9, 48)).astype(np.float32)
    vocab = Vocab([str(i) for i in range(9)], np.ones(9, np.int64))
    contents = Contents(padded[:, :dim], vocab, np.asfortranarray(padded)[:, :dim])
    write_model(tmp_path / "m.w2v", contents)
    back = read_model(tmp_path / "m.w2v")
    assert np.array_equal(back.vectors, padded[:, :dim])
    assert np.array_equal(back.context, padded[:, :dim])


def test_any_safetensors_reader_opens_it_and_its_bytes_do_not_vary(path, tmp_path):
    assert set(load_file(path)) == {"vectors", "context", "counts", "vocab.offsets", "vocab.bytes"}
    for i in range(10):
        write_model(tmp_path / f"{i}.w2v", make_contents())
        assert (tmp_path / f"{i}.w2v").read_bytes() == path.read_bytes()


def test_files_of_every_format_version_are_read():
    """M11, from below: a file that version 1 wrote; its bytes must not change."""
    found = read_model(Path(__file__).parent / "data" / "format-1.w2v")
    assert list(found.vocab) == ["king", "naïve", "日本語"]
    assert found.vocab.counts.tolist() == [3, 2, 1]
    assert found.vectors.tolist() == (np.arange(12).reshape(3, 4) / 8).tolist()
    assert (found.context == -found.vectors).all()
    assert (found.params, found.corpus, found.generator) == (
        {"model": "sg", "dim": 4},
        {"tokens": 6},
        "w2vfast 0.1.0",
    )


def test_every_truncation_and_any_trailing_byte_is_refused(path):
    """M3, M4."""
    data = path.read_bytes()
    for n_bytes in range(len(data)):
        path.write_bytes(data[:n_bytes])
        with pytest.raises(FormatError):
            read_model(path)
    path.write_bytes(data + b"\n")
    with pytest.raises(FormatError):
        read_model(path)


def test_every_flipped_bit_of_the_data_is_noticed(path):
    """M10, and header bits are either harmless or refused (M9)."""
    data, good = path.read_bytes(), make_contents()
    header_bytes = 8 + int.from_bytes(data[:8], "little")
    rng = np.random.default_rng(1)
    for bit in rng.choice(8 * len(data), 1000, replace=False).tolist():
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        if bit // 8 >= header_bytes:
            with pytest.raises(FormatError):
                read_model(path)
        else:
            try:
                back = read_model(path)
            except FormatError:
                continue
            assert np.array_equal(back.vectors, good.vectors)  # a changed letter of some text
            assert list(back.vocab) == list(good.vocab)


def rewrite(path, change_about=None, change_tensors=None):
    """Change a model file's metadata or tensors and write it with right checksums."""
    tensors = load_file(path)
    if change_tensors:
        change_tensors(tensors)
    about = {
        "format": "w2vfast",
        "format_version": 1,
        "crc32": {name: packed._checksum(np.ascontiguousarray(t)) for name, t in tensors.items()},
    }
    if change_about:
        change_about(about)
    save_file(tensors, path, {"w2vfast": json.dumps(about)})


def set_item(name, value):
    """Return a function that sets an item of a dict."""
    return lambda items: items.__setitem__(name, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("counts"), "has no 'counts'"),
        (set_item("vectors", np.zeros((3, 3), np.int32)), "wrong type I32"),
        (set_item("vectors", np.zeros((3, 3), np.float16)), "wrong type F16"),
        (set_item("vectors", np.zeros((2, 3), np.float32)), "has the shape"),
        (set_item("vectors", np.zeros((0, 3), np.float32)), "has the shape"),
        (set_item("vectors", np.zeros(9, np.float32)), "has the shape"),
        (set_item("context", np.zeros((3, 2), np.float32)), "has the shape"),
        (set_item("counts", np.zeros(4, np.int64)), "has the shape"),
        (set_item("vectors", np.full((3, 3), np.nan, np.float32)), "not finite"),
        (set_item("context", np.full((3, 3), np.inf, np.float32)), "not finite"),
        (set_item("vocab.offsets", np.array([0, 1, 1, 10])), "offsets"),
        (set_item("vocab.offsets", np.array([0, 5, 3, 10])), "offsets"),
        (set_item("vocab.offsets", np.array([1, 2, 4, 10])), "offsets"),
        (set_item("vocab.offsets", np.array([0, 1, 4, 99])), "offsets"),
        (set_item("vocab.bytes", np.frombuffer(b"a\xffbcdefghi", np.uint8)), "UTF-8"),
        (set_item("vocab.bytes", np.frombuffer(b"ab\xe6\x97\xa5cdefg", np.uint8)), "UTF-8"),
    ],
)
def test_damaged_content_with_right_checksums_is_refused(path, change, message):
    rewrite(path, change_tensors=change)
    with pytest.raises(FormatError, match=message):
        read_model(path)


def test_a_word_that_occurs_twice_is_refused(path):
    def twice(tensors):
        tensors["vocab.bytes"] = np.frombuffer(b"aba", np.uint8)
        tensors["vocab.offsets"] = np.array([0, 1, 2, 3])

    rewrite(path, change_tensors=twice)
    with pytest.raises(FormatError, match="twice"):
        read_model(path)


def test_unknown_tensors_and_fields_are_ignored(path):
    rewrite(path, lambda about: about.update(future=1), lambda t: t.update(new=np.zeros(3, np.float64)))
    assert len(read_model(path).vocab) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda about: about.update(format="other"), "not a w2vfast model"),
        (lambda about: about.update(format_version="1"), "not a w2vfast model"),
        (lambda about: about.update(format_version=2), "format version 2.*upgrade"),
        (lambda about: about.update(crc32=[]), "not a w2vfast model"),
        (lambda about: about["crc32"].pop("counts"), "checksum of 'counts'"),
    ],
)
def test_metadata_is_checked(path, change, message):
    rewrite(path, change)
    with pytest.raises(FormatError, match=message):
        read_model(path)


def test_a_pickle_is_named_and_never_opened(path, tmp_path):
    """M1: the payload would create a file."""
    marker = tmp_path / "hacked"
    path.write_bytes(b"\x80\x04cos\nsystem\n(Vtouch " + str(marker).encode() + b"\ntR.")
    with pytest.raises(FormatError, match="pickle"):
        read_model(path)
    assert not marker.exists()


def test_queries_need_not_read_the_context(path):
    assert read_model(path, with_context=False).context is None
