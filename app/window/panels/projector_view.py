"""Draws what a window for a projector shows beside canvas and panel: the key that was pressed."""

from __future__ import annotations

import pygame

from app.window.layout.frame import Frame
from app.window.screen.screen import Screen
from app.window.style.geometry import Rect
from app.window.style.text import BOLD, MIN_TEXT

STEPS = 12  # of fading


def draw_keys(frame: Frame, screen: Screen) -> Rect:
    """Draw the key as a key, and beside it what it does; returns the rectangle."""
    place, text, palette = frame.layout.keys, frame.layout.text, frame.palette
    if place is None:
        return Rect(0, 0, 0, 0)
    frame.fill(place, palette.background)
    if not (strength := _steps(screen)):
        return place
    key, size, radius = screen.projector, round(place.height * 0.72), text // 3
    needed = frame.renderer.width(key.name, max(MIN_TEXT, size), BOLD) + text
    cap = place._replace(width=min(place.width, max(place.height, needed)))
    pygame.draw.rect(frame.surface, palette.button, cap, border_radius=radius)
    frame.outline(cap, palette.best, frame.bold_line, radius)
    frame.write(key.name, cap.shrunk(radius), size, palette.text, 0.5, BOLD)
    left = cap.right + text // 2
    words = place._replace(x=left, width=max(1, place.right - left))
    frame.write(key.words, words, size, palette.text)
    if strength < STEPS:
        frame.fade(place, 1 - strength / STEPS)
    return place


def keys_state(screen: Screen) -> object:
    """What is shown of the key."""
    strength = _steps(screen)
    return strength and (strength, screen.projector.name, screen.projector.words)


def _steps(screen: Screen) -> int:
    """How much of the key is still seen, in steps."""
    return round(screen.projector.strength * STEPS)
