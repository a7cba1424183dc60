"""A whole run: from text to a saved model.

Numba is imported inside the functions, once inputs and output are known to be usable.
"""

import io
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import CorpusInput, Source, find_sources
from w2vfast.errors import FormatError, Interrupted, UsageError
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.evaluate import LoadedTest
from w2vfast.system.places import checkpoint_of
from w2vfast.system.signals import StopRequests
from w2vfast.system.staging import Staging
from w2vfast.training.config import TrainConfig
from w2vfast.training.continued import Base
from w2vfast.training.messages import announce, describe, warn, warn_of_cost
from w2vfast.training.monitor import Monitor, clock, human
from w2vfast.training.outputs import refuse_input_as_output, refuse_replacing
from w2vfast.training.resources import check_resources, model_file_bytes
from w2vfast.training.result import result_of, score
from w2vfast.wording import counted

if TYPE_CHECKING:
    from w2vfast.corpus.encoded import EncodedCorpus
    from w2vfast.training.checkpoint import Checkpoints, Saved
    from w2vfast.training.kinds import Run
    from w2vfast.training.trainer import Trainer


def train(
    corpus: CorpusInput | Sequence[CorpusInput], *, monitor: Monitor | None = None,
    base: Embeddings | str | os.PathLike[str] | None = None, **params: Any,
) -> Embeddings:  # fmt: skip
    """Train word vectors.

    Parameters
    ----------
    corpus
        A path, folder or pattern, "-" for standard input, an open binary stream, or a list of these. One
        line is one sentence, words are separated by white space.
    monitor
        Whom to report progress to; by default nobody.
    base
        A model to go on from, or its file, with its output vectors: its words stay, new ones are added. Its
        parameters are the defaults.
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
    for one in corpus if isinstance(corpus, list | tuple) else [corpus]:
        if isinstance(one, bytes | io.TextIOBase):
            raise UsageError("a corpus is a path (str) or a stream open for bytes: open(path, 'rb')")
    sources = find_sources(corpus, (monitor or Monitor()).note)
    base = Embeddings.load(base) if isinstance(base, str | os.PathLike) else base
    keeping = Keeping(base=None if base is None else Base(base, "the base"))
    config = make_config(params if base is None else parameters_like(base, params)).resolved()
    trainer = prepare(sources, config, monitor or Monitor(), None, keeping)
    trainer.run()
    return result_of(trainer, keeping.base)


def make_config(params: dict[str, Any]) -> TrainConfig:
    """Return the configuration with these parameters; an unknown name is a UsageError."""
    known = TrainConfig.__dataclass_fields__
    for name in params.keys() - known.keys():
        raise UsageError(f"unknown parameter {name!r}; there are {', '.join(known)}")
    return TrainConfig(**params)


@dataclass(frozen=True)
class Keeping:
    """How a run is kept on disk while it goes on.

    Parameters
    ----------
    resumed
        The checkpoint that it goes on from, if it does.
    command
        The command that resumes it.
    seconds
        How often a checkpoint is written.
    base
        The model that it goes on from, if there is one.
    tests
        Analogies or similarities that the vectors are scored on after each epoch.
    frozen
        Words whose vectors stay as they are.
    with_context
        Whether the output vectors are saved, too; without them the model cannot be trained on.
    replaces
        Whether an older file may be replaced.
    force
        Whether to train even if memory seems too small.
    """

    resumed: "Saved | None" = None
    command: str = ""
    seconds: float = 600.0
    base: Base | None = None
    tests: tuple[LoadedTest, ...] = ()
    frozen: frozenset[str] = frozenset()
    with_context: bool = True
    replaces: bool = True
    force: bool = False


def parameters_like(model: Embeddings, given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that a model was trained with, where none are given; not its number of threads.

    A learning rate suits an architecture and an objective; it is not taken over if one of them is given.

    Raises
    ------
    UsageError
        The model has none.
    """
    known = {name: value for name, value in model.params.items() if name in TrainConfig.__dataclass_fields__}
    if not known:
        raise UsageError("that model does not tell how it was trained; give the options themselves")
    if given.keys() & {"model", "loss", "cbow_grad", "alpha"}:
        known |= {"alpha": None, "min_alpha": None}
    return {"dim": model.dim, **known, "threads": None, **given}


def train_to_file(
    sources: Sequence[Source], config: TrainConfig, monitor: Monitor, output: str | os.PathLike[str],
    keeping: Keeping | None = None, **lists: Any,
) -> Embeddings:  # fmt: skip
    """Train and write the model file; the output is checked before anything is read.

    ``config`` must be resolved; ``lists`` are those of ``TrainConfig.reading``. A signal that asks for a stop, and
    the clock, write a checkpoint beside the output; it goes when the model is there.

    Raises
    ------
    OutputError
        The model cannot be written; an older one is untouched. Found at the end, the message says where else the
        model was saved.
    UsageError
        The output is one of the inputs, or the text is not that of the checkpoint.
    Interrupted
        A signal asked for a stop.
    """
    keeping = keeping or Keeping()
    refuse_input_as_output(sources, output)
    if not keeping.replaces:
        refuse_replacing(output)
    with Staging(output, replaces=keeping.replaces) as staging:
        begin = time.perf_counter()
        if staging.is_contested:
            monitor.note(f"warning: another run is writing {staging.name}; the last one to finish wins")
        trainer = prepare(sources, config, monitor, staging, keeping, **lists)
        return finish(trainer, partial(_train_and_keep, trainer, staging, keeping), staging, keeping, begin)


def finish(
    trainer: "Run", train: Callable[[StopRequests], Callable[[], None]], staging: Staging,
    keeping: Keeping, begin: float, params: dict[str, Any] | None = None,
) -> Embeddings:  # fmt: skip
    """Train, save the model and say so.

    Parameters
    ----------
    trainer
        Has the model, once it is trained.
    train
        Trains; returns what cleans up when the model is saved.
    staging
        Of the output.
    keeping
        What to save.
    begin
        Time of ``perf_counter`` when the command began.
    params
        What the model tells of its training beside the configuration.
    """
    monitor = trainer.monitor
    what = "nothing can be saved" if staging.in_place else "saving what there is"
    message = f"stopping, {what} (Ctrl-C again to quit now)" if monitor.is_heard else ""
    with StopRequests(message) as stop:
        clean_up = train(stop)
        replaced = _age(staging)
        embeddings = result_of(trainer, keeping.base, with_context=keeping.with_context, params=params)
        n_bytes = embeddings.save_or_rescue(staging)
        clean_up()
    seconds, speed = time.perf_counter() - begin, human(trainer.words_per_second)
    if replaced:
        monitor.note(f"replaced {staging.name} ({replaced})")
    monitor.note(f"done in {clock(seconds)} ({speed} words/s): {staging.name}, {human(n_bytes, 'B')}")
    if stop.number is not None:  # it came while the finished model was saved
        raise Interrupted(stop.number)
    return embeddings


def _train_and_keep(
    trainer: "Trainer", staging: Staging, keeping: Keeping, stop: StopRequests
) -> Callable[[], None]:
    """Train; write checkpoints, and say how to go on if a signal ends the run.

    Returns what removes the checkpoint, if there is one of this run.
    """
    from w2vfast.training.checkpoint import Checkpoints

    monitor, path = trainer.monitor, None if staging.in_place else checkpoint_of(staging.target)
    if path is not None and path.exists() and keeping.resumed is None:
        monitor.note(f"{path.name} of an unfinished run is there; --resume would go on with it")
    n_bytes = model_file_bytes(trainer.corpus.vocab, trainer.config.dim)
    base = None if keeping.base is None else keeping.base.fingerprint
    with Checkpoints(path, stop, monitor, keeping.seconds, n_bytes, base, keeping.frozen) as checkpoints:
        try:
            trainer.run(lambda run: _after_chunk(run, checkpoints, keeping))
            if path is None or (keeping.resumed is None and checkpoints.share is None):
                return lambda: None
            return partial(path.unlink, missing_ok=True)
        except KeyboardInterrupt:
            if checkpoints.share is not None:
                monitor.note(f"stopped at {100 * checkpoints.share:.1f} %, saved in {staging.name}.ckpt")
            elif keeping.resumed is not None:
                monitor.note(f"stopped; {staging.name}.ckpt is as it was")
            else:
                monitor.note(f"stopped; {staging.name} was not written")
            if checkpoints.share is not None or keeping.resumed is not None:
                monitor.note(f"to go on: {keeping.command}")
            raise


def _after_chunk(trainer: "Trainer", checkpoints: "Checkpoints", keeping: Keeping) -> None:
    """Do what is due between two chunks: scores at the end of an epoch, a checkpoint."""
    if keeping.tests and trainer.state.done % trainer.n_tokens == 0:
        score(trainer, keeping.base, keeping.tests)
    checkpoints.after_chunk(trainer)


def prepare(
    sources: Sequence[Source], config: TrainConfig, monitor: Monitor, staging: Staging | None, keeping: Keeping,
    **lists: Any,
) -> "Trainer":  # fmt: skip
    """Read and encode text; return what will train on it.

    Disk space is claimed if there is a staging. A resumed run reads the text with its own words, and checks it;
    one that goes on from a model keeps all of its words.
    """
    resumed, base = keeping.resumed, keeping.base
    announce(sources, monitor)
    from w2vfast.training.trainer import Trainer, load_kernels

    load_kernels(config, monitor)
    if resumed is not None:
        lists = {"vocab": resumed.vocab}
    elif base is not None:
        lists["keep_words"] = base.words | lists.get("keep_words", frozenset())
    corpus = read_corpus(sources, config.reading(**lists), monitor)
    config = config_as_read(config, corpus, base, monitor)
    describe(corpus, config, monitor)
    check_resources(corpus, config, monitor, staging, base, force=keeping.force)
    trainer = Trainer(corpus, config, monitor)
    if resumed is not None:
        resumed.check(corpus, None if base is None else base.fingerprint, keeping.frozen)
        resumed.fill(trainer.model)
        trainer.resume(resumed.state)
        monitor.note(f"going on at {100 * resumed.state.done / resumed.state.total:.1f} %")
    elif base is not None:
        base.fill(trainer.model, corpus.vocab, config, monitor)
    if config.loss == "softmax":
        warn_of_cost(trainer)
    if keeping.frozen:
        n_frozen = trainer.freeze(keeping.frozen)
        monitor.note(f"vectors kept: {counted(n_frozen, 'word')} (--freeze)")
    return trainer


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


def config_as_read(
    config: TrainConfig, corpus: "EncodedCorpus", base: Base | None, monitor: Monitor
) -> TrainConfig:
    """Return the configuration with what an encoded corpus tells of how its text was read.

    Raises
    ------
    FormatError
        It tells what cannot be.
    """
    try:
        as_read = replace(config, **corpus.reading)
    except (TypeError, ValueError, UsageError) as error:
        raise FormatError(f"{corpus.names[0]} is damaged: {error}") from None
    for name in ("lowercase", "tokenizer"):
        if base is not None and (now := getattr(as_read, name)) != (before := getattr(config, name)):
            monitor.note(f"warning: the corpus was encoded with {name} {now}, that of {base.name} with {before}")
    return as_read


def _age(staging: Staging) -> str:
    """Return when the file that will be replaced was written; "" if there is none."""
    if staging.in_place or not staging.target.exists():
        return ""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(staging.target.stat().st_mtime))
