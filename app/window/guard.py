"""Keeps the window going where a panel meets an error that nobody has foreseen."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Guard:
    """Runs what a panel does; `error` is what went wrong last, "" if nothing has."""

    def __init__(self) -> None:
        self.error = ""

    def run(self, do: Callable[[], T]) -> T | None:
        """What `do` gives; None if it fails, which is told once, on standard error."""
        try:
            return do()
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            if said != self.error:
                self.error = said
                traceback.print_exc()
            return None
