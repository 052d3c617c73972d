"""A soft round brush: lines and dots of ink on a grid of cells.

A cell is inked by how near its centre is to the line, so the edge is smooth at any angle, the cost
depends on the cells touched and not on how fast the pointer moved, and drawing a polyline segment
by segment gives the same picture as drawing it at once.

Coordinates are in cells: x to the right, y down, cell (0, 0) at the top left with its centre at
(0.5, 0.5). Grids are indexed `[y, x]`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nn.support.types import Array

Point = tuple[float, float]

# Cells, or half the radius of a wide brush; longer lines are drawn in pieces, so that each inks
# few cells.
MAX_PIECE = 1.5
MAX_CELLS = 1 << 17  # inked at once: few enough to stay in a processor's cache


def distance_to_segment(x: Array, y: Array, start: Array | Point, end: Array | Point) -> Array:
    """Distance from points (`x`, `y`) to segments from `start` to `end`, all broadcast together.

    `start` and `end` are pairs (x, y), of numbers for one segment or of arrays for many.
    """
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    x, y = x - x0, y - y0
    # A segment shorter than a millionth of a cell is a dot; dividing by less would overflow.
    length_squared = np.maximum(dx * dx + dy * dy, x.dtype.type(1e-12))
    along = (x * dx + y * dy) / length_squared
    # Not np.clip, whose overhead is larger than the work on the few cells under a brush.
    np.minimum(np.maximum(along, 0, out=along), 1, out=along)
    across_x, across_y = x - along * dx, y - along * dy
    return np.sqrt(across_x * across_x + across_y * across_y)


def coverage_at(distance: Array, radius: Array | float, softness: float = 1.0) -> Array:
    """How much of a cell is covered, 0…1, when its centre is `distance` away from the line.

    Coverage falls linearly from 1 to 0 over `softness` cells around the distance `radius`.
    """
    covered = (radius + softness / 2 - distance) / softness
    return np.minimum(np.maximum(covered, 0, out=covered), 1, out=covered)


def segment_coverage(
    shape: tuple[int, int], start: Point, end: Point, radius: float, softness: float = 1.0
) -> tuple[tuple[slice, slice], Array]:
    """How much of each cell the brush covers along one segment.

    Returns the window of the `shape` grid that the brush can reach (two slices, y then x; empty
    when it passes outside) and the coverage inside it, float32 in 0…1.
    """
    reach = radius + softness / 2
    rows = _reached(shape[0], start[1], end[1], reach)
    columns = _reached(shape[1], start[0], end[0], reach)
    y = np.arange(rows.start + 0.5, rows.stop, dtype=np.float32)[:, None]
    x = np.arange(columns.start + 0.5, columns.stop, dtype=np.float32)[None, :]
    distance = distance_to_segment(x, y, start, end)
    covered = coverage_at(distance, radius, softness)
    return (rows, columns), covered.astype(np.float32, copy=False)


def _reached(size: int, a: float, b: float, reach: float) -> slice:
    """The cells 0…size-1 whose centres can lie within `reach` of the interval from a to b."""
    low = min(max(math.floor(min(a, b) - reach), 0), size)
    high = min(max(math.ceil(max(a, b) + reach), 0), size)
    return slice(low, max(low, high))


def add_ink(ink: Array, start: Point, end: Point, radius: float, softness: float = 1.0) -> None:
    """Draw a segment on `ink` (H, W) in place; where strokes cross, the darker one shows."""
    window, coverage = segment_coverage(ink.shape, start, end, radius, softness)
    np.maximum(ink[window], coverage, out=ink[window])


def remove_ink(ink: Array, start: Point, end: Point, radius: float, softness: float = 1.0) -> None:
    """Erase along a segment of `ink` (H, W) in place, with the same soft edge as drawing."""
    window, coverage = segment_coverage(ink.shape, start, end, radius, softness)
    np.minimum(ink[window], 1.0 - coverage, out=ink[window])


def draw_polyline(
    ink: Array, points: Sequence[Point] | Array, radius: float, softness: float = 1.0
) -> None:
    """Draw the line through `points` (P, 2) on `ink` (H, W) in place; one point is a dot."""
    starts, ends = _segments(points)
    draw_segments(ink[None], np.zeros(len(starts), np.intp), starts, ends, radius, softness)


def erase_polyline(
    ink: Array, points: Sequence[Point] | Array, radius: float, softness: float = 1.0
) -> None:
    """Erase along the line through `points` (P, 2) on `ink` (H, W) in place."""
    paper = np.zeros_like(ink)
    draw_polyline(paper, points, radius, softness)
    np.minimum(ink, 1 - paper, out=ink)


def draw_segments(
    ink: Array,
    picture: Array,
    starts: Array,
    ends: Array,
    radius: Array | float,
    softness: float = 1.0,
) -> None:
    """Draw S segments at once on the pictures `ink` (N, H, W), C-ordered and changed in place.

    Segment s, from `starts[s]` to `ends[s]` (S, 2), goes on the picture with the number
    `picture[s]` (S,), drawn with `radius`, one for all or (S,).
    """
    radius = np.broadcast_to(np.asarray(radius, np.float32), picture.shape)
    widest = float(radius.max(initial=0.0))
    longest = max(MAX_PIECE, widest / 2)
    reach = widest + softness / 2
    side = math.ceil(longest + 2 * reach) + 1  # no piece can ink more cells than side²
    picture, starts, ends, radius = _cut(picture, starts, ends, radius, longest)
    at_once = max(MAX_CELLS // side**2, 1)
    for first in range(0, len(picture), at_once):
        part = slice(first, first + at_once)
        _draw_pieces(ink, picture[part], starts[part], ends[part], radius[part], side, softness)


def _draw_pieces(
    ink: Array,
    picture: Array,
    starts: Array,
    ends: Array,
    radius: Array,
    side: int,
    softness: float,
) -> None:
    """`draw_segments` for pieces none of which inks more than side × side cells."""
    height, width = ink.shape[1:]
    reach = float(radius.max(initial=0.0)) + softness / 2
    low = np.floor(np.minimum(starts, ends) - reach)
    near = np.all((low > -side) & (low < (width, height)), axis=1)
    # (side, S) each: what depends on one coordinate alone is not computed for side × side cells.
    columns, rows = low[near].T.astype(np.intp)[:, None] + np.arange(side)[:, None]
    x, y = columns.astype(np.float32) + 0.5, rows.astype(np.float32)[:, None] + 0.5
    start, end = (at[near].T.astype(np.float32) for at in (starts, ends))
    covered = coverage_at(distance_to_segment(x, y, start, end), radius[near], softness)
    inked = covered > 0
    inked &= (columns >= 0) & (columns < width)
    inked &= ((rows >= 0) & (rows < height))[:, None]
    cells = ((picture[near] * height + rows) * width)[:, None] + columns
    # A view, because the pictures are C-ordered; `at` lets many segments meet in one cell.
    np.maximum.at(ink.reshape(-1), cells[inked], covered[inked])


def _segments(points: Sequence[Point] | Array) -> tuple[Array, Array]:
    """The starts and ends (S, 2) of the line through points (P, 2); of one point, a dot."""
    points = np.asarray(points, float).reshape(-1, 2)
    return (points[:-1], points[1:]) if len(points) > 1 else (points, points)


def _cut(
    picture: Array, starts: Array, ends: Array, radius: Array, longest: float
) -> tuple[Array, ...]:
    """The same segments in pieces no longer than `longest` in x or y."""
    along = ends - starts
    counts = np.ceil(np.abs(along).max(axis=1) / longest).astype(np.intp)
    counts = np.maximum(counts, 1)
    if counts.max(initial=1) == 1:
        return picture, starts, ends, radius
    which = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    number = np.arange(len(which)) - first[which]
    steps = along[which] / counts[which, None]
    begin = starts[which] + steps * number[:, None]
    return picture[which], begin, begin + steps, radius[which]
