"""The score of a model on each test, for the other scripts; ``w2vfast evaluate`` prints them for any vectors."""

import argparse
from pathlib import Path

from w2vfast.model.evaluate import evaluate
from w2vfast.model.vectors import WordVectors


def scores(model: WordVectors, tests: list[str]) -> dict[str, tuple[float, int]]:
    """Return accuracy on analogies and Spearman's rho x 100, with the number of questions, by the test's name."""
    lines = [score for test in tests for score in evaluate(model, test) if score.section in ("total", "spearman")]
    return {score.test: (score.score, score.total) for score in lines}


def load(path: str | Path) -> WordVectors:
    """Read the vectors of any trainer."""
    return WordVectors.load(path, with_context=False)


def add_tests(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the tests."""
    for name in ("--analogies", "--similarity"):
        parser.add_argument(name, nargs="*", default=[], metavar="FILE")
