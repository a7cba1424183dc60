"""From blocks of any bytes to clean text: valid UTF-8, cut between words; on demand lower case, words only."""

import codecs
import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

from w2vfast.corpus.reading import ReadingOptions, ReadingReport
from w2vfast.errors import CorpusError
from w2vfast.kernels.tokens import CHARACTER, COMBINING, MARK, keep_words, last_gap_end, last_space_end

#: A word that goes on for more bytes than this is cut; it is longer than any that counts.
MOST_HELD_BYTES = 1 << 21
#: What stays inside a word: apostrophes, hyphens, the Catalan middle dot, soft hyphens, zero-width (non-)joiners.
_MARKS = "'\u2019-\u2010\u2011\u00b7\u00ad\u200c\u200d"


class Cleaner:
    """Repair, cut and transform the blocks of a file.

    Parameters
    ----------
    options
        Lower case, words only, strictness.
    report
        What is found is added to it.
    """

    def __init__(self, options: ReadingOptions, report: ReadingReport) -> None:
        self._options, self._report = options, report
        self._held, self._undecoded, self._at_start = b"", b"", True

    def feed(self, block: bytes, *, is_last: bool) -> tuple[bytes, bool]:
        """Take the next block of a file; return text, and whether its last word goes on in the next text.

        Words that go on are longer than any that counts; other text ends between words.

        Raises
        ------
        CorpusError
            The text is not valid UTF-8, and has to be.
        """
        self._report.n_bytes += len(block)
        self._report.n_nul += block.count(0) if 0 in block else 0  # far faster where there is none
        text = self._held + self._valid(block, is_last)
        cut, goes_on = (len(text), False) if is_last else self._cut(text)
        self._held = text[cut:]
        if is_last:
            self._undecoded, self._at_start = b"", True
        return self._transformed(text[:cut]), goes_on

    def _valid(self, block: bytes, is_last: bool) -> bytes:
        """Return the block as valid UTF-8, without an unfinished character and a byte order mark."""
        if self._undecoded or not block.isascii():
            block = self._decode(self._undecoded + block, is_last)
        if self._at_start and block:
            block = block.removeprefix(codecs.BOM_UTF8)
            self._at_start = False
        return block

    def _decode(self, block: bytes, is_last: bool) -> bytes:
        try:
            _, n_used = codecs.utf_8_decode(block, "strict", is_last)
            self._undecoded = block[n_used:]
            return block[:n_used]
        except UnicodeDecodeError as error:
            offset = self._report.n_bytes - len(block) + error.start
            if self._options.strict:
                raise CorpusError(f"invalid UTF-8 at byte {offset:,} of the text") from None
            if self._report.first_bad_offset < 0:
                self._report.first_bad_offset = offset
        before = block.count("\ufffd".encode())
        text, n_used = codecs.utf_8_decode(block, "replace", is_last)
        self._undecoded = block[n_used:]
        self._report.n_bad_sequences += text.count("\ufffd") - before
        return text.encode()

    def _cut(self, text: bytes) -> tuple[int, bool]:
        """Return where to cut text that goes on, and whether that is within a word."""
        data = np.frombuffer(text, np.uint8)
        cut = last_space_end(data)
        if cut == 0 and len(text) > MOST_HELD_BYTES and self._options.tokenizer == "words":
            cut = last_gap_end(data, character_classes())
        if cut == 0 and len(text) > MOST_HELD_BYTES:
            return len(text), True
        return cut, False

    def _transformed(self, text: bytes) -> bytes:
        if self._options.lowercase:
            text = text.lower() if text.isascii() else text.decode().lower().encode()
        if self._options.tokenizer == "words":
            data = np.frombuffer(bytearray(text), np.uint8)
            keep_words(data, character_classes())
            text = data.tobytes()
        return text


@cache
def character_classes() -> NDArray[np.uint8]:
    """Return the class of every code point: CHARACTER for letters, digits and _, COMBINING, MARK, or 0."""
    classes = np.zeros(0x110000, np.uint8)
    for code in range(0x110000):
        character = chr(code)
        if unicodedata.category(character)[0] == "M":
            classes[code] = COMBINING
        elif character.isalnum() or character == "_":
            classes[code] = CHARACTER
    classes[[ord(mark) for mark in _MARKS]] = MARK
    return classes
