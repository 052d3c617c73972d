"""The short message at the bottom of the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from app.session.guard import Guard

MESSAGE_SECONDS = 4.0
ERROR = "That did not work; the drawing is as it was"


class Line(NamedTuple):
    """A line for the user, and for how long."""

    text: str
    seconds: float = MESSAGE_SECONDS


class Messages:
    """One message at a time, which ends by itself; `standing` gives the one that shows where no
    other does."""

    def __init__(self, clock: Callable[[], float], standing: Callable[[], str] = str) -> None:
        self.text = ""
        self._clock = clock
        self._standing = standing
        self._end = 0.0
        self.guard = Guard(lambda error: self.say(f"{ERROR} ({error})", 8))

    def say(self, text: str, seconds: float = MESSAGE_SECONDS) -> None:
        """Show a message for some seconds."""
        self.text, self._end = text, self._clock() + seconds

    def tell(self, line: Line | None) -> None:
        """Show a line, if there is one."""
        if line is not None:
            self.say(*line)

    def ask(self, poll: Callable[[], Line | None]) -> None:
        """Show the line that something in the background gives, if any; or that it failed."""
        self.tell(self.guard.run(poll))

    def update(self) -> None:
        """Replace a message that has ended with the standing one."""
        if self._clock() >= self._end:
            self.text = self._standing()

    def seconds_until_due(self) -> float | None:
        """How long until `update` would change anything; None if that is for ever."""
        if self.text == self._standing():
            return None
        return max(0.0, self._end - self._clock())
