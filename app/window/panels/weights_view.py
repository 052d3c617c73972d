"""Draws the first layer's weights of the network in training, as they come out of the noise."""

from __future__ import annotations

import math

import numpy as np

from app.window.layout.frame import Frame
from app.window.panels.training_panel import draw_controls
from app.window.screen.screen import Screen
from app.window.style.geometry import Rect
from app.window.style.palette import Palette, diverging
from nn.inference.classifier import Classifier
from nn.inference.weight_images import first_weights
from nn.support.types import Array

SATURATED = 99.5  # percent of the weights that are not in the strongest colours
SAMPLE = 5_000  # weights that this is found from
SHADES = 127  # of either colour
LEAST = 12  # pixels that the picture of a unit's weights is wide, or fewer are shown


def draw_weights(frame: Frame, screen: Screen) -> None:
    """Draw the weights of each unit of the first layer, or of as many as there is room for."""
    layout, palette, text = frame.layout, frame.palette, frame.layout.text
    training = screen.session.course.training
    assert layout.words is not None
    draw_controls(frame, screen, layout.words)
    if training is None or layout.curves is None:
        return
    network: Classifier = training.classifier
    model = network.checkpoint.model
    weights = first_weights(model)
    is_only_layer = model.count_params() == weights.size + len(weights)  # a unit is a digit then
    caption = Rect(layout.curves.x, layout.curves.y, layout.curves.width, round(text * 1.1))
    place = layout.curves._replace(
        y=caption.bottom, height=max(1, layout.curves.bottom - caption.bottom)
    )
    shown, columns, side = arranged(len(weights), place)
    left_out = f", {shown} of {len(weights)}" if shown < len(weights) else ""
    title = f"the first layer's weights{left_out}: orange adds, blue takes away"
    frame.write(title, caption, text * 0.8, palette.quiet)
    pictures = coloured(palette, weights, shown)
    gap = max(1, side // 16)
    for number in range(shown):
        row, column = divmod(number, columns)
        tile = Rect(place.x + column * side, place.y + row * side, side - gap, side - gap)
        frame.show(pictures[number], tile)
        frame.outline(tile, palette.frame)
        if is_only_layer:
            corner = Rect(tile.x + gap, tile.y, text, text * 5 // 4)
            frame.write(str(number), corner, text, palette.text)


def coloured(palette: Palette, weights: Array, shown: int) -> Array:
    """The colours (shown, height, width, 3) of the weights of the first units.

    One scale for all units, so that weights that stay as they were fade beside those that grow.
    """
    weights = np.nan_to_num(weights)  # of a training whose steps are too large
    sample = np.abs(weights.ravel()[:: max(1, weights.size // SAMPLE)])
    greatest = float(np.percentile(sample, SATURATED)) or 1.0
    # From a table, which takes a tenth of the time.
    shades = np.linspace(-1, 1, 2 * SHADES + 1, dtype=np.float32)
    table = diverging(palette.against, palette.paper, palette.best, shades)
    steps = np.clip(weights[:shown], -greatest, greatest) * (SHADES / greatest)
    return table[np.rint(steps).astype(np.intp) + SHADES]


def arranged(count: int, place: Rect) -> tuple[int, int, int]:
    """How many square pictures there is room for, in how many columns, and how wide they are."""
    for columns in range(1, place.width + 1):
        side = place.width // columns
        rows = math.ceil(count / columns)
        if rows * side <= place.height:
            side = max(side, 1)
            break
    if side >= LEAST or columns == 1:
        return count, columns, side
    side = min(LEAST, place.width, place.height)
    columns = max(1, place.width // side)
    return min(count, columns * max(1, place.height // side)), columns, side
