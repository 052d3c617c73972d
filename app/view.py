"""Draws the window: the canvas, the bars, the answer and a line of help. It decides nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pygame
from numpy.typing import NDArray

from app.layout import BarRow, Layout, Rect
from app.predictor import Answer
from nn.images import SIZE

ASSETS = Path(__file__).resolve().parent.parent / "assets"
REGULAR, BOLD = "Inter-Regular.otf", "Inter-SemiBold.otf"

Colour = tuple[int, int, int]

# Amber against blue grey differ in lightness as well as in hue, so every eye can tell them apart.
BACKGROUND: Colour = (18, 21, 27)
PAPER: Colour = (28, 32, 40)
GRID: Colour = (36, 41, 51)
FRAME: Colour = (58, 66, 80)
INK: Colour = (244, 240, 230)
TRACK: Colour = (31, 36, 45)
BAR: Colour = (104, 126, 158)
BEST: Colour = (255, 183, 77)
TEXT: Colour = (226, 229, 235)
QUIET: Colour = (139, 149, 166)

HELP = "left draws · right erases · R resets · Esc quits"
INVITATION = "Draw a digit"


class View:
    """Draws on a surface what it is handed; keeps nothing but fonts.

    `pygame.font` must have been initialised.
    """

    def __init__(self) -> None:
        self._fonts: dict[tuple[str, int], pygame.font.Font] = {}

    def draw(
        self,
        surface: pygame.Surface,
        layout: Layout,
        ink: NDArray[Any],
        answer: Answer | None,
        name: str,
    ) -> None:
        """Draw everything: `ink` (28, 28) in 0…1, the answer or none, the network's name."""
        surface.fill(BACKGROUND)
        self.draw_canvas(surface, layout, ink)
        self.draw_panel(surface, layout, answer)
        self._write(surface, HELP, layout.help, layout.text * 0.92, QUIET)
        self._write(surface, name, layout.name, layout.text * 0.92, QUIET, align=1.0)

    def draw_canvas(self, surface: pygame.Surface, layout: Layout, ink: NDArray[Any]) -> None:
        """Draw the 28×28 cells of `ink`, each a crisp square, in a frame."""
        x, y, side, _ = layout.canvas
        cells = cell_colours(ink)
        picture = pygame.image.frombuffer(cells.tobytes(), (SIZE, SIZE), "RGB")
        surface.blit(pygame.transform.scale(picture, (side, side)), (x, y))
        if layout.cell >= 6:
            self._draw_grid(surface, layout, ink)
        line = max(1, layout.text // 14)
        pygame.draw.rect(
            surface, FRAME, (x - line, y - line, side + 2 * line, side + 2 * line), line
        )

    def draw_panel(self, surface: pygame.Surface, layout: Layout, answer: Answer | None) -> None:
        """Draw the ten bars, and the answer large; without an answer, an invitation."""
        surface.fill(BACKGROUND, layout.panel)
        if answer is None:
            self._invite(surface, layout)
        else:
            self._draw_answer(surface, layout, answer)
        for digit, row in enumerate(layout.bars):
            probability = None if answer is None else answer.probabilities[digit]
            best = answer is not None and digit == answer.digit
            self._draw_bar(surface, layout, row, digit, probability, best)

    def _draw_grid(self, surface: pygame.Surface, layout: Layout, ink: NDArray[Any]) -> None:
        """Faint lines between cells, where there is no ink on either side of them."""
        x, y, side, _ = layout.canvas
        cell = layout.cell
        wide = max(1, cell // 36)
        paper = np.pad(ink <= 0, 1, constant_values=True)
        if paper.all():
            for i in range(1, SIZE):
                surface.fill(GRID, (x + i * cell, y, wide, side))
                surface.fill(GRID, (x, y + i * cell, side, wide))
            return
        beside = paper[1:-1, 1:-2] & paper[1:-1, 2:-1]  # (28, 27): cells i and i + 1 of a row
        for row, column in np.argwhere(beside).tolist():
            surface.fill(GRID, (x + (column + 1) * cell, y + row * cell, wide, cell))
        below = paper[1:-2, 1:-1] & paper[2:-1, 1:-1]
        for row, column in np.argwhere(below).tolist():
            surface.fill(GRID, (x + column * cell, y + (row + 1) * cell, cell, wide))

    def _invite(self, surface: pygame.Surface, layout: Layout) -> None:
        align = 0.0 if is_wide(layout.answer) else 0.5
        self._write(surface, INVITATION, layout.answer, layout.text * 1.5, QUIET, align=align)

    def _draw_answer(self, surface: pygame.Surface, layout: Layout, answer: Answer) -> None:
        """The digit large, its confidence beside it or, where there is no room, below it."""
        x, y, width, height = layout.answer
        confidence = percentage(answer.confidence)
        if is_wide(layout.answer):
            digit = self._glyph(str(answer.digit), height)
            surface.blit(digit, (x, y))
            # All digits are given the width of the widest, so that the words do not jump.
            left = x + round(height * 0.78) + layout.text
            words = Rect(left, y, x + width - left, height)
        else:
            tall = min(round(height * 0.62), width)
            digit = self._glyph(str(answer.digit), tall)
            top = y + (height - tall - layout.text * 3) // 2
            surface.blit(digit, (x + (width - digit.get_width()) // 2, top))
            words = Rect(x, top + tall + layout.text // 2, width, layout.text * 5 // 2)
        align = 0.0 if is_wide(layout.answer) else 0.5
        self._write(surface, confidence, words, layout.text * 1.5, TEXT, align=align, face=BOLD)

    def _draw_bar(
        self,
        surface: pygame.Surface,
        layout: Layout,
        row: BarRow,
        digit: int,
        probability: float | None,
        best: bool,
    ) -> None:
        face = BOLD if best else REGULAR
        colour = BEST if best else TEXT if probability is not None else QUIET
        self._write(surface, str(digit), row.label, layout.text, colour, face=face)
        surface.fill(TRACK, row.track)
        if probability is None:
            return
        length = round(probability * row.track.width)
        surface.fill(BEST if best else BAR, (*row.track[:2], length, row.track.height))
        colour = BEST if best else TEXT if probability >= 0.005 else QUIET
        self._write(
            surface, percentage(probability), row.percent, layout.text, colour, align=1.0, face=face
        )

    def _write(
        self,
        surface: pygame.Surface,
        text: str,
        rect: Rect,
        size: float,
        colour: Colour,
        align: float = 0.0,
        face: str = REGULAR,
    ) -> None:
        """One line of text in a rectangle, smaller if it is too wide; `align` 0 left … 1 right."""
        height = max(6, round(size))
        width = self._font(face, height).size(text)[0]
        if width > rect.width:
            height = max(6, int(height * rect.width / width))
        picture = self._font(face, height).render(text, True, colour)
        x = rect.x + max(0, round((rect.width - picture.get_width()) * align))
        y = rect.y + (rect.height - picture.get_height()) // 2
        # What is too long even so is cut off at the end of the rectangle.
        surface.blit(picture, (x, y), (0, 0, rect.width, picture.get_height()))

    def _glyph(self, digit: str, height: int) -> pygame.Surface:
        """A digit that is about `height` pixels tall, and no taller, without space around it."""
        tallest = 0.765  # of the font's size, in Inter: a round digit with its overshoot
        picture = self._font(BOLD, max(6, round(height / tallest))).render(digit, True, BEST)
        return picture.subsurface(picture.get_bounding_rect())

    def _font(self, face: str, size: int) -> pygame.font.Font:
        key = (face, size)
        if key not in self._fonts:
            if len(self._fonts) > 64:  # a window dragged through many sizes
                self._fonts.clear()
            self._fonts[key] = pygame.font.Font(str(ASSETS / "fonts" / face), size)
        return self._fonts[key]


def is_wide(rect: Rect) -> bool:
    """Whether words fit beside a digit as tall as the rectangle."""
    return rect.width > rect.height * 1.4


def percentage(probability: float) -> str:
    """A probability for people: `98 %`; only a certainty is called `100 %`."""
    if 0.995 <= probability < 1.0:
        return ">99 %"
    return f"{100 * probability:.0f} %"


def cell_colours(ink: NDArray[Any]) -> NDArray[np.uint8]:
    """The colours of cells of ink (H, W) in 0…1, as bytes (H, W, 3)."""
    paper, full = np.array(PAPER, dtype=np.float32), np.array(INK, dtype=np.float32)
    mixed: NDArray[Any] = np.rint(paper + ink[..., None] * (full - paper))
    return mixed.astype(np.uint8)
