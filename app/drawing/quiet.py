"""Keeping the libraries below pygame from writing on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

_lock = threading.Lock()
_restoring = contextlib.ExitStack()  # what puts standard error back
_count = 0  # blocks under way, in whatever threads


@contextlib.contextmanager
def silent_libraries() -> Iterator[None]:
    """Within the block nothing reaches standard error.

    SDL's drivers and decoders write there as they fail; what fails for good is said by the error
    that pygame raises.
    """
    global _count
    with _lock:
        _count += 1
        if _count == 1:
            _silence()
    try:
        yield
    finally:
        with _lock:
            _count -= 1
            if _count == 0:
                _restoring.close()


def _silence() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
    with contextlib.suppress(OSError):  # where there is no standard error, all is silent
        saved = os.dup(2)
        _restoring.callback(os.close, saved)
        _restoring.callback(os.dup2, saved, 2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        _restoring.callback(os.close, nowhere)
        os.dup2(nowhere, 2)
