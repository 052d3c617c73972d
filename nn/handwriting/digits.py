"""Synthetic digits: strokes in the styles people use, varied, and drawn as pictures.

MNIST's writers were Americans filling in forms. People at a canvas also slash their zeros, bar
their sevens, put long flags and feet on their ones and leave their fours open. Each such style is
a line of control points (`nn.handwriting.styles`). A digit is a style as another hand builds it
(`nn.handwriting.families`), its points, strokes and proportions moved at random, drawn and framed
by the same code as a drawing on the canvas.

Coordinates are x to the right and y down. Randomness comes from a `numpy.random.Generator`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from nn.handwriting import framing as images
from nn.handwriting.families import another_hand
from nn.handwriting.pen import PenStroke, line_matrix, parse_path
from nn.handwriting.styles import STYLES, Style
from nn.support.types import Array


class Jitter(NamedTuple):
    """How unsteady writing is: standard deviations, in percent of the digit's box unless said."""

    point: float = 4.5  # each control point
    stroke: float = 4.0  # each stroke as a whole
    stroke_size: float = 0.08  # logarithm of each stroke's size
    stroke_turn: float = 5.0  # degrees, each stroke about its middle
    tremor: float = 0.8  # along the line
    smooth: float = 1.0  # the most corners are rounded: 1 averages over a fifth of the box
    bend: float = 3.0  # one slow wave over the whole digit, across and down
    shear: float = 0.2  # shift in x for a shift of one in y
    turn: float = 5.0  # degrees
    aspect: float = 0.27  # logarithm of width over height
    radius: float = 0.18  # logarithm of the pen's radius


# Width over height of each digit when it is written at leisure.
ASPECTS = (0.88, 0.55, 0.86, 0.73, 0.78, 0.86, 0.70, 0.73, 0.74, 0.66)
MAX_SHEAR = 0.6
DIGITS_OF_A_HAND = 8  # written as one hand builds them, before another does


def write_digits(
    labels: Array,
    rng: np.random.Generator,
    styles: tuple[Style, ...] = STYLES,
    jitter: Jitter | None = None,
    check: Callable[[], None] | None = None,
    parts: Array | None = None,
    hand: Callable[[Style, np.random.Generator], Sequence[PenStroke]] = another_hand,
) -> Array:
    """A framed picture (28, 28) of each of the digits `labels` (N,): (N, 28, 28) float32.

    `hand` gives the strokes of a style as one hand builds them. With `parts` (N,), 0…1, of each
    digit only so much of its ink is drawn, as it is written.
    `check` is called every 256 digits or more often; to stop, let it raise an error.
    """
    jitter = jitter or Jitter()
    pictures = np.zeros((len(labels), images.SIZE, images.SIZE), np.float32)
    chosen = _choose_styles(labels, styles, rng)
    for number in np.unique(chosen):
        rows = np.flatnonzero(chosen == number)
        for some in np.array_split(rows, -(-len(rows) // 256)):  # so much fits in the cache
            if check:
                check()
            groups = [
                _write(hand(styles[number], rng), ASPECTS[styles[number].digit], n, rng, jitter)
                for n in _sizes(len(some), DIGITS_OF_A_HAND)
            ]
            starts, ends = _stacked(groups)
            if parts is not None:
                starts, ends = _begun(starts, ends, parts[some])
            radius = images.PEN_RADIUS * np.exp(rng.normal(0, jitter.radius, len(some)))
            pictures[some] = images.frame_lines(starts, ends, radius)
    return pictures


def _choose_styles(labels: Array, styles: tuple[Style, ...], rng: np.random.Generator) -> Array:
    """For each label (N,) the number of a style of that digit, as often as its weight says."""
    chosen = np.zeros(len(labels), int)
    for digit in np.unique(labels):
        numbers = [i for i, style in enumerate(styles) if style.digit == digit]
        if not numbers:
            raise ValueError(f"no style writes the digit {digit}")
        weights = np.array([styles[i].weight for i in numbers])
        rows = labels == digit
        chosen[rows] = rng.choice(numbers, size=rows.sum(), p=weights / weights.sum())
    return chosen


def write_strokes(
    style: Style, count: int, rng: np.random.Generator, jitter: Jitter
) -> tuple[Array, Array]:
    """`count` variations of a style as segments: their starts and ends, each (count, S, 2).

    The unit is the height of the digit's box.
    """
    return _write(parse_path(style.path), ASPECTS[style.digit], count, rng, jitter)


def _write(
    strokes: Sequence[PenStroke],
    aspect: float,
    count: int,
    rng: np.random.Generator,
    jitter: Jitter,
) -> tuple[Array, Array]:
    """`count` variations of strokes in a box of that width over height, as `write_strokes`."""
    starts, ends = [], []
    for stroke in strokes:
        control, basis = stroke.points, line_matrix(stroke)
        moved = rng.normal(0, jitter.point / 100, (count, *control.shape))
        # Who is careless at one point is careless at all.
        moved *= rng.gamma(4, 1 / 4, (count, 1, 1))
        line = basis @ (control + moved)
        line += rng.uniform(0, jitter.smooth, (count, 1, 1)) * (_rounded(line) - line)
        line += _tremor(line.shape, rng) * jitter.tremor / 100
        middle = line.mean(axis=1, keepdims=True)
        line = _turned(line - middle, rng.normal(0, np.deg2rad(jitter.stroke_turn), count))
        line *= np.exp(rng.normal(0, jitter.stroke_size, (count, 1, 1)))
        line += middle + rng.normal(0, jitter.stroke / 100, (count, 1, 2))
        starts.append(line[:, :-1])
        ends.append(line[:, 1:])
    start, end = np.concatenate(starts, axis=1), np.concatenate(ends, axis=1)
    phase = rng.uniform(0, 2 * np.pi, (count, 1, 2))
    height = rng.normal(0, jitter.bend / 100, (count, 1, 2))
    turn = rng.normal(0, np.deg2rad(jitter.turn), count)
    # A few slant their digits far more than the rest.
    slant = rng.normal(0, jitter.shear, (count, 1)) * rng.gamma(2, 1 / 2, (count, 1))
    shear = np.clip(slant, -MAX_SHEAR, MAX_SHEAR)
    width = aspect * np.exp(rng.normal(0, jitter.aspect, (count, 1)))

    def shaped(points: Array) -> Array:
        # A slow wave along y moves x, and along x moves y.
        points = points + height * np.sin(np.pi * points[:, :, ::-1] * 1.5 + phase)
        points[:, :, 0] = points[:, :, 0] * width - points[:, :, 1] * shear
        return _turned(points, turn)

    return shaped(start), shaped(end)


def _begun(starts: Array, ends: Array, parts: Array) -> tuple[Array, Array]:
    """Segments (N, S, 2) as far as they are drawn once the share `parts` (N,) of the ink is.

    Those to come lie at the tip of the pen, as dots.
    """
    steps = ends - starts
    lengths = np.hypot(steps[:, :, 0], steps[:, :, 1])
    left = parts[:, None] * lengths.sum(axis=1, keepdims=True) - (lengths.cumsum(axis=1) - lengths)
    ends = starts + steps * np.clip(left / np.maximum(lengths, 1e-9), 0, 1)[:, :, None]
    is_begun = left > 0
    tip = ends[np.arange(len(ends)), np.maximum(is_begun.sum(axis=1) - 1, 0)][:, None]
    is_begun = is_begun[:, :, None]
    return np.where(is_begun, starts, tip), np.where(is_begun, ends, tip)


def _sizes(count: int, most: int) -> list[int]:
    """`count` in parts of at most `most`."""
    return [min(most, count - start) for start in range(0, count, most)]


def _stacked(groups: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Groups of digits, each of starts and ends (n, S, 2), as one group (N, largest S, 2).

    Those of fewer segments end in dots where they end anyway.
    """
    most = max(starts.shape[1] for starts, _ in groups)
    all_starts, all_ends = [], []
    for starts, ends in groups:
        dots = np.repeat(ends[:, -1:], most - ends.shape[1], axis=1)
        all_starts.append(np.concatenate([starts, dots], axis=1))
        all_ends.append(np.concatenate([ends, dots], axis=1))
    return np.concatenate(all_starts), np.concatenate(all_ends)


def plain_lines(style: Style) -> list[Array]:
    """The strokes of a style as its table has them, unvaried: points (P, 2) of each.

    The unit is the height of the digit's box.
    """
    return [
        line_matrix(stroke) @ stroke.points * (ASPECTS[style.digit], 1)
        for stroke in parse_path(style.path)
    ]


def _turned(points: Array, angle: Array) -> Array:
    """`points` (N, P, 2) turned about the origin by `angle` (N,) in radians."""
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = points[:, :, 0], points[:, :, 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=2)


def _rounded(line: Array) -> Array:
    """Each point of `line` (N, P, 2) replaced by the mean of the five about it."""
    padded = np.pad(line, ((0, 0), (2, 2), (0, 0)), mode="edge")
    return _sum_of_five(padded) / 5


def _tremor(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Noise along lines (N, P, 2), alike at neighbouring points, standard deviation about 1."""
    noise = rng.normal(0, 1, (shape[0], shape[1] + 4, shape[2]))
    return _sum_of_five(noise) / np.sqrt(5)


def _sum_of_five(line: Array) -> Array:
    """Sums of each five neighbours along axis 1 of `line` (N, P + 4, 2): (N, P, 2)."""
    total = np.cumsum(line, axis=1)
    total[:, 5:] -= total[:, :-5].copy()
    return total[:, 4:]
