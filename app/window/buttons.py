"""Draws rows of buttons."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pygame

from app.window.frame import Frame
from app.window.geometry import Rect
from app.window.screen import Screen


def draw_row(
    frame: Frame,
    screen: Screen,
    buttons: Mapping[str, Rect],
    words: Mapping[str, str],
    active: Collection[str] = (),
    faint: Collection[str] = (),
) -> None:
    """Draw buttons with their words: bright under the pointer, framed where the keyboard is.

    Those that are `active` are underlined; the `faint` ones would do nothing.
    """
    palette, text = frame.palette, frame.layout.text
    radius, under = max(2, text // 4), max(2, text // 8)
    for name, rect in buttons.items():
        is_hovered = name == screen.hover and screen.dialog in (None, "my digits")
        face = palette.hover if is_hovered else palette.button
        pygame.draw.rect(frame.surface, face, rect, border_radius=radius)
        if name in active:
            width = max(1, rect.width - 2 * radius - 2)
            frame.fill((rect.x + radius + 1, rect.bottom - under, width, under), palette.best)
        if name == screen.focus:
            frame.outline(rect, palette.best, max(2, text // 9), radius)
        colour = palette.quiet if name in faint else palette.text
        frame.write(words[name], rect.shrunk(max(2, text // 6)), text * 0.9, colour, 0.5)
