"""What is chosen on the panel of the mistakes: a cell of the matrix, and one of its digits."""

from __future__ import annotations

import numpy as np

from app.drawing.strokes import DIGITS
from app.session.counts import Tally
from app.session.session import Session
from app.window.layout.layout import Layout
from app.window.layout.mistakes_layout import MistakesLayout, lay_out_mistakes
from nn.support.types import Array

Cell = tuple[int, int]  # what digits are, and what they are read as


class MistakesChoice:
    """The `cell` that is chosen, None for all mistakes, and the number of its `marked` digit.

    `is_inside` says that the keyboard walks through the digits and not the cells.
    """

    def __init__(self, session: Session) -> None:
        self.cell: Cell | None = None
        self.marked = 0
        self.is_inside = False
        self._session = session
        self._found: tuple[Tally | None, Cell | None, Array] = None, None, np.zeros(0, int)

    @property
    def tally(self) -> Tally | None:
        """What the network that predicts has read so far."""
        count = self._session.mistakes.count
        return None if count is None else count.tally

    @property
    def digits(self) -> Array:
        """The places in the test file of the chosen digits, in the order they are shown."""
        tally, cell = self.tally, self.cell
        if self._found[:2] != (tally, cell):
            found = np.zeros(0, int) if tally is None else tally.digits(cell)
            self._found = tally, cell, found
        return self._found[2]

    def lay_out(self, layout: Layout) -> MistakesLayout:
        """Where everything is on the panel."""
        return lay_out_mistakes(layout, self.is_inside and len(self.digits) > 0)

    def hides_matrix(self, layout: Layout) -> bool:
        """Whether the digits stand in the place of the matrix."""
        return self.lay_out(layout).matrix is None

    def page(self, layout: Layout) -> range:
        """Which of the digits there is room for, the marked one among them.

        Where there are more than that, the last tile is left to say how many.
        """
        tiles, count = self.lay_out(layout).digits, len(self.digits)
        room = 1 if tiles is None else tiles.count
        step = room if count <= room else max(1, room - 1)
        first = min(self.marked, max(0, count - 1)) // step * step
        return range(first, min(first + step, count))

    def cell_at(self, layout: Layout, place: tuple[float, float] | None) -> Cell | None:
        """The cell of the matrix at a place in the window."""
        matrix = self.lay_out(layout).matrix
        index = None if matrix is None or place is None else matrix.at(*place)
        return None if index is None else divmod(index, DIGITS)

    # What keys and clicks do

    def choose(self, cell: Cell | None) -> None:
        """Look at the digits of a cell, or at all mistakes."""
        self.cell, self.marked, self.is_inside = cell, 0, True

    def move(self, dx: int, dy: int, layout: Layout) -> None:
        """Go to another cell or, where digits are looked at, to another of them."""
        if self.is_inside:
            tiles = self.lay_out(layout).digits
            place = self.marked + dx + dy * (1 if tiles is None else tiles.columns)
            self.marked = place if 0 <= place < len(self.digits) else self.marked
        elif self.cell is None:
            self.cell = self._commonest()
        else:
            label, read = self.cell
            self.cell, self.marked = ((label + dy) % DIGITS, (read + dx) % DIGITS), 0

    def turn(self, pages: int, layout: Layout) -> None:
        """Look at the digits that come next, or before; after the last come the first."""
        self.is_inside = len(self.digits) > 0
        page, count = self.page(layout), len(self.digits)
        if pages > 0:
            self.marked = page.stop if page.stop < count else 0
        else:
            self.marked = max(0, (page.start or count) - 1)

    def press(self) -> None:
        """Look at the digits of the chosen cell; there, put the marked one on the canvas."""
        digits = self.digits
        if self.is_inside and len(digits):
            place = int(digits[min(self.marked, len(digits) - 1)])
            self._session.messages.tell(self._session.test_digits.show(place))
        self.is_inside = len(digits) > 0

    def click(self, x: float, y: float, layout: Layout) -> bool:
        """Do what a click at a place does; returns whether it was on anything."""
        cell, tiles = self.cell_at(layout, (x, y)), self.lay_out(layout).digits
        tile = None if tiles is None else tiles.at(x, y)
        if cell is not None:
            self.choose(cell if cell != self.cell else None)
        elif tile is not None:
            page = self.page(layout)
            if tile < len(page):
                self.marked, self.is_inside = page[tile], True
                self.press()
            elif page.stop < len(self.digits):
                self.turn(1, layout)
        return cell is not None or tile is not None

    def go_back(self, layout: Layout) -> bool:
        """Go back from digits to the matrix that they hide, or download what all of it needs.

        Returns whether there was either to do.
        """
        if self._session.mnist.is_missing:
            self._session.mnist.download()
            return True
        return self.hides_matrix(layout) and self.leave()

    def leave(self) -> bool:
        """Go back from the digits to the matrix; returns whether that changed anything."""
        was_inside, self.is_inside = self.is_inside, False
        return was_inside

    def _commonest(self) -> Cell:
        """The cell with the most mistakes."""
        if self.tally is None:
            return 0, 0
        wrong = self.tally.confusion * ~np.eye(DIGITS, dtype=bool)
        return divmod(int(wrong.argmax()), DIGITS)
