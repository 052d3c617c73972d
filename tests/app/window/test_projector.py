import itertools

import pygame
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.draw import main
from app.window.input.commands import COMMANDS, PANEL_COMMANDS, PROJECTOR_BUTTONS
from app.window.input.keys import PRESSED, said
from app.window.layout.layout import lay_out
from app.window.painter import Painter
from app.window.screen.projector import FADES, STAYS
from app.window.style.palette import PALETTES
from app.window.view import View
from nn.inference.classifier import load_classifier
from tests.app.window.test_layout import overlap, panels, rectangles
from tests.helpers.screens import click, press, screen_of, send

SIZES = [(480, 320), (960, 640), (1920, 1080), (3840, 2160)]


def line_of_help(screen, name):
    """Where the help's key of a command is, once its page is shown."""
    for _ in screen.help_pages.sheet.pages:
        for entry in screen.help_pages.page.entries:
            if entry.command is COMMANDS[name]:
                return entry.choices[0].place
        press(screen, pygame.K_PAGEDOWN)
    raise AssertionError(name)


@pytest.fixture
def screen(clock):
    screen = screen_of(load_classifier("linear"), clock=clock)
    screen.session.mnist.state = "missing"
    return screen


@given(
    st.one_of(
        st.tuples(st.integers(480, 4096), st.integers(320, 2304)),
        st.tuples(st.integers(320, 2304), st.integers(480, 4096)),
    ),
    panels,
)
@example((480, 320), "training")
@example((480, 320), "mistakes")
@example((320, 480), "inside")
def test_in_large_everything_is_inside_the_window_and_nothing_overlaps(size, panel):
    usual, layout = lay_out(*size, panel), lay_out(*size, panel, is_large=True)
    assert layout.text >= 1.5 * usual.text
    assert layout.canvas.width >= 3 * layout.text
    named = [*rectangles(layout), ("keys", layout.keys)]
    for name, rect in named:
        assert rect.width > 0, name
        assert rect.x >= 0, name
        assert rect.y >= 0, name
        assert rect.right <= size[0], name
        assert rect.bottom <= size[1], name
    for index, (name, rect) in enumerate(named):
        for other_name, other in named[index + 1 :]:
            assert not overlap(rect, other), f"{name} and {other_name}"


@pytest.mark.parametrize("size", [(480, 320), (640, 480), (800, 600), (960, 640), (640, 960)])
def test_inside_in_large_the_answer_has_the_room_of_bars_that_do_not_fit(size):
    layout = lay_out(*size, "inside", 5, True)
    assert not layout.bars
    assert layout.answer.height > 2 * layout.text


@pytest.mark.parametrize("way_in", ["key", "help"])
@pytest.mark.parametrize("way_out", ["P", "Esc", "button"])
def test_p_makes_it_large_and_p_esc_and_a_button_usual_again(screen, way_in, way_out):
    before = screen.layout
    if way_in == "key":
        press(screen, pygame.K_p)
    else:
        press(screen, pygame.K_h)
        click(screen, line_of_help(screen, "projector"))
        screen.dialog = None
    assert screen.layout.text >= 1.5 * before.text
    assert set(screen.layout.buttons) == set(PROJECTOR_BUTTONS)
    assert screen.hint().endswith("P leaves")
    if way_out == "button":
        click(screen, screen.layout.buttons["projector"])
    else:
        press(screen, {"P": pygame.K_p, "Esc": pygame.K_ESCAPE}[way_out])
    assert screen.layout == before
    assert not screen.quit_wanted


def test_esc_closes_a_panel_before_it_leaves(screen):
    press(screen, pygame.K_p)
    press(screen, pygame.K_i)
    press(screen, pygame.K_ESCAPE)
    assert (screen.panel, screen.projector.is_on) == ("answer", True)
    press(screen, pygame.K_ESCAPE)
    assert not screen.projector.is_on
    press(screen, pygame.K_ESCAPE)
    assert screen.quit_wanted


def test_a_stroke_under_way_ends_where_the_canvas_moves(screen):
    canvas = screen.session.canvas
    place = [int(value) for value in screen.layout.to_pixels(14, 14)]
    send(screen, pygame.MOUSEBUTTONDOWN, pos=place, button=1)
    assert canvas.is_drawing
    press(screen, pygame.K_p)
    assert not canvas.is_drawing


def test_the_key_that_was_pressed_is_shown_and_fades(screen, clock):
    painter, surface = Painter(), pygame.Surface(screen.size)

    def ink():
        """How much is seen in the place of the key."""
        painter.paint(surface, screen)
        part = surface.subsurface(screen.layout.keys)
        return sum(
            abs(part.get_at((x, y))[0] - PALETTES["dark"].background[0])
            for x in range(part.get_width())
            for y in range(0, part.get_height(), 3)
        )

    press(screen, pygame.K_w)  # not shown, for the window is a usual one
    clock.now += 10
    press(screen, pygame.K_p)
    assert ink()
    clock.now += STAYS + FADES
    assert not ink()
    press(screen, pygame.K_w)
    whole = ink()
    clock.now += STAYS + FADES / 2
    assert not painter.is_current(screen)
    assert 0.3 * whole < ink() < 0.7 * whole
    clock.now += FADES
    assert not painter.is_current(screen)
    assert not ink()
    clock.now += 10
    assert painter.is_current(screen)
    press(screen, pygame.K_y)  # which does nothing
    assert not ink()


@pytest.mark.parametrize(
    ("key", "mod", "name", "words"),
    [
        (pygame.K_w, 0, "W", "why"),
        (pygame.K_z, pygame.KMOD_LCTRL, "Ctrl-Z", "undo"),
        (pygame.K_n, pygame.KMOD_LSHIFT, "Shift-N", "the next misread"),
        (pygame.K_TAB, 0, "Tab", "network"),
        (pygame.K_LEFT, 0, "←", ""),
        (pygame.K_KP_MINUS, 0, "−", "a thinner or thicker brush"),
        (pygame.K_7, 0, "7", "it is this digit"),
        (pygame.K_F11, 0, "F11", "full screen"),
        (pygame.K_F12, 0, "F12", "screenshot"),
        (pygame.K_SPACE, 0, "Space", "set it down or lift it"),
        (pygame.K_RETURN, 0, "Enter", "press one"),
        (pygame.K_p, 0, "P", "projector"),
    ],
)
def test_a_key_is_called_by_its_name_and_what_it_does_in_few_words(screen, key, mod, name, words):
    press(screen, key, mod)
    assert (screen.projector.name, screen.projector.words) == (name, words)


def test_on_a_panel_a_key_is_called_what_it_does_there(screen):
    for panel, key, words in (("training", pygame.K_x, "discard"), ("inside", pygame.K_x, "off")):
        screen.open_panel(panel)
        press(screen, key)
        assert screen.projector.words == words


def test_all_that_is_said_of_keys_is_short():
    for name, words in itertools.starmap(said, PRESSED.values()):
        assert name
        assert len(words) <= 40


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("size", [*SIZES, (240, 240), (640, 960)])
def test_every_panel_and_dialog_can_be_drawn_large(clock, size, theme, tmp_path):
    screen = screen_of(load_classifier("mlp"), size, theme, clock=clock, drawings=tmp_path)
    screen.session.mnist.state = "missing"
    screen.session.canvas.draw_strokes([[(9, 5), (14, 22)], [(4, 12), (20, 12)]])
    screen.session.predict_now()
    screen.projector.switch()
    surface = pygame.Surface(size)
    for panel in PANEL_COMMANDS:
        screen.open_panel(panel)
        for _ in range(2):  # with Why, and without
            press(screen, pygame.K_w)
            View().draw(surface, screen)
            assert not screen.guard.error
    for dialog in ("help", "open"):
        screen.dialog = dialog
        View().draw(surface, screen)


def test_the_program_can_start_so(tmp_path):
    pictures = []
    for more in ([], ["--projector"]):
        path = tmp_path / f"{len(more)}.png"
        main(["--screenshot", str(path), "--size", "480x320", "--model", "linear", *more])
        pictures.append(path.read_bytes())
    assert pictures[0] != pictures[1]
