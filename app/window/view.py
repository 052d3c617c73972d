"""Draws the window: canvas, answer, framed image, bars, buttons. It decides nothing.

What goes into the lower part of the panel is in `app.window.panels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pygame

from app.session.commands import BUTTONS
from app.session.predictor import Answer
from app.session.session import on_canvas
from app.window import dialogs, panels
from app.window.cells import attribution_colours, cell_colours, enlarged, gliding
from app.window.layout import Layout, Rect
from app.window.palette import PALETTES, Palette
from app.window.text import BOLD, MIN_TEXT, REGULAR, TextRenderer
from nn.handwriting.framing import BOX, SIZE
from nn.support.types import Array

if TYPE_CHECKING:
    from app.session.session import Session

INVITATION = "Draw a digit"
NETWORK_INPUT, SEEN_SHORT = "what the network sees", "what it sees"
STALE = 0.6  # how far an answer fades once the drawing has changed


class View:
    """Draws the parts of a session's window on a surface; keeps nothing but words."""

    def __init__(self) -> None:
        self.renderer = TextRenderer()

    def draw(self, surface: pygame.Surface, session: Session) -> None:
        """Draw everything."""
        surface.fill(PALETTES[session.theme].background)
        self.draw_canvas(surface, session)
        self.draw_head(surface, session)
        self.draw_body(surface, session)
        self.draw_buttons(surface, session)
        self.draw_foot(surface, session)
        if session.overlay == "help":
            dialogs.draw_help(surface, session, self.renderer)
        elif session.overlay == "open":
            dialogs.draw_list(surface, session, self.renderer)
        elif session.overlay == "mine":
            dialogs.draw_own_digits(surface, session, self.renderer)

    def draw_canvas(self, surface: pygame.Surface, session: Session) -> Rect:
        """Draw the 28×28 cells of ink, each a crisp square, in a frame; returns the rectangle."""
        layout, palette = session.layout, PALETTES[session.theme]
        ink, framing = session.canvas.ink, session.predictor.framing
        x, y, side, _ = layout.canvas
        is_stale = session.predictor.is_stale
        if session.attribution is not None and framing is not None and not is_stale:
            cells = attribution_colours(palette, ink, on_canvas(session.attribution, framing))
        else:
            cells = cell_colours(palette, ink)
        surface.blit(enlarged(cells, side), (x, y))
        if layout.cell >= 6:
            self._draw_grid(surface, layout, palette, ink)
        line = line_width(layout)
        frame = Rect(x - line, y - line, side + 2 * line, side + 2 * line)
        pygame.draw.rect(surface, palette.frame, frame, line)
        if session.pen is not None:
            self._draw_pen(surface, session)
        return frame

    def draw_head(self, surface: pygame.Surface, session: Session) -> Rect:
        """Draw the answer large, and the framed image; returns the rectangle."""
        layout, palette = session.layout, PALETTES[session.theme]
        area = around(layout.answer, layout.network_input, layout.caption)
        line = line_width(layout)
        area = Rect(area.x - line, area.y - line, area.width + 2 * line, area.height + 2 * line)
        surface.fill(palette.background, area)
        answer = session.predictor.answer
        if answer is None:
            align = 0.0 if is_wide(layout.answer) else 0.5
            self.renderer.write(
                surface, INVITATION, layout.answer, layout.text * 1.5, palette.quiet, align
            )
        else:
            self._draw_answer(surface, layout, palette, answer, session.label)
        self._draw_network_input(surface, session)
        if session.predictor.is_stale:
            for rect in (layout.answer, layout.network_input):
                dialogs.draw_veil(surface, session, rect, STALE)
        return area

    def draw_body(self, surface: pygame.Surface, session: Session) -> Rect:
        """Draw the present panel; returns its rectangle."""
        layout = session.layout
        body, line = layout.body, line_width(layout)  # of the frames around what touches its edges
        body = Rect(body.x - line, body.y - line, body.width + 2 * line, body.height + 2 * line)
        surface.fill(PALETTES[session.theme].background, body)
        if session.panel == "inside":
            panels.draw_inside(surface, session, self.renderer)
        else:
            panels.draw_bars(surface, session, self.renderer)
            panels.draw_table(surface, session, self.renderer)
            if session.panel == "training":
                panels.draw_training(surface, session, self.renderer)
        if session.predictor.is_stale:
            # How a training goes is not about the drawing.
            answers = [*(row.whole for row in layout.bars), *layout.table]
            dialogs.draw_veil(surface, session, around(*answers) if answers else body, STALE)
        return body

    def draw_buttons(self, surface: pygame.Surface, session: Session) -> Rect:
        """Draw the buttons; those that would do nothing are faint. Returns the rectangle."""
        layout, palette = session.layout, PALETTES[session.theme]
        area = around(*layout.buttons.values())
        surface.fill(palette.background, area)
        active = {
            "inside": session.panel == "inside",
            "train": session.panel == "training",
            "why": session.is_why,
            "network": session.panel == "networks",
        }
        useless = {
            "undo": not session.can_undo,
            "redo": not session.canvas.can_redo,
            "clear": session.canvas.is_blank,
            "save": session.canvas.is_blank,
        }
        for name, rect in layout.buttons.items():
            panels.draw_button(
                surface, session, self.renderer, name, BUTTONS[name], rect,
                is_active=active.get(name, False), is_faint=useless.get(name, False),
            )  # fmt: skip
        return area

    def draw_foot(self, surface: pygame.Surface, session: Session) -> Rect:
        """Draw the line at the bottom: a hint or a message, and the network's name."""
        layout, palette = session.layout, PALETTES[session.theme]
        line = around(layout.help, layout.name)
        area = line._replace(height=line.height + layout.text)  # the margin has room for a second
        surface.fill(palette.background, area)
        colour = palette.text if session.message else palette.quiet
        size, words, room = layout.text * 0.92, session.hint(), layout.help
        is_long = self.renderer.width(words, MIN_TEXT) > room.width
        if is_long and session.message:  # it goes by; the name can wait
            room = line
        else:
            self.renderer.write(
                surface, session.network.name, layout.name, size, palette.quiet, 1.0
            )
        if self.renderer.width(words, MIN_TEXT) > room.width:
            room = room._replace(height=area.height)
            self.renderer.write_wrapped(surface, words, room, size, colour)
        else:
            self.renderer.write(surface, words, room, size, colour)
        return area

    def _draw_grid(
        self, surface: pygame.Surface, layout: Layout, palette: Palette, ink: Array
    ) -> None:
        """Faint lines between cells, where there is no ink on either side of them."""
        x, y, side, _ = layout.canvas
        cell = layout.cell
        wide = max(1, cell // 36)
        paper = np.pad(ink <= 0, 1, constant_values=True)
        if paper.all():
            for i in range(1, SIZE):
                surface.fill(palette.grid, (x + i * cell, y, wide, side))
                surface.fill(palette.grid, (x, y + i * cell, side, wide))
            return
        beside = paper[1:-1, 1:-2] & paper[1:-1, 2:-1]  # (28, 27): cells i and i + 1 of a row
        for row, column in np.argwhere(beside).tolist():
            surface.fill(palette.grid, (x + (column + 1) * cell, y + row * cell, wide, cell))
        below = paper[1:-2, 1:-1] & paper[2:-1, 1:-1]
        for row, column in np.argwhere(below).tolist():
            surface.fill(palette.grid, (x + column * cell, y + (row + 1) * cell, cell, wide))

    def _draw_pen(self, surface: pygame.Surface, session: Session) -> None:
        """A ring where the keyboard's pen is, filled while it is down."""
        assert session.pen is not None
        layout, palette = session.layout, PALETTES[session.theme]
        x, y = layout.to_pixels(*session.pen)
        radius = max(3, layout.cell)
        before = surface.get_clip()
        surface.set_clip(pygame.Rect(layout.canvas))
        pygame.draw.circle(surface, palette.best, (int(x), int(y)), radius, max(2, radius // 5))
        if session.canvas.is_drawing:
            pygame.draw.circle(surface, palette.best, (int(x), int(y)), max(2, radius // 3))
        surface.set_clip(before)

    def _draw_answer(
        self,
        surface: pygame.Surface,
        layout: Layout,
        palette: Palette,
        answer: Answer,
        label: int | None,
    ) -> None:
        """The digit large, its confidence beside it or, where there is no room, below it."""
        x, y, width, height = layout.answer
        wide = is_wide(layout.answer)
        text = layout.text
        tall = height if wide else min(round(height * 0.5), width)
        shown = str(answer.digit) if answer.is_digit else "?"
        colour = palette.best if answer.is_sure else palette.quiet
        digit = self.renderer.glyph(shown, tall, colour)
        if wide:
            surface.blit(digit, (x, y + (height - digit.get_height()) // 2))
            # All digits are given the width of the widest, so that the words do not jump.
            left = x + round(height * 0.78) + text // 2
            words = Rect(left, y, x + width - left, height)
        else:
            top = y + max(0, (height - tall - text * 4) // 2)
            surface.blit(digit, (x + (width - digit.get_width()) // 2, top))
            words = Rect(x, top + tall + text // 2, width, min(text * 4, y + height - top - tall))
        lines = [(panels.percentage(answer.confidence), 1.5, BOLD)]
        if not answer.is_digit:
            lines = [("unlike any digit", 1.2, BOLD), (f"perhaps {answer.digit}", 1.0, REGULAR)]
        elif not answer.is_sure:
            lines.append(("not sure", 1.0, REGULAR))
        if label is not None:
            verdict = "read right" if label == answer.digit else "misread"
            article = "an" if label == 8 else "a"
            verdict = verdict if answer.is_digit else "not read"
            lines.append((f"it is {article} {label}: {verdict}", 1.0, REGULAR))
        lines = [
            (part, size, face)
            for line, size, face in lines
            for part in self.renderer.wrapped(line, words.width, MIN_TEXT, face)
        ]
        room = min(words.height // len(lines), text * 2)
        # The parts of a line that was wrapped are equally large.
        largest = min(
            self.renderer.fitting(line, Rect(*words[:3], room), text * size, face)
            for line, size, face in lines
            if face == BOLD
        )
        top = words.y + (words.height - room * len(lines)) // 2
        for index, (line, size, face) in enumerate(lines):
            place = Rect(words.x, top + index * room, words.width, room)
            colour = palette.text if face == BOLD else palette.quiet
            size = largest if face == BOLD else text * size
            self.renderer.write(surface, line, place, size, colour, 0.0 if wide else 0.5, face)

    def _draw_network_input(self, surface: pygame.Surface, session: Session) -> None:
        """The framed image, or the drawing on its way into the frame."""
        layout, palette = session.layout, PALETTES[session.theme]
        framing, network_input = session.predictor.framing, layout.network_input
        if framing is None:
            cells = cell_colours(palette, np.zeros((SIZE, SIZE), np.float32))
        elif session.glide < 1:
            cells = cell_colours(palette, gliding(session.canvas.ink, framing, session.glide))
        elif session.attribution is not None:
            cells = attribution_colours(palette, framing.image, session.attribution)
        else:
            cells = cell_colours(palette, framing.image)
        surface.blit(enlarged(cells, network_input.width), network_input[:2])
        line = line_width(layout)
        pygame.draw.rect(
            surface, palette.frame,
            network_input.shrunk(-line), line,
        )  # fmt: skip
        if framing is None:  # the box that MNIST's digits fill
            margin = round(network_input.width * (SIZE - BOX) / 2 / SIZE)
            pygame.draw.rect(surface, palette.grid, network_input.shrunk(margin), line)
        size = layout.text * 0.8
        align = 1.0 if layout.caption.right == network_input.right else 0.0
        has_room = self.renderer.width(NETWORK_INPUT, MIN_TEXT) <= layout.caption.width
        words = NETWORK_INPUT if has_room else SEEN_SHORT
        self.renderer.write(surface, words, layout.caption, size, palette.quiet, align)


def around(*rects: Rect) -> Rect:
    """The smallest rectangle around some."""
    left, top = min(rect.x for rect in rects), min(rect.y for rect in rects)
    right, bottom = max(rect.right for rect in rects), max(rect.bottom for rect in rects)
    return Rect(left, top, right - left, bottom - top)


def line_width(layout: Layout) -> int:
    """How wide the frames are."""
    return max(1, layout.text // 14)


def is_wide(rect: Rect) -> bool:
    """Whether words fit beside a digit as tall as the rectangle."""
    return rect.width > rect.height * 1.4
