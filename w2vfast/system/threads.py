"""How many processors this process may use."""

import contextlib
import math
import os
from pathlib import Path

from w2vfast.errors import UsageError

_GROUPS = Path("/sys/fs/cgroup")


def count_cpus() -> int:
    """Return the CPUs of the affinity mask, capped by the quota of the control group, at least 1."""
    has_mask = hasattr(os, "sched_getaffinity")
    allowed = len(os.sched_getaffinity(0)) if has_mask else os.cpu_count() or 1
    return max(1, min(allowed, _quota()))


def check_numba_threads() -> None:
    """Raise a UsageError if NUMBA_NUM_THREADS is a number that Numba cannot be imported with."""
    value = os.environ.get("NUMBA_NUM_THREADS", "")
    try:
        threads = int(value or 1)
    except ValueError:  # Numba warns, and takes another
        return
    if threads < 1:
        raise UsageError(f"the environment variable NUMBA_NUM_THREADS is {value}; unset it, or give 1 or more")


def _quota() -> int:
    """Return the whole CPUs that the control group's quota pays for, rounded up; many where there is none."""
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # versions 2 and 1
        with contextlib.suppress(OSError, ValueError):  # not this version, or "max"
            quota, period = " ".join((_GROUPS / name).read_text() for name in names).split()
            if int(quota) > 0:
                return math.ceil(int(quota) / int(period))
    return 1 << 20
