"""The quality and speed of every objective, beside gensim's, in one table.

    python benchmarks/objectives.py enwiki-17m.txt --analogies questions-words.txt --similarity wordsim353.tsv ...
        --output benchmarks/results/objectives.json
    python benchmarks/objectives.py enwiki-1m.txt --losses ns hs softmax ...

Each objective of both architectures is trained in turn, by w2vfast and, where it has it, by gensim; then come
vectors of co-occurrence. The time of the full softmax grows with the vocabulary: it is for the smaller text. Words
a second are those of the text, training alone.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine
import peer
import quality

from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import find_sources
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor
from w2vfast.training.result import embeddings_of
from w2vfast.training.trainer import Trainer

NAMES = {"ns": "negative sampling", "hs": "hierarchical softmax", "softmax": "full softmax"}


def train(path: str, model: str, loss: str, args: argparse.Namespace) -> dict:
    """Train w2vfast with its defaults; return a row."""
    corpus = encode(find_sources(path), ReadingOptions(min_count=5))
    config = TrainConfig(model=model, loss=loss, threads=args.threads, epochs=args.epochs).resolved()
    trainer = Trainer(corpus, config, Monitor())
    trainer.run()
    seconds = corpus.n_tokens * args.epochs / trainer.words_per_second
    return row("w2vfast", NAMES[loss], model, path, seconds, embeddings_of(trainer), args)


def train_gensim(path: str, model: str, loss: str, args: argparse.Namespace) -> dict:
    """Train gensim with equal settings and its own learning rate; return a row."""
    from gensim.models import Word2Vec

    objective = {"hs": 1, "negative": 0} if loss == "hs" else {"hs": 0, "negative": 5}
    other = Word2Vec(vector_size=100, window=5, min_count=5, sample=1e-3, workers=args.threads, seed=1,
                     sg=int(model == "sg"), **objective)  # fmt: skip
    other.build_vocab(corpus_file=path)
    begin = time.perf_counter()
    other.train(corpus_file=path, total_examples=other.corpus_count, total_words=other.corpus_total_words,
                epochs=args.epochs)  # fmt: skip
    seconds = time.perf_counter() - begin
    with tempfile.TemporaryDirectory() as folder:
        other.wv.save_word2vec_format(f"{folder}/v.bin", binary=True)
        return row("gensim", NAMES[loss], model, path, seconds, quality.load(f"{folder}/v.bin"), args)


def count(path: str, args: argparse.Namespace) -> dict:
    """Make vectors of counts with the command; return a row."""
    with tempfile.TemporaryDirectory() as folder:
        output, begin = f"{folder}/v.w2v", time.perf_counter()
        command = [sys.executable, "-m", "w2vfast", "cooccur", path, "--window", "5", "-q", "-o", output]
        subprocess.run(command, check=True)
        seconds = (time.perf_counter() - begin) * args.epochs  # it goes over the text once
        return row("w2vfast", "PPMI, SVD (window 5)", "", path, seconds, quality.load(output), args)


def row(trainer: str, name: str, model: str, path: str, seconds: float, vectors, args: argparse.Namespace) -> dict:
    """Return what is known of a trained model."""
    n_words = sum(len(line.split()) for line in open(path, "rb"))  # noqa: SIM115
    scores = quality.scores(vectors, args.analogies + args.similarity)
    found = {
        "trainer": trainer, "objective": name, "model": model, "text": Path(path).stem,
        "words_per_second": n_words * args.epochs / seconds,
        "scores": {name: score for name, (score, _) in scores.items()},
    }  # fmt: skip
    print(found, file=sys.stderr)
    return found


def table(rows: list[dict]) -> str:
    """Return the rows as Markdown; ratios are those to gensim's row of the same objective, model and text."""
    names = list(rows[0]["scores"])
    lines = ["| text | objective | model | trainer | words/s | times gensim | " + " | ".join(names) + " |"]
    lines.append("|---" * (6 + len(names)) + "|")
    speeds = {
        (r["text"], r["objective"], r["model"]): r["words_per_second"] for r in rows if r["trainer"] == "gensim"
    }
    for r in rows:
        other, speed = speeds.get((r["text"], r["objective"], r["model"])), r["words_per_second"]
        ratio = f"{speed / other:.1f} x" if other and r["trainer"] != "gensim" else ""
        shown = f"{speed / 1e6:.2f} M" if speed > 1e5 else f"{speed / 1e3:.1f} k"
        scores = " | ".join(f"{score:.1f}" for score in r["scores"].values())
        lines.append(
            f"| {r['text']} | {r['objective']} | {r['model']} | {r['trainer']} | {shown} | {ratio} | {scores} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--losses", nargs="*", default=["ns", "hs"])
    parser.add_argument("--models", nargs="*", default=["sg", "cbow"])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=machine.describe()["cores"])
    quality.add_tests(parser)
    parser.add_argument("--output", help="JSON file to write; the table goes to standard output")
    args = parser.parse_args()
    rows = []
    for loss in args.losses:
        for model in args.models:
            rows.append(train(args.corpus, model, loss, args))
            if loss != "softmax" and peer.installed("gensim (corpus_file)"):
                rows.append(train_gensim(args.corpus, model, loss, args))
    rows.append(count(args.corpus, args))
    machine.report(rows, table, args.output)


if __name__ == "__main__":
    main()
