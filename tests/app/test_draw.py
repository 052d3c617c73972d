import itertools
import os
import re
import signal
import subprocess
import sys
import warnings

import numpy as np
import pygame
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from app.draw import main
from app.drawing.strokes import RecordedDigit
from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile
from app.my_digits.tuner import BackgroundTuner
from app.session.demonstration import LOOK_SECONDS
from app.session.mnist import Mnist
from app.session.predictor import Answer
from app.window import loop
from app.window.input.commands import ALL_COMMANDS
from app.window.layout.layout import lay_out
from app.window.loop import title
from app.window.painter import Painter, state_of
from app.window.style.palette import DARK
from app.window.view import View
from nn.inference.classifier import load_classifier
from nn.support.errors import UsageError
from tests.helpers.clock import Clock
from tests.helpers.commands import run_command
from tests.helpers.paths import EXAMPLES, ROOT
from tests.helpers.screens import controller_of, screen_of

LINE = RecordedDigit(1, [[(0.0, float(y)) for y in range(0, 101, 5)]])
CROSS = RecordedDigit(7, [[(0.0, 0.0), (9.0, 9.0)], [(0.0, 9.0), (9.0, 0.0)]])


class Network:
    name = "stub"

    def probabilities(self, images):
        answer = np.full((len(images), 10), 0.05, dtype=np.float32)
        answer[:, 1] = 0.55
        return answer


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of its own, so that no test and no program it starts touches a developer's profile."""
    for name in ("HOME", "USERPROFILE", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("XDG_PICTURES_DIR", raising=False)


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
        timeout=300,
    )


def key(code):
    return pygame.event.Event(pygame.KEYDOWN, key=code, mod=0)


def press(screen):
    x, y = screen.layout.to_pixels(14, 14)
    return pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(int(x), int(y)), button=1)


def test_a_demonstration_draws_digit_after_digit_in_time():
    clock = Clock()
    screen = screen_of(Network(), digits=[LINE, CROSS], clock=clock)
    session = screen.session
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
    assert 2 * LOOK_SECONDS < clock.now - Clock.now < 10
    assert len(session.canvas.strokes) == 2  # the last digit stays
    assert session.predictor.answer is not None
    assert session.seconds_until_due() is None


@pytest.mark.parametrize("act", [press, lambda _: key(pygame.K_r)])
def test_the_user_takes_over_from_a_demonstration(act):
    clock = Clock()
    screen = screen_of(Network(), digits=[LINE, CROSS], clock=clock)
    session = screen.session
    clock.now += 0.5
    session.update()
    assert not session.canvas.is_blank
    controller_of(screen).handle(act(screen))
    before = session.canvas.ink.copy()
    for _ in range(20):
        clock.now += 0.1
        session.update()
    assert session.demonstration is None
    np.testing.assert_array_equal(session.canvas.ink, before)


def test_each_reading_is_another_state_although_what_is_gone_leaves_its_place_to_the_next():
    screen = screen_of(load_classifier("linear"), clock=Clock())
    session = screen.session
    session.canvas.draw_strokes([[(8, 8), (20, 20)]])
    screen.why.switch()
    shown = [state_of(screen)]
    for _ in range(20):
        session.predict_now()
        shown.append(state_of(screen))
    for part, value in (("head", 0), ("canvas", 2)):  # the answer, and its evidence
        values = [state[part][value] for state in shown]
        assert len(set(values)) == len(values)


def test_the_program_multiplies_in_one_thread_from_its_start(tmp_path):
    with threadpool_limits(2, "blas"):  # which puts back what there was
        main(["--screenshot", str(tmp_path / "a.png"), "--model", "linear"])
        blas = [each for each in threadpool_info() if each["user_api"] == "blas"]
    assert {each["num_threads"] for each in blas} <= {1}


def test_only_what_changed_is_painted():
    clock = Clock()
    screen = screen_of(Network(), clock=clock)
    session = screen.session
    surface = pygame.Surface(screen.size)
    layout = screen.layout
    painter = Painter()

    def painted():
        assert not painter.is_current(screen)
        rects = painter.paint(surface, screen)
        assert painter.is_current(screen)
        parts = {
            "canvas": layout.canvas, "head": layout.network_input, "body": layout.body,
            "buttons": layout.buttons["help"], "foot": layout.help,
        }  # fmt: skip
        return {
            name
            for name, part in parts.items()
            if any(pygame.Rect(r).contains(part) for r in rects)
        }

    everything = {"canvas", "head", "body", "buttons", "foot"}
    assert painted() == everything
    controller_of(screen).handle(press(screen))
    session.update()
    assert painted() == {"canvas", "buttons"}  # undo and the others can be pressed now
    x, y = layout.to_pixels(20, 20)
    move = pygame.event.Event(pygame.MOUSEMOTION, pos=(int(x), int(y)), buttons=(1, 0, 0))
    controller_of(screen).handle(move)
    assert painted() == {"canvas"}
    clock.now += 1
    session.update()
    assert painted() == {"head", "body"}
    assert surface.get_at((layout.bars[1].track.x, layout.bars[1].track.y))[:3] == DARK.bar
    clock.now += 0.2
    assert painted() == {"head"}  # the drawing glides into its frame
    clock.now += 5
    assert painted() == {"head"}
    release = pygame.event.Event(pygame.MOUSEBUTTONUP, pos=(int(x), int(y)), button=1)
    controller_of(screen).handle(release)
    session.update()
    assert painted() >= {"head", "body"}  # now that it is whole, the answer is marked
    assert surface.get_at((layout.bars[1].track.x, layout.bars[1].track.y))[:3] == DARK.best
    session.say("hello")
    assert "foot" in painted()
    controller_of(screen).handle(key(pygame.K_r))
    session.update()
    assert painted() >= {"canvas", "head", "body"}
    assert surface.get_at((layout.bars[1].track.x, layout.bars[1].track.y))[:3] == DARK.track
    painter.forget()
    assert painted() == everything


def test_a_surface_of_another_size_gets_another_layout():
    screen = screen_of(Network())
    painter = Painter()
    painter.paint(pygame.Surface((600, 900)), screen)
    assert screen.layout == lay_out(600, 900, networks=1)
    assert painter.is_current(screen)


def test_titles():
    assert title(None) == "Digitpad"
    sure = Answer((0.01,) * 7 + (0.98, 0.0, 0.0))
    assert title(sure) == "Digitpad – 7 (98 %)"
    refused = Answer(sure.probabilities, is_digit=False)
    assert title(refused) == "Digitpad – unlike any digit, perhaps 7"
    begun = Answer(sure.probabilities, is_provisional=True)
    assert title(begun) == "Digitpad – so far 7 (98 %)"
    unsure = Answer((0.1,) * 7 + (0.3, 0.0, 0.0))
    assert title(unsure) == "Digitpad – not sure, perhaps 7"


def test_a_screenshot_after_a_replay_shows_drawing_and_answer(tmp_path):
    path = tmp_path / "new folder" / "window.png"
    one = tmp_path / "one.jsonl"
    one.write_text(EXAMPLES.read_text().splitlines()[0] + "\n")
    done = run("--replay", one, "--screenshot", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    picture = pygame.image.load(str(path))
    assert picture.get_size() == (960, 640)
    assert list(path.parent.iterdir()) == [path]
    layout = lay_out(960, 640)
    inked = pygame.mask.from_threshold(picture.subsurface(layout.canvas), DARK.ink, (2, 2, 2, 255))
    assert inked.count() > 10 * layout.cell**2
    best = [
        picture.get_at((row.track.x + 1, row.track.y + 1))[:3] == DARK.best for row in layout.bars
    ]
    assert sum(best) == 1


@pytest.mark.parametrize("name", ["scr.jpg", "scr", ".png", "scr.png.bmp"])
def test_a_screenshot_is_named_as_the_png_that_it_is(tmp_path, name):
    with pytest.raises(UsageError, match=rf"expected .* in \.png, received '{re.escape(name)}'; "):
        main(["--screenshot", str(tmp_path / "new" / name)])
    assert not list(tmp_path.iterdir())
    main(["--screenshot", str(tmp_path / "SCR.PNG"), "--model", "linear"])
    assert (tmp_path / "SCR.PNG").read_bytes().startswith(b"\x89PNG")


def test_a_screenshot_without_a_replay_is_of_the_empty_window(tmp_path):
    main(["--screenshot", str(tmp_path / "a.png"), "--size", "600x900"])
    picture = pygame.image.load(str(tmp_path / "a.png"))
    assert picture.get_size() == (600, 900)
    assert pygame.mask.from_threshold(picture, DARK.best, (2, 2, 2, 255)).count() == 0


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
        (["--data-dir", tmp_path / "nowhere"], "no data in"),
    ]:
        done = run_command("app.draw", *arguments)
        assert done.returncode == 2, arguments
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1, done.stderr
        assert says in done.stderr


def test_unreadable_strokes_and_unwritable_screenshots(tmp_path):
    (tmp_path / "file").write_text("")
    for arguments, says in [
        (["--replay", tmp_path / "none.jsonl"], "none.jsonl does not exist; check the name"),
        (["--replay", tmp_path / "file"], "holds no digits"),
        (["--screenshot", tmp_path / "file" / "a.png"], "cannot write the screenshot"),
        (["--screenshot", tmp_path], "cannot write the screenshot"),
    ]:
        done = run_command("app.draw", *arguments)
        assert done.returncode == 2, arguments
        assert done.stderr.count("\n") == 1, done.stderr
        assert says in done.stderr


def test_an_old_setuptools_is_neither_waited_for_nor_complained_of(tmp_path):
    (tmp_path / "pkg_resources.py").write_text(
        "import warnings\n"
        "warnings.warn('pkg_resources is deprecated as an API.', UserWarning, stacklevel=2)\n"
        "print('it was imported')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "import app.draw"],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.stdout, done.stderr) == ("", "")


TELLING_WHEN_IT_LOOKS = """
from app import draw
from app.window import loop
from nn.support.commands import run

wait = loop.wait_for_events

def wait_for_events(*arguments):
    print("looking", flush=True)
    return wait(*arguments)

loop.wait_for_events = wait_for_events
run(lambda _: draw.main([]), "app.draw")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_ends_with_status_130():
    process = subprocess.Popen(
        [sys.executable, "-c", TELLING_WHEN_IT_LOOKS],
        cwd=ROOT,
        env=environment(SDL_VIDEODRIVER="dummy"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "looking\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 130
    assert errors == ""


def test_only_display_and_font_are_initialised(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    try:
        loop.open_window((480, 320))
        assert pygame.display.get_init()
        assert not pygame.mixer.get_init()
        assert not pygame.joystick.get_init()
    finally:
        pygame.display.quit()


@pytest.mark.parametrize(
    ("desktop", "asked", "size"),
    [
        ((1920, 1080), None, (960, 640)),
        ((3840, 2160), None, (1920, 1280)),
        ((800, 480), None, (800, 480)),
        ((3840, 2160), (700, 500), (700, 500)),
        ((1920, 1080), (4000, 4000), (1920, 1080)),
        ((0, 0), None, (960, 640)),  # nobody knows
    ],
)
def test_the_first_window_is_as_large_to_the_eye_on_any_screen(monkeypatch, desktop, asked, size):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(pygame.display, "get_desktop_sizes", lambda: [desktop])
    try:
        assert loop.open_window(asked).get_size() == size
    finally:
        pygame.display.quit()


def test_a_desktop_that_gives_another_size_is_no_news_on_standard_error(monkeypatch):
    """pygame-ce warns of it."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")

    def forcibly_resized(size, flags, set_mode=pygame.display.set_mode):
        warnings.warn("Requested window was forcibly resized by the OS.", RuntimeWarning, 1)
        return set_mode((420, 373), flags)

    monkeypatch.setattr(pygame.display, "set_mode", forcibly_resized)
    screen = screen_of(load_classifier("linear"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert loop.open_window((1920, 1280)).get_size() == (420, 373)
            loop.switch_full_screen(screen)
        assert screen.size == pygame.display.get_window_size()
    finally:
        pygame.display.quit()


def test_after_whatever_command_the_parts_that_were_painted_make_up_the_whole(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(BackgroundTuner, "start", lambda tuner: None)
    monkeypatch.setattr(Mnist, "download", lambda mnist: None)
    my_digits = MyDigits(Profile(tmp_path / "profile"), load_classifier("linear"), tmp_path)
    clock, size = Clock(), (720, 480)
    folder = tmp_path / "drawings"
    screen = screen_of(
        load_classifier("mlp"), size, clock=clock, my_digits=my_digits, drawings=folder
    )
    screen.session.networks.add(load_classifier("tiny"))
    monkeypatch.setattr(screen.session.mnist, "download", lambda: None)  # nothing comes meanwhile
    painter, surface, whole = Painter(), pygame.Surface(size), pygame.Surface(size)
    view = View()
    rng = np.random.default_rng(7)
    screen.session.mnist.state = "missing"  # nothing changes between two paintings
    names = sorted(ALL_COMMANDS)
    actions = [list(ALL_COMMANDS[name].actions.values()) for name in names]
    for step in range(300):
        if rng.random() < 0.1:
            screen.session.canvas.draw_strokes([rng.uniform(4, 24, (3, 2)).tolist()])
        number = rng.integers(len(names))
        if actions[number]:
            actions[number][rng.integers(len(actions[number]))](screen)
        if rng.random() < 0.1:
            screen.hover = rng.choice([None, *screen.layout.buttons])
        clock.now += rng.choice([0.01, 5.0])
        screen.update()
        while not painter.is_current(screen):
            painter.paint(surface, screen)
        view.draw(whole, screen)
        is_same = surface.get_buffer().raw == whole.get_buffer().raw
        assert is_same, (step, names[number], screen.panel, screen.dialog)
    my_digits.close()
