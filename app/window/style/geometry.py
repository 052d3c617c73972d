"""Rectangles and grids of them, on whole pixels."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


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

    def contains(self, x: float, y: float) -> bool:
        """Whether a place is inside."""
        return self.x <= x < self.right and self.y <= y < self.bottom

    def shrunk(self, margin: int) -> Rect:
        """The rectangle without a margin on each side; of at least one pixel."""
        width, height = max(1, self.width - 2 * margin), max(1, self.height - 2 * margin)
        return Rect(self.x + margin, self.y + margin, width, height)

    def grown(self, margin: int) -> Rect:
        """The rectangle with a margin on each side."""
        return self.shrunk(-margin)


def around(*rects: Rect) -> Rect:
    """The smallest rectangle around some."""
    left, top = min(rect.x for rect in rects), min(rect.y for rect in rects)
    right, bottom = max(rect.right for rect in rects), max(rect.bottom for rect in rects)
    return Rect(left, top, right - left, bottom - top)


@dataclass(frozen=True)
class Tiles:
    """A grid of equal tiles that begins at the top left of `band`."""

    band: Rect
    title: Rect
    count: int
    rows: int
    columns: int
    width: int
    height: int
    gap: int

    @property
    def whole(self) -> Rect:
        """The rectangle around all of them."""
        lines = -(-self.count // self.columns)
        across = min(self.count, self.columns) * (self.width + self.gap) - self.gap
        height = lines * (self.height + self.gap) - self.gap
        return Rect(self.band.x, self.band.y, across, height)

    def rect(self, index: int) -> Rect:
        """Where a tile is."""
        row, column = divmod(index, self.columns)
        return Rect(
            self.band.x + column * (self.width + self.gap),
            self.band.y + row * (self.height + self.gap),
            self.width,
            self.height,
        )

    def at(self, x: float, y: float) -> int | None:
        """The tile at a place in the window."""
        column = int((x - self.band.x) // (self.width + self.gap))
        row = int((y - self.band.y) // (self.height + self.gap))
        index = row * self.columns + column
        inside = 0 <= column < self.columns and 0 <= index < self.count
        return index if inside and self.rect(index).contains(x, y) else None


def split(start: int, length: int, shares: Sequence[int], gap: int = 0) -> list[tuple[int, int]]:
    """A length divided in proportion to `shares`: where each part begins, and how long it is.

    Rounding every edge by itself spreads the odd pixels over the parts.
    """
    sums = itertools.accumulate(shares, initial=0)
    edges = [start + (length + gap) * part // sum(shares) for part in sums]
    return [(low, high - gap - low) for low, high in itertools.pairwise(edges)]


def button_row(row: Rect, words: Mapping[str, str], text: int) -> dict[str, Rect]:
    """Buttons side by side, those with longer words wider, by name; `text` is a letter's height."""
    places = split(row.x, row.width, [len(word) + 4 for word in words.values()], max(2, text // 3))
    return {
        name: Rect(x, row.y, max(1, width), row.height)
        for name, (x, width) in zip(words, places, strict=True)
    }


def button_at(buttons: Mapping[str, Rect], x: float, y: float) -> str | None:
    """The name of the button at a place in the window."""
    return next((name for name, rect in buttons.items() if rect.contains(x, y)), None)
