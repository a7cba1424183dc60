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
