"""Scores and classes that are not defined: null in JSON, a hyphen or nothing in tables, and no warnings."""

import json

import numpy as np
import pytest
from test_evaluate import model_of

from w2vfast.errors import DataError, UsageError
from w2vfast.model.evaluate import evaluate, read_test

pytestmark = pytest.mark.filterwarnings("error")
DIRECTIONS = [[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0.5]]


@pytest.mark.parametrize(
    ("golds", "vectors", "is_defined"),
    [
        ([0.1, 0.1, 0.1, 0.1], DIRECTIONS, False),
        ([0, 0, 0, 0], DIRECTIONS, False),
        ([1, 2, 3, 4], [[1, 0]] * 5, False),
        ([1e300, 2e300, 3e300, 4e300], DIRECTIONS, True),
    ],
)
def test_a_correlation_with_numbers_that_are_all_equal_is_not_defined(tmp_path, golds, vectors, is_defined):
    """It was NaN, which JSON cannot hold; squares of large numbers overflowed."""
    (tmp_path / "t.tsv").write_text("".join(f"a\t{b}\t{g}\n" for b, g in zip("bcde", golds, strict=True)))
    for score in evaluate(model_of("abcde", vectors), tmp_path / "t.tsv"):
        values = (score.score, score.low, score.high)
        assert score.total == 4
        assert all(value is not None and -100 <= value <= 100 for value in values) or not is_defined
        assert is_defined or values == (None, None, None)


def test_ends_of_intervals_stay_between_0_and_100(tmp_path):
    """There were -0.0 and 100.00000000000003."""
    (tmp_path / "wrong.txt").write_text("a b c e\n" * 3)
    (score,) = evaluate(model_of("abcde", DIRECTIONS), tmp_path / "wrong.txt")
    assert (score.correct, score.score, repr(score.low)) == (0, 0.0, "0.0")
    (tmp_path / "t.tsv").write_text("a b 0.9\na c 0.5\na d 0.1\n")
    vectors = [[1, 0], [0.9, 0.19**0.5], [0.5, 0.75**0.5], [0.1, 0.99**0.5]]
    assert all(s.high <= 100 and s.low >= -100 for s in evaluate(model_of("abcd", vectors), tmp_path / "t.tsv"))


def test_a_similarity_beyond_all_numbers_is_refused(tmp_path):
    (tmp_path / "t.tsv").write_text("a b 1\na c 1e999\n")
    with pytest.raises(DataError, match="line 2"):
        read_test(tmp_path / "t.tsv")


def test_classes_without_words_and_models_smaller_than_the_default(w2v, tmp_path):
    """An empty class had the mean cosine NaN; a plain cluster of a small model was an error about groups."""
    model = model_of("abcd", [[1, 0], [1, 0], [2, 0], [0, 1]])
    model.save(tmp_path / "m.w2v")
    for more in (("-k", "4"), ()):
        result = w2v("cluster", *more, "--summary", "--json", "-m", tmp_path / "m.w2v")
        records = [json.loads(line, parse_constant=pytest.fail) for line in result.stdout.splitlines()]
        assert len(records) == 4
        assert [r["mean_cosine"] is None for r in records] == [r["size"] == 0 for r in records]
        assert b"Warning" not in result.stderr
    result = w2v("cluster", "-k", "5", "-m", tmp_path / "m.w2v")
    assert (result.returncode, b"-k" in result.stderr, b"4 words" in result.stderr) == (2, True, True)
    with pytest.raises(UsageError, match="not 5"):
        model.cluster(5)
    assert np.unique(model.cluster(4)).size <= 4
