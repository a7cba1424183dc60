"""What all commands that ask a model share: which model, where questions come from, unknown words, the answers."""

import codecs
import functools
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar, cast

import click

from w2vfast.commands import output
from w2vfast.commands.help import ANSWERS, QUESTION, RESULTS, F, grouped
from w2vfast.commands.options import common_options, model_file_option
from w2vfast.errors import UsageError, W2vfastError
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.locate import find_model
from w2vfast.wording import counted

_READ_BYTES = 1 << 16
_MOST_COMPLETIONS = 50
_MOST_HINTS = 10  # unknown words for which close ones are looked for, which takes long
_SHOWN = 60  # letters of an unknown word
#: What no shell reads as anything but a word: completion does not quote.
_COMPLETABLE = re.compile(r"[\w@%+:,./-]+")

#: What scikit-learn takes.
MOST_SEED = 2**32 - 1

T = TypeVar("T")
#: The words of one question.
Question = list[str]


class Asking:
    """The questions of one command: the model, unknown words, the form of the answers.

    Parameters
    ----------
    model_file
        What ``--model-file`` says.
    form
        "tsv", "json" or None: a table on a terminal and TSV elsewhere.
    oov
        What unknown words do: "tell", "skip" or "fail".
    color
        What ``--color`` says.
    quiet
        Errors only on stderr.
    """

    def __init__(self, model_file: str | None, form: str | None, oov: str, color: str, quiet: bool) -> None:
        self._model_file, self._oov, self._quiet = model_file, oov, quiet
        self.form = form or ("table" if sys.stdout.isatty() else "tsv")
        self._colored = output.wants_color(color)
        self._n_answers = self._n_unknown = 0

    @functools.cached_property
    def model(self) -> Embeddings:
        """The model, opened when it is first needed."""
        return open_model(self._model_file, quiet=self._quiet)

    @property
    def exit_code(self) -> int:
        """1 if a word was unknown and that matters, else 0."""
        if self._n_unknown and self._oov == "skip":
            self.note(f"words not in the vocabulary: {self._n_unknown:,}")
        return int(self._n_unknown > 0 and self._oov == "tell")

    def known(self, words: Sequence[str]) -> list[str]:
        """Return the words that the model has; say which it has not."""
        found = self.model.vocab.find(words)
        for word, word_id in zip(words, found, strict=True):
            if word_id is None:
                self._n_unknown += 1
                if self._oov != "skip":
                    close = self.model.vocab.close_to(word) if self._n_unknown <= _MOST_HINTS else []
                    _say_unknown(word, close)
                if self._oov == "fail":
                    raise click.exceptions.Exit(1)
        return [word for word, word_id in zip(words, found, strict=True) if word_id is not None]

    def answerable(self, questions: Iterable[Question]) -> list[Question]:
        """Return the questions all of whose words are known."""
        return [question for question in questions if len(self.known(question)) == len(question)]

    def answer(self, question: str, results: output.Results) -> None:
        """Write the words and scores that answer a question."""
        if self.form == "table":
            text = output.as_table(question, results, color=self._colored, is_first=self._n_answers == 0)
        else:
            text = (output.as_json if self.form == "json" else output.as_tsv)(question, results)
        output.write(text)
        self._n_answers += 1

    def note(self, text: str) -> None:
        """Write a line to standard error, unless quiet."""
        if not self._quiet:
            output.note(text)

    def row(self, **values: Any) -> None:
        """Write one line: values with tabs between them, or a JSON object."""
        if self.form == "json":
            output.write(json.dumps(values) + "\n")
            return
        output.write(output.as_row(values.values()))


def k_option(default: int) -> Callable[[F], F]:
    """Return the option for how many results a question has."""
    return grouped(
        RESULTS, "-k", type=click.IntRange(min=1), default=default, show_default=True, metavar="N",
        help="Results for each question, at most.",
    )  # fmt: skip


def asks(*columns: str) -> Callable[[F], F]:
    """Make a function of an ``Asking`` a command's: add the options, write the header, return the exit code.

    Parameters
    ----------
    *columns
        Names of the columns of its TSV; none if there can be no header.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def run(
            model_file: str | None, form: str | None, skip_missing: bool, oov: str, color: str, quiet: bool,
            header: bool = False, **params: Any,
        ) -> int:  # fmt: skip
            asking = Asking(model_file, form, "skip" if skip_missing else oov, color, quiet)
            if header and asking.form == "tsv":
                output.write("\t".join(columns) + "\n")
            function(asking, **params)
            return asking.exit_code

        return cast(F, _answer_options(run, has_header=bool(columns)))

    return decorate


def _answer_options(function: Any, *, has_header: bool) -> Any:
    choice = click.Choice
    options = [
        grouped(ANSWERS, "--tsv", "form", flag_value="tsv", help="Columns with tabs; the default in a pipe."),
        grouped(ANSWERS, "--json", "form", flag_value="json", help="One JSON object a question and line."),
        grouped(ANSWERS, "--header", is_flag=True, help="Begin the TSV with the names of its columns."),
        grouped(QUESTION, "--oov", type=choice(["tell", "skip", "fail"]), default="tell", show_default=True,
                     help="Unknown words: name them and answer the rest (exit code 1), skip them (0), or stop."),
        grouped(QUESTION, "--skip-missing", is_flag=True, help="The same as --oov skip."),
        grouped(ANSWERS, "--color", type=choice(["auto", "always", "never"]), default="auto", show_default=True,
                     help="Colour on a terminal."),
    ]  # fmt: skip
    if not has_header:
        del options[2], options[0]
    for option in reversed([model_file_option, *options]):
        function = option(function)
    return common_options(function)


def words_argument(metavar: str = "[WORDS]...") -> Callable[[F], F]:
    """Return the argument for words, which a shell can complete from the model."""
    return click.argument("words", nargs=-1, metavar=metavar, shell_complete=_complete_word)


def open_model(model_file: str | None, *, quiet: bool, **options: Any) -> Embeddings:
    """Open the model that is meant, and say on stderr what the user should know about it."""
    located = find_model(model_file)
    model = Embeddings.open(located.path, **options)
    if not quiet:
        for text in model.notes:
            output.note(f"warning: {text}")
        if not located.named:
            shown = str(located.path) if located.path.is_absolute() else f"./{located.path}"
            output.note(f"using {shown} ({counted(len(model), 'word')} x {model.dim})")
    return model


def questions(
    words: Sequence[str], example: str, *, at_least: int = 1, exactly: int = 0, comment: tuple[str, ...] = ()
) -> Iterator[list[Question]]:
    """Yield questions of several words as they arrive: one of the arguments, or one a line of standard input.

    Parameters
    ----------
    words
        The arguments; "-", or none and a pipe, stands for standard input.
    example
        What an error shows.
    at_least, exactly
        How many words a question must have; 0 = any number.
    comment
        Lines that begin so are no questions.

    Raises
    ------
    UsageError
        There are none, or a question has another number of words.
    """

    def check(question: Question) -> Question:
        if len(question) < at_least or (exactly and len(question) != exactly):
            need = f"{exactly} words" if exactly else f"at least {counted(at_least, 'word')}"
            raise UsageError(f"a question has {need}, not {len(question)}. Example: {example}")
        return question

    return parsed(words, example, check, comment=comment)


def parsed(
    words: Sequence[str], example: str, parse: Callable[[Question], T], *, comment: tuple[str, ...] = ()
) -> Iterator[list[T]]:
    """Yield what ``parse`` makes of questions as they arrive: of the arguments, or of each line of standard input.

    Raises
    ------
    UsageError
        There are none, or ``parse`` raises it: then the lines before come first, and the message has the line's
        number.
    """
    if not reads_stdin(words):
        for given in lines(words, example):
            yield [parse(given)]
        return
    for batch in numbered_lines():
        done: list[T] = []
        for number, text in batch:
            if text.startswith(comment):
                continue
            try:
                done.append(parse(_fields(text)))
            except UsageError as error:
                yield done
                raise UsageError(f"line {number:,}: {error}") from None
        yield done


def lines(words: Sequence[str], example: str) -> Iterator[list[str]]:
    """Yield questions of one text as they arrive: the arguments, or the lines of standard input.

    Raises
    ------
    UsageError
        There are none.
    """
    if reads_stdin(words):
        yield from ([text for _, text in batch] for batch in numbered_lines())
    elif words:
        yield list(map(as_word, words))
    else:
        raise UsageError(f"no word given. Example: {example}")


def numbered_lines() -> Iterator[list[tuple[int, str]]]:
    """Yield the lines of standard input that are not blank, with their numbers, as they arrive."""
    stream, parts, n_lines = cast(io.BufferedReader, sys.stdin.buffer), list[bytes](), 0
    while True:
        block = stream.read1(_READ_BYTES)
        parts.append(block)
        if block and b"\n" not in block:
            continue
        *complete, rest = b"".join(parts).split(b"\n")
        parts = [rest]
        if not block:  # the end, perhaps without a line's end
            complete.append(rest)
        if n_lines == 0:
            complete[0] = complete[0].removeprefix(codecs.BOM_UTF8)
        if batch := [(i, text) for i, text in enumerate(map(decoded, complete), n_lines + 1) if text]:
            yield batch
        if not block:
            return
        n_lines += len(complete)


def reads_stdin(words: Sequence[str]) -> bool:
    """Tell whether the questions come from standard input: "-", or none and a pipe."""
    return tuple(words) == ("-",) or (not words and not sys.stdin.isatty())


def as_word(argument: str) -> str:
    """Return an argument as UTF-8, whatever the locale says."""
    return decoded(os.fsencode(argument))


def decoded(line: bytes) -> str:
    """Return a line of input as a word or words; what is not UTF-8 makes an unknown word."""
    return line.decode("utf-8", "surrogateescape").strip()


def _fields(line: str) -> Question:
    return [field.strip() for field in line.split("\t")] if "\t" in line else line.split()


def _say_unknown(word: str, close: Sequence[str]) -> None:
    hint = f"; close: {', '.join(map(output.printable, close))}" if close else ""
    shown = word if len(word) <= _SHOWN else f"{word[:_SHOWN]}..."
    output.note(f"'{output.printable(shown)}' is not in the vocabulary{hint}")


def _complete_word(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the most frequent words that begin so; none if there is no model."""
    try:
        located = find_model(ctx.params.get("model_file") or os.environ.get("W2VFAST_MODEL") or None)
        found = Embeddings.open(located.path).vocab.starting_with(incomplete, _MOST_COMPLETIONS)
        return [word for word in found if _COMPLETABLE.fullmatch(word)]
    except W2vfastError:
        return []
