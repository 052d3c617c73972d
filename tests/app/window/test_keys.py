"""What each key does, with events as SDL sends them: the keypad's carry NumLock, and no text."""

import numpy as np
import pygame
import pytest

from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile
from app.my_digits.tuner import BackgroundTuner
from app.window import controller as controller_module
from app.window.input import keys
from app.window.input.commands import ALL_COMMANDS, COMMANDS, DIALOG_ACTIONS, PANEL_COMMANDS
from app.window.input.keys import action_of, presses
from nn.inference.classifier import load_classifier
from tests.helpers.screens import press, screen_of, send

NUM, SHIFT = pygame.KMOD_NUM, pygame.KMOD_LSHIFT
KEYPAD = [getattr(pygame, f"K_KP{digit}") for digit in range(10)]
MAIN = [
    *[pygame.K_INSERT, pygame.K_END, pygame.K_DOWN, pygame.K_PAGEDOWN, pygame.K_LEFT],
    *[pygame.K_CLEAR, pygame.K_RIGHT, pygame.K_HOME, pygame.K_UP, pygame.K_PAGEUP],
]


@pytest.fixture(autouse=True)
def pc(monkeypatch):
    """The keyboard of a PC, with touches, wherever the test runs."""
    monkeypatch.setattr(keys, "IS_MAC", False)
    monkeypatch.setattr(controller_module, "HAS_TOUCH_SCREEN", True)


@pytest.fixture
def screen(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(
        BackgroundTuner, "start", lambda tuner: None
    )  # what is kept need not be learned
    my_digits = MyDigits(
        Profile(tmp_path / "profile"), load_classifier("linear"), tmp_path / "nowhere"
    )
    screen = screen_of(
        load_classifier("linear"),
        clock=clock,
        my_digits=my_digits,
        drawings=tmp_path / "drawings",
        seed=1,
    )
    session = screen.session
    draw(session)
    yield screen
    session.close()


def draw(session):
    session.canvas.begin("draw", 14, 6)
    session.canvas.extend(14, 22)
    session.canvas.end()
    session.predict_now()


def taught(session):
    return [own.digit.label for own in session.my_digits.profile.load().digits]


def state(screen):
    """What a key may change, but for the time of a message."""
    session = screen.session
    shown = screen.dialog, screen.panel, screen.is_why, screen.theme, screen.focus
    asked = screen.requests, screen.quit_wanted
    drawn = session.canvas.version, session.canvas.brush, screen.pen.is_down, screen.pen.place
    inside = session.inspection.looked_at, session.networks.chosen
    rows = screen.drawings.row, screen.digits.row
    return repr((shown, asked, drawn, inside, rows, session.message, taught(session)))


def test_with_numlock_the_keypad_types_digits(screen):
    session = screen.session
    for digit in range(10):
        press(screen, KEYPAD[digit], NUM)
        assert taught(session) == [digit]


@pytest.mark.parametrize("mod", [0, SHIFT, NUM | SHIFT])
def test_without_numlock_the_keypad_does_what_the_main_block_does(screen, mod):
    session = screen.session
    session.networks.add(load_classifier("mlp"))  # with several parts to walk through
    screen.choose_network(1)
    screen.open_panel("inside")
    for digit in range(10):
        states = []
        for key, modifiers in ((KEYPAD[digit], mod), (MAIN[digit], mod & SHIFT)):
            screen.pen.place = None
            session.inspection.unit = 1, 0
            before = state(screen)
            press(screen, key, modifiers)
            states.append(state(screen))
        assert states[0] == states[1]
        assert (states[0] != before) == (digit in (2, 3, 4, 6, 8, 9))
    assert taught(session) == []


def test_without_numlock_the_keypads_arrows_go_on_while_held(screen):
    for _ in range(3):
        send(screen, pygame.KEYDOWN, key=pygame.K_KP6, mod=0, unicode="", scancode=94)
    assert screen.pen.place == (17.0, 14.0)


def test_without_numlock_the_keypad_walks_and_deletes_in_my_digits(screen):
    session = screen.session
    for label in (1, 7):
        session.clear()
        draw(session)
        press(screen, getattr(pygame, f"K_{label}"), unicode=str(label))
    press(screen, pygame.K_m)
    assert screen.digits.row == 1
    press(screen, pygame.K_KP4)
    assert screen.digits.row == 0
    press(screen, pygame.K_KP_PERIOD, NUM)
    assert taught(session) == [1, 7]
    press(screen, pygame.K_KP_PERIOD)
    assert taught(session) == [7]
    press(screen, pygame.K_KP3, NUM)
    assert taught(session) == [3]
    press(screen, pygame.K_KP_ENTER)
    assert (screen.dialog, session.label) == (None, 3)


@pytest.mark.parametrize("mod", [0, NUM, SHIFT])
def test_a_macs_keypad_always_types_digits(screen, monkeypatch, mod):
    session = screen.session
    monkeypatch.setattr(keys, "IS_MAC", True)
    press(screen, pygame.K_KP4, mod)
    assert taught(session) == [4]


def test_a_french_keyboard_types_its_digits_with_shift(screen):
    session = screen.session
    # SDL names the digit row's keys by their digits, whichever character is the upper one.
    press(screen, pygame.K_4, SHIFT, "4", pygame.KSCAN_4)
    assert taught(session) == [4]


def test_an_accented_letter_is_no_command_but_the_turkish_i_is_one(screen):
    before = state(screen)
    press(screen, ord("é"), 0, "é", pygame.KSCAN_W)  # Bépo has its W elsewhere
    assert state(screen) == before
    press(screen, ord("ı"), 0, "ı", pygame.KSCAN_I)
    assert screen.panel == "inside"


@pytest.mark.parametrize(
    "mod",
    [
        pygame.KMOD_LCTRL,
        pygame.KMOD_LALT,
        pygame.KMOD_RALT,  # AltGr
        pygame.KMOD_LCTRL | pygame.KMOD_RALT,  # AltGr as Windows says it
        pygame.KMOD_MODE,
        pygame.KMOD_LMETA,
        pygame.KMOD_LMETA | pygame.KMOD_LCTRL,
    ],
)
def test_what_belongs_to_the_desktop_does_nothing(screen, mod):
    press(screen, pygame.K_RIGHT)  # so that there is a pen to take away
    before = state(screen)
    codes = [*range(pygame.K_0, pygame.K_9 + 1), *KEYPAD, *MAIN, pygame.K_ESCAPE, pygame.K_SPACE]
    codes += [pygame.K_TAB, pygame.K_RETURN, pygame.K_F1, pygame.K_F6, pygame.K_F11, pygame.K_F12]
    commands = "zycvso" if mod == pygame.KMOD_LCTRL else ""
    codes += [c for c in range(pygame.K_a, pygame.K_z + 1) if chr(c) not in commands]
    for key in codes:
        for numlock in (0, NUM):
            press(screen, key, mod | numlock)
            assert state(screen) == before, pygame.key.name(key)


def test_a_mac_takes_command_for_control(screen, monkeypatch):
    session = screen.session
    monkeypatch.setattr(keys, "IS_MAC", True)
    press(screen, pygame.K_z, pygame.KMOD_LMETA)
    assert session.canvas.is_blank
    press(screen, pygame.K_z, pygame.KMOD_LMETA | SHIFT)
    assert not session.canvas.is_blank
    before = state(screen)
    press(screen, pygame.K_z, pygame.KMOD_LALT)
    press(screen, pygame.K_z, pygame.KMOD_LMETA | pygame.KMOD_LALT)
    assert state(screen) == before


def test_an_esc_that_is_still_down_from_another_window_does_not_quit(screen, clock):
    esc = {"key": pygame.K_ESCAPE, "mod": 0, "unicode": "\x1b"}
    send(screen, pygame.WINDOWFOCUSLOST)
    clock.now += 5
    send(screen, pygame.WINDOWFOCUSGAINED)
    for pause in (0.03, 0.3, 0.04, 0.04):  # as pygame repeats a key
        clock.now += pause
        send(screen, pygame.KEYDOWN, **esc)
        assert not screen.quit_wanted
    send(screen, pygame.KEYUP, key=pygame.K_ESCAPE, mod=0)
    send(screen, pygame.KEYDOWN, **esc)
    assert screen.quit_wanted


def test_esc_counts_soon_after_the_focus_has_come(screen, clock):
    send(screen, pygame.WINDOWFOCUSGAINED)
    clock.now += 0.15
    press(screen, pygame.K_ESCAPE)
    assert screen.quit_wanted


def test_a_card_opened_in_mid_stroke_ends_the_stroke(screen):
    session, layout = screen.session, screen.layout
    session.clear()
    (x, y), (x2, y2) = (map(int, layout.to_pixels(*cell)) for cell in ((4, 4), (24, 24)))
    send(screen, pygame.MOUSEBUTTONDOWN, pos=(x, y), button=1)
    press(screen, pygame.K_h)
    for buttons in ((1, 0, 0), (1, 0, 0)):
        send(screen, pygame.MOUSEMOTION, pos=(x2, y2), rel=(1, 1), buttons=buttons)
    send(screen, pygame.MOUSEBUTTONUP, pos=(x2, y2), button=1)
    assert not session.canvas.ink[8:].any()
    assert not session.canvas.is_drawing


def test_a_button_is_pressed_also_where_the_release_before_was_lost(screen):
    x, y = map(int, screen.layout.to_pixels(4, 4))
    send(screen, pygame.MOUSEBUTTONDOWN, pos=(x, y), button=1)
    send(screen, pygame.WINDOWFOCUSLOST)
    help_button = screen.layout.buttons["help"]
    place = help_button.x + 5, help_button.y + 5
    send(screen, pygame.MOUSEBUTTONDOWN, pos=place, button=1)
    assert screen.dialog == "help"


def test_after_a_finger_lost_with_the_focus_the_mouse_draws(screen):
    session = screen.session
    session.clear()
    send(screen, pygame.FINGERDOWN, touch_id=5, finger_id=1, x=0.1, y=0.1, dx=0.0, dy=0.0)
    send(screen, pygame.WINDOWFOCUSLOST)
    place = tuple(map(int, screen.layout.to_pixels(20.5, 20.5)))
    send(screen, pygame.MOUSEBUTTONDOWN, pos=place, button=1)
    np.testing.assert_array_equal(session.canvas.ink[20, 20], 1)


def test_every_command_does_something_a_screen_can_do(screen, monkeypatch):
    monkeypatch.setattr(screen.session.mnist, "download", lambda: None)
    bound = [action for command in ALL_COMMANDS.values() for action in command.actions.values()]
    bound += [action for actions in DIALOG_ACTIONS.values() for action in actions.values()]
    for action in dict.fromkeys(bound):
        action(screen)
    assert screen.requests == ["copy", "paste", "full screen", "screenshot"]


@pytest.mark.parametrize("panel", PANEL_COMMANDS)
@pytest.mark.parametrize("dialog", [None, *DIALOG_ACTIONS])
def test_every_key_of_a_command_is_found_and_none_means_two_things(dialog, panel):
    on_panel = [command.actions for command in PANEL_COMMANDS[panel].values()]
    taken = {name for each in on_panel for name in each}  # by the panel, from the window
    elsewhere = [command.actions for command in COMMANDS.values()]
    actions = [{k: do for k, do in each.items() if k not in taken} for each in elsewhere]
    actions = on_panel + actions if dialog is None else [DIALOG_ACTIONS[dialog]]
    found = {}
    for name, action in (item for each in actions for item in each.items()):
        for code, ctrl, shift in presses(name):
            mod = (pygame.KMOD_LCTRL if ctrl else 0) | (SHIFT if shift else 0)
            event = pygame.event.Event(pygame.KEYDOWN, key=code, mod=mod, scancode=0)
            assert action_of(event, dialog, panel) is action, name
            assert found.setdefault((code, mod), action) is action, name
