"""How much memory this process may still take."""

import re
from pathlib import Path

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]


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
    limit, used = _text("/sys/fs/cgroup/memory.max").strip(), _text("/sys/fs/cgroup/memory.current").strip()
    return int(limit) - int(used) if limit.isdigit() and used.isdigit() else None


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
