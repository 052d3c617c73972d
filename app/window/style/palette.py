"""The window's colours, dark and light.

Amber (or burnt orange) stands for the answer and for what speaks for it, blue for what speaks
against it: a pair that differs in hue for every kind of colour vision, and in lightness as well.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from nn.support.types import Array

Colour = tuple[int, int, int]


class Palette(NamedTuple):
    """One set of colours; all are (red, green, blue) in 0…255."""

    background: Colour
    paper: Colour
    grid: Colour
    frame: Colour
    ink: Colour
    track: Colour
    bar: Colour
    best: Colour  # the answer, and what speaks for it
    against: Colour
    text: Colour
    quiet: Colour
    button: Colour
    first: Colour  # the button that is wanted most
    hover: Colour
    dialog: Colour  # of what lies over the window


DARK = Palette(
    background=(18, 21, 27),
    paper=(28, 32, 40),
    grid=(36, 41, 51),
    frame=(58, 66, 80),
    ink=(244, 240, 230),
    track=(31, 36, 45),
    bar=(104, 126, 158),
    best=(255, 183, 77),
    against=(86, 156, 240),
    text=(226, 229, 235),
    quiet=(139, 149, 166),
    button=(33, 38, 48),
    first=(58, 72, 98),
    hover=(52, 60, 75),
    dialog=(25, 29, 37),
)
LIGHT = Palette(
    background=(246, 246, 243),
    paper=(255, 255, 255),
    grid=(237, 237, 233),
    frame=(190, 193, 198),
    ink=(29, 33, 41),
    track=(231, 232, 230),
    bar=(123, 143, 172),
    best=(186, 84, 0),
    against=(0, 95, 184),
    text=(33, 37, 45),
    quiet=(96, 104, 117),
    button=(233, 234, 232),
    first=(197, 211, 232),
    hover=(214, 218, 224),
    dialog=(255, 255, 255),
)
PALETTES = {"dark": DARK, "light": LIGHT}


def mixed(low: Colour, high: Colour, share: Array) -> Array:
    """Colours (…, 3) as bytes on the way from `low` (share 0) to `high` (share 1)."""
    start, end = np.array(low, dtype=np.float32), np.array(high, dtype=np.float32)
    return np.rint(start + share[..., None] * (end - start)).astype(np.uint8)


def diverging(negative: Colour, zero: Colour, positive: Colour, value: Array) -> Array:
    """Colours (…, 3) of values in −1…1: from `negative` over `zero` to `positive`."""
    above = mixed(zero, positive, np.clip(value, 0, 1))
    below = mixed(zero, negative, np.clip(-value, 0, 1))
    return np.where(value[..., None] >= 0, above, below)


def readable(face: Colour, *colours: Colour) -> Colour:
    """The one of some colours that contrasts most with a face, as WCAG 2 counts contrast."""
    under = _luminance(face)
    return max(colours, key=lambda one: abs(np.log((_luminance(one) + 0.05) / (under + 0.05))))


@functools.lru_cache(maxsize=1024)
def _luminance(colour: Colour) -> float:
    """The share of white's light; 2.2 stands for the curve of sRGB."""
    return float(np.dot((np.array(colour) / 255) ** 2.2, (0.2126, 0.7152, 0.0722)))
