"""Where everything is in a window of a given size; pure arithmetic on whole pixels.

In a wide window the bars stand to the right of the canvas, in a tall one below it. A cell of the
canvas is a whole number of pixels, so the drawing is crisp and a pixel belongs to one cell only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from app.canvas import Point
from nn.images import SIZE

DIGITS = 10
# Smaller windows are laid out as if they had this size, and are cut off.
SMALLEST = (240, 240)


class Rect(NamedTuple):
    """A rectangle in pixels; `pygame` takes it wherever it takes a rectangle."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of the rectangle."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below the rectangle."""
        return self.y + self.height

    def overlaps(self, other: Rect) -> bool:
        """Whether the two share a pixel."""
        return (
            self.x < other.right
            and other.x < self.right
            and self.y < other.bottom
            and other.y < self.bottom
        )


@dataclass(frozen=True)
class BarRow:
    """One digit's row: its label, the track its bar grows in, and its percentage."""

    label: Rect
    track: Rect
    percent: Rect


@dataclass(frozen=True)
class Layout:
    """The rectangles of a window, and the way between its pixels and the canvas's cells."""

    size: tuple[int, int]
    text: int  # height of ordinary text in pixels
    cell: int  # pixels a cell is wide and high
    canvas: Rect
    answer: Rect
    bars: tuple[BarRow, ...]
    help: Rect
    name: Rect

    @property
    def panel(self) -> Rect:
        """The smallest rectangle around the answer and the bars."""
        first, last = self.bars[0], self.bars[-1]
        left = min(self.answer.x, first.label.x)
        top = min(self.answer.y, first.label.y)
        right = max(self.answer.right, first.percent.right)
        bottom = max(self.answer.bottom, last.label.bottom)
        return Rect(left, top, right - left, bottom - top)

    def to_cells(self, x: float, y: float) -> Point:
        """The place on the canvas, in cells, of a place in the window, in pixels."""
        return (x - self.canvas.x) / self.cell, (y - self.canvas.y) / self.cell

    def to_pixels(self, x: float, y: float) -> Point:
        """The place in the window, in pixels, of a place on the canvas, in cells."""
        return self.canvas.x + x * self.cell, self.canvas.y + y * self.cell


def lay_out(width: int, height: int) -> Layout:
    """Lay out a window of this size in pixels."""
    width, height = max(width, SMALLEST[0]), max(height, SMALLEST[1])
    if width >= height:
        return _landscape(width, height)
    return _portrait(width, height)


def _text_height(short: float) -> int:
    """Text grows with the window, but slower: 12 pixels at 320, 18 at 640, 26 at 1080."""
    return max(8, round(6 + short * 0.0185))


def _landscape(width: int, height: int) -> Layout:
    text = _text_height(min(width / 1.5, height))
    margin = round(text * 1.6)
    gap = round(text * 2.2)
    footer = round(text * 1.5)
    room_down = height - 2 * margin - footer - text
    room_across = width - 2 * margin - gap
    # The panel needs room for its words first; the canvas takes what is left.
    cell = max(1, min(room_down, room_across - text * 10) // SIZE)
    side = cell * SIZE
    panel_width = min(room_across - side, max(text * 15, round(side * 0.8)))
    left = (width - side - gap - panel_width) // 2
    top = margin + (room_down - side) // 2
    canvas = Rect(left, top, side, side)
    panel = Rect(canvas.right + gap, top, panel_width, side)
    answer_height = min(round(side * 0.26), text * 6)
    answer = Rect(panel.x, panel.y, panel.width, answer_height)
    space = max(2, text // 2)
    bars = Rect(panel.x, answer.bottom + space, panel.width, side - answer_height - space)
    line = Rect(canvas.x, height - margin - footer, panel.right - canvas.x, footer)
    return _assemble((width, height), text, cell, canvas, answer, bars, line)


def _portrait(width: int, height: int) -> Layout:
    text = _text_height(min(width, height / 1.5))
    margin = round(text * 1.6)
    gap = round(text * 1.6)
    footer = round(text * 1.5)
    room_across = width - 2 * margin
    room_down = height - 2 * margin - gap - footer - text
    cell = max(1, min(room_across, room_down - text * 11) // SIZE)
    side = cell * SIZE
    below = min(room_down - side, max(text * 17, round(side * 0.6)))
    top = margin + max(0, (room_down - side - below) // 2)
    canvas = Rect((width - side) // 2, top, side, side)
    # Where height is short the canvas is narrow; the words below keep the window's whole width.
    span = max(side, min(room_across, text * 24))
    left = (width - span) // 2
    answer = Rect(left, canvas.bottom + gap, round(span * 0.3), below)
    bars_left = answer.right + gap
    bars = Rect(bars_left, answer.y, left + span - bars_left, below)
    line = Rect(left, height - margin - footer, span, footer)
    return _assemble((width, height), text, cell, canvas, answer, bars, line)


def _assemble(
    size: tuple[int, int], text: int, cell: int, canvas: Rect, answer: Rect, bars: Rect, line: Rect
) -> Layout:
    """Divide the bars into ten rows and the line at the bottom into help and name."""
    label_width = round(text * 1.3)
    percent_width = round(text * 3.9)  # room for ">99 %"
    rows = []
    for digit in range(DIGITS):
        # Rounding every edge by itself spreads the odd pixels over the rows.
        top = bars.y + bars.height * digit // DIGITS
        height = bars.y + bars.height * (digit + 1) // DIGITS - top
        track_left = bars.x + label_width
        track_width = max(1, bars.width - label_width - percent_width)
        thickness = max(2, min(round(height * 0.5), round(text * 1.1)))
        rows.append(
            BarRow(
                label=Rect(bars.x, top, label_width, height),
                track=Rect(track_left, top + (height - thickness) // 2, track_width, thickness),
                percent=Rect(track_left + track_width, top, percent_width, height),
            )
        )
    name_width = line.width * 3 // 10
    help_ = Rect(line.x, line.y, line.width - name_width, line.height)
    name = Rect(help_.right, line.y, name_width, line.height)
    return Layout(size, text, cell, canvas, answer, tuple(rows), help_, name)
