"""Keeping a drawing among the user's digits, and changing them, so that it can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from app.drawing.canvas import Canvas
from app.drawing.strokes import strokes_of
from app.my_digits.my_digits import MyDigits

if TYPE_CHECKING:
    from app.my_digits.profile import OwnDigit


class SavedAs(NamedTuple):
    """Which of the user's digits the drawing is, as long as nobody has changed it."""

    key: str
    version: int  # the drawing's
    is_new: bool  # kept from this canvas, and not opened from the list


class DigitEditor:
    """Changes the user's digits from the canvas and from their list.

    A place is that of a digit in the list. Each change returns a line for the user; one in the list
    also the place that is marked then.
    """

    def __init__(self, my_digits: MyDigits, canvas: Canvas) -> None:
        self.my_digits = my_digits
        self.changes: list[tuple[int, OwnDigit]] = []  # in the list: place, and what was there
        self._canvas = canvas
        self._saved_as: SavedAs | None = None
        self._changed_at: int | None = None  # the drawing's version then, if that was the last act

    @property
    def is_of_drawing(self) -> bool:
        """Whether the drawing is one of the user's digits, or was until that was deleted."""
        return self._saved_as is not None and self._saved_as.version == self._canvas.version

    @property
    def saved_as(self) -> SavedAs | None:
        """Which of the user's digits the drawing is."""
        saved_as = self._saved_as if self.is_of_drawing else None
        return saved_as if saved_as is not None and self.my_digits.has(saved_as.key) else None

    @property
    def label(self) -> int | None:
        """The label of the digit that the drawing is."""
        key = self._saved_as.key if self._saved_as is not None and self.is_of_drawing else None
        labels = (own.digit.label for own in self.my_digits.digits if own.key == key)
        return next(labels, None)

    @property
    def undoes_change(self) -> bool:
        """Whether a change of the list was the last act, so that Undo takes it back."""
        return bool(self.changes) and self._changed_at == self._canvas.version

    def correct(self, label: int) -> tuple[str, float]:
        """The drawing is a `label`: keep it, or relabel the digit that it is; line and seconds."""
        self._changed_at = None
        saved_as = self.saved_as
        if saved_as is not None:
            is_done, said = self.my_digits.relabel(saved_as.key, label)
            if is_done or self.my_digits.has(saved_as.key):
                return said, 4
        key, said = self.my_digits.correct(label, self._canvas.strokes)
        if key is not None:
            self._saved_as = SavedAs(key, self._canvas.version, is_new=True)
        return said, 6

    def undo(self) -> str | None:
        """Take back what was done last to the user's digits; None where that was something else."""
        if self.undoes_change:
            return self.undo_change()[0]
        saved_as = self.saved_as
        if saved_as is None or not saved_as.is_new:
            return None
        return self.my_digits.take_back(saved_as.key)[1]

    def change(self, place: int, label: int | None) -> tuple[str, int]:
        """Relabel a digit of the list, or delete it (None).

        The digit, or else the next one that is there, is marked then. Its place may be another
        afterwards: what another window did shows at the same time.
        """
        digits = self.my_digits.digits
        if not 0 <= place < len(digits):
            return "", place
        before, wanted = digits[place], [own.key for own in digits[place:]]
        if label is None:
            _, said = self.my_digits.take_back(before.key, "Deleted")
        else:
            _, said = self.my_digits.relabel(before.key, label)
        if before not in self.my_digits.digits:
            self.changes.append((place, before))
            self._changed_at = self._canvas.version
        keys = [own.key for own in self.my_digits.digits]
        marked = next((keys.index(key) for key in wanted if key in keys), max(0, len(keys) - 1))
        return said, marked

    def undo_change(self) -> tuple[str, int | None]:
        """Take back the last change of the list: a digit is there again, as it was."""
        if not self.changes:
            return "Nothing to undo", None
        place, own = self.changes[-1]
        is_done, said = self.my_digits.put(own, place)
        if is_done:
            self.changes.pop()
        keys = [each.key for each in self.my_digits.digits]
        return said, keys.index(own.key) if is_done and own.key in keys else None

    def open(self, place: int) -> None:
        """Put a digit of the list on the canvas."""
        own = self.my_digits.digits[place]
        self._canvas.show_strokes(strokes_of(own.digit))
        self._saved_as = SavedAs(own.key, self._canvas.version, is_new=False)
