"""Outlines the patch of the drawing that the unit under the pointer sees."""

from __future__ import annotations

import numpy as np

from app.window.layout.frame import Frame
from app.window.screen.screen import Screen
from app.window.style.geometry import Rect

Patch = tuple[int, int, int, int]  # left, top, right and bottom, in cells of the framed image


def pointer_of(screen: Screen) -> tuple[float, float] | None:
    """Where the pointer is, unless it draws or something lies over the panel."""
    is_free = screen.dialog is None and screen.session.pointer is None
    return screen.pointed if is_free else None


def patch_of(screen: Screen) -> Patch | None:
    """What the strongest cell sees of the map that is pointed at, or else of the one looked at.

    None where that is all, or the drawing has changed since.
    """
    if screen.panel != "inside" or screen.session.predictor.is_stale:
        return None
    inspection = screen.session.inspection
    unit = screen.inside.unit_at(screen.layout, pointer_of(screen))
    if unit is None and inspection.unit is not None:  # of itself a digit, which sees all
        unit = inspection.looked_at
    seen = inspection.receptive_field(unit) if unit is not None else None
    if seen is None:
        return None
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def draw_patch_on_canvas(frame: Frame, screen: Screen) -> None:
    """Outline the patch where the drawing has it."""
    patch, framing = screen.guard.run(lambda: patch_of(screen)), screen.session.predictor.framing
    if patch is None or framing is None:
        return
    canvas, (x, y) = frame.layout.canvas, framing.shift
    left, right = (frame.layout.to_pixels((c - x) / framing.scale, 0)[0] for c in patch[::2])
    top, bottom = (frame.layout.to_pixels(0, (c - y) / framing.scale)[1] for c in patch[1::2])
    left, right = (min(max(round(v), canvas.x), canvas.right) for v in (left, right))
    top, bottom = (min(max(round(v), canvas.y), canvas.bottom) for v in (top, bottom))
    place = Rect(left, top, max(2, right - left), max(2, bottom - top))
    frame.outline(place, frame.palette.best, frame.bold_line)


def draw_patch_in_frame(frame: Frame, screen: Screen) -> None:
    """Outline the patch in the framed image."""
    patch = screen.guard.run(lambda: patch_of(screen))
    if patch is not None:
        place = frame.layout.network_input
        left, top, right, bottom = (round(cells * place.width / 28) for cells in patch)
        where = Rect(place.x + left, place.y + top, right - left, bottom - top)
        frame.outline(where, frame.palette.best, frame.line)
