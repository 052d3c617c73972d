"""Where everything is on the sheet of a dialog, in a window of a given size."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from app.drawing.strokes import DIGITS
from app.window.input.commands import OWN_DIGIT_BUTTONS
from app.window.style.geometry import Rect, Tiles, button_at, button_row

LABELS = {str(digit): str(digit) for digit in range(DIGITS)}  # buttons that relabel a digit


class DialogLayout(NamedTuple):
    """The sheet that lies over the window, and what is on it; `text` is the height of its text."""

    size: tuple[int, int]
    text: int
    lines: int = 34  # how many lines of text it is high, where there is room

    @property
    def sheet(self) -> Rect:
        """All of it; wide where it is low."""
        height = min(self.size[1] - self.text // 2, self.text * self.lines)
        widest = self.lines + 16 if height >= self.text * 32 else 72
        width = min(self.size[0] - self.text, self.text * widest)
        return Rect((self.size[0] - width) // 2, (self.size[1] - height) // 2, width, height)

    @property
    def inner(self) -> Rect:
        """What its margin leaves of the sheet."""
        return self.sheet.shrunk(max(6, self.text * 5 // 4))

    @property
    def title(self) -> Rect:
        """Where the title is."""
        if self._is_low:
            top = self.sheet.y + self.text // 3
            return Rect(self.inner.x, top, self.inner.width, self.text * 5 // 4)
        return self.inner._replace(height=self.text * 3 // 2)

    @property
    def _is_low(self) -> bool:
        """Whether the dialog needs all of its height for what is on it."""
        return self.sheet.height < self.text * 32

    def rows(self, count: int, columns: int = 1) -> list[Rect]:
        """Rows for `count` lines below the title, and one more for a closing line."""
        inner, top = self.inner, self.title.bottom
        margin = self.text // 4 if self._is_low else self.text * 3 // 4
        top += margin if self._is_low else self.text // 2
        down = -(-count // columns)  # lines below each other
        pitch = min(self.text * 2, (self.sheet.bottom - margin - top) / (down + 1))
        # Not every row begins at a whole pixel, but all are equally high, and so their words are.
        height, gap = max(1, int(pitch)), self.text * 3 // 2
        share = (inner.width + gap) // columns
        rows = [
            Rect(inner.x + i // down * share, top + int(i % down * pitch), share - gap, height)
            for i in range(count)
        ]
        return [*rows, Rect(inner.x, top + int(down * pitch), inner.width, height)]

    def tiles(self, count: int) -> Tiles:
        """Square tiles for `count` pictures below the title, as large as fit there.

        The space below them is left for buttons and two lines of words.
        """
        top, gap = self.title.bottom + self.text // 2, max(1, self.text // 4)
        bottom = self.own_digit_buttons["0"].y - self.text // 2
        room = self.inner._replace(y=top, height=max(1, bottom - top))
        for columns in itertools.count(1):
            side = min(self.text * 5, (room.width + gap) // columns - gap)
            rows = -(-max(1, count) // columns)
            if side <= 4 or (rows * (side + gap) - gap <= room.height and columns >= 6):
                break
        side = max(1, side)
        return Tiles(room, self.title, count, rows, columns, side, side, gap)

    @property
    def own_digit_buttons(self) -> dict[str, Rect]:
        """Below the tiles of the user's digits: a button for each label, and the others."""
        inner = self.inner
        height, gap = round(self.text * 1.6), max(2, self.text // 3)
        lower = Rect(inner.x, inner.bottom - 3 * self.text - height, inner.width, height)
        left = inner.x + self.text * 3  # beside what they do
        upper = Rect(left, lower.y - gap - height, inner.right - left, height)
        lower_row = button_row(lower, OWN_DIGIT_BUTTONS, self.text)
        return button_row(upper, LABELS, self.text) | lower_row

    def own_digit_button_at(self, x: float, y: float) -> str | None:
        """The button of the user's digits at a place in the window."""
        return button_at(self.own_digit_buttons, x, y)
