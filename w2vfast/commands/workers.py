"""Training on other machines: the options of ``train``, and the way to a cluster."""

import functools
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from w2vfast.commands.help import F, grouped
from w2vfast.commands.next import tell_next
from w2vfast.commands.options import refuse_text_options
from w2vfast.errors import UsageError
from w2vfast.model.embeddings import Embeddings
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor
from w2vfast.training.run import Keeping

if TYPE_CHECKING:
    from w2vfast.distributed.dask_engine import DaskEngine

_CLUSTER = "Cluster"


@dataclass(frozen=True)
class Cluster:
    """What the command line says about workers; None is what it does not say."""

    workers: str | None = None
    replicas: int | None = None
    rounds: int | None = None
    checkpoint: str | None = None
    given: dict[str, Any] = field(default_factory=dict)  # the parameters of training on the command line
    resume: bool = False


def cluster_options(function: F) -> F:
    """Add the options of training on workers; the command gets them as one argument, ``cluster``."""

    @functools.wraps(function)
    def call(*args: Any, workers: str | None, **params: Any) -> Any:
        named = {name: params.pop(name) for name in ("replicas", "rounds", "checkpoint")}
        useless = [name for name, value in named.items() if value is not None]
        if workers is None and useless:
            raise UsageError(f"--{useless[0]} needs --workers")
        return function(*args, cluster=Cluster(workers, **named), **params)

    options = (
        grouped(_CLUSTER, "--workers", metavar="ADDRESS", show_default="none",
                help="Train on a Dask cluster, tcp://HOST:PORT, or on local:N processes."),
        grouped(_CLUSTER, "--replicas", type=click.IntRange(1, 1024), metavar="K",
                show_default="the workers, up to 4", help="Copies of the model that are trained apart."),
        grouped(_CLUSTER, "--rounds", type=click.IntRange(1, 1_000_000), metavar="R", show_default="64",
                help="How often an epoch the copies are merged."),
        grouped(_CLUSTER, "--checkpoint", metavar="URL", show_default="OUTPUT.run",
                help="Folder that all workers see: a shared disk, s3://BUCKET/RUN."),
    )  # fmt: skip
    for option in reversed(options):
        call = option(call)
    return call  # type: ignore[return-value]


def connect(address: str) -> "DaskEngine":
    """Return the engine of a cluster.

    Raises
    ------
    UsageError
        Dask is not installed, or there is no such cluster.
    """
    if importlib.util.find_spec("distributed") is None:
        raise UsageError("--workers needs Dask: pip install 'w2vfast[dask]'")
    from w2vfast.distributed.dask_engine import DaskEngine

    return DaskEngine(address)


def train_on_workers(
    corpus: Sequence[str], config: TrainConfig, monitor: Monitor, output: str, keeping: Keeping, cluster: Cluster,
    **lists: Any,
) -> Embeddings:  # fmt: skip
    """Train on a cluster, write the model, say what to try next."""
    assert cluster.workers is not None
    with connect(cluster.workers) as engine:
        from w2vfast.distributed.reading import find_files
        from w2vfast.distributed.start import Options, default_store, train_to_file

        files = find_files(corpus, config.sentence)
        refuse_text_options(files)
        place = cluster.checkpoint or default_store(output)
        store = place if "://" in place else os.path.realpath(place)
        options = Options(store, cluster.replicas, cluster.rounds, cluster.given, cluster.resume)
        embeddings = train_to_file(files, config, monitor, output, keeping, options, engine, **lists)
    tell_next(output, embeddings.vocab.words, monitor)
    return embeddings
