"""The buttons stand in their groups; where there is no room, the help has what is missing."""

import itertools

import pygame
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.window.input.commands import BUTTONS, COMMANDS, GROUPS, LEAST_NEEDED
from app.window.layout import button_layout
from app.window.layout.button_layout import lay_out_buttons
from app.window.layout.layout import lay_out
from app.window.painter import Painter
from app.window.style.geometry import Rect, around
from app.window.style.palette import PALETTES
from app.window.style.text import MIN_TEXT, TextRenderer
from tests.helpers.clock import Clock
from tests.helpers.screens import Network, painted, press, screen_of

sizes = st.tuples(st.integers(240, 3840), st.integers(240, 2160))
NARROW = (240, 240)


def groups_in(layout):
    """The shown buttons by their groups."""
    return {
        group: [name for name in commands if name in layout.buttons]
        for group, commands in GROUPS.items()
    }


@given(sizes)
@example(NARROW)
@example((320, 480))
@example((3840, 2160))
def test_buttons_of_a_group_stand_closer_to_each_other_than_to_others(size):
    layout = lay_out(*size)
    groups = [[layout.buttons[name] for name in names] for names in groups_in(layout).values()]
    rows = {rect.y for rect in layout.buttons.values()}
    for row in rows:
        lines = [group for group in groups if group and group[0].y == row]
        within = [b.x - a.right for group in lines for a, b in itertools.pairwise(group)]
        between = [b[0].x - a[-1].right for a, b in itertools.pairwise(lines)]
        assert all(len({rect.y for rect in group}) == 1 for group in lines)
        assert min(between, default=9) > max([*within, 0])
        assert min([*within, 9]) > 0


@given(sizes)
@example(NARROW)
@example((480, 320))
def test_the_words_of_all_buttons_can_be_read_and_what_is_needed_most_is_there(size):
    layout, renderer = lay_out(*size), TextRenderer()
    assert {"clear", "why", "help"} <= set(layout.buttons)
    for name, rect in layout.buttons.items():
        assert renderer.width(BUTTONS[name], MIN_TEXT) <= rect.width - 4, name
    left_out = set(BUTTONS) - set(layout.buttons)
    assert left_out == set(LEAST_NEEDED[: len(left_out)])


def test_all_buttons_have_room_in_the_window_as_it_opens():
    for size in [(960, 640), (1920, 1080), (600, 900)]:
        assert set(lay_out(*size).buttons) == set(BUTTONS)


def test_what_is_needed_least_is_left_out_first(monkeypatch):
    rows = [[Rect(0, 0, width, 20)] for width in (900, 350, 250)]
    shown = [set(lay_out_buttons(row, 10, 0).buttons) for row in rows]
    assert shown[0] == set(BUTTONS)
    assert shown[0] > shown[1] > shown[2] > set()
    monkeypatch.setattr(button_layout, "LEAST_NEEDED", ("help", *LEAST_NEEDED))
    assert "help" not in lay_out_buttons(rows[-1], 10, 0).buttons


@pytest.mark.parametrize("size", [(960, 640), (1920, 1080), (3840, 2160)])
def test_the_groups_have_their_names_above_them(size):
    layout = lay_out(*size)
    assert list(layout.groups)[:4] == ["draw", "look", "learn", "files"]
    for group, names in groups_in(layout).items():
        buttons = around(*(layout.buttons[name] for name in names))
        caption = layout.groups[group]
        assert (caption.x, caption.width, caption.bottom) == (buttons.x, buttons.width, buttons.y)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_first_button_stands_out_where_there_is_something_to_clear(theme):
    screen = screen_of(Network(), theme=theme)

    def face(name):
        x, y, _, height = screen.layout.buttons[name]
        return painted(screen).get_at((x + 2, y + height // 2))[:3]

    assert face("clear") == face("undo")
    screen.session.canvas.draw_strokes([[(9, 5), (14, 22)]])
    assert face("clear") != face("undo") == face("why") == face("help")


def test_why_and_versus_are_underlined_in_their_turn():
    screen = screen_of(Network(), clock=Clock())
    screen.session.canvas.draw_strokes([[(9, 5), (14, 22)]])
    screen.session.settle()
    painter, surface = Painter(), pygame.Surface(screen.size)
    palette = PALETTES["dark"]

    def underlined():
        painter.paint(surface, screen)
        foot = {
            name: surface.get_at((rect.x + rect.width // 2, rect.bottom - 1))[:3]
            for name, rect in screen.layout.buttons.items()
        }
        return [name for name, colour in foot.items() if colour == palette.best]

    assert underlined() == []
    screen.do("why")
    assert underlined() == ["why"]
    screen.do("versus")
    assert underlined() == ["versus"]
    screen.do("why")
    assert underlined() == []


def test_the_walk_goes_over_every_button_and_only_those_that_are_seen():
    for size in (NARROW, (960, 640)):
        screen = screen_of(Network(), size=size)
        walked = []
        for _ in screen.layout.buttons:
            press(screen, pygame.K_F6)
            walked.append(screen.focus)
        assert walked == list(screen.layout.buttons)


def test_a_button_that_went_with_the_room_for_it_is_not_pressed():
    screen = screen_of(Network(), size=(960, 640))
    screen.focus = "challenges"
    screen.resize(NARROW)
    screen.press_focus()
    assert not screen.session.challenges.is_shown
    assert screen.focus in screen.layout.buttons


def test_every_command_is_in_one_group():
    names = [name for commands in GROUPS.values() for name in commands]
    assert sorted(names) == sorted(COMMANDS)
    assert set(LEAST_NEEDED) < set(BUTTONS)
