"""Training a model on with more text.

Only words of the new text are trained: those the model knows go on from their vectors, new ones begin like those
of any run. Noise words and subsampling follow the counts of the new text, so that a word that does not occur in it
is never drawn as noise, which would only push its output vector away: its vectors stay as they are, bit for bit.
The counts that are saved are those of both texts.
"""

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import UsageError
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor
from w2vfast.vocab import Vocab

if TYPE_CHECKING:
    from w2vfast.kernels.arguments import Model


class Base:
    """The model that a run goes on from.

    Parameters
    ----------
    model
        Its words and both matrices.
    name
        What it is called in messages.

    Raises
    ------
    UsageError
        It has no output vectors.
    """

    def __init__(self, model: Embeddings, name: str) -> None:
        if model.context is None:
            raise UsageError(f"{name} has no output vectors, so it cannot be trained on")
        self.model, self.name = model, name
        self._context = model.context

    @property
    def words(self) -> frozenset[str]:
        """The words that stay, however rare they are in the new text."""
        return frozenset(self.model.vocab.words)

    @property
    def fingerprint(self) -> str:
        """What tells one model from another."""
        crc = zlib.crc32(np.ascontiguousarray(self.model.vectors).data)
        crc = zlib.crc32(np.ascontiguousarray(self._context).data, crc)
        return f"{len(self.model)} x {self.model.dim}, {crc:08x}"

    def fill(self, model: "Model", vocab: Vocab, config: TrainConfig, monitor: Monitor) -> None:
        """Give the words that this model knows their vectors, and say what happens.

        Parameters
        ----------
        model, vocab, config
            Of the run that begins: matrices, words, resolved configuration.
        monitor
            Whom to tell.

        Raises
        ------
        UsageError
            The run has another vector size.
        """
        losses = {config.loss, self.model.params.get("loss", "ns")}
        if "hs" in losses:
            raise UsageError(
                "--from cannot use hierarchical softmax: a tree's vectors belong to its own vocabulary"
            )
        if config.dim != self.model.dim:
            raise UsageError(
                f"--dim {config.dim} cannot go on from {self.name}, whose vectors have {self.model.dim}"
            )
        ids = self.model.vocab.find(vocab.words)
        rows = np.array([row for row, i in enumerate(ids) if i is not None], np.int64)
        known = np.array([i for i in ids if i is not None], np.int64)
        for own, old in zip(model, (self.model.vectors, self._context), strict=True):
            own[rows, : config.dim] = old[known]
        monitor.note(
            f"going on from {self.name}: {len(known):,} of its {len(self.model):,} words occur in the text, the "
            f"others stay as they are; {len(vocab) - len(known):,} words are new"
        )
        monitor.note(f"the learning rate starts again at {config.alpha:g} and falls to {config.min_alpha:g}")

    def count_absent(self, vocab: Vocab) -> int:
        """Return how many of the model's words do not occur in a text's vocabulary."""
        return sum(place is None for place in vocab.find(self.model.vocab.words))

    def merged(self, trained: Embeddings) -> Embeddings:
        """Return the trained words together with those that did not occur, by their counts in both texts."""
        assert trained.context is not None
        own, old = trained.vocab, self.model.vocab
        places = own.find(old.words)
        absent = np.array([i for i, place in enumerate(places) if place is None], np.int64)
        counts = np.concatenate((own.counts, old.counts[absent]))
        for i, place in enumerate(places):
            if place is not None:
                counts[place] += old.counts[i]
        order = np.argsort(-counts, kind="stable")
        words = [*own.words, *(old.words[i] for i in absent)]
        rows = np.argsort(order)  # of the trained words, then of the absent ones
        vectors, context = (
            _in_rows(rows, new, kept[absent])
            for new, kept in ((trained.vectors, self.model.vectors), (trained.context, self._context))
        )
        contents = trained.contents
        corpus: dict[str, Any] = {**contents.corpus, "before": self.model.contents.corpus}
        vocab = Vocab([words[i] for i in order.tolist()], counts[order])
        return Embeddings(Contents(vectors, vocab, context, contents.params, corpus, contents.generator))


def _in_rows(
    rows: NDArray[np.int64], first: NDArray[np.float32], second: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return one matrix whose rows ``rows`` are those of two others; it is the only copy."""
    result = np.empty((rows.size, first.shape[1]), np.float32)
    result[rows[: len(first)]], result[rows[len(first) :]] = first, second
    return result
