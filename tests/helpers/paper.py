"""Made-up pictures of digits on paper with printed lines: graph, ruled, form cells, a margin."""

from dataclasses import dataclass, replace

import numpy as np

from nn.handwriting import brush

RULINGS = ("graph", "ruled", "cell", "cells", "margin")


@dataclass(frozen=True)
class Sheet:
    """A square piece of paper and what is printed and written on it; lengths in millimetres."""

    ruling: str  # one of `RULINGS`
    pixels: int  # along each side
    side: float
    spacing: float  # between two lines; of "cell" and "cells" twice that is the cell's side
    line: float  # how dark the printed lines are, 0…1
    line_width: float
    ink: float  # how dark the pen is, 0…1
    pen_width: float
    height: float  # of the digit
    degrees: float  # by which the paper is turned
    light: float  # how much less light falls on one side than on the other, 0…1
    noise: float  # of the camera, the standard deviation
    over: str = "multiply"  # "multiply" or "least": what pen on a line looks like


def any_sheet(rng, ruling, spacing, pixels):
    """A sheet as a user could have one, pencil or pen, of that ruling."""
    side = rng.uniform(40, 90)
    ink = rng.uniform(0.35, 0.9)
    return Sheet(
        ruling=ruling,
        pixels=pixels,
        side=side,
        spacing=spacing,
        line=ink * rng.uniform(0.2, 1.0),
        line_width=rng.uniform(0.2, 0.45),
        ink=ink,
        pen_width=rng.uniform(0.5, 1.2),
        height=side * rng.uniform(0.2, 0.6)
        if ruling not in ("cell", "cells")
        else 2 * spacing * rng.uniform(0.5, 0.85),
        degrees=rng.uniform(-5, 5),
        light=rng.uniform(0, 0.35),
        noise=rng.uniform(0, 0.015),
        over=("multiply", "least")[rng.integers(2)],
    )


def picture(sheet, starts, ends, rng):
    """The grey (pixels, pixels) in 0…1 of a digit, segments from `starts` to `ends`, on a sheet."""
    scale = sheet.pixels / sheet.side  # pixels a millimetre
    shift = rng.uniform(0, sheet.spacing, 2)
    digit = _digit(sheet, starts, ends, rng.uniform(-0.08, 0.08, 2) * sheet.side, scale)
    x = ((np.arange(sheet.pixels) + 0.5) / scale - sheet.side / 2).astype(np.float32)
    y = x[:, None]
    turn = np.radians(sheet.degrees)
    along = x * np.cos(turn) + y * np.sin(turn)
    down = y * np.cos(turn) - x * np.sin(turn)
    away = _to_the_nearest_line(sheet, along, down, shift)
    wide = min(1.0, sheet.line_width * scale)  # thinner than a pixel, a line is fainter
    printed = wide * np.clip(0.5 + (max(sheet.line_width, 1 / scale) / 2 - away) * scale, 0, 1)
    if sheet.over == "multiply":
        paper = (1 - sheet.line * printed) * (1 - sheet.ink * digit)
    else:
        paper = 1 - np.maximum(sheet.line * printed, sheet.ink * digit)
    slope = rng.uniform(0, 2 * np.pi)
    light = 1 - sheet.light * (0.5 + (x * np.cos(slope) + y * np.sin(slope)) / sheet.side)
    noise = rng.standard_normal(paper.shape, np.float32)
    return 0.95 * paper * light + np.float32(sheet.noise) * noise


def _digit(sheet, starts, ends, off, scale):
    """Ink (pixels, pixels) of the digit; on cells it stands in the middle of one."""
    points = np.concatenate([starts, ends])
    if not len(points):
        return np.zeros((sheet.pixels, sheet.pixels), np.float32)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    size = sheet.height * scale / extent.max()
    if sheet.ruling in ("cell", "cells"):
        off = off * 0.0
    corner = (sheet.side / 2 + off) * scale - (low + extent / 2) * size
    ink = np.zeros((1, sheet.pixels, sheet.pixels), np.float32)
    brush.draw_segments(
        ink,
        np.zeros(len(starts), np.intp),
        starts * size + corner,
        ends * size + corner,
        max(sheet.pen_width * scale / 2, 0.7),
    )
    return ink[0]


def _to_the_nearest_line(sheet, along, down, shift):
    """How far each point of the paper is from the nearest printed line."""

    def from_lines(place, spacing):
        return np.abs((place + spacing / 2) % spacing - spacing / 2)

    if sheet.ruling == "graph":
        lines = [from_lines(along + shift[0], sheet.spacing)]
        lines += [from_lines(down + shift[1], sheet.spacing)]
    elif sheet.ruling == "ruled":
        lines = [from_lines(down + shift[1], sheet.spacing)]
    elif sheet.ruling == "margin":
        lines = [np.abs(along + 0.36 * sheet.side)]
        lines += (
            [from_lines(down + shift[1], sheet.spacing)] if shift[0] > sheet.spacing / 2 else []
        )
    elif sheet.ruling == "cell":
        lines = [np.abs(np.maximum(np.abs(along), np.abs(down)) - sheet.spacing)]
    else:  # cells: a row of them
        lines = [
            np.hypot(
                from_lines(along + sheet.spacing, 2 * sheet.spacing),
                np.maximum(np.abs(down) - sheet.spacing, 0),
            )
        ]
        lines += [np.abs(np.abs(down) - sheet.spacing)]
    return np.min(lines, axis=0)


def unprinted(sheet):
    """The same sheet without the printed lines."""
    return replace(sheet, line=0.0)
