"""From bytes to integers: equal to a slow, obvious reading, for any bytes and any blocks."""

import bz2
import gzip
import io
import itertools
import lzma
import os
import threading

import numpy as np
import pytest
import reference
from conftest import REAL_TEXT
from hypothesis import example, given
from hypothesis import strategies as st

from w2vfast.corpus import sources
from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import find_sources
from w2vfast.corpus.tokenizer import Tokenizer
from w2vfast.errors import CorpusError, UsageError

PIECES = [
    *"abé日\U0001f600\u200b\ufeff", *" \n\r\t\v\f\x1c\x1f\0",
    *"\u00a0\u0085\u1680\u2000\u200a\u2028\u202f\u205f\u3000", "cc", "日本", "x" * 30,
]  # fmt: skip
messy_bytes = st.lists(
    st.one_of(
        st.sampled_from([piece.encode() for piece in PIECES]),
        st.sampled_from([b"\xc2", b"\xe2\x80", b"\xe3\x80", b"\xff", b"\xed\xa0\x80", b"\xf0\x9f", b"\x80"]),
        st.binary(max_size=3),
    ),
    max_size=60,
).map(b"".join)


def tokenize(data, block_bytes, max_word_bytes=1024, **options):
    """Feed the data in blocks of one size; return sentences of words, without empty ones, and the report."""
    options = ReadingOptions(max_word_bytes=max_word_bytes, min_count=1, **options)
    tokenizer, ids, ends = Tokenizer(options), [], []
    blocks = [data[i : i + block_bytes] for i in range(0, len(data), block_bytes)] + [b""]
    flagged = ((block, i == len(blocks) - 1) for i, block in enumerate(blocks))
    for new_ids, new_ends, _ in tokenizer.run(flagged):
        ends += (new_ends + len(ids)).tolist()
        ids += new_ids.tolist()
    vocab, final_ids = tokenizer.vocabulary()
    words = [vocab.words[final_ids[i]] for i in ids]
    sentences = [words[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    return [s for s in sentences if s], tokenizer.report, vocab


@given(messy_bytes, st.sampled_from([1, 2, 3, 7, 64, 10_000]), st.sampled_from([1, 3, 20, 1024]))
@example(b"\xef\xbb\xbfbom first\n", 2, 1024)
def test_tokenizer_agrees_with_the_reference(data, block_bytes, max_word_bytes):
    """C7, C8."""
    sentences, report, vocab = tokenize(data, block_bytes, max_word_bytes)
    expected = [s for s in reference.tokenize(data, max_word_bytes) if s]
    assert sentences == expected
    assert [*zip(vocab.words, vocab.counts.tolist(), strict=True)] == reference.vocabulary(expected, 1)
    everything = sum(map(len, reference.tokenize(data, 10**9)))
    kept = sum(map(len, expected))
    assert (report.n_tokens, report.n_too_long) == (everything, everything - kept)
    assert report.n_nul == data.count(0)
    assert report.n_bytes == len(data)


@given(messy_bytes, st.sampled_from([1, 5, 1000]))
def test_bad_sequences_are_counted_and_located(data, block_bytes):
    """C6."""
    report = tokenize(data, block_bytes)[1]
    expected = data.decode("utf-8", "replace").count("\ufffd") - data.count("\ufffd".encode())
    assert report.n_bad_sequences == expected
    try:
        data.decode()
        assert report.first_bad_offset == -1
    except UnicodeDecodeError as error:
        assert report.first_bad_offset == error.start


def test_growing_tables_keep_every_count():
    words = [f"w{i % 70_001}" for i in range(200_000)]
    sentences, _, vocab = tokenize(" ".join(words).encode(), 100_000)
    assert sentences == [words]
    assert vocab.counts.sum() == 200_000
    assert len(vocab) == 70_001


def test_the_hash_key_changes_nothing():
    data = b"b a c b\nd a b\n" * 50
    results = []
    for key in (0, 1, 2**64 - 1):
        tokenizer = Tokenizer(ReadingOptions(min_count=1), key)
        (ids, ends, _), *_ = tokenizer.run([(data, True)])
        results.append((ids.tolist(), ends.tolist(), tokenizer.vocabulary()[0].words))
    assert results[0] == results[1] == results[2]


def encoded(*texts, min_count=1, **options):
    """Encode texts as if each were a file."""
    streams = [io.BytesIO(text) for text in texts]
    return encode(find_sources(streams), ReadingOptions(min_count=min_count, **options))


def sentences_of(corpus):
    """An encoded corpus as words."""
    words = corpus.vocab.words
    bounds = corpus.offsets.tolist()
    return [[words[i] for i in corpus.ids[a:b]] for a, b in itertools.pairwise(bounds)]


def test_encoding_keeps_order_and_drops_rare_words_and_empty_sentences():
    corpus = encoded(b"b a rare\n\n  \nonce\na b c\nc c", min_count=2)
    assert sentences_of(corpus) == [["b", "a"], ["a", "b", "c"], ["c", "c"]]
    assert corpus.vocab.words == ["c", "b", "a"]  # 3, then ties by first appearance
    assert corpus.vocab.counts.tolist() == [3, 2, 2]
    assert corpus.report.n_dropped == 2
    assert corpus.report.n_dropped_words == 2
    assert corpus.ids.dtype == np.int32
    assert corpus.offsets.dtype == np.int64


@given(st.lists(st.lists(st.sampled_from("abcdefg"), min_size=1), min_size=1), st.integers(1, 4))
def test_no_token_is_lost_or_invented(sentences, min_count):
    text = "\n".join(map(" ".join, sentences)).encode()
    vocabulary = reference.vocabulary(sentences, min_count)
    kept = [[w for w in s if w in dict(vocabulary)] for s in sentences]
    kept = [s for s in kept if s]
    if len(vocabulary) < 2 or all(len(s) == 1 for s in kept):
        with pytest.raises(CorpusError):
            encoded(text, min_count=min_count)
    else:
        corpus = encoded(text, min_count=min_count)
        assert sentences_of(corpus) == kept
        assert corpus.n_tokens + corpus.report.n_dropped == corpus.report.n_tokens


def test_the_end_of_a_file_ends_a_sentence_and_its_last_word():
    """C11."""
    assert sentences_of(encoded(b"a b", b"b a\n", b"\xef\xbb\xbfa a")) == [["a", "b"], ["b", "a"], ["a", "a"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "has no words"),
        (b" \n\r\n\t \0", "has no words"),
        (b"a b c a", "3 distinct words, the most frequent occurs 2x, --min-count is 5; try --min-count 1"),
        (b"a a a a a a", "need at least 2 words"),
        (b"a\nb\n" * 9, "no line has two known words"),
    ],
)
def test_a_corpus_without_anything_to_train_on_is_refused(text, message):
    """C2, C3, C4."""
    with pytest.raises(CorpusError, match=message):
        encoded(text, min_count=5)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_text_is_recognised_by_its_first_bytes(tmp_path, compress):
    """C18, C19."""
    text = b"one two three\nfour five six\n" * 1000
    packed = compress(text) + compress(b"seven eight\n")
    path = tmp_path / "corpus.txt"
    path.write_bytes(packed)
    assert b"".join(find_sources(str(path))[0].blocks()) == text + b"seven eight\n"
    path.write_bytes(compress(text)[:-20])
    with pytest.raises(CorpusError, match=r"truncated|cannot read"):
        list(find_sources(str(path))[0].blocks())


def test_zstd_without_its_package_and_models_are_refused_with_advice(tmp_path, monkeypatch):
    """C23, C24."""
    path = tmp_path / "corpus"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(20))
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'w2vfast\[zstd\]'"):
        list(find_sources(path)[0].blocks())
    path.write_bytes((100).to_bytes(8, "little") + b'{"vectors"')
    with pytest.raises(CorpusError, match="is a model or an encoded corpus, not text"):
        list(find_sources(path)[0].blocks())


def test_folders_patterns_and_missing_files(tmp_path):
    """C1, C23."""
    for name in ("b.txt", "a.txt", "sub/c.txt", ".hidden", "sub/.hidden/d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [s.name for s in find_sources(tmp_path)] == ["a.txt", "b.txt", "c.txt"]
    assert [s.name for s in find_sources(str(tmp_path / "*.txt"))] == ["a.txt", "b.txt"]
    assert [s.name for s in find_sources([tmp_path / "b.txt", tmp_path / "a.txt"])] == ["b.txt", "a.txt"]
    for missing in ("none.txt", "*.md", "sub/.hidden/e*"):
        with pytest.raises(UsageError, match="does not exist"):
            find_sources([tmp_path / "a.txt", str(tmp_path / missing)])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no files"):
        find_sources(tmp_path / "empty")
    with pytest.raises(UsageError, match=r"io\.BytesIO"):
        find_sources([["a", "list", "of", "words"]])


class Failing(io.RawIOBase):
    """A stream that cannot be read."""

    def __init__(self, error):
        self.error = error

    def read(self, size=-1):
        """Fail."""
        raise self.error


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            OSError(5, "Input/output error"),
            CorpusError,
            "cannot read standard input beyond 0 bytes",
        ),
        (MemoryError("no room"), MemoryError, "no room"),
    ],
)
def test_what_fails_while_reading_is_no_fault_of_writing(error, kind, message):
    """A first read that failed was told as a full disk; want of memory as a damaged text."""
    with pytest.raises(kind, match=message):
        encode([sources.Source(Failing(error))], ReadingOptions())


def test_a_short_first_read_does_not_hide_compression():
    """A pipe may deliver its first bytes one at a time."""
    read_end, write_end = os.pipe()

    def deliver():
        data = gzip.compress(b"a b c\n")
        for i in range(len(data)):
            os.write(write_end, data[i : i + 1])
        os.close(write_end)

    writer = threading.Thread(target=deliver)
    writer.start()
    with open(read_end, "rb") as stream:
        assert b"".join(sources.Source(stream).blocks()) == b"a b c\n"
    writer.join()


def test_real_text_is_read_exactly():
    if not REAL_TEXT.exists():
        pytest.skip(f"needs real text: {REAL_TEXT} (or set W2VFAST_TEST_TEXT)")
    corpus = encode(find_sources(REAL_TEXT), ReadingOptions(threads=2))
    sentences = reference.tokenize(b"".join(find_sources(REAL_TEXT)[0].blocks()))
    expected = reference.vocabulary(sentences, 5)
    assert [*zip(corpus.vocab.words, corpus.vocab.counts.tolist(), strict=True)] == expected
    known = dict(expected)
    kept = [[w for w in s if w in known] for s in sentences]
    assert sentences_of(corpus) == [s for s in kept if s]
