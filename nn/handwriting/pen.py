"""A stroke of the pen as a few control points, and the smooth line that goes through them.

Coordinates are x to the right and y down, in heights or widths of a digit's box.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from nn.support.types import Array

POINTS_PER_BOX = 26  # points on a line as long as the box is high: steps of less than a cell


class PenStroke(NamedTuple):
    """Control points (K, 2), and which of those between the ends are corners.

    Between corners the line is a Catmull–Rom spline: it goes through its control points, and its
    direction at each is that from the point before to the point after.
    """

    points: Array
    corners: tuple[int, ...] = ()


def parse_path(path: str) -> list[PenStroke]:
    """The strokes of a path of `nn.handwriting.styles`."""
    return [_parse_stroke(text) for text in path.split("/")]


def _parse_stroke(text: str) -> PenStroke:
    runs = [run.split() for run in text.split(">")]
    points = np.array([word.split(",") for run in runs for word in run], float) / 100
    return PenStroke(points, tuple(int(n) - 1 for n in np.cumsum([len(run) for run in runs[:-1]])))


def line_matrix(stroke: PenStroke) -> Array:
    """The matrix (P, K) that makes the points (P, 2) of a stroke's line of its control points."""
    last = len(stroke.points) - 1
    ends = [0, *stroke.corners, last]
    rows = [_spline(stroke.points, a, b) for a, b in pairwise(ends)]
    return np.concatenate([np.eye(last + 1)[:1], *rows])


def _spline(points: Array, first: int, last: int) -> Array:
    """Rows (P, K) that take control points to the line from `first`, without it, to `last`."""
    lengths = np.hypot(*np.diff(points[first : last + 1], axis=0).T)
    steps = np.maximum(np.ceil(lengths * POINTS_PER_BOX).astype(int), 1)
    at = first + np.repeat(np.arange(last - first), steps)  # the control point before each point
    number = np.arange(1, len(at) + 1) - np.repeat(np.cumsum(steps) - steps, steps)
    t = number / np.repeat(steps, steps)
    # Hermite's four polynomials with the directions (next − previous) / 2.
    out, into = (t**3 - 2 * t**2 + t) / 2, (t**3 - t**2) / 2
    rows, line = np.zeros((len(at), len(points))), np.arange(len(at))
    rows[line, at] += 2 * t**3 - 3 * t**2 + 1
    rows[line, at + 1] += 3 * t**2 - 2 * t**3
    rows[line, at + 1] += out
    rows[line, np.maximum(at - 1, first)] -= out
    rows[line, np.minimum(at + 2, last)] += into
    rows[line, at] -= into
    return rows
