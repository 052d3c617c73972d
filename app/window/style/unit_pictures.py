"""Units of a network as colours: their activations and their weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from app.window.style.palette import Palette, diverging, mixed
from nn.inference.activations import Activations
from nn.support.types import Array


def greatest(values: Array) -> float:
    """The greatest magnitude, to divide by; 1 where all are 0."""
    return float(np.abs(values).max(initial=0)) or 1.0


def shades(stage: Activations) -> Array:
    """How strongly each neuron is coloured, (units,) in −1…1.

    Only the differences of logits count: the smallest of them is painted 0, the largest 1.
    """
    values = stage.values.astype(np.float64)
    values = values - values.min() if stage.is_last else values
    return values / greatest(values)


def signed_colours(palette: Palette, values: Array) -> Array:
    """The colours (…, 3) of values of either sign, the greatest magnitude the strongest."""
    return diverging(palette.against, palette.paper, palette.best, values / greatest(values))


def map_colours(palette: Palette, values: Array, highest: float) -> Array:
    """The colours (…, 3) of activations up to `highest`; the root makes weak ones visible."""
    shares = np.clip(values / (highest or 1.0), 0, 1)
    return mixed(palette.paper, palette.ink, np.sqrt(shares))


def filter_colours(palette: Palette, filters: Array, which: Sequence[int]) -> Array:
    """The colours (H, W, 3) of some kernels of (channels, k, k), in a square of squares.

    Their colours can be compared: the greatest weight of all kernels is the strongest.
    """
    k, columns = filters.shape[1], math.ceil(math.sqrt(len(which)))
    gap = -(-k // 6) if len(which) > 1 else 0
    side = columns * (k + gap) - gap
    picture = np.empty((math.ceil(len(which) / columns) * (k + gap) - gap, side, 3), np.uint8)
    picture[...] = palette.background
    for place, colours in enumerate(signed_colours(palette, filters)[list(which)]):
        y, x = (step * (k + gap) for step in divmod(place, columns))
        picture[y : y + k, x : x + k] = colours
    return picture
