"""Draws the inside of the network: the activations of each layer, and what one unit is made of."""

from __future__ import annotations

import numpy as np
import pygame

from app.window.frame import Frame
from app.window.geometry import Rect, Tiles
from app.window.inside_layout import inside_detail, is_shown_by_weights
from app.window.palette import Palette, diverging, mixed
from app.window.screen import Screen
from app.window.text import decimal
from nn.inference.activations import Activations
from nn.inference.contributions import Contributions
from nn.support.types import Array


def draw_inside(frame: Frame, screen: Screen) -> None:
    """Draw the activations of each layer, and what is known about the chosen unit."""
    layout, palette = frame.layout, frame.palette
    explanation = screen.session.explanation
    if not explanation.activations:
        can = hasattr(screen.session.network, "checkpoint")
        hint = "Draw a digit to see it pass through" if can else "This network cannot be seen into"
        frame.write_wrapped(hint, layout.body, layout.text, palette.quiet)
        return
    tiles = screen.inside_tiles()
    for layer, band in zip(explanation.activations, tiles, strict=True):
        title = "the weights of each digit" if is_shown_by_weights(layer) else layer.name
        if not layer.is_last and layer.is_silent.any():
            title += f", {layer.is_silent.sum()} silent (crossed out)"
        frame.write(title, band.title, layout.text * 0.8, palette.quiet)
        _draw_layer(frame, layer, band)
        if layer.is_last:
            _draw_digits(frame, layer, band)
    looked_at, contributions = explanation.looked_at, explanation.contributions
    if looked_at is not None and contributions is not None:
        layer_index, unit = looked_at
        frame.outline(tiles[layer_index].rect(unit).grown(1), palette.text, frame.bold_line)
        _draw_detail(frame, explanation.activations, layer_index, unit, contributions)


def inside_state(screen: Screen) -> object:
    """What the panel shows besides the answer."""
    return screen.session.explanation.looked_at


def _draw_layer(frame: Frame, layer: Activations, tiles: Tiles) -> None:
    """The units of a layer: feature maps as pictures, neurons as patches, brighter = stronger."""
    palette, values = frame.palette, layer.values
    weights = layer.weight_images() if is_shown_by_weights(layer) else None
    if weights is not None:
        pictures = _signed(palette, weights)
    elif values.ndim == 1:
        pictures = diverging(palette.against, palette.track, palette.ink, _shades(layer))
        pictures = pictures[:, None, None]
    else:
        pictures = _shown_map(palette, values, float(values.max()))
    silent = layer.is_silent & (not layer.is_last)
    for index, picture in enumerate(pictures):
        frame.show(picture, tiles.rect(index))
        if silent[index]:
            _cross_out(frame, tiles.rect(index))


def _draw_digits(frame: Frame, layer: Activations, band: Tiles) -> None:
    """The digits on the tiles of the last layer."""
    for digit, share in enumerate(_shades(layer).tolist()):
        place, align = band.rect(digit), 0.5
        colour = frame.palette.background if share > 0.45 else frame.palette.text
        if is_shown_by_weights(layer):  # in the corner, where MNIST's digits have no ink
            side = max(frame.layout.text, place.height // 4)
            place, align = Rect(place.x + 2, place.y + 1, side, side), 0.0
            colour = frame.palette.text
        frame.write(str(digit), place, min(frame.layout.text, place.height * 0.9), colour, align)


def _cross_out(frame: Frame, rect: Rect) -> None:
    """A line through the tile of a unit that gives nothing but 0."""
    start, end = (rect.x, rect.bottom - 1), (rect.right - 1, rect.y)
    # Many small tiles would be loud.
    colour = frame.palette.quiet if rect.height >= 8 else frame.palette.frame
    pygame.draw.line(frame.surface, colour, start, end)


def _greatest(values: Array) -> float:
    """The greatest magnitude, to divide by; 1 where all are 0."""
    return float(np.abs(values).max()) or 1.0


def _shades(layer: Activations) -> Array:
    """How strongly each neuron is painted, (units,) in −1…1.

    Only the differences of logits count: the smallest of them is painted 0, the largest 1.
    """
    values = layer.values - layer.values.min() if layer.is_last else layer.values
    return values / _greatest(values)


def _signed(palette: Palette, values: Array) -> Array:
    """The colours (…, 3) of values of either sign, the greatest magnitude the strongest."""
    return diverging(palette.against, palette.paper, palette.best, values / _greatest(values))


def _shown_map(palette: Palette, values: Array, highest: float) -> Array:
    """The colours (…, 3) of activations up to `highest`; the root makes weak ones visible."""
    return mixed(palette.paper, palette.ink, np.sqrt(np.clip(values / (highest or 1.0), 0, 1)))


def _draw_detail(
    frame: Frame,
    activations: list[Activations],
    index: int,
    unit: int,
    contributions: Contributions,
) -> None:
    """One unit's value, and what it is made of."""
    text, layer = frame.layout.text, activations[index]
    area = inside_detail(frame.layout.body, text)
    frame.fill((area.x, area.y, area.width, 1), frame.palette.grid)
    heading = Rect(area.x, area.y + text // 3, area.width, round(text * 1.3))
    value = decimal(float(np.max(layer.values[unit])))
    if layer.is_last:
        words = f"digit {unit}: {value}"
    else:
        words = f"{'map' if layer.values.ndim == 3 else 'neuron'} {unit + 1}: {value}"
        words += ", silent here" if layer.is_silent[unit] else ""
    frame.write(f"{words}, mostly from", heading, text * 0.9, frame.palette.text)
    top = heading.bottom + text // 4
    room = Rect(area.x, top, area.width, area.bottom - top)
    if not contributions.units and contributions.picture is not None:
        _draw_input_picture(frame, room, layer.weight_images(), unit, contributions.picture)
    else:
        _draw_input_units(frame, room, layer.input, contributions)


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
        frame.show(_signed(frame.palette, picture), place)
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
        frame.show(_shown_map(palette, np.atleast_2d(before[unit]), float(before.max())), tile)
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
