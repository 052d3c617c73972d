"""Draws the sheet that dialogs stand on, over the dimmed window."""

from __future__ import annotations

import pygame

from app.window.frame import Frame
from app.window.geometry import Rect
from app.window.text import BOLD


def draw_dialog(frame: Frame, title: str) -> None:
    """Draw the empty sheet with its title."""
    layout, palette = frame.layout, frame.palette
    frame.fade(Rect(0, 0, *frame.surface.get_size()), 0.75)
    radius = max(3, layout.text // 2)
    pygame.draw.rect(frame.surface, palette.dialog, layout.dialog, border_radius=radius)
    frame.outline(layout.dialog, palette.frame, frame.line, radius)
    frame.write(title, layout.dialog_title, layout.text * 1.25, palette.text, face=BOLD)
