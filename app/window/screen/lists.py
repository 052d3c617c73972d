"""What is marked in the lists that lie over the window: saved drawings, the user's own digits."""

from __future__ import annotations

from pathlib import Path

from app.my_digits.editor import DigitEditor
from app.session.files import Files


class DrawingList:
    """The saved drawings; `row` is the marked one."""

    def __init__(self, files: Files) -> None:
        self.row = 0
        self._files = files

    def move(self, steps: int) -> None:
        """Mark the row so many steps further down."""
        if count := len(self._files.saved):
            self.row = (self.row + steps) % count

    def path(self, row: int) -> Path | None:
        """The file of a row; None where there is none."""
        return self._files.saved[row] if 0 <= row < len(self._files.saved) else None


PAGE = 1000  # of the user's digits; more would be too small to see, and slow to draw


class DigitList:
    """The user's digits as they are listed; `row` is the marked one.

    The methods that change it return a line for the user, "" if there is none.
    """

    def __init__(self, editor: DigitEditor | None) -> None:
        self.row = 0
        self._editor = editor

    @property
    def count(self) -> int:
        """How many digits the user has."""
        return len(self._editor.my_digits.digits) if self._editor is not None else 0

    @property
    def shown(self) -> range:
        """The places of the digits on the page that the marked one is on."""
        first = max(0, min(self.row, self.count - 1)) // PAGE * PAGE
        return range(first, min(first + PAGE, self.count))

    @property
    def marked(self) -> DigitEditor | None:
        """What edits the marked digit; None if none is marked."""
        return self._editor if 0 <= self.row < self.count else None

    def move(self, steps: int) -> None:
        """Mark the tile so many steps further on."""
        if 0 <= self.row + steps < self.count:
            self.row += steps

    def change(self, label: int | None) -> str:
        """Relabel the marked digit, or delete it (None)."""
        if self.marked is None:
            return ""
        said, self.row = self.marked.change(self.row, label)
        return said

    def undo(self) -> str:
        """Take back the last change, and mark what it brings back."""
        if self._editor is None:
            return ""
        said, place = self._editor.undo_change()
        self.row = self.row if place is None else place
        return said
