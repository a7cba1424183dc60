"""What the system grants: memory and processors of control groups, version 1 and 2."""

import pytest

from w2vfast.system import memory, threads

V2_MEMORY = {
    "memory.max": "1000000\n",
    "memory.current": "900000\n",
    "memory.stat": "anon 100000\nfile 800000\nactive_anon 5\ninactive_file 600000\nactive_file 150000\n",
}
V1_MEMORY = {
    "memory/memory.limit_in_bytes": "1000000\n",
    "memory/memory.usage_in_bytes": "900000\n",
    "memory/memory.stat": "inactive_file 1\nactive_file 2\ntotal_inactive_file 600000\ntotal_active_file 150000\n",
}


@pytest.fixture
def group(tmp_path, monkeypatch):
    """Make the files of a control group."""
    monkeypatch.setattr(memory, "_GROUPS", str(tmp_path))
    monkeypatch.setattr(threads, "_GROUPS", tmp_path)

    def make(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)

    return make


@pytest.mark.parametrize("files", [V2_MEMORY, V1_MEMORY])
def test_text_that_was_read_does_not_count_as_memory_in_use(group, files):
    group(files)
    assert memory.available_bytes() == 850_000
    group({name: "" for name in files if name.endswith("stat")})
    assert memory.available_bytes() == 100_000


def test_more_pages_of_files_than_memory_in_use_leave_the_limit(group):
    """The numbers are not read at one moment."""
    group({**V2_MEMORY, "memory.current": "700000"})
    assert memory.available_bytes() == 1_000_000


@pytest.mark.parametrize("files", [{}, {"memory.max": "max\n", "memory.current": "5\n"}])
def test_without_a_limit_the_machine_s_memory_counts(group, files):
    group(files)
    assert memory._control_group() is None


@pytest.mark.parametrize(
    ("files", "n_cpus"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "max 100000\n"}, 9),
        ({"cpu/cpu.cfs_quota_us": "250000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 9),
        ({}, 9),
    ],
)
def test_processors_follow_the_quota(group, monkeypatch, files, n_cpus):
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda process: set(range(9)), raising=False)
    group(files)
    assert threads.count_cpus() == n_cpus
