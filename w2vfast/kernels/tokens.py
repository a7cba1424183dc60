"""From bytes to word ids: split UTF-8 text on white space, count its words, number them.

Words get provisional ids in the order of their first appearance. A hash table with open addressing finds
them; its hash is keyed, so that text whose words collide cannot be made in advance. Each thread has a table of its
own, whose new words are merged into a common one after every block.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from w2vfast._jit import compiled, inlined
from w2vfast.kernels.octets import OCTET, first_bytes, load_octet, lowest_bit, unusual_bytes
from w2vfast.kernels.sampling import mix

_NEWLINE, _SPACE, _FIRST_LEAD = np.uint8(10), np.uint8(32), np.uint8(0xC2)
_LAST_ASCII = np.uint8(0x7F)
_SHIFT_32 = np.uint64(32)
_FREE, _LOW_32 = np.uint64(0), np.uint64(0xFFFFFFFF)
_TOP_BITS, _CONTINUATION = np.uint8(0xC0), np.uint8(0x80)
_LONGEST_SPACE = 3  # bytes
#: Classes of characters: part of a word; inside a word only; part of the word it follows.
CHARACTER, MARK, COMBINING = 1, 2, 3


class WordTable(NamedTuple):
    """The words seen so far; word w is pool[starts[w] : starts[w + 1]]. Its capacity is that of ``counts``."""

    slots: NDArray[np.uint64]  # (power of 2, at least twice the capacity) half a hash above word + 1, 0 where free
    hashes: NDArray[np.uint64]  # (capacity,)
    counts: NDArray[np.int64]  # (capacity,)
    starts: NDArray[np.int64]  # (capacity + 1,)
    pool: NDArray[np.uint8]  # the words' bytes, back to back, and eight more


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
def word_end(data, pos):
    """Return the position of the first white space at or behind ``pos``, and its length; there must be some."""
    space = 0
    while space == 0:
        unusual = unusual_bytes(load_octet(data, pos))
        if unusual == 0:
            pos += OCTET
            continue
        pos += lowest_bit(unusual) >> 3
        space = space_length(data, pos)
        while space == 0 and data[pos] > _LAST_ASCII:  # other scripts: byte by byte
            pos += 1
            space = space_length(data, pos)
        if space == 0:
            pos += 1
    return pos, space


@inlined
def hash_word(data, begin, end, key):
    """Return the hash of the word data[begin:end], uint64."""
    word_hash, pos = key, begin
    while pos < end:
        word_hash = mix(word_hash ^ first_bytes(load_octet(data, pos), min(end - pos, OCTET)))
        pos += OCTET
    return word_hash


@inlined
def are_equal(a, begin_a, b, begin_b, length):
    """Tell whether a[begin_a : begin_a + length] and b[begin_b : begin_b + length] are the same bytes."""
    done, same = 0, True
    while same and done < length:
        n_bytes = min(length - done, OCTET)
        octet_a, octet_b = load_octet(a, begin_a + done), load_octet(b, begin_b + done)
        same = first_bytes(octet_a ^ octet_b, n_bytes) == 0
        done += OCTET
    return same


@inlined
def find_word(data, begin, end, word_hash, table):
    """Return the slot of the word data[begin:end], or the free slot where it belongs."""
    mask, half = np.int64(table.slots.size - 1), word_hash >> _SHIFT_32
    slot = np.int64(word_hash) & mask
    while table.slots[slot] != _FREE:
        if table.slots[slot] >> _SHIFT_32 == half:
            word = np.int64(table.slots[slot] & _LOW_32) - 1
            start, length = table.starts[word], table.starts[word + 1] - table.starts[word]
            if length == end - begin and are_equal(table.pool, start, data, begin, length):
                break
        slot = (slot + 1) & mask
    return slot


@inlined
def has_room(table, n_words, n_bytes):
    """Tell whether a table of ``n_words`` can take another word of ``n_bytes``."""
    return n_words < table.counts.size and table.starts[n_words] + n_bytes + OCTET <= table.pool.size


@inlined
def add_word(data, begin, end, word_hash, table, n_words):
    """Return the id of the word data[begin:end], and the number of distinct words, one more if it is new.

    There must be room for it. A new word has a count of 0.
    """
    slot = find_word(data, begin, end, word_hash, table)
    if table.slots[slot] != _FREE:
        return np.int64(table.slots[slot] & _LOW_32) - 1, n_words
    table.slots[slot] = word_hash >> _SHIFT_32 << _SHIFT_32 | np.uint64(n_words + 1)
    table.hashes[n_words], table.counts[n_words] = word_hash, 0
    start = table.starts[n_words]
    for i in range(end - begin):
        table.pool[start + i] = data[begin + i]
    table.starts[n_words + 1] = start + end - begin
    return n_words, n_words + 1


@compiled
def tokenize(data, begin, stop, most_bytes, key, table, n_words, common_ids, ids, ends):
    """Split the text data[begin:stop], valid UTF-8; count its words and number them by first appearance.

    The text begins and ends between words; behind it are at least eight spaces, or more text. ``ids`` int32 must
    have room for half as many entries as the text has bytes, and one more; ``ends`` int64 for as many, it receives
    for each line end the number of ids up to there. ``most_bytes`` is the longest word that counts. The id of word
    w is common_ids[w]; of words beyond those, new ones, it is -1 - w.

    Returns
    -------
    pos
        Bytes consumed: all, unless the table is full. Then it must grow, and the rest be handed in again.
    n_words, n_ids, n_ends, n_too_long
        Distinct words in the table; entries written; words longer than ``most_bytes``.
    """
    n_ids, n_ends, n_too_long, pos = 0, 0, 0, begin
    while pos < stop:
        first = pos
        pos, space = word_end(data, pos)
        if pos - first > most_bytes:
            n_too_long += 1
        elif pos > first:
            if not has_room(table, n_words, pos - first):
                return first, n_words, n_ids, n_ends, n_too_long
            word, n_words = add_word(data, first, pos, hash_word(data, first, pos, key), table, n_words)
            table.counts[word] += 1
            ids[n_ids] = common_ids[word] if word < common_ids.size else -1 - word
            n_ids += 1
        if data[pos] == _NEWLINE and pos < stop:
            ends[n_ends] = n_ids
            n_ends += 1
        pos += space
    return min(pos, stop), n_words, n_ids, n_ends, n_too_long


@compiled
def merge_words(source, first, last, table, n_words, new_ids):
    """Enter the words first .. last - 1 of one table into another; write their ids there into ``new_ids`` int32.

    Returns the number of words of ``source`` that are done, ``last`` unless the other table is full, and the
    number of distinct words in that. Counts are left as they are.
    """
    for word in range(first, last):
        begin, end = source.starts[word], source.starts[word + 1]
        if not has_room(table, n_words, end - begin):
            return word, n_words
        new_ids[word], n_words = add_word(source.pool, begin, end, source.hashes[word], table, n_words)
    return last, n_words


@compiled
def next_space(data, pos):
    """Return the position of the first white space at or behind ``pos``, data.size if there is none."""
    while pos < data.size and space_length(data, pos) == 0:
        pos += 1
    return pos


@compiled
def last_space_end(data):
    """Return the position after the last white space, 0 if there is none."""
    for pos in range(data.size - 1, -1, -1):
        space = space_length(data, pos)
        if space > 0:
            return pos + space
    return 0


@inlined
def code_point(data, pos):
    """Return the code point of the character at data[pos], valid UTF-8, and its length in bytes."""
    byte = np.int64(data[pos])
    if byte < 0x80:
        return byte, 1
    code, length = (byte & 0x1F, 2) if byte < 0xE0 else (byte & 0x0F, 3) if byte < 0xF0 else (byte & 0x07, 4)
    for i in range(1, length):
        code = code << 6 | np.int64(data[pos + i]) & 0x3F
    return code, length


@compiled
def keep_words(data, classes):
    """Replace what is no part of a word by spaces, in place; line ends stay. An inner mark stays within a word.

    ``classes`` uint8 (0x110000,) has CHARACTER, MARK, COMBINING or 0 for every code point.
    """
    pos, previous = 0, 0  # the class of the character before, 0 if that is no part of a word
    while pos < data.size:
        code, length = code_point(data, pos)
        kind, after = classes[code], pos + length
        is_kept = kind == CHARACTER or data[pos] == _NEWLINE or (kind == COMBINING and previous != 0)
        if kind == MARK and previous != 0 and previous != MARK and after < data.size:
            following, _ = code_point(data, after)
            is_kept = classes[following] == CHARACTER or classes[following] == COMBINING
        if not is_kept:
            data[pos:after] = _SPACE
        previous, pos = kind if is_kept else 0, after


@compiled
def last_gap_end(data, classes):
    """Return the position after the last character that words do not have, 0 if there is none."""
    for pos in range(data.size - 1, -1, -1):
        if data[pos] & _TOP_BITS != _CONTINUATION:
            code, length = code_point(data, pos)
            if classes[code] == 0:
                return pos + length
    return 0


@compiled
def fill_slots(table, n_words):
    """Enter the words of a table into its ``slots``, all of them free before."""
    mask = np.int64(table.slots.size - 1)
    for word in range(n_words):
        slot = np.int64(table.hashes[word]) & mask
        while table.slots[slot] != _FREE:
            slot = (slot + 1) & mask
        table.slots[slot] = table.hashes[word] >> _SHIFT_32 << _SHIFT_32 | np.uint64(word + 1)


@compiled
def renumber(ids, offsets, begin, first, last, new_ids):
    """Replace ids by ``new_ids[id]`` and drop those that map to -1, in place, in the sentences first .. last - 1.

    ``ids`` int32 (N,), ``offsets`` int64 (S + 1,), ``new_ids`` int32; ``begin`` is offsets[first], which another
    thread may have changed. A sentence with nothing left goes too. What remains lies at the front of the range,
    from ids[begin] and offsets[first + 1] on.

    Returns the numbers of tokens and of sentences that remain.
    """
    n_tokens, n_sentences, pos = begin, first, begin
    for sentence in range(first, last):
        end, before = offsets[sentence + 1], n_tokens
        while pos < end:
            new_id = new_ids[np.uint32(ids[pos])]
            ids[n_tokens] = new_id  # without a branch: the next one takes the place of a dropped one
            n_tokens += new_id >= 0
            pos += 1
        if n_tokens > before:
            n_sentences += 1
            offsets[n_sentences] = n_tokens
    return n_tokens - begin, n_sentences - first
