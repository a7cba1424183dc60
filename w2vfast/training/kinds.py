"""What a run and its text look like to those who announce, score and save: on one machine or on many."""

from typing import Protocol

from w2vfast.corpus.reading import ReadingReport
from w2vfast.kernels.arguments import Model
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor
from w2vfast.training.state import RunState
from w2vfast.vocab import Vocab


class Corpus(Protocol):
    """An encoded text: ``EncodedCorpus``, or the shards of one."""

    @property
    def vocab(self) -> Vocab: ...  # noqa: D102

    @property
    def report(self) -> ReadingReport: ...  # noqa: D102

    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def sample_sha256(self) -> str: ...  # noqa: D102

    @property
    def n_tokens(self) -> int: ...  # noqa: D102

    @property
    def n_sentences(self) -> int: ...  # noqa: D102


class Run(Protocol):
    """A run that is going on, or done: ``Trainer``, or ``ClusterRun``."""

    monitor: Monitor
    state: RunState
    n_tokens: int  # of an epoch
    words_per_second: float

    @property
    def config(self) -> TrainConfig: ...  # noqa: D102

    @property
    def corpus(self) -> Corpus: ...  # noqa: D102

    @property
    def model(self) -> Model: ...  # noqa: D102
