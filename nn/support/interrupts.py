"""Ctrl-C outside a command's own work: while its modules load, and once it is done."""

from __future__ import annotations

# What `signal` itself imports takes time, in which Ctrl-C would still be a traceback.
import _signal as signal  # type: ignore[import-not-found]
import os
import sys

EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def is_command_loading() -> bool:
    """Whether a command of the project has just begun to import what it needs.

    Python calls the program "-m" until it has found its module, which is told by `orig_argv` alone.
    """
    program = sys.argv[0] if sys.argv else ""
    if program == "-m":
        return sys.orig_argv[-len(sys.argv)].startswith(("nn.", "app."))
    return program.replace(os.sep, "/").rpartition("/")[2].startswith("digitpad")


def quit_at_interrupt() -> None:
    """Let Ctrl-C end the process from now on, at once and without a word."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _quit)


def raise_at_interrupt() -> None:
    """Let Ctrl-C raise `KeyboardInterrupt` again."""
    if signal.getsignal(signal.SIGINT) is _quit:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _quit(*_: object) -> None:
    os._exit(EXIT_INTERRUPTED)


if is_command_loading():
    quit_at_interrupt()
