"""w2vfast side by side with every installed peer, on one corpus, with equal settings, interleaved.

    python benchmarks/compare.py corpus.txt --repeats 3 --output benchmarks/results/compare.json
    python benchmarks/compare.py corpus.txt --epochs 5 --repeats 1 --analogies questions-words.txt
        --similarity wordsim353.tsv simlex999.tsv men3000.tsv --output benchmarks/results/quality.json

A round runs every trainer once, each in a process of its own, and w2vfast before each of the others, for its runs
are short; rounds are repeated, so that a slow spell of the machine hits all. Words a second are those of the text,
before subsampling, over training time alone; wall time is that of the whole command. Ratios are those of medians.
Peers come with `pip install 'w2vfast[bench]'`.

Read with care: gensim's corpus_file does not let the learning rate fall all the way with several workers; fastText
draws noise words by count ** 0.5; w2vfast shares noise words in a window (its row "per pair" does not).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine
import peer
import quality

HERE = Path(__file__).parent


def cases(model: str, names: list[str], without: list[str]) -> list[tuple[str, str, dict]]:
    """Return what to run: label, trainer, options of its own."""
    found = []
    for name in names:
        if name != "w2vfast":
            found.append((name, name, {}))
        elif model == "sg":
            found += [
                ("w2vfast", name, {}),
                ("w2vfast, per pair", name, {"negatives_per": "pair", "alpha": 0.025}),
            ]
        else:
            found += [("w2vfast", name, {}), ("w2vfast, classic", name, {"cbow_grad": "classic"})]
    return [case for case in found if case[0] not in without]


def in_turn(found: list[tuple[str, str, dict]]) -> list[tuple[str, str, dict]]:
    """Return a round: the first case before each of the others."""
    return [case for other in found[1:] for case in (found[0], other)]


def run(trainer: str, corpus: str, output: str, options: dict) -> dict[str, float]:
    """Run one trainer once; return training seconds, wall seconds and peak memory in MB."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(HERE / "peer.py"), trainer, corpus, output, json.dumps(options)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    line = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{trainer} failed")
    wall = time.perf_counter() - begin
    return {**json.loads(line), "wall_seconds": wall, "peak_mb": usage.ru_maxrss / 1024}


def evaluate(path: str, args: argparse.Namespace) -> dict[str, tuple[float, int]]:
    """Return the scores of a trained model, with how many questions or pairs were covered."""
    return quality.scores(quality.load(path), args.analogies + args.similarity)


def measure(args: argparse.Namespace) -> list[dict]:
    """Run all cases, round by round; return a row for each."""
    names = [name for name in peer.TRAINERS if peer.installed(name) and name not in args.without]
    n_words = sum(len(line.split()) for line in open(args.corpus, "rb"))  # noqa: SIM115
    shared = {
        "sg": args.model == "sg", "dim": args.dim, "window": args.window, "neg": args.neg, "sample": args.sample,
        "min_count": 5, "epochs": args.epochs, "threads": args.threads, "seed": 1,
    }  # fmt: skip
    some_cases = cases(args.model, names, args.without)
    rows = {label: {"trainer": label, "runs": []} for label, _, _ in some_cases}
    with tempfile.TemporaryDirectory() as folder:
        for round_ in range(args.repeats + 1):
            for label, trainer, own in in_turn(some_cases) if round_ else some_cases:
                if round_ == 0 and trainer != "w2vfast":
                    continue  # round 0 only fills the cache of compiled code
                output = str(Path(folder) / "model")
                options = {**shared, **own, "epochs": args.epochs if round_ else 1}
                result = run(trainer, args.corpus if round_ else args.warm_up, output, options)
                if round_:
                    rows[label]["runs"].append(result)
                    print(f"{label}: {n_words * args.epochs / result['train_seconds']:,.0f}", file=sys.stderr)
                if round_ == args.repeats and (args.analogies or args.similarity):
                    rows[label]["scores"] = evaluate(output, args)
    for row in rows.values():
        speeds = [n_words * args.epochs / run_["train_seconds"] for run_ in row["runs"]]
        row["words_per_second"] = statistics.median(speeds)
        row["spread"] = [min(speeds), max(speeds)]
        row["wall_seconds"] = statistics.median(run_["wall_seconds"] for run_ in row["runs"])
        row["peak_mb"] = max(run_["peak_mb"] for run_ in row["runs"])
    return list(rows.values())


def table(rows: list[dict]) -> str:
    """Return the rows as Markdown; the ratio is that of w2vfast's speed to the row's."""
    own = next(row for row in rows if row["trainer"] == "w2vfast")
    sets = list(own.get("scores", {}))
    heads = ["trainer", "words/s", "range", "w2vfast is faster by", "whole command", "by", "peak memory", *sets]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        low, high = row["spread"]
        cells = [
            row["trainer"],
            f"{row['words_per_second'] / 1e6:.2f} M",
            f"{low / 1e6:.2f}-{high / 1e6:.2f} M",
            f"{own['words_per_second'] / row['words_per_second']:.1f} x",
            f"{row['wall_seconds']:.1f} s",
            f"{row['wall_seconds'] / own['wall_seconds']:.1f} x",
            f"{row['peak_mb']:.0f} MB",
            *(f"{row['scores'][name][0]:.1f} ({row['scores'][name][1]:,})" for name in sets),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--model", choices=["sg", "cbow"], default="sg")
    for name, default in (("dim", 100), ("window", 5), ("neg", 5), ("epochs", 1), ("threads", 2), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--sample", type=float, default=1e-3)
    parser.add_argument("--without", nargs="*", default=[], help="rows to leave out")
    quality.add_tests(parser)
    parser.add_argument("--output", help="JSON file to write; the table goes to standard output")
    args = parser.parse_args()
    args.warm_up = str(HERE.parent / "w2vfast" / "data" / "sample.txt.gz")
    rows = measure(args)
    machine.report(rows, table, args.output)


if __name__ == "__main__":
    main()
