"""Draws what one unit of the network is made of."""

from __future__ import annotations

import numpy as np

from app.window.frame import Frame
from app.window.geometry import Rect
from app.window.inside_layout import inside_detail
from app.window.screen import Screen
from app.window.text import decimal
from app.window.unit_pictures import map_colours, signed_colours
from nn.inference.contributions import Contributions
from nn.support.types import Array


def draw_detail(frame: Frame, screen: Screen) -> None:
    """One unit's value, and what it is made of."""
    inspection = screen.session.inspection
    looked_at, contributions = inspection.looked_at, inspection.contributions
    if looked_at is None or contributions is None:
        return
    (index, unit), text = looked_at, frame.layout.text
    stage = inspection.stages[index]
    area = inside_detail(frame.layout.above_buttons, text)
    frame.fill((area.x, area.y, area.width, 1), frame.palette.grid)
    heading = Rect(area.x, area.y + text // 3, area.width, round(text * 1.3))
    value = decimal(float(np.max(stage.values[unit])))
    if stage.is_last:
        words = f"digit {unit}: {value}"
    else:
        words = f"{'map' if stage.values.ndim == 3 else 'neuron'} {unit + 1}: {value}"
        words += ", silent here" if stage.is_silent[unit] else ""
    frame.write(f"{words}, mostly from", heading, text * 0.9, frame.palette.text)
    top = heading.bottom + text // 4
    room = Rect(area.x, top, area.width, area.bottom - top)
    if not contributions.units and contributions.picture is not None:
        _draw_input_picture(frame, room, stage.weight_images(), unit, contributions.picture)
    else:
        _draw_input_units(frame, room, stage.input, contributions)


def _draw_input_picture(
    frame: Frame, room: Rect, weights: Array | None, unit: int, contribution: Array
) -> None:
    """The weights of a unit that sees the image, and weight × ink."""
    text, line = frame.layout.text, _label_height(frame)
    side = max(8, room.height - line)
    pictures = [("adds, takes away", contribution)]
    if weights is not None:
        pictures.insert(0, ("its weights", weights[unit]))
    x = room.x
    for words, picture in pictures:
        place = Rect(x, room.y, side, side)
        frame.show(signed_colours(frame.palette, picture), place)
        frame.outline(place.grown(1), frame.palette.frame)
        label = Rect(x, place.bottom, max(side, text * 7), line)
        frame.write(words, label, text * 0.75, frame.palette.quiet)
        x += label.width + text


def _draw_input_units(
    frame: Frame, room: Rect, before: Array, contributions: Contributions
) -> None:
    """The strongest inputs, each as it is (`before`, the layer's activations) and what it adds."""
    palette, text, line = frame.palette, frame.layout.text, _label_height(frame)
    gap = max(2, text // 2)
    units = contributions.units[:6]
    width = (room.width + gap) // max(1, len(units)) - gap
    side = max(4, min(width, room.height - line))
    if before.ndim == 1:  # a single number needs no large picture
        side = min(side, text * 2)
    for place, (unit, share) in enumerate(units):
        tile = Rect(room.x + place * (width + gap), room.y, side, side)
        frame.show(map_colours(palette, np.atleast_2d(before[unit]), float(before.max())), tile)
        frame.outline(tile.grown(1), palette.frame)
        words = Rect(tile.x, tile.bottom, width, line)
        colour = palette.best if share > 0 else palette.against if share else palette.quiet
        frame.write(decimal(share, signed=True), words, text * 0.8, colour)
        number = Rect(tile.right + gap // 2, tile.y, words.right - tile.right - gap, tile.height)
        if number.width > text * 2:
            frame.write(f"no. {unit + 1}", number, text * 0.75, palette.quiet)


def _label_height(frame: Frame) -> int:
    """Of the words below a small picture, with what hangs below their line."""
    return round(frame.layout.text * 1.15)
