"""What the commands have in common: one-line errors, exit statuses, and `--json`."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any, NoReturn

from nn.support.errors import DigitpadError, one_line
from nn.support.interrupts import EXIT_INTERRUPTED, quit_at_interrupt, raise_at_interrupt

EXIT_BAD_INPUT = 2
CONTROLS = {sign: f"\\x{sign:02x}" for sign in (*range(32), *range(127, 160))}
for sign in b"\t\n\r":
    del CONTROLS[sign]


def duration(seconds: float) -> str:
    """A time as people say it: "40 s", "12 min"."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows an option's default, except where that only says that the option was not given."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False:
            return action.help
        return super()._get_help_string(action)


_running: ContextVar[str | None] = ContextVar("running", default=None)  # the name `run` was told


class ArgumentParser(argparse.ArgumentParser):
    """`argparse` with defaults in the help and a wrong option reported in one line.

    `prog` is the command's module, such as nn.train, unless `run` was told the name of an installed
    command. Error lines begin with it; the help shows how it is called, `python -m nn.train`.
    """

    def __init__(self, prog: str, **options: Any) -> None:
        self.name = _running.get() or prog
        is_module = self.name.startswith(("nn.", "app."))
        options.setdefault("formatter_class", HelpFormatter)
        super().__init__(prog=f"python -m {self.name}" if is_module else self.name, **options)

    def error(self, message: str) -> NoReturn:
        """End with status 2 and one line, instead of the whole usage text."""
        self.exit(EXIT_BAD_INPUT, f"{self.name}: {one_line(message)}; see {self.prog} --help\n")


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
    """Run a command's `main` and end the process with the right status.

    `prog` is the name by which all lines call the command, those of its parser as well.
    """
    named = _running.set(prog)
    try:
        raise_at_interrupt()
        status = _status_of(command, prog)
        quit_at_interrupt()  # while Python ends
    except KeyboardInterrupt:
        quit_at_interrupt()
        status = EXIT_INTERRUPTED
    finally:
        _running.reset(named)
    sys.exit(status)


def _status_of(command: Callable[[Sequence[str] | None], None], prog: str) -> Any:
    """Run a command's `main`; returns the status to end with. Raises `KeyboardInterrupt`."""
    prepare_streams()
    status: Any = 0
    try:
        try:
            command(None)
        except SystemExit as ended:
            status = ended.code
        except DigitpadError as error:
            status = _complain(prog, str(error))
        sys.stdout.flush()
    except BrokenPipeError:  # what read it (say, `head`) has gone
        _abandon_output()
        status = 1
    except MemoryError as error:
        status = _complain(prog, f"not enough memory ({error}); close other programs and try again")
    except OSError as error:  # not the program's fault either: a full disk, too many open files
        try:
            sys.stdout.flush()
        except OSError:
            _abandon_output()
        place = f" ({error.filename})" if error.filename else ""
        status = _complain(prog, f"cannot go on: {error.strerror or error}{place}")
    return status


def prepare_streams() -> None:
    """Make sure that all output can be written where it goes.

    A stream that was closed before the start swallows what it gets; otherwise the next file to be
    opened would take its place. A letter that standard output cannot encode becomes a question
    mark, and a control sign is escaped. Plots go into files, without matplotlib's windows.
    """
    os.environ["MPLBACKEND"] = "agg"  # whatever it names, which may not be there
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    for stream in (sys.stdout, sys.stderr):
        setattr(stream, "write", partial(_write_printable, stream.write))  # noqa: B010


def _write_printable(write: Callable[[str], int], text: str) -> int:
    r"""Write a text with its control signs escaped: a file's name may hold a terminal's orders."""
    return write(text.translate(CONTROLS))


def _complain(prog: str, message: str) -> int:
    """Say in one line what was wrong; returns the status for it."""
    with contextlib.suppress(OSError):  # standard error may be full or gone as well
        print(f"{prog}: {one_line(message)}", file=sys.stderr)
    return EXIT_BAD_INPUT


def _abandon_output() -> None:
    """Point standard output elsewhere, so that it is flushed in peace at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
