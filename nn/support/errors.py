"""The errors a user can cause or meet: what was expected, what was received, and what to do.

Every command prints such an error in one line on standard error and ends with status 2.
"""

MAX_SIGNS = 1000  # of a message; what is longer loses its middle


class DigitpadError(Exception):
    """Base of every error that is no bug. Its text is one line, whatever the input brought in."""

    def __str__(self) -> str:
        return one_line(super().__str__())


class UsageError(DigitpadError):
    """An option or argument has a value that cannot be used."""


def not_installed(what: str, package: str, extra: str) -> UsageError:
    """The error that `what` needs a package which one of the project's extras brings."""
    return UsageError(
        f"{what} need {package}, which is not installed; in the project's folder, "
        f'pip install -e ".[{extra}]"'
    )


class DataError(DigitpadError):
    """A data set, an image or a stroke file cannot be found, fetched or understood."""


def unexpected(source: object, expected: str, received: str, remedy: str) -> DataError:
    """The error that a file, or a part of it, holds something else than it should."""
    return DataError(f"{source}: expected {expected}, received {received}; {remedy}")


class CheckpointError(DigitpadError):
    """A file of trained weights cannot be read or written."""


class TrainingError(DigitpadError):
    """Training cannot go on, for instance because the loss is no longer finite."""


class DisplayError(DigitpadError):
    """No window can be opened."""


def error_words(error: Exception, work: str = "") -> str:
    """What to say of any error that ended some work; `work` is what memory may have lacked for.

    >>> error_words(ValueError("odd"))
    'ValueError: odd'
    >>> error_words(MemoryError(), "to train it")
    'there is not enough memory to train it'
    """
    if isinstance(error, DigitpadError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"there is not enough memory {work}".rstrip()
    return f"{type(error).__name__}: {error}"


def one_line(text: str) -> str:
    r"""Text on one line of limited length, with what cannot be printed escaped.

    >>> one_line("a file\n  named \x07")
    'a file named \\x07'
    """
    line = " ".join(text[: 100 * MAX_SIGNS].split())
    if not line.isprintable():
        line = "".join(
            sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii")
            for sign in line
        )
    if len(line) <= MAX_SIGNS:
        return line
    half = MAX_SIGNS // 2
    return f"{line[:half]}…{line[1 - half :]}"
