"""No reader does anything with damaged or invented bytes but read or refuse them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readers import READERS, attempt, seeds


@st.composite
def damaged(draw, content):
    """Bytes that were once a good file: some cut out, changed, doubled or put in."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        where = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 40))
        change = draw(st.sampled_from(["cut", "drop", "flip", "put", "double", "zero"]))
        if change == "cut":
            del data[where:]
        elif change == "drop":
            del data[where : where + length]
        elif change == "flip" and where < len(data):
            data[where] ^= 1 << draw(st.integers(0, 7))
        elif change == "put":
            data[where:where] = draw(st.binary(max_size=40))
        elif change == "double":
            data[where:where] = data[where : where + length]
        elif change == "zero":
            data[where : where + length] = bytes(len(data[where : where + length]))
    return bytes(data)


@pytest.fixture(scope="module", params=READERS)
def reader(request, tmp_path_factory):
    """The name of a reader, a folder for it, its seeds, and what lies in the folder when a seed has been read."""
    folder = tmp_path_factory.mktemp(request.param)
    some = seeds(request.param, folder)
    attempt(request.param, some[0], folder)
    return request.param, folder, some, sorted(os.listdir(folder))


def test_seeds_are_read_or_refused(reader):
    """M2, M9, M13: good ones come first, and are read."""
    name, folder, some, files = reader
    assert attempt(name, some[0], folder)
    for seed in some:
        assert attempt(name, seed, folder) == attempt(name, seed, folder)
    assert sorted(os.listdir(folder)) == files


@settings(max_examples=400)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(reader, data):
    """C6, C15, C16, M2, M3, M5, M9, M13, T18: by the bytes alone, with no other error, leaving nothing behind."""
    name, folder, some, files = reader
    content = data.draw(damaged(data.draw(st.sampled_from(some))))
    assert attempt(name, content, folder) == attempt(name, content, folder)
    assert sorted(os.listdir(folder)) == files


@given(data=st.binary(max_size=300), start=st.integers(0, 60), which=st.integers(0, 100))
def test_invented_files_are_read_or_refused(reader, data, start, which):
    name, folder, some, files = reader
    content = some[which % len(some)][:start] + data
    assert attempt(name, content, folder) == attempt(name, content, folder)
    assert sorted(os.listdir(folder)) == files


def test_the_guided_fuzzer_runs(tmp_path):
    pytest.importorskip("atheris")
    targets = Path(__file__).with_name("targets.py")
    run = subprocess.run(
        [sys.executable, targets, "lists", "--seconds", "2"], capture_output=True, text=True, timeout=300,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert int(re.search(r"number_of_executed_units: +(\d+)", run.stderr)[1]) > 10
