"""Sentences put into another order."""

from w2vfast._jit import compiled


@compiled
def copy_sentences(ids, offsets, order, new_offsets, new_ids):
    """Write sentence order[i] of a text to new_ids[new_offsets[i] : new_offsets[i + 1]], for each i.

    ``ids`` and ``new_ids`` int32 (N,), the others int64; new_offsets follow from order.
    """
    for i in range(order.size):
        first = offsets[order[i]]
        for j in range(new_offsets[i + 1] - new_offsets[i]):
            new_ids[new_offsets[i] + j] = ids[first + j]
