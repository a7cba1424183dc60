"""Faults in long loops: each one tried so often, and how often what was left was whole.

    python tests/fault/soak.py [--rounds 1.0] [--output results/soak.json]

Prints a line for each; ends with 1 if anything was torn, lost or accepted that should not be.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from w2vfast.errors import FormatError
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.formats.registry import FOLDERS, FORMATS, read_vectors, write_vectors
from w2vfast.model.formats.stream import stream_of
from w2vfast.training.checkpoint import Saved
from w2vfast.vocab import Vocab

TRAIN = [sys.executable, "-m", "w2vfast", "train", "text.txt"]
OPTIONS = ["--epochs", "30", "--threads", "1", "--dim", "40", "--sample", "0", "--checkpoint-every", "0.001"]
TESTS = Path(__file__).parents[1]
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def start(folder: Path, *args: str) -> subprocess.Popen:
    """Begin to train, as a shell would start it."""

    def obey() -> None:
        for number in STOPS:
            signal.signal(number, signal.SIG_DFL)

    return subprocess.Popen([*TRAIN, *args], cwd=folder, stderr=subprocess.DEVNULL, preexec_fn=obey)


def ended_by(folder: Path, rng: random.Random, numbers: tuple[int, ...], times: int) -> tuple[int, int]:
    """Stop runs by signals at random times, going on each time; the result must be that of a whole run."""
    subprocess.run([*TRAIN, *OPTIONS, "-q", "-o", "whole.w2v"], cwd=folder, check=True)
    whole, n_whole, begin = (folder / "whole.w2v").read_bytes(), 0, [*OPTIONS]
    checkpoint, model = folder / "m.w2v.ckpt", folder / "m.w2v"
    for _ in range(times):
        process = start(folder, *(["--resume"] if checkpoint.exists() else begin), "-o", "m.w2v")
        time.sleep(rng.uniform(0.3, 2.5))
        process.send_signal(rng.choice(numbers))
        process.wait(120)
        is_right = not model.exists() or model.read_bytes() == whole
        if checkpoint.exists():
            Saved(checkpoint)  # raises if it is torn
        n_whole += is_right
        if model.exists():
            model.unlink()
    return times, n_whole


def damaged(folder: Path, rng: random.Random, times: int) -> tuple[int, int]:
    """Cut or change files of every format; each must be refused, or read to vectors of the right shape."""
    words = [f"w{i}" for i in range(200)]
    vectors = np.random.default_rng(0).normal(size=(200, 20)).astype(np.float32)
    n_right = 0
    for number in range(times):
        form = FORMATS[number % len(FORMATS)]
        place = folder / f"damaged-{number}"
        if form in FOLDERS:
            place.mkdir()
        write_vectors(place, stream_of(Contents(vectors, Vocab(words, np.zeros(200, np.int64)))), form)
        file = place / FOLDERS[form][rng.randrange(2)] if form in FOLDERS else place
        data = bytearray(file.read_bytes())
        if rng.random() < 0.5:
            del data[rng.randrange(len(data)) :]
        else:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        file.write_bytes(data)
        try:
            found = read_vectors(place)
            n_right += found.vectors.shape == (len(found.vocab), found.vectors.shape[1])
        except FormatError:
            n_right += 1
    return times, n_right


def read_while_written(folder: Path, times: int) -> tuple[int, int]:
    """Read a model that another program replaces again and again."""
    program = (
        "import sys, w2vfast\nmodels = [w2vfast.load(p) for p in sys.argv[2:]]\n"
        "while True:\n    [m.save(sys.argv[1]) for m in models]"
    )
    vectors = np.ones((3000, 50), np.float32)
    paths = [folder / f"size-{n}.w2v" for n in (1000, 3000)]
    for n, path in zip((1000, 3000), paths, strict=True):
        Embeddings(Contents(vectors[:n], Vocab([f"w{i}" for i in range(n)], np.zeros(n, np.int64)))).save(path)
    target, n_whole = folder / "target.w2v", 0
    writer = subprocess.Popen([sys.executable, "-c", program, target, *paths])
    while not target.exists():
        time.sleep(0.01)
    for _ in range(times):
        n_whole += len(Embeddings.load(target)) in (1000, 3000)
    writer.kill()
    writer.wait()
    n_whole += len(Embeddings.load(target)) in (1000, 3000)
    return times + 1, n_whole


def cold_starts(folder: Path, times: int) -> tuple[int, int]:
    """Begin four runs at once without compiled code, so often; all must end with the same bytes."""
    n_right = 0
    for number in range(times):
        env = {**os.environ, "XDG_CACHE_HOME": str(folder / f"cache-{number}")}
        names = [f"cold-{i}.w2v" for i in range(4)]
        options = ["--epochs", "1", "--threads", "1", "--dim", "8", "-q", "-o"]
        runs = [subprocess.Popen([*TRAIN, *options, name], cwd=folder, env=env) for name in names]
        is_done = [run.wait(600) == 0 for run in runs]
        n_right += len(runs) if all(is_done) and len({(folder / n).read_bytes() for n in names}) == 1 else 0
    return 4 * times, n_right


def cluster_killed(folder: Path, rng: random.Random, times: int) -> tuple[int, int]:
    """Kill a worker of a local cluster, or scheduler and client, at random times; the result must not change.

    A run that lost a worker must end by itself; one that lost its scheduler goes on with ``--resume``.
    """
    options = ["--workers", "local:2", "--rounds", "40", "--epochs", "3", "--threads", "1", "--dim", "40"]
    subprocess.run([*TRAIN, *options, "-q", "-o", "rounds.w2v"], cwd=folder, check=True)
    whole, n_right = (folder / "rounds.w2v").read_bytes(), 0
    model, manifest = folder / "c.w2v", folder / "c.w2v.run" / "manifest.json"
    for number in range(times):
        resume = ["--resume"] if manifest.exists() else []
        process = start(folder, *options, *resume, "-o", "c.w2v")
        time.sleep(rng.uniform(1.5, 6.0))
        if number % 2:
            process.kill()
        else:
            workers = subprocess.run(["pgrep", "-P", str(process.pid), "-f", "spawn_main"], capture_output=True)
            for pid in workers.stdout.split()[:1]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
        ended_well = process.wait(300) == 0
        n_right += (ended_well or number % 2 == 1) and (not model.exists() or model.read_bytes() == whole)
        model.unlink(missing_ok=True)
    return times, n_right


def suite(setting: str) -> tuple[int, int]:
    """Run the kernels' tests with a setting of Numba's; return how many there were and how many passed."""
    tests = ["gradients", "tables", "windows"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *(TESTS / f"test_{t}.py" for t in tests)]
    with tempfile.TemporaryDirectory() as cache:
        env = {**os.environ, f"NUMBA_{setting}": "1", "XDG_CACHE_HOME": cache}
        said = subprocess.run(command, env=env, capture_output=True, text=True, cwd=TESTS.parent).stdout
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", said)}
    return sum(counts.values()) or 1, counts.get("passed", 0)


def fuzzed(reader: str, seconds: int) -> tuple[int, int]:
    """Let a coverage-guided fuzzer try a reader; return how many inputs it tried, all of them if none broke it."""
    command = [sys.executable, TESTS / "fuzz" / "targets.py", reader, "--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    tried = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    n_tried = int(tried[1]) if tried else 1
    return n_tried, n_tried - (done.returncode != 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=float, default=1.0, help="so much longer")
    parser.add_argument("--output", help="JSON file to write")
    args = parser.parse_args()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sentences = ["one two three four five six seven", "eight nine ten one two", "three nine seven four"]
        (folder / "text.txt").write_text("".join(rng.choice(sentences) + "\n" for _ in range(60_000)))
        loops = {
            "training killed (kill -9) at a random time, then resumed": lambda n: ended_by(
                folder, rng, (signal.SIGKILL,), int(60 * n)
            ),
            "SIGINT, SIGTERM or SIGHUP at a random time, then resumed": lambda n: ended_by(
                folder, rng, STOPS, int(50 * n)
            ),
            "a file of one of nine formats cut short or a bit of it changed, then read": lambda n: damaged(
                folder, rng, int(2000 * n)
            ),
            "a model read while another program replaces it": lambda n: read_while_written(folder, int(1000 * n)),
            "a first run that compiles beside three others": lambda n: cold_starts(folder, max(1, int(2 * n))),
            "a test of the kernels with checked indices (NUMBA_BOUNDSCHECK=1)": lambda n: suite("BOUNDSCHECK"),
            "a test of the kernels uncompiled (NUMBA_DISABLE_JIT=1)": lambda n: suite("DISABLE_JIT"),
        }
        if importlib.util.find_spec("distributed"):
            loops["a worker, or scheduler and client, of a local cluster killed at a random time"] = lambda n: (
                cluster_killed(folder, rng, int(40 * n))
            )
        if importlib.util.find_spec("atheris"):
            for reader in ("vectors", "numpy", "checkpoint", "container", "text", "lists"):
                loops[f"an input of a coverage-guided fuzzer: {reader}"] = lambda n, reader=reader: fuzzed(
                    reader, int(30 * n)
                )
        rows = []
        for fault, loop in loops.items():
            tried, whole = loop(args.rounds)
            rows.append({"fault": fault, "tried": tried, "whole": whole})
            print(f"{fault}: {whole:,} of {tried:,}", flush=True)
    if args.output:
        Path(args.output).write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    sys.exit(any(row["tried"] != row["whole"] for row in rows))


if __name__ == "__main__":
    main()
