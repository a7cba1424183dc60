"""Where a run in rounds stands, as a file in its store: written last in a round, so that it never lies.

It holds the plan, the position and sums of the run, and the model after the last rounds as names and checksums
of blocks. Arrays and JSON only: nothing in a store is ever executed.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from w2vfast.distributed.plan import Plan, Shard
from w2vfast.distributed.store import Store
from w2vfast.errors import FormatError, UsageError
from w2vfast.training.config import TrainConfig
from w2vfast.training.state import RunState

FORMAT, FORMAT_VERSION = "w2vfast-run", 1
NAME = "manifest.json"


@dataclass(frozen=True)
class Standing:
    """The model after a round, and the run's figures then."""

    n_rounds: int  # done, over all epochs
    blocks: tuple[tuple[str, str], ...]  # names and checksums
    before: tuple[tuple[str, str], ...]  # those of the model a round earlier, for the momentum
    progress: dict[str, float]

    def state(self) -> RunState:
        """Return the figures as a state."""
        return RunState.of(self.progress, np.empty(0, np.uint64))


@dataclass(frozen=True)
class Manifest:
    """All that is known of a run."""

    plan: Plan
    corpus: dict[str, Any]  # what a model tells of its text
    base: str | None  # fingerprint of the model that the run went on from
    last: Standing
    previous: Standing | None = None

    def write(self) -> None:
        """Write it to the run's store.

        Raises
        ------
        OutputError
            It cannot be written; the older one stays.
        """
        content = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(self)}
        Store(self.plan.store).put_json(NAME, content)


def read_manifest(store: str) -> Manifest | None:
    """Return the manifest of a run; None if there is none.

    Raises
    ------
    FormatError
        It is damaged, or of another format or version.
    """
    content = Store(store).get_json(NAME)
    if content is None:
        return None
    try:
        if (content["format"], content["format_version"]) != (FORMAT, FORMAT_VERSION):
            raise FormatError(f"{Store(store).path(NAME)} is no manifest that this w2vfast can read")
        previous = content["previous"]
        return Manifest(
            _plan(content["plan"], store),
            dict(content["corpus"]),
            content["base"],
            _standing(content["last"]),
            None if previous is None else _standing(previous),
        )
    except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
        raise FormatError(f"{Store(store).path(NAME)} is damaged ({error})") from None


def _plan(content: dict[str, Any], store: str) -> Plan:
    values = {field.name: content[field.name] for field in fields(Plan)}
    shards = tuple(
        Shard(str(shard["url"]), int(shard["n_tokens"]), str(shard["crc32"])) for shard in content["shards"]
    )
    config, frozen = TrainConfig(**content["config"]), tuple(map(int, content["frozen"]))
    return Plan(**values | {"store": store, "config": config, "shards": shards, "frozen": frozen})


def _standing(content: dict[str, Any]) -> Standing:
    blocks, before = (
        tuple((str(name), str(crc)) for name, crc in content[which]) for which in ("blocks", "before")
    )
    found = Standing(int(content["n_rounds"]), blocks, before, dict(content["progress"]))
    found.state()
    return found
