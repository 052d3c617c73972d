"""What each key does, with events as SDL sends them: the keypad's carry NumLock, and no text."""

import numpy as np
import pygame
import pytest

from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile
from app.my_digits.tuner import BackgroundTuner
from app.session.session import Session
from app.window import controller as controller_module
from app.window import keys
from nn.inference.classifier import load_classifier

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
def session(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(
        BackgroundTuner, "start", lambda tuner: None
    )  # what is kept need not be learned
    my_digits = MyDigits(
        Profile(tmp_path / "profile"), load_classifier("linear"), tmp_path / "nowhere"
    )
    session = Session(
        load_classifier("linear"),
        clock=clock,
        my_digits=my_digits,
        drawings=tmp_path / "drawings",
        seed=1,
    )
    draw(session)
    yield session
    session.close()


def draw(session):
    session.canvas.begin("draw", 14, 6)
    session.canvas.extend(14, 22)
    session.canvas.end()
    session.predict_now()


def press(session, key, mod=0, unicode="", scancode=0):
    for kind in (pygame.KEYDOWN, pygame.KEYUP):
        session.controller.handle(
            pygame.event.Event(kind, key=key, mod=mod, scancode=scancode, unicode=unicode)
        )


def taught(session):
    return [own.digit.label for own in session.my_digits.profile.load().digits]


def state(session):
    """What a key may change, but for the time of a message."""
    shown = session.overlay, session.panel, session.is_why, session.theme, session.focus
    asked = session.window_requests, session.quit_wanted
    drawn = session.canvas.version, session.canvas.brush, session.canvas.is_drawing, session.pen
    inside = session.looked_at, session.networks.chosen, session.row
    return repr((shown, asked, drawn, inside, session.message, taught(session)))


def test_with_numlock_the_keypad_types_digits(session):
    for digit in range(10):
        press(session, KEYPAD[digit], NUM)
        assert taught(session) == [digit]


@pytest.mark.parametrize("mod", [0, SHIFT, NUM | SHIFT])
def test_without_numlock_the_keypad_does_what_the_main_block_does(session, mod):
    session.networks.add(load_classifier("mlp"))  # with several parts to walk through
    session.choose_network(1)
    session.open_panel("inside")
    for digit in range(10):
        states = []
        for key, modifiers in ((KEYPAD[digit], mod), (MAIN[digit], mod & SHIFT)):
            session.pen = None
            session.look_at(1, 0)
            before = state(session)
            press(session, key, modifiers)
            states.append(state(session))
        assert states[0] == states[1]
        assert (states[0] != before) == (digit in (2, 3, 4, 6, 8, 9))
    assert taught(session) == []


def test_without_numlock_the_keypads_arrows_go_on_while_held(session):
    for _ in range(3):
        session.controller.handle(
            pygame.event.Event(pygame.KEYDOWN, key=pygame.K_KP6, mod=0, unicode="", scancode=94)
        )
    assert session.pen == (17.0, 14.0)


def test_without_numlock_the_keypad_walks_and_deletes_in_my_digits(session):
    for label in (1, 7):
        session.clear()
        draw(session)
        press(session, getattr(pygame, f"K_{label}"), unicode=str(label))
    press(session, pygame.K_m)
    assert session.row == 1
    press(session, pygame.K_KP4)
    assert session.row == 0
    press(session, pygame.K_KP_PERIOD, NUM)
    assert taught(session) == [1, 7]
    press(session, pygame.K_KP_PERIOD)
    assert taught(session) == [7]
    press(session, pygame.K_KP3, NUM)
    assert taught(session) == [3]
    press(session, pygame.K_KP_ENTER)
    assert (session.overlay, session.label) == (None, 3)


@pytest.mark.parametrize("mod", [0, NUM, SHIFT])
def test_a_macs_keypad_always_types_digits(session, monkeypatch, mod):
    monkeypatch.setattr(keys, "IS_MAC", True)
    press(session, pygame.K_KP4, mod)
    assert taught(session) == [4]


def test_a_french_keyboard_types_its_digits_with_shift(session):
    # SDL names the digit row's keys by their digits, whichever character is the upper one.
    press(session, pygame.K_4, SHIFT, "4", pygame.KSCAN_4)
    assert taught(session) == [4]


def test_an_accented_letter_is_no_command_but_the_turkish_i_is_one(session):
    before = state(session)
    press(session, ord("é"), 0, "é", pygame.KSCAN_W)  # Bépo has its W elsewhere
    assert state(session) == before
    press(session, ord("ı"), 0, "ı", pygame.KSCAN_I)
    assert session.panel == "inside"


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
def test_what_belongs_to_the_desktop_does_nothing(session, mod):
    press(session, pygame.K_RIGHT)  # so that there is a pen to take away
    before = state(session)
    codes = [*range(pygame.K_0, pygame.K_9 + 1), *KEYPAD, *MAIN, pygame.K_ESCAPE, pygame.K_SPACE]
    codes += [pygame.K_TAB, pygame.K_RETURN, pygame.K_F1, pygame.K_F6, pygame.K_F11, pygame.K_F12]
    commands = "zycvso" if mod == pygame.KMOD_LCTRL else ""
    codes += [c for c in range(pygame.K_a, pygame.K_z + 1) if chr(c) not in commands]
    for key in codes:
        for numlock in (0, NUM):
            press(session, key, mod | numlock)
            assert state(session) == before, pygame.key.name(key)


def test_a_mac_takes_command_for_control(session, monkeypatch):
    monkeypatch.setattr(keys, "IS_MAC", True)
    press(session, pygame.K_z, pygame.KMOD_LMETA)
    assert session.canvas.is_blank
    press(session, pygame.K_z, pygame.KMOD_LMETA | SHIFT)
    assert not session.canvas.is_blank
    before = state(session)
    press(session, pygame.K_z, pygame.KMOD_LALT)
    press(session, pygame.K_z, pygame.KMOD_LMETA | pygame.KMOD_LALT)
    assert state(session) == before


def test_an_esc_that_is_still_down_from_another_window_does_not_quit(session, clock):
    handle = session.controller.handle
    esc = pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE, mod=0, unicode="\x1b")
    handle(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    clock.now += 5
    handle(pygame.event.Event(pygame.WINDOWFOCUSGAINED))
    for pause in (0.03, 0.3, 0.04, 0.04):  # as pygame repeats a key
        clock.now += pause
        handle(esc)
        assert not session.quit_wanted
    handle(pygame.event.Event(pygame.KEYUP, key=pygame.K_ESCAPE, mod=0))
    handle(esc)
    assert session.quit_wanted


def test_esc_counts_soon_after_the_focus_has_come(session, clock):
    session.controller.handle(pygame.event.Event(pygame.WINDOWFOCUSGAINED))
    clock.now += 0.15
    press(session, pygame.K_ESCAPE)
    assert session.quit_wanted


def test_a_card_opened_in_mid_stroke_ends_the_stroke(session):
    layout, handle = session.layout, session.controller.handle
    session.clear()
    (x, y), (x2, y2) = (map(int, layout.to_pixels(*cell)) for cell in ((4, 4), (24, 24)))
    handle(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(x, y), button=1))
    press(session, pygame.K_h)
    for buttons in ((1, 0, 0), (1, 0, 0)):
        handle(pygame.event.Event(pygame.MOUSEMOTION, pos=(x2, y2), rel=(1, 1), buttons=buttons))
    handle(pygame.event.Event(pygame.MOUSEBUTTONUP, pos=(x2, y2), button=1))
    assert not session.canvas.ink[8:].any()
    assert not session.canvas.is_drawing


def test_a_button_is_pressed_also_where_the_release_before_was_lost(session):
    x, y = map(int, session.layout.to_pixels(4, 4))
    handle = session.controller.handle
    handle(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(x, y), button=1))
    handle(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    help_button = session.layout.buttons["help"]
    place = help_button.x + 5, help_button.y + 5
    handle(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=place, button=1))
    assert session.overlay == "help"


def test_after_a_finger_lost_with_the_focus_the_mouse_draws(session):
    session.clear()
    handle = session.controller.handle
    handle(
        pygame.event.Event(pygame.FINGERDOWN, touch_id=5, finger_id=1, x=0.1, y=0.1, dx=0.0, dy=0.0)
    )
    handle(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    place = tuple(map(int, session.layout.to_pixels(20.5, 20.5)))
    handle(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=place, button=1))
    np.testing.assert_array_equal(session.canvas.ink[20, 20], 1)
