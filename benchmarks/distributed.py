"""What training in rounds costs, and what it learns, beside one machine.

    python benchmarks/distributed.py cost corpus.w2vc --rounds 1 4 16
        --output benchmarks/results/distributed-cost.json
    python benchmarks/distributed.py quality corpus.w2vc --analogies questions-words.txt --similarity ...
        --output benchmarks/results/distributed-quality.json

``cost``: a cluster of two local processes with a thread each beside one process with two threads, interleaved; the
time of a round without training, the bytes that go from worker to worker, and what follows from these for clusters
of separate machines that nobody has measured. ``quality``: replicas, rounds and learning rates, each with several
seeds, against one replica. Nothing here is a speed-up: the workers share the cores of one machine.
"""

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

HERE = str(Path(__file__).parent)
sys.path[:] = [*(place for place in sys.path if place != HERE), HERE]  # Dask has a package of this script's name

import machine
import quality

from w2vfast.commands.workers import connect
from w2vfast.corpus.container import load_corpus
from w2vfast.distributed.reading import find_files
from w2vfast.distributed.start import Options, start
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor
from w2vfast.training.result import embeddings_of
from w2vfast.training.run import Keeping
from w2vfast.training.trainer import Trainer

MACHINES = (4, 16, 100)
#: The case that the model is written for: words, vector size.
CASE = 1_000_000, 300


class HeldOut(Monitor):
    """Remembers the loss on the text held out."""

    loss = float("nan")

    def trained(self, progress) -> None:  # noqa: D102
        if progress.held_out_loss is not None:
            self.loss = progress.held_out_loss


def run_in_rounds(engine, corpus: str, config: TrainConfig, n_replicas: int, n_rounds: int, monitor=None):
    """Train on an engine; return the run, and for each round the seconds of training and of the rest."""
    with tempfile.TemporaryDirectory() as folder:
        options, keeping = Options(f"{folder}/run", n_replicas, n_rounds), Keeping(force=True)
        run = start(find_files([corpus], "line"), config, monitor or Monitor(), keeping, options, engine)
        training, train_all = [], run._train_all

        def timed(number):
            begin = time.perf_counter()
            done = train_all(number)
            training.append(time.perf_counter() - begin)
            return done

        run._train_all = timed
        marks = [time.perf_counter()]
        run.run(lambda run: marks.append(time.perf_counter()))
        whole = [after - before for before, after in itertools.pairwise(marks)]
        rest = [w - t for w, t in zip(whole, training, strict=True)]
        return run, embeddings_of(run), training, rest


def bytes_received(dask_worker) -> int:
    """Return how many bytes a worker has taken from others, as far as it remembers."""
    return sum(entry["total"] for entry in dask_worker.transfer_incoming_log)


def cost(args: argparse.Namespace) -> list[dict]:
    """Return a row for one process, and one for each number of rounds."""
    corpus = load_corpus(Path(args.corpus))
    params = {"dim": args.dim, "epochs": args.epochs}
    rows = [{"rounds": 0, "speeds": []}] + [{"rounds": n, "speeds": [], "rest": []} for n in args.rounds]
    with connect("local:2") as engine:
        warm = TrainConfig(threads=1, **{**params, "epochs": 1})
        run_in_rounds(engine, args.corpus, warm, 2, 2)  # compiles, and maps the text
        for _ in range(args.repeats):
            for row in rows:
                if row["rounds"] == 0:
                    trainer = Trainer(corpus, TrainConfig(threads=2, **params).resolved(), Monitor())
                    trainer.run()
                    row["speeds"].append(trainer.words_per_second)
                    continue
                before = sum(engine._client.run(bytes_received).values())
                run, _, _, rest = run_in_rounds(
                    engine, args.corpus, TrainConfig(threads=1, **params), 2, row["rounds"]
                )
                row["speeds"].append(run.words_per_second)
                row["rest"] += rest
                row["bytes"] = (sum(engine._client.run(bytes_received).values()) - before) / len(rest)
                row["model_bytes"] = 8 * run.plan.vocab_size * run.plan.width
                row["tokens"] = run.plan.n_tokens / run.plan.n_rounds / 2
    return rows


def table(rows: list[dict]) -> str:
    """Return rows of either kind as Markdown."""
    return cost_table(rows) if "speeds" in rows[0] else quality_table(rows)


def cost_table(rows: list[dict]) -> str:
    """Return the rows as Markdown, and what they predict."""
    local = statistics.median(rows[0]["speeds"])
    lines = ["| rounds an epoch | tokens of a replica | words/s | of one | rest of a round | moved |"]
    lines += ["|---|---|---|---|---|---|", f"| one process | - | {local / 1e6:.2f} M | 100 % | - | - |"]
    for row in rows[1:]:
        speed, rest = statistics.median(row["speeds"]), statistics.median(row["rest"])
        share, tokens = 100 * speed / local, f"{row['tokens'] / 1e3:,.0f} k"
        moved = f"{row['bytes'] / 1e6:.0f} MB"
        lines.append(
            f"| {row['rounds']} | {tokens} | {speed / 1e6:.2f} M | {share:.0f} % | {rest:.2f} s | {moved} |"
        )
    return "\n".join([*lines, "", *predictions(rows, local / 2)])


def predictions(rows: list[dict], speed: float) -> list[str]:
    """Return the lines of what a round would cost on separate machines, from the constants measured here.

    A worker sends and takes (N - 1) / N of a model in a round, merges 1 / N, writes 1 / N and reads a model. All
    of that is put into one rate, bytes of the model a second and worker, from the rest of a round measured here.
    """
    longest = max(rows[1:], key=lambda row: row["model_bytes"])
    rest = statistics.median(second for row in rows[1:] for second in row["rest"])
    rate = longest["model_bytes"] * (2 * 1 / 2 + 1) / rest  # two replicas: half sent, half taken, all read
    n_words, dim = CASE
    model = 8 * n_words * (-(-dim // 16) * 16)
    lines = [
        f"Predicted for {n_words:,} words x {dim} from {rate / 1e6:.0f} MB/s for each worker, not measured:",
        "",
    ]
    lines += ["| machines | rest of a round | tokens of a replica in a round for 15 % |", "|---|---|---|"]
    for n in MACHINES:
        seconds = model * (2 * (n - 1) / n + 1) / rate
        lines.append(f"| {n} | {seconds:.0f} s | {seconds / 0.15 * speed / 3 / 1e6:,.0f} M |")
    return lines


def measure_quality(args: argparse.Namespace) -> list[dict]:
    """Return a row for each number of replicas, rounds and learning rate."""
    corpus = load_corpus(Path(args.corpus))
    settings = [tuple(map(float, text.split(":"))) for text in args.settings]
    rows = [{"replicas": int(k), "rounds": int(r), "factor": f, "loss": [], "scores": {}} for k, r, f in settings]
    with connect("local:2") as engine:
        for seed in range(1, args.seeds + 1):
            for row in rows:
                usual = TrainConfig(model=args.model).resolved().alpha
                params = {"model": args.model, "held_out": 0.01, "seed": seed, "alpha": usual * row["factor"]}
                monitor = HeldOut()
                if row["replicas"] == 1:
                    trainer = Trainer(corpus, TrainConfig(**params, threads=2).resolved(), monitor)
                    trainer.run()
                    found = embeddings_of(trainer)
                else:
                    config = TrainConfig(**params, threads=1)
                    _, found, _, _ = run_in_rounds(
                        engine, args.corpus, config, row["replicas"], row["rounds"], monitor
                    )
                row["loss"].append(monitor.loss)
                for name, (score, _) in quality.scores(found, args.analogies + args.similarity).items():
                    row["scores"].setdefault(name, []).append(score)
                print(row, file=sys.stderr)
    return rows


def quality_table(rows: list[dict]) -> str:
    """Return the rows as Markdown; means and half the range over the seeds."""
    names = list(rows[0]["scores"])
    lines = ["| replicas | rounds an epoch | learning rate | held-out loss | " + " | ".join(names) + " |"]
    lines.append("|---" * (4 + len(names)) + "|")
    for row in rows:
        scores = [f"{statistics.mean(v):.1f} ± {(max(v) - min(v)) / 2:.1f}" for v in row["scores"].values()]
        rounds = row["rounds"] if row["replicas"] > 1 else "-"
        loss = f"{statistics.mean(row['loss']):.4f}"
        lines.append(f"| {row['replicas']} | {rounds} | x {row['factor']:g} | {loss} | {' | '.join(scores)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["cost", "quality"])
    parser.add_argument("corpus", help="an encoded corpus")
    parser.add_argument("--rounds", nargs="*", type=int, default=[1, 4, 16, 64])
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", default="sg")
    parser.add_argument(
        "--settings", nargs="*", metavar="REPLICAS:ROUNDS:FACTOR", default=["1:1:1", "2:64:1", "4:64:2"]
    )
    parser.add_argument("--seeds", type=int, default=3)
    quality.add_tests(parser)
    parser.add_argument("--output", help="JSON file to write; the table goes to standard output")
    args = parser.parse_args()
    args.corpus = os.path.realpath(args.corpus)
    measure = cost if args.what == "cost" else measure_quality
    machine.report(measure(args), table, args.output)


if __name__ == "__main__":
    main()
