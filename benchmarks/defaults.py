"""Which learning rate and which CBOW gradient the defaults should be: accuracy of each at several values.

    python benchmarks/defaults.py corpus.txt --analogies questions-words.txt --similarity wordsim353.tsv ...
        --output benchmarks/results/defaults-17m.json

Trains every variant with every seed, evaluates it as `w2vfast evaluate` does, and prints a Markdown table of
means and spreads over the seeds. The text is read and encoded once.
"""

import argparse
import statistics
import sys

import machine
import quality

from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import find_sources
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor
from w2vfast.training.result import embeddings_of
from w2vfast.training.trainer import Trainer

VARIANTS = [
    *[("sg", "sqrt", alpha) for alpha in (0.025, 0.04, 0.05, 0.075)],
    *[("cbow", "classic", alpha) for alpha in (0.025, 0.05, 0.075)],
    *[("cbow", "mean", alpha) for alpha in (0.1, 0.15, 0.25)],
    *[("cbow", "sqrt", alpha) for alpha in (0.075, 0.1, 0.125, 0.15)],
]


def measure(corpus, config: TrainConfig, args: argparse.Namespace) -> dict[str, float]:
    """Train once and return the score of each evaluation set."""
    trainer = Trainer(corpus, config, Monitor())
    trainer.run()
    scores = quality.scores(embeddings_of(trainer), args.analogies + args.similarity)
    return {name: score for name, (score, _) in scores.items()}


def table(rows: list[dict]) -> str:
    """Return the rows as Markdown: mean and half the range over the seeds."""
    names = list(rows[0]["scores"])
    lines = ["| model | gradient | alpha | " + " | ".join(names) + " |", "|---" * (3 + len(names)) + "|"]
    for row in rows:
        cells = [
            f"{statistics.mean(values):.1f} ± {(max(values) - min(values)) / 2:.1f}"
            for values in row["scores"].values()
        ]
        gradient = row["gradient"] if row["model"] == "cbow" else ""
        lines.append(f"| {row['model']} | {gradient} | {row['alpha']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    quality.add_tests(parser)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--output", help="JSON file to write; the table goes to standard output")
    args = parser.parse_args()
    corpus = encode(find_sources(args.corpus), ReadingOptions())
    rows = []
    for model, gradient, alpha in VARIANTS:
        config = TrainConfig(model=model, cbow_grad=gradient, alpha=alpha, epochs=args.epochs)
        runs = [
            measure(corpus, TrainConfig(**{**vars(config), "seed": seed}).resolved(), args)
            for seed in range(1, args.seeds + 1)
        ]
        scores = {name: [run[name] for run in runs] for name in runs[0]}
        rows.append({"model": model, "gradient": gradient, "alpha": alpha, "scores": scores})
        print(table(rows[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    machine.report(rows, table, args.output)


if __name__ == "__main__":
    main()
