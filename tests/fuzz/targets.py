"""A coverage-guided fuzzer on one reader, for longer runs than the suite's; needs: pip install atheris.

    python tests/fuzz/targets.py vectors --seconds 60

Every input has 5 seconds and the process 2 GB beyond what it begins with; what breaks is left in the folder as
crash-*. Ends with 0 if nothing broke, and says how many inputs were tried.
"""

import argparse
import resource
import sys
import tempfile
from pathlib import Path

import atheris

import w2vfast.kernels.phrases
import w2vfast.kernels.tokens  # noqa: F401 - compiled code is not instrumented

with atheris.instrument_imports(include=["w2vfast.model", "w2vfast.corpus", "w2vfast.training.checkpoint"]):
    import readers

_ROOM_BYTES = 2 << 30


def limit_memory() -> None:
    """Let the process grow by so much only."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + _ROOM_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", choices=readers.READERS)
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="w2vfast-fuzz-"))
    (folder / "seeds").mkdir()
    (folder / "work").mkdir()
    for number, seed in enumerate(readers.seeds(args.reader, folder / "work")):
        (folder / "seeds" / f"seed-{number}").write_bytes(seed)
        readers.attempt(args.reader, seed, folder / "work")  # compiled before memory is limited
    options = [
        f"-max_total_time={args.seconds}", "-timeout=5", "-max_len=65536", f"-artifact_prefix={folder}/",
        "-print_final_stats=1", str(folder / "seeds"),
    ]  # fmt: skip
    limit_memory()
    atheris.Setup(
        [sys.argv[0], *options], lambda data: bool(readers.attempt(args.reader, data, folder / "work")) and None
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
