"""The program in a real window: an X server, and a mouse moved by xdotool.

Skipped where Xvfb, xdotool or a trained network is missing, unless DIGITPAD_REQUIRE_WINDOW=1.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pygame
import pytest

from app.layout import lay_out
from app.view import BEST, INK

ROOT = Path(__file__).resolve().parent.parent
SCREEN = (1400, 1000)
pytestmark = pytest.mark.window


def require():
    missing = [tool for tool in ("Xvfb", "xdotool", "import") if shutil.which(tool) is None]
    if missing:
        message = f"no window test without {', '.join(missing)}"
        if os.environ.get("DIGITPAD_REQUIRE_WINDOW") == "1":
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="module")
def display():
    require()
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{SCREEN[0]}x{SCREEN[1]}x24"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as numbers:
        number = numbers.readline().strip()  # returns when the server is ready
    assert number, "Xvfb did not start"
    yield f":{number}"
    server.terminate()
    server.wait()


class Window:
    """The running program, the mouse and the keyboard, and the eye."""

    def __init__(self, display, folder, *arguments):
        self.environment = {**os.environ, "DISPLAY": display}
        self.environment.pop("SDL_VIDEODRIVER", None)
        self.environment.pop("WAYLAND_DISPLAY", None)
        self.picture_path = folder / "screen.png"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.draw", "--interval", "0.3", *arguments],
            cwd=ROOT,
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        self.id = None
        try:
            self.wait_for(self.find, "a window")
        except BaseException:
            self.close()
            raise

    def close(self):
        self.process.kill()
        self.process.communicate()

    def xdotool(self, *arguments):
        return subprocess.run(
            ["xdotool", *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=20,
        ).stdout

    def find(self):
        """Whether the program has a window that stays; a first one may go again at once."""
        found = self.xdotool("search", "--onlyvisible", "--pid", self.process.pid).split()
        self.id = found[-1] if found else None
        return self.id is not None and self.update_geometry()

    def wait_for(self, look, what, seconds=15):
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
        self.layout = lay_out(*self.size)
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
        subprocess.run(
            ["import", "-window", "root", str(self.picture_path)],
            env=self.environment,
            check=True,
            timeout=20,
        )
        screen = pygame.image.load(str(self.picture_path))
        return screen.subsurface((*self.place, *self.size))

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
            if picture.get_at((row.track.x + 1, row.track.y + 1))[:3] == BEST
        ]
        assert len(marked) <= 1
        return marked[0] if marked else None

    def answer(self):
        found = re.fullmatch(r"Digitpad – (\d) \(.+ %\)", self.title())
        return int(found.group(1)) if found else None

    def inked(self):
        """How many cells' worth of full ink the canvas shows."""
        canvas = self.look().subsurface(self.layout.canvas)
        full = pygame.mask.from_threshold(canvas, INK, (3, 3, 3, 255)).count()
        return full / self.layout.cell**2


@contextlib.contextmanager
def opened(display, folder, *arguments):
    window = Window(display, folder, *arguments)
    try:
        yield window
    finally:
        window.close()


def wait_for_ink(window, wanted):
    window.wait_for(lambda: wanted(window.inked()), "ink")


def test_draw_read_erase_and_reset(display, tmp_path):
    with opened(display, tmp_path) as window:
        assert window.title() == "Digitpad"
        assert window.best_bar() is None
        assert window.inked() == 0

        window.stroke([(14.2, 5), (14, 12), (13.8, 22)])
        wait_for_ink(window, lambda cells: cells > 12)
        digit = window.wait_for(lambda: str(window.answer() or ""), "an answer")
        assert digit == "1"
        assert window.best_bar() == 1

        # A single click leaves a dot, and a jump of the mouse leaves no gap.
        window.stroke([(3.5, 3.5)])
        window.stroke([(3.5, 25.5), (24.5, 25.5)])
        window.wait_for(lambda: window.cell(24, 25) == INK, "a line")
        assert window.cell(3, 3) == INK
        assert all(window.cell(x, 25) == INK for x in (4, 11, 17, 23))

        before = window.inked()
        window.stroke([(3.5, 25.5), (24.5, 25.5)], button=3)
        wait_for_ink(window, lambda cells: cells < before - 15)
        assert window.cell(3, 3) == INK

        window.xdotool("key", "r")
        wait_for_ink(window, lambda cells: cells == 0)
        window.wait_for(lambda: window.title() == "Digitpad", "the answer to vanish")
        assert window.best_bar() is None

        window.xdotool("key", "Escape")
        assert window.process.wait(timeout=10) == 0


def test_leaving_the_window_and_coming_back(display, tmp_path):
    with opened(display, tmp_path) as window:
        left, top = window.place
        # Out to the left, down outside, and back in: the mouse stays this window's while pressed.
        window.xdotool(
            *["mousemove", *window.spot(5.5, 5.5), "mousedown", 1],
            *["mousemove", left - 60, window.spot(5, 5.5)[1]],
            *["mousemove", left - 60, window.spot(5, 20.5)[1]],
            *["mousemove", *window.spot(0.5, 20.5), "mousemove", *window.spot(5.5, 20.5)],
            *["mouseup", 1],
        )
        window.wait_for(lambda: window.cell(4, 20) == INK, "the way back")
        assert window.cell(1, 5) == INK
        assert window.cell(5, 13) != INK
        # Released outside: moving over the canvas afterwards draws nothing.
        window.xdotool(
            *["mousemove", *window.spot(14.5, 14.5), "mousedown", 1],
            *["mousemove", left + 30, top - 50, "mouseup", 1],
        )
        window.wait_for(lambda: window.cell(14, 14) == INK, "the way out")
        before = window.inked()
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
        window.wait_for(lambda: window.cell(14, 12) == INK, "the drawing at its new place")
        window.stroke([(2.5, 25.5)])
        window.wait_for(lambda: window.cell(2, 25) == INK, "a dot")


def test_two_at_once_and_ctrl_c(display, tmp_path):
    examples = str(ROOT / "assets" / "example-strokes.jsonl")
    with (
        opened(display, tmp_path) as first,
        opened(display, tmp_path, "--replay", examples) as second,
    ):
        second.wait_for(lambda: second.inked() > 5, "the demonstration")
        second.wait_for(lambda: second.answer() is not None, "its answer")
        for window in (first, second):
            window.process.send_signal(signal.SIGINT)
            assert window.process.wait(timeout=10) == 130
