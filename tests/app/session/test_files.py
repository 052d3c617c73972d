"""Files that take long to read, while the window goes on."""

import threading
import time

import numpy as np
import pytest

from app.my_digits.my_digits import STILL_READ, MyDigits
from app.my_digits.profile import Profile
from app.session import files
from nn.inference.classifier import load_classifier
from nn.support import deadline
from nn.support.errors import DataError
from tests.helpers.paths import EXAMPLES, ROOT
from tests.helpers.screens import follow, screen_of

LINES = [[(14.0, 4.0), (14.0, 24.0)]]


@pytest.fixture
def hold(monkeypatch):
    """A function that makes another wait; what it returns lets it go on."""
    held = []

    def do(place, name):
        go, real = threading.Event(), getattr(place, name)

        def waiting(*given, **options):
            assert go.wait(60)
            return real(*given, **options)

        monkeypatch.setattr(place, name, waiting)
        held.append(go)
        return go.set

    monkeypatch.setattr(deadline, "PATIENCE", 0.001)
    yield do
    for go in held:
        go.set()


@pytest.fixture
def screen(clock, monkeypatch, tmp_path):
    monkeypatch.setattr("app.my_digits.tuner.BackgroundTuner.start", lambda tuner: None)
    network = load_classifier("linear")
    profile = Profile(tmp_path / "someone")
    my_digits = MyDigits(profile, network, tmp_path)
    return screen_of(network, clock=clock, my_digits=my_digits, drawings=tmp_path / "drawings")


def test_a_picture_that_takes_long_is_shown_when_it_has_been_read(screen, hold):
    session = screen.session
    session.canvas.draw_strokes(LINES)
    before = session.canvas.ink.copy()
    let_go = hold(files, "load_drawing")
    assert screen.open_file(ROOT / "tests" / "cases" / "dash.png") is None
    assert session.message == "dash.png is being read …"
    for _ in range(5):
        session.clock.now += 0.2
        screen.update()
    np.testing.assert_array_equal(session.canvas.ink, before)
    session.canvas.begin("draw", 3, 3)  # the user goes on drawing meanwhile
    let_go()
    session.clock.now += 0.2
    time.sleep(0.05)
    screen.update()
    assert session.canvas.is_drawing
    session.canvas.end()
    follow(screen, lambda: session.message == "Opened dash.png")
    assert session.canvas.is_picture
    assert not session.files.is_opening
    session.undo()
    assert session.canvas.ink[3, 3]  # nothing that was drawn is lost


def test_of_two_files_the_last_is_shown(screen, hold):
    session = screen.session
    let_go = hold(files, "load_drawing")
    screen.open_file(ROOT / "tests" / "cases" / "dash.png")
    screen.open_file(EXAMPLES)
    let_go()
    follow(screen, lambda: session.message.startswith("Opened"))
    assert session.message == f"Opened {EXAMPLES.name}"
    assert not session.canvas.is_picture


def test_a_network_that_takes_long_is_chosen_when_it_has_been_read(screen, hold):
    session = screen.session
    let_go = hold(files, "load_classifier")
    screen.open_file(ROOT / "models" / "tiny.npz")
    assert session.network.name == "linear"
    let_go()
    follow(screen, lambda: session.network.name == "tiny")
    assert session.message == "Network tiny from tiny.npz"


def test_a_paste_that_fails_late_is_one_line_and_changes_nothing(screen, hold):
    session = screen.session
    session.canvas.draw_strokes(LINES)
    version = session.canvas.version

    class Picture:
        @staticmethod
        def read():
            raise DataError("cannot read the clipboard: no")

    let_go = hold(Picture, "read")
    session.paste(Picture.read)
    assert session.message == "The picture is being read …"
    let_go()
    follow(screen, lambda: session.message == "cannot read the clipboard: no")
    assert session.canvas.version == version


def test_a_profile_that_takes_long_is_read_while_the_window_goes_on(screen, hold):
    session, profile = screen.session, screen.session.my_digits.profile
    profile.add(3, LINES)
    let_go = hold(Profile, "load")
    session.canvas.draw_strokes(LINES)
    session.predict_now()
    session.correct(7)
    assert session.message == STILL_READ
    session.forget()
    assert session.message == STILL_READ
    screen.show_my_digits()
    assert session.my_digits.summary() == "Your digits are being read …"
    let_go()
    follow(screen, lambda: session.my_digits.is_loaded and session.my_digits.digits)
    session.correct(7)
    assert session.message.startswith("Kept as a 7: the 2nd of your digits")
    assert [own.digit.label for own in profile.load().digits] == [3, 7]


def test_what_another_window_wrote_comes_when_it_has_been_read(screen, hold):
    session, profile = screen.session, screen.session.my_digits.profile
    follow(screen, lambda: session.my_digits.is_loaded)
    profile.add(3, LINES)
    let_go = hold(Profile, "load")
    screen.show_my_digits()
    assert session.my_digits.digits == ()
    let_go()
    follow(screen, lambda: session.my_digits.digits)
    assert [own.digit.label for own in session.my_digits.digits] == [3]
