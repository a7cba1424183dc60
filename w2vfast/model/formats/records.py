"""JSON Lines and SQLite: one record a word, with id, word, count and vector."""

import contextlib
import errno
import itertools
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from w2vfast.errors import FormatError
from w2vfast.model.formats.stream import Pathlike, RawBlock, Stream, block_rows, checked, finite
from w2vfast.model.formats.word2vec import MOST_LINE_BYTES
from w2vfast.model.formats.writing import numbers_as_text, write_counted

_MOST_VALUE_BYTES = 1 << 24
_CREATE = """CREATE TABLE vectors (
    id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE, count INTEGER, vector BLOB NOT NULL
)"""
#: What a damaged database raises; its messages may quote text that is no UTF-8.
_DAMAGES = (sqlite3.Error, UnicodeDecodeError, OverflowError, TypeError)
_SELECT = "SELECT word, count, vector, typeof(vector) FROM vectors ORDER BY id"


def write_jsonl(path: Path, stream: Stream, *, packed: bool, dtype: type) -> None:
    """Write one JSON object a line: id, word, count, vector; the shortest decimals give each number back.

    Raises
    ------
    DataError
        A number is not finite, which JSON cannot hold.
    """

    def lines() -> Iterator[bytes]:
        ids = itertools.count()
        for block in finite(stream).blocks:
            counts = [0] * len(block.words) if block.counts is None else block.counts.tolist()
            numbers = numbers_as_text(block.vectors, dtype)
            for word, count, row in zip(block.words, counts, numbers, strict=True):
                head = json.dumps({"id": next(ids), "word": word, "count": count}).encode()
                yield head[:-1] + b', "vector": [' + b", ".join(row) + b"]}\n"

    write_counted(path, lines(), None, None, packed=packed)


def read_jsonl(path: Pathlike, stream: BinaryIO, *, allow_nonfinite: bool = False) -> Stream:
    """Read JSON objects with ``word`` and ``vector`` and perhaps ``count``, one a line.

    Raises
    ------
    FormatError
        A line is something else.
    """
    first = stream.readline(MOST_LINE_BYTES)
    dim = len(_record(path, first, 1)[2])
    step = block_rows(dim)

    def blocks() -> Iterator[RawBlock]:
        number, line = 1, first
        batch: list[tuple[bytes, int, list[float]]] = []
        while line:
            if line.strip():
                batch.append(_record(path, line, number))
                if len(batch[-1][2]) != dim:
                    raise FormatError(f"{path}: line {number:,} has not {dim} numbers")
            line = stream.readline(MOST_LINE_BYTES)
            number += 1
            if batch and (len(batch) == step or not line):
                words, counts, vectors = zip(*batch, strict=True)
                with np.errstate(over="ignore"):
                    yield words, np.array(vectors, np.float64).astype(np.float32), np.array(counts, np.int64)
                batch = []

    return checked(path, blocks(), dim, "JSON Lines", allow_nonfinite=allow_nonfinite)


def _record(path: Pathlike, line: bytes, number: int) -> tuple[bytes, int, list[float]]:
    """Return word, count and vector of a line."""
    try:
        record = json.loads(line)
        word, vector, count = record["word"], record["vector"], record.get("count") or 0
        numbers = [float(value) for value in vector if not isinstance(value, (bool, str))]
        if len(numbers) == len(vector) > 0 and isinstance(count, int) and 0 <= count < 1 << 63:
            return word.encode("utf-8", "replace"), count, numbers
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        pass
    raise FormatError(f"{path}: line {number:,} is no JSON object with a word and its vector")


def write_sqlite(path: Path, stream: Stream) -> None:
    """Write a database with the table ``vectors``: id, word, count, and the vector as little-endian float32."""
    try:
        _fill_database(path, stream)
    except sqlite3.Error as error:  # only the system can be against a new file
        number = errno.ENOSPC if "full" in str(error) else errno.EIO
        raise OSError(number, f"{os.strerror(number)} ({error})") from None


def _fill_database(path: Path, stream: Stream) -> None:
    ids = itertools.count()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")  # the finished file is flushed as a whole
        database.execute(_CREATE)
        database.execute("BEGIN")
        for block in stream.blocks:
            counts = [0] * len(block.words) if block.counts is None else block.counts.tolist()
            rows = np.ascontiguousarray(block.vectors, "<f4")
            records = ((next(ids), w, n, r.tobytes()) for w, n, r in zip(block.words, counts, rows, strict=True))
            database.executemany("INSERT INTO vectors VALUES (?, ?, ?, ?)", records)
        database.execute("COMMIT")


def read_sqlite(path: Pathlike, *, allow_nonfinite: bool = False) -> Stream:
    """Read the table ``vectors`` of a database: word, count and vector (little-endian float32) by id.

    Raises
    ------
    FormatError
        It is damaged, has no such table, or part of it lies in another file.
    """
    _refuse_unmerged(path)
    uri = Path(path).absolute().as_uri() + "?mode=ro&immutable=1"
    try:
        database = sqlite3.connect(uri, uri=True)
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_VALUE_BYTES)
        database.text_factory = bytes
        database.execute("PRAGMA trusted_schema = OFF")
        # only a plain table: a view could compute for ever, a virtual table run code of an extension
        found = database.execute("SELECT type, sql FROM sqlite_master WHERE name = 'vectors'").fetchall()
        if len(found) != 1 or found[0][0] != b"table" or not re.match(b"(?i)CREATE TABLE", found[0][1] or b""):
            raise FormatError(f"{path} is a database without a table of vectors")
        _refuse_made_up(path, database)
        first = database.execute(_SELECT + " LIMIT 1").fetchone()
        if first is None or first[3] != b"blob" or len(first[2]) < 4:
            raise FormatError(f"{path} has no vectors")
    except _DAMAGES as error:
        raise FormatError(f"{path} is damaged or has no vectors ({error})") from None
    dim = len(first[2]) // 4
    blocks = _sqlite_blocks(path, database, dim)
    return checked(path, blocks, dim, "SQLite", allow_nonfinite=allow_nonfinite)


def _refuse_unmerged(path: Pathlike) -> None:
    """Raise an error if another program's changes still lie beside the file, where they would be missed."""
    for suffix in ("-wal", "-journal"):
        beside = Path(os.path.realpath(path) + suffix)
        if not beside.is_file():
            continue
        with beside.open("rb") as file:
            is_live = file.read(1) not in (b"", b"\0")  # one that is done with is empty or begins with zeros
        if is_live:
            raise FormatError(
                f"{path} has changes that still lie in {beside.name}; end the program that writes it, or open and "
                "close it once: sqlite3 FILE 'PRAGMA wal_checkpoint(TRUNCATE)'"
            )


def _refuse_made_up(path: Pathlike, database: sqlite3.Connection) -> None:
    """Raise an error for columns whose values are not in the rows: a small file could then hold any amount."""
    for _, name, _, _, default, _, hidden in database.execute("PRAGMA table_xinfo(vectors)"):
        if hidden or (default is not None and name.lower() in (b"word", b"vector")):
            raise FormatError(f"{path}: the column {name.decode('utf-8', 'replace')!r} is computed, no data")


def _sqlite_blocks(path: Pathlike, database: sqlite3.Connection, dim: int) -> Iterator[RawBlock]:
    with contextlib.closing(database):
        try:
            cursor = database.execute(_SELECT)
            while records := cursor.fetchmany(block_rows(dim)):
                for word, count, vector, kind in records:
                    is_right = isinstance(word, bytes) and isinstance(count, int | None) and kind == b"blob"
                    if not is_right or len(vector) != 4 * dim:
                        raise FormatError(f"{path} has a record that is no word with {dim} numbers")
                words, counts, vectors, _ = zip(*records, strict=True)
                numbers: Any = np.frombuffer(b"".join(vectors), "<f4").reshape(-1, dim)
                yield words, numbers, np.array([max(0, count or 0) for count in counts], np.int64)
        except _DAMAGES as error:
            raise FormatError(f"{path} is damaged ({error})") from None
