"""Draws the icon and writes the example digits; `python -m assets.make_assets` makes them anew.

The digits are smooth curves through a few points each, set by hand, with the small waver and the
uneven pace of a hand added: a pen goes slower where its path bends.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from nn.handwriting.brush import draw_polyline
from nn.support.files import write_atomically

FOLDER = Path(__file__).resolve().parent
Array = NDArray[Any]

# Strokes of the digits 0–9: points the pen passes, x to the right and y down.
# A point given twice is a corner.
PATHS = {
    0: [
        "61,9 45,6 27,20 16,47 20,78 38,96 60,91 76,66 79,38 69,15 54,7 46,11",
    ],
    1: [
        "33,24 45,15 54,4 54,4 53,28 50,62 47,97",
    ],
    2: [
        "20,28 27,11 46,3 66,11 70,30 58,53 38,74 17,93 17,93 33,90 54,92 82,90",
    ],
    3: [
        "22,15 38,4 60,7 69,23 58,39 40,46 40,46 62,50 74,66 67,86 46,97 27,94 17,84",
    ],
    4: [
        "45,4 36,28 20,60 20,60 42,60 80,56",
        "63,33 61,60 57,97",
    ],
    5: [
        "28,9 26,26 23,45 23,45 40,38 62,44 72,63 64,85 44,96 25,92 16,84",
        "28,9 48,9 73,4",
    ],
    6: [
        "64,4 45,17 28,42 22,70 32,92 52,96 67,82 66,64 52,55 35,61 25,75",
    ],
    7: [
        "17,13 40,10 75,8 75,8 63,33 48,64 40,97",
    ],
    8: [
        "70,18 56,5 36,10 30,27 44,43 63,58 70,77 57,94 36,94 25,79 34,60 53,46 69,31 71,17",
    ],
    9: [
        "70,20 54,5 35,12 28,31 39,47 57,43 69,24 71,14 71,14 70,38 66,66 60,97",
    ],
}

# The two digits of the README's animation: a 4, and a 9 that the network takes for a 1.
TOUR = {
    4: PATHS[4],
    9: ["58,16 50,10 46,18 54,22 60,14 66,40 56,76 34,94 22,88"],
}


def smooth(points: str, steps: int = 40) -> Array:
    """A Catmull-Rom curve through the points of `PATHS`, `steps` samples a span; (N, 2)."""
    p = np.array([point.split(",") for point in points.split()], dtype=float)
    around = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    spans = []
    for a, b, c, d in zip(around, around[1:], around[2:], around[3:], strict=False):
        if (b == c).all():
            continue
        if (a == b).all():  # leaving a corner: straight on towards the next point
            a = 2 * b - c
        if (c == d).all():
            d = 2 * c - b
        spans.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2)
            + 0.5 * (3 * b - a - 3 * c + d) * t**3
        )
    return np.vstack([*spans, p[-1:]])


def write_by_hand(points: str, generator: np.random.Generator) -> Array:
    """The points that a tablet would report for the stroke: wavering, slower in bends; (M, 2)."""
    curve = smooth(points)
    waver = np.cumsum(generator.normal(0, 0.12, curve.shape), axis=0)
    waver -= np.linspace(waver[0], waver[-1], len(curve))
    curve = curve + waver
    step = np.diff(curve, axis=0)
    length = np.hypot(*step.T)
    heading = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
    bend = np.abs(np.gradient(np.convolve(heading, np.ones(25) / 25, mode="same")))
    ends = np.minimum(np.arange(len(length)), np.arange(len(length))[::-1]) / len(length)
    pace = (1.2 + 4.5 * np.minimum(1, 6 * ends)) / (1 + 25 * bend)
    when = np.concatenate([[0], np.cumsum(length / np.maximum(pace, 0.9))])
    ticks = np.append(np.arange(0, when[-1], 1.0), when[-1])
    return np.column_stack([np.interp(ticks, when, curve[:, axis]) for axis in (0, 1)])


def make_strokes(digits: dict[int, list[str]], seed: int = 5) -> str:
    """The text of a stroke file, a line for each digit."""
    generator = np.random.default_rng(seed)
    lines = []
    for label, paths in digits.items():
        strokes = [
            np.rint(10 * write_by_hand(path, generator)).astype(int).tolist() for path in paths
        ]
        lines.append(json.dumps({"label": label, "strokes": strokes}, separators=(",", ":")))
    return "\n".join(lines) + "\n"


def make_icon(side: int = 256) -> Array:
    """A dark tile with a 7 in amber cells; (side, side, 4) bytes, red, green, blue, opacity."""
    cells = 16
    ink = np.zeros((cells, cells), dtype=np.float32)
    path = smooth("4.0,4.5 8,4.5 11.8,4.5 11.8,4.5 9.4,8.6 7.6,12.4")
    draw_polyline(ink, [(float(x), float(y)) for x, y in path], radius=0.95)
    fine = 4 * side  # drawn four times too large, for smooth corners
    centre = (np.arange(fine) + 0.5) / fine
    beyond = np.maximum(np.abs(centre - 0.5) - 0.28, 0)
    inside = np.hypot(beyond[:, None], beyond[None, :]) < 0.2
    cell = np.minimum((centre * cells).astype(int), cells - 1)
    level = ink[cell[:, None], cell[None, :], None]
    line = (centre * cells) % 1 < 0.08
    paper = np.where((line[:, None] | line[None, :])[..., None], [36, 41, 51], [28, 32, 40])
    colour = paper + level * (np.array([255, 183, 77]) - paper)
    picture = np.concatenate([colour, 255.0 * inside[..., None]], axis=-1)
    small: Array = picture.reshape(side, 4, side, 4, 4).mean(axis=(1, 3))
    icon: Array = small.round().astype(np.uint8)
    return icon


def main() -> None:
    """Write the files beside this one."""
    import pygame

    for name, digits in (("example", PATHS), ("tour", TOUR)):
        text = make_strokes(digits).encode()
        write_atomically(FOLDER / f"{name}-strokes.jsonl", lambda file, text=text: file.write(text))
    icon = make_icon()
    picture = pygame.image.frombuffer(icon.tobytes(), icon.shape[:2], "RGBA")

    def write(file: BinaryIO) -> None:
        pygame.image.save(picture, file, "icon.png")

    write_atomically(FOLDER / "icon.png", write)


if __name__ == "__main__":
    main()
