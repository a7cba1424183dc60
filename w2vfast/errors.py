"""Every error that w2vfast raises on purpose, and the exit code it ends the command with.

W2vfastError
├── UsageError          2   bad option or value, missing file, no model found
├── DataError           3   the input data is no use
│   ├── CorpusError         empty corpus, nothing reaches the minimum count
│   └── FormatError         damaged, truncated or foreign model file
├── OutputError         4   the result cannot be written
├── DivergedError       5   training produced NaN, Inf or exploding weights
├── OutOfMemoryError    6   the machine has less memory than the job needs
└── ClusterError        7   other machines that took part in the job are lost

Interrupted (a KeyboardInterrupt) carries the signal that stopped a run; the command dies of that signal.

A message says what is wrong and how to fix it, in one line without a final full stop.
"""


class W2vfastError(Exception):
    """Base class of the errors that are reported as one line on stderr."""

    exit_code = 70


class UsageError(W2vfastError):
    """An option, a value or a path given by the user cannot be used."""

    exit_code = 2


class DataError(W2vfastError):
    """The input data cannot be used."""

    exit_code = 3


class CorpusError(DataError):
    """The corpus holds nothing that can be trained on."""


class FormatError(DataError):
    """A model file is damaged, truncated or of another format."""


class OutputError(W2vfastError):
    """The result cannot be written."""

    exit_code = 4


class DivergedError(W2vfastError):
    """Training produced NaN, Inf or exploding weights."""

    exit_code = 5


class OutOfMemoryError(W2vfastError):
    """The job needs more memory than there is."""

    exit_code = 6


class ClusterError(W2vfastError):
    """The cluster that the job ran on is lost."""

    exit_code = 7


class Interrupted(KeyboardInterrupt):
    """A signal asked the run to stop.

    Parameters
    ----------
    signal_number
        The signal, for example ``signal.SIGTERM``.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number
