"""Signs that no digit is, put together by rule: unknown letters, brackets, angles, question marks.

`nn.handwriting.shapes` lists letters one by one; there are more scripts than a list has room for.
Here a rule makes a family: `glyph` joins pen strokes at random as letters of any script are joined,
and `mark` varies the proportions of brackets and the like. Each returns the lines of one drawing,
points (P, 2) with x to the right and y down, in any unit.

A few of them happen to be digits; so the network learns how often it cannot tell.
"""

from __future__ import annotations

import numpy as np

from nn.support.types import Array

Generator = np.random.Generator

STEPS = 10  # points of one piece of a line
STROKES = (0.08, 0.44, 0.33, 0.15)  # how often a glyph has 1, 2, 3 or 4 strokes
# Where the corner of an angle points, in degrees from the right, clockwise: > v <, and ^, which is
# broader than a 1 with a long flag.
POINTING = (0, 90, 180)
UP = 270
# Where the corner of a right angle points: L, its mirror image, and the Greek gamma; the fourth
# would be a 7.
SQUARE = (135, 45, 225)
LEAST_RISE = 20  # degrees of the upper arm of a > from level; flatter, it would be a wide 7


def glyph(rng: Generator) -> list[Array]:
    """A letter of no script: one to four strokes, joined, crossing, parallel or apart."""
    makers = tuple(SCRIPTS)
    return slanted(makers[int(rng.choice(len(makers), p=list(SCRIPTS.values())))](rng), rng)


def angular(rng: Generator) -> list[Array]:
    """Straight strokes between the points of a lattice, most of them level or upright."""
    columns, rows = int(rng.integers(2, 4)), int(rng.integers(2, 4))
    x = np.sort(rng.uniform(0, 1, columns)) + 0.25 * np.arange(columns)
    y = np.sort(rng.uniform(0, 1, rows)) + 0.25 * np.arange(rows)
    used: list[tuple[int, int]] = [(int(rng.integers(columns)), int(rng.integers(rows)))]
    lines = []
    for _ in range(1 + int(rng.choice(len(STROKES), p=STROKES))):
        at = used[int(rng.integers(len(used)))]
        if rng.random() < 0.35:
            at = int(rng.integers(columns)), int(rng.integers(rows))
        corners = [at]
        for _ in range(1 + rng.binomial(3, 0.35)):
            to = int(rng.integers(columns)), int(rng.integers(rows))
            if rng.random() < 0.75:  # along the lattice
                to = (to[0], at[1]) if rng.random() < 0.5 else (at[0], to[1])
            if to != at:
                corners.append(to)
                at = to
        used += corners
        if len(corners) > 1:
            points = np.array([(x[column], y[row]) for column, row in corners])
            lines.append(_joined(points + rng.normal(0, 0.05, points.shape)))
    return lines or angular(rng)


def running(rng: Generator) -> list[Array]:
    """One line of several bows, loops and cusps that goes on to the right, perhaps with a mark."""
    heading, place, line = rng.uniform(0, 2 * np.pi), np.zeros(2), [np.zeros((1, 2))]
    sense, drift = float(rng.choice([-1, 1])), rng.uniform(0, 0.5)
    for _ in range(rng.integers(2, 7)):
        turn = np.radians(rng.uniform(60, 380)) * sense
        headings = heading + turn * (np.arange(2 * STEPS) + 0.5) / (2 * STEPS)
        length = rng.uniform(0.15, 0.5) * abs(turn) / (2 * STEPS)
        steps = length * np.stack([np.cos(headings), np.sin(headings)], axis=1)
        steps[:, 0] += drift / (2 * STEPS)
        line.append(place + steps.cumsum(axis=0))
        place, heading = line[-1][-1], heading + turn
        if rng.random() < 0.35:  # back where it came from
            heading += np.pi + rng.normal(0, 0.3)
        elif rng.random() < 0.5:
            sense = -sense
    lines = [np.concatenate(line)]
    return [*lines, _next_stroke(lines, rng)] if rng.random() < 0.3 else lines


def joined_strokes(rng: Generator) -> list[Array]:
    """Strokes of a few straight or bent pieces each."""
    strokes = 1 + int(rng.choice(len(STROKES), p=STROKES))
    lines = [pen_stroke(rng, 3 if strokes == 1 else 1 + rng.binomial(2, 0.35))]
    for _ in range(strokes - 1):
        lines.append(_next_stroke(lines, rng))
    return lines


# How often letters of a script are made so.
SCRIPTS = {angular: 0.35, running: 0.25, joined_strokes: 0.4}


def pen_stroke(rng: Generator, pieces: int, size: float = 1.0) -> Array:
    """A line (P, 2) of so many pieces, straight or bent, that meet at corners or smoothly."""
    heading = np.radians(rng.choice(8) * 45 + rng.normal(0, 10))
    steps = []
    for _ in range(pieces):
        turn = 0.0 if rng.random() < 0.45 else rng.uniform(60, 330) * rng.choice([-1, 1])
        headings = heading + np.radians(turn) * (np.arange(STEPS) + 0.5) / STEPS
        length = size * rng.uniform(0.4, 1.2) * (1 + abs(turn) / 360) / STEPS
        steps.append(length * np.stack([np.cos(headings), np.sin(headings)], axis=1))
        corner = 0.0 if rng.random() < 0.4 else rng.uniform(50, 150) * rng.choice([-1, 1])
        heading += np.radians(turn + corner)
    return np.concatenate([np.zeros((1, 2)), *steps]).cumsum(axis=0)


def ring(rng: Generator, size: float = 0.5) -> Array:
    """A closed line (P, 2) about (0, 0), nearly round."""
    angle = np.linspace(0, 2 * np.pi + rng.normal(0, 0.3), 2 * STEPS) + rng.uniform(0, 2 * np.pi)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * size * rng.uniform(0.6, 1, 2)


def _next_stroke(lines: list[Array], rng: Generator) -> Array:
    """A further stroke, placed by what is there."""
    chosen = lines[rng.integers(len(lines))]
    way = rng.random()
    if way < 0.12:  # the same again beside it
        return chosen + rng.uniform(0.2, 0.5) * rng.choice([-1, 1], 2) * (1, rng.random())
    if way < 0.2:  # mirrored, from its end
        return (chosen - chosen[-1]) * rng.choice([(-1, 1), (1, -1)]) + chosen[-1]
    if way < 0.28:  # a dot or a dash apart
        low, high = np.concatenate(lines).min(axis=0), np.concatenate(lines).max(axis=0)
        place = rng.uniform(low - 0.3, high + 0.3)
        return place + rng.normal(0, 0.06, (2, 2))
    if way < 0.4:
        line = ring(rng, rng.uniform(0.2, 0.6))
    else:
        line = pen_stroke(rng, 1 + rng.binomial(1, 0.3), rng.uniform(0.5, 1))
    at = chosen[int(rng.choice([0, 0.5, 1, rng.random()]) * (len(chosen) - 1))]
    of = line[int(rng.choice([0, 0, 0.5, rng.random()]) * (len(line) - 1))]
    return line - of + at + rng.normal(0, 0.05 if way < 0.85 else 0.35, 2)


def mark(rng: Generator) -> list[Array]:
    """An angle, a bracket, a brace, a question mark, or small things apart."""
    makers = (angle, angle, square_bracket, brace, brace, question_mark, small_things)
    return slanted(makers[rng.integers(len(makers))](rng), rng)


def angle(rng: Generator) -> list[Array]:
    """Two straight lines that meet, as > and < and V and L; not as in a 7."""
    kind = rng.random()
    if kind < 0.6:
        way, tilt, opening = int(rng.choice(POINTING)), rng.normal(0, 7), rng.uniform(45, 100)
        pointing = way + tilt
        if way == 0:
            opening = max(opening, 2 * (LEAST_RISE + abs(tilt)))
        arms = np.exp(rng.normal(0, 0.12, 2))
    elif kind < 0.7:
        pointing, opening = UP + rng.normal(0, 5), rng.uniform(70, 110)
        arms = np.exp(rng.normal(0, 0.1, 2))
    else:
        pointing, opening = rng.choice(SQUARE) + rng.normal(0, 5), rng.uniform(75, 105)
        arms = np.exp(rng.normal(0, 0.3, 2))
    # The arms go back from where the corner points to.
    directions = np.radians(pointing + 180 + np.array([-opening, opening]) / 2)
    ends = arms[:, None] * np.stack([np.cos(directions), np.sin(directions)], axis=1)
    between = np.linspace(0, 1, STEPS)[:, None]
    one, other = ends[0] * (1 - between), ends[1] * between
    return [np.concatenate([one, other[1:]])]


def square_bracket(rng: Generator) -> list[Array]:
    """Three sides of a box: [ and ], and the same turned."""
    depth = rng.uniform(0.2, 0.8, 2)
    corners = np.array([[depth[0], 0], [0, 0], [0, 1], [depth[1], 1]])
    corners = corners @ np.array([[0, 1], [-1, 0]]) if rng.random() < 0.25 else corners
    corners = corners * rng.choice([-1, 1], 2) + rng.normal(0, 0.03, (4, 2))
    return [_joined(corners)]


def brace(rng: Generator) -> list[Array]:
    """A { or its mirror image: the ends and the middle bend to opposite sides."""
    y = np.linspace(0, 1, 4 * STEPS)
    sharp, nib, hook = rng.uniform(0.03, 0.12), rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.7)
    x = -nib * np.exp(-np.abs(y - rng.uniform(0.38, 0.62)) / sharp)
    for end, far in zip((y, 1 - y), np.exp(rng.normal(0, 0.3, 2)), strict=True):
        x += hook * far * np.exp(-end / rng.uniform(0.03, 0.2))
    return [np.stack([x * rng.choice([-1, 1]), y], axis=1)]


def question_mark(rng: Generator) -> list[Array]:
    """A hook, its stem, and a dot below."""
    bend = np.radians(np.linspace(rng.uniform(150, 220), rng.uniform(400, 480), 2 * STEPS))
    hook = np.stack([np.cos(bend), np.sin(bend)], axis=1) * (rng.uniform(0.6, 1), 1)
    stem = rng.uniform(0.3, 1.3)
    foot = hook[-1] + np.array([rng.normal(-hook[-1, 0] / 2, 0.15), stem])
    hook = np.concatenate([hook, _joined(np.stack([hook[-1], foot]))[1:]])
    dot = foot + np.array([0, rng.uniform(0.25, 0.8)]) + rng.normal(0, 0.06, (2, 2))
    return [hook, dot]


def small_things(rng: Generator) -> list[Array]:
    """Dots, dashes, hooks and rings in a row, as in a colon or quotes, perhaps with a slash."""
    number = int(rng.integers(2, 5))
    across = rng.uniform(0, np.pi)
    along = np.array([np.cos(across), np.sin(across)])
    dash = rng.uniform(-1, 1, 2) * rng.uniform(0.1, 0.8)
    lines = []
    for place in range(number):
        kind, centre = rng.random(), place * along + rng.normal(0, 0.07, 2)
        if kind < 0.3:
            line = rng.normal(0, 0.06, (2, 2))
        elif kind < 0.65:
            line = _joined(np.stack([-dash, dash]) / 2 + rng.normal(0, 0.05, (2, 2)))
        elif kind < 0.85:
            line = ring(rng, rng.uniform(0.15, 0.4))
        else:
            line = pen_stroke(rng, 2, 0.3)
        lines.append(line + centre)
    if rng.random() < 0.4:
        middle, slash = along * (number - 1) / 2, np.array([-along[1], along[0]])
        lines.append(_joined(middle + slash * [[-0.9], [0.9]] + rng.normal(0, 0.2, (2, 2))))
    return lines


def slanted(lines: list[Array], rng: Generator) -> list[Array]:
    """The lines as a hand writes them: trembling, slanted, narrow or broad."""
    width, shear, turn = np.exp(rng.normal(0, 0.2)), rng.normal(0, 0.15), rng.normal(0, 0.08)
    matrix = np.array([[width, turn], [-shear - turn, 1]])
    return [(line + _tremor(len(line), rng)) @ matrix for line in lines]


def _tremor(points: int, rng: Generator) -> Array:
    """Noise (P, 2) along a line, alike at neighbouring points."""
    noise = rng.normal(0, 0.05, (points + 4, 2))
    return np.stack([noise[i : i + points] for i in range(5)]).mean(axis=0)


def _joined(corners: Array) -> Array:
    """Straight lines through corners (K, 2), with `STEPS` points each."""
    along = np.linspace(0, len(corners) - 1, STEPS * (len(corners) - 1) + 1)
    return np.stack([np.interp(along, np.arange(len(corners)), c) for c in corners.T], axis=1)
