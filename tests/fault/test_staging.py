"""Outputs are whole or not there."""

import fcntl
import os
import stat
import threading
import time

import pytest

from w2vfast.errors import OutputError, UsageError
from w2vfast.system.staging import Staging

CONTENT = b"0123456789"


def put(path, content=CONTENT, claimed=None):
    """Write through a staging."""
    with Staging(path) as staging:
        staging.reserve(1000)
        staging.write(lambda staged: staged.write_bytes(content), len(content) if claimed is None else claimed)


def test_a_file_appears_whole_and_nothing_is_left_over(tmp_path):
    put(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert os.listdir(tmp_path) == ["out"]


def test_a_failure_leaves_the_old_file(tmp_path):
    (tmp_path / "out").write_bytes(b"old")
    with pytest.raises(OutputError):
        put(tmp_path / "out", claimed=len(CONTENT) + 1)
    with pytest.raises(RuntimeError), Staging(tmp_path / "out") as staging:
        staging.reserve(10)
        raise RuntimeError
    assert (tmp_path / "out").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out"]


def test_places_that_cannot_be_written_are_found_at_once(tmp_path):
    """O1; a path below a file, since root may write anywhere else."""
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "file" / "out", tmp_path / "none" / "out"):
        with pytest.raises(OutputError, match="cannot write"):
            Staging(place)
    with pytest.raises(UsageError, match="is a folder"):
        Staging(tmp_path)


def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    """O5."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("sub/real")
    put(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "sub" / "real").read_bytes() == CONTENT


def test_modes_follow_the_umask_or_the_old_file(tmp_path):
    """O6."""
    before = os.umask(0o027)
    try:
        put(tmp_path / "new")
        (tmp_path / "old").write_bytes(b"")
        (tmp_path / "old").chmod(0o604)
        put(tmp_path / "old")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o604


def test_a_fifo_is_written_to_and_stays(tmp_path):
    """O4."""
    os.mkfifo(tmp_path / "fifo")
    received = []
    reader = threading.Thread(target=lambda: received.append((tmp_path / "fifo").read_bytes()))
    reader.start()
    put(tmp_path / "fifo")
    reader.join(10)
    assert received == [CONTENT]
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)


def test_leftovers_of_dead_runs_go_and_those_of_live_ones_stay(tmp_path):
    """T9."""
    old = time.time() - 3600
    dead, live, fresh = (
        tmp_path / f".out.{name}.tmp" for name in ("dead0dead0de", "0123456789ab", "f7e54f7e54f7")
    )
    other, mine = tmp_path / ".other.dead0dead0de.tmp", tmp_path / ".out.backup.tmp"
    for folder in (dead, live, fresh, other, mine):
        folder.mkdir()
        (folder / "result").write_bytes(b"x")
        if folder != fresh:
            os.utime(folder, (old, old))
    lock = os.open(live, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    put(tmp_path / "out")
    os.close(lock)
    assert not dead.exists()
    assert live.exists()
    assert fresh.exists()
    assert other.exists()
    assert mine.exists()


def test_another_run_that_writes_the_same_is_told_of(tmp_path):
    """T15: nobody waits; the last one to finish wins."""
    with Staging(tmp_path / "out") as first:
        assert not first.is_contested
        with Staging(tmp_path / "out") as second, Staging(tmp_path / "other") as other:
            assert second.is_contested
            assert not other.is_contested
        first.write_bytes(b"first")
    with Staging(tmp_path / "out") as alone:
        assert not alone.is_contested


def test_files_of_a_folder_are_for_those_that_the_user_lets_read(tmp_path):
    """O6: the library that writes tensors makes them for the user alone."""

    def fill(folder):
        for name in ("a", "b"):
            (folder / name).write_bytes(b"x")
            (folder / name).chmod(0o600)

    usual = tmp_path / "usual"
    usual.touch()
    with Staging(tmp_path / "out", files=("a", "b")) as staging:
        staging.write(fill, None)
    assert {(tmp_path / "out" / name).stat().st_mode for name in "ab"} == {usual.stat().st_mode}
    (tmp_path / "out" / "a").chmod(0o640)
    with Staging(tmp_path / "out", files=("a", "b")) as staging:
        staging.write(fill, None)
    assert stat.S_IMODE((tmp_path / "out" / "a").stat().st_mode) == 0o640


def test_too_little_disk_is_found_before_anything_is_written(tmp_path):
    with Staging(tmp_path / "out") as staging, pytest.raises(OutputError, match=r"No space left|too large"):
        staging.reserve(1 << 60)
    assert os.listdir(tmp_path) == []


def test_eight_writers_leave_one_whole_file(tmp_path):
    """T15."""
    contents = [bytes([65 + i]) * 100_000 for i in range(8)]
    writers = [threading.Thread(target=put, args=(tmp_path / "out", content)) for content in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (tmp_path / "out").read_bytes() in contents
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_appears_meanwhile_is_not_replaced_if_none_may_be(tmp_path, monkeypatch, has_links):
    if not has_links:
        monkeypatch.setattr(os, "link", lambda *paths: (_ for _ in ()).throw(PermissionError(1, "no links")))
    with Staging(tmp_path / "new", replaces=False) as staging:
        staging.write_bytes(b"new")
    with Staging(tmp_path / "out", replaces=False) as staging:
        (tmp_path / "out").write_bytes(b"other")
        with pytest.raises(OutputError, match=r"cannot write .*out: File exists"):
            staging.write_bytes(b"new")
    assert (tmp_path / "new").read_bytes() == b"new"
    assert (tmp_path / "out").read_bytes() == b"other"
    assert sorted(os.listdir(tmp_path)) == ["new", "out"]
