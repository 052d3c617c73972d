"""Printed lines in a picture: graph paper, ruled paper, form cells, a margin.

They are straight, a few degrees from level or upright, and cross the picture from edge to edge or
frame something. They are taken out of the darkness of the picture (`app.drawing.pictures`), and a
stroke that one of them crosses is closed again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.drawing.pixels import extent, greatest, parts
from nn.support.types import Array

SLOPES = np.tan(np.radians(np.arange(-8, 8.01, 0.25)))
# A line is darker than the paper that far away to both sides, as shares of the longer side.
REACHES = (0.008, 0.016, 0.03)
DARKER = 0.03  # by at least so much
COVERED = 0.75  # of a line across the picture must be seen
SHORTEST_SIDE = 0.06  # of a frame, as a share of the picture's longer side
SHORTEST = 12  # pixels of it
GAP = 4  # pixels: what breaks a line no more than that does not end it
APART = 0.02  # of the longer side: nearer ones may be one line, thick and blurred
NEAR = 6  # pixels: an end so near to another line lies on it
MOST = 24  # lines of each direction that may frame something
FAINT = 0.15  # of a line's darkness: its blurred edge
PEN = 1.5  # times a line's darkness: ink
SMALLEST = 0.03  # of the longer side: what remains, if it is a digit
CLEAR = 0.07  # of the longer side: a digit so far from the edge does not fill the picture
BLUR = 0.35  # of the darkest ink
FREE = 0.9  # of the ink in a frame does not touch it
FILLED = 0.3  # of the height of a frame, by the digit in it
MOST_STROKES = 5  # straight ones, level or upright, of a digit: an 8 as on a display
MANY = 3  # so many lines across the picture are ruling, whatever is written on them


@dataclass(frozen=True)
class Line:
    """A level line: row `row + slope · (x − middle)` at each column x, from `start` to `stop`."""

    row: int
    slope: float
    start: int
    stop: int
    across: bool = False  # seen along most of its way through the picture
    reaches_edges: bool = False  # and at both ends of it

    def at(self, column: Any, width: int) -> Any:
        """The row (float) of the line at a column, or at each of them, of a picture so wide."""
        return self.row + self.slope * (column - (width - 1) / 2)

    def is_beside(self, other: Line, apart: float) -> bool:
        """Whether it may be the same line as another, of the same slope, not so far apart."""
        return (
            abs(self.row - other.row) <= apart
            and self.start < other.stop
            and other.start < self.stop
        )


def without_ruling(darkness: Array) -> Array:
    """Darkness (H, W) without printed lines; as it was if they may be the strokes of a digit."""
    level, upright = lines_of(darkness), lines_of(darkness.T)
    across, complete = (
        [[line for line in lines if getattr(line, kind)] for lines in (level, upright)]
        for kind in ("across", "reaches_edges")
    )
    is_certain = sum(map(len, complete)) >= MANY or sum(map(len, across)) > MOST_STROKES
    framed = None if is_certain else _inside_a_frame(darkness, level, upright)
    if framed is not None:
        return framed
    ruling = across if is_certain else complete
    cleared = _without(darkness, *ruling)
    height, width = darkness.shape
    margin = int(CLEAR * max(height, width)) + 1
    if is_certain:
        cleared = _reaching_inside(cleared, margin)
    box = _box_of_the_largest_part(cleared)
    if box is None:
        # Nothing but lines. If a digit of straight strokes fills the picture, one is at its edge.
        outermost = any(
            min(line.row, length - line.row) < margin
            for lines, length in zip(ruling, (height, width), strict=True)
            for line in lines
        )
        return darkness if outermost and sum(map(len, ruling)) <= MOST_STROKES else cleared
    # A line that ends where the rest begins is a stroke of a digit that fills the picture.
    for lines, span, length in zip(ruling, box[::-1], (width, height), strict=True):
        if lines and not is_certain and (span.start < margin or span.stop > length - margin):
            return darkness
    return cleared


def _without(darkness: Array, level: Iterable[Line], upright: Iterable[Line]) -> Array:
    for line in level:
        darkness = _without_line(darkness, line)
    darkness = darkness.T
    for line in upright:
        darkness = _without_line(darkness, line)
    return darkness.T


def _reaching_inside(cleared: Array, margin: int) -> Array:
    """Darkness (H, W) without parts that lie in the margin: what is left of lines cut off there."""
    labels, count = parts(cleared > 0)
    is_inside = np.zeros(count + 1, bool)
    is_inside[labels[margin:-margin, margin:-margin]] = True
    return np.where(is_inside[labels], cleared, 0)


def _box_of_the_largest_part(cleared: Array) -> tuple[slice, slice] | None:
    """Rows and columns of the part with the most ink; None if it is too small for a digit."""
    labels, count = parts(cleared > DARKER)
    if not count:
        return None
    mass = np.bincount(labels.ravel(), cleared.ravel())
    mass[0] = 0
    rows, columns = extent(labels == mass.argmax())
    size = max(rows.stop - rows.start, columns.stop - columns.start)
    return (rows, columns) if size > SMALLEST * max(cleared.shape) else None


def lines_of(darkness: Array) -> list[Line]:
    """Straight thin lines within 8° of level in a picture (H, W), the longest first."""
    height, width = darkness.shape
    thin = _ridges(darkness)
    slope = _slope_of(thin)
    # Row r of `sheared` follows the line that crosses the middle column at row r − margin.
    margin = int(abs(slope) * width / 2) + 1
    columns = np.arange(width)
    rows = np.arange(-margin, height + margin)[:, None] + np.rint(
        slope * (columns - (width - 1) / 2)
    )
    inside = (rows >= 0) & (rows < height)
    seen = greatest(thin.astype(np.float32), 3, 0) > 0
    sheared = seen[np.clip(rows, 0, height - 1).astype(int), columns] & inside
    shortest = max(SHORTEST_SIDE * max(height, width), SHORTEST)
    lines = []
    for r in range(len(sheared)):
        if not inside[r].any():
            continue
        start, stop = (int(end) for end in np.flatnonzero(inside[r])[[0, -1]] + (0, 1))
        chord = sheared[r, start:stop]
        length = int(chord.sum())
        if length > COVERED * max(stop - start, width / 4):
            reaches = chord[:2].any() and chord[-2:].any()
            lines.append((length, Line(r - margin, slope, start, stop, True, bool(reaches))))
        elif length * GAP > shortest:  # else no run can be as long
            for start, stop in _runs(sheared[r]):
                if stop - start > shortest:
                    lines.append((stop - start, Line(r - margin, slope, start, stop)))
    lines.sort(key=lambda found: (not found[1].across, -found[0]))
    chosen: list[Line] = []
    for _, line in lines:
        if not any(line.is_beside(other, APART * max(height, width)) for other in chosen):
            chosen.append(line)
    return chosen


def _slope_of(thin: Array) -> float:
    """The slope, within 8° of level, along which the thin lines of a mask (H, W) run."""
    y, x = np.nonzero(thin)
    x = x - (thin.shape[1] - 1) / 2

    def alignment(slope: float) -> float:
        counts = np.bincount(np.rint(y - slope * x).astype(int) + thin.shape[1])
        return float((counts.astype(float) ** 3).sum())

    return float(max(SLOPES, key=alignment))


def _runs(seen: Array) -> list[tuple[int, int]]:
    """Starts and stops of the runs of true values (n,); short gaps do not end a run."""
    places = np.flatnonzero(seen)
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > GAP)
    starts = places[np.concatenate([[0], breaks + 1])]
    stops = places[np.concatenate([breaks, [len(places) - 1]])] + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def _reaches(darkness: Array) -> list[int]:
    return [max(round(share * max(darkness.shape)), 3) for share in REACHES]


def _ridges(darkness: Array) -> Array:
    """Where a picture (H, W) is darker than above and below."""
    height = len(darkness)
    ridge = np.zeros_like(darkness)
    for reach in _reaches(darkness):
        padded = np.pad(darkness, ((reach, reach), (0, 0)), mode="edge")
        beside = np.maximum(padded[:height], padded[2 * reach :])
        ridge = np.maximum(ridge, darkness - beside)
    return ridge > DARKER


def _inside_a_frame(
    darkness: Array, level: Sequence[Line], upright: Sequence[Line]
) -> Array | None:
    """Darkness (H, W) of what stands free inside a rectangle of lines, the smallest; or None."""
    height, width = darkness.shape
    level = sorted(level[:MOST], key=lambda line: line.row)
    upright = sorted(upright[:MOST], key=lambda line: line.row)
    crossings = {
        pair: place
        for pair in itertools.product(level, upright)
        if (place := _crossing(*pair, width, height))
    }
    boxes = []
    for sides in itertools.product(
        itertools.combinations(level, 2), itertools.combinations(upright, 2)
    ):
        corners = [crossings[pair] for pair in itertools.product(*sides) if pair in crossings]
        if len(corners) == 4:
            (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
            boxes.append((max(y0, y1), min(y2, y3), max(x0, x2), min(x1, x3)))
    boxes.sort(key=lambda box: (box[1] - box[0]) * (box[3] - box[2]))
    for (y0, y1, x0, x1), half in itertools.product(boxes, range(2, NEAR + 1)):
        top, left = int(y0) + half, int(x0) + half
        bottom, right = int(y1) - half + 1, int(x1) - half + 1
        if bottom - top <= NEAR or right - left <= NEAR:
            continue
        inside = _standing_free(darkness[top:bottom, left:right])
        if inside is not None:
            framed = np.zeros_like(darkness)
            framed[top:bottom, left:right] = inside
            return framed
    return None


def _standing_free(inside: Array) -> Array | None:
    """What does not touch the edges of a picture (H, W), if that is most of it and large enough."""
    # Blur alone does not join a digit to the frame that it nearly touches.
    labels, count = parts(inside > max(DARKER, BLUR * float(inside.max())))
    mass = np.bincount(labels.ravel(), inside.ravel())
    mass[0] = 0
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    touching = np.isin(np.arange(count + 1), border[border > 0])
    if not count or mass[~touching].sum() < FREE * mass.sum():
        return None
    rows, columns = extent(labels == mass.argmax())
    if max(rows.stop - rows.start, columns.stop - columns.start) < FILLED * len(inside):
        return None
    return np.where(touching[labels], 0, inside).astype(inside.dtype)


def _crossing(level: Line, upright: Line, width: int, height: int) -> tuple[float, float] | None:
    """Column and row where two lines cross, in a picture so large; None if they do not."""
    x = float(upright.row)
    for _ in range(3):  # each is nearly at right angles to the other
        y = level.at(x, width)
        x = upright.at(y, height)
    cross = (
        level.start - NEAR <= x <= level.stop + NEAR
        and upright.start - NEAR <= y <= upright.stop + NEAR
    )
    return (x, y) if cross else None


def _without_line(darkness: Array, line: Line) -> Array:
    """The picture (H, W) with the line taken out, and what it crosses closed again."""
    height, width = darkness.shape
    columns = np.arange(line.start, line.stop)
    rows = np.rint(line.at(columns, width)).astype(int)
    reach = _reaches(darkness)[-1]
    padded = np.pad(darkness, ((2 * reach, 2 * reach), (0, 0)))
    rows = np.clip(rows, -reach, height - 1 + reach) + 2 * reach

    def at(offset: int) -> Array:
        return padded[rows + offset, columns]

    # The median over the columns is the line's own, whatever crosses it.
    profile = {offset: float(np.median(at(offset))) for offset in range(-reach, reach + 1)}
    centre = max(range(-2, 3), key=profile.__getitem__)
    full = profile[centre]
    above = below = centre
    while profile.get(above, 0) > FAINT * full:
        above -= 1
    while profile.get(below, 0) > FAINT * full:
        below += 1
    above, below = above - 1, below + 1  # just outside, even where the line is a little off
    bridged = _bridges(at(above), at(below), below - above)
    cleared = padded.copy()
    for offset, bridge in zip(range(above + 1, below), bridged, strict=True):
        old = at(offset)
        is_pen = old > PEN * full  # the line under it makes no difference
        cleared[rows + offset, columns] = np.where(is_pen, old, np.minimum(old, bridge))
    return cleared[2 * reach : -2 * reach]


def _bridges(above: Array, below: Array, gap: int) -> Array:
    """Ink (gap − 1, n) that joins what is above a line (n,) to what is below it, at any slant."""
    size = len(above)
    bridges = np.zeros((gap - 1, size), above.dtype)
    reach = gap
    above, below = np.pad(above, 2 * reach), np.pad(below, 2 * reach)
    x = np.arange(size) + 2 * reach
    for row in range(1, gap):
        for lean in range(-reach, reach + 1):
            start = x - round(lean * row / gap)
            joined = np.minimum(above[start], below[start + lean])
            np.maximum(bridges[row - 1], joined, out=bridges[row - 1])
    return bridges
