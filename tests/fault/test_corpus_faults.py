"""The contract's table of corpus faults, by its ids, where no other test has them."""

import bz2
import gzip
import lzma
import os
import resource
import subprocess
import threading

import numpy as np
import pytest
from conftest import COMMAND
from hypothesis import given
from hypothesis import strategies as st
from test_corpus import encoded, sentences_of

from w2vfast.corpus.sources import find_sources
from w2vfast.corpus.tokenizer import _padded
from w2vfast.errors import CorpusError
from w2vfast.kernels.tokens import hash_word

LIMIT = 3 << 30  # of address space; what Numba and LLVM map is a third of it


def run_limited(args, chunks, folder):
    """Run a command that reads chunks of bytes from a pipe, with limited memory."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))

    process = subprocess.Popen(
        [*COMMAND, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, preexec_fn=limit
    )
    with process.stdin:
        for chunk in chunks:
            process.stdin.write(chunk)
    with process.stdout:
        return process.stdout.read(), process.wait(60)


@pytest.mark.parametrize("threads", [1, 2, 7, 64])
@pytest.mark.parametrize("n_tokens", [1, 2, 3, 20])
def test_c5_fewer_words_than_threads_train_or_are_refused(w2v, threads, n_tokens):
    text = " ".join("abcdefghij"[i % 10] for i in range(n_tokens)).encode()
    options = ("--min-count", "1", "--sample", "0", "--epochs", "1", "--dim", "3", "-q", "--threads", str(threads))
    assert w2v("train", "-", *options, stdin=text).returncode == (3 if n_tokens < 2 else 0)


def test_c9_a_giant_token_is_dropped_whole(w2v):
    parts = [b"one two ", *[b"\xc3\xa9" * 500_000] * 30, b" three one\n"]
    shown, code = run_limited(["vocab", "-", "--min-count", "1", "-q"], parts, w2v.folder)
    assert (shown, code) == (b"one\t2\ntwo\t1\nthree\t1\n", 0)


def test_c10_a_line_of_any_length_keeps_its_words(w2v):
    n_parts = 100
    shown, code = run_limited(["vocab", "-", "-q"], [b"one two three " * 100_000] * n_parts, w2v.folder)
    assert code == 0
    assert shown.splitlines() == [b"%s\t%d" % (word, 100_000 * n_parts) for word in (b"one", b"two", b"three")]


def test_c12_odd_words_are_ordinary_words():
    words = ["</s>", "<unk>", "42", "__proto__", "<script>", "=cmd()", "\u202eevil", "\x1b[2J", "\x7f"]
    assert sentences_of(encoded(" ".join(words).encode())) == [words]


def test_c13_a_fifo_is_read_once_and_like_the_file(w2v, corpus):
    fifo = w2v.folder / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(corpus.read_bytes()))
    writer.start()
    options = ("--threads", "1", "--epochs", "1", "-q", "-o")
    assert w2v("train", fifo, *options, "fifo.w2v").returncode == 0
    writer.join()
    assert w2v("train", corpus, *options, "file.w2v").returncode == 0
    answers = [w2v("similar", "one", "-q", "-m", model).stdout for model in ("fifo.w2v", "file.w2v")]
    assert answers[0] == answers[1] != b""


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_c16_a_flipped_bit_is_found(tmp_path, compress):
    text = np.random.default_rng(0).bytes(30_000).hex().encode()
    path, packed = tmp_path / "corpus", compress(text)
    for place in (len(packed) // 3, len(packed) // 2, len(packed) - 30):
        path.write_bytes(packed[:place] + bytes([packed[place] ^ 8]) + packed[place + 1 :])
        with pytest.raises(CorpusError):
            list(find_sources(path)[0].blocks())


def test_c17_garbage_behind_gzip_data_is_an_error(tmp_path):
    path = tmp_path / "corpus"
    path.write_bytes(gzip.compress(b"one two\n") + b"garbage")
    with pytest.raises(CorpusError, match="cannot read"):
        list(find_sources(path)[0].blocks())


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_c20_a_decompression_bomb_is_read_in_bounded_memory(w2v, compress):
    packed = compress(b"one two three\n" + bytes(1 << 28) + b"one two\n")
    shown, code = run_limited(["vocab", "-", "--min-count", "2", "-q"], [packed], w2v.folder)
    assert (shown, code) == (b"one\t2\ntwo\t2\n", 0)


def test_c21_words_that_collide_under_one_key_do_not_under_another():
    words = [f"w{i}".encode() for i in range(50_000)]

    def buckets(key):
        return np.array([int(hash_word(_padded(word), 0, len(word), np.uint64(key))) & 0xFF for word in words])

    colliding = np.flatnonzero(buckets(0) == 7)
    assert colliding.size > 100
    assert np.unique(buckets(0x1234_5678_9ABC_DEF1)[colliding]).size > 90


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(1, 63))
def test_c21_words_that_differ_in_a_few_bits_do_not_collide(key, bits, n):
    """Blocks of 16 letters in which two octets differ so little that changes could cancel out."""
    pairs = [(b"aaaaaaapbbbpbbbp", b"aaaaaaa0bbb0bbb0"), (b"aaaaaaaaaaaaaaaa", b"aaaaaaaAaaaaaaaA")]
    words = {
        b"".join(pair[chosen >> i & 1] for i in range(n)) for pair in pairs for chosen in (bits, 0, 2**64 - 1)
    }
    hashes = {int(hash_word(_padded(word), 0, len(word), np.uint64(key))) for word in words}
    assert len(hashes) == len(words)


def test_c22_a_large_vocabulary_is_counted_exactly(w2v):
    n_words = 500_000
    part = "\n".join(f"word{i}" for i in range(n_words)).encode() + b"\n"
    shown, code = run_limited(["vocab", "-", "--min-count", "2", "--max-vocab", "3", "-q"], [part] * 3, w2v.folder)
    assert (shown, code) == (b"word0\t3\nword1\t3\nword2\t3\n", 0)


def test_no_other_folder_than_tmpdir_is_taken(w2v, corpus):
    done = w2v("train", corpus, env={"TMPDIR": "/missing"})
    assert (done.returncode, b"TMPDIR=/missing cannot be written to" in done.stderr) == (4, True)
