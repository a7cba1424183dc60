"""Another order of the sentences in each epoch."""

import numpy as np

from w2vfast.kernels.arguments import Text
from w2vfast.kernels.sentences import copy_sentences
from w2vfast.system.spool import spooled

_STREAM = 4  # of the seed


class Shuffler:
    """Gives each epoch its own order of a text's sentences; the order depends on seed and epoch only.

    The text of an epoch is a copy in an unnamed file in the folder for temporary files, 4 bytes a token.

    Parameters
    ----------
    text
        The text as it was read.
    n_tokens
        Sentences from this position on stay where they are.
    seed
        Of the random numbers.
    """

    def __init__(self, text: Text, n_tokens: int, seed: int) -> None:
        self._text, self._n_tokens, self._seed, self._epoch = text, n_tokens, seed, -1
        self._shuffled = text

    def text(self, epoch: int) -> Text:
        """Return the text of an epoch."""
        if epoch != self._epoch:
            self._shuffled = self._text  # the copy of the epoch before goes first
            self._epoch, self._shuffled = epoch, self._text_of(epoch)
        return self._shuffled

    def _text_of(self, epoch: int) -> Text:
        ids, offsets = self._text
        n_moved = int(np.searchsorted(offsets, self._n_tokens))
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self._seed, _STREAM, epoch])))
        order = np.concatenate([rng.permutation(n_moved), np.arange(n_moved, offsets.size - 1)])
        new_offsets = np.concatenate([[0], np.cumsum(np.diff(offsets)[order])])
        new_ids = spooled(ids.size, np.int32)
        copy_sentences(ids, offsets, order, new_offsets, new_ids)
        return Text(new_ids, new_offsets)
