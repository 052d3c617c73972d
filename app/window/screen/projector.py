"""The window as a class sees it on the wall: large, and with the keys that are pressed."""

from __future__ import annotations

from collections.abc import Callable

from app.drawing.canvas import Canvas

STAYS, FADES = 1.6, 0.8  # seconds that a key is seen


class Projector:
    """Whether the window is for a projector, and the last key: its `name`, and what it does."""

    def __init__(self, canvas: Canvas, clock: Callable[[], float]) -> None:
        self.is_on = False
        self.name = self.words = ""
        self._canvas = canvas
        self._clock = clock
        self._when = 0.0

    def switch(self) -> None:
        """Switch to large letters or back; the canvas moves, so a stroke under way ends."""
        self.is_on = not self.is_on
        self._canvas.end()

    def tell(self, name: str, words: str) -> None:
        """Show a key that was just pressed; one without a name is ignored."""
        if name:
            self.name, self.words, self._when = name, words, self._clock()

    @property
    def strength(self) -> float:
        """How much of the key is seen: 1, fading to 0."""
        age = self._clock() - self._when
        is_seen = self.is_on and bool(self.name)
        return min(1.0, max(0.0, 1 - (age - STAYS) / FADES)) if is_seen else 0.0
