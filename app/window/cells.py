"""Cells of ink as colours and pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pygame
from numpy.typing import NDArray

from app.session.session import on_canvas
from app.window.palette import Palette, mixed
from nn.handwriting.framing import SIZE, Framing


def enlarged(cells: NDArray[np.uint8], side: int) -> pygame.Surface:
    """Cells (28, 28, 3) as a picture so many pixels wide and high."""
    picture = pygame.image.frombuffer(cells.tobytes(), (SIZE, SIZE), "RGB")
    return pygame.transform.scale(picture, (side, side))


def cell_colours(palette: Palette, ink: NDArray[Any]) -> NDArray[np.uint8]:
    """The colours of cells of ink (H, W) in 0…1, as bytes (H, W, 3)."""
    return mixed(palette.paper, palette.ink, ink)


def evidence_colours(
    palette: Palette, ink: NDArray[Any], evidence: NDArray[Any]
) -> NDArray[np.uint8]:
    """Cells of ink (H, W), the more coloured the more they speak for the digit or against it."""
    # Neighbouring cells speak with one voice: a little blur shows it without changing the sum.
    padded = np.pad(evidence, 1)
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    smooth = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
    greatest = float(np.abs(smooth).max()) or 1.0
    strength = np.sqrt(np.abs(smooth) / greatest)[..., None]
    muted = mixed(palette.paper, palette.ink, np.array(0.3, np.float32)).astype(np.float32)
    hue = np.where(smooth[..., None] > 0, palette.best, palette.against)
    colour = muted + strength * (hue - muted)
    paper = np.array(palette.paper, np.float32)
    shown: NDArray[Any] = np.rint(paper + ink[..., None] * (colour - paper))
    return shown.astype(np.uint8)


def gliding(ink: NDArray[Any], framing: Framing, progress: float) -> NDArray[Any]:
    """The drawing (28, 28) on its way into the frame, from as drawn (0) to as framed (1)."""
    share = progress * progress * (3 - 2 * progress)  # slow at both ends
    scale = 1 + (framing.scale - 1) * share
    x, y = (shift * share for shift in framing.shift)
    moved = on_canvas(ink, Framing(ink, 1 / scale, (-x / scale, -y / scale)))
    between: NDArray[Any] = moved + (framing.image - moved) * share
    return between
