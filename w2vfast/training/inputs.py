"""What the kernels take beside the text: tables and settings of a run."""

import numpy as np

from w2vfast.corpus.encoded import EncodedCorpus
from w2vfast.errors import CorpusError
from w2vfast.kernels.arguments import EQUAL, HARMONIC, LINEAR, Settings, Tables
from w2vfast.kernels.tree import HOT_NODES
from w2vfast.training.config import TrainConfig
from w2vfast.training.tables import make_tables, with_hot_nodes

#: 1 / C ** power is what the gradient of a CBOW window with C contexts is multiplied by.
GRADIENT_POWER = {"mean": 1.0, "sqrt": 0.5, "classic": 0.0}
_WINDOW_SHAPES = {"linear": LINEAR, "equal": EQUAL, "harmonic": HARMONIC}
_MOST_REDRAWS = 8
_LONGEST_WHOLE_SENTENCE = 10_000


def kernel_inputs(corpus: EncodedCorpus, config: TrainConfig, n_shards: int) -> tuple[Tables, Settings]:
    """Return tables and settings of a run whose kernels work in so many shards at a time.

    Raises
    ------
    CorpusError
        See ``window_sides``.
    """
    is_tree, to_contexts, counts = config.loss == "hs", config.direction == "to-contexts", corpus.vocab.counts
    tables = make_tables(counts, config.sample, config.neg_exponent, is_tree=is_tree)
    n_hot = 0
    if is_tree and not to_contexts and n_shards > 1 and not config.deterministic:
        n_hot = min(HOT_NODES, len(counts) - 1)
        tables = with_hot_nodes(tables, counts, n_hot)
    is_per_pair = to_contexts or (config.negatives_per == "pair" and not is_tree)
    left, right = window_sides(config, corpus)
    return tables, Settings(
        window=max(left, right),
        left=left,
        right=right,
        window_shape=EQUAL if config.window == "all" else _WINDOW_SHAPES[config.context_weight],
        n_negatives=config.neg,
        n_redraws=0 if is_per_pair else _MOST_REDRAWS,  # word2vec.c skips at once
        is_per_pair=is_per_pair,
        to_contexts=to_contexts,
        is_tree=is_tree,
        n_shards=n_shards,
        n_hot=n_hot,
        gradient_power=GRADIENT_POWER[config.cbow_grad],
    )


def window_sides(config: TrainConfig, corpus: EncodedCorpus) -> tuple[int, int]:
    """Return how many words a window may have before and after its center.

    Raises
    ------
    CorpusError
        Windows are whole sentences, and one is too long for that.
    """
    if config.window != "all":
        left, right = config.left, config.right
        return config.window if left is None else left, config.window if right is None else right
    longest = int(np.diff(corpus.offsets).max())
    if longest > _LONGEST_WHOLE_SENTENCE:
        raise CorpusError(
            f"--window all: the longest sentence has {longest:,} words, {_LONGEST_WHOLE_SENTENCE:,} are the most; "
            "use --window N or --sentence N"
        )
    return longest - 1, longest - 1
