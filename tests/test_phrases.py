"""Phrases against a slow reading of word2phrase.c and gensim."""

import io
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2vfast.corpus import phrases
from w2vfast.corpus.phrases import PhraseOptions, PhraseReport, join_phrases
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import Source, find_sources
from w2vfast.kernels.phrases import PairTable, count_pairs

CONNECTORS = frozenset({"of", "the"})


def joined(sentences, threads=1, **options):
    """Sentences with their phrases joined, and the report."""
    text = "\n".join(map(" ".join, sentences)).encode()
    report = PhraseReport()
    blocks = join_phrases(
        find_sources(io.BytesIO(text)),
        ReadingOptions(min_count=1, threads=threads),
        PhraseOptions(**options),
        report,
    )
    return [line.split(" ") for line in b"".join(blocks).decode().splitlines()], report


def candidates(sentence, connectors):
    """(first, words between, last) of a sentence, by position."""
    start = None
    for pos, word in enumerate(sentence):
        if word not in connectors:
            if start is not None:
                yield start, pos
            start = pos


def reference(sentences, scoring, threshold, min_count, connectors=frozenset(), delimiter="_"):
    """Do it gensim's way, with word2phrase.c's score as another scorer."""
    words = Counter(word for sentence in sentences for word in sentence)
    pairs = Counter(tuple(s[a : b + 1]) for s in sentences for a, b in candidates(s, connectors))
    n_tokens, n_known = words.total(), len(words) + len(pairs)

    def score(phrase):
        a, b, ab = words[phrase[0]], words[phrase[-1]], pairs[phrase]
        if scoring == "npmi":
            if ab < min_count:
                return -math.inf
            p = ab / n_tokens
            return math.log(p / (a / n_tokens * (b / n_tokens))) / -math.log(p)
        return (ab - min_count) / a / b * (n_tokens if scoring == "word2phrase" else n_known)

    result = []
    for sentence in sentences:
        line, start = [], None  # words so far, place in ``line`` of the candidate's first word
        for word in sentence:
            line.append(word)
            if word in connectors:
                continue
            if start is not None:
                phrase = tuple(line[start:])
                if pairs[phrase] >= max(1, min_count) and score(phrase) > threshold:
                    line[start:] = [delimiter.join(phrase)]
                    start = None
                    continue
            start = len(line) - 1
        result.append(line)
    return result


sentences_strategy = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", "d", "e", "of", "the"]), min_size=1), min_size=1
).filter(lambda sentences: len({w for s in sentences for w in s}) > 1 and any(len(s) > 1 for s in sentences))


@given(
    sentences_strategy, st.sampled_from([("word2phrase", 1.5), ("gensim", 0.3), ("npmi", 0.2)]),
    st.sampled_from([1, 2]), st.sampled_from([frozenset(), CONNECTORS]), st.sampled_from([1, 3]),
)  # fmt: skip
def test_phrases_are_those_of_the_reference(sentences, scoring, min_count, connectors, threads):
    kind, threshold = scoring
    found, _ = joined(
        sentences, threads, scoring=kind, threshold=threshold, min_count=min_count, connectors=connectors
    )
    assert found == reference(sentences, kind, threshold, min_count, connectors)


def test_planted_phrases_are_found_in_passes():
    rng = np.random.default_rng(0)
    filler = [f"w{i}" for i in range(50)]
    sentences = []
    for _ in range(400):
        words = rng.choice(filler, 8).tolist()
        words[3:3] = ["new", "york", "times"]
        sentences.append(words)
    found, report = joined(sentences, scoring="npmi", passes=2, delimiter="~")
    assert all("new~york~times" in line for line in found)
    assert report.n_phrases == [400, 400]


@pytest.mark.parametrize(
    ("reading", "delimiter"),
    [({"sentence": "document"}, "_"), ({"sentence": 7}, "_"), ({"tokenizer": "words"}, "+"),
     ({"max_word_bytes": 4, "lowercase": True}, "_")],
)  # fmt: skip
def test_later_passes_read_what_is_joined_as_it_stands(reading, delimiter):
    """They cut it into other sentences, took phrases apart again, or dropped them as too long."""
    text = b"new york city is big\nnew york city\n" * 30 + b"old york is a new city\n" * 5
    options, found = {"min_count": 1, "for_training": False, **reading}, []
    for passes in (1, 3):
        sources = [Source(io.BytesIO(text)), Source(io.BytesIO(text.upper()))]
        report = PhraseReport()
        how = PhraseOptions(passes=passes, threshold=1.0, delimiter=delimiter)
        found.append(b"".join(join_phrases(sources, ReadingOptions(**options), how, report)).decode())
        assert report.reading.n_too_long == 0
    assert found[0].count("\n") == found[1].count("\n")  # as many sentences
    assert found[0].replace(delimiter, " ") == found[1].replace(delimiter, " ")
    assert f"new{delimiter}york{delimiter}city" in found[1]
    assert f"new{delimiter}york{delimiter}city" not in found[0]


def test_tables_grow_and_forget_only_when_they_must(monkeypatch):
    rng = np.random.default_rng(0)
    sentences = [[f"w{i}" for i in rng.integers(0, 300, 40)] for _ in range(200)] + [["x", "y"]] * 50
    monkeypatch.setattr(phrases, "_FIRST_SLOTS", 4)
    whole, report = joined(sentences, threads=2)
    assert report.n_forgotten == 0
    assert whole == reference(sentences, "word2phrase", 100.0, 5)
    monkeypatch.setattr(phrases, "_MOST_SLOTS", 1 << 11)
    pruned, report = joined(sentences)
    assert report.n_forgotten > 0
    assert pruned[-1] == ["x_y"]


def test_counts_end_at_the_most_that_they_can_hold():
    """A pair may occur more than 2^31 times; it must not become rare by that."""
    table = PairTable(np.zeros(4, np.uint64), np.zeros(4, np.int32))
    text = np.array([0, 1], np.int32), np.array([0, 2])
    for expected in (1, 2**31 - 2, 2**31 - 1, 2**31 - 1):
        count_pairs(*text, 0, 0, 1, np.zeros(2, np.bool_), 0, 1, table, 0)
        assert table.counts.max() == expected
        assert table.counts.min() == 0
        if expected == 1:
            table.counts[table.counts == 1] = 2**31 - 3


def test_blocks_of_sentences_change_nothing(monkeypatch):
    rng = np.random.default_rng(1)
    sentences = [rng.choice(list("abcdef"), rng.integers(1, 9)).tolist() for _ in range(300)]
    whole, _ = joined(sentences, threshold=1.1)
    monkeypatch.setattr(phrases, "_BLOCK_TOKENS", 7)
    assert joined(sentences, threads=3, threshold=1.1)[0] == whole


def test_scores_agree_with_gensim():
    gensim = pytest.importorskip("gensim")
    rng = np.random.default_rng(2)
    sentences = [rng.choice(["a", "b", "c", "d", "of", "e"], 9).tolist() for _ in range(200)]
    for scoring, threshold in (("default", 0.4), ("npmi", 0.05)):
        model = gensim.models.phrases.Phrases(
            sentences, min_count=3, threshold=threshold, scoring=scoring, connector_words=frozenset({"of"})
        )
        kind = "gensim" if scoring == "default" else scoring
        found, _ = joined(sentences, scoring=kind, threshold=threshold, min_count=3, connectors=frozenset({"of"}))
        assert found == [model[sentence] for sentence in sentences]
