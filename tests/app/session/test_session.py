import gc
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pygame
import pytest

from app.drawing.canvas import Canvas
from app.drawing.strokes import read_strokes
from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile
from app.session.messages import MESSAGE_SECONDS
from app.session.networks import network_info
from app.session.predictor import GLIDE_SECONDS
from app.window.input import keys
from app.window.input.commands import BUTTONS, HINTS, PANEL_COMMANDS
from app.window.painter import Painter
from app.window.panels.training_panel import training_button_words, training_words
from app.window.style.cells import gliding, on_canvas
from app.window.style.palette import DARK, LIGHT
from nn.data.download import PACKED_SIZE
from nn.handwriting.framing import BOX, Framing, centre_of_mass, frame
from nn.inference.classifier import PACKAGED_MODELS, load_classifier
from nn.support.errors import DataError, TrainingError
from tests.helpers.clock import Clock
from tests.helpers.contrast import contrast, luminance
from tests.helpers.data_files import made_up_dataset
from tests.helpers.paths import EXAMPLES, ROOT
from tests.helpers.screens import (
    Network,
    click,
    draw,
    finger,
    follow,
    load_networks,
    painted,
    point,
    press,
    screen_of,
    send,
    start,
)


@pytest.fixture
def screen(clock, tmp_path):
    return start(clock, tmp_path)


@pytest.fixture
def session(screen):
    return screen.session


def answers(session):
    """What each network of the list makes of the drawing."""
    return [session.predictor.answer_of(entry.network) for entry in session.networks.entries]


def training_state(session):
    return session.course.training and session.course.training.state


def test_tab_goes_through_the_networks_and_every_one_reads_the_drawing(screen):
    session = screen.session
    names = [entry.name for entry in session.networks.entries]
    assert names == ["linear", "tiny", "mlp", "cnn"]  # smallest first
    assert session.network.name == "linear"
    draw(session)
    assert len(answers(session)) == 4
    seen = []
    for _ in names:
        press(screen, pygame.K_TAB)
        seen.append(session.network.name)
        own = answers(session)[session.networks.chosen]
        assert own is session.predictor.answer
        expected = session.network.probabilities(session.predictor.framing.image[None])[0]
        np.testing.assert_allclose(own.probabilities, expected, rtol=1e-5)
    assert seen == ["tiny", "mlp", "cnn", "linear"]
    press(screen, pygame.K_TAB, pygame.KMOD_LSHIFT)
    assert session.network.name == "cnn"
    click(screen, screen.layout.table[1])
    assert session.network.name == "linear"


def test_in_a_small_window_the_table_is_a_panel_of_its_own(screen):
    session = screen.session
    screen.resize((480, 320))
    draw(session)
    assert screen.layout.table == ()
    press(screen, pygame.K_TAB)
    assert screen.panel == "networks"
    assert [answer.digit for answer in answers(session)] == [4, 4, 4, 4]
    assert session.network.name == "linear"
    press(screen, pygame.K_TAB)
    assert session.network.name == "tiny"
    press(screen, pygame.K_ESCAPE)
    assert screen.panel == "answer"
    assert not screen.quit_wanted


def test_a_toast_goes_by_itself_and_a_hint_follows_the_pointer(screen, clock):
    session = screen.session
    session.say("hello")
    assert screen.hint() == "hello"
    wait = session.seconds_until_due()
    assert wait == pytest.approx(MESSAGE_SECONDS)
    clock.now += wait
    session.update()
    assert screen.hint().startswith("left draws")
    for name in (*BUTTONS, *PANEL_COMMANDS["training"]):
        screen.hover = name
        assert screen.hint().startswith(HINTS[name])


def test_the_drawing_glides_into_its_frame(session, clock):
    draw(session)
    ink, framing = session.canvas.ink, session.predictor.framing
    np.testing.assert_allclose(gliding(ink, framing, 0.0), ink, atol=1e-5)
    np.testing.assert_allclose(gliding(ink, framing, 1.0), framing.image, atol=1e-5)

    def extent(image):
        rows = np.flatnonzero((image > 0.5).any(axis=1))
        return rows[-1] - rows[0] + 1

    sizes = [extent(gliding(ink, framing, t)) for t in (0.0, 0.5, 1.0)]
    assert sizes[0] < sizes[1] < sizes[2]
    assert abs(sizes[2] - BOX) <= 2
    session.canvas.draw_strokes([[(2.0, 2.0), (4.0, 4.0)]])
    session.update()
    assert session.predictor.glide == pytest.approx(0, abs=0.01)
    clock.now += GLIDE_SECONDS / 2
    assert 0.4 < session.predictor.glide < 0.6


def mouse(screen, kind, x, y):
    place = tuple(int(v) for v in screen.layout.to_pixels(x, y))
    more = {"buttons": (1, 0, 0)} if kind == pygame.MOUSEMOTION else {"button": 1}
    send(screen, kind, pos=place, **more)


def by_mouse(screen):
    mouse(screen, pygame.MOUSEBUTTONDOWN, 4, 14)
    yield mouse(screen, pygame.MOUSEMOTION, 9, 20)
    yield mouse(screen, pygame.MOUSEBUTTONUP, 9, 20)


def by_finger(screen):
    begin, end = (screen.layout.to_pixels(*cell) for cell in ((4, 14), (9, 20)))
    finger(screen, pygame.FINGERDOWN, begin)
    yield finger(screen, pygame.FINGERMOTION, end)
    yield finger(screen, pygame.FINGERUP, end)


def by_keyboard(screen):
    for key in (pygame.K_LEFT,) * 6 + (pygame.K_SPACE, pygame.K_DOWN):
        press(screen, key)
    yield press(screen, pygame.K_DOWN)
    yield press(screen, pygame.K_SPACE)


def liveliness(surface, rect):
    """How far the colours of a rectangle are from the window's background, at most."""
    pixels = pygame.surfarray.array3d(surface.subsurface(rect)).astype(int)
    return np.abs(pixels - DARK.background).sum(axis=2).max()


@pytest.mark.parametrize("act", [by_mouse, by_finger, by_keyboard])
@pytest.mark.parametrize("panel", ["answer", "networks", "inside", "training", "weights"])
def test_an_answer_fades_while_the_drawing_changes_and_a_lifted_pen_is_read_at_once(
    clock, tmp_path, monkeypatch, act, panel
):
    monkeypatch.setattr("app.window.controller.HAS_TOUCH_SCREEN", True)
    screen = start(clock, tmp_path)
    session = screen.session
    screen.open_panel(panel)
    draw(session)
    clock.now += GLIDE_SECONDS
    painter, surface = Painter(), pygame.Surface(screen.size)
    layout = screen.layout
    shown = [
        layout.answer,
        layout.network_input,
        *layout.table,
        *(row.whole for row in layout.bars),
    ]
    if panel == "inside":
        shown = [*shown, *(shown.row.tiles.whole for shown in screen.inside.rows(layout))]

    def lives():
        session.update()
        while not painter.is_current(screen):
            painter.paint(surface, screen)
        return np.array([liveliness(surface, rect) for rect in shown])

    session.update()
    before = lives()
    steps = act(screen)
    next(steps)  # drawn, and the pen still down
    stale = lives()
    assert (stale < 0.6 * before).all()
    former = session.predictor.answer
    next(steps)
    settled = lives()
    assert session.predictor.answer is not former
    expected = session.network.probabilities(session.canvas.framing().image[None])[0]
    np.testing.assert_allclose(session.predictor.answer.probabilities, expected, rtol=1e-5)
    assert (settled > 0.6 * before).all()


def test_evidence_is_not_shown_on_ink_that_it_is_not_about(screen):
    session = screen.session
    draw(session)
    screen.why.switch()
    session.explanation.settle()
    mouse(screen, pygame.MOUSEBUTTONDOWN, 4, 14)
    session.update()

    def colour():
        """By how much red and blue differ on the canvas, at most."""
        shown = painted(screen).subsurface(screen.layout.canvas)
        red, _, blue = pygame.surfarray.array3d(shown).T.astype(int)
        return np.abs(red - blue).max()

    assert colour() < 30
    mouse(screen, pygame.MOUSEBUTTONUP, 4, 14)
    session.update()
    session.explanation.settle()
    assert colour() > 60


def test_a_training_does_not_make_the_network_read_while_the_pen_is_down(
    clock, tmp_path, small_mnist
):
    screen = start(clock, tmp_path, data_dir=small_mnist)
    session = screen.session
    draw(session)
    press(screen, pygame.K_t)
    follow(screen, lambda: session.course.training is not None)
    mouse(screen, pygame.MOUSEBUTTONDOWN, 4, 14)
    session.update()
    answer = session.predictor.answer
    clock.now += 0.5  # less than the interval, and long enough for a look behind
    session.course.training.wait()
    session.update()
    assert session.predictor.answer is answer
    mouse(screen, pygame.MOUSEBUTTONUP, 4, 14)
    session.update()
    assert session.predictor.answer is not answer
    session.close()


def test_on_canvas_finds_the_way_back_from_the_frame():
    canvas = Canvas()
    canvas.draw_strokes([[(6.0, 8.0), (9.0, 12.0)]])
    framing = canvas.framing()
    back = on_canvas(framing.image, framing)
    middle, expected = centre_of_mass(np.stack([back, canvas.ink]))
    np.testing.assert_allclose(middle, expected, atol=0.2)
    assert not back[canvas.ink == 0].any()
    whole = Framing(framing.image)
    np.testing.assert_allclose(on_canvas(framing.image, whole), framing.image, atol=1e-6)


def test_why_shows_evidence_for_the_answer_and_for_any_digit_chosen(screen):
    session = screen.session
    press(screen, pygame.K_w)
    assert "Draw a digit" in session.message
    draw(session)
    answer = session.predictor.answer.digit
    assert session.explanation.explained == answer
    session.explanation.settle()
    mine = session.explanation.map.effects
    assert mine.sum() > 0  # on the whole, the ink speaks for the answer
    assert not mine[session.predictor.framing.image == 0].any()
    click(screen, screen.layout.bars[(answer + 3) % 10].whole)
    assert session.explanation.explained == (answer + 3) % 10
    session.explanation.settle()
    assert session.explanation.map.effects.sum() < mine.sum()
    press(screen, pygame.K_DOWN)
    assert session.explanation.explained == (answer + 4) % 10
    press(screen, pygame.K_w)
    assert session.explanation.map is None


def test_evidence_colours_the_ink_and_nothing_else(screen):
    session = screen.session
    draw(session)
    screen.why.switch()
    session.explanation.settle()
    hollow = session.explanation.map.missing
    assert hollow  # and elsewhere nothing is painted but these
    session.explanation.map.missing.clear()
    surface, layout = painted(screen), screen.layout
    colours = set()
    for y in range(28):
        for x in range(28):
            px, py = layout.to_pixels(x + 0.5, y + 0.5)
            red, _, blue, _ = surface.get_at((int(px), int(py)))
            if session.canvas.ink[y, x] == 0:
                assert (red, blue) == (DARK.paper[0], DARK.paper[2])
            else:
                colours.add("for" if red > blue + 30 else "against" if blue > red + 30 else "-")
    assert {"for", "against"} <= colours


def test_the_bar_that_why_explains_is_marked_and_its_label_stays_a_single_digit(screen):
    session = screen.session
    draw(session)
    for digit in range(10):
        plain = painted(screen)
        screen.why.explain(digit)
        marked = painted(screen)
        row = screen.layout.bars[digit]
        gap = row.track.x - row.label.x - max(2, screen.layout.text // 9)
        label = row.label._replace(width=gap)
        one, other = (pygame.image.tobytes(s.subsurface(label), "RGB") for s in (plain, marked))
        assert one == other
        assert marked.get_at((row.track.x + row.track.width // 2, row.track.y - 1))[:3] == DARK.text
        screen.why.switch()
        session.digit = None


def test_the_keyboard_alone_can_draw_and_press(screen):
    session = screen.session
    press(screen, pygame.K_SPACE)
    for _ in range(8):
        press(screen, pygame.K_DOWN)
    press(screen, pygame.K_SPACE)
    assert (session.canvas.ink[14:22, 14] > 0.3).all()
    assert not session.canvas.is_drawing
    press(screen, pygame.K_RIGHT)
    assert session.canvas.ink[:, 20:].sum() == 0  # lifted
    press(screen, pygame.K_LEFT)
    before = session.canvas.ink.sum()
    press(screen, pygame.K_SPACE, pygame.KMOD_LSHIFT)
    press(screen, pygame.K_UP)
    press(screen, pygame.K_SPACE)
    assert 0 < session.canvas.ink.sum() < before
    assert not session.canvas.is_drawing
    names = [*screen.layout.buttons]
    for name in names:
        press(screen, pygame.K_F6)
        assert screen.focus == name
    press(screen, pygame.K_F6)
    assert screen.focus == names[0] == "clear"
    press(screen, pygame.K_RETURN)
    assert session.canvas.is_blank
    press(screen, pygame.K_ESCAPE)
    assert screen.focus is None
    assert not screen.quit_wanted


@pytest.mark.parametrize(
    ("thinner", "thicker"),
    [
        (pygame.K_LEFTBRACKET, pygame.K_RIGHTBRACKET),
        (pygame.K_MINUS, pygame.K_PLUS),
        (pygame.K_MINUS, pygame.K_EQUALS),
        (pygame.K_KP_MINUS, pygame.K_KP_PLUS),
    ],
)
def test_brush_sizes_by_wheel_and_keys(screen, thinner, thicker):
    session = screen.session

    def wheel(y):
        send(screen, pygame.MOUSEWHEEL, x=0, y=y)

    def dot():
        screen.do("clear")
        session.canvas.begin("draw", 14, 14)
        session.canvas.end()
        return session.canvas.ink.sum()

    usual = dot()
    wheel(1)
    assert dot() > usual * 1.5
    for _ in range(9):
        press(screen, thinner)
    assert dot() < usual * 0.5
    wheel(1)
    press(screen, thicker)
    assert dot() == pytest.approx(usual)


def test_keys_with_control_command_and_alt(screen, monkeypatch):
    session = screen.session
    monkeypatch.setattr(keys, "IS_MAC", True)  # elsewhere Command is the desktop's
    for key in (pygame.K_c, pygame.K_v):
        press(screen, key, pygame.KMOD_LCTRL)
    assert screen.requests == ["copy", "paste"]
    press(screen, pygame.K_F11)
    press(screen, pygame.K_F12)
    assert screen.requests[2:] == ["full screen", "screenshot"]
    draw(session)
    press(screen, pygame.K_r, pygame.KMOD_LALT)  # the desktop's, not the program's
    assert not session.canvas.is_blank
    press(screen, pygame.K_s, pygame.KMOD_LMETA)
    assert len(list(session.files.folder.glob("*.jsonl"))) == 1
    press(screen, pygame.K_o, pygame.KMOD_LCTRL)
    assert screen.dialog == "open"


def test_a_click_in_the_list_opens_that_drawing(screen):
    session = screen.session
    press(screen, pygame.K_o)
    press(screen, pygame.K_DOWN)  # of nothing
    press(screen, pygame.K_RETURN)
    assert screen.dialog is None
    for digit in (1, 4):
        press(screen, pygame.K_r)
        draw(session, digit)
        press(screen, pygame.K_s)
    ink = session.canvas.ink.copy()
    press(screen, pygame.K_r)
    press(screen, pygame.K_o)
    row = [path.stem for path in session.files.saved].index(
        max(p.stem for p in session.files.saved)
    )
    click(screen, screen.layout.dialog.rows(2)[row])
    assert screen.dialog is None
    np.testing.assert_allclose(session.canvas.ink, ink, atol=1e-6)


def test_left_and_right_walk_through_the_buttons_once_one_has_the_focus(screen):
    press(screen, pygame.K_F6)
    first = screen.focus
    press(screen, pygame.K_RIGHT)
    assert screen.focus != first
    press(screen, pygame.K_LEFT)
    assert screen.focus == first
    press(screen, pygame.K_F6, pygame.KMOD_LSHIFT)
    assert screen.focus == [*screen.layout.buttons][-1]


def test_keys_held_down_count_once_but_arrows_go_on(screen, clock):
    for _ in range(3):
        send(screen, pygame.KEYDOWN, key=pygame.K_l, mod=0)
        send(screen, pygame.KEYDOWN, key=pygame.K_RIGHT, mod=0)
    assert screen.theme == "light"
    assert screen.pen.place == (17.0, 14.0)
    clock.now += 1  # its release was lost, and it is pressed again
    send(screen, pygame.KEYDOWN, key=pygame.K_l, mod=0)
    assert screen.theme == "dark"


def test_a_held_key_counts_once_also_where_its_command_takes_long(screen, clock, monkeypatch):
    session = screen.session
    saved = []

    def slowly():
        saved.append(clock.now)
        clock.now += 1

    monkeypatch.setattr(session, "save", slowly)
    for _ in range(3):
        send(screen, pygame.KEYDOWN, key=pygame.K_s, mod=0)
    assert len(saved) == 1


def test_without_a_profile_digit_keys_say_so(screen):
    session = screen.session
    for key in (pygame.K_0, pygame.K_9, pygame.K_KP5):
        session.say("", 0)
        press(screen, key, pygame.KMOD_NUM)
        assert session.message.startswith("There is no profile")


@pytest.mark.parametrize("dialog", ["help", "open", "my digits"])
def test_over_a_card_no_key_changes_what_lies_below(clock, tmp_path, dialog):
    my_digits = MyDigits(
        Profile(tmp_path / "profile"), load_classifier("linear"), tmp_path / "nowhere"
    )
    screen = start(clock, tmp_path, my_digits=my_digits)
    session = screen.session
    draw(session)
    screen.move_focus(1)
    before = session.canvas.version, session.canvas.brush, screen.panel, session.networks.chosen
    screen.do(dialog)
    letters = (getattr(pygame, f"K_{letter}") for letter in "riwtnskxzyv")
    others = (pygame.K_TAB, pygame.K_SPACE, pygame.K_LEFTBRACKET, pygame.K_COMMA, pygame.K_F6)
    for key in (*letters, *others, pygame.K_RETURN, pygame.K_UP, pygame.K_5):
        press(screen, key)
        press(screen, key, pygame.KMOD_LCTRL)
        if key == pygame.K_RETURN and screen.dialog is None:  # the list's own key
            screen.do(dialog)
        assert screen.dialog == dialog
    send(screen, pygame.MOUSEWHEEL, x=0, y=1)
    assert before == (
        session.canvas.version, session.canvas.brush, screen.panel, session.networks.chosen
    )  # fmt: skip
    assert screen.focus == "clear"
    assert not screen.is_why
    assert not screen.requests
    assert not session.files.folder.exists()
    press(screen, pygame.K_l)
    press(screen, pygame.K_F12)
    assert (screen.theme, screen.requests) == ("light", ["screenshot"])
    for key, name in ((pygame.K_h, "help"), (pygame.K_m, "my digits"), (pygame.K_o, "open")):
        if name != dialog:
            press(screen, key)
            assert screen.dialog == name
    session.close()


def test_the_help_opens_and_closes_by_a_click(screen):
    session = screen.session
    press(screen, pygame.K_F1)
    assert screen.dialog == "help"
    send(screen, pygame.MOUSEBUTTONDOWN, pos=(5, 5), button=1)
    assert screen.dialog is None
    assert session.canvas.is_blank  # the click that closes the help draws nothing


def test_a_test_digit_comes_with_its_label_and_is_seen_as_mnist_made_it(
    clock, tmp_path, small_mnist
):
    screen = start(clock, tmp_path, data_dir=small_mnist)
    session = screen.session
    press(screen, pygame.K_n)
    follow(screen, lambda: not session.canvas.is_blank)
    image = session.canvas.ink
    label = session.label
    matches = (session.mnist.test.images == image.ravel()).all(axis=1)
    assert matches.any()
    assert label == session.mnist.test.labels[np.argmax(matches)]
    np.testing.assert_array_equal(session.predictor.framing.image, frame(image))
    assert str(label) in session.message
    session.canvas.draw_strokes([[(2.0, 2.0), (4.0, 4.0)]])
    assert session.label is None  # it is another drawing now
    screen.do("undo")
    screen.do("undo")
    assert session.canvas.is_blank


def test_without_the_data_n_and_t_say_how_to_get_it_and_t_downloads_it(
    clock, tmp_path, small_mnist, monkeypatch
):
    monkeypatch.setattr("app.session.mnist.mnist_cache", lambda: tmp_path / "nothing")
    said = []

    def download(folder, progress):
        progress(PACKED_SIZE // 2)
        said.append(session.mnist.progress)
        said.append(training_words(session))
        return small_mnist

    monkeypatch.setattr("nn.data.download.download_mnist", download)
    screen = start(clock, tmp_path)
    session = screen.session
    press(screen, pygame.K_n)
    follow(screen, lambda: session.mnist.state == "missing")
    follow(screen, lambda: "T offers to download it" in session.message)
    press(screen, pygame.K_t)
    assert training_button_words(session)["train"] == "Download"
    assert "download" in training_words(session)
    assert not said  # not unasked
    press(screen, pygame.K_n)
    assert "T downloads it" in session.message  # as it does here
    press(screen, pygame.K_t)
    follow(screen, lambda: session.course.training is not None)
    assert said == [pytest.approx(0.5, abs=0.01), "Downloading MNIST: 50 %"]
    session.close()


def test_a_download_that_fails_says_why(clock, tmp_path, monkeypatch):
    def download(folder, progress):
        raise DataError("no connection")

    monkeypatch.setattr("nn.data.download.download_mnist", download)
    screen = start(clock, tmp_path)
    session = screen.session
    session.mnist.state = "missing"
    screen.steering.train()
    assert session.mnist.state == "missing"
    screen.steering.train()
    follow(screen, lambda: "no connection" in session.message)
    assert session.course.training is None
    assert training_words(session) == "no connection"


def test_t_trains_keeps_and_throws_away(clock, tmp_path, small_mnist, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("app.session.training_course.users_networks", lambda: tmp_path / "networks")
    screen = start(clock, tmp_path, data_dir=small_mnist)
    session = screen.session
    draw(session)
    press(screen, pygame.K_t)
    follow(screen, lambda: session.course.training is not None)
    assert session.network is session.course.training.classifier
    first = session.predictor.answer.probabilities
    training = session.course.training
    follow(screen, lambda: training.curves.points)
    click(screen, screen.layout.panel_buttons["train"])
    if session.course.training is training:  # it had not ended yet, and did not begin again
        assert training.state in ("stopped", "finished")
        assert training_button_words(session)["train"] in ("Continue", "Again")
    if session.course.training.state == "stopped":
        learner = training._learner
        done = learner.batch
        time.sleep(0.1)
        assert learner.batch <= done + 1  # the batch under way, or another epoch's first
        press(screen, pygame.K_t)
    follow(screen, lambda: training_state(session) == "finished")
    follow(
        screen,
        lambda: session.course.training.refresh() or len(session.course.training.curves.points) > 1,
    )
    session.predict_now()
    assert session.predictor.answer.probabilities != first  # the bars change as it learns
    assert session.course.training.curves.validation[-1].accuracy > 0.7  # of ten classes
    assert (
        session.course.training.curves.points[-1].loss
        < session.course.training.curves.points[0].loss
    )
    learned = session.course.training.classifier.checkpoint.model.parameters.copy()
    accuracy = max(point.accuracy for point in session.course.training.curves.validation)
    press(screen, pygame.K_k)
    assert session.course.training is None
    assert session.network.name == "linear-1"
    # What had been shown of it stands in the table, and does after the next start of the program.
    for entry in (session.networks.entries[session.networks.chosen], network_info(load_classifier(
        tmp_path / "networks" / "linear-1.npz"
    ))):  # fmt: skip
        assert entry.accuracy == pytest.approx(accuracy)
    assert len(session.networks.entries) == 5
    kept = load_classifier(tmp_path / "networks" / "linear-1.npz")
    np.testing.assert_array_equal(kept.checkpoint.model.parameters, learned)

    press(screen, pygame.K_t)
    follow(screen, lambda: session.course.training is not None)
    press(screen, pygame.K_x)
    assert session.course.training is None
    assert len(session.networks.entries) == 5
    assert session.network.name == "linear-1"


def test_a_finished_training_is_thrown_away_only_where_it_is_seen_and_after_a_warning(
    clock, tmp_path, small_mnist
):
    screen = start(clock, tmp_path, data_dir=small_mnist)
    session = screen.session
    press(screen, pygame.K_t)
    follow(
        screen,
        lambda: session.course.training and session.course.training.state == "finished",
    )
    finished = session.course.training
    press(screen, pygame.K_ESCAPE)
    press(screen, pygame.K_x)
    assert session.course.training is finished
    press(screen, pygame.K_t)  # opens the panel
    press(screen, pygame.K_t)
    assert session.course.training is finished
    assert "K keeps this network; T again throws it away" in session.message
    press(screen, pygame.K_t)
    assert session.course.training is not finished
    session.close()


def test_undo_and_redo_leave_no_answer_of_another_drawing(clock, tmp_path):
    screen = start(clock, tmp_path)
    session = screen.session
    draw(session, 4)
    four = session.predictor.answer
    session.canvas.show_picture(np.eye(28, dtype=np.float32))
    session.predict_now()
    eye = session.predictor.answer
    press(screen, pygame.K_z, pygame.KMOD_CTRL)
    assert session.predictor.answer == four
    press(screen, pygame.K_z, pygame.KMOD_CTRL | pygame.KMOD_SHIFT)
    assert session.predictor.answer == eye
    press(screen, pygame.K_r)
    assert session.predictor.answer is None
    press(screen, pygame.K_z, pygame.KMOD_CTRL)
    assert session.predictor.answer == eye


def test_the_list_of_drawings_says_when_there_are_more(clock, tmp_path):
    screen = start(clock, tmp_path)
    session = screen.session
    session.files.folder.mkdir()
    for number in range(11):
        (session.files.folder / f"{number}.jsonl").write_text("")
    press(screen, pygame.K_o)
    assert (len(session.files.saved), session.files.saved_in_all) == (8, 11)
    titled = painted(screen)
    session.files.saved_in_all = 8
    untitled = painted(screen)
    title = screen.layout.dialog.title
    assert inked(titled, title) > inked(untitled, title) > 0


def inked(surface, rect):
    """How many pixels of a rectangle differ from the one at its end."""
    part = pygame.surfarray.array3d(surface.subsurface(rect)).astype(int)
    return int((np.abs(part - part[-1, 0]).sum(axis=2) > 60).sum())


def test_my_digits_show_no_message_about_what_they_cover(clock, tmp_path):
    screen = start(
        clock,
        tmp_path,
        my_digits=MyDigits(Profile(tmp_path / "my digits"), load_classifier("linear")),
    )
    session = screen.session
    draw(session)
    screen.why.explain(8)
    assert "Why 8" in session.message
    press(screen, pygame.K_m)
    assert screen.dialog == "my digits"
    assert not session.message
    session.close()


def test_escape_closes_why_before_it_quits(clock, tmp_path):
    screen = start(clock, tmp_path)
    session = screen.session
    draw(session)
    press(screen, pygame.K_w)
    press(screen, pygame.K_ESCAPE)
    assert not screen.is_why
    assert session.explanation.map is None
    assert not screen.quit_wanted
    press(screen, pygame.K_ESCAPE)
    assert screen.quit_wanted


def test_t_pressed_again_as_the_data_has_just_come_starts_one_training(
    clock, tmp_path, small_mnist
):
    screen = start(clock, tmp_path, data_dir=small_mnist)
    session = screen.session
    press(screen, pygame.K_t)
    session.mnist.wait()
    press(screen, pygame.K_t)  # before the session has looked behind
    first = session.course.training
    assert first is not None
    clock.now += 1
    session.update()
    assert session.course.training is first
    session.close()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TrainingError("the loss is not finite"), "The loss has grown beyond all bounds"),
        (MemoryError(), "not enough memory"),
        (ValueError("odd"), "ValueError: odd"),
    ],
)
def test_a_training_that_fails_says_why_and_can_begin_again(
    clock, tmp_path, small_mnist, monkeypatch, error, words
):
    def fail(*given):
        raise error

    screen = start(clock, tmp_path, data_dir=small_mnist)
    session = screen.session
    press(screen, pygame.K_k)
    assert "Nothing has been trained yet" in session.message
    with monkeypatch.context() as patch:
        patch.setattr("nn.training.learner.Learner.fit", fail)
        press(screen, pygame.K_t)
        follow(
            screen,
            lambda: session.course.training and session.course.training.state == "failed",
        )
    assert words in training_words(session)
    assert training_button_words(session)["train"] == "Again"
    press(screen, pygame.K_t)
    follow(screen, lambda: training_state(session) == "finished")
    session.close()


def test_a_network_that_cannot_be_kept_says_why_and_stays_in_training(
    clock, tmp_path, small_mnist, monkeypatch
):
    (tmp_path / "networks").write_text("a file where the folder should be")
    monkeypatch.setattr("app.session.training_course.users_networks", lambda: tmp_path / "networks")
    screen = start(clock, tmp_path, data_dir=small_mnist)
    session = screen.session
    press(screen, pygame.K_t)
    follow(
        screen,
        lambda: session.course.training and session.course.training.state == "finished",
    )
    press(screen, pygame.K_k)
    assert "cannot write" in session.message
    assert session.course.training is not None
    session.close()


def test_a_network_that_is_no_file_of_ours_is_not_trained(clock, small_mnist):
    screen = screen_of(Network(), clock=clock, data_dir=small_mnist)
    session = screen.session
    press(screen, pygame.K_t)
    follow(screen, lambda: "cannot be trained" in session.message)
    assert session.course.training is None
    press(screen, pygame.K_i)
    painted(screen)
    press(screen, pygame.K_m)
    assert "no profile" in session.message


def test_save_and_open_give_the_same_drawing(screen):
    session = screen.session
    press(screen, pygame.K_s)
    assert "nothing to save" in session.message
    draw(session)
    session.change_brush(2)
    session.canvas.begin("erase", 14, 14)
    session.canvas.extend(16, 14)
    session.canvas.end()
    ink = session.canvas.ink.copy()
    press(screen, pygame.K_s)
    press(screen, pygame.K_s)  # in the same second
    said = [f"Saved {path} and .jsonl" for path in session.files.folder.glob("*.png")]
    assert session.message in said
    files = sorted(path.suffix for path in session.files.folder.iterdir())
    assert files == [".jsonl", ".jsonl", ".png", ".png"]
    saved = next(session.files.folder.glob("*.jsonl"))
    assert next(iter(read_strokes(saved))).label == session.predictor.answer.digit
    press(screen, pygame.K_r)
    press(screen, pygame.K_o)
    assert screen.dialog == "open"
    assert len(session.files.saved) == 2
    press(screen, pygame.K_DOWN)
    press(screen, pygame.K_RETURN)
    np.testing.assert_allclose(session.canvas.ink, ink, atol=1e-6)
    screen.do("undo")
    assert session.canvas.is_blank


@pytest.mark.parametrize("kind", ["strokes", "picture", "network", "nonsense", "nothing"])
def test_a_file_dropped_on_the_window(screen, tmp_path, kind):
    session = screen.session
    if kind == "picture":
        draw(session, 3)
        session.save()
        screen.do("clear")
        path = next(session.files.folder.glob("*.png"))
    elif kind == "network":
        path = tmp_path / "my own.npz"
        shutil.copy(PACKAGED_MODELS / "tiny.npz", path)
    else:
        path = {"strokes": EXAMPLES}.get(kind, tmp_path / f"{kind}.jsonl")
        if kind == "nonsense":
            path.write_text(json.dumps({"label": 3}) + "\n")
    send(screen, pygame.DROPFILE, file=str(path))
    if kind == "strokes":
        assert session.label == 0
        assert session.predictor.answer is not None
    elif kind == "picture":
        assert session.canvas.is_picture
        assert session.predictor.answer.digit == 3
    elif kind == "network":
        assert session.network.path == path
        assert len(session.networks.entries) == 5
    else:
        assert session.canvas.is_blank
        assert session.message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
@pytest.mark.parametrize("end", ["jsonl", "png", "npz"])
def test_a_pipe_dropped_on_the_window_is_not_waited_for(screen, tmp_path, end):
    session = screen.session
    path = tmp_path / f"pipe.{end}"
    os.mkfifo(path)
    send(screen, pygame.DROPFILE, file=str(path))
    assert session.message == f"{path.name} is a folder, a pipe or a device; expected a file"


@pytest.mark.parametrize(
    "name",
    [
        "lat\udce9in.png",
        "\ud800.jsonl",
        "\ud800.npz",
        "nul\0.png",
        "nul\0.jsonl",
        "x" * 5000 + ".png",
        "",
    ],
)
def test_a_file_of_any_name_can_be_dropped_and_is_spoken_of(screen, name):
    session = screen.session
    painter, surface = Painter(), pygame.Surface(screen.size)
    send(screen, pygame.DROPFILE, file=name)
    assert session.message
    painter.paint(surface, screen)
    session.files.saved, screen.dialog = [Path(name)], "open"
    painter.paint(surface, screen)


def test_of_many_networks_only_those_are_asked_that_the_table_shows(clock, tmp_path):
    screen = start(clock, tmp_path, networks=False)
    session = screen.session
    asked = []

    class Asked:
        def __init__(self, name):
            self.name = name

        def probabilities(self, images):
            asked.append(self.name)
            return np.full((len(images), 10), 0.1)

    for number in range(40):
        session.networks.add(Asked(f"{number}"))
    screen.choose_network(20)
    screen.open_panel("networks")
    draw(session)
    asked.clear()
    session.predict_now()
    Painter().paint(pygame.Surface(screen.size), screen)
    assert len(asked) == len(screen.rows()) < 40


def test_a_training_that_is_thrown_away_before_it_began_ends_at_once(monkeypatch):
    """`fit` begins with `stop` unset; it must not run to its end while the window waits."""
    from app.session import training

    may_begin = threading.Event()
    fit = training.Learner.fit

    def late(learner, *arguments):
        may_begin.wait(300)
        return fit(learner, *arguments)

    monkeypatch.setattr(training.Learner, "fit", late)
    begun = training.Training(
        "linear", load_classifier("linear").checkpoint.architecture, made_up_dataset(3000), 1000
    )
    threading.Timer(0.2, may_begin.set).start()
    begun.end()
    assert begun.classifier is not None
    assert len(begun.curves.points) <= 1  # of a thousand epochs


def test_a_thousand_events_a_second_lose_none(screen):
    session = screen.session
    rng = np.random.default_rng(5)
    layout = screen.layout
    places = [
        (layout.canvas.x + int(x), layout.canvas.y + int(y))
        for x, y in rng.integers(0, layout.canvas.width, (1000, 2))
    ]
    painter, surface = Painter(), pygame.Surface(screen.size)
    send(screen, pygame.MOUSEBUTTONDOWN, pos=places[0], button=1)
    for number, place in enumerate(places[1:]):
        point(screen, place, (1, 0, 0))
        if number % 16 == 0:
            session.update()
            painter.paint(surface, screen)
    points = session.canvas.strokes[0].points
    expected = [layout.to_cells(x + 0.5, y + 0.5) for x, y in places]
    distinct = [p for i, p in enumerate(expected) if i == 0 or p != expected[i - 1]]
    assert points == [pytest.approx(p) for p in distinct]


def test_colours_can_be_read_and_told_apart():
    for palette in (DARK, LIGHT):
        for ground in (palette.background, palette.button, palette.dialog, palette.paper):
            assert contrast(palette.text, ground) >= 7
            assert contrast(palette.quiet, ground) >= 4
            assert contrast(palette.best, ground) >= 3.5
        assert contrast(palette.text, palette.first) >= 7
        assert contrast(palette.against, palette.paper) >= 3.5
        assert contrast(palette.ink, palette.paper) >= 7
        # For who sees no difference between red and green, hue is left to blue against the rest.
        assert palette.against[2] > palette.against[0] + 60
        assert palette.best[0] > palette.best[2] + 60
    assert luminance(DARK.background) < 0.05 < 0.8 < luminance(LIGHT.background)


def growth():
    """By how many MB this process grows with 3,000 strokes, undos and readings."""
    pygame.font.init()
    status = Path("/proc/self/statm")
    screen = start(Clock(), Path(), "mlp", networks=False)
    session = screen.session
    painter, surface = Painter(), pygame.Surface(screen.size)
    rng = np.random.default_rng(1)

    def work(times):
        for number in range(times):
            x, y = rng.uniform(3, 25, 2)
            session.canvas.begin("draw", x, y)
            session.canvas.extend(x + 2, y + 1)
            session.canvas.end()
            session.predict_now()
            if number % 10 == 0:
                painter.paint(surface, screen)
            if number % 3 == 0:
                session.canvas.undo()
            elif number % 4 == 0:
                screen.do("clear")
        gc.collect()
        return int(status.read_text().split()[1]) * 4096 / 1e6

    before = work(1000)
    return work(3000) - before


def test_memory_stays_flat():
    if not Path("/proc/self/statm").exists():
        pytest.skip("only Linux tells how much memory a process holds")
    # In a process of its own: what other tests have left would grow, or make room.
    code = "from tests.app.session.test_session import growth; print(growth())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=600)
    assert float(done.stdout.split()[-1]) < 2


def test_the_window_looks_once_more_when_a_training_has_ended(clock, tmp_path, small_mnist):
    screen = start(clock, tmp_path, data_dir=small_mnist)
    session = screen.session
    press(screen, pygame.K_t)
    follow(screen, lambda: session.course.training is not None)
    session.course.training.wait()
    clock.now += 10  # messages are gone
    while session.seconds_until_due() is not None:
        clock.now += session.seconds_until_due()
        session.update()
    assert (
        session.course.training.classifier.checkpoint.temperature
        == session.course.training._temperature
    )
    assert not session.course.training.has_news
    session.close()


def test_a_table_that_comes_with_a_larger_window_is_filled(clock, tmp_path):
    screen = start(clock, tmp_path, size=(480, 320))
    session = screen.session
    assert not screen.layout.table
    draw(session)
    screen.resize((1280, 900))
    assert screen.layout.table
    assert [answers(session)[row].digit for row in screen.rows()]


def test_what_waits_for_the_data_is_all_done_once_it_is_there(
    clock, tmp_path, small_mnist, monkeypatch
):
    from app.session import mnist

    may_load, load = threading.Event(), mnist.load_folder

    def late(folder):
        assert may_load.wait(300)
        return load(folder)

    monkeypatch.setattr(mnist, "load_folder", late)
    screen = start(clock, tmp_path, data_dir=small_mnist)
    session = screen.session
    screen.open_panel("training")
    screen.steering.train()
    session.test_digit()
    session.test_digit()
    may_load.set()
    follow(screen, lambda: session.course.training is not None)
    assert session.label is not None
    session.close()


def test_where_no_home_folder_is_known_open_and_save_say_so(screen, monkeypatch):
    session = screen.session

    def nowhere():
        raise DataError("no home folder is known")

    session.files._folder = None
    monkeypatch.setattr("app.session.files.users_drawings", nowhere)
    draw(session)
    for key in (pygame.K_o, pygame.K_s):
        session.say("")
        press(screen, key)
        assert session.message == "no home folder is known"
        assert screen.dialog is None
        Painter().paint(pygame.Surface(screen.size), screen)


def test_screenshots_are_not_among_the_drawings(screen):
    session = screen.session
    from app.window.loop import serve
    from app.window.painter import Painter

    draw(session)
    session.save()
    screen.requests.append("screenshot")
    serve(screen, Painter())
    names = sorted(path.name for path in session.files.folder.iterdir())
    assert sum(name.startswith("Screenshot ") for name in names) == 1
    screen.list_drawings()
    assert [path.suffix for path in session.files.saved] == [".jsonl"]


def test_a_drawing_is_saved_as_what_it_is_now(session):
    draw(session, 4)
    session.canvas.clear()
    session.canvas.draw_strokes([[(14, 4), (14, 24)]])  # not read yet
    session.save()
    (path,) = session.files.folder.glob("*.jsonl")
    record = json.loads(path.read_text())
    session.predict_now()
    assert record["label"] == session.predictor.answer.digit


def test_a_link_in_a_circle_among_the_networks_is_passed_over(clock, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    try:
        (folder / "a.npz").symlink_to(folder / "b.npz")
        (folder / "b.npz").symlink_to(folder / "a.npz")
    except OSError:
        pytest.skip("no links here")
    shutil.copy(PACKAGED_MODELS / "tiny.npz", folder / "c.npz")
    screen = screen_of(load_classifier("linear"), clock=clock, folders=[lambda: folder])
    load_networks(screen)
    assert len(screen.session.networks.entries) == 2
