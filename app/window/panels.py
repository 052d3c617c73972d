"""Draws the lower part of the panel, each of its kinds, and the buttons.

What lies over the window is in `app.window.dialogs`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pygame

from app.session.commands import TRAINING_BUTTONS
from app.session.session import is_shown_by_weights
from app.window.layout import BarRow, Layout, Rect, Tiles, inside_detail
from app.window.palette import PALETTES, Colour, Palette, mixed, signed
from app.window.text import BOLD, MIN_TEXT, REGULAR, TextRenderer, decimal
from nn.inference.inspection import Activations, Contributions
from nn.support.types import Array

if TYPE_CHECKING:
    from app.session.predictor import Answer
    from app.session.session import Session
    from app.session.training import Training


def percentage(probability: float, digits: int = 0) -> str:
    """A probability for people: `98 %`; only a certainty is called `100 %`."""
    if 0.995 <= probability < 1.0 and not digits:
        return ">99 %"
    return f"{100 * probability:.{digits}f} %"


# Bars and table


def draw_bars(surface: pygame.Surface, session: Session, renderer: TextRenderer) -> None:
    """Draw the ten bars."""
    answer, palette = session.predictor.answer, PALETTES[session.theme]
    chosen = session.explained if session.is_why else None
    for digit, row in enumerate(session.layout.bars):
        _draw_bar(surface, session, renderer, row, digit, answer)
        if digit == chosen:  # the bar that is explained has a frame
            width = max(1, session.layout.text // 9)
            pygame.draw.rect(surface, palette.text, _grown(row.track, width), width)


def _draw_bar(
    surface: pygame.Surface,
    session: Session,
    renderer: TextRenderer,
    row: BarRow,
    digit: int,
    answer: Answer | None,
) -> None:
    palette = PALETTES[session.theme]
    probability = None if answer is None else answer.probabilities[digit]
    best = answer is not None and answer.is_sure and digit == answer.digit
    is_read = answer is not None and answer.is_digit
    text = min(session.layout.text, round(row.label.height * 0.85))
    face = BOLD if best else REGULAR
    colour = palette.best if best else palette.text if is_read else palette.quiet
    label = Rect(*row.label)
    inset = max(2, label.width // 4)
    label = Rect(label.x + inset, label.y, label.width - inset, label.height)
    renderer.write(surface, str(digit), label, text, colour, face=face)
    surface.fill(palette.track, row.track)
    if probability is None:
        return
    length = round(probability * row.track.width)
    fill = palette.best if best else palette.bar if is_read else palette.frame
    surface.fill(fill, (*row.track[:2], length, row.track.height))
    if not is_read:  # how sure the network would be of a digit says nothing here
        return
    colour = palette.best if best else palette.text if probability >= 0.005 else palette.quiet
    renderer.write(surface, percentage(probability), row.percent, text, colour, 1.0, face)


def draw_table(surface: pygame.Surface, session: Session, renderer: TextRenderer) -> None:
    """Draw what each network makes of the same drawing, a row each, in letters of one size."""
    layout, palette = session.layout, PALETTES[session.theme]
    if not layout.table:
        return
    heading, *rows = layout.table
    shown = session.rows()
    entries = [session.networks.entries[index] for index in shown]
    answers = [session.answers[i] if i < len(session.answers) else None for i in shown]
    words = [
        (
            entry.name,
            "–" if answer is None else str(answer.digit),
            percentage(answer.confidence) if answer is not None and answer.is_digit else "",
            "" if entry.parameters is None else short_count(entry.parameters),
            "–" if entry.accuracy is None else percentage(entry.accuracy, 1),
        )
        for entry, answer in zip(entries, answers, strict=True)
    ]
    # Whatever the answers are, the columns stay where they are.
    widest = [(name, "0", ">99 %", count, accuracy) for name, _, _, count, accuracy in words]
    columns, size = _table_columns(renderer, layout, widest)
    small = max(MIN_TEXT, size * 9 // 10)
    for text, (x, width), align in zip(_HEADINGS, columns, _ALIGN, strict=True):
        place = Rect(x, heading.y, width, heading.height)
        renderer.write(surface, text, place, small, palette.quiet, align)
    surface.fill(palette.frame, (heading.x, heading.bottom - 1, heading.width, 1))
    for index, row, line, answer in zip(shown, rows, words, answers, strict=True):
        chosen = index == session.networks.chosen
        if chosen:
            surface.fill(palette.button, row)
        for number, (text, (x, width), align) in enumerate(zip(line, columns, _ALIGN, strict=True)):
            colour, face = palette.text if chosen else palette.quiet, BOLD if chosen else REGULAR
            if number == 1 and answer is not None and answer.is_sure:
                colour, face = palette.best, BOLD
            elif number == 1 and answer is not None and not answer.is_digit:
                colour, face = palette.quiet, REGULAR
            place = Rect(x, row.y, width, row.height)
            renderer.write(surface, text, place, size, colour, align, face)
    if layout.more is not None:
        inset = columns[0][0] - layout.more.x
        place = Rect(*layout.more)._replace(x=layout.more.x + inset)
        left_out = len(session.networks.entries) - len(rows)
        renderer.write(surface, f"and {left_out} more", place, small, palette.quiet)


_HEADINGS = ("network", "reads", "sure", "weights", "MNIST")
_ALIGN = (0.0, 0.5, 1.0, 1.0, 1.0)


def _table_columns(
    renderer: TextRenderer, layout: Layout, lines: Sequence[tuple[str, ...]]
) -> tuple[list[tuple[int, int]], int]:
    """Where each column is, as (x, width), and the size of the letters with which all words fit.

    A column is as wide as its words need; the names get what is left, and are shortened if need be.
    """
    row = layout.table[0]
    inset = max(2, row.height // 7)
    gap = max(5, layout.text // 2)  # the words of two columns do not run together
    for size in range(max(MIN_TEXT, round(layout.text * 0.95)), MIN_TEXT - 1, -1):
        small = max(MIN_TEXT, size * 9 // 10)
        needs = [
            max(
                renderer.width(heading, small),
                *(renderer.width(line[number], size, BOLD) for line in lines),
            )
            for number, heading in enumerate(_HEADINGS)
        ]
        left = row.width - 2 * inset - sum(needs[1:]) - 4 * gap
        if left >= needs[0]:
            break
    spare = max(0, left - needs[0]) // 5
    widths = [max(1, left - 4 * spare), *(need + spare for need in needs[1:])]
    edges = itertools.accumulate((width + gap for width in widths[:-1]), initial=row.x + inset)
    return list(zip(edges, widths, strict=True)), size


def short_count(count: int) -> str:
    """A number of parameters in few characters: `413k`."""
    return str(count) if count < 1000 else f"{count / 1000:.0f}k"


# Inside the network


def draw_inside(surface: pygame.Surface, session: Session, renderer: TextRenderer) -> None:
    """Draw the activations of each stage, and what is known about the chosen unit."""
    layout, palette = session.layout, PALETTES[session.theme]
    if not session.activations:
        can = hasattr(session.network, "checkpoint")
        hint = "Draw a digit to see it pass through" if can else "This network cannot be seen into"
        renderer.write_wrapped(surface, hint, layout.body, layout.text, palette.quiet)
        return
    tiles = session.inside_tiles()
    for layer, band in zip(session.activations, tiles, strict=True):
        by_weights = is_shown_by_weights(layer)
        title = "the weights of each digit" if by_weights else layer.name
        if not layer.is_last and layer.is_silent.any():
            title += f", {layer.is_silent.sum()} silent (crossed out)"
        renderer.write(surface, title, band.title, layout.text * 0.8, palette.quiet)
        _draw_layer(surface, palette, layer, band)
        for digit in range(band.count if layer.is_last else 0):
            place, align = band.rect(digit), 0.5
            colour = _readable(palette, _shade(layer, digit))
            if by_weights:  # in the corner, where MNIST's digits have no ink
                side = max(layout.text, place.height // 4)
                place, align = Rect(place.x + 2, place.y + 1, side, side), 0.0
                colour = palette.text
            renderer.write(
                surface, str(digit), place, min(layout.text, place.height * 0.9), colour, align
            )
    if session.looked_at is not None:
        layer_index, unit = session.looked_at
        mark = tiles[layer_index].rect(unit)
        pygame.draw.rect(surface, palette.text, _grown(mark, 1), max(1, layout.text // 9))
    _draw_detail(surface, session, renderer)


def _draw_layer(
    surface: pygame.Surface, palette: Palette, layer: Activations, tiles: Tiles
) -> None:
    """The units of a stage: feature maps as pictures, neurons as patches, brighter = stronger."""
    values = layer.values
    weights = layer.weight_images() if is_shown_by_weights(layer) else None
    if weights is not None:
        scale = float(np.abs(weights).max()) or 1.0
        pictures = [signed(palette, image / scale) for image in weights]
    elif values.ndim == 1:
        pictures = [np.full((1, 1, 3), _shade_colour(palette, _shade(layer, i)), np.uint8)
                    for i in range(len(values))]  # fmt: skip
    else:
        scale = float(values.max()) or 1.0
        shades = mixed(palette.paper, palette.ink, np.sqrt(np.clip(values / scale, 0, 1)))
        pictures = list(shades)
    for index, picture in enumerate(pictures):
        _blit_cells(surface, picture, tiles.rect(index))
        if weights is None and layer.is_silent[index] and not layer.is_last:
            _cross_out(surface, palette, tiles.rect(index))


def _cross_out(surface: pygame.Surface, palette: Palette, rect: Rect) -> None:
    """A line through the tile of a unit that gives nothing but 0."""
    start, end = (rect.x, rect.bottom - 1), (rect.right - 1, rect.y)
    colour = palette.quiet if rect.height >= 8 else palette.frame  # many small ones are loud
    pygame.draw.line(surface, colour, start, end)


def _shade(layer: Activations, index: int) -> float:
    """How strongly a neuron is painted, in −1…1; of the logits the largest is, whatever its sign.

    Only the differences of logits count: the smallest of them is painted 0, the largest 1.
    """
    values = layer.values - layer.values.min() if layer.is_last else layer.values
    scale = float(np.abs(values).max()) or 1.0
    return float(values[index]) / scale


def _shade_colour(palette: Palette, share: float) -> Colour:
    if share >= 0:
        red, green, blue = mixed(palette.track, palette.ink, np.array(share, np.float32)).tolist()
    else:
        red, green, blue = mixed(palette.track, palette.against, np.array(-share)).tolist()
    return red, green, blue


def _readable(palette: Palette, share: float) -> Colour:
    return palette.background if share > 0.45 else palette.text


def _draw_detail(surface: pygame.Surface, session: Session, renderer: TextRenderer) -> None:
    layout, palette = session.layout, PALETTES[session.theme]
    area = inside_detail(layout.body, layout.text)
    text = layout.text
    surface.fill(palette.grid, (area.x, area.y, area.width, 1))
    line = round(text * 1.3)
    heading = Rect(area.x, area.y + text // 3, area.width, line)
    contributions = session.contributions
    if contributions is None or session.looked_at is None:
        return
    layer, unit = session.looked_at
    value = float(np.max(session.activations[layer].values[unit]))
    what = "digit" if layer == len(session.activations) - 1 else (
        "map" if session.activations[layer].values.ndim == 3 else "neuron")  # fmt: skip
    number = unit if what == "digit" else unit + 1
    is_silent = what != "digit" and session.activations[layer].is_silent[unit]
    words = f"{what} {number}: {decimal(value)}{', silent here' if is_silent else ''}, mostly from"
    renderer.write(surface, words, heading, text * 0.9, palette.text)
    top = heading.bottom + text // 4
    room = Rect(area.x, top, area.width, area.bottom - top)
    if contributions.picture is not None:
        _draw_input_picture(surface, session, renderer, room)
    else:
        _draw_input_units(surface, session, renderer, room, contributions, layer)


def _draw_input_picture(
    surface: pygame.Surface, session: Session, renderer: TextRenderer, room: Rect
) -> None:
    """The weights of a unit that sees the image, and weight × ink."""
    assert session.contributions is not None
    assert session.contributions.picture is not None
    assert session.looked_at is not None
    layout, palette = session.layout, PALETTES[session.theme]
    line = _label_height(layout)
    side = max(8, room.height - line)
    layer, unit = session.looked_at
    pictures = [("adds, takes away", session.contributions.picture)]
    weights = session.activations[layer].weight_images()
    if weights is not None:
        pictures.insert(0, ("its weights", weights[unit]))
    x = room.x
    for words, picture in pictures:
        scale = float(np.abs(picture).max()) or 1.0
        place = Rect(x, room.y, side, side)
        _blit_cells(surface, signed(palette, picture / scale), place)
        pygame.draw.rect(surface, palette.frame, _grown(place, 1), 1)
        width = max(side, layout.text * 7)
        label = Rect(x, place.bottom, width, line)
        renderer.write(surface, words, label, layout.text * 0.75, palette.quiet)
        x += width + layout.text


def _label_height(layout: Layout) -> int:
    """Of the words below a small picture, with what hangs below their line."""
    return round(layout.text * 1.15)


def _draw_input_units(
    surface: pygame.Surface,
    session: Session,
    renderer: TextRenderer,
    room: Rect,
    contributions: Contributions,
    index: int,
) -> None:
    """The strongest inputs, each as it is and what it adds."""
    layout, palette = session.layout, PALETTES[session.theme]
    before = session.activations[index - 1].values
    gap = max(2, layout.text // 2)
    width = (room.width + gap) // max(1, len(contributions.units)) - gap
    line = _label_height(layout)
    side = max(4, min(width, room.height - line))
    if before.ndim == 1:  # a single number needs no large picture
        side = min(side, layout.text * 2)
    top = float(before.max()) or 1.0
    for place, (unit, share) in enumerate(contributions.units):
        x = room.x + place * (width + gap)
        tile = Rect(x, room.y, side, side)
        values = np.sqrt(np.clip(np.atleast_2d(before[unit]) / top, 0, 1))
        _blit_cells(surface, mixed(palette.paper, palette.ink, values), tile)
        pygame.draw.rect(surface, palette.frame, _grown(tile, 1), 1)
        words = Rect(x, tile.bottom, width, line)
        colour = palette.best if share > 0 else palette.against if share else palette.quiet
        renderer.write(surface, decimal(share, signed=True), words, layout.text * 0.8, colour)
        number = Rect(tile.right + gap // 2, tile.y, words.right - tile.right - gap, tile.height)
        if number.width > layout.text * 2:
            renderer.write(surface, f"no. {unit + 1}", number, layout.text * 0.75, palette.quiet)


def _blit_cells(surface: pygame.Surface, cells: Array, rect: Rect) -> None:
    height, width = cells.shape[:2]
    picture = pygame.image.frombuffer(np.ascontiguousarray(cells).tobytes(), (width, height), "RGB")
    surface.blit(pygame.transform.scale(picture, rect[2:]), rect[:2])


def _grown(rect: Rect, margin: int) -> Rect:
    return Rect(rect.x - margin, rect.y - margin, rect.width + 2 * margin, rect.height + 2 * margin)


# Training


def draw_training(surface: pygame.Surface, session: Session, renderer: TextRenderer) -> None:
    """Draw how the training goes, its curves, and its buttons; or what is needed to begin."""
    layout, palette = session.layout, PALETTES[session.theme]
    assert layout.words is not None
    assert layout.curves is not None
    training = session.training
    words, size = training_words(session), layout.text * 0.92
    pygame.draw.rect(surface, palette.frame, layout.curves, 1)
    if training is None and session.mnist.state == "failed":  # the curves' place is free
        inner = layout.curves.shrunk(max(2, layout.text // 2))
        renderer.write_wrapped(surface, words, inner, size, palette.text)
    else:
        renderer.write_wrapped(surface, words, layout.words, size, palette.text)
    if training is not None:
        _draw_curves(surface, session, renderer, training)
    elif session.mnist.state == "downloading":
        inner = layout.curves.shrunk(max(2, layout.text // 2))
        bar = Rect(inner.x, inner.y + inner.height // 3, inner.width, max(3, layout.text // 2))
        surface.fill(palette.track, bar)
        surface.fill(
            palette.best, (*bar[:2], round(bar.width * session.mnist.progress), bar.height)
        )
    button_words = training_button_words(session)
    for name, rect in layout.training_buttons.items():
        draw_button(
            surface, session, renderer, name, button_words[name], rect,
            is_active=False, is_faint=name != "train" and training is None,
        )  # fmt: skip


def training_words(session: Session) -> str:
    """How the training goes, in a line."""
    training, mnist = session.training, session.mnist
    if training is None:
        return {
            "unknown": "Start trains a fresh network like the chosen one",
            "ready": "Start trains a fresh network like the chosen one",
            "loading": "Loading MNIST …",
            "downloading": f"Downloading MNIST: {100 * mnist.progress:.0f} %",
            "missing": "Training needs MNIST's 70,000 digits: download 12 MB?",
            "failed": mnist.message,
        }[mnist.state]
    if training.state == "failed":
        return training.message
    point = training.points[-1] if training.points else None
    so_far = "" if point is None else f" · {percentage(point.accuracy, 1)} of its digits right"
    if training.validation:
        so_far = f" · {percentage(training.validation[-1].accuracy, 1)} of unseen digits right"
    epoch = 0.0 if point is None else point.epoch
    verb = {"running": "learning", "stopped": "stopped", "finished": "finished"}[training.state]
    return f"{training.name} {verb}: epoch {epoch:.1f} of {training.epochs}{so_far}"


def training_button_words(session: Session) -> dict[str, str]:
    """What is on the three buttons now."""
    training = session.training
    if training is None:
        needs_data = session.mnist.state in ("missing", "failed")
        first = "Download" if needs_data else "Start"
    else:
        first = {"running": "Stop", "stopped": "Continue"}.get(training.state, "Again")
    return {**TRAINING_BUTTONS, "train": first}


def _draw_curves(
    surface: pygame.Surface, session: Session, renderer: TextRenderer, training: Training
) -> None:
    """The loss on the training digits falls, the accuracy rises; dots for the digits kept aside."""
    layout, palette = session.layout, PALETTES[session.theme]
    assert layout.curves is not None
    inner = layout.curves.shrunk(max(2, layout.text // 3))
    points, evaluated = training.points, training.validation
    highest = max(2.4, *(point.loss for point in points)) if points else 2.4
    width = max(1, layout.text // 10)
    half = inner.width // 2
    left = Rect(inner.x, inner.y, half - layout.text // 2, inner.height)
    right = Rect(inner.x + half + layout.text // 2, inner.y, left.width, inner.height)
    curves = (
        ("loss", left, [p.loss / highest for p in points], [p.loss / highest for p in evaluated],
         palette.against),
        ("accuracy", right, [p.accuracy for p in points], [p.accuracy for p in evaluated],
         palette.best),
    )  # fmt: skip
    for words, area, heights, dots, colour in curves:
        surface.fill(palette.grid, (area.x, area.bottom - 1, area.width, 1))
        line = [
            _place(area, point.epoch / training.epochs, height)
            for point, height in zip(points, heights, strict=True)
        ]
        if len(line) > 1:
            pygame.draw.lines(surface, colour, False, line, width)
        for point, height in zip(evaluated, dots, strict=True):
            spot = _place(area, point.epoch / training.epochs, height)
            pygame.draw.circle(surface, palette.text, spot, width + 1)
        if area.height > layout.text * 2:
            top = area.y if words == "loss" else area.bottom - round(layout.text * 1.4)
            label = Rect(area.x, top, area.width, layout.text)
            renderer.write(surface, words, label, layout.text * 0.8, colour, 1.0)


def _place(area: Rect, x: float, y: float) -> tuple[int, int]:
    return (
        area.x + round(min(1.0, x) * (area.width - 1)),
        area.bottom - 1 - round(min(1.0, max(0.0, y)) * (area.height - 1)),
    )


# Buttons


def draw_button(
    surface: pygame.Surface,
    session: Session,
    renderer: TextRenderer,
    name: str,
    words: str,
    rect: Rect,
    is_active: bool,
    is_faint: bool,
) -> None:
    """A button with its word: bright under the pointer, framed where the keyboard is."""
    layout, palette = session.layout, PALETTES[session.theme]
    radius = max(2, layout.text // 4)
    is_hovered = name == session.hover and session.overlay in (None, "mine")
    face = palette.hover if is_hovered else palette.button
    pygame.draw.rect(surface, face, rect, border_radius=radius)
    if is_active:
        under = max(2, layout.text // 8)
        inset = radius + 1
        surface.fill(
            palette.best,
            (rect.x + inset, rect.bottom - under, max(1, rect.width - 2 * inset), under),
        )
    if name == session.focus:
        pygame.draw.rect(
            surface, palette.best, rect, max(2, layout.text // 9), border_radius=radius
        )
    colour = palette.quiet if is_faint else palette.text
    renderer.write(
        surface, words, rect.shrunk(max(2, layout.text // 6)), layout.text * 0.9, colour, 0.5
    )
