"""A session with its screen, and the controller that a window would have for it."""

import functools

from app.session.session import Session
from app.window.controller import Controller
from app.window.screen.screen import WINDOW_SIZE, Screen


def screen_of(network, size=WINDOW_SIZE, theme="dark", **session):
    """A screen with a new session, which gets what else there is."""
    return Screen(Session(network, **session), size, theme)


@functools.lru_cache(maxsize=4)
def controller_of(screen):
    """The screen's controller, always the same."""
    return Controller(screen)
