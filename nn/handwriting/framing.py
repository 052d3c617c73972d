"""Framing drawings as MNIST frames its digits.

MNIST's digits were scanned in black and white, scaled with their aspect kept until the longer side
of the ink was 20 cells, and moved by whole cells so that the centre of mass lies in the middle of
28×28 (LeCun et al. 1998, section III A). A drawing on the canvas has any size, place and thickness.
`frame_strokes` draws its strokes again at MNIST's size and thickness; `frame` does what can be done
when only the pixels are known.

Images are float32 in 0…1, 0 = paper, 1 = ink, indexed [y, x]; cell (i, j) has its centre at
(i + 0.5, j + 0.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nn.handwriting import brush
from nn.support.types import Array

SIZE = 28  # cells along each side of an image
BOX = 20.0  # cells along the longer side of the ink: so in 59,987 of MNIST's 60,000 digits
# Mean centre of mass (x, y) of MNIST's 60,000 training images; it varies by 0.29, that is by less
# than the whole cells they were moved by.
CENTRE = (14.507, 14.496)
# The brush whose lines come nearest to MNIST's in thickness and in shares of full and faint ink.
PEN_RADIUS = 1.25
PEN_SOFTNESS = 1.1
# Below a tenth of the canvas a drawing is a dot: enlarging it would only show the hand's tremor.
MIN_DRAWING = 0.1
FINE = 4  # how many steps a cell is divided in to see what an eraser took
FAINTEST_INK = 0.003  # less than 1/255, the faintest ink in an MNIST image


@dataclass(frozen=True)
class Stroke:
    """One movement of the pen: a line drawn, or rubbed out, by a round brush.

    `points` are (x, y) and `radius` is the brush's, both in cells.
    """

    points: list[tuple[float, float]]
    radius: float
    kind: Literal["draw", "erase"] = "draw"


@dataclass(frozen=True)
class Framing:
    """A framed image (28, 28), and how it was framed: place · scale + shift, in cells."""

    image: Array
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)


def frame_strokes(strokes: Sequence[Stroke]) -> Array:
    """The image alone of `framing_of_strokes`: (28, 28) float32."""
    return framing_of_strokes(strokes).image


def framing_of_strokes(strokes: Sequence[Stroke]) -> Framing:
    """Draw the visible part of `strokes` again as MNIST would show it.

    What lies outside the canvas of 28×28 cells is not seen, and what is erased later does not
    count. The longer side of the ink becomes 20 cells, the brush becomes MNIST's pen whatever its
    radius was, and the centre of mass becomes MNIST's.
    """
    pieces = _visible_pieces(strokes)
    seen = [piece for stroke_pieces in pieces for piece in stroke_pieces]
    if not seen:
        return Framing(np.zeros((SIZE, SIZE), np.float32))
    points = np.concatenate(seen)
    low, high = points.min(axis=0), points.max(axis=0)
    extent = max(float((high - low).max()), MIN_DRAWING * SIZE)
    scale = pen_box(PEN_RADIUS) / extent
    centre = np.array([SIZE / 2, SIZE / 2])
    image = np.zeros((SIZE, SIZE), np.float32)
    for _ in range(2):  # the first picture tells where the centre of mass is
        middle = centre - (low + high) / 2 * scale
        image[:] = 0
        for stroke, stroke_pieces in zip(strokes, pieces, strict=True):
            for piece in stroke_pieces:
                brush.draw_polyline(image, piece * scale + middle, PEN_RADIUS, PEN_SOFTNESS)
            if stroke.kind == "erase":  # the ends it left are drawn again as blunt as they were
                rubbed = np.asarray(stroke.points, float).reshape(-1, 2) * scale + middle
                brush.erase_polyline(image, rubbed, stroke.radius * scale, PEN_SOFTNESS)
        if not image.any():
            break
        centre = centre + CENTRE - centre_of_mass(image[None])[0]
    return Framing(image, scale, (float(middle[0]), float(middle[1])))


def frame_lines(starts: Array, ends: Array, radius: Array) -> Array:
    """Draw N digits framed as `frame_strokes` frames one: (N, 28, 28) float32.

    `starts` and `ends` (N, S, 2) are the ends of each digit's segments, in any unit of length;
    `radius` (N,) is the pen's in cells of the result.
    """
    low = np.minimum(starts.min(axis=1), ends.min(axis=1))
    high = np.maximum(starts.max(axis=1), ends.max(axis=1))
    extent = np.maximum((high - low).max(axis=1), 1e-6)  # all points in one place: a dot
    scale = (pen_box(radius) / extent)[:, None]
    centre = np.full((len(starts), 2), SIZE / 2)
    picture = np.repeat(np.arange(len(starts)), starts.shape[1])
    radii = np.asarray(radius)[picture]
    pictures = np.empty((len(starts), SIZE, SIZE), np.float32)
    for _ in range(2):  # the first pictures tell where the centres of mass are
        middle = (centre - (low + high) / 2 * scale)[:, None]
        pictures.fill(0)
        placed_starts = (starts * scale[:, None] + middle).reshape(-1, 2)
        placed_ends = (ends * scale[:, None] + middle).reshape(-1, 2)
        brush.draw_segments(pictures, picture, placed_starts, placed_ends, radii, PEN_SOFTNESS)
        centre = centre + CENTRE - centre_of_mass(pictures)
    return pictures


def pen_box(radius: Array | float) -> Any:
    """The longer side of a pen's path, in cells, whose ink will be 20 cells long.

    The ink ends where the pen half covers the paper: so measured too, MNIST's digits have 20 cells.
    """
    return BOX - 2 * radius


def centre_of_mass(images: Array) -> Array:
    """Centre of mass (N, 2) of the ink of `images` (N, H, W): x and y in cells.

    A blank image has its centre of mass in the middle.
    """
    height, width = images.shape[1:]
    mass = images.sum(axis=(1, 2), dtype=np.float64)
    x = images.sum(axis=1) @ (np.arange(width) + 0.5)
    y = images.sum(axis=2) @ (np.arange(height) + 0.5)
    found = np.stack([x, y], axis=1) / np.where(mass > 0, mass, 1.0)[:, None]
    return np.where(mass[:, None] > 0, found, [width / 2, height / 2])


def visible_lines(strokes: Sequence[Stroke]) -> list[Array]:
    """The lines of `strokes` that can be seen, each (P, 2) in cells, in the order of drawing.

    Apart from the blunt ends that an eraser leaves, drawing them gives the same picture.
    """
    return [piece for pieces in _visible_pieces(strokes) for piece in pieces]


def _visible_pieces(strokes: Sequence[Stroke]) -> list[list[Array]]:
    """For each stroke the visible parts of its line, each (P, 2); none for an eraser."""
    rubbed: Array | None = None  # what the erasers took that came after the stroke, on a fine grid
    pieces: list[list[Array]] = []
    for stroke in reversed(strokes):
        points = np.asarray(stroke.points, float).reshape(-1, 2)
        if stroke.kind == "draw":
            pieces.append(_pieces_of(points, stroke.radius, rubbed))
        else:
            if rubbed is None:
                rubbed = np.zeros((SIZE * FINE, SIZE * FINE), np.float32)
            _rub(rubbed, points * FINE, stroke.radius * FINE)
            pieces.append([])
    return pieces[::-1]


def _rub(rubbed: Array, points: Array, radius: float) -> None:
    """Draw an eraser's line through points (P, 2) on the fine grid `rubbed` (H, W), in place."""
    # Not by `brush.draw_polyline`, whose short pieces would ink each cell under the wide eraser
    # many times.
    for start, end in zip(points, points[1:] if len(points) > 1 else points, strict=False):
        brush.add_ink(rubbed, tuple(start.tolist()), tuple(end.tolist()), radius)


def _pieces_of(points: Array, radius: float, rubbed: Array | None) -> list[Array]:
    """The parts of the line through points (P, 2) that can be seen; a part rubbed out ends one."""
    if not len(points):
        return []
    if rubbed is None and _is_on(points, radius).all():
        return [points]
    points = _in_short_steps(points, 1 / FINE)
    seen = _is_on(points, radius)
    if rubbed is not None:
        cells = (points * FINE).astype(int)
        column, row = np.clip(cells, 0, SIZE * FINE - 1).T
        seen &= rubbed[row, column] < 0.5
    breaks = np.flatnonzero(seen[1:] != seen[:-1]) + 1
    parts = np.split(points, breaks)
    return [part for part, first in zip(parts, [0, *breaks], strict=True) if seen[first]]


def _is_on(points: Array, radius: float) -> Array:
    """Whether the brush at each point (P, 2) leaves ink on the canvas."""
    half = SIZE / 2
    # At the edge of what is seen, the brush half covers the outermost cells of the canvas.
    return np.all(np.abs(points - half) <= half - 0.5 + radius, axis=1)


def _in_short_steps(points: Array, step: float) -> Array:
    """The polyline (P, 2) with points added so that none is further than `step` from the next."""
    if len(points) < 2:
        return points
    lengths = np.hypot(*(points[1:] - points[:-1]).T)
    counts = np.maximum(np.ceil(lengths / step), 1).astype(int)
    position = np.concatenate([i + np.arange(n) / n for i, n in enumerate(counts)])
    position = np.append(position, len(points) - 1.0)
    along = np.arange(len(points))
    return np.stack([np.interp(position, along, points[:, axis]) for axis in (0, 1)], axis=1)


def frame(image: Array) -> Array:
    """Frame a drawing known only by its pixels, (H, W) in 0…1, as MNIST would: (28, 28) float32.

    The longer side of the ink becomes 20 cells, each cell the average of what it covers, and the
    picture is moved by whole cells until its centre of mass is in the middle. So an MNIST image
    comes back as it was. Lines become thicker or thinner with the size: `frame_strokes` is better.
    """
    return framing_of_image(image).image


def framing_of_image(image: Array) -> Framing:
    """`frame`, and how the picture was framed."""
    framed = np.zeros((SIZE, SIZE), np.float32)
    inked = image > FAINTEST_INK
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    if not len(rows):
        return Framing(framed)
    ink = np.asarray(image, np.float32)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(*ink.shape, MIN_DRAWING * max(image.shape))
    height, width = (max(round(side * scale), 1) for side in ink.shape)
    ink = _resampling(ink.shape[0], height) @ ink @ _resampling(ink.shape[1], width).T
    x, y = centre_of_mass(ink[None])[0]
    left = min(max(round(CENTRE[0] - x), 0), SIZE - width)
    top = min(max(round(CENTRE[1] - y), 0), SIZE - height)
    framed[top : top + height, left : left + width] = np.clip(ink, 0.0, 1.0)
    return Framing(framed, scale, (left - columns[0] * scale, top - rows[0] * scale))


def _resampling(old: int, new: int) -> Array:
    """Weights (new, old) that resize a line of cells: averages when shrinking, linear when growing.

    Each new cell is a mean weighted by a triangle as wide as the coarser of the two grids.
    """
    width = max(old / new, 1.0)
    centres = (np.arange(new) + 0.5) * old / new
    distance = np.abs(np.arange(old) + 0.5 - centres[:, None])
    weights = np.maximum(1.0 - distance / width, 0.0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
