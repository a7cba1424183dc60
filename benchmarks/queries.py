"""How fast a model is asked, evaluated, converted: whole commands, from cold starts.

    python benchmarks/queries.py [--questions questions-words.txt] [--output results/queries.json]

Models of random vectors are made in a temporary folder: 70,000 x 100, and 3,000,000 x 300 (3.7 GB, left out
by --without-large). Each command runs several times with the files in the page cache; medians of wall time, and
the most memory. gensim, if it is there, loads the same vectors from its own format, mapped, and answers the same
question.
"""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import machine
import numpy as np
import peer

from w2vfast.model.contents import Contents
from w2vfast.model.packed import write_model
from w2vfast.vocab import Vocab

COMMAND = [sys.executable, "-m", "w2vfast"]
GENSIM_SAVE = "import sys, w2vfast; w2vfast.load(sys.argv[1]).to_gensim().save(sys.argv[2])"
GENSIM_ASK = (
    "import sys; from gensim.models import KeyedVectors\n"
    "print(KeyedVectors.load(sys.argv[1], mmap='r').most_similar('king'))"
)
GENSIM_LOAD = (
    "import sys; from gensim.models import KeyedVectors\n"
    "KeyedVectors.load_word2vec_format(sys.argv[1], binary=sys.argv[1].endswith('bin'))"
)


def make(path: Path, n_words: int, dim: int, questions: str | None) -> None:
    """Write a model of random vectors; its first words are those of the questions."""
    words = ["king", "queen", "man", "woman"]
    if questions:
        words += Path(questions).read_text().lower().split()
    words = list(dict.fromkeys(words))
    words += [f"w{i * 2654435761 % 2**32:x}{'abcdefgh'[: i % 8]}" for i in range(n_words - len(words))]
    vectors = np.random.default_rng(0).standard_normal((n_words, dim), dtype=np.float32)
    write_model(path, Contents(vectors, Vocab(words, np.arange(n_words, 0, -1, dtype=np.int64))))


def run(command: list[str]) -> tuple[float, float]:
    """Run a command; return its wall time in seconds and its peak memory in MB."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed")
    return time.perf_counter() - begin, usage.ru_maxrss / 1024


def table(rows: list[dict]) -> str:
    """Return the rows as Markdown."""
    lines = ["| command | model | seconds | range | peak memory |", "|---" * 5 + "|"]
    for row in rows:
        low, high = row["spread"]
        lines.append(
            f"| {row['what']} | {row['model']} | {row['seconds']:.2f} | {low:.2f}-{high:.2f} "
            f"| {row['peak_mb']:,.0f} MB |"
        )
    return "\n".join(lines)


def cases(folder: Path, args: argparse.Namespace) -> list[tuple[str, str, list[str]]]:
    """Return what is measured: name, size of the model, command."""
    small, large, text, binary = (
        str(folder / name) for name in ("small.w2v", "large.w2v", "small.txt", "small.bin")
    )
    sizes = "70,000 x 100", "3,000,000 x 300"
    found = [
        ("similar king", sizes[0], [*COMMAND, "similar", "king", "-m", small]),
        ("similar --all", sizes[0], [*COMMAND, "similar", "--all", "-m", small]),
        ("cluster -k 100", sizes[0], [*COMMAND, "cluster", "-k", "100", "-m", small]),
        ("plot (20,000 words)", sizes[0], [*COMMAND, "plot", "-m", small, "-o", str(folder / "map.html")]),
        ("convert to text", sizes[0], [*COMMAND, "convert", small, "-o", text]),
        ("convert to binary", sizes[0], [*COMMAND, "convert", small, "-o", binary]),
        ("convert from text", sizes[0], [*COMMAND, "convert", text, "-o", str(folder / "back.w2v")]),
        ("convert from binary", sizes[0], [*COMMAND, "convert", binary, "-o", str(folder / "back.w2v")]),
    ]
    if args.questions:
        found.insert(
            2, ("evaluate, 19,544 analogies", sizes[0], [*COMMAND, "evaluate", args.questions, "-m", small])
        )
    if not args.without_large:
        big, back = str(folder / "large.bin"), str(folder / "back.w2v")
        found.insert(1, ("similar king", sizes[1], [*COMMAND, "similar", "king", "-m", large]))
        found.append(("convert to binary", sizes[1], [*COMMAND, "convert", large, "-o", big]))
        found.append(("convert from binary", sizes[1], [*COMMAND, "convert", big, "-o", back]))
    if peer.installed("gensim (iterable)"):
        for model, size in (("small", sizes[0]), ("large", sizes[1]))[: 1 if args.without_large else 2]:
            saved = str(folder / f"{model}.kv")
            subprocess.run([sys.executable, "-c", GENSIM_SAVE, str(folder / f"{model}.w2v"), saved], check=True)
            found.append(
                ("gensim: load its own file, most_similar", size, [sys.executable, "-c", GENSIM_ASK, saved])
            )
        for kind, path in (("text", text), ("binary", binary)):
            found.append((f"gensim: load word2vec {kind}", sizes[0], [sys.executable, "-c", GENSIM_LOAD, path]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", help="a file of analogies to evaluate")
    parser.add_argument("--without-large", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", help="JSON file to write; the table goes to standard output")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # in a process of its own: a command's peak memory begins with that of the process that starts it
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as maker:
            maker.submit(make, folder / "small.w2v", 70_000, 100, args.questions).result()
            if not args.without_large:
                maker.submit(make, folder / "large.w2v", 3_000_000, 300, None).result()
        todo = cases(folder, args)
        runs: list[list[tuple[float, float]]] = [[] for _ in todo]
        for _ in range(args.repeats):
            for results, (_, _, command) in zip(runs, todo, strict=True):
                results.append(run(command))
    rows = []
    for (what, model, _), results in zip(todo, runs, strict=True):
        seconds = [result[0] for result in results]
        rows.append(
            {
                "what": what,
                "model": model,
                "seconds": statistics.median(seconds),
                "spread": [min(seconds), max(seconds)],
                "peak_mb": max(result[1] for result in results),
            }
        )
    machine.report(rows, table, args.output)


if __name__ == "__main__":
    main()
