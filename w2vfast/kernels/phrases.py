"""Count pairs of neighbours, and join those that belong together (word2phrase; Mikolov et al. 2013, section 4).

A candidate is a word, any connector words ("of", "the") after it, and the next word that is none. Candidates have
keys: the two ids where no connector lies between them, else a hash of all ids, with the top bit set.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from w2vfast._jit import compiled, inlined
from w2vfast.kernels.sampling import mix

_FREE, _ONE, _SHIFT_32, _TOP = np.uint64(0), np.uint64(1), np.uint64(32), np.uint64(1 << 63)
_MOST_COUNT = 2**31 - 1
_SPACE, _NEWLINE = np.uint8(32), np.uint8(10)
#: How candidates are scored.
WORD2PHRASE, GENSIM, NPMI = 0, 1, 2


class PairTable(NamedTuple):
    """Counts of candidates: open addressing."""

    keys: NDArray[np.uint64]  # (power of 2,), 0 where free
    counts: NDArray[np.int32]  # 2^31 - 1 stands for all that is more


class Scoring(NamedTuple):
    """What the score of a candidate ab of the words a and b is computed from."""

    kind: int
    least: float  # min-count: subtracted from the count of ab, or its lower limit (npmi)
    total: float  # word2phrase and npmi: the number of tokens; gensim: of distinct words and candidates
    threshold: float


@inlined
def find_pair(keys, key):
    """Return the slot of a key, or the free slot where it belongs."""
    mask = np.int64(keys.size - 1)
    slot = np.int64(mix(key)) & mask
    while keys[slot] != _FREE and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@inlined
def candidate_key(first_id, between, n_between, last_id):
    """Return the key of a candidate, uint64, never 0."""
    pair = np.uint64(first_id) + _ONE << _SHIFT_32 | np.uint64(last_id) + _ONE
    return mix(pair ^ between) | _TOP if n_between > 0 else pair


@inlined
def step(ids, pos, is_connector, start, between, n_between):
    """Go on by one token; return the key of the candidate that ends there, 0 for none, and the new place."""
    if is_connector[ids[pos]]:
        if start >= 0:
            between, n_between = mix(between ^ np.uint64(ids[pos]) + _ONE), n_between + 1
        return _FREE, start, between, n_between
    key = candidate_key(ids[start], between, n_between, ids[pos]) if start >= 0 else _FREE
    return key, pos, _FREE, 0


@compiled
def count_pairs(ids, offsets, sentence, begin, last, is_connector, share, n_shares, table, n_keys):
    """Count the candidates of the sentences ``sentence`` .. last - 1, of the first one from position ``begin`` on.

    Only those are counted whose key falls to ``share`` of ``n_shares``. Stops when the table is half full.

    Returns
    -------
    sentence, begin
        Where to go on, once the table has grown; ``last`` if all is done.
    n_keys
        Keys in the table.
    """
    while sentence < last:
        start, between, n_between = np.int64(-1), _FREE, 0
        for pos in range(begin, offsets[sentence + 1]):
            before = start
            key, start, between, n_between = step(ids, pos, is_connector, start, between, n_between)
            if key != _FREE and np.int64(mix(key) >> _SHIFT_32) % n_shares == share:
                slot = find_pair(table.keys, key)
                if table.keys[slot] == _FREE:
                    if 2 * n_keys >= table.keys.size:
                        return sentence, before, n_keys
                    table.keys[slot], table.counts[slot] = key, 0
                    n_keys += 1
                if table.counts[slot] < _MOST_COUNT:
                    table.counts[slot] += 1
        sentence += 1
        begin = offsets[sentence]
    return sentence, begin, n_keys


@compiled
def move_pairs(table, least, larger):
    """Enter the candidates that were counted at least ``least`` times into another table; return how many."""
    n_keys = 0
    for slot in range(table.keys.size):
        if table.keys[slot] != _FREE and table.counts[slot] >= least:
            place = find_pair(larger.keys, table.keys[slot])
            larger.keys[place], larger.counts[place] = table.keys[slot], table.counts[slot]
            n_keys += 1
    return n_keys


@inlined
def score(scoring, count, count_a, count_b):
    """Return the score of a candidate: word2phrase.c and gensim's two scorers, float64."""
    expected = np.float64(count_a) * np.float64(count_b)
    if scoring.kind != NPMI:
        return (count - scoring.least) / expected * scoring.total
    if count < scoring.least or count == 0:
        return -np.inf
    return (
        np.log(count * scoring.total / expected) / -np.log(count / scoring.total) if count < scoring.total else 1.0
    )


@compiled
def mark_phrases(ids, offsets, first, last, is_connector, counts, table, scoring, is_joined):
    """Find the phrases of the sentences first .. last - 1, from left to right, none within another.

    ``is_joined`` bool (tokens of these sentences,) is set where a token belongs to the one before it. Returns the
    number of phrases.
    """
    n_phrases, origin = 0, offsets[first]
    for sentence in range(first, last):
        start, between, n_between = np.int64(-1), _FREE, 0
        for pos in range(offsets[sentence], offsets[sentence + 1]):
            is_joined[pos - origin] = False
            before = start
            key, start, between, n_between = step(ids, pos, is_connector, start, between, n_between)
            if key != _FREE:
                slot = find_pair(table.keys, key)
                count = table.counts[slot] if table.keys[slot] == key else 0
                if count > 0 and score(scoring, count, counts[ids[before]], counts[ids[pos]]) > scoring.threshold:
                    is_joined[before + 1 - origin : pos + 1 - origin] = True
                    start = np.int64(-1)
                    n_phrases += 1
    return n_phrases


@compiled
def write_text(ids, offsets, first, last, is_joined, word_offsets, word_bytes, delimiter, out):
    """Write the sentences first .. last - 1 as lines of words into ``out`` uint8, phrases joined by ``delimiter``.

    ``out`` must have room for all of it. Returns the number of bytes.
    """
    n_bytes, origin = 0, offsets[first]
    for sentence in range(first, last):
        for pos in range(offsets[sentence], offsets[sentence + 1]):
            if is_joined[pos - origin]:
                n_bytes = _copy(delimiter, 0, delimiter.size, out, n_bytes)
            elif pos > offsets[sentence]:
                out[n_bytes] = _SPACE
                n_bytes += 1
            word = ids[pos]
            n_bytes = _copy(word_bytes, word_offsets[word], word_offsets[word + 1], out, n_bytes)
        out[n_bytes] = _NEWLINE
        n_bytes += 1
    return n_bytes


@inlined
def _copy(source, begin, end, out, n_bytes):
    """Append source[begin:end] to ``out``; return the new number of bytes."""
    for i in range(begin, end):
        out[n_bytes] = source[i]
        n_bytes += 1
    return n_bytes
