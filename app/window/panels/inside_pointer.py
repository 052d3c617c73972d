"""Draws what the unit under the pointer is like, and which patch of the drawing it sees."""

from __future__ import annotations

import numpy as np

from app.window.layout.frame import Frame
from app.window.layout.inside_layout import inside_detail
from app.window.panels.inside_detail import draw_picture, unit_pictures
from app.window.screen.screen import Screen
from app.window.style.geometry import Rect
from app.window.style.text import decimal

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


def draw_card(frame: Frame, screen: Screen) -> None:
    """Beside the unit under the pointer: its map, its filter or its weights, large."""
    layout, panel = frame.layout, screen.inside
    unit, rect = panel.pointed_at(layout, pointer_of(screen))
    if unit is None or rect is None:
        return
    inspection = screen.session.inspection
    stage, contributions = inspection.stages[unit[0]], inspection.contributions_to(unit)
    pictures = [] if contributions is None else unit_pictures(frame, stage, unit[1], contributions)
    if not pictures:
        return
    text, palette, body = layout.text, frame.palette, layout.above_buttons
    detail, inset = inside_detail(body, text), text // 2
    side = min(detail.height - round(text * 2.4) - 2 * inset, body.width // 3)
    width = len(pictures) * (side + text) - text + 2 * inset
    height = side + round(text * 2.4) + 2 * inset
    x = min(max(body.x, rect.x + rect.width // 2 - width // 2), body.right - width)
    # Over the rows where the pointer is in the sum, and over the sum where it is in a row.
    y = detail.y - height if rect.y > detail.y else detail.y + 1
    card = Rect(x, max(body.y, y), width, height)
    frame.fill(card, palette.dialog)
    frame.outline(card, palette.frame, frame.line)
    name = "map" if stage.values.ndim == 3 else "digit" if stage.is_last else "neuron"
    number = unit[1] if stage.is_last else unit[1] + 1
    words = f"{name} {number}: {decimal(float(stage.values[unit[1]].max()))}"
    heading = Rect(card.x + inset, card.y + inset, width - 2 * inset, round(text * 1.2))
    frame.write(words, heading, text * 0.8, palette.text)
    for place, (colours, label) in enumerate(pictures):
        left = card.x + inset + place * (side + text)
        draw_picture(frame, Rect(left, heading.bottom, side, side), colours, label)
