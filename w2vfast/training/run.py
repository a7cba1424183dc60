"""A whole run: from text to a saved model.

Numba is imported inside the functions, once inputs and output are known to be usable.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from w2vfast import __version__
from w2vfast.corpus.reading import ReadingOptions, ReadingReport
from w2vfast.corpus.sources import CorpusInput, Source, find_sources
from w2vfast.errors import OutOfMemoryError, UsageError
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.system.memory import available_bytes
from w2vfast.system.staging import Staging
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor, clock, human
from w2vfast.training.plan import matrix_bytes

if TYPE_CHECKING:
    from w2vfast.corpus.encoded import EncodedCorpus
    from w2vfast.training.trainer import Trainer

_HEADER_BYTES = 1 << 16  # more than a model file's header takes


def train(
    corpus: CorpusInput | Sequence[CorpusInput], *, monitor: Monitor | None = None, **params: Any
) -> Embeddings:
    """Train word vectors.

    Parameters
    ----------
    corpus
        A path, folder or pattern, "-" for standard input, an open binary stream, or a list of these. One
        line is one sentence, words are separated by white space.
    monitor
        Whom to report progress to; by default nobody.
    **params
        Fields of ``TrainConfig``: ``model="cbow"``, ``dim=300``, ``neg=10`` and so on.

    Returns
    -------
    Embeddings
        Words, input vectors and output vectors; ``save`` writes them to a file.

    Raises
    ------
    UsageError
        A parameter or path is wrong.
    CorpusError
        The text has nothing to train on.
    DivergedError
        The learning rate was too large.
    OutOfMemoryError
        The matrices do not fit.

    Examples
    --------
    >>> emb = w2vfast.train("corpus.txt", model="sg", neg=5)      # doctest: +SKIP
    >>> emb.save("model.w2v")                                     # doctest: +SKIP
    """
    sources, config = find_sources(corpus, (monitor or Monitor()).note), make_config(params).resolved()
    return train_sources(sources, config, monitor or Monitor(), None)[0]


def make_config(params: dict[str, Any]) -> TrainConfig:
    """Return the configuration with these parameters; an unknown name is a UsageError."""
    known = TrainConfig.__dataclass_fields__
    for name in params.keys() - known.keys():
        raise UsageError(f"unknown parameter {name!r}; there are {', '.join(known)}")
    return TrainConfig(**params)


def train_to_file(
    sources: Sequence[Source],
    config: TrainConfig,
    monitor: Monitor,
    output: str | os.PathLike[str],
    **lists: Any,
) -> Embeddings:
    """Train and write the model file; the output is checked before anything is read.

    ``config`` must be resolved; ``lists`` are those of ``TrainConfig.reading``.

    Raises
    ------
    OutputError
        The model cannot be written; an older one is untouched. Found at the end, the message says where else the
        model was saved.
    UsageError
        The output is one of the inputs.
    """
    refuse_input_as_output(sources, output)
    with Staging(output) as staging:
        begin = time.perf_counter()
        try:
            embeddings, speed = train_sources(sources, config, monitor, staging, **lists)
        except KeyboardInterrupt:
            monitor.note(f"stopped; {staging.name} was not written")
            raise
        replaced = _age(staging)
        n_bytes = embeddings.save_or_rescue(staging)
        seconds = time.perf_counter() - begin
        if replaced:
            monitor.note(f"replaced {staging.name} ({replaced})")
        monitor.note(f"done in {clock(seconds)} ({human(speed)} words/s): {staging.name}, {human(n_bytes, 'B')}")
    return embeddings


def train_sources(
    sources: Sequence[Source], config: TrainConfig, monitor: Monitor, staging: Staging | None, **lists: Any
) -> tuple[Embeddings, float]:
    """Read, encode and train; ``config`` must be resolved. Disk space is claimed if there is a staging.

    Returns the vectors and the training speed in words (tokens of the vocabulary) a second.
    """
    announce(sources, monitor)
    from w2vfast.training.trainer import Trainer, load_kernels

    load_kernels(config, monitor)
    corpus = read_corpus(sources, config.reading(**lists), monitor)
    _describe(corpus, config, monitor)
    _check_memory(len(corpus.vocab), config.dim)
    if staging is not None:
        n_text = sum(map(len, corpus.vocab.words)) * 4  # no character takes more bytes
        staging.reserve(len(corpus.vocab) * (8 * config.dim + 16) + n_text + _HEADER_BYTES)
    trainer = Trainer(corpus, config, monitor)
    trainer.run()
    monitor.detail(f"trained {human(trainer.n_pairs)} pairs")
    return embeddings_of(trainer), trainer.words_per_second


def refuse_input_as_output(sources: Sequence[Source], *outputs: str | os.PathLike[str] | None) -> None:
    """Raise a UsageError if a file to be written is one of those to be read, by whatever name."""
    for output in outputs:
        if output is not None and any(source.is_file(Path(os.path.realpath(output))) for source in sources):
            raise UsageError(f"the output {os.fspath(output)} is one of the inputs")


def announce(sources: Sequence[Source], monitor: Monitor) -> None:
    """Say what will be read, before anything heavy is imported."""
    sizes = [source.n_bytes for source in sources]
    known = [size for size in sizes if size is not None]
    monitor.reading([source.name for source in sources], sum(known) if len(known) == len(sizes) else None)


def read_corpus(sources: Sequence[Source], reading: ReadingOptions, monitor: Monitor) -> "EncodedCorpus":
    """Read and encode text, or map a corpus that is encoded already; warn of whatever was dropped or replaced.

    Raises
    ------
    UsageError
        An encoded corpus stands beside other inputs.
    CorpusError, FormatError
        There is nothing to train on, or the data is damaged.
    """
    if any(source.is_encoded for source in sources):
        if len(sources) > 1:
            raise UsageError("an encoded corpus must be the only input")
        from w2vfast.corpus.container import load_corpus

        corpus = load_corpus(cast(Path, sources[0].origin), monitor.read)
    else:
        from w2vfast.corpus.encoded import encode

        corpus = encode(sources, reading, monitor.read)
    monitor.read_all()
    warn(corpus.report, len(corpus.names), reading, monitor)
    return corpus


def embeddings_of(trainer: "Trainer") -> Embeddings:
    """Return the trained matrices without their padding, and where they come from."""
    corpus, config = trainer.corpus, trainer.config
    return Embeddings(
        Contents(
            np.ascontiguousarray(trainer.model.W[:, : config.dim]),
            corpus.vocab,
            np.ascontiguousarray(trainer.model.W_out[:, : config.dim]),
            asdict(config),
            {
                "names": list(corpus.names),
                "bytes": corpus.report.n_bytes,
                "tokens": corpus.n_tokens,
                "sentences": int(corpus.offsets.size - 1),
                "sha256_of_first_mib": corpus.sample_sha256,
            },
            f"w2vfast {__version__}",
        )
    )


def _describe(corpus: "EncodedCorpus", config: TrainConfig, monitor: Monitor) -> None:
    """Say what will be trained on."""
    name = "skip-gram" if config.model == "sg" else f"CBOW ({config.cbow_grad})"
    monitor.note(
        f"{name}, dim {config.dim}, window {config.window}, neg {config.neg}, {config.epochs} epochs, "
        f"{config.threads} threads; untrained loss {config.untrained_loss:.3f}"
    )
    monitor.note(
        f"vocabulary: {len(corpus.vocab):,} words (min-count {config.min_count}), "
        f"{human(corpus.n_tokens)} of {human(corpus.report.n_tokens)} tokens"
    )


def warn(report: ReadingReport, n_files: int, reading: ReadingOptions, monitor: Monitor) -> None:
    """Count whatever was dropped or replaced."""
    if report.n_bad_sequences:
        monitor.note(
            f"warning: {report.n_bad_sequences:,} invalid UTF-8 sequences replaced by U+FFFD, "
            f"the first at byte {report.first_bad_offset:,}"
        )
    if report.n_too_long:
        monitor.note(
            f"warning: {report.n_too_long:,} tokens of more than {reading.max_word_bytes} bytes dropped "
            "(--max-word-bytes)"
        )
    if report.n_empty_files and n_files > 1:
        monitor.note(f"warning: {report.n_empty_files:,} of {n_files:,} files are empty")
    if report.n_changed_files:
        monitor.note(f"warning: {report.n_changed_files:,} files changed while they were read")
    if report.n_files_with_garbage:
        monitor.note(f"warning: {report.n_files_with_garbage:,} compressed files have something behind their data")
    if report.n_truncated_files:
        monitor.note(f"warning: {report.n_truncated_files:,} compressed files break off; read as far as they go")
    if report.n_nul:
        monitor.note(f"warning: {report.n_nul:,} NUL bytes taken as white space")


def _check_memory(vocab_size: int, dim: int) -> None:
    """Refuse a run whose matrices, padded and compact, do not fit into memory."""
    needed, free = matrix_bytes(vocab_size, dim), available_bytes()
    if free is not None and needed > free:
        raise OutOfMemoryError(
            f"{vocab_size:,} words x {dim} need about {human(needed, 'B')}, {human(free, 'B')} are available; "
            "use a smaller --dim or a larger --min-count"
        )


def _age(staging: Staging) -> str:
    """Return when the file that will be replaced was written; "" if there is none."""
    if staging.in_place or not staging.target.exists():
        return ""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(staging.target.stat().st_mtime))
