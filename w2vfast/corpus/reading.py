"""How text is read, and what reading found: the options and the report of the corpus layer."""

from dataclasses import dataclass, field
from typing import Any, Literal

from w2vfast.vocab import Vocab

Splitting = Literal["whitespace", "words"]
#: What an encoded corpus tells of how its text was read.
FACTS = ("max_word_bytes", "lowercase", "tokenizer", "sentence", "min_count", "max_vocab")


@dataclass(frozen=True)
class ReadingOptions:
    """What counts as a word and as a sentence, and which words stay."""

    max_word_bytes: int = 1024  # longer words are dropped and counted
    lowercase: bool = False
    tokenizer: Splitting = "whitespace"  # words: letters, digits, inner apostrophes and hyphens; no punctuation
    sentence: Literal["line", "document"] | int = "line"  # or so many words, whatever the lines
    min_count: int = 5  # words that occur less often are dropped
    max_vocab: int | None = None  # at most so many words, the most frequent ones
    keep_words: frozenset[str] = field(default=frozenset())  # these stay, however rare
    drop_words: frozenset[str] = field(default=frozenset())  # these go, however frequent
    vocab: Vocab | None = None  # exactly these words, with the counts given; for parts of one corpus
    strict: bool = False  # invalid UTF-8 is an error
    allow_truncated: bool = False  # compressed data that breaks off is read as far as it goes
    for_training: bool = True  # text without contexts is an error
    threads: int = 1

    def facts(self) -> dict[str, Any]:
        """Return how text was read, for other text to be read the same; names and types as in ``TrainConfig``."""
        return {name: getattr(self, name) for name in FACTS} | {"sentence": str(self.sentence)}


@dataclass
class ReadingReport:
    """What reading a corpus found: nothing disappears without being counted here."""

    n_bytes: int = 0
    n_tokens: int = 0  # all of them, the dropped ones too
    n_too_long: int = 0  # tokens longer than the limit, dropped
    n_dropped: int = 0  # tokens of words that are too rare, or not wanted
    n_dropped_words: int = 0  # distinct words among them
    n_bad_sequences: int = 0  # invalid UTF-8, each replaced by U+FFFD
    first_bad_offset: int = -1
    n_nul: int = 0  # NUL bytes, taken as white space
    n_empty_files: int = 0
    n_changed_files: int = 0  # files that another program wrote to while they were read
    n_files_with_garbage: int = 0  # compressed files with something else behind the data, ignored
    n_truncated_files: int = 0  # compressed files that break off, read with --allow-truncated
    n_unseen_kept: int = 0  # words to keep that the text has not
    n_unseen_dropped: int = 0  # words to drop that the text has not
