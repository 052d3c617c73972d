"""Families of forms: how one style of a digit becomes that of another hand.

The table of `nn.handwriting.styles` says how a digit is built. What differs between the people who
build it so, rules say here, each put to use now and then and all at random: two styles of a digit
are mixed; where a line turns sharply it is rounded, or runs through a small loop; strokes are
joined without lifting the pen, or parted; ends run on, fall short, or curl; a bar or a serif is
added; and the whole is stretched unevenly, which makes a ring small or large and moves a waist.
"""

from __future__ import annotations

import functools

import numpy as np

from nn.handwriting.pen import PenStroke, line_matrix, parse_path
from nn.handwriting.styles import STYLES, Style
from nn.support.types import Array

# How often each rule is put to use where it can be.
MIXED, ROUNDED, LOOPED, JOINED, PARTED, MOVED, CURLED, ADDED = (
    0.15, 0.15, 0.15, 0.12, 0.06, 0.35, 0.15, 0.06
)  # fmt: skip
ALIKE = 0.3  # two styles are mixed if their pens are never farther apart, in boxes
SAMPLES = 16  # points of a mixed stroke
NEAR = 0.6  # strokes are joined over at most so much paper
STRETCH_DOWN, STRETCH_ACROSS, TAPER = 0.2, 0.1, 0.12  # standard deviations

# Strokes that some add to a digit of one stroke.
ADDITIONS = {
    0: ("20,50 80,50", "78,20 24,82"),
    1: ("18,100 84,100", "28,0 74,0"),
    7: ("24,52 84,50", "30,60 80,44"),
}
# The longest curl of an end, in boxes: a 1 or a 7 with a longer one is another digit.
CURL = (0.3, 0.14, 0.3, 0.3, 0.25, 0.3, 0.3, 0.18, 0.25, 0.35)
LOOPLESS = (1,)  # with a loop at its top it is a 9


def another_hand(style: Style, rng: np.random.Generator) -> list[PenStroke]:
    """The strokes of a style as another hand builds them."""
    strokes = parse_path(style.path)
    if rng.random() < MIXED and (others := alike_styles().get(style.path)):
        strokes = mixed(style.path, others[rng.integers(len(others))], rng.uniform(0.2, 0.8))
    if len(strokes) == 1 and style.digit in ADDITIONS and rng.random() < ADDED:
        strokes += parse_path(str(rng.choice(ADDITIONS[style.digit])))
    strokes = [turned_softly(stroke, style.digit not in LOOPLESS, rng) for stroke in strokes]
    strokes = joined(strokes, rng)
    strokes = [part for stroke in strokes for part in parted(stroke, rng)]
    strokes = [ended(stroke, CURL[style.digit], rng) for stroke in strokes]
    return stretched(strokes, rng)


def turned_softly(stroke: PenStroke, may_loop: bool, rng: np.random.Generator) -> PenStroke:
    """The stroke with some of its corners rounded, or run through a loop."""
    points, corners, shift = stroke.points, [], 0
    for corner in stroke.corners:
        chance, at = rng.random(), corner + shift
        if chance < LOOPED and may_loop:
            loop = _loop(points[at - 1 : at + 2], rng.uniform(0.03, 0.1))
            points = np.insert(points, at + 1, loop, axis=0)
            shift += len(loop)
        elif chance < LOOPED + ROUNDED:
            pass
        else:
            corners.append(at)
    return PenStroke(points, tuple(corners))


def _loop(points: Array, radius: float) -> Array:
    """The points (4, 2) of a loop outside the second of three points, from it and back to it."""
    before, corner, after = points
    coming, going = _direction(corner - before), _direction(after - corner)
    outward = _direction(coming - going)
    return np.stack(
        [
            corner + radius * (0.9 * coming + 0.5 * outward),
            corner + radius * 1.9 * outward,
            corner + radius * (-0.9 * going + 0.5 * outward),
            corner,
        ]
    )


def _direction(step: Array) -> Array:
    return step / max(float(np.hypot(*step)), 1e-9)


def joined(strokes: list[PenStroke], rng: np.random.Generator) -> list[PenStroke]:
    """The strokes, some of them written without lifting the pen after the one before."""
    result = strokes[:1]
    for stroke in strokes[1:]:
        last = result[-1]
        gap = float(np.hypot(*(stroke.points[0] - last.points[-1])))
        if gap > NEAR or rng.random() >= JOINED:
            result.append(stroke)
            continue
        count = len(last.points)
        corners = [*last.corners, *(corner + count for corner in stroke.corners)]
        # Each end of the line between them is a corner or not.
        corners += [count - 1 + n for n in (0, 1) if rng.random() < 0.5]
        points = np.concatenate([last.points, stroke.points])
        result[-1] = PenStroke(points, tuple(sorted(corners)))
    return result


def parted(stroke: PenStroke, rng: np.random.Generator) -> list[PenStroke]:
    """The stroke, or the two that it becomes if the pen is lifted at a corner."""
    if not stroke.corners or rng.random() >= PARTED * len(stroke.corners):
        return [stroke]
    at = int(rng.choice(stroke.corners))
    points = stroke.points[at:].copy()
    points[0] += rng.uniform(-0.1, 0.25) * (points[1] - points[0])
    before = tuple(corner for corner in stroke.corners if corner < at)
    after = tuple(corner - at for corner in stroke.corners if corner > at)
    return [PenStroke(stroke.points[: at + 1], before), PenStroke(points, after)]


def ended(stroke: PenStroke, curl: float, rng: np.random.Generator) -> PenStroke:
    """The stroke with ends that run on, fall short, or curl."""
    points, shift = stroke.points.copy(), 0
    for end in ("last", "first"):
        points = points[::-1]  # so that the end comes first
        step = points[0] - points[1]
        length = max(float(np.hypot(*step)), 1e-9)
        if rng.random() < MOVED:
            points = points.copy()
            points[0] += step / length * max(rng.uniform(-0.15, 0.14), -0.7 * length)
        elif rng.random() < CURLED:
            added = _curl(points[0], step, rng.uniform(0.3, 1) * curl, rng)
            points = np.concatenate([added[::-1], points])
            shift = len(added) if end == "first" else 0
    return PenStroke(points, tuple(corner + shift for corner in stroke.corners))


def _curl(end: Array, step: Array, length: float, rng: np.random.Generator) -> Array:
    """The points (K, 2) of an arc of that length that goes on from an end."""
    turn = np.radians(rng.uniform(40, 320)) * rng.choice([-1, 1])
    count = int(np.ceil(abs(turn) / np.radians(60)))
    headings = np.arctan2(step[1], step[0]) + turn * (np.arange(count) + 0.5) / count
    steps = length / count * np.stack([np.cos(headings), np.sin(headings)], axis=1)
    return np.asarray(end + np.cumsum(steps, axis=0))


def stretched(strokes: list[PenStroke], rng: np.random.Generator) -> list[PenStroke]:
    """The strokes, stretched unevenly down and across, and narrower at the top or below."""
    points = np.concatenate([stroke.points for stroke in strokes])
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.maximum(high - low, 1e-9)
    power = np.exp(rng.normal(0, (STRETCH_ACROSS, STRETCH_DOWN)))
    taper = rng.normal(0, TAPER)

    def moved(stroke: PenStroke) -> PenStroke:
        share = ((stroke.points - low) / size) ** power
        share[:, 0] = 0.5 + (share[:, 0] - 0.5) * (1 + taper * (2 * share[:, 1] - 1))
        return PenStroke(low + size * share, stroke.corners)

    return [moved(stroke) for stroke in strokes]


# Mixing two styles


def mixed(path: str, other: str, weight: float) -> list[PenStroke]:
    """Strokes between those of two paths: 0 is the first, 1 the other."""
    pairs = zip(_sampled(path), _sampled(other), strict=True)
    return [PenStroke((1 - weight) * one + weight * two) for one, two in pairs]


@functools.cache
def alike_styles() -> dict[str, list[str]]:
    """For each path the others of its digit whose pens go the same way."""
    found: dict[str, list[str]] = {}
    for one in STYLES:
        for two in STYLES:
            if (
                one.digit == two.digit
                and one.path != two.path
                and _apart(one.path, two.path) < ALIKE
            ):
                found.setdefault(one.path, []).append(two.path)
    return found


def _apart(path: str, other: str) -> float:
    """How far two pens are apart at most, each going along its own path; ∞ if not comparable."""
    one, two = _sampled(path), _sampled(other)
    if len(one) != len(two):
        return np.inf
    return float(max(np.hypot(*(a - b).T).max() for a, b in zip(one, two, strict=True)))


@functools.cache
def _sampled(path: str) -> list[Array]:
    """Evenly spaced points (SAMPLES, 2) along each stroke of a path."""
    sampled = []
    for stroke in parse_path(path):
        line = line_matrix(stroke) @ stroke.points
        way = np.concatenate([[0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
        at = np.linspace(0, way[-1], SAMPLES)
        sampled.append(np.stack([np.interp(at, way, axis) for axis in line.T], axis=1))
    return sampled
