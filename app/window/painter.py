"""Brings the session's state to a surface, painting only the parts that changed."""

from __future__ import annotations

from typing import Any

import pygame

from app.session.session import Session
from app.window.view import PARTS, View


class Painter:
    """Brings a session's state to a surface, painting only the parts that changed."""

    def __init__(self) -> None:
        self._view = View()
        self._shown: dict[str, Any] = {}

    def forget(self) -> None:
        """Paint everything next time; the window's content may be lost."""
        self._shown = {}

    def is_current(self, session: Session) -> bool:
        """Whether the surface shows the session as it is."""
        return self._shown == state_of(session)

    def paint(self, surface: pygame.Surface, session: Session) -> list[tuple[int, int, int, int]]:
        """Paint; returns the rectangles that changed."""
        session.controller.resize(surface.get_size())
        state = state_of(session)
        shown, self._shown = self._shown, state
        if shown == state:
            return []
        # What lies over the window lies over changed parts too.
        if session.overlay or not shown or shown["window"] != state["window"]:
            self._view.draw(surface, session)
            return [(0, 0, *surface.get_size())]
        frame = self._view.frame(surface, session)
        return [draw(frame, session) for name, draw in PARTS.items() if shown[name] != state[name]]


def state_of(session: Session) -> dict[str, Any]:
    """What each part of the window shows, to be compared with what it showed before."""
    canvas, predictor = session.canvas, session.predictor
    answer = (predictor.version, predictor.is_stale)
    attribution = session.attribution is not None and session.inspection_version
    buttons = (session.hover, session.focus)
    return {
        "window": (session.size, session.panel, session.theme, session.overlay, session.row),
        "canvas": (canvas.version, session.pen, attribution, canvas.is_drawing and session.pen),
        "head": (answer, round(session.glide * 60), session.label, attribution),
        "body": (answer, session.version, session.panel == "training" and buttons),
        "buttons": (*buttons, session.is_why, session.can_undo, canvas.can_redo, canvas.is_blank),
        "foot": (session.hint(), session.network.name),
    }
