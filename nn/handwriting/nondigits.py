"""Synthetic drawings that are not digits: letters, signs, scribbles, pairs, pictures.

A network that has only seen digits is sure of one whatever it is shown. To reject what is no digit
it must have seen some, and it must be measured on other kinds than those: `nn.train_rejection`
learns from `TRAINING_KINDS`, and nothing from `MEASURING_KINDS`.

They are written, drawn and framed as the digits of `nn.handwriting.digits` are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from nn.handwriting import framing as images
from nn.handwriting.digits import Jitter, write_strokes
from nn.handwriting.shapes import ALIKE, FACES, FOREIGN, HOUSES, KEYBOARD, LETTERS, SIGNS
from nn.handwriting.signs import glyph, mark, pen_stroke
from nn.handwriting.styles import STYLES, Style
from nn.support.types import Array

Generator = np.random.Generator
Kind = Callable[[int, Generator], Array]  # so many framed pictures, (count, 28, 28) float32
Drawing = Array  # the starts and the ends of its segments, (2, S, 2)

# Digits that, turned by 90° or mirrored, are no digits any more.
TURNED = (2, 3, 4, 5, 6, 9)
MIRRORED = (3, 4, 6, 7, 9)
WINDING = (2, 3, 4, 5, 6, 8, 9)  # digits that are more than a line or a ring
LYING = "0,50 50,50 100,50"  # a 1 lying down, which makes a pair one long line
LETTER_JITTER = Jitter(point=5.5, stroke=5.0, shear=0.25, turn=7.0, aspect=0.32)
CAREFUL = Jitter(point=4.0, stroke=3.0, aspect=0.22)
LETTER_PATHS = [path for paths in LETTERS.values() for path in paths]
KEYBOARD_PATHS = [path for paths in KEYBOARD.values() for path in paths]


def _drawn(drawings: Sequence[Drawing], rng: Generator) -> Array:
    """Frame drawings: (N, 28, 28) float32."""
    pictures = np.zeros((len(drawings), images.SIZE, images.SIZE), np.float32)
    order = sorted(range(len(drawings)), key=lambda i: drawings[i].shape[1])
    for start in range(0, len(order), 128):
        some = order[start : start + 128]
        padded = np.empty((2, len(some), drawings[some[-1]].shape[1], 2))
        for row, drawing in enumerate(drawings[i] for i in some):
            padded[:, row] = drawing[1, -1]  # a dot at its end
            padded[:, row, : drawing.shape[1]] = drawing
        radius = images.PEN_RADIUS * np.exp(rng.normal(0, 0.18, len(some)))
        pictures[some] = images.frame_lines(padded[0], padded[1], radius)
    return pictures


def _chosen(
    count: int, options: int, rng: Generator, write: Callable[[int, int], Iterable[Drawing]]
) -> list[Drawing]:
    """`count` drawings, each of an option chosen at random; `write(option, n)` gives n of one."""
    drawings = [np.empty(0)] * count
    chosen = rng.integers(options, size=count)
    for option in np.unique(chosen):
        rows = np.flatnonzero(chosen == option)
        for row, drawing in zip(rows.tolist(), write(option, len(rows)), strict=True):
            drawings[row] = drawing
    return drawings


def _written(paths: Sequence[str], count: int, rng: Generator, jitter: Jitter) -> list[Drawing]:
    """`count` drawings, each of a path chosen at random."""

    def write(number: int, n: int) -> Array:
        return np.stack(write_strokes(Style(0, 1, paths[number]), n, rng, jitter), axis=1)

    return _chosen(count, len(paths), rng, write)


def _digits(count: int, rng: Generator, digits: Sequence[int] = range(10)) -> list[Drawing]:
    paths = [style.path for style in STYLES if style.digit in digits and style.path != LYING]
    return _written(paths, count, rng, Jitter())


def _from_paths(paths: Sequence[str]) -> Kind:
    return lambda count, rng: _drawn(_written(paths, count, rng, CAREFUL), rng)


def _from_lines(draw: Callable[[Generator], Sequence[Array]]) -> Kind:
    """A kind whose drawings are made one at a time, as lines (P, 2)."""
    return lambda count, rng: _drawn([_segments(draw(rng)) for _ in range(count)], rng)


def _segments(lines: Iterable[Array]) -> Drawing:
    return np.concatenate([np.stack([line[:-1], line[1:]]) for line in lines], axis=1)


def _curve(control: Array, steps: int = 12) -> Array:
    """A smooth line (P, 2) through control points (K, 2): Catmull–Rom."""
    padded = np.concatenate([control[:1], control, control[-1:]])
    t = np.arange(steps)[:, None] / steps
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        out, into = (c - a) / 2, (d - b) / 2
        pieces.append(
            b * (2 * t**3 - 3 * t**2 + 1)
            + out * (t**3 - 2 * t**2 + t)
            + c * (3 * t**2 - 2 * t**3)
            + into * (t**3 - t**2)
        )
    return np.concatenate([*pieces, control[-1:]])


def letters(count: int, rng: Generator) -> Array:
    """Latin letters and a keyboard's signs, most often those that have many ways to be written."""
    return _drawn(_written([*LETTER_PATHS, *KEYBOARD_PATHS], count, rng, LETTER_JITTER), rng)


def begun(count: int, rng: Generator) -> Array:
    """The first part of a digit's ink, before the rest is drawn."""
    drawings = []
    for drawing in _digits(count, rng):
        length = np.hypot(*(drawing[1] - drawing[0]).T).cumsum()
        last = int(np.searchsorted(length, length[-1] * rng.uniform(0.2, 0.8)))
        drawings.append(drawing[:, : last + 1])
    return _drawn(drawings, rng)


@_from_lines
def scribbles(rng: Generator) -> list[Array]:
    """Wild curves: one to three strokes through random points."""
    spread = rng.uniform(0.4, 1, 2)
    lines = []
    for _ in range(rng.integers(1, 4)):
        points = int(rng.integers(5, 14))
        if rng.random() < 0.5:
            control = rng.uniform(-1, 1, (points, 2))
        else:  # a walk
            control = np.cumsum(rng.normal(0, 1, (points, 2)), axis=0)
            control /= np.abs(control).max()
        lines.append(_curve(control * spread) + rng.normal(0, 0.2, 2))
    return lines


@_from_lines
def zigzags(rng: Generator) -> list[Array]:
    """Rubbing to and fro, straight or round, at any angle."""
    points = int(rng.integers(6, 16))
    control = np.empty((points, 2))
    control[:, 0] = np.linspace(0, rng.uniform(0.3, 1.5), points)
    control[:, 1] = np.where(np.arange(points) % 2, 0, 1) + rng.normal(0, 0.12, points)
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    control = control @ turn + rng.normal(0, 0.05, control.shape)
    return [_curve(control) if rng.random() < 0.6 else control]


@_from_lines
def straight_lines(rng: Generator) -> list[Array]:
    """Three to six straight lines, apart or joined."""
    lines = int(rng.integers(3, 7))
    if rng.random() < 0.5:
        return list(rng.uniform(0, 1, (lines, 2, 2)))
    corners = rng.uniform(0, 1, (lines + 1, 2))
    if rng.random() < 0.5:
        corners[-1] = corners[0]
    return [corners, rng.uniform(0, 1, (2, 2))]


@_from_lines
def polygons(rng: Generator) -> list[Array]:
    """Rings with three to six corners, with a line across or something within."""
    corners = int(rng.integers(3, 7))
    angle = np.sort(
        rng.uniform(0, 2 * np.pi)
        + (np.arange(corners) + rng.uniform(-0.3, 0.3, corners)) * 2 * np.pi / corners
    )
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(0.5, 1, 2)
    ring = np.concatenate([ring, ring[:1]])
    lines = [ring]
    if corners > 4 or rng.random() < 0.7:
        for _ in range(rng.integers(1, 3)):
            across = ring[rng.choice(corners, 2, replace=False)] * rng.uniform(0.5, 1.2)
            lines.append(across + rng.normal(0, 0.1, 2))
    return lines


def _normalised(drawing: Drawing) -> tuple[Drawing, float]:
    """A drawing moved and scaled to begin at (0, 0) and be 1 high, and its width then."""
    low, high = drawing.min(axis=(0, 1)), drawing.max(axis=(0, 1))
    height = max(high[1] - low[1], 0.3 * (high[0] - low[0]), 1e-6)
    return (drawing - low) / height, (high[0] - low[0]) / height


def _side_by_side(
    groups: Iterable[Sequence[Drawing]], rng: Generator, gap: tuple[float, float]
) -> Array:
    rows = []
    for group in groups:
        left, parts = 0.0, []
        for drawing in group:
            placed, width = _normalised(drawing)
            size = rng.uniform(0.75, 1.1)
            parts.append(placed * size + np.array([left, rng.uniform(-0.15, 0.15)]))
            left += width * size + rng.uniform(*gap)
        rows.append(np.concatenate(parts, axis=1))
    return _drawn(rows, rng)


def pairs(count: int, rng: Generator) -> Array:
    """Two digits beside each other."""
    parts = [_digits(count, rng) for _ in range(2)]
    return _side_by_side(zip(*parts, strict=True), rng, (0.05, 0.5))


def three_digits(count: int, rng: Generator) -> Array:
    """Three digits beside each other."""
    parts = [_digits(count, rng) for _ in range(3)]
    return _side_by_side(zip(*parts, strict=True), rng, (0.05, 0.4))


def words(count: int, rng: Generator) -> Array:
    """Two or three letters beside each other."""
    parts = [_written(LETTER_PATHS, count, rng, CAREFUL) for _ in range(3)]
    groups = [group[: rng.integers(2, 4)] for group in zip(*parts, strict=True)]
    return _side_by_side(groups, rng, (0.1, 0.4))


def overdrawn(count: int, rng: Generator) -> Array:
    """A digit over another, or crossed out."""
    drawings = []
    for pair in zip(_digits(count, rng, WINDING), _digits(count, rng, WINDING), strict=True):
        one, width = _normalised(pair[0])
        if rng.random() < 0.5:
            other, _ = _normalised(pair[1])
        else:  # crossed out by two or more lines
            lines = rng.uniform(-0.1, 1.1, (rng.integers(2, 4), 2, 2)) * np.array([width, 1])
            other = _segments(lines)
        drawings.append(np.concatenate([one, other + rng.normal(0, 0.12, 2)], axis=1))
    return _drawn(drawings, rng)


def turned(count: int, rng: Generator) -> Array:
    """Digits turned by 90° or mirrored, where that makes no other digit."""
    half = count // 2
    lying = _drawn(_digits(half, rng, TURNED), rng)
    for row, quarters in enumerate(rng.choice([1, 3], half)):
        lying[row] = np.rot90(lying[row], quarters)
    mirrored = _drawn(_digits(count - half, rng, MIRRORED), rng)[:, :, ::-1]
    return np.concatenate([lying, mirrored])


def spoiled(count: int, rng: Generator) -> Array:
    """Digits with a long stroke too many, or a ring about them."""
    drawings = []
    for digit in _digits(count, rng, WINDING):
        placed, width = _normalised(digit)
        if rng.random() < 0.2:
            angle = np.linspace(0, 2 * np.pi, 30)[:, None] + rng.uniform(0, 6)
            ring = np.concatenate([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(0.7, 1, 2)
            more = ring + np.array([width, 1]) / 2 + rng.normal(0, 0.05, 2)
        else:
            stroke = pen_stroke(rng, 1 + rng.binomial(1, 0.3), rng.uniform(0.9, 1.5))
            joint = int(rng.choice(np.array([0, -1, int(rng.integers(placed.shape[1]))])))
            more = stroke + placed[1, joint]
        drawings.append(np.concatenate([placed, _segments([more])], axis=1))
    return _drawn(drawings, rng)


def fragments(count: int, rng: Generator) -> Array:
    """Parts of two letters or digits thrown together."""
    letters = _written(LETTER_PATHS, count, rng, Jitter())
    drawings = []
    for pair in zip(letters, _digits(count, rng, WINDING), strict=True):
        parts = []
        for drawing in pair:
            placed, _ = _normalised(drawing)
            segments = placed.shape[1]
            cut = int(segments * rng.uniform(0.4, 0.8))
            at = int(rng.integers(0, segments - cut + 1))
            parts.append(placed[:, at : at + cut] + rng.normal(0, 0.2, 2))
        drawings.append(np.concatenate(parts, axis=1))
    return _drawn(drawings, rng)


def dots(count: int, rng: Generator) -> Array:
    """A dot, or a few: the pen put down and hardly moved."""
    drawings = []
    for _ in range(count):
        places = rng.uniform(-1, 1, (rng.integers(1, 4), 1, 2))
        drawings.append(_segments(places + rng.normal(0, 0.02, (len(places), 2, 2))))
    pictures = _drawn(drawings, rng)
    for row in np.flatnonzero([drawing.shape[1] == 1 for drawing in drawings]):
        point = rng.normal(0, 0.2, (2, 2)) + images.SIZE / 2
        stroke = images.Stroke([tuple(p) for p in point.tolist()], 1.1)
        pictures[row] = images.frame_strokes([stroke])  # as a dot is framed: it stays small
    return pictures


@_from_lines
def spirals(rng: Generator) -> list[Array]:
    """Spirals of two to four turns."""
    turns = rng.uniform(2, 4)
    angle = np.linspace(0, turns * 2 * np.pi, int(30 * turns)) * rng.choice([-1, 1])
    radius = np.linspace(rng.uniform(0, 0.2), 1, len(angle))[:, None]
    return [radius * np.stack([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(0.6, 1, 2)]


@_from_lines
def waves(rng: Generator) -> list[Array]:
    """A wavy line, level or slanted, sometimes two."""
    x = np.linspace(0, 1, 60)
    lines = []
    for number in range(rng.integers(1, 3)):
        y = rng.uniform(0.08, 0.25) * np.sin(2 * np.pi * x * rng.uniform(2, 4) + rng.uniform(0, 6))
        lines.append(np.stack([x, y + 0.4 * number + rng.uniform(-0.4, 0.4) * x], axis=1))
    return lines


@_from_lines
def grids(rng: Generator) -> list[Array]:
    """Two or three lines across two or three others: a fence, a window, noughts and crosses."""
    lines = []
    for axis in (0, 1):
        for place in np.linspace(0.15, 0.85, rng.integers(2, 4)):
            line = np.array([[0.0, place], [1.0, place]]) + rng.normal(0, 0.05, (2, 2))
            lines.append(line if axis else line[:, ::-1])
    return lines


TRAINING_KINDS: dict[str, tuple[float, Kind]] = {  # with how often each is shown
    "letters": (7.0, letters),
    "scribbles": (0.5, scribbles),
    "zigzags": (0.3, zigzags),
    "straight lines": (0.4, straight_lines),
    "polygons": (0.3, polygons),
    "pairs": (0.6, pairs),
    "overdrawn": (0.5, overdrawn),
    "turned": (0.6, turned),
    "fragments": (0.6, fragments),
    "glyphs": (3.5, _from_lines(glyph)),
    "marks": (2.5, _from_lines(mark)),
    "spoiled": (0.7, spoiled),
    # These are rare: how often a digit is met with the same look is what the network learns of it.
    "begun": (0.3, begun),
    "alike": (0.4, _from_paths(ALIKE)),
}
MEASURING_KINDS: dict[str, Kind] = {
    "houses": _from_paths(HOUSES),
    "faces and figures": _from_paths(FACES),
    "signs": _from_paths(SIGNS),
    "letters of other scripts": _from_paths(FOREIGN),
    "words": words,
    "three digits": three_digits,
    "spirals": spirals,
    "waves": waves,
    "grids": grids,
    "dots": dots,
}


def draw_training(count: int, rng: Generator) -> Array:
    """`count` non-digits of the training kinds, shuffled: (count, 28, 28) float32."""
    weights = np.array([weight for weight, _ in TRAINING_KINDS.values()])
    amounts = rng.multinomial(count, weights / weights.sum()).tolist()
    kinds = zip(amounts, TRAINING_KINDS.values(), strict=True)
    return rng.permutation(np.concatenate([kind(amount, rng) for amount, (_, kind) in kinds]))


def draw_measuring(count: int, rng: Generator) -> dict[str, Array]:
    """`count` non-digits of each measuring kind, (count, 28, 28) float32."""
    return {name: kind(count, rng) for name, kind in MEASURING_KINDS.items()}
