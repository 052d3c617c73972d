"""The help names every command, and a click on its line does it."""

import itertools

import pygame
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.window.input.commands import COMMANDS, PANEL_COMMANDS
from app.window.painter import Painter, state_of
from app.window.style.text import MIN_TEXT
from tests.helpers.clock import Clock
from tests.helpers.screens import Network, click, painted, point, press, screen_of, send

SIZES = [(240, 240), (320, 480), (480, 320), (900, 400), (960, 640), (1920, 1080), (3840, 2160)]
sizes = st.tuples(st.integers(240, 3840), st.integers(240, 2160))


@pytest.fixture
def screen(clock):
    screen = screen_of(Network(), clock=clock)
    screen.do("help")
    return screen


def entries_of(screen):
    return [entry for page in screen.help_pages.sheet.pages for entry in page.entries]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("panel", ["answer", "training"])
def test_every_command_stands_in_the_help_once_and_each_thing_it_does_can_be_clicked(size, panel):
    screen = screen_of(Network(), size=size)
    screen.open_panel(panel)
    commands = [*COMMANDS.values()]
    if panel == "training":
        commands += [PANEL_COMMANDS[panel][name] for name in ("keep", "discard")]
    entries = entries_of(screen)
    assert sorted(entry.command.help for entry in entries if entry.command in commands) == (
        sorted(command.help for command in commands)
    )
    for entry in entries:
        done = {choice.action for choice in entry.choices}
        assert done == set(entry.command.actions.values()) or not entry.command.does


@settings(max_examples=30)
@given(sizes, st.sampled_from(["answer", "training"]))
@example((240, 240), "answer")
@example((480, 320), "training")
def test_nothing_of_the_help_overlaps_or_leaves_the_sheet(size, panel):
    screen = screen_of(Network(), size=size)
    screen.open_panel(panel)
    sheet = screen.help_pages.sheet
    assert sheet.letters >= MIN_TEXT
    for page in sheet.pages:
        places = [entry.place for entry in page.entries] + [place for _, place in page.headings]
        places += [sheet.last, sheet.dialog.title]
        for one, other in itertools.combinations(places, 2):
            assert not pygame.Rect(one).colliderect(other)
        for place in places:
            assert pygame.Rect(sheet.dialog.sheet).contains(place)
        for entry in page.entries:
            parts = [choice.place for choice in entry.choices] + [rect for _, rect in entry.words]
            parts += [] if entry.keys is None else [entry.keys]
            for one, other in itertools.combinations(parts, 2):
                assert not pygame.Rect(one).colliderect(other)
            for part in parts:
                assert pygame.Rect(entry.place).contains(part)


def test_the_help_has_one_page_where_there_is_room_and_its_letters_grow_with_the_window():
    letters = []
    for size in [(900, 400), (960, 640), (1920, 1080), (3840, 2160)]:
        sheet = screen_of(Network(), size=size).help_pages.sheet
        assert len(sheet.pages) == 1
        letters.append(sheet.letters)
    assert letters == sorted(set(letters))


def chosen(screen, name, label):
    [entry] = [entry for entry in entries_of(screen) if entry.command == COMMANDS[name]]
    return next(choice.place for choice in entry.choices if choice.label == label)


def test_a_click_on_a_line_closes_the_help_and_does_what_the_line_says(screen):
    click(screen, chosen(screen, "inside", "I"))
    assert (screen.dialog, screen.panel) == (None, "inside")
    assert screen.session.canvas.is_blank


def test_a_click_on_the_words_of_a_line_presses_its_first_key(screen):
    [entry] = [entry for entry in entries_of(screen) if entry.command == COMMANDS["network"]]
    click(screen, entry.words[0][1])
    assert screen.dialog is None
    assert screen.session.networks.chosen == 0


def test_each_key_of_a_line_can_be_clicked(screen):
    brushes = []
    for label in ("−", "−", "+"):
        click(screen, chosen(screen, "brush", label))
        brushes.append(screen.session.canvas.brush)
        screen.do("help")
    assert brushes[1] < brushes[0] == brushes[2]


@pytest.mark.parametrize("label", ["F11", "F12"])
def test_full_screen_and_the_screenshot_are_a_click_away(screen, label):
    click(screen, chosen(screen, "screen", label))
    assert screen.requests == [{"F11": "full screen", "F12": "screenshot"}[label]]


def test_clicked_lines_that_work_in_dialogs_leave_the_help_open_but_those_that_close_it(screen):
    click(screen, chosen(screen, "theme", "L"))
    assert (screen.dialog, screen.theme) == ("help", "light")
    click(screen, chosen(screen, "leave", "Esc"))
    assert (screen.dialog, screen.quit_wanted) == (None, False)
    screen.do("help")
    click(screen, chosen(screen, "help", "H, F1"))
    assert screen.dialog is None


def test_the_line_of_esc_closes_the_help_and_the_panel_below_it_but_never_the_window(screen):
    screen.open_panel("inside")
    for _ in range(2):
        screen.dialog = "help"
        click(screen, chosen(screen, "leave", "Esc"))
        assert (screen.dialog, screen.panel, screen.quit_wanted) == (None, "answer", False)


def test_pointing_at_a_line_paints_the_sheet_alone_and_what_is_below_it_is_not_looked_at(screen):
    surface, painter = pygame.Surface(screen.size), Painter()
    painter.paint(surface, screen)
    for name in ("undo", "clear"):
        point(screen, chosen(screen, name, COMMANDS[name].keys))
        assert painter.paint(surface, screen) == [screen.help_pages.sheet.dialog.sheet]
        whole = painted(screen)
        assert pygame.image.tobytes(surface, "RGB") == pygame.image.tobytes(whole, "RGB")
    assert painter.paint(surface, screen) == []
    screen.session.canvas.draw_strokes([[(5, 5), (9, 9)]])
    assert painter.paint(surface, screen) == [(0, 0, *screen.size)]


def test_a_click_beside_the_lines_closes_the_help(screen):
    click(screen, screen.help_pages.sheet.dialog.title)
    assert screen.dialog is None


def test_a_line_that_does_nothing_closes_the_help(screen):
    [entry] = [entry for entry in entries_of(screen) if entry.command == COMMANDS["choose"]]
    click(screen, entry.place)
    assert screen.dialog is None


def test_what_is_pointed_at_lights_up(screen):
    shown = []
    for name, label in (("undo", "Ctrl-Z"), ("network", "Tab"), ("network", "Shift-Tab")):
        point(screen, chosen(screen, name, label))
        shown.append((state_of(screen), pygame.image.tobytes(painted(screen), "RGB")))
    for one, other in itertools.combinations(shown, 2):
        assert one[0] != other[0]
        assert one[1] != other[1]


@pytest.mark.parametrize("size", [(240, 240), (480, 320)])
def test_pages_are_turned_by_click_key_and_wheel(size):
    screen = screen_of(Network(), size=size, clock=Clock())
    screen.do("help")
    count = len(screen.help_pages.sheet.pages)
    assert count > 1
    first = screen.help_pages.page
    click(screen, screen.help_pages.sheet.last)
    assert screen.help_pages.page is not first
    assert screen.dialog == "help"
    for _ in range(count - 1):
        press(screen, pygame.K_PAGEDOWN)
    assert screen.help_pages.page is first
    brush = screen.session.canvas.brush
    send(screen, pygame.MOUSEWHEEL, x=0, y=-1)
    assert screen.help_pages.page is not first
    send(screen, pygame.MOUSEWHEEL, x=0, y=1)
    assert screen.help_pages.page is first
    assert screen.session.canvas.brush == brush
    screen.help_pages.turn(1)
    screen.resize((1920, 1080))  # where there is one page
    assert screen.help_pages.page is screen.help_pages.sheet.pages[0]


@pytest.mark.parametrize("size", SIZES)
def test_the_lines_of_the_help_do_not_touch_each_other(size):
    screen = screen_of(Network(), size=size)
    for page in screen.help_pages.sheet.pages:
        lines = [rect for entry in page.entries for _, rect in entry.words]
        for one, other in itertools.combinations(lines, 2):
            if one.x == other.x:
                assert abs(one.y - other.y) >= 1.25 * screen.help_pages.sheet.letters
