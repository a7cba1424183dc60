"""What a measurement was made on, for the tables."""

import json
import os
import platform
import shlex
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def describe() -> dict[str, object]:
    """Return processor, cores, memory and versions."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    best = next((name for name in ("avx512f", "avx2", "avx") if f" {name}" in flags), "")
    packages = {}
    for name in ("w2vfast", "numba", "numpy", "gensim", "fasttext", "word2vec"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "processor": f"{names[0] if names else platform.processor()} {best}".strip(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "packages": packages,
    }


def report(rows: list[dict], table: Callable[[list[dict]], str], output: str | None) -> None:
    """Print the command and its table, and store them with the machine, if anybody wants that."""
    result = {"command": command(), "machine": describe(), "rows": rows}
    if output:
        Path(output).write_text(json.dumps(result, indent=1) + "\n")
    print(f"`{result['command']}`\n\n{table(rows)}")


def command() -> str:
    """Return the command line that is running, without the folders of what lies outside the checkout."""
    return shlex.join(["python", "benchmarks/" + Path(sys.argv[0]).name, *(_short(a) for a in sys.argv[1:])])


def _short(argument: str) -> str:
    return Path(argument).name if argument.startswith(("/", "../")) else argument
