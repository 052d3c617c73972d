"""Draws a faint digit on blank paper, to be traced."""

from __future__ import annotations

import functools

import numpy as np
import pygame

from app.drawing.canvas import DRAW_RADIUS, Point
from app.drawing.strokes import DIGITS, fit
from app.session.session import Session
from app.window.layout.frame import Frame
from app.window.style.palette import mixed


def traced_digit(session: Session) -> int | None:
    """Which digit may be traced: another one on each new sheet; None once there is ink."""
    if session.demonstration is not None or not session.canvas.is_blank:
        return None
    return (3 + 4 * session.canvas.version) % DIGITS


def draw_trace(frame: Frame, digit: int) -> None:
    """Draw the digit as a faint line with a dot where the pen is set down.

    It is painted and no more: the canvas has no ink from it, so it is neither read nor saved.
    """
    layout, palette, surface = frame.layout, frame.palette, frame.surface
    radius = max(1, round(DRAW_RADIUS * layout.cell))
    red, green, blue = mixed(palette.paper, palette.frame, np.array(0.45)).tolist()
    lines = [[layout.to_pixels(*point) for point in line] for line in lines_of(digit)]
    for line in lines:
        pygame.draw.lines(surface, (red, green, blue), False, line, 2 * radius)
        for place in line:  # round ends and corners
            pygame.draw.circle(surface, (red, green, blue), place, radius)
    for line in lines:
        pygame.draw.circle(surface, palette.quiet, line[0], max(2, radius // 2))


@functools.cache
def lines_of(digit: int) -> list[list[Point]]:
    """The strokes of a plainly written digit, in cells."""
    # Only now: a window that opens with a drawing does without.
    from nn.handwriting.digits import plain_lines
    from nn.handwriting.styles import STYLES

    styles = [style for style in STYLES if style.digit == digit]
    lines = plain_lines(max(styles, key=lambda style: style.weight))
    return fit([[(float(x), float(y)) for x, y in line] for line in lines])
