"""What the commands have in common: one-line errors, exit statuses, and `--json`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from nn.errors import DigitpadError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows an option's default, except where that only says that the option was not given."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, False) else super()._get_help_string(action)


class ArgumentParser(argparse.ArgumentParser):
    """`argparse` with defaults in the help and a wrong option reported in one line."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", HelpFormatter)
        super().__init__(**options)

    def error(self, message: str) -> NoReturn:
        """End with status 2 and one line, instead of the whole usage text."""
        self.exit(EXIT_BAD_INPUT, f"{self.prog}: {message}; see {self.prog} --help\n")


def number_in(
    kind: Callable[[str], Any], low: float, high: float = float("inf")
) -> Callable[[str], Any]:
    """An argparse `type` for a finite number of `kind` (int or float) from `low` to `high`."""
    span = f"from {low:g}" + ("" if high == float("inf") else f" to {high:g}")

    def convert(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = float("nan")
        # A chained comparison is false for NaN, and the upper test keeps infinity out.
        if not (low <= value <= high and value != float("inf")):
            noun = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"expected {noun} {span}, received {text!r}")
        return value

    return convert


def run(command: Callable[[Sequence[str] | None], None], prog: str) -> NoReturn:
    """Run a command's `main` and end the process with the status the contract asks for."""
    try:
        command(None)
        sys.stdout.flush()
    except DigitpadError as error:
        print(f"{prog}: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        print(f"{prog}: interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader (say, `head`) has gone; point stdout elsewhere so that exit flushes in peace.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(0)


@contextlib.contextmanager
def json_output(wanted: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Within the block, everything printed goes to standard error if JSON is `wanted`.

    Yields a function that prints the one JSON object on the real standard output (or nothing).
    """
    out = sys.stdout

    def emit(result: dict[str, Any]) -> None:
        if wanted:
            print(json.dumps(result, allow_nan=False), file=out)

    if wanted:
        with contextlib.redirect_stdout(sys.stderr):
            yield emit
    else:
        yield emit
