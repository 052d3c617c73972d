"""Where the confusion matrix, and the digits of one of its cells, are on their panel."""

from __future__ import annotations

from typing import NamedTuple

from app.drawing.strokes import DIGITS
from app.window.layout.layout import Layout
from app.window.style.geometry import Rect, Tiles


class MistakesLayout(NamedTuple):
    """In a low panel the digits take the matrix's place, and only one of the two is there.

    The cells of the matrix and the pictures of the digits are tiles; `axis` is above the headings
    of the columns.
    """

    words: Rect  # how many digits are read right
    matrix: Tiles | None = None
    axis: Rect | None = None
    about: Rect | None = None  # which digits are shown
    digits: Tiles | None = None
    caption: int = 0  # how high the line is below each picture, which is part of its tile

    def heading(self, matrix: Tiles, digit: int) -> Rect:
        """What is above a column."""
        cell = matrix.rect(digit)
        return cell._replace(y=cell.y - cell.height - matrix.gap)

    def side(self, matrix: Tiles, digit: int) -> Rect:
        """What is to the left of a row."""
        cell = matrix.rect(digit * DIGITS)
        return cell._replace(x=matrix.title.x, width=cell.x - matrix.title.x)


def lay_out_mistakes(layout: Layout, is_inside: bool) -> MistakesLayout:
    """Lay out the panel; `is_inside` says that the digits of a cell are looked at."""
    text, body = layout.text, layout.body
    bottom = min([body.bottom, *(rect.y - text // 2 for rect in layout.panel_buttons.values())])
    body = body._replace(height=max(1, bottom - body.y))
    line = round(text * 1.3)
    is_tall = body.height >= text * 17
    words = body._replace(height=2 * line if is_tall else line)
    rest = _below(body, words, text // 3)
    if is_tall:
        side = min(text * 4, (rest.width + text // 2) // 6 - text // 2)
        row = side + round(text * 1.1) + text // 2
        lower = line + row * max(1, min(3, (rest.height - 15 * text) // row)) + text // 4
        upper = rest._replace(height=min(rest.height - lower, (DIGITS + 2) * text * 2))
        matrix, axis = _matrix(upper, text, line)
        about = _below(body, matrix.band, text // 2)._replace(height=line)
        digits, caption = _digits(_below(body, about, text // 4), side, text)
        return MistakesLayout(words, matrix, axis, about, digits, caption)
    if is_inside:
        digits, caption = _digits(rest, text * 4, text)
        return MistakesLayout(words, about=words, digits=digits, caption=caption)
    matrix, axis = _matrix(rest, text, 0)
    return MistakesLayout(words, matrix, axis)


def _below(body: Rect, upper: Rect, space: int) -> Rect:
    """What is left of the body below a part of it."""
    top = upper.bottom + space
    return body._replace(y=top, height=max(1, body.bottom - top))


def _matrix(room: Rect, text: int, axis: int) -> tuple[Tiles, Rect]:
    """Ten rows of cells, with room for headings and, above them, for a line `axis` high."""
    gap = max(1, text // 12) if room.height > 4 * DIGITS else 0
    side = max(text, room.width // 12)
    width = max(1, (room.width - side) // DIGITS - gap)
    height = max(1, (room.height - axis) // (DIGITS + 1) - gap)
    left = room.right - DIGITS * (width + gap) + gap
    top = room.y + axis + height + gap
    band = Rect(left, top, room.right - left, DIGITS * (height + gap) - gap)
    whole = room._replace(height=band.bottom - room.y)
    tiles = Tiles(band, whole, DIGITS * DIGITS, DIGITS, DIGITS, width, height, gap)
    return tiles, Rect(left, room.y, band.width, axis)


def _digits(room: Rect, side: int, text: int) -> tuple[Tiles, int]:
    """Square pictures of at most `side`, with a line of words below each."""
    gap, caption = max(2, text // 2), round(text * 1.1) if room.height > text * 3 else 0
    rows = max(1, (room.height + gap) // (side * 3 // 4 + caption + gap))
    side = max(1, min((room.height + gap) // rows - caption - gap, side))
    columns = max(1, (room.width + gap) // (side + gap))
    width = (room.width + gap) // columns - gap  # as wide as there is room, for the words
    tiles = Tiles(room, room, rows * columns, rows, columns, width, side + caption, gap)
    return tiles, caption
