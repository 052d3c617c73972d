"""Draws a button."""

from __future__ import annotations

import pygame

from app.window.frame import Frame
from app.window.geometry import Rect
from app.window.screen import Screen


def draw_button(
    frame: Frame,
    screen: Screen,
    name: str,
    words: str,
    rect: Rect,
    is_active: bool = False,
    is_faint: bool = False,
) -> None:
    """A button with its word: bright under the pointer, framed where the keyboard is.

    An active one is underlined; a faint one would do nothing.
    """
    palette, text = frame.palette, frame.layout.text
    radius = max(2, text // 4)
    is_hovered = name == screen.hover and screen.dialog in (None, "my digits")
    face = palette.hover if is_hovered else palette.button
    pygame.draw.rect(frame.surface, face, rect, border_radius=radius)
    if is_active:
        under, inset = max(2, text // 8), radius + 1
        width = max(1, rect.width - 2 * inset)
        frame.fill((rect.x + inset, rect.bottom - under, width, under), palette.best)
    if name == screen.focus:
        frame.outline(rect, palette.best, max(2, text // 9), radius)
    colour = palette.quiet if is_faint else palette.text
    frame.write(words, rect.shrunk(max(2, text // 6)), text * 0.9, colour, 0.5)
