"""The program in a real window: an X server, and a mouse moved by xdotool.

Skipped where Xvfb, xdotool or a trained network is missing, unless DIGITPAD_REQUIRE_WINDOW=1.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pygame
import pytest

from app.my_digits.profile import Profile
from app.window.layout.layout import lay_out
from app.window.style.palette import DARK, LIGHT
from nn.inference.classifier import DEFAULT_MODEL, PACKAGED_MODELS
from tests.helpers.paths import EXAMPLES, ROOT

SCREEN = (1400, 1000)
pytestmark = pytest.mark.window


def require():
    missing = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
    if missing:
        message = f"no window test without {', '.join(missing)}"
        if os.environ.get("DIGITPAD_REQUIRE_WINDOW") == "1":
            pytest.fail(message)
        pytest.skip(message)


class Display(str):
    """The name of an X server's display, whose screen is the file Xvfb_screen0 in `folder`."""

    def screen(self):
        """A picture of it. Read from memory, since a program that asks the server is slow."""
        time.sleep(0.05)  # what was said to have changed may not be painted yet
        data = (self.folder / "Xvfb_screen0").read_bytes()
        # The format of xwd: numbers of four bytes; after them, names and colours of twelve.
        head = np.frombuffer(data[:80], ">u4")
        width, height, line, colours = head[4], head[5], head[12], head[19]
        cells = np.frombuffer(data, np.uint8, height * line, head[0] + 12 * colours)
        return pygame.image.frombuffer(
            cells.reshape(height, -1, 4)[:, :width].tobytes(), (width, height), "BGRA"
        )


def start_server(folder):
    """An X server, and its display; the screen is in a folder."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        [
            "Xvfb",
            "-noreset",
            "-displayfd",
            str(writer),
            "-fbdir",
            str(folder),
            "-screen",
            "0",
            f"{SCREEN[0]}x{SCREEN[1]}x24",
        ],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as numbers:
        number = numbers.readline().strip()  # returns when the server is ready
    assert number, "Xvfb did not start"
    display = Display(f":{number}")
    display.folder = folder
    return server, display


@pytest.fixture(scope="module")
def display(tmp_path_factory):
    require()
    server, name = start_server(tmp_path_factory.mktemp("screen"))
    yield name
    server.terminate()
    server.wait()


class Window:
    """The running program, the mouse and the keyboard, and the eye."""

    def __init__(
        self, display, folder, *arguments, program=("-m", "app.draw"), model="linear", where=ROOT
    ):
        self.home = folder / "home"
        self.environment = {
            **os.environ,
            "DISPLAY": display,
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
        }
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_PICTURES_DIR"):
            self.environment.pop(name, None)
        self.environment.pop("SDL_VIDEODRIVER", None)
        self.environment.pop("WAYLAND_DISPLAY", None)
        self.display = display
        self.process = subprocess.Popen(
            [sys.executable, *program, "--interval", "0.3", "--model", model, *arguments],
            cwd=where,
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.id = None
        self.panel = "answer"
        try:
            self.wait_for(self.find, "a window")
        except BaseException:
            self.close()
            raise

    def close(self):
        """End the program as Ctrl-C does, if it has not ended by itself; it must go quietly."""
        # Twice, if need be: where C calls back into Python, an exception can be lost.
        for attempt in range(2):
            self.process.send_signal(signal.SIGINT)
            try:
                _, errors = self.process.communicate(timeout=60)
                break
            except subprocess.TimeoutExpired:
                if attempt:
                    self.process.kill()
                    raise
        assert "Traceback" not in (errors or "")

    def xdotool(self, *arguments):
        return subprocess.run(
            ["xdotool", *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout

    def find(self):
        """Whether the program has a window that stays; a first one may go again at once."""
        found = self.xdotool("search", "--onlyvisible", "--pid", self.process.pid).split()
        self.id = found[-1] if found else None
        return self.id is not None and self.update_geometry()

    def wait_for(self, look, what, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.process.stderr.read()
            if found := look():
                return found
            time.sleep(0.05)
        raise AssertionError(f"waited in vain for {what}; the title is {self.title()!r}")

    def update_geometry(self):
        text = self.xdotool("getwindowgeometry", "--shell", self.id)
        values = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", text)}
        if not values.keys() >= {"X", "Y", "WIDTH", "HEIGHT"}:
            return False
        self.place = values["X"], values["Y"]
        self.size = values["WIDTH"], values["HEIGHT"]
        self.layout = lay_out(*self.size, self.panel)
        return True

    def title(self):
        return self.xdotool("getwindowname", self.id).strip() if self.id else None

    def spot(self, x, y):
        """The screen's pixel at a place on the canvas, in cells."""
        px, py = self.layout.to_pixels(x, y)
        return int(px) + self.place[0], int(py) + self.place[1]

    def stroke(self, points, button=1):
        """One stroke through points in cells, as fast as xdotool can move the mouse."""
        commands = ["mousemove", *self.spot(*points[0]), "mousedown", button]
        for point in points[1:]:
            commands += ["mousemove", *self.spot(*point)]
        self.xdotool(*commands, "mouseup", button)

    def look(self):
        """What is on the window now."""
        return self.display.screen().subsurface((*self.place, *self.size))

    def cell(self, x, y):
        """The colour in the middle of a cell."""
        px, py = self.layout.to_pixels(x + 0.5, y + 0.5)
        return self.look().get_at((int(px), int(py)))[:3]

    def best_bar(self):
        """The digit whose bar is marked, or None."""
        picture = self.look()
        marked = [
            digit
            for digit, row in enumerate(self.layout.bars)
            if picture.get_at((row.track.x + 1, row.track.y + 1))[:3] == DARK.best
        ]
        assert len(marked) <= 1
        return marked[0] if marked else None

    def answer(self):
        found = re.fullmatch(r"Digitpad – (\d) \(.+ %\)", self.title())
        return int(found.group(1)) if found else None

    def key(self, *keys):
        self.xdotool("key", *keys)

    def click(self, rect, button=1):
        x, y = self.place[0] + rect.x + rect.width // 2, self.place[1] + rect.y + rect.height // 2
        self.xdotool("mousemove", x, y, "click", button)

    def show(self, panel):
        """Say which panel the program is expected to show from now on."""
        self.panel = panel
        self.update_geometry()

    def is_lit(self, button, picture=None):
        """Whether a button is underlined, because what it opens is open."""
        x, y, width, height = self.layout.buttons[button]
        picture = picture or self.look()
        return picture.get_at((x + width // 2, y + height - 1))[:3] in (DARK.best, LIGHT.best)

    def part(self, rect):
        """The pixels of a part of the window."""
        return self.look().subsurface(rect).copy().get_buffer().raw

    def is_dialog_open(self):
        dialog = self.layout.dialog.sheet
        return self.look().get_at((dialog.x + 20, dialog.bottom - 8))[:3] == DARK.dialog

    def files(self, folder, end):
        return sorted((self.home / folder).glob(f"*{end}"))

    def inked(self):
        """How many cells' worth of full ink the canvas shows."""
        canvas = self.look().subsurface(self.layout.canvas)
        full = pygame.mask.from_threshold(canvas, DARK.ink, (3, 3, 3, 255)).count()
        return full / self.layout.cell**2

    def settled(self):
        """How many cells are inked once that is the same at two looks; else None."""
        before = self.inked()
        time.sleep(0.2)
        return before if self.inked() == before else None


@contextlib.contextmanager
def opened(display, folder, *arguments, **more):
    window = Window(display, folder, *arguments, **more)
    try:
        yield window
    finally:
        window.close()


@pytest.fixture(scope="module")
def running(display, tmp_path_factory):
    """One program for all tests that leave it as they found it."""
    with opened(display, tmp_path_factory.mktemp("running")) as window:
        yield window


@pytest.fixture
def window(running):
    running.xdotool("windowfocus", "--sync", running.id)  # others had it meanwhile
    yield running
    running.key("r")
    wait_for_ink(running, lambda cells: cells == 0)


def wait_for_ink(window, wanted):
    window.wait_for(lambda: wanted(window.inked()), "ink")


def test_draw_read_erase_and_reset(display, tmp_path):
    with opened(display, tmp_path, model=DEFAULT_MODEL) as window:
        assert window.title() == "Digitpad"
        assert window.best_bar() is None
        assert window.inked() == 0

        window.stroke([(14.2, 5), (14, 12), (13.8, 22)])
        wait_for_ink(window, lambda cells: cells > 12)
        digit = window.wait_for(lambda: str(window.answer() or ""), "an answer")
        assert digit == "1"
        window.wait_for(lambda: window.best_bar() == 1, "its bar")

        # A single click leaves a dot, and a jump of the mouse leaves no gap.
        window.stroke([(3.5, 3.5)])
        window.stroke([(3.5, 25.5), (24.5, 25.5)])
        window.wait_for(lambda: window.cell(24, 25) == DARK.ink, "a line")
        assert window.cell(3, 3) == DARK.ink
        assert all(window.cell(x, 25) == DARK.ink for x in (4, 11, 17, 23))

        before = window.inked()
        window.stroke([(3.5, 25.5), (24.5, 25.5)], button=3)
        wait_for_ink(window, lambda cells: cells < before - 15)
        assert window.cell(3, 3) == DARK.ink

        window.xdotool("key", "r")
        wait_for_ink(window, lambda cells: cells == 0)
        window.wait_for(lambda: window.title() == "Digitpad", "the answer to vanish")
        window.wait_for(lambda: window.best_bar() is None, "its bar to vanish")

        window.xdotool("key", "Escape")
        assert window.process.wait(timeout=120) == 0


def test_leaving_the_window_and_coming_back(window):
    left, top = window.place
    # Out to the left, down outside, and back in: the mouse stays this window's while pressed.
    window.xdotool(
        *["mousemove", *window.spot(5.5, 5.5), "mousedown", 1],
        *["mousemove", left - 60, window.spot(5, 5.5)[1]],
        *["mousemove", left - 60, window.spot(5, 20.5)[1]],
        *["mousemove", *window.spot(0.5, 20.5), "mousemove", *window.spot(5.5, 20.5)],
        *["mouseup", 1],
    )
    window.wait_for(lambda: window.cell(4, 20) == DARK.ink, "the way back")
    assert window.cell(1, 5) == DARK.ink
    assert window.cell(5, 13) != DARK.ink
    # Released outside: moving over the canvas afterwards draws nothing.
    window.xdotool(
        *["mousemove", *window.spot(14.5, 14.5), "mousedown", 1],
        *["mousemove", left + 30, top - 50, "mouseup", 1],
    )
    window.wait_for(lambda: window.cell(14, 14) == DARK.ink, "the way out")
    before = window.wait_for(window.settled, "the end of the stroke")
    window.xdotool("mousemove", *window.spot(20, 25), "mousemove", *window.spot(25, 20))
    time.sleep(0.2)
    assert window.inked() == before


def test_the_mouse_is_in_the_right_place_after_a_resize(display, tmp_path):
    with opened(display, tmp_path) as window:
        window.stroke([(14.5, 5.5), (14.5, 20.5)])
        wait_for_ink(window, lambda cells: cells > 12)
        window.xdotool("windowsize", "--sync", window.id, 600, 780)
        window.update_geometry()
        assert window.size == (600, 780)
        window.wait_for(lambda: window.cell(14, 12) == DARK.ink, "the drawing at its new place")
        window.stroke([(2.5, 25.5)])
        window.wait_for(lambda: window.cell(2, 25) == DARK.ink, "a dot")


def test_two_at_once_and_ctrl_c(display, tmp_path):
    examples = str(EXAMPLES)
    with (
        opened(display, tmp_path) as first,
        opened(display, tmp_path, "--replay", examples) as second,
    ):
        second.wait_for(lambda: second.inked() > 5, "the demonstration")
        second.wait_for(lambda: second.answer() is not None, "its answer")
        for window in (first, second):
            window.process.send_signal(signal.SIGINT)
            assert window.process.wait(timeout=120) == 130


ONE = [(14.2, 5), (14, 12), (13.8, 22)]


def test_undo_redo_and_clear_by_keys_and_buttons(window):
    buttons = window.layout.buttons
    for undo, redo, clear in (
        (lambda: window.key("ctrl+z"), lambda: window.key("ctrl+shift+z"),
         lambda: window.key("r")),
        (lambda: window.click(buttons["undo"]), lambda: window.click(buttons["redo"]),
         lambda: window.click(buttons["clear"])),
    ):  # fmt: skip
        window.stroke(ONE)
        wait_for_ink(window, lambda cells: cells > 12)
        undo()
        wait_for_ink(window, lambda cells: cells == 0)
        redo()
        wait_for_ink(window, lambda cells: cells > 12)
        clear()
        wait_for_ink(window, lambda cells: cells == 0)


# The program with the networks of the folder `models` alone.
WITH_THESE_NETWORKS = """
from pathlib import Path
from app import draw
from nn.support.commands import run

draw.PACKAGED_MODELS = Path("models")
run(draw.main, "app.draw")
"""


def test_why_inside_and_networks_by_keys_and_buttons(display, tmp_path):
    (tmp_path / "models").mkdir()
    for name in ("linear", "tiny", "mlp", "cnn"):  # others may lie beside them, of any name
        shutil.copy(PACKAGED_MODELS / f"{name}.npz", tmp_path / "models")
    program = ("-c", WITH_THESE_NETWORKS)
    with opened(display, tmp_path, program=program, where=tmp_path) as window:
        window.stroke(ONE)
        window.wait_for(window.answer, "an answer")
        for panel, key, button in (("answer", "w", "why"), ("inside", "i", "inside")):
            for act in (
                lambda key=key: window.key(key),
                lambda button=button: window.click(window.layout.buttons[button]),
            ):
                before = window.part(window.layout.body)
                act()
                window.show(panel)
                window.wait_for(lambda: window.is_lit(button), f"{button} to open")  # noqa: B023
                if panel == "inside":
                    assert window.part(window.layout.body) != before
                act()
                window.show("answer")
                window.wait_for(lambda: not window.is_lit(button), f"{button} to close")  # noqa: B023
        foot = window.part(window.layout.name)
        for act in (
            lambda: window.key("Tab"),
            lambda: window.click(window.layout.buttons["network"]),
            lambda: window.key("shift+Tab"),
            lambda: window.click(window.layout.table[3]),
        ):
            act()
            window.wait_for(lambda: window.part(window.layout.name) != foot, "another name")  # noqa: B023
            foot = window.part(window.layout.name)


def test_help_list_and_theme(window):
    assert not window.is_dialog_open()
    for start, end in (("h", "h"), ("F1", "Escape"), ("o", "o")):
        window.key(start)
        window.wait_for(window.is_dialog_open, "a card")
        window.key(end)
        window.wait_for(lambda: not window.is_dialog_open(), "it to close")
    for button in ("help", "open"):
        window.click(window.layout.buttons[button])
        window.wait_for(window.is_dialog_open, "a card")
        window.key("Escape")
        window.wait_for(lambda: not window.is_dialog_open(), "it to close")
    window.key("l")
    window.wait_for(lambda: window.look().get_at((2, 2))[:3] == LIGHT.background, "light")
    window.key("l")
    window.wait_for(lambda: window.look().get_at((2, 2))[:3] == DARK.background, "dark")


# The program, which learns quickly from the user's digits.
LEARNING_LITTLE = """
import functools
from app import draw
from app.my_digits import tuner
from nn.support.commands import run
from nn.training.finetuning import Amounts

little = Amounts(rehearsed=60, rehearsed_synthetic=60, guarded=40, variations=2, steps=4)
tuner.BackgroundTuner = functools.partial(tuner.BackgroundTuner, amounts=little)
run(draw.main, "app.draw")
"""


def test_correcting_and_my_digits(display, tmp_path):
    kept = "home/.local/share/digitpad/profiles/ann/digits.jsonl"
    program = ("-c", LEARNING_LITTLE)
    with opened(display, tmp_path, "--profile", "ann", program=program) as window:
        window.stroke(ONE)
        wait_for_ink(window, lambda cells: cells > 12)

        def labels():
            path = tmp_path / kept
            lines = path.read_text().splitlines() if path.exists() else []
            return [json.loads(line)["label"] for line in lines]

        window.key("1")
        window.wait_for(lambda: labels() == [1], "a kept digit")
        window.key("ctrl+z")
        window.wait_for(lambda: labels() == [], "it to be taken back")
        window.key("7")
        window.wait_for(lambda: labels() == [7], "another label")
        window.key("m")
        window.wait_for(window.is_dialog_open, "my digits")
        window.key("1")
        window.wait_for(lambda: labels() == [1], "a new label")
        window.key("Delete")
        window.wait_for(lambda: labels() == [], "an empty list")
        window.key("Escape")
        window.wait_for(lambda: not window.is_dialog_open(), "it to close")
        window.click(window.layout.buttons["my digits"])
        window.wait_for(window.is_dialog_open, "my digits")


@pytest.mark.parametrize("how", ["the server dies", "the window is killed", "SIGTERM", "SIGHUP"])
def test_what_was_kept_outlives_a_display_taken_away_and_a_signal(tmp_path, how):
    """While a correction is being learned; only a drawing that was not saved is lost."""
    require()
    server, name = start_server(tmp_path)
    profile = Profile(tmp_path / "home/.local/share/digitpad/profiles/default")
    try:
        with opened(name, tmp_path) as window:
            window.stroke(ONE)
            wait_for_ink(window, lambda cells: cells > 12)
            window.key("7")
            window.wait_for(lambda: profile.load().digits, "a kept digit")
            window.stroke([(3.5, 3.5), (20, 3.5)])
            if how == "the server dies":
                server.kill()
            elif how == "the window is killed":
                window.xdotool("windowkill", window.id)
            else:
                window.process.send_signal(getattr(signal, how))
            status = window.process.wait(timeout=120)
            said = window.process.stderr.read()
    finally:
        server.kill()
        server.wait()
    if how.startswith("SIG"):
        assert (status, said) == (0, "")
    else:  # Xlib ends the process, in its own words, whatever the threads are doing then
        assert status != 0
        assert "Traceback" not in said
    (own,) = profile.load().digits
    assert own.digit.label == 7
    assert not list((tmp_path / "home").rglob("*.part"))


def test_save_open_screenshot_and_clipboard(window):
    window.stroke(ONE)
    wait_for_ink(window, lambda cells: cells > 12)
    folder = "Pictures/Digitpad"
    window.key("s")
    window.wait_for(lambda: len(window.files(folder, ".jsonl")) == 1, "a saved drawing")
    window.click(window.layout.buttons["save"])
    window.wait_for(lambda: len(window.files(folder, ".jsonl")) == 2, "another")
    assert len(window.files(folder, ".png")) == 2
    window.key("F12")
    window.wait_for(lambda: len(window.files(folder, ".png")) == 3, "a screenshot")
    pictures = [pygame.image.load(str(path)) for path in window.files(folder, ".png")]
    sizes = sorted(picture.get_size() for picture in pictures)
    assert sizes == sorted([(280, 280), (280, 280), window.size])
    window.key("r")
    wait_for_ink(window, lambda cells: cells == 0)
    window.key("o")
    window.wait_for(window.is_dialog_open, "the list")
    window.key("Down")
    window.key("Return")
    wait_for_ink(window, lambda cells: cells > 12)
    for combination in ("ctrl+c", "ctrl+v"):  # where there is no clipboard, a line says so
        before = window.part(window.layout.help)
        window.key(combination)
        window.wait_for(lambda: window.part(window.layout.help) != before, "a word")  # noqa: B023


def test_the_keyboards_pen_focus_and_brush(window):
    window.key("space", *["Down"] * 8, "space")
    wait_for_ink(window, lambda cells: cells > 8)
    window.key("Escape")
    window.key("F6", "Return")  # the first button: Clear
    wait_for_ink(window, lambda cells: cells == 0)
    window.key("Escape")
    window.stroke(ONE)
    wait_for_ink(window, lambda cells: cells > 12)
    thin = window.inked()
    window.key("r")
    wait_for_ink(window, lambda cells: cells == 0)
    window.key("bracketright", "bracketright")
    window.click(window.layout.canvas, button=4)  # the wheel
    window.stroke(ONE)
    wait_for_ink(window, lambda cells: cells > 1.8 * thin)
    window.key(*["bracketleft"] * 3)


def test_full_screen_and_back(window):
    window.stroke(ONE)
    wait_for_ink(window, lambda cells: cells > 12)
    place = window.place
    # Without a window manager nobody moves the window to the corner; its size is SDL's doing.
    window.key("F11")
    window.wait_for(lambda: window.find() and window.size == SCREEN, "the whole screen")
    time.sleep(0.5)
    window.key("F11")
    window.wait_for(lambda: window.find() and window.size == (960, 640), "the window again")
    window.wait_for(lambda: window.find() and window.place == place, "its former place")
    wait_for_ink(window, lambda cells: cells > 12)


def test_test_digits_and_training(display, tmp_path, small_mnist):
    with opened(display, tmp_path, "--data-dir", str(small_mnist), model="mlp") as window:
        for act in (
            lambda: window.key("n"),
            lambda: window.click(window.layout.buttons["test digit"]),
        ):
            before = window.part(window.layout.canvas)
            act()
            window.wait_for(lambda: window.part(window.layout.canvas) != before, "a digit")  # noqa: B023
        window.key("t")
        window.show("training")
        window.wait_for(lambda: window.is_lit("train"), "the training")
        curves = window.layout.curves

        def learned():
            picture = window.look().subsurface(curves)
            return pygame.mask.from_threshold(picture, DARK.best, (3, 3, 3, 255)).count() > 20

        window.wait_for(learned, "a curve")
        window.click(window.layout.panel_buttons["keep"])
        window.show("answer")
        networks = ".local/share/digitpad/networks"
        window.wait_for(lambda: window.files(networks, "mlp-1.npz"), "the kept network")
        window.wait_for(lambda: not window.is_lit("train"), "the bars")
        window.click(window.layout.buttons["train"])
        window.show("training")
        window.wait_for(learned, "another curve")
        window.key("x")
        window.wait_for(lambda: not learned(), "it to be thrown away")
        window.key("Escape")
        window.show("answer")
        window.wait_for(lambda: not window.is_lit("train"), "the bars")
        assert len(window.files(networks, ".npz")) == 1
        window.key("Escape")
        assert window.process.wait(timeout=120) == 0


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux's account of processes")
def test_an_idle_window_takes_almost_no_processor_time(display, tmp_path):
    def seconds(window):
        fields = Path(f"/proc/{window.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    with opened(display, tmp_path) as window:
        window.stroke(ONE)
        window.wait_for(window.answer, "an answer")

        def is_idle():
            before = seconds(window)
            time.sleep(2)
            return seconds(window) - before < 0.03 * 2

        window.wait_for(is_idle, "rest, once the last message is gone", 20)


@contextlib.contextmanager
def layout_of_keys(display, name):
    """The server's keyboard with another layout, and a US one afterwards."""
    if shutil.which("setxkbmap") is None:
        pytest.skip("no keyboard layouts without setxkbmap")
    environment = {**os.environ, "DISPLAY": display}
    subprocess.run(["setxkbmap", name], env=environment, check=True)
    try:
        yield
    finally:
        subprocess.run(["setxkbmap", "us"], env=environment, check=True)


# Keys as X numbers them, since xdotool changes the modifiers for a key that it is told by name.
KEYPAD_4, KEYPAD_6, KEYPAD_ENTER, ROW_4, NUMLOCK = 83, 85, 104, 13, 77


def test_the_keypad_types_digits_with_numlock_alone(display, tmp_path):
    profile = Profile(tmp_path / "home/.local/share/digitpad/profiles/default")

    def labels():
        return [own.digit.label for own in profile.load().digits]

    with opened(display, tmp_path, program=("-c", LEARNING_LITTLE)) as window:
        window.stroke(ONE)
        wait_for_ink(window, lambda cells: cells > 12)
        drawn = window.wait_for(window.settled, "the end of the stroke")
        window.key(KEYPAD_6)  # Right, the keyboard's pen: set down, it draws
        window.key("space", *[KEYPAD_6] * 6, "space")
        wait_for_ink(window, lambda cells: cells > drawn + 3)
        assert labels() == []
        window.key(NUMLOCK)
        try:
            window.key(KEYPAD_4)
            window.wait_for(lambda: labels() == [4], "a kept digit")
            window.key("ctrl+z")
            window.wait_for(lambda: labels() == [], "it to be taken back")
            with layout_of_keys(display, "fr"):
                window.key(f"shift+{ROW_4}")
                window.wait_for(lambda: labels() == [4], "a kept digit")
        finally:
            window.key(NUMLOCK)


def test_an_esc_held_since_another_window_had_the_focus_does_not_quit(display, tmp_path):
    with opened(display, tmp_path) as window:
        window.stroke(ONE)
        wait_for_ink(window, lambda cells: cells > 12)
        with opened(display, tmp_path, "--panel", "inside") as other:
            other.xdotool("windowfocus", "--sync", other.id)
            other.xdotool("keydown", "Escape")  # closes the panel, and is held
            time.sleep(1)  # until the server repeats it
            window.xdotool("windowfocus", "--sync", window.id)
            time.sleep(1)
            window.xdotool("keyup", "Escape")
            time.sleep(0.3)
            assert window.process.poll() is None
        window.key("Escape")
        assert window.process.wait(timeout=120) == 0


# Ctrl-V in a real window; prints the line that it shows.
PASTE = """
from app.session.session import Session
from app.window.loop import open_window, serve
from app.window.painter import Painter
from app.window.screen.screen import Screen
from nn.inference.classifier import load_classifier
import pygame

pygame.font.init()
screen = Screen(Session(load_classifier("linear")))
open_window()
pygame.event.get()
screen.request("paste")
serve(screen, Painter())
print(screen.session.message)
"""
COPY_TEXT = """
import sys
import pygame

pygame.display.set_mode((50, 50))
pygame.scrap.init()
pygame.scrap.put("text/plain;charset=utf-8", b"seven")
print("copied", flush=True)
while pygame.event.wait(100).type != pygame.QUIT:
    pass
"""


def pasted(display):
    environment = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(ROOT)}
    environment.pop("SDL_VIDEODRIVER", None)
    environment.pop("WAYLAND_DISPLAY", None)
    command = [sys.executable, "-c", PASTE]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert found.stderr == ""
    return found.stdout.splitlines()[-1]


def test_pasting_says_what_the_clipboard_holds(display):
    environment = {**os.environ, "DISPLAY": display, "PYTHONWARNINGS": "ignore"}
    environment.pop("SDL_VIDEODRIVER", None)
    environment.pop("WAYLAND_DISPLAY", None)
    assert pasted(display).startswith("Here pygame can read only text from the clipboard")
    command = [sys.executable, "-c", COPY_TEXT]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as other:
        try:
            while other.stdout.readline().strip() != "copied":
                assert other.poll() is None
            assert pasted(display).startswith("The clipboard holds text")
        finally:
            other.kill()
