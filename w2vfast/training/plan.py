"""What a run would take: words, pairs, memory, disk, and time by a short trial."""

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from w2vfast.system.memory import available_bytes
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor
from w2vfast.training.resources import matrix_bytes

if TYPE_CHECKING:
    from w2vfast.corpus.encoded import EncodedCorpus

_TRIAL_SECONDS = 1.0


@dataclass(frozen=True)
class Plan:
    """The figures of a run that has not taken place."""

    vocabulary: int  # words
    tokens: int  # in an epoch, those of the vocabulary
    tokens_read: int  # all of them
    tokens_after_subsampling: int  # in an epoch, expected
    pairs: int  # in an epoch, expected: of context and center (skip-gram), or windows (CBOW)
    memory_bytes: int  # of the matrices while they are trained and copied for saving
    memory_available_bytes: int | None
    spool_bytes: int  # the encoded corpus, in spool_folder
    spool_folder: str
    model_bytes: int  # the file, context vectors included
    words_per_second: float | None  # measured; None if the matrices do not fit into memory
    training_seconds: float | None  # all epochs


def make_plan(corpus: "EncodedCorpus", config: TrainConfig) -> Plan:
    """Estimate a run; ``config`` must be resolved. Trains for a second, if the matrices fit.

    Raises
    ------
    CorpusError
        Windows are whole sentences, and one is too long.
    """
    from w2vfast.training.tables import keep_probabilities
    from w2vfast.training.trainer import Trainer

    counts, size, dim = corpus.vocab.counts, len(corpus.vocab), config.dim
    memory, free = matrix_bytes(config, corpus.n_tokens, size), available_bytes()
    words_per_second = pairs_per_word = None
    if free is None or memory <= free:
        words_per_second, pairs_per_second = Trainer(corpus, config, Monitor()).measure(_TRIAL_SECONDS)
        pairs_per_word = pairs_per_second / words_per_second
    kept = float((counts * keep_probabilities(counts, config.sample)).sum())
    return Plan(
        vocabulary=size,
        tokens=corpus.n_tokens,
        tokens_read=corpus.report.n_tokens,
        tokens_after_subsampling=round(kept),
        pairs=round(corpus.n_tokens * (pairs_per_word or 0)),
        memory_bytes=memory,
        memory_available_bytes=free,
        spool_bytes=corpus.ids.nbytes + corpus.offsets.nbytes,
        spool_folder=tempfile.gettempdir(),
        model_bytes=size * (8 * dim + 16) + sum(len(word.encode()) for word in corpus.vocab.words),
        words_per_second=words_per_second,
        training_seconds=corpus.n_tokens * config.epochs / words_per_second if words_per_second else None,
    )
