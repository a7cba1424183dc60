"""How many processors this process may use."""

import contextlib
import math
import os
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


def count_cpus() -> int:
    """Return the CPUs of the affinity mask, capped by the quota of the control group, at least 1."""
    has_mask = hasattr(os, "sched_getaffinity")
    allowed = len(os.sched_getaffinity(0)) if has_mask else os.cpu_count() or 1
    return max(1, min(allowed, _quota()))


def _quota() -> int:
    """Return the whole CPUs that the control group's quota pays for, rounded up; many where there is none."""
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # versions 2 and 1
        with contextlib.suppress(OSError, ValueError):  # not this version, or "max"
            quota, period = " ".join((_GROUPS / name).read_text() for name in names).split()
            if int(quota) > 0:
                return math.ceil(int(quota) / int(period))
    return 1 << 20
