"""Questions as nobody expects them: huge, many, of the wrong form."""

import time

import pytest

VECTORS = "4 2\nnorth 0 1\neast 1 0\nsouth 0 -1\nboth 1 1\n"


@pytest.fixture
def ask(w2v):
    """Ask a small model."""
    (w2v.folder / "map.vec").write_text(VECTORS)
    return lambda *args, **more: w2v(*args, "-m", "map.vec", **more)


def seconds(call):
    """How long a call takes, and what it returns."""
    begin = time.perf_counter()
    result = call()
    return time.perf_counter() - begin, result


def test_unknown_words_take_no_time(w2v):
    """Neither long ones nor many."""
    words = " ".join(f"letters{i}" for i in range(20_000))
    (w2v.folder / "c.txt").write_text(f"{words}\n" * 2)
    w2v("train", "c.txt", "-q", "--min-count", "1", "--epochs", "1", "--dim", "4")
    plain, _ = seconds(lambda: w2v("similar", "-", stdin=b"letters7\n"))
    took, result = seconds(lambda: w2v("similar", "-", stdin=b"x" * 3_000_000 + b"\nletters7\n"))
    assert took < plain + 2
    assert (result.returncode, result.stdout.count(b"\n"), len(result.stderr) < 300) == (1, 10, True)
    unknown = "".join(f"leters{i}x\n" for i in range(300)).encode()
    took, result = seconds(lambda: w2v("similar", "-", stdin=unknown))
    assert took < plain + 4
    assert result.stderr.count(b"is not in the vocabulary") == 300
    assert result.stderr.count(b"close: ") == 10


@pytest.mark.parametrize(
    ("args", "lines", "n_answers", "wrong"),
    [
        ("distance", "north south\n\nnorth\nnorth east\n", 1, "line 3: a question has at least 2 words"),
        ("rank", "north south\nnorth\n", 1, "line 2: a question has at least 2 words"),
        ("analogy -k 1", ": one\nnorth south east\nnorth south\n", 1, "line 3: a question has 3 words"),
        ("expr -k 1", "north + east\nnorth + south\nnorth -", 2, "line 3: a word is missing"),
        ("expr -k 1", f"north\n{'9' * 42} * north\n", 1, "line 2: the number before north is too large"),
    ],
)
def test_a_wrong_line_is_named_and_those_before_it_are_answered(ask, args, lines, n_answers, wrong):
    result = ask(*args.split(), "-", stdin=lines.encode())
    assert result.returncode == 2
    assert result.stdout.count(b"\n") == n_answers
    assert f"error: {wrong}" in result.stderr.decode()
    assert result.stderr.count(b"\n") == 1


def test_analogies_of_a_file_have_sections(ask):
    result = ask("analogy", "-k", "1", stdin=b": one\nnorth south east\n: two\nnorth both east\n")
    assert result.returncode == 0
    assert result.stdout.count(b"\n") == 2


def test_all_pairs_of_many_words(ask):
    """They are no list in memory."""
    result = ask("distance", stdin=b"north south east both " * 30 + b"\nnorth east\n")
    assert result.returncode == 0
    assert result.stdout.count(b"\n") == 120 * 119 // 2 + 1
    assert result.stdout.endswith(b"\nnorth\teast\t0.000000\n")


@pytest.mark.parametrize(
    ("args", "stdin", "code"),
    [
        (("expr", f"{'9' * 42} * north"), "", 2),
        (("similar", "--vector", "-"), "1e39 0\n", 3),
        (("similar", "north", "--min-score", "nan"), "", 2),
    ],
)
def test_numbers_that_cannot_be_used_are_refused_in_one_line(ask, args, stdin, code):
    result = ask(*args, stdin=stdin.encode())
    assert result.returncode == code
    assert result.stdout == b""
    assert result.stderr.count(b"\n") == 1
