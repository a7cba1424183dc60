"""From bytes to word ids: split UTF-8 text on white space, count its words, number them.

Words get provisional ids in the order of their first appearance. A hash table with open addressing finds
them; its hash is keyed, so that no text can be made to collide.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from w2vfast._jit import compiled, inlined

_NEWLINE, _SPACE, _FIRST_LEAD = np.uint8(10), np.uint8(32), np.uint8(0xC2)
_MULTIPLIER, _SHIFT_29 = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)
#: A separator of several bytes may begin in this many bytes at the end of a block.
_LONGEST_SPACE = 3


class WordTable(NamedTuple):
    """The words seen so far; word w is pool[starts[w] : starts[w + 1]]."""

    slots: NDArray[np.int32]  # (power of 2,) word ids, -1 where free
    hashes: NDArray[np.uint64]  # (capacity,)
    counts: NDArray[np.int64]  # (capacity,)
    starts: NDArray[np.int64]  # (capacity + 1,)
    pool: NDArray[np.uint8]  # the words' bytes, back to back


@inlined
def space_length(data, i):
    """Return the length in bytes of the white space character at data[i], 0 if it is none.

    White space is what ``str.split()`` takes for it, and NUL. An incomplete character is none.
    """
    byte = data[i]
    if byte > _SPACE and byte < _FIRST_LEAD:
        return 0
    if byte <= _SPACE:
        return 1 if byte == _SPACE or byte == 0 or 9 <= byte <= 13 or 28 <= byte <= 31 else 0
    return long_space_length(data, i)


@compiled
def long_space_length(data, i):
    """Return the length of the white space character of several bytes at data[i], 0 if it is none."""
    byte, left = data[i], data.size - i
    if byte == 0xC2 and left > 1:  # U+0085, U+00A0
        return 2 if data[i + 1] == 0x85 or data[i + 1] == 0xA0 else 0
    if left < _LONGEST_SPACE:
        return 0
    middle, last = data[i + 1], data[i + 2]
    if byte == 0xE1:  # U+1680
        return 3 if middle == 0x9A and last == 0x80 else 0
    if byte == 0xE2 and middle == 0x80:  # U+2000 .. U+200A, U+2028, U+2029, U+202F
        return 3 if last <= 0x8A or last == 0xA8 or last == 0xA9 or last == 0xAF else 0
    if byte == 0xE2:  # U+205F
        return 3 if middle == 0x81 and last == 0x9F else 0
    return 3 if byte == 0xE3 and middle == 0x80 and last == 0x80 else 0  # U+3000


@inlined
def find_word(data, begin, end, word_hash, table):
    """Return the slot of the word data[begin:end], or the free slot where it belongs."""
    mask = np.int64(table.slots.size - 1)
    slot = np.int64(word_hash >> _SHIFT_29) & mask
    while table.slots[slot] >= 0:
        word = table.slots[slot]
        start, length = table.starts[word], table.starts[word + 1] - table.starts[word]
        if table.hashes[word] == word_hash and length == end - begin:
            same = 0
            while same < length and table.pool[start + same] == data[begin + same]:
                same += 1
            if same == length:
                break
        slot = (slot + 1) & mask
    return slot


@inlined
def count_word(data, begin, end, word_hash, table, n_words):
    """Count one occurrence of data[begin:end]; return its id and the number of distinct words."""
    slot = find_word(data, begin, end, word_hash, table)
    word = np.int64(table.slots[slot])
    if word < 0:
        word = n_words
        table.slots[slot] = word
        table.hashes[word] = word_hash
        table.counts[word] = 0
        start = table.starts[word]
        for i in range(end - begin):
            table.pool[start + i] = data[begin + i]
        table.starts[word + 1] = start + end - begin
        n_words += 1
    table.counts[word] += 1
    return word, n_words


@compiled
def tokenize(data, is_last, most_bytes, key, table, n_words, ids, ends):
    """Split a block of valid UTF-8, count and number its words.

    The table must have room for data.size // 2 + 1 more words of data.size more bytes; ``ids`` int32 and
    ``ends`` int64 for as many entries. ``ends`` receives, for each line that ends in the block, the number of
    ids up to there. ``most_bytes`` is the longest word that counts.

    Returns
    -------
    n_used
        Bytes consumed. The rest belongs to a word that goes on in the next block; unless ``is_last``, it
        must be handed in again, in front of the next block.
    n_words, n_ids, n_ends, n_too_long
        Distinct words in the table; entries written; words longer than ``most_bytes`` that came to an end.
    """
    n_ids, n_ends, n_too_long, pos = 0, 0, 0, 0
    while True:
        begin, word_hash, space = pos, key, 0
        while pos < data.size:
            space = space_length(data, pos)
            if space > 0:
                break
            word_hash = (word_hash ^ np.uint64(data[pos])) * _MULTIPLIER
            word_hash ^= word_hash >> _SHIFT_29
            pos += 1
        if space == 0 and not is_last:
            return begin, n_words, n_ids, n_ends, n_too_long
        if pos - begin > most_bytes:
            n_too_long += 1
        elif pos > begin:
            ids[n_ids], n_words = count_word(data, begin, pos, word_hash, table, n_words)
            n_ids += 1
        if space == 0:
            return pos, n_words, n_ids, n_ends, n_too_long
        if data[pos] == _NEWLINE:
            ends[n_ends] = n_ids
            n_ends += 1
        pos += space


@compiled
def skip_word(data):
    """Return the position of the first white space in ``data``, and whether there is one.

    Without any, the position leaves the last bytes in place: white space may begin in them.
    """
    for pos in range(data.size):
        if space_length(data, pos) > 0:
            return pos, True
    return max(0, data.size - (_LONGEST_SPACE - 1)), False


@compiled
def fill_slots(table, n_words):
    """Enter the words of a table into its ``slots``, all of them free before."""
    mask = np.int64(table.slots.size - 1)
    for word in range(n_words):
        slot = np.int64(table.hashes[word] >> _SHIFT_29) & mask
        while table.slots[slot] >= 0:
            slot = (slot + 1) & mask
        table.slots[slot] = word


@compiled
def renumber(ids, offsets, new_ids):
    """Replace the ids by ``new_ids[id]`` and drop those that map to -1, in place, sentence by sentence.

    ``ids`` int32 (N,), ``offsets`` int64 (S + 1,), ``new_ids`` int32. A sentence with nothing left goes too.

    Returns the numbers of tokens and of sentences that remain, at the front of both arrays.
    """
    n_tokens, n_sentences, begin = 0, 0, offsets[0]
    for sentence in range(offsets.size - 1):
        end, length = offsets[sentence + 1], 0
        for pos in range(begin, end):
            new_id = new_ids[ids[pos]]
            if new_id >= 0:
                ids[n_tokens + length] = new_id
                length += 1
        begin = end
        if length > 0:
            n_tokens += length
            n_sentences += 1
            offsets[n_sentences] = n_tokens
    return n_tokens, n_sentences
