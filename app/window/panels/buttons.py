"""Draws rows of buttons."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pygame

from app.window.layout.frame import Frame
from app.window.screen.screen import Screen
from app.window.style.geometry import Rect
from app.window.style.palette import Colour
from app.window.style.text import BOLD, MIN_TEXT, REGULAR


def draw_row(
    frame: Frame,
    screen: Screen,
    buttons: Mapping[str, Rect],
    words: Mapping[str, str],
    active: Collection[str] = (),
    faint: Collection[str] = (),
    first: str | None = None,
) -> None:
    """Draw buttons with their words: bright under the pointer, framed where the keyboard is.

    Those that are `active` are underlined; the `faint` ones would do nothing. The `first` is the
    one that is wanted most. The keys in brackets are left out where there is no room for all words.
    """
    palette, text = frame.palette, frame.layout.text
    radius, under, inset = max(2, text // 4), max(2, text // 8), max(2, text // 6)
    size, width_of = text * 0.9, frame.renderer.width
    if any(width_of(words[n], MIN_TEXT) > r.shrunk(inset).width for n, r in buttons.items()):
        words = {name: word.split(" (")[0] for name, word in words.items()}
    for name, rect in buttons.items():  # letters of one size
        size = min(size, frame.renderer.fitting(words[name], rect.shrunk(inset), size, BOLD))
    for name, rect in buttons.items():
        is_hovered = name == screen.hover and screen.dialog in (None, "my digits")
        is_first = name == first and name not in faint
        face = palette.first if is_first else palette.button
        draw_face(frame, rect, palette.hover if is_hovered else face)
        if name in active:
            width = max(1, rect.width - 2 * radius - 2)
            frame.fill((rect.x + radius + 1, rect.bottom - under, width, under), palette.best)
        if name == screen.focus:
            frame.outline(rect, palette.best, max(2, text // 9), radius)
        colour = palette.quiet if name in faint else palette.text
        weight = BOLD if is_first else REGULAR
        frame.write(words[name], rect.shrunk(inset), size, colour, 0.5, weight)


def draw_face(frame: Frame, rect: Rect, colour: Colour) -> None:
    """Draw a button without its words."""
    radius = max(2, frame.layout.text // 4)
    pygame.draw.rect(frame.surface, colour, rect, border_radius=radius)
