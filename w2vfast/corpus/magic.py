"""What data is by its first bytes: text, compressed text, or what cannot be read as text."""

import re
from typing import TypeVar

T = TypeVar("T")

#: So many bytes tell what a file is.
START_BYTES = 4096
CONTAINER_FORMAT = "w2vfast-corpus"
#: Compression: the module and class that undo it, and what to say if the module is missing.
_COMPRESSIONS = {
    rb"\x1f\x8b": ("gzip", "GzipFile", "; this Python has no module gzip"),
    rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)": ("bz2", "BZ2Decompressor", "; this Python has no module bz2"),
    rb"\xfd7zXZ\0|\x5d\0\0..\xff{8}": ("lzma", "LZMADecompressor", "; this Python has no module lzma"),
    rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18": (  # a frame, or one to be skipped
        "zstandard", "ZstdDecompressor", " by zstd; needs: pip install 'w2vfast[zstd]'"),
}  # fmt: skip
_UNPACK = "; unpack it first and give the text files in it"
#: What is no text, however its bytes may be read, and what to do about it.
_FOREIGN = {
    rb".{4}\0{4}\{": "is a model or an encoded corpus, not text",
    rb"PK(?:\x03\x04|\x05\x06)": f"is a zip archive or an office document, not text{_UNPACK}, or save it as text",
    rb"7z\xbc\xaf\x27\x1c": f"is a 7z archive, not text{_UNPACK}",
    rb"Rar!\x1a\x07": f"is a rar archive, not text{_UNPACK}",
    rb".{257}ustar(?:\0|  \0)": f"is a tar archive, not text{_UNPACK}",
    rb"%PDF-\d\.\d\s.{0,1024}?\d obj\b": "is a PDF document, not text; convert it: pdftotext FILE",
    rb"SQLite format 3\0": "is an SQLite database, not text",
}
#: Text, but of another encoding.
_WIDE = {
    rb"\xff\xfe\0\0|\0\0\xfe\xff": "looks like UTF-32; convert it: iconv -f UTF-32 -t UTF-8 FILE",
    rb"\xff\xfe|\xfe\xff": "looks like UTF-16; convert it: iconv -f UTF-16 -t UTF-8 FILE",
    rb"(?:[\t\n\r -~]\0){8}": "looks like UTF-16; convert it: iconv -f UTF-16LE -t UTF-8 FILE",
    rb"(?:\0[\t\n\r -~]){8}": "looks like UTF-16; convert it: iconv -f UTF-16BE -t UTF-8 FILE",
}


def compression_of(start: bytes) -> tuple[str, str, str] | None:
    """Return module and class that undo the compression of data that begins so, and what to say without them."""
    return _first(_COMPRESSIONS, start)


def is_compressed(start: bytes) -> bool:
    """Tell whether data that begins so is compressed text."""
    return compression_of(start) is not None


def foreign_of(start: bytes) -> str | None:
    """Return what data is that begins so and is no text, such as a model or an archive; None for text."""
    return _first(_FOREIGN, start)


def unreadable_of(start: bytes) -> str | None:
    """Return why data that begins so cannot be read as UTF-8 text; None if it can, or could be mended."""
    return foreign_of(start) or _first(_WIDE, start)


def begins_container(start: bytes) -> bool:
    """Tell whether data that begins so is an encoded corpus."""
    return start[8:9] == b"{" and start[4:8] == bytes(4) and CONTAINER_FORMAT.encode() in start


def _first(table: dict[bytes, T], start: bytes) -> T | None:
    """Return the entry of the first pattern that data begins with."""
    return next((entry for pattern, entry in table.items() if re.match(pattern, start, re.DOTALL)), None)
