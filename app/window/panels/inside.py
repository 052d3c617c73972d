"""Draws the inside of the network: the stages of a reading, and what one unit is made of."""

from __future__ import annotations

import pygame

from app.window.input.commands import PANEL_COMMANDS, words_of
from app.window.layout.frame import Frame
from app.window.layout.inside_layout import is_shown_by_weights
from app.window.panels.buttons import draw_row
from app.window.panels.inside_detail import draw_card, draw_detail
from app.window.panels.inside_pointer import pointer_of
from app.window.screen.inside_panel import Shown
from app.window.screen.screen import Screen
from app.window.style.geometry import Rect
from app.window.style.palette import Colour, diverging
from app.window.style.unit_pictures import map_colours, shades, signed_colours
from nn.inference.ablation import Unit
from nn.inference.activations import Activations
from nn.inference.contributions import Link

LEAST_STRENGTH = 0.15  # of a path that is drawn, beside the strongest of its stage


def draw_inside(frame: Frame, screen: Screen) -> None:
    """Draw the stages, the strongest paths between them, and the unit that is looked at."""
    layout, palette, inspection = frame.layout, frame.palette, screen.session.inspection
    faint = () if screen.session.ablation.off else ("restore",)
    buttons = inside_button_words(screen)
    draw_row(frame, screen, layout.panel_buttons, buttons, faint=faint)
    rows, looked_at = screen.inside.rows(layout), inspection.looked_at
    if looked_at is None:
        can = hasattr(screen.session.network, "checkpoint")
        hint = "Draw a digit to see it pass through" if can else "This network cannot be seen into"
        frame.write_wrapped(hint, layout.above_buttons, layout.text, palette.quiet)
        return
    pointed_at = screen.inside.unit_at(layout, pointer_of(screen))
    # While the pointer goes from part to part, or the pen begins to draw, the rest stays.
    key = (screen.session.predictor.version, looked_at, palette, layout.text, layout.above_buttons)
    area = layout.above_buttons.grown(frame.line)
    frame.still(key, area, lambda: _draw_network(frame, screen, rows))
    for shown in rows:
        tile = (
            shown.rect(pointed_at[1]) if pointed_at and pointed_at[0] == shown.row.stage else None
        )
        if tile is not None and pointed_at != looked_at:
            frame.outline(tile.grown(frame.bold_line), palette.quiet, frame.bold_line)
    draw_card(frame, screen)


def _draw_network(frame: Frame, screen: Screen, rows: list[Shown]) -> None:
    """Draw everything except what depends on the pointer."""
    layout, palette, inspection = frame.layout, frame.palette, screen.session.inspection
    stages, looked_at = inspection.stages, inspection.looked_at
    assert looked_at is not None  # or there were no rows
    for shown in rows:
        stage = stages[shown.row.stage]
        is_chosen = looked_at[0] == shown.row.stage
        _draw_title(frame, shown, stage, is_first=shown is rows[0], is_chosen=is_chosen)
        _draw_units(frame, shown, stage)
        if stage.is_last:
            _draw_digits(frame, shown, stage)
        if shown.row.more is not None:
            rest = len(stage.values) - len(shown.units)
            whole, place = f"and {rest} more", shown.row.more
            words = whole if frame.renderer.fits(whole, place) else f"+{rest}"
            frame.write_wrapped(words, place, layout.text * 0.72, palette.quiet)
    _draw_paths(frame, rows, inspection.paths)
    _frame_unit(frame, rows, looked_at, palette.text)
    draw_detail(frame, screen)


def _frame_unit(frame: Frame, rows: list[Shown], unit: Unit, colour: Colour) -> None:
    for shown in rows:
        tile = shown.rect(unit[1]) if unit[0] == shown.row.stage else None
        if tile is not None:
            frame.outline(tile.grown(frame.bold_line), colour, frame.bold_line)


def inside_button_words(screen: Screen) -> dict[str, str]:
    """What the buttons of the panel say."""
    is_off = screen.session.inspection.looked_at in screen.session.ablation.off
    return words_of(PANEL_COMMANDS["inside"]) | ({"switch off": "On (X)"} if is_off else {})


def prepare_inside(screen: Screen) -> None:
    """Work out what is to be drawn."""
    screen.inside.rows(screen.layout)
    screen.inside.sum(screen.layout)


def inside_state(screen: Screen) -> object:
    """Which unit is looked at, and what the pointer is on."""
    inspection = screen.session.inspection
    pointed_at = screen.inside.unit_at(screen.layout, pointer_of(screen))
    return inspection.choice, pointed_at


def _draw_title(
    frame: Frame, shown: Shown, stage: Activations, is_first: bool, is_chosen: bool
) -> None:
    """What a stage consists of, and how much is silent; in fewer words where room is short."""
    place, text = shown.row.title, frame.layout.text
    size, colour = text * 0.72, frame.palette.text if is_chosen else frame.palette.quiet
    silent = int(stage.is_silent.sum()) if not stage.is_last else 0
    after = f", {silent} silent" if silent else ""
    after += f", {len(stage.off)} off" if stage.off else ""
    whole = f"{stage.title}{after}"
    if is_shown_by_weights(stage):
        whole = f"{stage.title}{after}: its weights, orange adds and blue takes away"
    if is_first and shown.row.stage:
        whole = f"after {shown.row.stage} more: {whole}"
    for words in (
        whole,
        stage.title,
        f"{stage.name}{after}",
        stage.name,
        stage.name.split(" of ")[0],
    ):
        if frame.renderer.fits(words, place):
            return frame.write_wrapped(words, place, size, colour)
    return None


def _draw_units(frame: Frame, shown: Shown, stage: Activations) -> None:
    """Some units of a stage: maps as pictures, neurons as patches, brighter = stronger."""
    palette, values = frame.palette, stage.values
    weights = stage.weight_images() if is_shown_by_weights(stage) else None
    if weights is not None:
        pictures = signed_colours(palette, weights[shown.units])
    elif values.ndim == 1:
        pictures = diverging(palette.against, palette.track, palette.ink, shades(stage))
        pictures = pictures[shown.units, None, None]
    else:
        pictures = map_colours(palette, values[shown.units], float(values.max()))
    silent = stage.is_silent & (not stage.is_last)
    for place, unit in enumerate(shown.units):
        tile = shown.row.tiles.rect(place)
        frame.show(pictures[place], tile)
        frame.outline(tile, palette.frame)
        if silent[unit]:
            _cross_out(frame, tile)
        elif unit in stage.off:
            _cross_out(frame, tile, is_off=True)


def _draw_digits(frame: Frame, shown: Shown, stage: Activations) -> None:
    """The digits on the tiles of the last stage."""
    shares = shades(stage)
    for place, digit in enumerate(shown.units):
        tile, align = shown.row.tiles.rect(place), 0.5
        colour = frame.palette.background if shares[digit] > 0.45 else frame.palette.text
        if is_shown_by_weights(stage):  # in the corner, where MNIST's digits have no ink
            side = max(frame.layout.text, tile.height // 4)
            tile, align = Rect(tile.x + 2, tile.y + 1, side, side), 0.0
            colour = frame.palette.text
        frame.write(str(digit), tile, min(frame.layout.text, tile.height * 0.9), colour, align)


def _cross_out(frame: Frame, rect: Rect, is_off: bool = False) -> None:
    """A line through the tile of a unit whose output is all 0; a cross where it is off."""
    inner = rect.shrunk(1)
    lower, upper = (inner.x, inner.bottom - 1), (inner.right - 1, inner.y)
    if not is_off:
        pygame.draw.line(frame.surface, frame.palette.quiet, lower, upper)
        return
    frame.fade(inner, 0.6)
    width = max(2, frame.layout.text // 8)
    frame.thick_line(lower, upper, width, frame.palette.text)
    start, end = (inner.x, inner.y), (inner.right - 1, inner.bottom - 1)
    frame.thick_line(start, end, width, frame.palette.text)


def _draw_paths(frame: Frame, rows: list[Shown], links: list[Link]) -> None:
    """What units add to those of the next row: the wider the more, blue where they take away."""
    by_stage = {shown.row.stage: shown for shown in rows}
    for link in reversed(links):  # the strongest lie over the others
        lower, upper = by_stage.get(link.stage - 1), by_stage.get(link.stage)
        if lower is None or upper is None or abs(link.strength) < LEAST_STRENGTH:
            continue
        source, unit = lower.rect(link.source), upper.rect(link.unit)
        if source is None or unit is None:
            continue
        # From below all lines of a row's tiles to above all of the next, not across other tiles.
        start = source.x + source.width / 2, lower.row.tiles.whole.bottom + 1
        end = unit.x + unit.width / 2, upper.row.tiles.whole.y - 2
        colour = frame.palette.best if link.strength > 0 else frame.palette.against
        frame.thick_line(start, end, max(1.5, abs(link.strength) * frame.layout.text / 4), colour)
        frame.outline(source.grown(frame.line), colour, frame.bold_line)
