"""Keeping the libraries below pygame from writing on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def silent_libraries() -> Iterator[None]:
    """Within the block nothing reaches standard error.

    SDL's drivers and decoders write there as they fail; what fails for good is said by the error
    that pygame raises.
    """
    if sys.stderr is not None:
        sys.stderr.flush()
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # where there is no standard error, all is silent
            saved = os.dup(2)
            stack.callback(os.close, saved)
            stack.callback(os.dup2, saved, 2)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            stack.callback(os.close, nowhere)
            os.dup2(nowhere, 2)
        yield
