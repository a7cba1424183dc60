"""What a run makes: the model that is saved, and its scores."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from w2vfast import __version__
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.evaluate import LoadedTest, evaluate
from w2vfast.training.continued import Base

if TYPE_CHECKING:
    from w2vfast.training.kinds import Corpus, Run

#: What models name as the program that made them.
GENERATOR = f"w2vfast {__version__}"


def result_of(
    trainer: "Run", base: Base | None = None, *, with_context: bool = True, params: dict[str, Any] | None = None
) -> Embeddings:
    """Return what is to be saved.

    Parameters
    ----------
    trainer
        Has the model.
    base
        The model that the run went on from, if it did.
    with_context
        Whether the output vectors are saved, too.
    params
        What the model tells of its training beside the configuration.
    """
    found = embeddings_of(trainer)
    if params:
        found = Embeddings(replace(found.contents, params=found.contents.params | params))
    if base is not None:
        found = base.merged(found)
    if trainer.config.vectors != "in":
        return Embeddings(replace(found.contents, vectors=_chosen(found, trainer.config.vectors), context=None))
    return found if with_context else Embeddings(replace(found.contents, context=None))


def _chosen(found: Embeddings, which: str) -> NDArray[np.float32]:
    """Return the vectors to save: output vectors, their sum with the input vectors, or both side by side."""
    W, W_out = found.vectors, found.context
    assert W_out is not None
    if which == "sum":
        return W + W_out
    return W_out if which == "out" else np.hstack([W, W_out])


def embeddings_of(trainer: "Run") -> Embeddings:
    """Return the trained matrices without their padding, and where they come from."""
    corpus, config, (W, W_out) = trainer.corpus, trainer.config, trainer.model
    return Embeddings(
        Contents(
            np.ascontiguousarray(W[:, : config.dim]),
            corpus.vocab,
            np.ascontiguousarray(W_out[:, : config.dim]),
            asdict(config) | ({"threads": None} if config.deterministic else {}),
            corpus_facts(corpus),
            GENERATOR,
        )
    )


def corpus_facts(corpus: "Corpus") -> dict[str, Any]:
    """Return what a model tells of the text that it comes from; no place and no user's name."""
    return {
        "names": list(corpus.names),
        "bytes": corpus.report.n_bytes,
        "tokens": corpus.n_tokens,
        "sentences": corpus.n_sentences,
        "sha256_of_first_mib": corpus.sample_sha256,
    }


def score(trainer: "Run", base: Base | None, tests: Sequence[LoadedTest]) -> None:
    """Tell the scores of the vectors at the end of an epoch, of those that would be saved."""
    model, epoch = result_of(trainer, base), trainer.state.done // trainer.n_tokens
    scores = {
        test.name: line.score
        for test in tests
        for line in evaluate(model, test)
        if line.section in ("total", "spearman")
    }
    shown = ", ".join(f"{name} {'-' if score is None else f'{score:.1f}'}" for name, score in scores.items())
    trainer.monitor.note(f"epoch {epoch}: {shown}")
    trainer.monitor.evaluated(epoch, scores)
