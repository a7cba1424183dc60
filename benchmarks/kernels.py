"""What the kernels reach: each step alone, in ns a word and GFLOP/s, against the processor's measured peak.

    python benchmarks/kernels.py corpus.txt --output benchmarks/results/kernels.json

One thread. The steps of a window are timed by running the whole kernel and the kernel without the step, in turns;
the difference is the step. A window of m contexts and k negatives takes 6 D m (k + 1) operations (skip-gram).
"""

import argparse
import json
import statistics
import time
import types
from pathlib import Path
from unittest import mock

import machine
import numpy as np

import w2vfast.kernels.cbow
import w2vfast.kernels.sgns
from w2vfast import _jit
from w2vfast._jit import compiled
from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import find_sources
from w2vfast.kernels import vector
from w2vfast.kernels.arguments import Job, Text
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor
from w2vfast.training.trainer import Trainer

#: Step -> the line of the kernel's source that is left out, and what stands there instead.
STEPS = {
    "sg": {
        "scores": ("    score_group(model, context_ids, outputs, scores)\n", ""),
        "errors": (
            "        scores_to_errors(scores[row], n_hidden, labels, alpha, tables.sigmoid)\n",
            "        pass\n",
        ),
        "updates": ("    update_group(model, context_ids, outputs, scores, ahead)\n", ""),
        "prefetch of outputs": ("        prefetch_each(model.W_out, ahead, lane)\n", ""),
        "prefetch of contexts": ("prefetch_context(model.W, piece, i + 1, n_centers, window)", "pass"),
        "loss": ("is_measured = contexts[:n_contexts], piece.alphas[i], piece.is_measured[i]",
                 "is_measured = contexts[:n_contexts], piece.alphas[i], False"),
    },
    "cbow": {
        "mean": ("mean_rows(model.W, context_ids, rows)\n", "pass\n"),
        "updates of W": ("    update_inputs(model.W, context_ids, gradient_power, rows)\n", ""),
        "prefetch of outputs": ("        prefetch_each(W_out, ahead, lane)\n", ""),
        "prefetch of contexts": ("prefetch_context(model.W, piece, i + 1, n_centers, window)", "pass"),
    },
}  # fmt: skip


@compiled
def multiply_add_chains(matrix, n_rounds):
    """Run 12 independent chains of multiply-adds in registers: the peak of one core."""
    a, b = vector.load(matrix, 0, 0), vector.load(matrix, 1, 0)
    tile = vector.zero_tile((0, 1), (0, 1, 2, 3, 4, 5))
    for _ in range(n_rounds):
        tile = vector.multiply_add_tile((a, b), (a, b, a, b, a, b), tile)
    vector.store(matrix, 2, 0, vector.sum_each(tile))


def peak_gflops() -> float:
    """Return the best of five runs of 12 chains."""
    matrix, rounds = np.full((3, vector.LANES), 1e-3, np.float32), 3_000_000
    multiply_add_chains(matrix, 1)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        multiply_add_chains(matrix, rounds)
        times.append(time.perf_counter() - begin)
    return 12 * 2 * vector.LANES * rounds / min(times) / 1e9


def without(module: types.ModuleType, line: str, instead: str) -> types.ModuleType:
    """Return the kernel's module with a line replaced, from a file beside it that is removed at once."""
    source = Path(module.__file__).read_text()
    assert line in source, f"the kernel has changed: {line}"
    path = Path(module.__file__).with_name("_variant.py")
    path.write_text(source.replace(line, instead))
    try:
        variant = types.ModuleType("variant")
        variant.__file__ = str(path)
        with mock.patch.object(_jit, "cache_directory", return_value=None):  # Numba could not load it again
            exec(compile(path.read_text(), str(path), "exec"), vars(variant))
        return variant
    finally:
        path.unlink()


def time_steps(module, steps, trainer: Trainer, n_words: int, repeats: int) -> dict[str, float]:
    """Return ns a word of the whole kernel and of each step, medians."""
    variants = {"whole": module, **{name: without(module, *lines) for name, lines in steps.items()}}
    text = Text(trainer.corpus.ids, trainer.corpus.offsets)
    times = {name: [] for name in variants}
    for round_ in range(repeats + 1):
        for name, variant in variants.items():
            first = (round_ * n_words) % max(1, trainer.corpus.n_tokens - n_words)
            job = Job(0, trainer.corpus.n_tokens, np.uint64(7), 0.025, 0.0)
            bounds = (first, first + (n_words if round_ else 1000))
            begin = time.perf_counter()
            variant.train_shard(trainer.model, text, trainer.tables, trainer._settings, job, bounds, np.uint64(1))
            if round_:
                times[name].append((time.perf_counter() - begin) / n_words * 1e9)
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {name: value if name == "whole" else medians["whole"] - value for name, value in medians.items()}


def table(rows: list[dict]) -> str:
    """Return the steps as Markdown, ns a word."""
    lines = ["| model | step | ns a word |", "|---|---|---|"]
    for row in rows:
        for step, time_ in row["ns_per_word"].items():
            lines.append(f"| {row['model']} | {step} | {time_:.0f} |")
        if "gflops" in row:
            share = f"{row['gflops']:.0f} GFLOP/s, {row['share_of_peak']:.0%} of the peak"
            lines.append(f"| {row['model']} | {share}; {row['ns_per_pair']:.0f} ns a pair | |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--words", type=int, default=300_000, help="words a timing")
    parser.add_argument("--output", help="JSON file to write")
    args = parser.parse_args()
    corpus, rows = encode(find_sources(args.corpus), ReadingOptions()), []
    peak = peak_gflops()
    for model, module in (("sg", w2vfast.kernels.sgns), ("cbow", w2vfast.kernels.cbow)):
        config = TrainConfig(model=model, threads=1, epochs=1).resolved()
        trainer = Trainer(corpus, config, Monitor())
        trainer.run()
        steps = time_steps(module, STEPS[model], trainer, args.words, args.repeats)
        pairs = trainer.state.n_pairs / corpus.n_tokens
        row = {"model": model, "ns_per_word": steps, "pairs_per_word": pairs}
        if model == "sg":
            width = trainer.model.W.shape[1]
            row["gflops"] = 6 * width * pairs * (config.neg + 1) / steps["whole"]
            row["share_of_peak"] = row["gflops"] / peak
            row["ns_per_pair"] = steps["whole"] / pairs
        rows.append(row)
    result = {"command": machine.command(), "machine": machine.describe(), "peak_gflops": peak, "rows": rows}
    if args.output:
        Path(args.output).write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
