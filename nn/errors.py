"""The errors a user can cause or meet, each said in one line.

Every command prints such an error on standard error, without a traceback, and ends with status 2.
The message says what is wrong, what was expected, what was received, and what to do about it.
"""


class DigitpadError(Exception):
    """Base of every error that is the input's or the surroundings' fault, not a bug."""


class UsageError(DigitpadError):
    """An option or argument has a value that cannot be used."""


class DataError(DigitpadError):
    """A data set, an image or a stroke file cannot be found, fetched or understood."""


class CheckpointError(DigitpadError):
    """A file of trained weights cannot be read or written."""


class TrainingError(DigitpadError):
    """Training cannot go on, for instance because the loss is no longer finite."""


class DisplayError(DigitpadError):
    """No window can be opened."""
