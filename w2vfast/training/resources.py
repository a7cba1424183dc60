"""Memory and disk that a run needs, checked before it begins."""

from typing import TYPE_CHECKING

from w2vfast.errors import OutOfMemoryError
from w2vfast.system.memory import available_bytes
from w2vfast.system.staging import Staging
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor, human
from w2vfast.vocab import Vocab

if TYPE_CHECKING:
    from w2vfast.corpus.encoded import EncodedCorpus
    from w2vfast.training.continued import Base

_HEADER_BYTES = 1 << 16  # more than a model file's header takes


def matrix_bytes(config: TrainConfig, n_tokens: int, vocab_size: int, n_merged: int = 0) -> int:
    """Return the memory that a run's matrices take: padded, those of replicas, and those for the file.

    Parameters
    ----------
    config, n_tokens, vocab_size
        Of the run; the tokens of an epoch.
    n_merged
        Words of the result, if the run goes on from a model.
    """
    from w2vfast.kernels.vector import padded
    from w2vfast.training.replicas import count_shards

    width, dim = padded(config.dim), config.dim
    n_shards = count_shards(config, n_tokens * config.epochs, vocab_size)
    n_padded = 1 + n_shards if config.deterministic and n_shards > 1 else 1
    of_a_word = {"concat": 8 * dim, "sum": 4 * dim}.get(config.vectors, 0)
    trained = 8 * vocab_size * (n_padded * width + (dim if dim < width else 0))
    return trained + 8 * n_merged * dim + (n_merged or vocab_size) * of_a_word


def model_file_bytes(vocab: Vocab, dim: int) -> int:
    """Return the size of a model file, or a little more."""
    n_text = sum(map(len, vocab.words)) * 4  # no character takes more bytes
    return len(vocab) * (8 * dim + 16) + n_text + _HEADER_BYTES


def check_resources(
    corpus: "EncodedCorpus", config: TrainConfig, monitor: Monitor, staging: Staging | None,
    base: "Base | None" = None, *, force: bool,
) -> None:  # fmt: skip
    """Refuse a run whose matrices do not fit into memory, or its model on the disk; claim the disk space.

    ``force`` turns the first refusal into a warning; without a staging nothing will be written. ``base`` is the
    model that the run goes on from.

    Raises
    ------
    OutOfMemoryError, OutputError
        With what is needed and what there is.
    """
    vocab_size, n_merged = (
        len(corpus.vocab),
        0 if base is None else len(corpus.vocab) + base.count_absent(corpus.vocab),
    )
    needed, free = matrix_bytes(config, corpus.n_tokens, vocab_size, n_merged), available_bytes()
    what = f"{vocab_size:,} words x {config.dim} need about {human(needed, 'B')} of memory"
    if free is not None:
        what += f", {human(free, 'B')} are available"
    if free is not None and needed > free:
        if not force:
            raise OutOfMemoryError(f"{what}; use a smaller --dim or a larger --min-count, or --force to try")
        monitor.note(f"warning: {what}")
    n_bytes = model_file_bytes(corpus.vocab, config.dim)
    n_bytes += 0 if base is None else model_file_bytes(base.model.vocab, config.dim)
    monitor.detail(f"{what}; the model about {human(n_bytes, 'B')} of disk")
    if staging is not None:
        staging.reserve(n_bytes)
