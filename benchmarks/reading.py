"""How fast text becomes a vocabulary: w2vfast (which encodes the text too), gensim, word2vec.c, plain Python.

    python benchmarks/reading.py corpus.txt --output benchmarks/results/reading.json

Rounds run all readers in turn, each in a process that has read a small text before; seconds are those of reading
alone, medians. word2vec.c is timed as a process, which starts in a few milliseconds. The peers come with
``pip install 'w2vfast[bench]'``.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import machine
import peer

#: Reader -> a program that reads sys.argv[1]; it is run on a small text first.
PROGRAMS = {
    **{
        f"w2vfast, {threads} thread{'s' * (threads > 1)}": (
            "from w2vfast.corpus.encoded import encode\n"
            "from w2vfast.corpus.reading import ReadingOptions\n"
            "from w2vfast.corpus.sources import find_sources\n"
            f"def read(path): return len(encode(find_sources(path), ReadingOptions(threads={threads})).vocab)\n"
        )
        for threads in (1, 2)
    },
    "gensim (corpus_file)": (
        "from gensim.models import Word2Vec\n"
        "def read(path):\n"
        "    model = Word2Vec(min_count=5, vector_size=1)\n"
        "    model.scan_vocab(corpus_file=path)\n"
        "    return sum(count >= 5 for count in model.raw_vocab.values())\n"
    ),
    "plain Python": (
        "from collections import Counter\n"
        "def read(path):\n"
        "    counts = Counter(word for line in open(path, encoding='utf-8') for word in line.split())\n"
        "    return sum(count >= 5 for count in counts.values())\n"
    ),
}
TIMED = "import sys, time\nread(sys.argv[2])\nbegin = time.perf_counter()\nn = read(sys.argv[1])\n"
REPORT = (
    "import resource\nprint(time.perf_counter() - begin, n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
)


def run(reader: str, corpus: str, small: str) -> tuple[float, int, float]:
    """Run a reader once; return seconds, distinct words and peak memory in MB."""
    if reader == "word2vec.c":
        begin = time.perf_counter()
        program = str(Path(sys.executable).with_name("word2vec"))
        command = [program, "-train", corpus, "-save-vocab", "/dev/stdout", "-min-count", "5", "-debug", "0"]
        found = subprocess.run(command, check=True, capture_output=True).stdout
        return time.perf_counter() - begin, found.count(b"\n"), 0.0
    command = [sys.executable, "-c", PROGRAMS[reader] + TIMED + REPORT, corpus, small]
    seconds, n_words, kilobytes = subprocess.run(command, check=True, capture_output=True).stdout.split()
    return float(seconds), int(n_words), int(kilobytes) / 1024


def table(rows: list[dict]) -> str:
    """Return the rows as Markdown."""
    best = min(row["seconds"] for row in rows if row["reader"].startswith("w2vfast"))
    lines = ["| reader | seconds | range | MB/s | w2vfast is faster by | words | peak memory |", "|---" * 7 + "|"]
    for row in rows:
        low, high = row["spread"]
        memory = f"{row['peak_mb']:.0f} MB" if row["peak_mb"] else ""
        lines.append(
            f"| {row['reader']} | {row['seconds']:.2f} | {low:.2f}-{high:.2f} | {row['mb'] / row['seconds']:.0f} "
            f"| {row['seconds'] / best:.1f} x | {row['words']:,} | {memory} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", help="JSON file to write; the table goes to standard output")
    args = parser.parse_args()
    readers = [name for name in PROGRAMS if not name.startswith("gensim") or peer.installed("gensim (iterable)")]
    readers += ["word2vec.c"] if peer.installed("word2vec.c") else []
    small = str(Path(__file__).parent / "README.md")
    runs = {reader: [] for reader in readers}
    for _ in range(args.repeats):
        for reader in readers:
            runs[reader].append(run(reader, args.corpus, small))
    rows = []
    for reader, results in runs.items():
        seconds = [result[0] for result in results]
        rows.append(
            {
                "reader": reader,
                "seconds": statistics.median(seconds),
                "spread": [min(seconds), max(seconds)],
                "mb": Path(args.corpus).stat().st_size / 1e6,
                "words": results[0][1],
                "peak_mb": max(result[2] for result in results),
            }
        )
    machine.report(rows, table, args.output)


if __name__ == "__main__":
    main()
