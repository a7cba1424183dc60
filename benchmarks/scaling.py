"""How speed changes with threads, dimension, negatives, window, vocabulary and corpus size.

    python benchmarks/scaling.py corpus.txt --output benchmarks/results/scaling.json --picture scaling.png

Every point is the median of --repeats runs of one epoch, the points of a sweep interleaved; training time only,
words of the vocabulary before subsampling. The first point of each sweep is the default.
"""

import argparse
import json
import statistics
from pathlib import Path

import defaults
import machine
import numpy as np
import quality

from w2vfast.corpus.encoded import EncodedCorpus, encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import find_sources
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor
from w2vfast.training.trainer import Trainer

SWEEPS = {
    "threads": [1, 2, 4, 8, 16],
    "dim": [1, 50, 100, 128, 300, 1000],
    "neg": [1, 2, 5, 10, 15, 64],
    "window": [1, 2, 5, 10, 20, 50],
    "min_count": [1, 5, 50, 500],
    "share of the corpus": [0.1, 0.3, 1.0],
}


def part(corpus: EncodedCorpus, share: float) -> EncodedCorpus:
    """Return the first sentences of a corpus."""
    n_sentences = max(2, int((corpus.offsets.size - 1) * share))
    offsets = corpus.offsets[: n_sentences + 1]
    return EncodedCorpus(
        corpus.ids[: offsets[-1]], offsets, corpus.vocab, corpus.report, corpus.names, corpus.sample_sha256
    )


def speed(corpus: EncodedCorpus, params: dict) -> float:
    """Train one epoch; return words a second."""
    trainer = Trainer(corpus, TrainConfig(**{"epochs": 1, **params}).resolved(), Monitor())
    trainer.run()
    return trainer.words_per_second


def sweep(name: str, corpora: dict[int, EncodedCorpus], model: str, threads: int, repeats: int) -> list[dict]:
    """Measure all points of a sweep, interleaved."""
    points = [p for p in SWEEPS[name] if name != "threads" or p <= 2 * threads]
    rows = [{"x": point, "speeds": []} for point in points]
    for _ in range(repeats):
        for row in rows:
            params = {"model": model, "threads": threads}
            corpus = corpora[row["x"] if name == "min_count" else 5]
            if name == "share of the corpus":
                corpus = part(corpus, row["x"])
            elif name != "min_count":
                corpus, params[name] = part(corpus, 0.3), row["x"]
            row["speeds"].append(speed(corpus, params))
    for row in rows:
        row["words_per_second"] = statistics.median(row["speeds"])
    return rows


def accuracy(corpus: EncodedCorpus, args: argparse.Namespace) -> list[dict]:
    """Train 5 epochs with each number of threads; return the scores of the evaluation sets."""
    rows = []
    for model in args.models:
        for threads in (n for n in SWEEPS["threads"] if n <= 2 * args.threads):
            config = TrainConfig(model=model, threads=threads).resolved()
            rows.append({"model": model, "threads": threads, "scores": defaults.measure(corpus, config, args)})
    return rows


def accuracy_table(rows: list[dict]) -> str:
    """Return the scores against threads as Markdown."""
    names = list(rows[0]["scores"])
    lines = ["| model | threads | " + " | ".join(names) + " |", "|---" * (2 + len(names)) + "|"]
    for row in rows:
        scores = " | ".join(f"{score:.1f}" for score in row["scores"].values())
        lines.append(f"| {row['model']} | {row['threads']} | {scores} |")
    return "\n".join(lines)


def table(sweeps: dict[str, dict[str, list[dict]]]) -> str:
    """Return the sweeps as Markdown: million words a second, medians."""
    lines = ["| sweep | model | million words/s |", "|---|---|---|"]
    for model, found in sweeps.items():
        for name, rows in found.items():
            points = ", ".join(f"{row['x']:g}: {row['words_per_second'] / 1e6:.2f}" for row in rows)
            lines.append(f"| {name.replace('_', '-')} | {model} | {points} |")
    return "\n".join(lines)


def draw(result: dict, path: str) -> None:
    """Draw one panel a sweep."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(2, 3, figsize=(12, 7), layout="constrained")
    for panel, name in zip(np.ravel(panels), SWEEPS, strict=True):
        for model, sweeps in result["sweeps"].items():
            x = [row["x"] for row in sweeps[name]]
            panel.plot(x, [row["words_per_second"] / 1e6 for row in sweeps[name]], "o-", label=model)
            for row in sweeps[name]:
                panel.plot(
                    [row["x"]] * 2, [min(row["speeds"]) / 1e6, max(row["speeds"]) / 1e6], color="0.7", zorder=0
                )
        panel.set_xscale("log", base=2 if name == "threads" else 10)
        panel.set_xticks(x, [f"{value:g}" for value in x], rotation=90, fontsize="small")
        panel.minorticks_off()
        panel.set_ylim(bottom=0)
        panel.set_title(name.replace("_", "-"))
        panel.set_ylabel("million words/s")
    np.ravel(panels)[0].legend()
    figure.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=machine.describe()["cores"])
    parser.add_argument("--models", nargs="*", default=["sg", "cbow"])
    quality.add_tests(parser)
    parser.add_argument("--output", help="JSON file to write")
    parser.add_argument("--picture", help="PNG or SVG file to draw")
    args = parser.parse_args()
    corpora = {
        count: encode(find_sources(args.corpus), ReadingOptions(min_count=count)) for count in SWEEPS["min_count"]
    }
    sweeps = {
        model: {name: sweep(name, corpora, model, args.threads, args.repeats) for name in SWEEPS}
        for model in args.models
    }
    result = {
        "command": machine.command(),
        "machine": machine.describe(),
        "vocabulary": {count: len(corpus.vocab) for count, corpus in corpora.items()},
        "sweeps": sweeps,
    }
    if args.analogies or args.similarity:
        result["accuracy"] = accuracy(corpora[5], args)
    if args.output:
        Path(args.output).write_text(json.dumps(result, indent=1) + "\n")
    if args.picture:
        draw(result, args.picture)
    print(table(sweeps))
    if "accuracy" in result:
        print(f"\n{accuracy_table(result['accuracy'])}")


if __name__ == "__main__":
    main()
