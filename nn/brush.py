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
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Point = tuple[float, float]


def distance_to_segment(x: Array, y: Array, start: Point, end: Point) -> Array:
    """Distance from every point (`x`, `y`, broadcast) to the segment from `start` to `end`."""
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    length_squared = dx * dx + dy * dy
    x, y = x - x0, y - y0
    # A segment shorter than a millionth of a cell is a dot, every point being nearest to `start`;
    # dividing by a length near zero would overflow.
    if length_squared <= 1e-12:
        return np.hypot(x, y)
    along = x * (dx / length_squared) + y * (dy / length_squared)
    # Not np.clip, whose overhead is larger than the work on so few cells.
    np.minimum(np.maximum(along, 0.0, out=along), 1.0, out=along)
    return np.hypot(x - along * dx, y - along * dy)


def segment_coverage(
    shape: tuple[int, int], start: Point, end: Point, radius: float, softness: float = 1.0
) -> tuple[tuple[slice, slice], Array]:
    """How much of each cell the brush covers along one segment.

    Coverage falls linearly from 1 to 0 over `softness` cells around the distance `radius`.
    Returns the window of the `shape` grid that the brush can reach (two slices, y then x; empty
    when it passes outside) and the coverage inside it, float32 in 0…1.
    """
    reach = radius + softness / 2
    rows = _reached(shape[0], start[1], end[1], reach)
    columns = _reached(shape[1], start[0], end[0], reach)
    y = np.arange(rows.start + 0.5, rows.stop, dtype=np.float32)[:, None]
    x = np.arange(columns.start + 0.5, columns.stop, dtype=np.float32)[None, :]
    distance = distance_to_segment(x, y, start, end)
    coverage = np.minimum(np.maximum((reach - distance) / softness, 0.0), 1.0)
    return (rows, columns), coverage.astype(np.float32, copy=False)


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
    ink: Array, points: Sequence[Point], radius: float, softness: float = 1.0
) -> None:
    """Draw the line through `points` on `ink` (H, W) in place; one point is a dot."""
    for start, end in zip(points, points[1:] or points, strict=False):
        add_ink(ink, start, end, radius, softness)
