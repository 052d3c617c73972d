import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pygame
import pytest

from app import draw
from app.demonstration import LOOK_SECONDS
from app.draw import Painter, Session, main, title
from app.layout import lay_out
from app.predictor import Answer
from app.strokes import RecordedDigit
from app.view import BEST, INK, TRACK

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "assets" / "example-strokes.jsonl"
LINE = RecordedDigit(1, [[(0.0, float(y)) for y in range(0, 101, 5)]])
CROSS = RecordedDigit(7, [[(0.0, 0.0), (9.0, 9.0)], [(0.0, 9.0), (9.0, 0.0)]])


class Network:
    name = "stub"

    def probabilities(self, images):
        answer = np.full((len(images), 10), 0.05, dtype=np.float32)
        answer[:, 1] = 0.55
        return answer


class Clock:
    now = 50.0

    def __call__(self):
        return self.now


@pytest.fixture(autouse=True)
def fonts():
    pygame.font.init()
    yield
    pygame.font.quit()


def environment(**more):
    clean = {
        key: value
        for key, value in os.environ.items()
        if key not in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    }
    return {**clean, **more}


def run(*arguments, **more):
    return subprocess.run(
        [sys.executable, "-m", "app.draw", *map(str, arguments)],
        cwd=ROOT,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=60,
    )


def key(code):
    return pygame.event.Event(pygame.KEYDOWN, key=code, mod=0)


def press(session):
    x, y = session.controller.layout.to_pixels(14, 14)
    return pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(int(x), int(y)), button=1)


def test_a_demonstration_draws_digit_after_digit_in_time():
    clock = Clock()
    session = Session(Network(), digits=[LINE, CROSS], clock=clock)
    growing, answers = [], []
    while session.demonstration is not None:
        wait = session.seconds_until_due()
        assert wait is not None
        clock.now += max(wait, 0.004)
        session.update()
        growing.append(int(np.count_nonzero(session.canvas.ink)))
        answers.append(session.predictor.answer)
    assert len(set(growing)) > 15  # it is animated
    assert sum(a is None and b is not None for a, b in itertools.pairwise(answers)) == 2
    assert 2 * LOOK_SECONDS < clock.now - 50 < 10
    assert len(session.canvas.marks) == 2  # the last digit stays
    assert session.predictor.answer is not None
    assert session.seconds_until_due() is None


@pytest.mark.parametrize("act", [press, lambda _: key(pygame.K_r)])
def test_the_user_takes_over_from_a_demonstration(act):
    clock = Clock()
    session = Session(Network(), digits=[LINE, CROSS], clock=clock)
    clock.now += 0.5
    session.update()
    assert not session.canvas.is_blank
    session.controller.handle(act(session))
    before = session.canvas.ink.copy()
    for _ in range(20):
        clock.now += 0.1
        session.update()
    assert session.demonstration is None
    np.testing.assert_array_equal(session.canvas.ink, before)


def test_only_what_changed_is_painted():
    clock = Clock()
    session = Session(Network(), clock=clock)
    surface = pygame.Surface(session.controller.size)
    layout = session.controller.layout
    painter = Painter()
    assert not painter.is_current(session)
    assert painter.paint(surface, session) == [(0, 0, 960, 640)]
    assert painter.is_current(session)
    session.controller.handle(press(session))
    session.update()
    assert not painter.is_current(session)
    assert painter.paint(surface, session) == [layout.canvas]
    clock.now += 1
    session.update()
    assert painter.paint(surface, session) == [layout.panel]
    assert surface.get_at((layout.bars[1].track.x, layout.bars[1].track.y))[:3] == BEST
    session.controller.handle(key(pygame.K_r))
    assert painter.paint(surface, session) == [layout.canvas, layout.panel]
    assert surface.get_at((layout.bars[1].track.x, layout.bars[1].track.y))[:3] == TRACK
    assert painter.is_current(session)
    painter.forget()
    assert painter.paint(surface, session) == [(0, 0, 960, 640)]


def test_a_surface_of_another_size_gets_another_layout():
    session = Session(Network())
    painter = Painter()
    painter.paint(pygame.Surface((600, 900)), session)
    assert session.controller.layout == lay_out(600, 900)
    assert painter.is_current(session)


def test_titles():
    assert title(None) == "Digitpad"
    sure = Answer((0.01,) * 7 + (0.98, 0.0, 0.0))
    assert title(sure) == "Digitpad – 7 (98 %)"


@pytest.mark.parametrize("variables", [{}, {"SDL_VIDEODRIVER": "dummy"}])
def test_a_screenshot_after_a_replay_shows_drawing_and_answer(tmp_path, variables):
    path = tmp_path / "new folder" / "window.png"
    one = tmp_path / "one.jsonl"
    one.write_text(EXAMPLES.read_text().splitlines()[0] + "\n")
    began = time.monotonic()
    done = run("--replay", one, "--screenshot", path, **variables)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - began < 20
    picture = pygame.image.load(str(path))
    assert picture.get_size() == (960, 640)
    assert list(path.parent.iterdir()) == [path]
    layout = lay_out(960, 640)
    inked = pygame.mask.from_threshold(picture.subsurface(layout.canvas), INK, (2, 2, 2, 255))
    assert inked.count() > 10 * layout.cell**2
    best = [picture.get_at((row.track.x + 1, row.track.y + 1))[:3] == BEST for row in layout.bars]
    assert sum(best) == 1


def test_a_screenshot_without_a_replay_is_of_the_empty_window(tmp_path):
    main(["--screenshot", str(tmp_path / "a.png"), "--size", "600x900"])
    picture = pygame.image.load(str(tmp_path / "a.png"))
    assert picture.get_size() == (600, 900)
    assert pygame.mask.from_threshold(picture, BEST, (2, 2, 2, 255)).count() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a display")
@pytest.mark.parametrize("variables", [{}, {"DISPLAY": ":987"}])
def test_without_a_display_one_line_says_what_to_do(variables):
    done = run(**variables)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "cannot open a window" in done.stderr
    assert "--screenshot" in done.stderr


def test_wrong_use_ends_with_status_2_and_one_line(tmp_path):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 not really")
    for arguments, says in [
        (["--interval", "-1"], "--interval"),
        (["--interval", "soon"], "--interval"),
        (["--size", "960"], "WIDTHxHEIGHT"),
        (["--what"], "unrecognized"),
        (["--model", tmp_path / "none.npz"], "none.npz"),
        (["--model", broken], "broken.npz"),
    ]:
        done = run(*arguments, SDL_VIDEODRIVER="dummy")
        assert done.returncode == 2, arguments
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1, done.stderr
        assert says in done.stderr


def test_unreadable_strokes_and_unwritable_screenshots(tmp_path):
    (tmp_path / "file").write_text("")
    for arguments, says in [
        (["--replay", tmp_path / "none.jsonl"], "cannot read strokes"),
        (["--replay", tmp_path / "file"], "holds no digits"),
        (["--screenshot", tmp_path / "file" / "a.png"], "cannot write the screenshot"),
        (["--screenshot", tmp_path], "cannot write the screenshot"),
    ]:
        done = run(*arguments, SDL_VIDEODRIVER="dummy")
        assert done.returncode == 2, arguments
        assert done.stderr.count("\n") == 1, done.stderr
        assert says in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_ends_with_status_130():
    process = subprocess.Popen(
        [sys.executable, "-m", "app.draw"],
        cwd=ROOT,
        env=environment(SDL_VIDEODRIVER="dummy"),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    assert errors.count("\n") == 1


def test_only_display_and_font_are_initialised(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    try:
        draw.open_window((480, 320))
        assert pygame.display.get_init()
        assert not pygame.mixer.get_init()
        assert not pygame.joystick.get_init()
    finally:
        pygame.display.quit()
