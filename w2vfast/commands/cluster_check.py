"""``w2vfast cluster-check``: the workers of a cluster, and whether a run fits them."""

import json
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import click

from w2vfast.commands import output
from w2vfast.commands.help import GroupedCommand
from w2vfast.commands.options import common_options
from w2vfast.commands.workers import connect
from w2vfast.errors import OutOfMemoryError, UsageError
from w2vfast.training.monitor import Console, Monitor, human

_PROBE_BYTES = 50_000_000


@click.command("cluster-check", cls=GroupedCommand, essential="--vocab-size --dim --replicas --json")
@click.argument("address")
@click.option("--vocab-size", type=click.IntRange(min=2), default=1_000_000, show_default=True, help="Words.")
@click.option("--dim", type=click.IntRange(min=1), default=100, show_default=True, help="Vector size.")
@click.option("--replicas", type=click.IntRange(min=1), show_default="the workers, up to 4", help="As in train.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--header", is_flag=True, help="Begin the TSV with the names of its columns.")
@common_options
def cluster_check(
    address: str, vocab_size: int, dim: int, replicas: int | None, as_json: bool, header: bool, quiet: bool
) -> None:
    """Look at the Dask cluster at ADDRESS: versions, CPUs, memory and bandwidth of its workers.

    A line for each worker: name, host, CPUs, free memory, bytes a second to the next one, versions, processor.
    Ends with 6 if a model of that size does not fit; workers of one machine share its memory.

    \b
    w2vfast cluster-check tcp://scheduler:8786 --vocab-size 3000000 --dim 300
    """
    monitor = Monitor() if quiet else Console("never")
    with connect(address) as engine:
        from w2vfast.distributed.engine import workers_of
        from w2vfast.distributed.prepare import MOST_REPLICAS, memory_for, replica_bytes

        workers = workers_of(engine)
        if not workers:
            raise UsageError(f"no worker at {address} has w2vfast; install the same version everywhere")
        names = list(workers)
        rates = {
            a: _PROBE_BYTES / engine.seconds_to_move(_PROBE_BYTES, a, b) for a, b in pairwise([*names, names[0]])
        }
    n_replicas = replicas or min(len(workers), MOST_REPLICAS)
    needed = replica_bytes(vocab_size, dim, n_replicas)
    short = [name for name, memory in memory_for(workers, n_replicas).items() if memory < needed]
    if as_json:
        rows = [{"worker": n, **asdict(w), "bytes_per_second": rates[n]} for n, w in workers.items()]
        output.write(json.dumps({"workers": rows, "bytes_needed": needed, "fits": not short}) + "\n")
    else:
        columns = ("worker", "host", "cpus", "memory_bytes", "bytes_per_second", "versions", "cpu")
        table: list[tuple[Any, ...]] = [columns] if header else []
        for name, w in workers.items():
            versions = " ".join(f"{package}={version}" for package, version in w.versions.items())
            table.append((name, w.host, w.n_cpus, w.memory_bytes or "", round(rates[name]), versions, w.cpu))
        output.write("".join(output.as_row(row) for row in table))
    what = f"{vocab_size:,} words x {dim} need {human(needed, 'B')} on each worker"
    if short:
        raise OutOfMemoryError(f"{what}; there is less for {', '.join(short)}")
    monitor.note(f"{what}: they fit")
