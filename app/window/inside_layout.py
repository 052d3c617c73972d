"""Where the units of a network's layers are in the panel that shows its inside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from app.drawing.strokes import DIGITS
from app.window.geometry import Rect, Tiles
from nn.handwriting.framing import SIZE
from nn.inference.activations import Activations


def lay_out_inside(body: Rect, text: int, shapes: Sequence[tuple[int, ...]]) -> list[Tiles]:
    """A band of tiles for each layer of a network, of shape (units,) or (units, height, width).

    The lowest part of the body, `inside_detail`, is left for the details of one unit.
    """
    room = inside_detail(body, text).y - text // 3 - body.y
    title = max(8, text) if room > text * 2.6 * len(shapes) else 0
    space = max(1, text // 4)
    room -= len(shapes) * (title + space)
    bands = [_tiles(body, shape, 1, text) for shape in shapes]
    # One row each at first; then the layer hardest to see gets another, while there is room.
    growing = {i for i, shape in enumerate(shapes) if len(shape) > 1 or shape[0] > DIGITS}
    while growing:
        index = min(
            growing, key=lambda i: bands[i].height / (shapes[i][-1] if shapes[i][1:] else 1)
        )
        larger = _tiles(body, shapes[index], bands[index].rows + 1, text)
        needed = sum(band.band.height for band in bands) - bands[index].band.height
        helps = larger.height > bands[index].height or larger.rows < shapes[index][0]
        if grows := helps and needed + larger.band.height <= room:
            bands[index] = larger
        if not grows or len(shapes[index]) == 1:
            growing.discard(index)
    spare = max(0, room - sum(band.band.height for band in bands)) // (len(shapes) + 1)
    placed, top = [], body.y
    for band in bands:
        heading = Rect(body.x, top, body.width, title)
        where = Rect(body.x, top + title, body.width, band.band.height)
        placed.append(replace(band, title=heading, band=where))
        top = where.bottom + space + min(spare, text)
    return placed


def inside_detail(body: Rect, text: int) -> Rect:
    """The part of the body for the details of one unit."""
    height = min(body.height // 3, max(text * 6, body.height // 4))
    return Rect(body.x, body.bottom - height, body.width, height)


def _tiles(body: Rect, shape: tuple[int, ...], rows: int, text: int) -> Tiles:
    """The units of a layer in so many rows as wide as the body."""
    columns = math.ceil(shape[0] / rows)
    gap = 1 if body.width / columns < text else max(1, text // 8)
    width = max(1, (body.width - gap * (columns - 1)) // columns)
    # Pictures are square; numbers are patches hardly higher than a line of text.
    height = width if len(shape) > 1 else max(2, min(width, round(text * 1.4)))
    if len(shape) > 1:
        width = height = min(width, max(2, body.height // 4))
    band = Rect(body.x, body.y, body.width, rows * (height + gap) - gap)
    return Tiles(band, band, shape[0], rows, columns, width, height, gap)


def shown_shape(layer: Activations) -> tuple[int, ...]:
    """The shape that a layer is shown with: weights as images where they are all it has."""
    if is_shown_by_weights(layer):
        return (len(layer.values), SIZE, SIZE)
    return layer.values.shape


def is_shown_by_weights(layer: Activations) -> bool:
    """Whether a layer's tiles are its weights: the ten logits straight from the image."""
    return layer.is_last and layer.weight_images() is not None
