"""What is said about a run: what is read, what will be trained on, what was dropped, what it will take."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from w2vfast.corpus.reading import ReadingOptions, ReadingReport
from w2vfast.corpus.sources import Source
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor, clock, human
from w2vfast.wording import counted

if TYPE_CHECKING:
    from w2vfast.training.kinds import Corpus
    from w2vfast.training.trainer import Trainer

_LONG_SECONDS = 60.0


def announce(sources: Sequence[Source], monitor: Monitor) -> None:
    """Say what will be read, before anything heavy is imported."""
    sizes = [source.n_bytes for source in sources]
    known = [size for size in sizes if size is not None]
    monitor.reading([source.name for source in sources], sum(known) if len(known) == len(sizes) else None)


def warn_of_cost(trainer: "Trainer") -> None:
    """Say how long the full softmax will take, if it is long or the vocabulary large."""
    from w2vfast.training.softmax import MANY_WORDS, estimate_seconds

    counts, state = trainer.corpus.vocab.counts, trainer.state
    kept = float((counts * trainer.tables.keep_prob).sum() / counts.sum())
    seconds = estimate_seconds(len(counts), trainer.config, kept * (state.total - state.done))
    if seconds > _LONG_SECONDS or len(counts) > MANY_WORDS:
        trainer.monitor.note(
            f"warning: every prediction of the full softmax goes over all {len(counts):,} words: about "
            f"{clock(seconds)} in all; --loss ns or hs is faster, a larger --min-count helps"
        )


def describe(corpus: "Corpus", config: TrainConfig, monitor: Monitor) -> None:
    """Say what will be trained on."""
    from w2vfast.training.tables import untrained_loss

    name = "skip-gram" if config.model == "sg" else f"CBOW ({config.cbow_grad})"
    loss = {"ns": f"neg {config.neg}", "hs": "hierarchical softmax", "softmax": "full softmax"}[config.loss]
    window = str(config.window)
    if config.left is not None or config.right is not None:
        window = "+".join(str(config.window if side is None else side) for side in (config.left, config.right))
    epochs, threads = counted(config.epochs, "epoch"), counted(config.threads or 1, "thread")
    monitor.note(
        f"{name}, dim {config.dim}, window {window}, {loss}, {epochs}, {threads}; "
        f"untrained loss {untrained_loss(config, corpus.vocab.counts):.3f}"
    )
    monitor.note(
        f"vocabulary: {counted(len(corpus.vocab), 'word')} (min-count {config.min_count}), "
        f"{human(corpus.n_tokens)} of {human(corpus.report.n_tokens)} tokens"
    )


def warn(report: ReadingReport, n_files: int, reading: ReadingOptions, monitor: Monitor) -> None:
    """Count whatever was dropped or replaced."""
    if report.n_bad_sequences:
        monitor.note(
            f"warning: {counted(report.n_bad_sequences, 'invalid UTF-8 sequence')} replaced by U+FFFD, "
            f"the first at byte {report.first_bad_offset:,}"
        )
    if report.n_too_long:
        tokens, limit = counted(report.n_too_long, "token"), counted(reading.max_word_bytes, "byte")
        monitor.note(f"warning: {tokens} of more than {limit} dropped (--max-word-bytes)")
    if report.n_empty_files and n_files > 1:
        monitor.note(f"warning: {counted(report.n_empty_files, 'empty file')} among {n_files:,}")
    if report.n_changed_files:
        monitor.note(f"warning: {counted(report.n_changed_files, 'file')} changed while being read")
    if report.n_files_with_garbage:
        files = counted(report.n_files_with_garbage, "compressed file")
        monitor.note(f"warning: {files} with something behind the data, ignored")
    if report.n_truncated_files:
        files = counted(report.n_truncated_files, "compressed file")
        monitor.note(f"warning: {files} cut short, read as far as possible")
    if report.n_nul:
        monitor.note(f"warning: {counted(report.n_nul, 'NUL byte')} taken as white space")
    for number, purpose in ((report.n_unseen_kept, "keep"), (report.n_unseen_dropped, "drop")):
        if number:
            monitor.note(f"not in the text: {counted(number, 'word')} to {purpose}")
