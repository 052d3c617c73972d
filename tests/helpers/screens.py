"""A session with its screen, what a user does with them, and what is seen of them then."""

import functools
import time

import numpy as np
import pygame

from app.drawing.strokes import fit, read_strokes
from app.session.session import Session
from app.window.controller import Controller
from app.window.screen.screen import WINDOW_SIZE, Screen
from app.window.view import View
from nn.inference.classifier import PACKAGED_MODELS, load_classifier
from tests.helpers.paths import EXAMPLES

PROBABILITIES = (0.01, 0.02, 0.6, 0.0, 0.25, 0.05, 0.03, 0.02, 0.015, 0.005)


class Network:
    """Reads every drawing alike, and cannot be seen into."""

    name = "stub"

    def __init__(self, probabilities=PROBABILITIES):
        self._answer = probabilities

    def probabilities(self, images):
        return np.tile(np.array(self._answer, np.float32), (len(images), 1))


def screen_of(network, size=WINDOW_SIZE, theme="dark", **session):
    """A screen with a new session, which gets what else there is."""
    return Screen(Session(network, **session), size, theme)


def start(clock, tmp_path, model="linear", networks=True, **more):
    """A screen with a shipped network or a file, and with the other shipped ones or without."""
    screen = screen_of(
        load_classifier(model),
        clock=clock,
        folders=[lambda: PACKAGED_MODELS] if networks else [],
        drawings=tmp_path / "drawings",
        seed=3,
        **more,
    )
    load_networks(screen)
    return screen


def load_networks(screen):
    """Load the networks of the session's folders now."""
    while not screen.session.networks.is_complete:
        screen.session.networks.load_next()


@functools.lru_cache(maxsize=4)
def controller_of(screen):
    """The screen's controller, always the same."""
    return Controller(screen)


# What a user does. A place may be given as the rectangle around it.


def send(screen, kind, **more):
    """Let the controller handle an event."""
    controller_of(screen).handle(pygame.event.Event(kind, **more))


def press(screen, key, mod=0, unicode="", scancode=0):
    """Press and release a key."""
    for kind in (pygame.KEYDOWN, pygame.KEYUP):
        send(screen, kind, key=key, mod=mod, unicode=unicode, scancode=scancode)


def click(screen, place, button=1):
    """Press and release a button of the mouse."""
    for kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
        send(screen, kind, pos=middle(place), button=button, touch=False)


def point(screen, place, buttons=(0, 0, 0)):
    """Move the mouse to a place, with no button held or with these."""
    motion = {"pos": middle(place), "rel": (1, 1), "buttons": buttons, "touch": False}
    send(screen, pygame.MOUSEMOTION, **motion)


def finger(screen, kind, place, finger_id=1):
    """Let a finger go down, move or go up at a pixel."""
    x, y = (at / side for at, side in zip(place, screen.size, strict=True))
    send(screen, kind, touch_id=1, finger_id=finger_id, x=x, y=y, dx=0.0, dy=0.0)


def middle(place):
    """The pixel in the middle of a rectangle; a pixel stays as it is."""
    x, y, *size = place
    return (x + size[0] // 2, y + size[1] // 2) if size else (x, y)


def draw(session, digit=4):
    """Draw one of the recorded digits, and read it at once."""
    recorded = list(read_strokes(EXAMPLES))[digit]
    session.canvas.draw_strokes(fit(recorded.strokes, 0.5, (0.1, -0.1)))
    session.predict_now()


def follow(screen, ready, seconds=60):
    """Let what runs in the background go on, looking as the window does, as long as it would."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end
        assert screen.session.seconds_until_due() is not None, "the window would sleep"
        screen.session.clock.now += 0.1
        screen.update()
        time.sleep(0.005)


# What is seen


def painted(screen):
    """The whole window, drawn anew; no panel failed."""
    surface = pygame.Surface(screen.size)
    View().draw(surface, screen)
    assert screen.guard.error == ""
    return surface


def written_by(screen):
    """All that the window says, as it is asked for."""
    said = []
    view = View()
    write = view.renderer.write
    view.renderer.write = lambda surface, text, *rest, **more: (
        said.append(text), write(surface, text, *rest, **more)
    )  # fmt: skip
    view.draw(pygame.Surface(screen.size), screen)
    return said
