import numpy as np
import pygame
import pytest

from app.window import controller as controller_module
from app.window.input import keys
from tests.helpers.screens import Network, controller_of, screen_of

SIZE = (960, 640)


@pytest.fixture
def controller(monkeypatch):
    monkeypatch.setattr(controller_module, "HAS_TOUCH_SCREEN", True)
    return controller_of(screen_of(Network(), size=SIZE))


def pixel(controller, x, y):
    """The window's pixel whose middle is nearest to a place on the canvas, in cells."""
    px, py = controller.layout.to_pixels(x, y)
    return int(px), int(py)


def press(controller, x, y, button=1, **more):
    place = pixel(controller, x, y)
    controller.handle(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=place, button=button, **more))


def release(controller, x, y, button=1, **more):
    place = pixel(controller, x, y)
    controller.handle(pygame.event.Event(pygame.MOUSEBUTTONUP, pos=place, button=button, **more))


def move(controller, x, y, buttons=(1, 0, 0), **more):
    place = pixel(controller, x, y)
    controller.handle(
        pygame.event.Event(pygame.MOUSEMOTION, pos=place, rel=(0, 0), buttons=buttons, **more)
    )


def finger(controller, kind, x, y, finger_id=1):
    px, py = controller.layout.to_pixels(x, y)
    controller.handle(
        pygame.event.Event(
            kind, touch_id=5, finger_id=finger_id, x=px / SIZE[0], y=py / SIZE[1], dx=0.0, dy=0.0
        )
    )


def key(controller, code, mod=0, scancode=0):
    controller.handle(pygame.event.Event(pygame.KEYDOWN, key=code, mod=mod, scancode=scancode))


def test_a_click_leaves_a_dot_under_the_pointer(controller):
    press(controller, 10.5, 20.5)
    assert controller.canvas.ink[20, 10] == 1
    release(controller, 10.5, 20.5)
    assert controller.canvas.ink[20, 10] == 1


def test_the_left_button_draws_and_the_right_one_erases(controller):
    for button, buttons in ((1, (1, 0, 0)), (3, (0, 0, 1))):
        press(controller, 5, 14, button)
        move(controller, 22, 14, buttons)
        release(controller, 22, 14, button)
        assert controller.canvas.is_blank == (button == 3)


def test_a_movement_without_a_button_draws_nothing(controller):
    move(controller, 5, 14, (0, 0, 0))
    move(controller, 20, 14, (1, 0, 0))  # pressed elsewhere
    assert controller.canvas.is_blank


def test_the_last_bit_of_a_stroke_may_come_with_the_release_alone(controller):
    press(controller, 5.5, 14.5)
    release(controller, 20.5, 14.5)
    assert (controller.canvas.ink[14, 5:21] > 0.9).all()


def test_other_buttons_and_the_wheel_do_nothing(controller):
    for button in (2, 4, 5, 6):
        press(controller, 14, 14, button)
        release(controller, 14, 14, button)
    assert controller.canvas.is_blank
    assert controller.session.pointer is None


def test_of_two_buttons_the_first_keeps_the_pen_until_it_is_up(controller):
    press(controller, 5.5, 14.5)
    press(controller, 6.5, 14.5, button=3)
    move(controller, 20.5, 14.5, (1, 0, 1))
    assert (controller.canvas.ink[14, 5:21] > 0.9).all()
    release(controller, 20.5, 14.5)
    move(controller, 5.5, 14.5, (0, 0, 1))
    release(controller, 5.5, 14.5, button=3)
    assert (controller.canvas.ink[14, 5:21] > 0.9).all()
    assert [mark.kind for mark in controller.canvas.strokes] == ["draw"]


def test_a_stroke_goes_on_outside_the_window_and_comes_back_elsewhere(controller):
    press(controller, 5.5, 5.5)
    move(controller, -40, 5.5)
    move(controller, -40, 22.5)
    move(controller, 5.5, 22.5)
    release(controller, 5.5, 22.5)
    ink = controller.canvas.ink
    assert (ink[5, :6] > 0.9).all()
    assert (ink[22, :6] > 0.9).all()
    assert not ink[8:20].any()  # no line straight from the one to the other
    assert not ink[:, 8:].any()  # and nothing at the other edge


def test_a_button_released_outside_unheard_ends_the_stroke(controller):
    press(controller, 5.5, 5.5)
    move(controller, 20.5, 20.5, (0, 0, 0))
    move(controller, 5.5, 25.5, (0, 0, 0))
    ink = controller.canvas.ink.copy()
    assert not ink[10:].any()
    press(controller, 14.5, 14.5)  # and the next one is a stroke of its own
    assert controller.canvas.ink[14, 14] == 1
    assert not controller.canvas.ink[20:].any()


def test_a_press_after_a_lost_release_starts_anew(controller):
    press(controller, 5.5, 5.5)
    press(controller, 22.5, 22.5)
    assert controller.canvas.ink[22, 22] == 1
    assert not controller.canvas.ink[10:18].any()


def test_losing_the_focus_ends_the_stroke_and_draws_no_line_to_where_it_comes_back(controller):
    press(controller, 5.5, 5.5)
    controller.handle(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    assert not controller.canvas.is_drawing
    move(controller, 22.5, 5.5)
    assert controller.canvas.ink[5, 22] == 1  # the button is still down
    assert not controller.canvas.ink[:, 9:19].any()


def test_a_button_released_while_the_focus_was_elsewhere_draws_no_more(controller):
    press(controller, 5.5, 5.5)
    controller.handle(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    move(controller, 22.5, 5.5, (0, 0, 0))
    move(controller, 22.5, 25.5, (1, 0, 0))
    assert not controller.canvas.ink[:, 10:].any()


@pytest.mark.parametrize("cell", [(0, 0), (27, 0), (0, 27), (27, 27)])
def test_the_corner_cells_can_be_inked_and_wrap_nowhere(controller, cell):
    press(controller, cell[0] + 0.5, cell[1] + 0.5)
    ink = controller.canvas.ink
    assert ink[cell[1], cell[0]] > 0.9
    assert np.count_nonzero(ink) <= 4
    assert not ink[2:-2].any()


def test_a_drag_from_beside_the_canvas_draws_from_its_edge(controller):
    press(controller, 28.8, 14.5)
    move(controller, 20.5, 14.5)
    assert (controller.canvas.ink[14, 21:] > 0.9).all()


def test_a_click_beside_the_canvas_leaves_no_mark(controller):
    press(controller, 28.8, 40)
    release(controller, 28.8, 40)
    assert controller.canvas.strokes == []


def test_r_resets_canvas_and_answer_even_in_mid_stroke(controller):
    press(controller, 5, 14)
    controller.session.predictor.predict_now()
    assert controller.session.predictor.answer is not None
    key(controller, pygame.K_r)
    move(controller, 20, 14)
    assert controller.canvas.is_blank
    assert controller.session.predictor.answer is None
    assert controller.session.predictor.seconds_until_due() is None


def test_r_is_found_by_its_place_where_letters_are_not_latin(controller):
    press(controller, 5, 14)
    key(controller, 0x43A, scancode=pygame.KSCAN_R)  # Cyrillic
    assert controller.canvas.is_blank
    press(controller, 5, 14)
    key(controller, pygame.K_p, scancode=pygame.KSCAN_R)  # Dvorak
    assert not controller.canvas.is_blank


def test_undo_and_redo_keys(controller, monkeypatch):
    monkeypatch.setattr(keys, "IS_MAC", True)  # elsewhere Command is the desktop's
    for x in (5.5, 20.5):
        press(controller, x, 14)
        release(controller, x, 14)
    key(controller, pygame.K_z)
    assert len(controller.canvas.strokes) == 2
    key(controller, pygame.K_z, pygame.KMOD_LCTRL)
    assert len(controller.canvas.strokes) == 1
    key(controller, pygame.K_z, pygame.KMOD_LCTRL | pygame.KMOD_LSHIFT)
    assert len(controller.canvas.strokes) == 2
    key(controller, pygame.K_z, pygame.KMOD_LMETA)
    key(controller, pygame.K_y, pygame.KMOD_RCTRL)
    assert len(controller.canvas.strokes) == 2


@pytest.mark.parametrize(
    "event",
    [
        pygame.event.Event(pygame.QUIT),
        pygame.event.Event(pygame.WINDOWCLOSE),
        pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE, mod=0),
    ],
)
def test_closing_and_escape_quit(controller, event):
    controller.handle(event)
    assert controller.screen.quit_wanted


def test_a_resize_moves_the_canvas_with_the_window(controller):
    controller.handle(pygame.event.Event(pygame.WINDOWSIZECHANGED, x=1500, y=1000))
    assert controller.screen.size == (1500, 1000)
    press(controller, 3.5, 24.5)
    assert controller.canvas.ink[24, 3] == 1


def test_a_resize_in_mid_stroke_draws_no_line_nobody_drew(controller):
    press(controller, 2.5, 2.5)
    controller.handle(pygame.event.Event(pygame.WINDOWSIZECHANGED, x=600, y=900))
    move(controller, 25.5, 25.5)
    move(controller, 20.5, 25.5)
    ink = controller.canvas.ink
    assert ink[2, 2] == 1
    assert (ink[25, 20:26] > 0.9).all()
    assert not ink[6:22].any()


def test_fingers_draw_and_their_mouse_events_do_not_count_twice(controller):
    finger(controller, pygame.FINGERDOWN, 5.5, 14.5)
    press(controller, 5.5, 3.5, touch=True)
    finger(controller, pygame.FINGERMOTION, 20.5, 14.5)
    move(controller, 20.5, 3.5, touch=True)
    finger(controller, pygame.FINGERUP, 20.5, 14.5)
    release(controller, 20.5, 3.5, touch=True)
    assert (controller.canvas.ink[14, 5:21] > 0.9).all()
    assert not controller.canvas.ink[:10].any()
    assert len(controller.canvas.strokes) == 1


def test_a_second_finger_does_not_disturb_the_first(controller):
    finger(controller, pygame.FINGERDOWN, 5.5, 14.5, finger_id=1)
    finger(controller, pygame.FINGERDOWN, 5.5, 3.5, finger_id=2)
    finger(controller, pygame.FINGERMOTION, 20.5, 3.5, finger_id=2)
    finger(controller, pygame.FINGERUP, 20.5, 3.5, finger_id=2)
    finger(controller, pygame.FINGERMOTION, 20.5, 14.5, finger_id=1)
    assert (controller.canvas.ink[14, 5:21] > 0.9).all()
    assert not controller.canvas.ink[:10].any()


def test_a_trackpad_is_not_taken_for_a_touch_screen(controller, monkeypatch):
    monkeypatch.setattr(controller_module, "HAS_TOUCH_SCREEN", False)
    finger(controller, pygame.FINGERDOWN, 5.5, 14.5)
    assert controller.canvas.is_blank


def test_events_that_mean_nothing_here_are_ignored(controller):
    for kind in (pygame.KEYUP, pygame.ACTIVEEVENT, pygame.WINDOWENTER, pygame.WINDOWLEAVE):
        controller.handle(pygame.event.Event(kind))
    assert not controller.screen.quit_wanted
    assert controller.canvas.version == 0


def test_below_a_card_nothing_is_drawn_and_nothing_rubbed_out(controller):
    press(controller, 5, 14)
    move(controller, 20, 14)
    release(controller, 20, 14)
    before = controller.canvas.ink.copy()
    key(controller, pygame.K_h)
    press(controller, 12, 14, button=3)
    move(controller, 14, 14, buttons=(0, 0, 1))
    release(controller, 14, 14, button=3)
    for code in (pygame.K_SPACE, pygame.K_DOWN, pygame.K_SPACE):
        key(controller, code)
    assert controller.screen.dialog == "help"
    np.testing.assert_array_equal(controller.canvas.ink, before)
    assert controller.screen.pen.place is None
