"""The options of reading: threads, words, lists, sentences, damaged data, the encoded corpus as a file."""

import contextlib
import gzip
import io
import itertools
import re
import unicodedata

import numpy as np
import pytest
import reference
from conftest import REAL_TEXT
from hypothesis import given
from hypothesis import strategies as st
from test_corpus import PIECES, encoded, messy_bytes, sentences_of, tokenize

from w2vfast.corpus import cleaner, container, tokenizer
from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions, ReadingReport
from w2vfast.corpus.sources import find_sources
from w2vfast.corpus.wordlists import read_vocab, read_words, vocab_text
from w2vfast.errors import CorpusError, FormatError, UsageError
from w2vfast.system.staging import Staging
from w2vfast.vocab import Vocab

SMALL = ReadingOptions(min_count=1)


@given(messy_bytes, st.sampled_from([1, 7, 100, 10_000]), st.sampled_from([2, 7]))
def test_threads_and_blocks_change_nothing(data, block_bytes, threads):
    """Pieces of a few bytes, tables of a few words that begin anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokenizer, "_FEWEST_BYTES", 3)
        patch.setattr(tokenizer, "_MOST_OWN_WORDS", 4 * threads)
        sentences, report, vocab = tokenize(data, block_bytes, threads=threads)
    expected = [s for s in reference.tokenize(data) if s]
    assert sentences == expected
    assert [*zip(vocab.words, vocab.counts.tolist(), strict=True)] == reference.vocabulary(expected, 1)
    assert report.n_tokens == sum(map(len, expected))


def test_threads_agree_on_a_vocabulary_that_outgrows_every_table():
    rng = np.random.default_rng(1)
    text = " ".join(f"w{i}" for i in rng.zipf(1.2, 300_000) % 200_000).encode()
    one, two, seven = (tokenize(text, 1 << 18, threads=n) for n in (1, 2, 7))
    for other in (two, seven):
        assert other[0] == one[0]
        assert other[2].words == one[2].words
        assert other[2].counts.tolist() == one[2].counts.tolist()


text_strategy = st.lists(
    st.sampled_from(
        [
            *PIECES,
            *"-'’ \n.,!?—",
            "don't",
            "e-mail",
            "ΛΟΓΟΣ",
            "İstanbul",
            "हिन्दी",
            "می‌خواهم",
            "x_1",
            "\u0301",
            "\ufe0f",
        ]
    )
).map("".join)


def reference_words(text):
    """The words of a line by a regular expression: letters, digits, _ and marks on them, joined by inner marks."""
    combining = "".join(c for c in set(text) if unicodedata.category(c)[0] == "M")
    letters = "".join(c for c in set(text) - set(combining) if c.isalnum() or c == "_")
    if not letters:
        return []
    first, mark = f"[{re.escape(letters)}]", f"[{re.escape(cleaner._MARKS)}]"
    part = f"[{re.escape(letters + combining)}]"
    return re.findall(f"{first}{part}*(?:{mark}{part}+)*", text)


def test_a_combining_mark_alone_is_no_word():
    """The emoji variation selector was one."""
    text = "the lion ❤\ufe0f the \u0301e\u0301 1\ufe0f\u20e3 -\u0301-\n"
    found = tokenize(text.encode(), 100, tokenizer="words")[0]
    assert found == [["the", "lion", "the", "e\u0301", "1\ufe0f\u20e3"]]


@given(text_strategy, st.sampled_from([1, 5, 10_000]), st.booleans())
def test_words_are_letters_digits_and_inner_marks(text, block_bytes, lowercase):
    found = tokenize(text.encode(), block_bytes, tokenizer="words", lowercase=lowercase)[0]
    plain = text.removeprefix("\ufeff")
    lines = (plain.lower() if lowercase else plain).split("\n")
    assert found == [words for line in lines if (words := reference_words(line))]


@given(text_strategy, st.sampled_from([1, 5, 10_000]))
def test_lower_case_is_that_of_whole_words(text, block_bytes):
    found = tokenize(text.encode(), block_bytes, lowercase=True)[0]
    expected = reference.tokenize(text.encode())
    assert found == [[word.lower() for word in line] for line in expected if line]


@pytest.mark.parametrize("tokens", ["whitespace", "words"])
def test_a_line_without_spaces_is_read_in_bounded_pieces(monkeypatch, tokens):
    """Chinese text: with words, punctuation separates; with white space it is one word, too long."""
    monkeypatch.setattr(cleaner, "MOST_HELD_BYTES", 60)
    text = "你好,世界。再见、朋友!" * 50 + "\nx y"
    sentences, report, _ = tokenize(text.encode(), 16, max_word_bytes=30, tokenizer=tokens)
    if tokens == "words":
        assert sentences == [["你好", "世界", "再见", "朋友"] * 50, ["x", "y"]]
    else:
        assert sentences == [["x", "y"]]
        assert report.n_too_long == 1


def test_lists_of_words_and_the_size_of_the_vocabulary():
    text = b"a a a a b b b c c d e\n" * 3
    assert encoded(text, max_vocab=2).vocab.words == ["a", "b"]
    assert encoded(text, max_vocab=2, keep_words=frozenset({"e", "unseen"})).vocab.words == ["a", "e"]
    assert encoded(text, drop_words=frozenset({"a", "d", "unseen"})).vocab.words == ["b", "c", "e"]
    corpus = encoded(text, min_count=9, keep_words=frozenset({"d"}))
    assert corpus.vocab.words == ["a", "b", "d"]
    assert corpus.report.n_dropped == 9
    assert corpus.report.n_dropped_words == 2
    assert corpus.n_tokens + corpus.report.n_dropped == corpus.report.n_tokens


def test_a_given_vocabulary_is_used_as_it_is(tmp_path):
    path = tmp_path / "vocab.tsv"
    path.write_text("c\t70\nunseen 5\n\nb\t7\n")
    vocab = read_vocab(path)
    corpus = encoded(b"a a a a b b b c c d e\nb c x\n", min_count=5, vocab=vocab)
    assert corpus.vocab.words == ["c", "b", "unseen"]
    assert corpus.vocab.counts.tolist() == [70, 7, 5]
    assert sentences_of(corpus) == [["b", "b", "b", "c", "c"], ["b", "c"]]
    assert vocab_text(vocab) == b"c\t70\nb\t7\nunseen\t5\n"


@pytest.mark.parametrize(
    "text", ["a\n", "a b\n", "a 1\na 2\n", "a 1 2\nb 1\n", "a 0\nb 1\n", "a -1\nb 1\n", "a ２\nb 1\n", "", "a 1\n"]
)
def test_damaged_vocabularies_are_refused(tmp_path, text):
    path = tmp_path / "vocab.tsv"
    path.write_text(text)
    with pytest.raises(CorpusError):
        read_vocab(path)


def test_counts_beyond_all_bounds_are_refused(tmp_path):
    """Fifteen such counts overflowed int64: shares below 0, NaN in the plan."""
    path = tmp_path / "vocab.tsv"
    path.write_text(f"a {2**53 - 1}\nb 1\n")
    assert read_vocab(path).counts.sum() == 2**53
    path.write_text("".join(f"w{i} {10**15}\n" for i in range(15)))
    with pytest.raises(CorpusError, match="line 10: the counts so far add up to more than"):
        read_vocab(path)


def test_words_with_white_space_cannot_be_wanted():
    for options in ({"keep_words": frozenset({"a b"})}, {"vocab": Vocab(["a", "", "b"], np.array([3, 2, 1]))}):
        with pytest.raises(UsageError, match="white space"):
            encoded(b"a b c\n" * 9, **options)


def test_word_lists_take_the_first_word_of_a_line(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes(b"\xef\xbb\xbfthe 100\r\n\r\nof\r\n")
    assert read_words(path) == {"the", "of"}
    with pytest.raises(UsageError, match="cannot read"):
        read_words(tmp_path / "none")
    for content in (b"the\rof 7\r", gzip.compress(b"the\nof\n")):
        path.write_bytes(content)
        assert read_words(path) == {"the", "of"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("the\nof\n".encode("utf-16"), "looks like UTF-16"),
        ("the\nof\n".encode("utf-16-le"), "is no list of words: it has NUL bytes"),
        (b"the\ncaf\xe9\n", "is no list of words: line 2 is not valid UTF-8"),
        (b"\x40" + bytes(7) + b"{}", "is a model"),
    ],
)
def test_files_of_another_kind_are_no_word_lists(tmp_path, content, message):
    """They were read as words that no text has, without a word."""
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        read_words(path)


def test_sentences_may_be_lines_files_or_numbers_of_words():
    texts = (b"a b\nc d e\n", b"\n\nf a b c d")
    assert sentences_of(encoded(*texts)) == [["a", "b"], ["c", "d", "e"], ["f", "a", "b", "c", "d"]]
    assert sentences_of(encoded(*texts, sentence="document")) == [list("abcde"), list("fabcd")]
    assert sentences_of(encoded(*texts, sentence=2)) == [
        ["a", "b"], ["c", "d"], ["e"], ["f", "a"], ["b", "c"], ["d"],
    ]  # fmt: skip


def test_strict_reading_stops_at_invalid_utf_8():
    """C6."""
    assert encoded(b"a b \xff\n").report.n_bad_sequences == 1
    with pytest.raises(CorpusError, match="invalid UTF-8 at byte 4 "):
        encoded(b"a b \xff\n", strict=True)


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_truncated_data_is_refused_or_read_as_far_as_it_goes(tmp_path, kind):
    """C15."""
    rng = np.random.default_rng(0)
    text = " ".join(map(str, rng.integers(0, 1000, 600_000))).encode()
    path = tmp_path / "corpus"
    path.write_bytes(compress(kind, text)[:-20])
    with pytest.raises(CorpusError, match=r"is truncated after [\d,]+ bytes of text; --allow-truncated"):
        encode(find_sources(path), SMALL)
    corpus = encode(find_sources(path), ReadingOptions(min_count=1, allow_truncated=True))
    assert corpus.report.n_truncated_files == 1
    assert corpus.report.n_bytes > 0.3 * len(text)
    read = text[: corpus.report.n_bytes].decode().split()
    assert sentences_of(corpus) == [read]


def compress(kind, text):
    """The text in one of the formats."""
    if kind == "zst":
        return pytest.importorskip("zstandard").ZstdCompressor(write_checksum=True).compress(text)
    module = {"gz": "gzip", "bz2": "bz2", "xz": "lzma"}[kind]
    return __import__(module).compress(text)


def test_zstd_frames_are_followed_and_checked(tmp_path):
    """C16, C18."""
    path, text = tmp_path / "corpus", b"one two three\n" * 100_000
    packed = compress("zst", text) + compress("zst", b"four five\n")
    path.write_bytes(packed)
    assert b"".join(find_sources(path)[0].blocks()) == text + b"four five\n"
    for damaged in (packed + b"garbage", packed[:50] + bytes([packed[50] ^ 4]) + packed[51:]):
        path.write_bytes(damaged)
        with pytest.raises(CorpusError, match="cannot read"):
            list(find_sources(path)[0].blocks())


@pytest.mark.parametrize("kind", ["bz2", "xz"])
def test_garbage_behind_the_data_is_counted_and_padding_is_not(tmp_path, kind):
    """C17."""
    path, packed = tmp_path / "corpus", compress(kind, b"one two three\n" * 9)
    path.write_bytes(packed + bytes(8) + packed)
    assert encode(find_sources(path), SMALL).report.n_files_with_garbage == 0
    path.write_bytes(packed + b"garbage")
    corpus = encode(find_sources(path), SMALL)
    assert (corpus.n_tokens, corpus.report.n_files_with_garbage) == (27, 1)
    path.write_bytes(packed[:20] + bytes([packed[20] ^ 1]) + packed[21:])
    with pytest.raises(CorpusError):
        encode(find_sources(path), SMALL)


def test_a_file_that_changes_while_it_is_read_is_counted(tmp_path, monkeypatch):
    """C14."""
    path = tmp_path / "corpus"
    path.write_bytes(b"one two three\n" * 9)
    (source,) = find_sources(path)
    blocks = source.blocks(report := ReadingReport())
    next(blocks)
    with path.open("ab") as file:
        file.write(b"four\n")
    list(blocks)
    assert report.n_changed_files == 1
    list(source.blocks(report))
    assert report.n_changed_files == 1


def test_models_in_a_folder_are_skipped_with_a_note(tmp_path):
    """C23."""
    (tmp_path / "a.txt").write_bytes(b"a b c\n")
    save(encoded(b"a b c\n"), tmp_path / "b.w2vc")
    notes = []
    assert [source.name for source in find_sources(tmp_path, notes.append)] == ["a.txt"]
    assert notes == [f"skipped in {tmp_path}: 1 file of no text, such as b.w2vc"]


def test_empty_files_among_others_are_counted():
    """C2."""
    assert encoded(b"a b c", b"", gzip.compress(b""), b" \n").report.n_empty_files == 2


def save(corpus, path):
    """Write an encoded corpus."""
    with Staging(path) as staging:
        return container.save_corpus(corpus, staging)


def test_an_encoded_corpus_comes_back_from_its_file(tmp_path):
    corpus = encoded("ä b c\nb ü 日本\n".encode(), b"c c b")
    path = tmp_path / "corpus.w2vc"
    assert save(corpus, path) == path.stat().st_size
    found = container.load_corpus(path)
    assert find_sources(path)[0].is_encoded
    assert sentences_of(found) == sentences_of(corpus)
    assert found.vocab.words == corpus.vocab.words
    assert found.vocab.counts.tolist() == corpus.vocab.counts.tolist()
    assert (found.report, found.names, found.sample_sha256) == (corpus.report, corpus.names, corpus.sample_sha256)
    assert (found.ids.dtype, found.offsets.dtype) == (np.int32, np.int64)


def test_a_damaged_container_is_refused(tmp_path):
    path = tmp_path / "corpus.w2vc"
    save(encoded(b"a b c d\nb a c\n" * 40), path)
    content = path.read_bytes()
    cuts = [content[:n] for n in range(0, len(content), 97)] + [content + b"x"]
    first = 8 + int.from_bytes(content[:8], "little")
    flips = [content[:i] + bytes([content[i] ^ 1]) + content[i + 1 :] for i in range(first, len(content), 23)]
    for damaged in (*cuts, *flips):
        path.write_bytes(damaged)
        with pytest.raises(FormatError):
            container.load_corpus(path)
    for i in range(8, first, 7):  # a header has no checksum: refused, or as good as before
        path.write_bytes(content[:i] + bytes([content[i] ^ 1]) + content[i + 1 :])
        with contextlib.suppress(FormatError):
            assert sentences_of(container.load_corpus(path)) == [list("abcd"), list("bac")] * 40


@pytest.mark.parametrize(
    ("ids", "offsets", "counts"),
    [
        ([0, 1, 2], [0, 3], [3, 2]),
        ([0, 1, -1], [0, 3], [3, 2]),
        ([0, 1, 1], [0, 2, 2, 3], [3, 2]),
        ([0, 1, 1], [0, 4], [3, 2]),
        ([0, 1, 1], [1, 3], [3, 2]),
        ([0, 1, 1], [0, 3], [0, 0]),
        ([0, 1, 1], [0, 3], [3, -2]),
        ([0, 1, 1], [0, 3], [3, 2, 1]),
    ],
)
def test_a_container_with_right_checksums_and_wrong_numbers_is_refused(tmp_path, ids, offsets, counts):
    good = encoded(b"a b\na b c\n" * 3)
    vocab = Vocab(["a", "b"], np.array(counts))
    bad = type(good)(np.array(ids, np.int32), np.array(offsets), vocab, good.report, ("x",), "")
    save(bad, tmp_path / "bad.w2vc")
    with pytest.raises(FormatError):
        container.load_corpus(tmp_path / "bad.w2vc")


def test_parts_encoded_with_one_vocabulary_make_up_the_whole(tmp_path):
    lines = [b"a b c d", b"d c a a", b"b b a", b"c d d"]
    whole = encoded(b"\n".join(lines))
    parts = [encoded(b"\n".join(lines[i : i + 2]), vocab=whole.vocab) for i in (0, 2)]
    assert sentences_of(parts[0]) + sentences_of(parts[1]) == sentences_of(whole)
    assert [*itertools.chain(*(part.ids.tolist() for part in parts))] == whole.ids.tolist()


def test_real_text_is_the_same_for_any_number_of_threads():
    if not REAL_TEXT.exists():
        pytest.skip(f"needs real text: {REAL_TEXT} (or set W2VFAST_TEST_TEXT)")
    data = b"".join(find_sources(REAL_TEXT)[0].blocks())[:3_000_000]
    one, seven = (encode(find_sources(io.BytesIO(data)), ReadingOptions(threads=n)) for n in (1, 7))
    assert one.vocab.words == seven.vocab.words
    assert np.array_equal(one.ids, seven.ids)
    assert np.array_equal(one.offsets, seven.offsets)
