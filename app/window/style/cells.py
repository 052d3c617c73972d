"""Cells of ink as colours."""

from __future__ import annotations

import numpy as np

from app.window.style.palette import Palette, mixed
from nn.handwriting.framing import SIZE, Framing
from nn.support.types import Array


def cell_colours(palette: Palette, ink: Array) -> Array:
    """The colours of cells of ink (H, W) in 0…1, as bytes (H, W, 3)."""
    return mixed(palette.paper, palette.ink, ink)


def gliding(ink: Array, framing: Framing, progress: float) -> Array:
    """The drawing (28, 28) on its way into the frame, from as drawn (0) to as framed (1)."""
    share = progress * progress * (3 - 2 * progress)  # slow at both ends
    scale = 1 + (framing.scale - 1) * share
    x, y = (shift * share for shift in framing.shift)
    moved = on_canvas(ink, Framing(ink, 1 / scale, (-x / scale, -y / scale)))
    return moved + (framing.image - moved) * share


def on_canvas(image: Array, framing: Framing) -> Array:
    """What an image (28, 28) in the frame says about each cell of the canvas, (28, 28)."""
    cells = np.arange(SIZE) + 0.5
    x = cells * framing.scale + framing.shift[0] - 0.5
    y = cells * framing.scale + framing.shift[1] - 0.5
    return _weights(y) @ image @ _weights(x).T


def _weights(places: Array) -> Array:
    """Weights (n, 28) of linear interpolation at places in cells; 0 outside the image."""
    return np.maximum(1 - np.abs(places[:, None] - np.arange(SIZE)), 0)
