"""Keeps the program going where a panel, a command or a background part meets an error."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar

from nn.support.errors import error_words

T = TypeVar("T")


class Guard:
    """Runs what may meet an error that nobody has foreseen.

    `error` is what went wrong last, "" if nothing has; `tell` is told once, and standard error.
    """

    def __init__(self, tell: Callable[[str], object] = lambda error: None) -> None:
        self.error = ""
        self._tell = tell

    def run(self, do: Callable[[], T]) -> T | None:
        """What `do` gives; None if it fails."""
        try:
            return do()
        except Exception as error:
            said = error_words(error)
            if said != self.error:
                self.error = said
                traceback.print_exc()
                self._tell(said)
            return None
