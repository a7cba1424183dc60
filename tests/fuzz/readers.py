"""Every reader as a function of bytes, and files to begin with: what fuzzers call.

A reader may refuse bytes with one of w2vfast's own errors, or read them to something that makes sense. Whatever
else happens is a fault.
"""

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from w2vfast.corpus.container import load_corpus
from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import Source, find_sources
from w2vfast.corpus.wordlists import read_vocab, read_words
from w2vfast.errors import CorpusError, DataError, FormatError, UsageError
from w2vfast.kernels.arguments import Model
from w2vfast.model.contents import Contents
from w2vfast.model.evaluate import read_test
from w2vfast.model.expression import parse_expression
from w2vfast.model.formats.registry import read_vectors, write_vectors
from w2vfast.model.formats.stream import stream_of
from w2vfast.model.packed import write_model
from w2vfast.system.staging import Staging
from w2vfast.training.checkpoint import FORM, Saved
from w2vfast.vocab import Vocab

DATA = Path(__file__).parents[1] / "data"
WORDS = ["king", "naïve", "日本語"]
_MOST_BYTES = 1 << 16
REFUSALS = (CorpusError, DataError, FormatError, UsageError)


def small(**more) -> Contents:
    """A model of three words."""
    vectors = np.arange(12, dtype=np.float32).reshape(3, 4) / 8
    return Contents(vectors, Vocab(WORDS, np.array([3, 2, 1])), -vectors, {"dim": 4}, **more)


def vectors(data: bytes, folder: Path) -> None:
    """A file of vectors of any format that is one file."""
    (folder / "vectors").write_bytes(data)
    found = read_vectors(folder / "vectors")
    assert found.vectors.shape[0] == len(found.vocab) > 0
    assert np.isfinite(found.vectors).all()
    assert len(set(found.vocab.words)) == len(found.vocab)


def numpy_vectors(data: bytes, folder: Path) -> None:
    """A .npy file beside its words."""
    (folder / "words.txt").write_text("\n".join(WORDS))
    (folder / "vectors.npy").write_bytes(data)
    assert read_vectors(folder).vectors.shape[0] == 3


def checkpoint(data: bytes, folder: Path) -> None:
    """A checkpoint."""
    (folder / "m.ckpt").write_bytes(data)
    saved = Saved(folder / "m.ckpt")
    model = Model(*np.zeros((2, len(saved.vocab), saved.params["dim"]), np.float32))
    saved.fill(model)


def container(data: bytes, folder: Path) -> None:
    """An encoded corpus."""
    (folder / "c.w2vc").write_bytes(data)
    corpus = load_corpus(folder / "c.w2vc")
    assert corpus.ids.size == corpus.offsets[-1]
    assert 0 <= corpus.ids.min() <= corpus.ids.max() < len(corpus.vocab)


def text(data: bytes, folder: Path) -> None:
    """A text to train on, compressed or not."""
    (folder / "text").write_bytes(data)
    corpus = encode(
        find_sources(str(folder / "text")), ReadingOptions(min_count=1, allow_truncated=data[:1] == b"\x1f")
    )
    assert all(word and not any(c.isspace() or c == "\0" for c in word) for word in corpus.vocab.words)
    assert corpus.vocab.counts.sum() == corpus.n_tokens == corpus.ids.size


def lists(data: bytes, folder: Path) -> None:
    """Lists of words, tests and expressions."""
    (folder / "list").write_bytes(data)
    for read in (read_words, read_vocab, read_test):
        try:
            read(folder / "list")
        except REFUSALS:
            continue
    parse_expression(data.decode("utf-8", "replace"))


READERS: dict[str, Callable[[bytes, Path], None]] = {
    "vectors": vectors, "numpy": numpy_vectors, "checkpoint": checkpoint, "container": container, "text": text,
    "lists": lists,
}  # fmt: skip


def attempt(reader: str, data: bytes, folder: Path) -> bool:
    """Let a reader try; return whether it accepted the bytes."""
    try:
        READERS[reader](data[:_MOST_BYTES], folder)
    except REFUSALS as error:
        assert str(error)
        return False
    return True


def seeds(reader: str, folder: Path) -> list[bytes]:
    """Return files that a reader accepts, other trainers' among them, and hostile ones."""
    return {
        "vectors": _vector_seeds, "numpy": _numpy_seeds, "checkpoint": _checkpoint_seeds,
        "container": _container_seeds, "text": _text_seeds, "lists": _list_seeds,
    }[reader](folder)  # fmt: skip


def header(text: str | bytes) -> bytes:
    """A native file's header with any text."""
    content = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(content)) + content


def _vector_seeds(folder: Path) -> list[bytes]:
    found = [path.read_bytes() for path in sorted(DATA.iterdir())]
    for form in ("txt", "bin", "w2v", "jsonl", "sqlite"):
        write_vectors(folder / form, stream_of(small()), form)
        found.append((folder / form).read_bytes())
    found.append(b"the 0.1 0.2 0.3\nof -1e-3 2 3\n")  # as GloVe writes it: no header
    huge = '{"vectors":{"dtype":"F32","shape":[1000000000,300],"data_offsets":[0,1200000000000]}}'
    return [
        *found, header(huge), header("[" * 5000), header('{"a":' * 2000), header("{}"), struct.pack("<Q", 2**63),
        struct.pack("<Q", 0) + b"{", header('{"vectors":{},"vectors":{}}'), header('{"x":' + "9" * 5000 + "}"),
        header('{"vectors":{"dtype":"BF16","shape":[1,1],"data_offsets":[0,2]}}') + b"ab", b"\x80\x04K\x01.",
        b"999999999 300\nword ", b"-1 3\na 1 2 3\n", "١ 2\na 1 2\n".encode(), b"1 1\n" + b"w" * 6000,
    ]  # fmt: skip


def _numpy_seeds(folder: Path) -> list[bytes]:
    found = []
    for dtype in ("<f4", "<f8", "<f2"):
        stream = io.BytesIO()
        np.save(stream, np.arange(12).reshape(3, 4).astype(dtype))
        found.append(stream.getvalue())
    return [*found, found[0].replace(b"(3, 4)", b"(9" + b"9" * 9 + b", 4)"), found[0].replace(b"<f4", b"|O8")]


def _checkpoint_seeds(folder: Path) -> list[bytes]:
    progress = {
        "done": 5, "total": 10, "n_pairs": 3, "epoch_loss_sum": 1.5, "n_measured": 2, "last_loss": 0.7,
        "best_held_out_loss": -1.0, "n_worse": 0,
    }  # fmt: skip
    about = {"progress": progress, "fingerprint": {"tokens": 10}, "base": None}
    write_model(folder / "seed", small(), FORM, {"states": np.arange(2)}, about)
    good = (folder / "seed").read_bytes()
    return [good, good.replace(json.dumps(5).encode(), b"7", 1)]


def _container_seeds(folder: Path) -> list[bytes]:
    from w2vfast.corpus.container import save_corpus

    corpus = encode([Source(io.BytesIO(b"a b c a b\nc a b\n" * 3))], ReadingOptions(min_count=1))
    with Staging(folder / "seed") as staging:
        save_corpus(corpus, staging)
    return [(folder / "seed").read_bytes()]


def _text_seeds(folder: Path) -> list[bytes]:
    import bz2
    import gzip
    import lzma

    plain = "one two\tthree\r\nnaïve 日本語\u3000x\u00a0y\0z\n\ufeff end".encode()
    bad = b"caf\xe9 \xf0\x9f ok \xed\xa0\x80 end\n"
    return [plain, bad, gzip.compress(plain) + gzip.compress(bad), bz2.compress(plain), lzma.compress(plain)]


def _list_seeds(folder: Path) -> list[bytes]:
    return [
        b"the\t10\nof 5\n", b"# words\nking\nqueen\n", b": capital\nparis france rome italy\n",
        b"a\tb\t7.5\nc,d,3\n", b"king - man + woman", b"2*king - 0.5 * (man",
    ]  # fmt: skip
