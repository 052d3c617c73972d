"""Draws the window: canvas, answer, framed image, panel, buttons. It decides nothing.

Panels and dialogs have modules of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pygame

from app.my_digits.my_digits import with_article
from app.session.predictor import Answer
from app.window.input.commands import BUTTONS, PROJECTOR_BUTTONS, Panel
from app.window.layout.frame import Frame
from app.window.panels.bars import draw_bars
from app.window.panels.buttons import draw_row
from app.window.panels.challenge_line import draw_challenge
from app.window.panels.dialogs import draw_help, draw_list
from app.window.panels.inside_pointer import draw_patch_in_frame, draw_patch_on_canvas
from app.window.panels.my_digits_dialog import draw_own_digits
from app.window.panels.projector_view import draw_keys
from app.window.panels.table import draw_table
from app.window.panels.why import draw_legend, draw_missing, why_colours
from app.window.screen.screen import Screen
from app.window.screen.trace import draw_trace, traced_digit
from app.window.style.cells import cell_colours, gliding
from app.window.style.geometry import Rect, around
from app.window.style.palette import PALETTES
from app.window.style.text import BOLD, MIN_TEXT, REGULAR, TextRenderer, percentage
from nn.handwriting.framing import BOX, SIZE
from nn.support.types import Array

INVITATION = "Draw a digit"
NETWORK_INPUT, SEEN_SHORT = "what the network sees", "what it sees"
PANEL_ERROR = "This panel met an error. The drawing is safe; Esc closes the panel."
BESIDE_CANVAS = ("inside", "weights")  # panels whose bars stand with the answer
DIMMED = 0.75  # how far the window fades below a dialog
MIN_HOLLOW = 6  # pixels of a cell that can be seen to be hollow
STALE = 0.6  # how far an answer fades once the drawing has changed


class View:
    """Draws a session's window on a surface; keeps nothing but words and one picture."""

    def __init__(self) -> None:
        self.renderer = TextRenderer()
        self._stills: dict[object, pygame.Surface] = {}

    def frame(self, surface: pygame.Surface, screen: Screen) -> Frame:
        """What to draw the session's window with, as it is now."""
        palette = PALETTES[screen.theme]
        return Frame(surface, screen.layout, palette, self.renderer, self._stills)

    def draw(self, surface: pygame.Surface, screen: Screen) -> None:
        """Draw everything."""
        frame = self.frame(surface, screen)
        surface.fill(frame.palette.background)
        for draw in PARTS.values():
            screen.guard.run(partial(draw, frame, screen))
        if screen.dialog is not None:
            frame.fade(Rect(0, 0, *surface.get_size()), DIMMED)
            draw_over(frame, screen)


def draw_over(frame: Frame, screen: Screen) -> Rect:
    """Draw the dialog that lies over the window; returns its sheet."""
    assert screen.dialog is not None
    screen.guard.run(partial(DIALOGS[screen.dialog], frame, screen))
    is_help = screen.dialog == "help"
    return (screen.help_pages.sheet.dialog if is_help else frame.layout.dialog).sheet


def draw_canvas(frame: Frame, screen: Screen) -> Rect:
    """Draw the 28×28 cells of ink, each a crisp square, in a frame; returns the rectangle."""
    layout, palette = frame.layout, frame.palette
    ink, predictor = screen.session.canvas.ink, screen.session.predictor
    framing, found = predictor.framing, screen.session.explanation.map
    if found is not None and framing is not None:
        cells = why_colours(palette, ink, found, framing)
    else:
        cells = cell_colours(palette, ink)
    frame.show(cells, layout.canvas)
    if layout.cell >= 6:
        _draw_grid(frame, ink)
    if found is not None and framing is not None:
        draw_missing(frame, found, layout.canvas, framing)
    if (digit := traced_digit(screen.session)) is not None:
        draw_trace(frame, digit)
    draw_patch_on_canvas(frame, screen)
    edge = layout.canvas.grown(frame.line)
    frame.outline(edge, palette.frame, frame.line)
    if screen.pen.place is not None:
        _draw_pen(frame, screen.pen.place, screen.pen.is_down)
    return edge


def _draw_grid(frame: Frame, ink: Array) -> None:
    """Faint lines between cells, where there is no ink on either side of them."""
    (x, y, side, _), cell, grid = frame.layout.canvas, frame.layout.cell, frame.palette.grid
    wide, fill = max(1, cell // 36), frame.surface.fill  # itself, for it is called a thousand times
    paper = np.pad(ink <= 0, 1, constant_values=True)
    if paper.all():
        for i in range(1, SIZE):
            fill(grid, (x + i * cell, y, wide, side))
            fill(grid, (x, y + i * cell, side, wide))
        return
    beside = paper[1:-1, 1:-2] & paper[1:-1, 2:-1]  # (28, 27): cells i and i + 1 of a row
    for row, column in np.argwhere(beside).tolist():
        fill(grid, (x + (column + 1) * cell, y + row * cell, wide, cell))
    below = paper[1:-2, 1:-1] & paper[2:-1, 1:-1]
    for row, column in np.argwhere(below).tolist():
        fill(grid, (x + column * cell, y + (row + 1) * cell, cell, wide))


def _draw_pen(frame: Frame, pen: tuple[float, float], is_down: bool) -> None:
    """A ring where the keyboard's pen is, filled while it is down."""
    surface, best = frame.surface, frame.palette.best
    x, y = (int(value) for value in frame.layout.to_pixels(*pen))
    radius = max(3, frame.layout.cell)
    with frame.clipped(frame.layout.canvas):
        pygame.draw.circle(surface, best, (x, y), radius, max(2, radius // 5))
        if is_down:
            pygame.draw.circle(surface, best, (x, y), max(2, radius // 3))


def draw_head(frame: Frame, screen: Screen) -> Rect:
    """Draw the answer large, the framed image and, beside a network's inside, the bars."""
    layout, palette = frame.layout, frame.palette
    bars = layout.bars if screen.panel in BESIDE_CANVAS else ()
    below = [row.whole for row in bars]
    area = around(layout.answer, layout.network_input, layout.caption, *below).grown(frame.line)
    frame.fill(area, palette.background)
    answer = screen.session.predictor.answer
    if answer is None:
        align = 0.0 if is_wide(layout.answer) else 0.5
        frame.write(INVITATION, layout.answer, layout.text * 1.5, palette.quiet, align)
    else:
        _draw_answer(frame, answer, screen.session.label)
    _draw_network_input(frame, screen)
    if bars:
        draw_bars(frame, screen)
    if screen.session.predictor.is_stale:
        for rect in (layout.answer, layout.network_input, *below):
            frame.fade(rect, STALE)
    return area


def _draw_answer(frame: Frame, answer: Answer, label: int | None) -> None:
    """The digit large, its confidence beside it or, where there is no room, below it."""
    (x, y, width, height), text, palette = frame.layout.answer, frame.layout.text, frame.palette
    wide = is_wide(frame.layout.answer)
    tall = height if wide else min(round(height * 0.5), width)
    shown = str(answer.digit) if answer.is_digit else "?"
    digit = frame.renderer.glyph(shown, tall, palette.best if answer.is_sure else palette.quiet)
    if wide:
        frame.surface.blit(digit, (x, y + (height - digit.get_height()) // 2))
        # All digits are given the width of the widest, so that the words do not jump.
        left = x + round(height * 0.78) + text // 2
        words = Rect(left, y, x + width - left, height)
    else:
        top = y + max(0, (height - tall - text * 4) // 2)
        frame.surface.blit(digit, (x + (width - digit.get_width()) // 2, top))
        words = Rect(x, top + tall + text // 2, width, min(text * 4, y + height - top - tall))
    lines = [
        (part, size, face)
        for line, size, face in _answer_lines(answer, label)
        for part in frame.renderer.wrapped(line, words.width, MIN_TEXT, face)
    ]
    room = min(words.height // len(lines), text * 2)
    # The parts of a line that was wrapped are equally large.
    largest = min(
        frame.renderer.fitting(line, words._replace(height=room), text * size, face)
        for line, size, face in lines
        if face == BOLD
    )
    top = words.y + (words.height - room * len(lines)) // 2
    for index, (line, size, face) in enumerate(lines):
        place = Rect(words.x, top + index * room, words.width, room)
        colour = palette.text if face == BOLD else palette.quiet
        size = largest if face == BOLD else text * size
        frame.write(line, place, size, colour, 0.0 if wide else 0.5, face)


def _answer_lines(answer: Answer, label: int | None) -> list[tuple[str, float, str]]:
    """The words beside the digit: each line with its size, in heights of text, and its face."""
    lines = [(percentage(answer.confidence), 1.5, BOLD)]
    if not answer.is_digit:
        perhaps = f"{'so far, ' if answer.is_provisional else ''}perhaps {answer.digit}"
        lines = [("unlike any digit", 1.2, BOLD), (perhaps, 1.0, REGULAR)]
    elif answer.is_provisional:
        lines.append(("so far", 1.0, REGULAR))
    elif not answer.is_sure:
        lines.append(("not sure", 1.0, REGULAR))
    if label is not None:
        verdict = "read right" if label == answer.digit else "misread"
        verdict = verdict if answer.is_digit else "not read"
        lines.append((f"it is {with_article(label)}: {verdict}", 1.0, REGULAR))
    return lines


def _draw_network_input(frame: Frame, screen: Screen) -> None:
    """The framed image, or the drawing on its way into the frame."""
    layout, palette, line = frame.layout, frame.palette, frame.line
    predictor, place, caption = screen.session.predictor, layout.network_input, layout.caption
    framing, found = predictor.framing, screen.session.explanation.map
    if framing is None:
        cells = cell_colours(palette, np.zeros((SIZE, SIZE), np.float32))
    elif (progress := predictor.glide) < 1:
        cells = cell_colours(palette, gliding(screen.session.canvas.ink, framing, progress))
    elif found is not None:
        cells = why_colours(palette, framing.image, found)
    else:
        cells = cell_colours(palette, framing.image)
    frame.show(cells, place)
    draw_patch_in_frame(frame, screen)
    frame.outline(place.grown(line), palette.frame, line)
    if framing is None:  # the box that MNIST's digits fill
        margin = round(place.width * (SIZE - BOX) / 2 / SIZE)
        frame.outline(place.shrunk(margin), palette.grid, line)
    if found is not None and predictor.glide == 1 and place.width >= SIZE * MIN_HOLLOW:
        draw_missing(frame, found, place)
    if found is not None:
        return draw_legend(frame, found, caption)
    has_room = frame.renderer.width(NETWORK_INPUT, MIN_TEXT) <= caption.width
    words = NETWORK_INPUT if has_room else SEEN_SHORT
    align = 1.0 if caption.right == place.right else 0.0
    return frame.write(words, caption, layout.text * 0.8, palette.quiet, align)


def draw_body(frame: Frame, screen: Screen) -> Rect:
    """Draw the present panel; returns its rectangle."""
    layout = frame.layout
    body = layout.body.grown(frame.line)  # with the frames around what touches its edges
    frame.fill(body, frame.palette.background)
    is_drawn = screen.guard.run(lambda: panel_view(screen.panel).draw(frame, screen) is None)
    if not is_drawn:
        frame.fill(body, frame.palette.background)
        words = f"{PANEL_ERROR} ({screen.guard.error})"
        frame.write_wrapped(words, layout.body, layout.text, frame.palette.quiet)
    if screen.session.predictor.is_stale:
        # How a training goes is not about the drawing; in Inside the bars stand elsewhere.
        bars = layout.bars if screen.panel not in BESIDE_CANVAS else ()
        answers = [*(row.whole for row in bars), *layout.table]
        above = layout.above_buttons.grown(frame.line)  # which do what they say all the same
        if answers or panel_view(screen.panel).is_about_drawing:
            frame.fade(around(*answers) if answers else above, STALE)
    return body


def draw_buttons(frame: Frame, screen: Screen) -> Rect:
    """Draw the buttons; those that would do nothing are faint. Returns the rectangle."""
    area = around(*frame.layout.buttons.values(), *frame.layout.groups.values())
    frame.fill(area, frame.palette.background)
    is_compared = screen.is_why and screen.session.explanation.rival is not None
    active = {panel_view(screen.panel).button}
    active |= {"versus" if is_compared else "why"} if screen.is_why else set()
    canvas = screen.session.canvas
    useless = {
        "undo": not screen.session.can_undo,
        "redo": not canvas.can_redo,
        "clear": canvas.is_blank,
        "save": canvas.is_blank,
    }
    faint = [name for name, is_useless in useless.items() if is_useless]
    words = PROJECTOR_BUTTONS if screen.projector.is_on else BUTTONS
    draw_row(frame, screen, frame.layout.buttons, words, active, faint, "clear")
    for group, place in frame.layout.groups.items():
        if group != "window":  # its one button is the help
            frame.write(group, place, frame.layout.text * 0.7, frame.palette.quiet)
    return area


def network_name(screen: Screen) -> str:
    """The name of the network that predicts, and whether it is only being trained."""
    session = screen.session
    is_in_training = session.is_training_shown and session.course.training is not None
    return session.network.name + (", in training" if is_in_training else "")


def draw_foot(frame: Frame, screen: Screen) -> Rect:
    """Draw the line at the bottom: a hint or a message, and the network's name."""
    layout, palette, width_of = frame.layout, frame.palette, frame.renderer.width
    line = around(layout.help, layout.name)
    area = line._replace(height=line.height + layout.text)  # the margin has room for a second
    frame.fill(area, palette.background)
    colour = palette.text if screen.session.message else palette.quiet
    size, words, room = layout.text * 0.92, screen.hint(), layout.help
    if screen.session.message and width_of(words, MIN_TEXT) > room.width:
        room = line  # it goes by; the name can wait
    else:
        frame.write(network_name(screen), layout.name, size, palette.quiet, 1.0)
    if width_of(words, MIN_TEXT) > room.width:
        frame.write_wrapped(words, room._replace(height=area.height), size, colour)
    else:
        frame.write(words, room, size, colour)
    return area


def is_wide(rect: Rect) -> bool:
    """Whether words fit beside a digit as tall as the rectangle."""
    return rect.width > rect.height * 1.4


def draw_answer(frame: Frame, screen: Screen) -> None:
    """Draw what there is room for: the bars, and what each network makes of the drawing."""
    draw_bars(frame, screen)
    draw_table(frame, screen)


class PanelView(NamedTuple):
    """How a panel is drawn, what it shows besides the answer, and the button that opens it.

    `prepare` does the longest work, a frame before it is drawn.
    """

    draw: Callable[[Frame, Screen], None]
    state: Callable[[Screen], object] = lambda _: None
    button: str = ""
    prepare: Callable[[Screen], object] | None = None
    is_about_drawing: bool = True


def panel_view(panel: Panel) -> PanelView:
    """How a panel is drawn; its module is loaded when it is first open, for a sooner start."""
    if panel == "inside":
        from app.window.panels.inside import draw_inside, inside_state, prepare_inside

        return PanelView(draw_inside, inside_state, "inside", prepare_inside)
    if panel == "mistakes":
        from app.window.panels.mistakes import draw_mistakes, mistakes_state

        return PanelView(draw_mistakes, mistakes_state, "mistakes", is_about_drawing=False)
    if panel in ("training", "weights"):
        from app.window.panels.training_panel import draw_training, training_state
        from app.window.panels.weights_view import draw_weights

        if panel == "training":
            return PanelView(draw_training, training_state, "train")
        return PanelView(draw_weights, training_state, "inside", is_about_drawing=False)
    return PanelView(draw_answer, button="network" if panel == "networks" else "")


# What the window consists of; each is painted anew when its part of the state changed.
PARTS = {
    "canvas": draw_canvas,
    "head": draw_head,
    "body": draw_body,
    "buttons": draw_buttons,
    "foot": draw_foot,
    "challenge": draw_challenge,
    "keys": draw_keys,
}
DIALOGS = {"help": draw_help, "open": draw_list, "my digits": draw_own_digits}
