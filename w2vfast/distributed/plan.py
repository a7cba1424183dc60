"""Who trains on what in which round.

The text lies in shards, encoded corpora with one vocabulary; their order gives every token a place, 0 .. N - 1.
The R rounds of an epoch go through these in order, and the text of a round is cut into K pieces, one a replica. So
all replicas are in the same part of the text at a time: with parts of their own they drift apart, which cost two
points of analogies.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from w2vfast.kernels.vector import padded
from w2vfast.training.config import TrainConfig

BLOCK_BYTES = 1 << 26


@dataclass(frozen=True)
class Shard:
    """An encoded corpus with a part of the text."""

    url: str
    n_tokens: int
    crc32: str  # of its ids: what tells a file that has been replaced


class Span(NamedTuple):
    """Tokens begin .. end - 1 of a shard, whose first token has the place ``first``."""

    shard: int
    first: int
    begin: int
    end: int


@dataclass(frozen=True)
class Plan:
    """All that decides what a run computes, but for the vectors that it begins with."""

    run_id: str
    store: str
    config: TrainConfig  # resolved; threads are those of a replica
    shards: tuple[Shard, ...]
    n_tokens: int  # trained on in an epoch: all but those held out
    vocab_size: int
    n_replicas: int  # K
    n_rounds: int  # R, in an epoch
    momentum: float = 0.0  # what part of a round's change is made again in the next one
    frozen: tuple[int, ...] = ()  # ids of words whose vectors stay

    @property
    def width(self) -> int:
        """Length of a row in memory."""
        return padded(self.config.dim)

    @property
    def n_blocks(self) -> int:
        """Number of parts that the rows of both matrices are merged and stored in."""
        wanted = -(-8 * self.vocab_size * self.width // BLOCK_BYTES)
        return min(self.vocab_size, max(self.n_replicas, wanted))

    def rows(self, block: int) -> tuple[int, int]:
        """Return the first row of a block and the one after its last."""
        size, n_blocks = self.vocab_size, self.n_blocks
        return size * block // n_blocks, size * (block + 1) // n_blocks

    def block_shape(self, block: int) -> tuple[int, int, int]:
        """Return the shape of a block: rows of W, then those of W_out."""
        begin, end = self.rows(block)
        return 2, end - begin, self.width

    def piece(self, replica: int, number: int) -> tuple[int, int]:
        """Return the places of a replica's piece in round ``number`` of an epoch."""
        first, last = self.round_begin(number), self.round_begin(number + 1)
        begin, end = (first + (last - first) * (replica + i) // self.n_replicas for i in (0, 1))
        return begin, end

    def round_begin(self, number: int) -> int:
        """Return the first place of round ``number`` of an epoch."""
        return self.n_tokens * number // self.n_rounds

    def spans(self, begin: int, end: int) -> Iterator[Span]:
        """Yield the parts of shards that hold the places begin .. end - 1."""
        first = 0
        for number, shard in enumerate(self.shards):
            inner = max(begin, first), min(end, first + shard.n_tokens)
            if inner[0] < inner[1]:
                yield Span(number, first, inner[0] - first, inner[1] - first)
            first += shard.n_tokens

    @property
    def total(self) -> int:
        """Tokens of all epochs."""
        return self.n_tokens * self.config.epochs

    def tokens_before(self, round_number: int) -> int:
        """Return how many tokens all replicas have trained before a round, counted over all epochs."""
        epoch, number = divmod(round_number, self.n_rounds)
        return epoch * self.n_tokens + self.round_begin(number)

    def alpha_at(self, tokens: float) -> float:
        """Return the learning rate after so many tokens of all epochs; linear, also beyond the ends."""
        assert self.config.alpha is not None
        assert self.config.min_alpha is not None
        share = tokens / self.total
        return self.config.alpha * (1 - share) + self.config.min_alpha * share

    def seed(self, *numbers: int) -> Any:
        """Return 64 bits for one use of the seed."""
        return np.random.SeedSequence([self.config.seed, *numbers]).generate_state(1, np.uint64)[0]
