"""Where the units of a network's stages are in the panel that shows its inside.

The stages stand below each other, each a row: on the left what it is, beside it its units, as many
as can be seen well. Between the rows there is room for the paths that lead from one to the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from app.drawing.strokes import DIGITS
from app.window.style.geometry import Rect, Tiles
from nn.inference.activations import Activations

DOZEN = 12  # units that a row has room for, where it cannot show all

Shape = tuple[int, ...]


class Row(NamedTuple):
    """A stage in the panel: the rectangles of what it is, of some of its units, and of the rest.

    There are as many `tiles` as units that are shown; which units these are is decided elsewhere.
    """

    stage: int
    title: Rect
    tiles: Tiles
    more: Rect | None = None  # how many more units there are


def lay_out_inside(body: Rect, text: int, shapes: Sequence[Shape], middle: int = 0) -> list[Row]:
    """A row for each stage of a network, of shape (units,) or (units, height, width).

    Where there is not room for all, there are rows only for those around the stage `middle`. The
    lowest part of the body, `inside_detail`, is left for one unit.
    """
    edge = max(1, text // 9)  # of what is chosen
    room = inside_detail(body, text).y - text // 2 - body.y - edge
    gap, least = max(4, round(text * 0.4)), round(text * 1.1)
    count = max(1, min(len(shapes), (room + gap) // (least + gap)))
    gap = max(gap, min(round(text * 1.6), room // count // 4))
    first = min(max(0, middle - count // 2), len(shapes) - count)
    shown = range(first, first + count)
    last = len(shapes) - 1
    most = [_highest(shapes[stage], text, stage == last) for stage in shown]
    heights = _shared(room - gap * (count - 1), most)
    spare = (room - sum(heights) - gap * (count - 1)) // count
    left = round(text * 8.5) if body.width >= text * 22 else 0
    rows, top = [], body.y + edge
    for stage, height in zip(shown, heights, strict=True):
        title = Rect(body.x, top, max(0, left - text // 2), height + gap - 2)
        area = Rect(body.x + left + edge, top, body.width - left - 2 * edge, height)
        rows.append(_row(stage, title, area, shapes[stage], text, stage == last))
        top += height + gap + min(spare, text * 2)
    return rows


def inside_detail(body: Rect, text: int) -> Rect:
    """The part of the body for the details of one unit."""
    height = min(body.height // 2, max(text * 8, round(body.height * 0.36)))
    return Rect(body.x, body.bottom - height, body.width, height)


class Detail(NamedTuple):
    """Where the parts of `inside_detail` are."""

    heading: Rect
    pictures: tuple[Rect, ...]  # with room for a line of words below each
    columns: Rect  # of the sum
    words: Rect  # how a logit becomes a percentage

    def column(self, number: int, count: int) -> Rect:
        """Where one of so many columns is, none wider than needed."""
        width = max(1, min(self.columns.width // count, self.columns.height))
        return self.columns._replace(x=self.columns.x + number * width, width=width)

    def room(self, text: int) -> int:
        """How many columns there is room for."""
        return round(self.columns.width / (text * 2.7))


def lay_out_detail(body: Rect, text: int, pictures: int, has_words: bool) -> Detail:
    """Divide the part of the body for one unit, which has so many pictures."""
    area = inside_detail(body, text)
    heading = Rect(area.x, area.y + text // 4, area.width, round(text * 1.3))
    top, line = heading.bottom + text // 4, max(13, round(text * 0.95))
    lines = (
        0 if not has_words else 1 if area.height < text * 9 else 2 if area.width >= text * 26 else 3
    )
    if area.bottom - lines * line - top < text * 3 <= area.bottom - top:
        lines = 0  # the sum needs the room for itself
    bottom = area.bottom - lines * line
    label = round(text * 1.1)
    side = min(bottom - top - label, area.width // 5)
    pictures = pictures if side >= text * 2 else 0  # smaller ones would show nothing
    places = tuple(
        Rect(area.x + number * (side + text), top, side, side) for number in range(pictures)
    )
    left = area.x + pictures * (side + text)
    columns = Rect(left, top, area.right - left, bottom - top)
    return Detail(heading, places, columns, Rect(area.x, bottom, area.width, lines * line))


def shown_shape(stage: Activations) -> Shape:
    """The shape that a stage is shown with: weights as images where they are all it has."""
    weights = stage.weight_images()
    return weights.shape if weights is not None and stage.is_last else stage.values.shape


def is_shown_by_weights(stage: Activations) -> bool:
    """Whether a stage's tiles are its weights: the ten logits straight from one picture."""
    return stage.is_last and stage.weight_images() is not None


def _highest(shape: Shape, text: int, is_last: bool) -> int:
    """How high a row may be."""
    if len(shape) == 1:  # a number needs no large picture
        return round(text * 1.5) if is_last else text * 4
    return text * (12 if is_last else 6)


def _shared(room: int, most: Sequence[int]) -> list[int]:
    """The heights of rows that share the room, none above its maximum."""
    heights = [0] * len(most)
    for done, place in enumerate(sorted(range(len(most)), key=most.__getitem__)):
        heights[place] = max(2, min(most[place], room // (len(most) - done)))
        room -= heights[place]
    return heights


def _row(stage: int, title: Rect, area: Rect, shape: Shape, text: int, is_last: bool) -> Row:
    """The units of a stage in as many lines as show most of them, and then largest."""
    count, gap = shape[0], max(1, text // 6)
    if is_last and len(shape) == 1:
        width = max(1, min((area.width + gap) // DIGITS - gap, text * 3))
        return Row(stage, title, Tiles(area, title, count, 1, count, width, area.height, gap))
    is_number = len(shape) == 1
    smallest, largest = round(text * (1.2 if is_number else 1.8)), text * (2 if is_number else 8)
    narrow = area.width - round(text * 3.2)  # beside the words that say how many there are more
    best: tuple[int, int, int] | None = None  # units shown, their side, and those of a line
    for lines in range(1, max(1, (area.height + gap) // (smallest + gap)) + 1):
        high = min(largest, (area.height + gap) // lines - gap)
        columns = math.ceil(count / lines)
        side = min(high, (area.width + gap) // columns - gap)
        if side < min(smallest, high):
            wanted = max(round(text * 1.2), (narrow + gap) // DOZEN - gap)
            side = max(1, min(high, wanted))
            columns = max(1, (narrow + gap) // (side + gap))
        candidate = min(count, lines * columns), side, columns
        best = max(best or candidate, candidate)
    assert best is not None
    shown, side, columns = best
    lines = math.ceil(shown / columns)
    tiles = Tiles(area, title, shown, lines, columns, side, side, gap)
    right = area.x + columns * (side + gap) + gap
    more = Rect(right, area.y, max(1, area.right - right), area.height) if shown < count else None
    return Row(stage, title, tiles, more)
