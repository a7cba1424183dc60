"""What a file is by its first bytes: compressed text is read, archives and other encodings are refused."""

import io
import lzma
import struct
import tarfile
import zipfile

import numpy as np
import pytest

from w2vfast.corpus.magic import compression_of, unreadable_of
from w2vfast.corpus.sources import Source, find_sources
from w2vfast.errors import CorpusError
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.vocab import Vocab

TEXT = b"one two three\nfour five six\n" * 50


def read(data):
    """The text of a stream."""
    return b"".join(Source(io.BytesIO(data)).blocks())


def test_zstd_with_skippable_frames_is_read():
    """Pzstd writes one before each frame; it was counted as words."""
    zstandard = pytest.importorskip("zstandard")
    frame, skipped = zstandard.compress(TEXT), struct.pack("<II", 0x184D2A50, 4) + b"abcd"
    assert read(skipped + frame + skipped + frame) == 2 * TEXT


def test_lzma_of_the_old_kind_is_read():
    assert read(lzma.compress(TEXT, lzma.FORMAT_ALONE)) == TEXT


def archive(kind):
    """A file in an archive."""
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as archived:
            archived.writestr("corpus.txt", TEXT)
        return file.getvalue()
    with tarfile.open(
        fileobj=file, mode="w:gz" if kind == "tar.gz" else "w", format=tarfile.GNU_FORMAT
    ) as archived:
        info = tarfile.TarInfo("corpus.txt")
        info.size = len(TEXT)
        archived.addfile(info, io.BytesIO(TEXT))
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (archive("zip"), "is a zip archive .*unpack it"),
        (archive("tar"), "is a tar archive.*unpack it"),
        (archive("tar.gz"), "is a tar archive.*unpack it"),
        (b"7z\xbc\xaf\x27\x1c\0\4" + TEXT, "is a 7z archive"),
        (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<\n", "is a PDF document.*pdftotext"),
        (TEXT.decode().encode("utf-16"), "looks like UTF-16.*iconv -f UTF-16 -t UTF-8"),
        (b"\xfe\xff" + TEXT.decode().encode("utf-16-be"), "looks like UTF-16"),
        (TEXT.decode().encode("utf-16-le"), "looks like UTF-16.*iconv -f UTF-16LE -t UTF-8"),
        (TEXT.decode().encode("utf-16-be"), "looks like UTF-16.*iconv -f UTF-16BE -t UTF-8"),
        (TEXT.decode().encode("utf-32"), "looks like UTF-32"),
    ],
)
def test_what_is_no_text_is_refused_with_advice(data, message):
    """Their bytes were counted as words, or their letters."""
    with pytest.raises(CorpusError, match=message):
        read(data)


def test_a_compressed_model_is_refused_and_archives_in_a_folder_are_skipped(tmp_path):
    model = Embeddings(Contents(np.ones((2, 3), np.float32), Vocab(["a", "b"], np.array([2, 1]))))
    model.save(tmp_path / "m.w2v")
    packed = lzma.compress((tmp_path / "m.w2v").read_bytes())
    with pytest.raises(CorpusError, match="is a model"):
        read(packed)
    (tmp_path / "a.zip").write_bytes(archive("zip"))
    (tmp_path / "a.txt").write_bytes(TEXT)
    notes = []
    assert [source.name for source in find_sources(tmp_path, notes.append)] == ["a.txt"]
    assert notes == [f"skipped in {tmp_path}: 2 files of no text, such as a.zip"]


@pytest.mark.parametrize(
    "begin",
    [
        b"BZhang is a name", b"BZh9 is a name", b"PK is short", b"7z is a program", b"%PDF-1.4 is a format\n",
        b"x" * 257 + b"ustar is a word", b"ustar  ", b"]\n", b"P*M", b"SQLite format 3 is old", b"Rar!",
        b"BZh91AY&",
    ],
)  # fmt: skip
def test_text_that_begins_like_a_magic_number_is_text(begin):
    """BZh alone was taken for bzip2."""
    assert compression_of(begin) is None
    assert unreadable_of(begin) is None
    assert read(begin + TEXT) == begin + TEXT
