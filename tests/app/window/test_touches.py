"""Touches that the system makes unmarked mouse events of, on top: each counts once."""

import numpy as np
import pygame
import pytest

from app.window import controller as controller_module
from app.window.screen.screen import WINDOW_SIZE
from nn.inference.classifier import load_classifier
from tests.helpers.screens import click, finger, middle, point, screen_of, send

DOWN, MOTION, UP = pygame.FINGERDOWN, pygame.FINGERMOTION, pygame.FINGERUP
HELD = (1, 0, 0)  # the left button


@pytest.fixture
def screen(clock, tmp_path, monkeypatch):
    monkeypatch.setattr(controller_module, "HAS_TOUCH_SCREEN", True)
    return screen_of(load_classifier("linear"), clock=clock, drawings=tmp_path / "drawings")


def tap(screen, place):
    finger(screen, DOWN, place)
    finger(screen, UP, place)


def mouse(screen, kind, place, button=1):
    send(screen, kind, pos=place, button=button, touch=False)


def button(screen, name):
    return middle(screen.layout.buttons[name])


def cell(screen, x, y):
    return tuple(map(int, screen.layout.to_pixels(x + 0.5, y + 0.5)))


@pytest.mark.parametrize("name", ["help", "open"])
@pytest.mark.parametrize(("later", "aside"), [(0, 0), (0.3, 0), (0.45, 20)])
def test_a_tap_and_its_click_open_a_card_once(screen, clock, name, later, aside):
    x, y = button(screen, name)
    tap(screen, (x, y))
    clock.now += later
    point(screen, (x + aside, y))
    click(screen, (x + aside, y))
    assert screen.dialog == name
    assert screen.hover is None


def test_a_tap_and_its_click_take_back_one_stroke(screen):
    session = screen.session
    for x in (4, 12, 20):
        click(screen, cell(screen, x, 14))
    assert len(session.canvas.strokes) == 3
    tap(screen, button(screen, "undo"))
    click(screen, button(screen, "undo"))
    assert len(session.canvas.strokes) == 2


@pytest.mark.parametrize("is_at_once", [False, True])
@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("which", [1, 3])
def test_a_stroke_with_a_finger_and_its_clicks_leave_one_mark(
    screen, clock, is_at_once, start, which
):
    """The click may be where the finger went down or up; the right button's is of a long touch."""
    session = screen.session
    places = [cell(screen, x, 14) for x in range(4, 24)]
    finger(screen, DOWN, places[0])
    if is_at_once:
        mouse(screen, pygame.MOUSEBUTTONDOWN, places[0], which)
    for place in places:
        clock.now += 0.1
        finger(screen, MOTION, place)
        if is_at_once:
            point(screen, place, (int(which == 1), 0, int(which == 3)))
    finger(screen, UP, places[-1])
    ink = session.canvas.ink.copy()
    clock.now += 0.2
    if is_at_once:
        mouse(screen, pygame.MOUSEBUTTONUP, places[-1], which)
    else:
        mouse(screen, pygame.MOUSEBUTTONDOWN, places[-start], which)
        clock.now += 1  # its movement and release belong to it, however late and far
        point(screen, cell(screen, 14, 2), (int(which == 1), 0, int(which == 3)))
        mouse(screen, pygame.MOUSEBUTTONUP, cell(screen, 14, 2), which)
    assert [mark.kind for mark in session.canvas.strokes] == ["draw"]
    np.testing.assert_array_equal(session.canvas.ink, ink)
    click(screen, cell(screen, 14, 2))  # and then the mouse draws
    assert session.canvas.ink[2, 14] == 1


def test_a_click_of_the_mouse_later_or_elsewhere_counts(screen, clock):
    session = screen.session
    tap(screen, button(screen, "help"))
    click(screen, button(screen, "undo"))  # closes the card
    assert screen.dialog is None
    clock.now += 0.1
    tap(screen, button(screen, "help"))
    clock.now += 0.6
    click(screen, button(screen, "help"))
    assert screen.dialog is None
    tap(screen, cell(screen, 4, 4))
    click(screen, cell(screen, 14, 14))
    assert session.canvas.ink[14, 14] == 1


def test_a_stroke_of_the_mouse_may_pass_and_end_where_a_finger_was(screen):
    session = screen.session
    tap(screen, cell(screen, 4, 14))
    mouse(screen, pygame.MOUSEBUTTONDOWN, cell(screen, 20, 14))
    point(screen, cell(screen, 4, 14), HELD)
    point(screen, cell(screen, 4, 20), HELD)
    point(screen, cell(screen, 5, 14), HELD)
    mouse(screen, pygame.MOUSEBUTTONUP, cell(screen, 4, 14))
    assert (session.canvas.ink[14, 4:21] > 0.9).all()
    assert session.canvas.ink[19, 4] > 0.9
    assert not session.canvas.is_drawing


def test_a_click_whose_release_is_lost_does_not_keep_the_mouse_away(screen, clock):
    session = screen.session
    tap(screen, cell(screen, 4, 4))
    mouse(screen, pygame.MOUSEBUTTONDOWN, cell(screen, 4, 4))
    clock.now += 1
    mouse(screen, pygame.MOUSEBUTTONDOWN, cell(screen, 4, 20))
    point(screen, cell(screen, 20, 20), HELD)
    assert (session.canvas.ink[20, 4:21] > 0.9).all()


def test_two_quick_taps_both_count(screen, clock):
    for expected in ("help", None):
        tap(screen, button(screen, "help"))
        click(screen, button(screen, "help"))
        clock.now += 0.2
        assert screen.dialog == expected


def test_the_click_of_a_tap_that_took_long_is_known_too(screen, clock, monkeypatch):
    def slowly():
        clock.now += 2
        screen.dialog = "help"

    monkeypatch.setattr(screen, "help", slowly)
    place = button(screen, "help")
    finger(screen, DOWN, place)
    click(screen, place)
    assert screen.dialog == "help"


def test_a_finger_is_as_broad_in_a_window_twice_as_large(screen):
    width, height = WINDOW_SIZE
    screen.resize((2 * width, 2 * height))
    x, y = button(screen, "help")
    tap(screen, (x, y))
    click(screen, (x + 60, y))
    assert screen.dialog == "help"


def test_the_click_of_a_tap_may_come_after_another_fingers_tap(screen):
    first, second = cell(screen, 4, 14), cell(screen, 22, 14)
    finger(screen, DOWN, first, 1)
    finger(screen, UP, first, 1)
    finger(screen, DOWN, second, 2)
    finger(screen, UP, second, 2)
    for place in (first, second):
        click(screen, place)
    assert len(screen.session.canvas.strokes) == 2
