"""Digits written by rule: strokes in the styles people use, varied, and drawn as pictures.

MNIST's writers were Americans filling in forms. People at a canvas also slash their zeros, bar
their sevens, put long flags and feet on their ones and leave their fours open. Here every such
style is a line of control points; a digit is a style whose points, strokes and proportions are
moved at random, drawn by the same brush and framed in the same way as a drawing on the canvas.

Coordinates are x to the right and y down. Randomness comes from a `numpy.random.Generator`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nn.handwriting import framing as images
from nn.support.types import Array


class Style(NamedTuple):
    """One way to write a digit.

    In `path`, numbers are percents of the digit's box: "x,y x,y" is a smooth curve through points,
    ">" makes the point before it a corner, "/" lifts the pen. `weight` says how often the style is
    written, compared with the other styles of the same digit.
    """

    digit: int
    weight: float
    path: str


STYLES = (
    # 0: an oval, closed
    Style(0, 3, "50,0 20,12 3,50 18,88 50,100 82,88 97,50 80,12 50,0"),
    # its ends overlap
    Style(0, 2, "70,8 40,0 12,20 3,55 20,92 50,100 82,88 97,50 85,15 55,2 30,10"),
    # its ends do not meet
    Style(0, 1, "40,2 12,20 3,55 20,90 50,100 85,85 97,45 85,12 65,3"),
    # its end curls inside
    Style(0, 1, "62,8 30,6 6,40 15,88 50,100 88,82 95,40 72,8 48,6 42,22 62,32"),
    # slashed within
    Style(0, 2, "50,0 20,12 3,50 18,88 50,100 82,88 97,50 80,12 50,0 / 76,20 25,80"),
    # slashed across
    Style(0, 3, "50,0 20,12 3,50 18,88 50,100 82,88 97,50 80,12 50,0 / 102,-4 -2,104"),
    # slashed far across
    Style(0, 1, "50,5 24,14 8,50 22,88 50,97 78,88 92,50 76,14 50,5 / 125,-12 -20,112"),
    # slashed the other way
    Style(0, 1, "50,0 20,12 3,50 18,88 50,100 82,88 97,50 80,12 50,0 / 15,10 85,90"),
    # slashed without lifting the pen
    Style(0, 1, "70,6 40,0 10,25 3,60 25,95 60,98 92,70 96,30 74,4 > 18,96"),
    # small, with a long steep slash
    Style(0, 3, "50,14 24,24 10,50 24,78 50,88 76,78 90,50 76,24 50,14 / 70,-10 30,112"),
    # small, with an upright slash
    Style(0, 1, "50,14 24,24 10,50 24,78 50,88 76,78 90,50 76,24 50,14 / 54,-8 48,110"),
    # its end runs out to the right
    Style(0, 0.5, "45,2 10,22 4,58 28,96 68,96 95,60 80,20 45,3 > 104,-2"),
    # it comes in from the left
    Style(0, 0.5, "-10,14 50,0 90,20 94,68 50,98 12,80 10,40 40,14 88,4"),
    # a small loop at the top
    Style(0, 0.7, "30,2 48,-10 64,2 40,14 8,42 14,88 50,100 90,80 88,40 54,12 34,2"),
    # 1: a line
    Style(1, 3, "50,0 50,50 50,100"),
    # a short flag
    Style(1, 3, "32,20 54,0 > 54,50 54,100"),
    # a flag, long
    Style(1, 4, "8,42 52,0 > 52,50 52,100"),
    # longer still
    Style(1, 2, "-5,58 50,0 > 52,50 50,100"),
    # the same, leaning back
    Style(1, 2, "0,32 46,0 > 52,50 60,100"),
    # the flag hangs over
    Style(1, 2, "6,27 28,8 54,0 > 54,50 57,100"),
    # a curved flag
    Style(1, 1.5, "14,30 38,20 56,0 > 54,50 54,100"),
    # the flag nearly level, or bent over at the top
    Style(1, 0.4, "4,26 34,23 54,10 > 54,50 56,100"),
    Style(1, 0.7, "26,22 36,6 58,2 > 58,50 58,100"),
    # a flag and a foot
    Style(1, 3, "24,24 52,0 > 52,50 52,100 / 14,100 88,100"),
    # a long flag and a foot
    Style(1, 1, "2,45 50,0 > 50,50 50,100 / 8,100 92,100"),
    # a flag and a foot without lifting the pen
    Style(1, 0.5, "24,24 52,0 > 52,98 > 15,100 > 90,99"),
    # the same, slanted, the foot far to both sides
    Style(1, 0.7, "20,26 56,0 > 50,50 42,97 > 0,100 > 98,94"),
    # a foot to the left only
    Style(1, 0.8, "16,28 54,0 > 54,50 54,99 > 8,97"),
    # the same, the flag short and the foot long
    Style(1, 0.6, "34,20 60,3 > 58,50 57,97 > -6,97"),
    # the line bends
    Style(1, 0.7, "58,0 45,50 52,100"),
    # a foot only
    Style(1, 0.7, "50,0 50,50 50,100 / 18,100 82,100"),
    # serifs at both ends
    Style(1, 0.7, "24,0 76,0 / 50,0 50,100 / 18,100 82,100"),
    # the pen hooks away at the end
    Style(1, 1, "50,0 50,45 51,85 60,99 74,94"),
    # the pen springs up to the right at the end
    Style(1, 0.7, "60,0 50,50 42,99 > 72,80"),
    # a line lying down: a lone line is a 1 before it is anything else, whichever way it points
    Style(1, 0.3, "0,50 50,50 100,50"),
    # 2: round, with a corner
    Style(2, 3, "5,25 20,3 60,0 88,22 70,55 30,85 4,100 > 50,98 98,98"),
    # a flat base that waves
    Style(2, 1, "8,22 28,2 66,2 86,25 64,60 30,86 2,98 > 28,90 62,100 100,90"),
    # a loop at the corner
    Style(2, 2, "5,25 30,2 75,5 85,35 50,74 16,98 2,88 20,78 55,94 98,97"),
    # a large loop
    Style(2, 1, "8,28 30,3 74,4 84,34 46,82 12,96 10,74 40,76 66,96 100,90"),
    # without a corner
    Style(2, 1, "5,22 40,0 85,18 62,55 20,86 30,98 98,95"),
    # like a Z
    Style(2, 1, "5,6 90,4 > 5,97 > 95,97"),
    # the start curls
    Style(2, 1, "28,32 8,22 30,2 74,4 84,32 48,70 4,100 > 50,97 98,99"),
    # 3: round
    Style(3, 3, "8,12 48,0 88,18 75,40 40,47 > 80,54 92,78 60,100 5,88"),
    # a flat top
    Style(3, 2, "8,3 88,3 > 45,42 > 85,52 92,80 55,100 5,90"),
    # a flat top and a slanted neck
    Style(3, 1, "4,4 92,2 > 38,46 > 78,48 96,74 66,100 4,92"),
    # a loop in the middle
    Style(3, 1, "8,12 50,0 85,18 62,44 42,50 40,43 62,45 92,70 60,100 5,90"),
    # the end curls
    Style(3, 0.7, "8,12 48,0 86,18 75,40 40,47 > 80,54 92,78 60,100 16,96 12,80 32,78"),
    # the middle only indented
    Style(3, 1, "10,8 60,0 84,20 68,46 > 90,74 60,100 8,94"),
    # a flat top, a small belly
    Style(3, 1, "2,10 84,4 > 48,42 > 76,54 82,78 58,99 22,94"),
    # a hooked top without a corner at the neck
    Style(3, 0.7, "6,18 30,4 76,6 72,26 44,44 78,56 88,80 56,100 10,92"),
    # 4: open, an L and a stem
    Style(4, 2, "20,0 5,60 > 95,60 / 70,20 70,100"),
    # open, the stem as high as the L
    Style(4, 2, "14,2 8,54 > 92,54 / 76,0 72,100"),
    # open, the bar ends at the stem
    Style(4, 1, "18,0 6,56 > 74,56 / 76,4 72,100"),
    # open, the stem begins at the bar
    Style(4, 1, "36,0 4,62 > 98,60 / 66,40 62,100"),
    # open, a bowl like a U
    Style(4, 2, "12,2 8,34 24,54 58,54 84,42 / 88,0 84,50 80,100"),
    # the same without lifting the pen
    Style(4, 1.5, "12,2 8,36 30,54 70,46 88,2 > 86,50 80,100"),
    # open, a V on its side
    Style(4, 1, "46,0 4,60 > 100,52 / 78,22 60,100"),
    # closed, a triangle
    Style(4, 2, "65,0 0,68 > 100,68 / 66,0 66,100"),
    # closed, without lifting the pen
    Style(4, 1, "66,100 65,0 > 0,68 > 100,66"),
    # nearly closed at the top
    Style(4, 1, "52,4 2,62 > 98,62 / 72,2 68,100"),
    # closed, with a round corner at the left
    Style(4, 1, "80,0 40,26 4,56 24,64 100,58 / 76,18 62,100"),
    # like lightning
    Style(4, 1, "50,0 5,55 > 78,48 > 45,100"),
    # a hook, crossed by a long slanted stem
    Style(4, 1, "42,4 12,40 30,58 62,44 / 90,0 28,100"),
    # the same, the hook running through the stem
    Style(4, 0.7, "36,4 6,40 20,56 100,44 / 80,6 40,100"),
    # the stem still to come: the program reads along while one writes
    Style(4, 0.4, "25,0 5,60 > 95,60"),
    Style(4, 0.4, "14,0 4,46 34,64 100,50"),
    # 5: the bar begins it
    Style(5, 2, "90,3 20,3 > 15,42 > 55,37 92,60 80,92 40,100 5,90"),
    # the bar drawn last
    Style(5, 2, "22,5 15,45 > 50,38 90,60 80,92 40,100 5,88 / 20,5 95,2"),
    # the bar apart from the rest
    Style(5, 1.5, "22,10 16,46 > 54,40 90,64 76,94 40,100 5,88 / 36,0 104,-5"),
    # the bar far to the right
    Style(5, 1, "24,6 16,44 > 54,40 86,62 74,94 38,100 4,90 / 52,6 112,0"),
    # without a corner at the neck
    Style(5, 1, "24,5 18,40 60,42 88,68 52,100 4,90 / 22,5 92,3"),
    # like an S
    Style(5, 1, "90,5 40,2 14,24 50,45 88,68 65,98 8,92"),
    # the belly curls
    Style(5, 1, "88,4 24,4 > 18,42 > 56,37 92,62 78,92 42,100 12,86 26,70 50,76"),
    # the bar to the left
    Style(5, 0.5, "38,8 30,44 > 60,40 92,64 78,94 44,100 14,88 / -20,10 44,4"),
    # like an S, curled at both ends
    Style(5, 1, "72,20 88,6 50,0 16,20 42,42 86,66 70,98 24,98 6,78 30,68"),
    # like an S with straight lines
    Style(5, 0.7, "86,10 54,0 > 30,40 > 66,56 60,92 20,100"),
    # the same, the bar a long slanted line
    Style(5, 0.7, "100,0 16,30 > 62,48 60,80 0,98"),
    # the pen goes back along the bar
    Style(5, 0.4, "18,8 40,36 > 96,2 > 16,6 > 36,40 80,60 70,96 10,92"),
    # 6: a slanted stem
    Style(6, 3, "72,0 35,25 8,65 25,98 65,98 90,75 70,52 35,55 12,74"),
    # a straight stem
    Style(6, 1, "58,0 18,55 10,80 35,100 78,92 86,66 55,52 18,68"),
    # a curled stem
    Style(6, 2, "90,12 65,0 35,15 10,55 20,95 60,100 90,78 70,52 35,55 12,75"),
    # like a b
    Style(6, 1, "16,0 11,45 12,88 45,100 86,84 80,58 45,50 12,66"),
    # the loop left open
    Style(6, 1, "66,0 28,28 6,68 28,98 68,98 88,76 68,58 42,64"),
    # the loop overshoots
    Style(6, 1, "66,0 32,25 14,64 30,98 68,98 90,76 66,54 30,62 -4,84"),
    # the loop nearly as large as the digit
    Style(6, 1, "60,0 20,28 4,66 28,98 70,98 95,70 70,38 30,44 8,70"),
    # the loop small
    Style(6, 1.5, "72,0 40,40 20,80 34,100 62,96 66,80 46,74 28,88"),
    # 7: a bar and a straight stem
    Style(7, 2, "0,6 94,4 > 64,52 40,100"),
    # a curved stem
    Style(7, 1, "0,8 96,4 > 66,42 52,72 48,100"),
    # without a corner
    Style(7, 1, "0,12 40,2 88,4 92,20 64,58 44,100"),
    # a serif at the left
    Style(7, 1, "3,26 6,4 > 94,5 > 66,52 46,100"),
    # a wavy top
    Style(7, 1, "0,18 22,2 58,12 98,3 > 60,52 42,100"),
    # barred
    Style(7, 3, "0,6 94,4 > 64,52 40,100 / 26,52 86,50"),
    # barred low, or upwards
    Style(7, 1, "0,6 94,4 > 66,50 44,100 / 22,66 80,48"),
    # barred, with a serif
    Style(7, 1.5, "3,24 6,4 > 94,5 > 66,52 46,100 / 28,52 88,50"),
    # barred, with a wavy top
    Style(7, 1.5, "0,18 22,2 58,12 98,3 > 60,52 42,100 / 24,54 84,52"),
    # barred, with a long serif
    Style(7, 1, "6,38 8,6 > 92,5 > 66,52 54,100 / 20,54 90,52"),
    # barred, the stem straight down
    Style(7, 1, "0,6 90,4 > 74,50 68,100 / 40,50 104,48"),
    # curled at the start
    Style(7, 0.7, "40,36 12,34 8,10 44,0 96,6 78,44 48,76 36,100"),
    # 8: begun as an S
    Style(8, 3, "84,14 50,0 16,18 30,42 70,58 88,82 50,100 12,82 30,58 72,40 84,14"),
    # begun as an S, its ends apart
    Style(8, 2, "70,10 42,0 14,20 34,44 74,62 84,86 45,100 12,80 36,56 74,32 92,2"),
    # begun as an S, its ends crossing
    Style(8, 1, "94,4 50,6 20,20 34,44 72,60 86,84 50,100 14,82 34,58 66,36 70,-4"),
    # begun to the right
    Style(8, 1, "16,14 50,0 84,18 70,42 30,58 12,82 50,100 88,82 70,58 28,40 16,14"),
    # two rings
    Style(
        8, 2, "50,0 22,8 20,36 50,48 80,36 78,8 50,0 / 50,48 14,60 12,90 50,100 88,90 86,60 50,48"
    ),
    # straight strokes crossing
    Style(8, 1, "84,6 50,0 18,10 > 82,88 50,100 16,90 > 84,6"),
    # an S closed by a straight line
    Style(8, 1.5, "80,10 44,0 14,20 46,44 84,70 58,99 18,90 > 88,4"),
    # begun in the middle
    Style(8, 1, "48,48 14,24 50,0 84,22 50,48 14,76 50,100 88,78 48,48"),
    # a small upper ring
    Style(8, 1, "68,14 50,0 34,12 44,32 78,58 86,84 46,100 10,80 28,54 60,34 68,14"),
    # a small lower ring
    Style(8, 0.7, "92,20 50,0 8,22 26,50 60,70 68,88 52,100 34,86 46,64 82,44 92,20"),
    # a ribbon, open at the top
    Style(8, 1, "18,18 36,32 62,66 48,98 22,94 24,72 56,40 90,0"),
    # a narrow ribbon, its upper ring open
    Style(8, 1, "66,2 28,12 32,38 68,62 76,86 48,100 22,86 34,60 66,36 80,12"),
    # two rings askew
    Style(8, 0.7, "70,2 44,12 30,36 48,46 78,24 70,2 / 50,46 10,74 20,100 62,90 84,60 56,44"),
    # 9: a ring and a straight stem
    Style(9, 3, "86,14 50,0 14,14 10,38 40,52 76,40 88,10 > 86,50 82,100"),
    # a slanted stem
    Style(9, 1, "80,8 44,0 10,20 18,46 54,46 84,8 > 68,52 50,100"),
    # a curved stem
    Style(9, 2, "86,14 50,0 14,14 10,40 42,52 80,38 90,10 94,50 78,90 44,100 10,92"),
    # a curled stem
    Style(9, 1, "86,14 48,0 12,18 14,44 48,50 82,32 90,12 92,60 70,98 24,98 14,80"),
    # a ring left open
    Style(9, 1, "78,4 34,2 8,24 22,48 62,44 90,6 > 88,55 80,100"),
    # a ring, then the stem
    Style(9, 1, "50,0 16,10 12,38 46,52 80,40 82,10 50,0 / 86,2 84,50 78,100"),
    # closed above the ring
    Style(9, 1, "92,4 46,4 10,22 16,46 50,50 82,34 94,-4 > 84,50 74,100"),
    # a flat ring
    Style(9, 2, "84,18 36,2 0,18 26,34 88,16 > 68,56 54,100"),
    # a small ring
    Style(9, 1, "80,12 54,0 28,10 38,28 72,22 86,6 > 80,52 72,100"),
    # a narrow slanted ring
    Style(9, 1.5, "78,10 46,12 22,40 40,52 74,20 84,-2 > 68,50 56,100"),
    # a tail like that of a g
    Style(9, 1, "84,10 48,0 14,14 16,38 48,44 82,14 > 88,52 82,92 46,100 6,90 -2,78"),
    # the ring begun at its lower side
    Style(9, 1, "84,34 44,44 12,28 30,4 70,2 86,20 > 86,58 76,100"),
)


class Jitter(NamedTuple):
    """How unsteady the writing is: standard deviations, in percent of the digit's box unless said.

    All are drawn anew for every digit.
    """

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
POINTS_PER_BOX = 26  # points on a line as long as the box is high: steps of less than a cell


def write_digits(
    labels: Array,
    rng: np.random.Generator,
    styles: tuple[Style, ...] = STYLES,
    jitter: Jitter | None = None,
) -> Array:
    """A framed picture (28, 28) of each of the digits `labels` (N,): (N, 28, 28) float32."""
    jitter = jitter or Jitter()
    pictures = np.zeros((len(labels), images.SIZE, images.SIZE), np.float32)
    chosen = _choose_styles(labels, styles, rng)
    for number in np.unique(chosen):
        rows = np.flatnonzero(chosen == number)
        for some in np.array_split(rows, -(-len(rows) // 256)):  # so much fits in the cache
            starts, ends = write_strokes(styles[number], len(some), rng, jitter)
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
    starts, ends = [], []
    for stroke in style.path.split("/"):
        control, basis = _parse_stroke(stroke)
        moved = rng.normal(0, jitter.point / 100, (count, *control.shape))
        # A hand that is careless at one point is careless at all.
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
    shear = rng.normal(0, jitter.shear, (count, 1))
    width = ASPECTS[style.digit] * np.exp(rng.normal(0, jitter.aspect, (count, 1)))

    def shaped(points: Array) -> Array:
        # A slow wave along y moves x, and along x moves y.
        points = points + height * np.sin(np.pi * points[:, :, ::-1] * 1.5 + phase)
        points[:, :, 0] = points[:, :, 0] * width - points[:, :, 1] * shear
        return _turned(points, turn)

    return shaped(start), shaped(end)


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
    total: Array = np.cumsum(line, axis=1)
    total[:, 5:] -= total[:, :-5].copy()
    return total[:, 4:]


def _parse_stroke(text: str) -> tuple[Array, Array]:
    """Control points (K, 2) of a stroke, in boxes, and the matrix (P, K) that makes points of them.

    Between corners the line is a Catmull–Rom spline: it goes through its control points, and its
    direction at each is that from the point before to the point after.
    """
    runs = [[_parse_point(word) for word in run.split()] for run in text.split(">")]
    control = np.array([point for run in runs for point in run])
    basis = []
    last = 0  # the control point at the corner where the run begins
    for number, run in enumerate(runs):
        first = last if number else 0
        last = (last + len(run)) if number else len(run) - 1
        basis.append(_spline_basis(control, first, last))
    # Where runs meet, their common point is kept once.
    return control, np.concatenate([basis[0], *(rows[1:] for rows in basis[1:])])


def _parse_point(word: str) -> tuple[float, float]:
    x, y = word.split(",")
    return float(x) / 100, float(y) / 100


def _spline_basis(control: Array, first: int, last: int) -> Array:
    """Rows (P, K) that take control points to points on the spline from `first` to `last`."""
    rows = [np.eye(len(control))[first]]
    for i in range(first, last):
        length = float(np.hypot(*(control[i + 1] - control[i])))
        steps = max(int(np.ceil(length * POINTS_PER_BOX)), 1)
        for t in np.arange(1, steps + 1) / steps:
            # Hermite's four polynomials with the directions (next - previous) / 2.
            row = np.zeros(len(control))
            row[i] += 2 * t**3 - 3 * t**2 + 1
            row[i + 1] += 3 * t**2 - 2 * t**3
            for at, share in ((i, t**3 - 2 * t**2 + t), (i + 1, t**3 - t**2)):
                after, before = min(at + 1, last), max(at - 1, first)
                row[after] += share / 2
                row[before] -= share / 2
            rows.append(row)
    return np.array(rows)
