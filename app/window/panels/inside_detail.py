"""Draws what one unit of the network is made of: a sum whose figures add up."""

from __future__ import annotations

import itertools

import numpy as np

from app.window.layout.frame import Frame
from app.window.layout.inside_layout import inside_detail
from app.window.panels.inside_pointer import pointer_of
from app.window.screen.screen import Screen
from app.window.screen.waterfall import Column, Waterfall
from app.window.style.geometry import Rect
from app.window.style.palette import Colour
from app.window.style.text import MIN_TEXT, decimal, percentage
from app.window.style.unit_pictures import filter_colours, map_colours, signed_colours
from nn.inference.activations import Activations
from nn.inference.contributions import Contributions
from nn.inference.softmax_steps import SoftmaxSteps
from nn.support.types import Array

OFF = "It is switched off, and takes no part in the softmax: the other digits share its probability"
SO_FAR = "This is the part drawn so far; the bars say what digits that begin so become"
# Where columns are narrow; of several inputs as one it is the rest.
BRIEFLY = {
    "slanted copies": "copies", "average": "mean", "ink adds": "adds", "ink takes away": "takes",
    "all inputs": "inputs", "bias": "bias", "sum": "sum",
}  # fmt: skip
MOST_FILTERS = 9  # of a map that are shown: those on its largest inputs


def draw_detail(frame: Frame, screen: Screen) -> None:
    """Draw the unit that is looked at: its value, its pictures, and what it is the sum of."""
    inspection, layout, panel = screen.session.inspection, frame.layout, screen.inside
    looked_at, found, detail = inspection.looked_at, panel.sum(layout), panel.detail(layout)
    contributions = inspection.contributions
    if looked_at is None or found is None or detail is None or contributions is None:
        return
    stage, unit = inspection.stages[looked_at[0]], looked_at[1]
    text, steps = layout.text, inspection.softmax_steps
    frame.fill(
        (detail.heading.x, detail.heading.y - text // 4, detail.heading.width, 1),
        frame.palette.grid,
    )
    _draw_heading(frame, detail.heading, stage, unit, found, steps)
    pictures = unit_pictures(frame, stage, unit, contributions)
    if pictures and contributions.picture is not None and stage.weight_images() is not None:
        colours = signed_colours(frame.palette, contributions.picture)
        pictures.append((colours, "weight × ink"))
    for place, (colours, words) in zip(detail.pictures, pictures, strict=False):
        draw_picture(frame, place, colours, words)
    for column, place in panel.waterfall(layout):
        _draw_column(frame, place, column, found, stage)
    about, answer = [], screen.session.predictor.answer
    if unit in stage.off and stage.is_last:
        about = [OFF, "off: 0 %"]
    elif answer is not None and answer.is_provisional and stage.is_last:
        about = [SO_FAR, "so far"]
    elif steps is not None:
        about = [steps_words(steps), steps_briefly(steps)]
    for size, words in itertools.product((max(MIN_TEXT, round(text * 0.6)), MIN_TEXT), about):
        if frame.renderer.fits(words, detail.words, size):
            frame.write_wrapped(words, detail.words, text * 0.72, frame.palette.quiet)
            break


def unit_pictures(
    frame: Frame, stage: Activations, unit: int, contributions: Contributions
) -> list[tuple[Array, str]]:
    """What can be seen of a unit, as colours (H, W, 3), each with a word or two."""
    palette, weights, filters = frame.palette, stage.weight_images(), stage.filters(unit)
    if weights is not None:
        return [(signed_colours(palette, weights[unit]), "weights")]
    if filters is None:
        return []
    largest = [source for source, _ in contributions.units[:MOST_FILTERS]] or [0]
    words = "its filter" if len(filters) == 1 else f"{len(largest)} of {len(filters)} filters"
    shown = filter_colours(palette, filters, largest)
    if stage.values.ndim == 1:
        return [(shown, words)]
    colours = map_colours(palette, stage.values[unit], float(stage.values.max()))
    return [(colours, "its map"), (shown, words)]


def draw_picture(frame: Frame, place: Rect, colours: Array, words: str) -> None:
    """A picture with its words below it."""
    text = frame.layout.text
    frame.show(colours, place)
    frame.outline(place.grown(1), frame.palette.frame)
    below = Rect(place.x, place.bottom, place.width + text, round(text * 1.1))
    if frame.renderer.fits(words, below):
        frame.write(words, below, text * 0.7, frame.palette.quiet)


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


def steps_words(steps: SoftmaxSteps) -> str:
    """How a logit becomes the percentage of its bar, in figures that follow from each other."""
    quotient, largest = round(steps.quotient, 2), round(steps.largest, 2)
    start = "averaged with two slanted copies" if steps.images > 1 else "logit"
    words = [f"{start}: {decimal(steps.logit)}"]
    if steps.temperature != 1:
        words.append(f"÷{steps.temperature:.3f}, its calibration, = {decimal(quotient)}")
    words.append(f"softmax: minus the largest, {decimal(largest)}, = {decimal(quotient - largest)}")
    words.append(f"e to the power of that = {_two_figures(steps.power)}")
    words.append(f"÷{steps.total:.3f}, the sum over all ten, = {_chance(steps.softmax)}")
    if _is_discounted(steps):
        doubt = percentage(steps.no_digit, 2)
        words.append(f"{doubt} no digit, shared: = {_chance(steps.probability)}")
    return " · ".join(words)


def steps_briefly(steps: SoftmaxSteps) -> str:
    """The same, for a small window."""
    quotient, largest = round(steps.quotient, 2), round(steps.largest, 2)
    less = f"−{decimal(largest)}" if largest >= 0 else f"+{decimal(-largest)}"
    divided = f"÷{steps.temperature:.3f}" if steps.temperature != 1 else ""
    power, chance = _two_figures(steps.power), _chance(steps.softmax)
    words = (
        f"{decimal(steps.logit)}{divided}{less} = {decimal(quotient - largest)} · "
        f"exp {power} · ÷{steps.total:.3f} = {chance}"
    )
    if _is_discounted(steps):
        words += f" · {percentage(steps.no_digit, 2)} no digit = {_chance(steps.probability)}"
    return words.replace("below ", "<").replace("over ", ">")


def _chance(probability: float) -> str:
    """The percentage of a bar; near 100 % with one decimal more."""
    if probability < 0.995:
        return percentage(probability)
    return percentage(probability, 1) if probability < 0.9995 else "over 99.9 %"


def _is_discounted(steps: SoftmaxSteps) -> bool:
    """Whether it shows in the percentage that the drawing may be no digit."""
    return _chance(steps.probability) != _chance(steps.softmax)


def _two_figures(value: float) -> str:
    """A number up to 1 with the two figures that count, as 0.0031."""
    if value < 1e-4:
        return "below 0.0001"
    return np.format_float_positional(value, 2, fractional=False, trim="-")


def _draw_heading(
    frame: Frame,
    place: Rect,
    stage: Activations,
    unit: int,
    found: Waterfall,
    steps: SoftmaxSteps | None,
) -> None:
    """What the unit is, and its value."""
    name = f"{'Map' if stage.values.ndim == 3 else 'Neuron'} {unit + 1}"
    if stage.is_last:
        name = f"Digit {unit}, its logit"
    words = f"{name}: {found.figure(found.own)}"
    if found.power:
        words += f", all figures times 10 to the {found.power}"
    if unit in stage.off:
        words += ", switched off"
    elif stage.is_silent[unit] and not stage.is_last:
        words += ", silent here"
    elif stage.values.ndim == 3:
        words += ", at its strongest cell"
    frame.write(words, place, frame.layout.text * 0.9, frame.palette.text)


def _draw_column(
    frame: Frame, place: Rect, column: Column, found: Waterfall, stage: Activations
) -> None:
    """One column: its bar between the sums before and after, its figure, and what it is of."""
    palette, text = frame.palette, frame.layout.text
    label = round(text * (1.7 if place.height > text * 6 else 1.1))
    line = round(text * 0.95)
    bars = place._replace(height=max(2, place.height - label - line))
    levels = [0, *(level for each in found.columns for level in (each.start, each.end))]
    low, high = min(levels), max(levels)

    def y_of(level: int) -> int:
        return bars.y + round((high - level) / max(1, high - low) * (bars.height - 2))

    colour = _colour_of(frame, column)
    top, bottom = sorted((y_of(column.start), y_of(column.end)))
    inset = max(1, place.width // 8)
    frame.fill((place.x, y_of(0), place.width, 1), palette.grid)
    frame.fill((place.x + inset, top, place.width - 2 * inset, max(2, bottom - top)), colour)
    if column is not found.columns[-1]:
        frame.fill((place.right - inset, y_of(column.end), 2 * inset, 1), palette.quiet)
    figure = Rect(place.x, bars.bottom, place.width, line)
    bold_colour = palette.text if column.is_sum else colour
    frame.write(found.figure(column), figure, text * 0.72, bold_colour, 0.5)
    below = Rect(place.x, figure.bottom, place.width, label)
    if column.unit is None:
        for words in (column.label, BRIEFLY.get(column.label, "rest")):
            if frame.renderer.fits(words, below):
                frame.write_wrapped(words, below, text * 0.66, palette.quiet, 0.5)
                break
        return
    side = max(1, min(label, place.width - 2))
    tile = Rect(place.x + (place.width - side) // 2, below.y, side, side)
    values = np.atleast_2d(stage.input[column.unit])
    frame.show(map_colours(palette, values, float(stage.input.max())), tile)
    frame.outline(tile, palette.frame)


def _colour_of(frame: Frame, column: Column) -> Colour:
    """Orange adds, blue takes away; what is the sum of others has the colour of a bar."""
    if column.is_sum:
        return frame.palette.bar
    if not column.amount:
        return frame.palette.quiet
    return frame.palette.best if column.amount > 0 else frame.palette.against
