"""The clicks that some systems make of a touch without marking them as such."""

from __future__ import annotations

import math
from typing import NamedTuple

import pygame

from app.drawing.canvas import Point

GHOST_SECONDS = 0.5  # a click so soon after a touch, and as near as a finger is wide, is the touch


class Touch(NamedTuple):
    """What was heard of one finger."""

    time: float  # of the last event, in seconds
    first: Point  # where it went down
    last: Point


class Touches:
    """The fingers of late, which tell a mouse's click from one that was made of a touch.

    A click made of a long stroke may be where the finger went down or where it went up. Its
    movement and its release belong to it wherever they are.
    """

    def __init__(self) -> None:
        self._fingers: dict[object, Touch] = {}
        self._ghosts: set[int] = set()  # buttons that are down by such a click

    def hear(self, finger: object, place: Point, is_down: bool, now: float) -> None:
        """Take note of a finger that went down, moved or went up at a place in pixels."""
        if is_down:
            recent = self._fingers.items()
            self._fingers = {
                k: t for k, t in recent if now - t.time < GHOST_SECONDS and k != finger
            }
        known = self._fingers.get(finger)
        self._fingers[finger] = Touch(now, known.first if known else place, place)

    def is_ghost(self, event: pygame.event.Event, breadth: float, now: float) -> bool:
        """Whether a mouse event was made of a touch; `breadth` is a finger's, in pixels."""
        if event.type == pygame.MOUSEBUTTONUP:
            is_ghost = event.button in self._ghosts
            self._ghosts.discard(event.button)
            return is_ghost
        is_near = any(
            now - touch.time < GHOST_SECONDS and math.dist(place, event.pos) <= breadth
            for touch in self._fingers.values()
            for place in (touch.first, touch.last)
        )
        if event.type == pygame.MOUSEBUTTONDOWN:
            self._ghosts.discard(event.button)
            if is_near:
                self._ghosts.add(event.button)
            return is_near
        held = {button for button, is_held in enumerate(event.buttons, 1) if is_held}
        self._ghosts &= held
        return bool(self._ghosts) or (is_near and not held)
