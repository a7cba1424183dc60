"""Counting which words occur together.

A pair of the words a <= b of a vocabulary of V has the key a V + b. Keys are collected with the distance d of the
two words in their low DISTANCE_BITS, sorted, and summed up into a run: distinct keys without distances, in
ascending order, each with its weight.
"""

import numpy as np

from w2vfast._jit import compiled

DISTANCE_BITS = np.uint64(10)
MOST_DISTANCE = 1000
_DISTANCE_MASK = np.uint64((1 << 10) - 1)


@compiled
def collect_window_pairs(ids, offsets, sentence, pos, last_sentence, window, n_words, keys):
    """Write the keys of the pairs within a window into ``keys`` uint64, until it is full or the text ends.

    Each token is paired with those up to ``window`` places after it in its sentence. ``pos`` is a place of
    ``sentence``; the text ends before ``last_sentence``. Returns the sentence and place to go on at, and the
    number of keys.
    """
    n_keys = 0
    while sentence < last_sentence:
        stop = offsets[sentence + 1]
        while pos < stop:
            n_pairs = min(window, stop - pos - 1)
            if n_keys + n_pairs > keys.size:
                return sentence, pos, n_keys
            for distance in range(1, n_pairs + 1):
                keys[n_keys] = _key(ids[pos], ids[pos + distance], n_words, distance)
                n_keys += 1
            pos += 1
        sentence += 1
    return sentence, pos, n_keys


@compiled
def collect_sentence_pairs(ids, offsets, sentence, pos, last_sentence, last_seen, found, n_words, keys):
    """Write the keys of the pairs of different words of each sentence into ``keys``, each once a sentence.

    ``pos`` counts the words of ``sentence`` that have been paired. ``last_seen`` int64 (V,) begins as -1,
    ``found`` int32 (V,) is scratch. Otherwise as ``collect_window_pairs``.
    """
    n_keys = 0
    while sentence < last_sentence:
        n_found = 0
        for i in range(offsets[sentence], offsets[sentence + 1]):
            if last_seen[ids[i]] != sentence:
                last_seen[ids[i]] = sentence
                found[n_found] = ids[i]
                n_found += 1
        while pos < n_found:
            if n_keys + n_found - pos - 1 > keys.size:
                for i in range(n_found):
                    last_seen[found[i]] = -1
                return sentence, pos, n_keys
            for other in range(pos + 1, n_found):
                keys[n_keys] = _key(found[pos], found[other], n_words, 1)
                n_keys += 1
            pos += 1
        sentence, pos = sentence + 1, 0
    return sentence, pos, n_keys


@compiled
def _key(a, b, n_words, distance):
    """Return the key of two words with their distance."""
    low, high = np.uint64(min(a, b)), np.uint64(max(a, b))
    return ((low * np.uint64(n_words) + high) << DISTANCE_BITS) | np.uint64(distance)


@compiled
def sum_up(keys, is_harmonic, distinct, weights):
    """Sum up sorted keys with distances: 1 each, or 1 / distance; return how many distinct pairs there are.

    ``distinct`` uint64 and ``weights`` float64 are as long as ``keys``; ``distinct`` may be ``keys`` itself.
    """
    n_distinct = 0
    for i in range(keys.size):
        pair, distance = keys[i] >> DISTANCE_BITS, keys[i] & _DISTANCE_MASK
        weight = 1.0 / np.float64(distance) if is_harmonic else 1.0
        if n_distinct > 0 and distinct[n_distinct - 1] == pair:
            weights[n_distinct - 1] += weight
        else:
            distinct[n_distinct], weights[n_distinct] = pair, weight
            n_distinct += 1
    return n_distinct


@compiled
def merge_runs(keys_a, weights_a, keys_b, weights_b, keys, weights):
    """Merge two runs into one, whose arrays are as long as both together; return its length."""
    a, b, n = 0, 0, 0
    while a < keys_a.size or b < keys_b.size:
        takes_a = b == keys_b.size or (a < keys_a.size and keys_a[a] <= keys_b[b])
        takes_b = a == keys_a.size or (b < keys_b.size and keys_b[b] <= keys_a[a])
        keys[n], weights[n] = keys_a[a] if takes_a else keys_b[b], 0.0
        if takes_a:
            weights[n] += weights_a[a]
            a += 1
        if takes_b:
            weights[n] += weights_b[b]
            b += 1
        n += 1
    return n


@compiled
def row_lengths(keys, n_words, lengths):
    """Count the entries of each row of the symmetric matrix that a run stands for, in ``lengths`` int64 (V,)."""
    for i in range(keys.size):
        a, b = np.int64(keys[i] // np.uint64(n_words)), np.int64(keys[i] % np.uint64(n_words))
        lengths[a] += 1
        if a != b:
            lengths[b] += 1


@compiled
def fill_rows(keys, weights, n_words, places, columns, values):
    """Write a run as a symmetric matrix in compressed rows, columns ascending.

    A pair of different words is an entry in both rows; one of a word with itself counts twice, once from either
    side. ``places`` int64 (V,) are the beginnings of the rows, and are moved to their ends.
    """
    for i in range(keys.size):
        a, b = np.int64(keys[i] // np.uint64(n_words)), np.int64(keys[i] % np.uint64(n_words))
        columns[places[a]], values[places[a]] = b, weights[i] if a != b else 2.0 * weights[i]
        places[a] += 1
        if a != b:
            columns[places[b]], values[places[b]] = a, weights[i]
            places[b] += 1
