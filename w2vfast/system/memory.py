"""How much memory this process may still take."""

import re
from pathlib import Path

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

_GROUPS = "/sys/fs/cgroup"
#: Of control groups, version 2 and 1: limit, use, what is used for what, and how lines for a whole group begin.
_GROUP_FILES = (
    ("memory.max", "memory.current", "memory.stat", ""),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_"),
)


def available_bytes() -> int | None:
    """Return the least of: the machine's free memory, the control group's rest, the address space's rest.

    None where the system tells nothing.
    """
    limits = [limit for limit in (_machine(), _control_group(), _address_space()) if limit is not None]
    return min(limits, default=None)


def used_bytes() -> int | None:
    """Return how much memory this process has in use, None where the system does not tell."""
    match = re.search(r"VmRSS:\s+(\d+) kB", _text("/proc/self/status"))
    return int(match[1]) * 1024 if match else None


def _machine() -> int | None:
    match = re.search(r"MemAvailable:\s+(\d+) kB", _text("/proc/meminfo"))
    return int(match[1]) * 1024 if match else None


def _control_group() -> int | None:
    """Return what the group's limit leaves; pages of files that were read give way and do not count."""
    for limit, used, stat, prefix in _GROUP_FILES:
        most, now = _text(f"{_GROUPS}/{limit}").strip(), _text(f"{_GROUPS}/{used}").strip()
        if most.isdigit() and now.isdigit():
            pages = re.findall(rf"^{prefix}(?:in)?active_file (\d+)$", _text(f"{_GROUPS}/{stat}"), re.MULTILINE)
            return int(most) - max(0, int(now) - sum(map(int, pages)))
    return None


def _address_space() -> int | None:
    if resource is None:
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    match = re.search(r"VmSize:\s+(\d+) kB", _text("/proc/self/status"))
    return limit - int(match[1]) * 1024 if limit != resource.RLIM_INFINITY and match else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
