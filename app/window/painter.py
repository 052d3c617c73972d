"""Brings a screen to a surface, painting only the parts that changed."""

from __future__ import annotations

from functools import partial
from typing import Any

import pygame

from app.window.panels.challenge_line import challenge_state
from app.window.panels.dialogs import help_state
from app.window.panels.inside_pointer import patch_of
from app.window.panels.projector_view import keys_state
from app.window.panels.why import why_state
from app.window.screen.screen import Screen
from app.window.view import PARTS, View, draw_over, network_name, panel_view


class Painter:
    """Paints the parts of the window whose state has changed since they were last painted."""

    def __init__(self) -> None:
        self._view = View()
        self._shown: dict[str, Any] = {}
        self._frames_off = 0  # until the panel is painted

    def forget(self) -> None:
        """Paint everything next time; the window's content may be lost."""
        self._shown = {}

    def is_current(self, screen: Screen) -> bool:
        """Whether the surface shows the screen as it is."""
        state = screen.guard.run(lambda: state_of(screen))
        return state is None or self._shown == state

    def paint(self, surface: pygame.Surface, screen: Screen) -> list[tuple[int, int, int, int]]:
        """Paint; returns the rectangles that changed."""
        screen.resize(surface.get_size())
        state = state_of(screen)
        shown, self._shown = self._shown, state
        changed = {name for name, value in state.items() if not shown or shown[name] != value}
        if shown and "window" not in changed and self._is_put_off(screen, "answer" in changed):
            changed.discard("body")
            self._shown = state | {"body": shown["body"]}
        frame = self._view.frame(surface, screen)
        if screen.dialog is not None and changed == {"dialog"}:
            return [draw_over(frame, screen)]
        # What lies over the window lies over changed parts too.
        if changed and (screen.dialog is not None or "window" in changed):
            self._view.draw(surface, screen)
            return [(0, 0, *surface.get_size())]
        parts = [partial(draw, frame, screen) for name, draw in PARTS.items() if name in changed]
        return [rect for draw in parts if (rect := screen.guard.run(draw)) is not None]

    def _is_put_off(self, screen: Screen, is_answered: bool) -> bool:
        """Whether the panel waits, because what it shows of a new answer is as slow as the answer.

        Two frames: the answer's own, and one to work out what is to be painted.
        """
        prepare = panel_view(screen.panel).prepare
        self._frames_off = 2 if is_answered else max(0, self._frames_off - 1)
        if prepare is None or not self._frames_off:
            return False
        if not is_answered:
            screen.guard.run(lambda: prepare(screen))
        return True


def state_of(screen: Screen) -> dict[str, object]:
    """What each part of the window shows, and under `window` what all of them depend on.

    What follows from an answer is known by the answer's version, and is not compared itself.
    """
    session = screen.session
    canvas, predictor = session.canvas, session.predictor
    networks, pen = session.networks, screen.pen
    answer = predictor.version, predictor.is_stale
    why = screen.is_why and (answer, why_state(screen))
    pointed_at = screen.hover, screen.focus
    patch = screen.guard.run(lambda: patch_of(screen))
    seen = patch and (patch, predictor.version)
    panel = screen.guard.run(lambda: panel_view(screen.panel).state(screen))
    on_panel = bool(screen.layout.panel_buttons) and pointed_at
    is_traced = session.demonstration is None
    useful = session.can_undo, canvas.can_redo, canvas.is_blank
    where = screen.size, screen.panel, len(networks.entries), screen.theme, screen.projector.is_on
    return {
        "window": (where, screen.dialog),
        "answer": predictor.version,
        "dialog": screen.guard.run(lambda: dialog_state(screen)),
        "canvas": (canvas.version, pen.place, why, pen.is_down, is_traced, seen),
        "head": (answer, round(predictor.glide * 60), session.label, why, patch),
        "body": (answer, why, networks.entries, networks.chosen, panel, on_panel),
        "buttons": (pointed_at, screen.is_why, session.explanation.rival, useful),
        "challenge": challenge_state(screen),
        "keys": keys_state(screen),
        "foot": (screen.hint(), bool(session.message), network_name(screen)),
    }


def dialog_state(screen: Screen) -> object:
    """What the present dialog shows."""
    files, my_digits, editor = screen.session.files, screen.session.my_digits, screen.session.editor
    if screen.dialog == "help":
        return help_state(screen)
    if screen.dialog == "open":
        return screen.drawings.row, files.saved, files.saved_in_all
    if screen.dialog == "my digits" and my_digits is not None and editor is not None:
        done = my_digits.progress_of_reading, bool(editor.changes)
        return screen.digits.row, my_digits.digits, done, screen.session.message, screen.hover
    return None
