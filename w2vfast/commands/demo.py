"""``w2vfast demo``: train on the sample that ships with the package, and ask the result."""

from importlib.resources import as_file, files

import click

from w2vfast.commands import output
from w2vfast.commands.help import GroupedCommand
from w2vfast.commands.options import common_options
from w2vfast.commands.train import run_training
from w2vfast.corpus.sources import find_sources
from w2vfast.errors import UsageError
from w2vfast.model.embeddings import Embeddings
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Console, Monitor

SAMPLE = files("w2vfast") / "data" / "sample.txt.gz"
_WORDS = ("queen", "guitar", "rain")
_ANALOGIES = (("man", "king", "woman"), ("france", "paris", "japan"))


@click.command(cls=GroupedCommand, essential="-o")
@click.option("-o", "--output", "model_file", default="demo.w2v", show_default=True, metavar="FILE",
              help="Model file to write.")  # fmt: skip
@common_options
def demo(model_file: str, quiet: bool) -> None:
    """Train on a small sample text and show what the vectors know.

    The sample is made up: its topics, pairs (king, queen) and capitals are planted, so the answers are known.

    \b
    w2vfast demo -o demo.w2v
    """
    if model_file == "-":
        raise UsageError("demo needs the name of a file, which it asks then")
    monitor = Monitor() if quiet else Console()
    with as_file(SAMPLE) as corpus:
        run_training(find_sources(corpus), TrainConfig(epochs=10), monitor, model_file)
    model = Embeddings.load(model_file, with_context=False)
    output.write("\nThe words nearest to a word:\n")
    for word, results in zip(_WORDS, model.neighbours(_WORDS, k=5), strict=True):
        output.write(f"  {word:8} {', '.join(word for word, _ in results)}\n")
    output.write("\nAnalogies:\n")
    for a, b, c in _ANALOGIES:
        answer = model.most_similar([b, c], [a], k=1)[0][0]
        output.write(f"  {a} is to {b} as {c} is to {answer}\n")
    output.write(
        f"\nTry next:\n  w2vfast similar violin -m {model_file}\n"
        f"  echo moscow | w2vfast similar - -m {model_file} | head -3\n"
        "and, with a text of your own: w2vfast train TEXT --model sg --neg 5\n"
    )
