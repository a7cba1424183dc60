"""Training in several processes: what cannot work is told, what can works."""

import multiprocessing
import sys

import pytest
from conftest import compiled_only

import w2vfast
from w2vfast.errors import UsageError


def train(path):
    """Train a little; return what came of it."""
    try:
        return len(w2vfast.train(path, dim=4, min_count=1, epochs=1, threads=2, sample=0))
    except UsageError as error:
        return str(error)


@compiled_only
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(sys.platform != "linux", reason="GNU OpenMP")
def test_a_forked_process_of_one_that_has_trained_says_that_it_cannot(tmp_path):
    """It was killed, and a pool that had started it waited for ever."""
    path = tmp_path / "c.txt"
    path.write_text("one two three four\n" * 50)
    assert train(path) == 4
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            result = pool.apply_async(train, [path]).get(timeout=60)
        assert result == 4 or (method == "fork" and "'spawn'" in result)
