"""What --deterministic costs: speed and accuracy beside Hogwild threads and one thread, interleaved.

    python benchmarks/deterministic.py corpus.txt --analogies questions-words.txt --similarity wordsim353.tsv ...
        --output benchmarks/results/deterministic.json

Trains 5 epochs of each variant with every seed, round by round; words a second are those of the text's vocabulary,
training alone, medians over the rounds. The text is read and encoded once.
"""

import argparse
import statistics

import machine
import quality

from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import find_sources
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor
from w2vfast.training.result import embeddings_of
from w2vfast.training.trainer import Trainer

VARIANTS = {
    "threads without locks (the default)": {},
    "--deterministic": {"deterministic": True},
    "--deterministic, 1.5 x alpha": {"deterministic": True, "more": 1.5},
    "--threads 1": {"threads": 1},
}


def measure(args: argparse.Namespace) -> list[dict]:
    """Return a row for each variant of each architecture."""
    corpus = encode(find_sources(args.corpus), ReadingOptions(min_count=5))
    rows = [
        {"model": model, "variant": name, "speeds": [], "scores": {}} for model in args.models for name in VARIANTS
    ]
    for seed in range(1, args.seeds + 1):
        for row in rows:
            params = {"model": row["model"], "threads": args.threads, "seed": seed, **VARIANTS[row["variant"]]}
            more = params.pop("more", 1.0)
            config = TrainConfig(**params).resolved()
            config = TrainConfig(**params, alpha=config.alpha * more).resolved()
            trainer = Trainer(corpus, config, Monitor())
            trainer.run()
            row["speeds"].append(trainer.words_per_second)
            found = quality.scores(embeddings_of(trainer), args.analogies + args.similarity)
            for name, (score, _) in found.items():
                row["scores"].setdefault(name, []).append(score)
    return rows


def table(rows: list[dict]) -> str:
    """Return the rows as Markdown; scores are means and half the range over the seeds."""
    names = list(rows[0]["scores"])
    lines = ["| model | training | words/s | of the default | " + " | ".join(names) + " |"]
    lines.append("|---" * (4 + len(names)) + "|")
    for row in rows:
        default = next(r for r in rows if r["model"] == row["model"])
        speed = statistics.median(row["speeds"])
        scores = [f"{statistics.mean(v):.1f} ± {(max(v) - min(v)) / 2:.1f}" for v in row["scores"].values()]
        share = 100 * speed / statistics.median(default["speeds"])
        lines.append(
            f"| {row['model']} | {row['variant']} | {speed / 1e6:.2f} M | {share:.0f} % | {' | '.join(scores)} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--models", nargs="*", default=["sg", "cbow"])
    parser.add_argument("--threads", type=int, default=machine.describe()["cores"])
    parser.add_argument("--seeds", type=int, default=3)
    quality.add_tests(parser)
    parser.add_argument("--output", help="JSON file to write; the table goes to standard output")
    args = parser.parse_args()
    machine.report(measure(args), table, args.output)


if __name__ == "__main__":
    main()
