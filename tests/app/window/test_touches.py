"""Touches that the system makes unmarked mouse events of, on top: each counts once."""

import numpy as np
import pygame
import pytest

from app.session.session import WINDOW_SIZE, Session
from app.window import controller as controller_module
from nn.inference.classifier import load_classifier

DOWN, MOTION, UP = pygame.FINGERDOWN, pygame.FINGERMOTION, pygame.FINGERUP


@pytest.fixture
def session(clock, tmp_path, monkeypatch):
    monkeypatch.setattr(controller_module, "HAS_TOUCH_SCREEN", True)
    return Session(load_classifier("linear"), clock=clock, drawings=tmp_path / "drawings")


def finger(session, kind, place, finger_id=1):
    x, y = place[0] / session.size[0], place[1] / session.size[1]
    session.controller.handle(
        pygame.event.Event(kind, touch_id=1, finger_id=finger_id, x=x, y=y, dx=0.0, dy=0.0)
    )


def tap(session, place):
    finger(session, DOWN, place)
    finger(session, UP, place)


def mouse(session, kind, place, button=1):
    session.controller.handle(pygame.event.Event(kind, pos=place, button=button, touch=False))


def click(session, place, button=1):
    mouse(session, pygame.MOUSEBUTTONDOWN, place, button)
    mouse(session, pygame.MOUSEBUTTONUP, place, button)


def move(session, place, buttons=(1, 0, 0)):
    session.controller.handle(
        pygame.event.Event(pygame.MOUSEMOTION, pos=place, rel=(1, 1), buttons=buttons, touch=False)
    )


def button(session, name):
    rect = session.layout.buttons[name]
    return rect.x + rect.width // 2, rect.y + rect.height // 2


def cell(session, x, y):
    return tuple(map(int, session.layout.to_pixels(x + 0.5, y + 0.5)))


@pytest.mark.parametrize("name", ["help", "open"])
@pytest.mark.parametrize(("later", "aside"), [(0, 0), (0.3, 0), (0.45, 20)])
def test_a_tap_and_its_click_open_a_card_once(session, clock, name, later, aside):
    x, y = button(session, name)
    tap(session, (x, y))
    clock.now += later
    move(session, (x + aside, y), (0, 0, 0))
    click(session, (x + aside, y))
    assert session.overlay == name
    assert session.hover is None


def test_a_tap_and_its_click_take_back_one_stroke(session):
    for x in (4, 12, 20):
        click(session, cell(session, x, 14))
    assert len(session.canvas.strokes) == 3
    tap(session, button(session, "undo"))
    click(session, button(session, "undo"))
    assert len(session.canvas.strokes) == 2


@pytest.mark.parametrize("is_at_once", [False, True])
@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("which", [1, 3])
def test_a_stroke_with_a_finger_and_its_clicks_leave_one_mark(
    session, clock, is_at_once, start, which
):
    """The click may be where the finger went down or up; the right button's is of a long touch."""
    places = [cell(session, x, 14) for x in range(4, 24)]
    finger(session, DOWN, places[0])
    if is_at_once:
        mouse(session, pygame.MOUSEBUTTONDOWN, places[0], which)
    for place in places:
        clock.now += 0.1
        finger(session, MOTION, place)
        if is_at_once:
            move(session, place, (int(which == 1), 0, int(which == 3)))
    finger(session, UP, places[-1])
    ink = session.canvas.ink.copy()
    clock.now += 0.2
    if is_at_once:
        mouse(session, pygame.MOUSEBUTTONUP, places[-1], which)
    else:
        mouse(session, pygame.MOUSEBUTTONDOWN, places[-start], which)
        clock.now += 1  # its movement and release belong to it, however late and far
        move(session, cell(session, 14, 2), (int(which == 1), 0, int(which == 3)))
        mouse(session, pygame.MOUSEBUTTONUP, cell(session, 14, 2), which)
    assert [mark.kind for mark in session.canvas.strokes] == ["draw"]
    np.testing.assert_array_equal(session.canvas.ink, ink)
    click(session, cell(session, 14, 2))  # and then the mouse draws
    assert session.canvas.ink[2, 14] == 1


def test_a_click_of_the_mouse_later_or_elsewhere_counts(session, clock):
    tap(session, button(session, "help"))
    click(session, button(session, "undo"))  # closes the card
    assert session.overlay is None
    clock.now += 0.1
    tap(session, button(session, "help"))
    clock.now += 0.6
    click(session, button(session, "help"))
    assert session.overlay is None
    tap(session, cell(session, 4, 4))
    click(session, cell(session, 14, 14))
    assert session.canvas.ink[14, 14] == 1


def test_a_stroke_of_the_mouse_may_pass_and_end_where_a_finger_was(session):
    tap(session, cell(session, 4, 14))
    mouse(session, pygame.MOUSEBUTTONDOWN, cell(session, 20, 14))
    move(session, cell(session, 4, 14))
    move(session, cell(session, 4, 20))
    move(session, cell(session, 5, 14))
    mouse(session, pygame.MOUSEBUTTONUP, cell(session, 4, 14))
    assert (session.canvas.ink[14, 4:21] > 0.9).all()
    assert session.canvas.ink[19, 4] > 0.9
    assert not session.canvas.is_drawing


def test_a_click_whose_release_is_lost_does_not_keep_the_mouse_away(session, clock):
    tap(session, cell(session, 4, 4))
    mouse(session, pygame.MOUSEBUTTONDOWN, cell(session, 4, 4))
    clock.now += 1
    mouse(session, pygame.MOUSEBUTTONDOWN, cell(session, 4, 20))
    move(session, cell(session, 20, 20))
    assert (session.canvas.ink[20, 4:21] > 0.9).all()


def test_two_quick_taps_both_count(session, clock):
    for expected in ("help", None):
        tap(session, button(session, "help"))
        click(session, button(session, "help"))
        clock.now += 0.2
        assert session.overlay == expected


def test_the_click_of_a_tap_that_took_long_is_known_too(session, clock, monkeypatch):
    def slowly():
        clock.now += 2
        session.overlay = "help"

    monkeypatch.setattr(session, "help", slowly)
    place = button(session, "help")
    finger(session, DOWN, place)
    click(session, place)
    assert session.overlay == "help"


def test_a_finger_is_as_broad_in_a_window_twice_as_large(session):
    width, height = WINDOW_SIZE
    session.controller.resize((2 * width, 2 * height))
    x, y = button(session, "help")
    tap(session, (x, y))
    click(session, (x + 60, y))
    assert session.overlay == "help"
