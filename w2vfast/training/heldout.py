"""The loss on text that is not trained on."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from w2vfast.corpus.encoded import EncodedCorpus
from w2vfast.errors import CorpusError
from w2vfast.kernels.arguments import Job, Model, Settings, Tables, Text

_MOST_ROUNDS = 32
_ENOUGH_TOKENS = 300_000  # one window of 32 is measured; less text is gone through again
_MOST_TOKENS = 3_000_000  # of more text this much is enough, spread over it; it takes about a second
_MOST_TOKENS_OF_ALL = 100_000  # where every window is measured
_PIECES = 16
_SEED = 3


def first_held_out(corpus: EncodedCorpus, share: float) -> int:
    """Return the position from which on the sentences at the end of the text are held out.

    Raises
    ------
    CorpusError
        Nothing or everything would be.
    """
    if share == 0:
        return corpus.n_tokens
    wanted = round(corpus.n_tokens * (1 - share))
    position = int(corpus.offsets[np.searchsorted(corpus.offsets, wanted)])
    if not 0 < position < corpus.n_tokens:
        raise too_short(share)
    return position


def too_short(share: float) -> CorpusError:
    """Return the error of a text from which no such share can be held out."""
    return CorpusError(f"--held-out {share:g} would hold out no sentence, or all; the text is too short for it")


def too_little() -> CorpusError:
    """Return the error of text held out in which no window was measured."""
    return CorpusError("too little text is held out to measure its loss; use a larger --held-out")


class HeldOut:
    """Sentences that are not trained on, with windows, subsampling and noise words that stay the same.

    It is gone over at the learning rate 0, in one thread, so the loss depends on the vectors only.

    Parameters
    ----------
    train_on
        Trains on a job, as ``kernels.shards.train_chunk`` does with a kernel.
    text, tables, settings
        What it needs.
    begin, end
        Positions in the text.
    n_tokens
        All that is held out, if this is only a part of it.
    measures_all
        Whether ``train_on`` measures every window, not one of 32.
    """

    def __init__(
        self, train_on: Callable[..., Any], text: Text, tables: Tables, settings: Settings, begin: int, end: int,
        n_tokens: int | None = None, *, measures_all: bool = False,
    ) -> None:  # fmt: skip
        self._train_on, self._inputs, n_tokens = train_on, (text, tables, settings), n_tokens or end - begin
        self._n_rounds = 1 if measures_all else min(_MOST_ROUNDS, -(-_ENOUGH_TOKENS // n_tokens))
        share = (_MOST_TOKENS_OF_ALL if measures_all else _MOST_TOKENS) / n_tokens
        self._pieces = [(begin, end)]
        if share < 1:
            edges = [begin + (end - begin) * i // _PIECES for i in range(_PIECES + 1)]
            self._pieces = [(first, first + int((last - first) * share)) for first, last in pairwise(edges)]

    def loss(self, model: Model) -> float:
        """Return the mean loss of a pair.

        Raises
        ------
        CorpusError
            There is too little text to measure it.
        """
        total, n_pairs = self.sums(model)
        if n_pairs == 0:
            raise too_little()
        return total / n_pairs

    def sums(self, model: Model) -> tuple[float, int]:
        """Return the sum of the losses of some pairs, and the number of these."""
        total, n_pairs = 0.0, 0
        for number in range(self._n_rounds):
            key, state = np.random.SeedSequence([_SEED, number]).generate_state(2, np.uint64)
            states = np.array([state])
            for begin, end in self._pieces:
                losses, pairs = np.zeros(1), np.zeros((1, 2), np.int64)
                self._train_on(model, *self._inputs, Job(begin, end, key, 0.0, 0.0), states, losses, pairs)
                total, n_pairs = total + float(losses[0]), n_pairs + int(pairs[0, 0])
        return total, n_pairs
