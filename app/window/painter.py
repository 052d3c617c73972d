"""Brings a screen to a surface, painting only the parts that changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pygame

from app.window.screen import Screen
from app.window.view import PARTS, View


class Painter:
    """Paints the parts of the window whose state is another than when they were painted last."""

    def __init__(self) -> None:
        self._view = View()
        self._shown: dict[str, Any] = {}

    def forget(self) -> None:
        """Paint everything next time; the window's content may be lost."""
        self._shown = {}

    def is_current(self, screen: Screen) -> bool:
        """Whether the surface shows the screen as it is."""
        return self._shown == state_of(screen)

    def paint(self, surface: pygame.Surface, screen: Screen) -> list[tuple[int, int, int, int]]:
        """Paint; returns the rectangles that changed."""
        screen.resize(surface.get_size())
        state = state_of(screen)
        shown, self._shown = self._shown, state
        if shown == state:
            return []
        # What lies over the window lies over changed parts too.
        if screen.dialog or not shown or shown["window"] != state["window"]:
            self._view.draw(surface, screen)
            return [(0, 0, *surface.get_size())]
        frame = self._view.frame(surface, screen)
        return [draw(frame, screen) for name, draw in PARTS.items() if shown[name] != state[name]]


def state_of(screen: Screen) -> dict[str, object]:
    """What each part of the window shows, and `window` what all of them depend on."""
    return {name: state(screen) for name, state in STATES.items()}


def window_state(screen: Screen) -> object:
    """Where everything is, in which colours, and what lies over it."""
    networks = len(screen.session.networks.entries)
    return screen.size, screen.panel, networks, screen.theme, screen.dialog, dialog_state(screen)


def dialog_state(screen: Screen) -> object:
    """What the present dialog shows."""
    session, mine = screen.session, screen.session.my_digits
    if screen.dialog == "open":
        return screen.row, session.files.saved, session.files.saved_in_all
    if screen.dialog == "my digits" and mine is not None and session.editor is not None:
        pointed_at = session.message, screen.hover
        return (
            screen.row,
            mine.digits,
            mine.progress_of_reading,
            len(session.editor.changes),
            pointed_at,
        )
    return None


def canvas_state(screen: Screen) -> object:
    """The ink, the keyboard's pen, and what the ink is coloured by."""
    canvas = screen.session.canvas
    return canvas.version, screen.pen, explanation_state(screen), screen.pen and canvas.is_drawing


def explanation_state(screen: Screen) -> object:
    """Which digit's attribution is shown, and of which answer; false where none is."""
    return screen.is_why and (answer_state(screen), screen.session.explanation.explained)


def answer_state(screen: Screen) -> object:
    """Which answer it is, and whether it fades."""
    return screen.session.predictor.version, screen.session.predictor.is_stale


def head_state(screen: Screen) -> object:
    """The answer, the digit's label, and the framed image."""
    glide = round(screen.session.predictor.glide * 60)
    return answer_state(screen), glide, screen.session.label, explanation_state(screen)


def body_state(screen: Screen) -> object:
    """What the panel shows, whichever it is."""
    session = screen.session
    networks = session.networks.entries, session.networks.chosen
    inside = screen.panel == "inside" and session.explanation.looked_at
    training = screen.panel == "training" and training_state(screen)
    return answer_state(screen), explanation_state(screen), networks, inside, training


def training_state(screen: Screen) -> object:
    """How the training goes, or the data for it, and the buttons there."""
    mnist, training = screen.session.mnist, screen.session.course.training
    progress = None if training is None else training.shown
    return training is None, progress, mnist.state, mnist.progress, screen.hover, screen.focus


def buttons_state(screen: Screen) -> object:
    """Which buttons are chosen, and which would do nothing."""
    session, canvas = screen.session, screen.session.canvas
    chosen = screen.hover, screen.focus, screen.is_why
    return chosen, session.can_undo, canvas.can_redo, canvas.is_blank


def foot_state(screen: Screen) -> object:
    """The line at the bottom."""
    return screen.hint(), bool(screen.session.message), screen.session.network.name


STATES: dict[str, Callable[[Screen], object]] = {
    "window": window_state,
    "canvas": canvas_state,
    "head": head_state,
    "body": body_state,
    "buttons": buttons_state,
    "foot": foot_state,
}
