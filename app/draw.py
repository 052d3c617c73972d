"""Draw a digit in a window and watch the network read it: `python -m app.draw`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("SDL_VIDEO_X11_WMCLASS", "digitpad")
# The click that brings the window to the front draws as well, or the first dot would be lost.
os.environ.setdefault("SDL_MOUSE_FOCUS_CLICKTHROUGH", "1")

import pygame

from app.canvas import Canvas
from app.controller import Controller
from app.demonstration import Demonstration
from app.predictor import Answer, Network, Predictor
from app.quiet import silent_libraries
from app.strokes import RecordedDigit, read_strokes
from app.view import ASSETS, View, percentage
from nn.commands import ArgumentParser, number_in, run
from nn.errors import DisplayError, UsageError
from nn.files import write_atomically
from nn.reader import DEFAULT_MODEL, load_reader

NAME = "Digitpad"
WINDOW_SIZE = (960, 640)
FRAME_SECONDS = 1 / 60
SHORTEST_NAP, LONGEST_NAP = 1 / 250, 1 / 40  # seconds between two looks for events
EXPOSED = (pygame.WINDOWEXPOSED, pygame.WINDOWRESTORED, pygame.WINDOWSHOWN, pygame.VIDEOEXPOSE)


class Session:
    """The canvas, the predictor and who moves the pen: all but the window itself."""

    def __init__(
        self,
        network: Network,
        interval: float = 1.0,
        size: tuple[int, int] = WINDOW_SIZE,
        digits: Sequence[RecordedDigit] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.network = network
        self.clock = clock
        self.canvas = Canvas()
        self.predictor = Predictor(network, self.canvas, interval, clock)
        self.controller = Controller(self.canvas, self.predictor, size)
        self.demonstration: Demonstration | None = None
        if digits:
            self.demonstration = Demonstration(digits, self.canvas, self.predictor, clock)

    def update(self) -> None:
        """Do what is due: the demonstration's next points, unless the user took over; a reading."""
        if self.demonstration is not None:
            if not self.controller.hands_on:
                self.demonstration.update()
            if self.controller.hands_on or self.demonstration.finished:
                self.demonstration = None
        self.predictor.update()

    def seconds_until_due(self) -> float | None:
        """How long `update` would have nothing to do; None if that is for ever."""
        waits = [self.predictor.seconds_until_due()]
        if self.demonstration is not None:
            waits.append(self.demonstration.seconds_until_due())
        return min((wait for wait in waits if wait is not None), default=None)


class Painter:
    """Brings a session's state to a surface, painting only what changed since the last time."""

    def __init__(self) -> None:
        self._view = View()
        self._size: tuple[int, int] | None = None
        self._version = -1
        self._answer: Answer | None = None

    def forget(self) -> None:
        """Paint everything next time; the window's content may be lost."""
        self._size = None

    def is_current(self, session: Session) -> bool:
        """Whether the surface shows the session as it is."""
        return (
            self._size == session.controller.size
            and self._version == session.canvas.version
            and self._answer is session.predictor.answer
        )

    def paint(self, surface: pygame.Surface, session: Session) -> list[tuple[int, int, int, int]]:
        """Paint; returns the rectangles that changed."""
        session.controller.resize(surface.get_size())
        layout = session.controller.layout
        ink, answer = session.canvas.ink, session.predictor.answer
        changed: list[tuple[int, int, int, int]] = []
        if self._size != session.controller.size:
            self._view.draw(surface, layout, ink, answer, session.network.name)
            changed.append((0, 0, *surface.get_size()))
        else:
            if self._version != session.canvas.version:
                self._view.draw_canvas(surface, layout, ink)
                changed.append(layout.canvas)
            if self._answer is not answer:
                self._view.draw_panel(surface, layout, answer)
                changed.append(layout.panel)
        self._size, self._version = session.controller.size, session.canvas.version
        self._answer = answer
        return changed


def title(answer: Answer | None) -> str:
    """The window's title, which says the answer: `Digitpad – 7 (98 %)`."""
    if answer is None:
        return NAME
    return f"{NAME} – {answer.digit} ({percentage(answer.confidence)})"


def open_window(size: tuple[int, int]) -> pygame.Surface:
    """Open the window, no larger than the desktop; raises `DisplayError` where there is none."""
    asked_for = os.environ.get("SDL_VIDEODRIVER") or os.environ.get("SDL_VIDEO_DRIVER")
    try:
        with silent_libraries():
            pygame.display.init()
        driver = pygame.display.get_driver()
        # Without a display SDL may fall back to a driver that shows nothing, for ever.
        if driver in ("dummy", "offscreen") and not asked_for:
            raise pygame.error(f"only the invisible driver {driver!r} works here")
        desktop = pygame.display.get_desktop_sizes()
        if desktop and min(desktop[0]) > 0:
            size = (min(size[0], desktop[0][0]), min(size[1], desktop[0][1]))
        pygame.display.set_icon(pygame.image.load(str(ASSETS / "icon.png")))
        pygame.display.set_caption(NAME)
        surface = pygame.display.set_mode(size, pygame.RESIZABLE)
    except pygame.error as error:
        pygame.display.quit()
        raise DisplayError(
            f"cannot open a window: {error}; run it on a desktop (set DISPLAY or WAYLAND_DISPLAY), "
            "or save a picture without a window with --screenshot FILE.png"
        ) from error
    # Letters are commands here, not text to be composed.
    pygame.key.stop_text_input()
    return surface


def run_window(session: Session) -> None:
    """Show the session in a window until the user leaves."""
    open_window(session.controller.size)
    painter = Painter()
    shown_title = NAME
    next_frame = last_event = 0.0
    try:
        while not session.controller.quit_wanted:
            session.update()
            if not painter.is_current(session) and session.clock() >= next_frame:
                # The surface is another one after the window changed its size.
                surface = pygame.display.get_surface()
                assert surface is not None
                pygame.display.update(painter.paint(surface, session))
                if title(session.predictor.answer) != shown_title:
                    shown_title = title(session.predictor.answer)
                    pygame.display.set_caption(shown_title)
                next_frame = session.clock() + FRAME_SECONDS
            for event in wait_for_events(session, painter, next_frame, last_event):
                last_event = session.clock()
                session.controller.handle(event)
                if event.type in EXPOSED:
                    painter.forget()
    finally:
        pygame.display.quit()


def wait_for_events(
    session: Session, painter: Painter, next_frame: float, last_event: float
) -> list[pygame.event.Event]:
    """Sleep until something happens, is due or may be shown; returns all events.

    `pygame.event.wait` would wake a thousand times a second to look for events. Looking less often
    loses none of them, since they queue up with their places; after a second without any, a
    fortieth of a second's nap is still too short to feel.
    """
    while True:
        events = pygame.event.get()
        now = session.clock()
        due = session.seconds_until_due()
        wait = LONGEST_NAP if now - last_event > 1.0 else SHORTEST_NAP
        if due is not None:
            wait = min(wait, due)
        if not painter.is_current(session):
            wait = min(wait, next_frame - now)
        if events or wait <= 0:
            return events
        time.sleep(wait)


def save_screenshot(session: Session, path: Path) -> None:
    """Save what the window would show after the demonstration as a PNG; needs no display."""
    if session.demonstration is not None:
        session.demonstration.finish()
    session.predictor.read_now()
    surface = pygame.Surface(session.controller.size)
    Painter().paint(surface, session)

    def write(file: BinaryIO) -> None:
        pygame.image.save(surface, file, "digitpad.png")  # the name tells the format

    try:
        write_atomically(path, write)
    except OSError as error:
        raise UsageError(
            f"cannot write the screenshot {path}: {error.strerror or error}"
        ) from error


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(prog="app.draw", description=(__doc__ or "").split(":")[0] + ".")
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="FILE or NAME", help="the trained network"
    )
    parser.add_argument(
        "--interval",
        type=number_in(float, 0, 3600),
        default=1.0,
        metavar="SECONDS",
        help="time between two readings while drawing",
    )
    parser.add_argument(
        "--replay", type=Path, metavar="STROKES", help="draw the digits of a stroke file"
    )
    parser.add_argument(
        "--screenshot",
        type=Path,
        metavar="FILE.png",
        help="save the window as a picture, after the replay if any, and quit; needs no display",
    )
    parser.add_argument(
        "--size",
        type=window_size,
        default=WINDOW_SIZE,
        metavar="WIDTHxHEIGHT",
        help="the window's first size in pixels",
    )
    return parser


def window_size(text: str) -> tuple[int, int]:
    """An argparse `type` for a size such as 960x640."""
    import argparse

    width, _, height = text.lower().replace("×", "x").partition("x")
    if not (width.isdecimal() and height.isdecimal() and len(text) < 16):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT, as 960x640, received {text!r}")
    size = int(width), int(height)
    if not all(240 <= side <= 8192 for side in size):
        raise argparse.ArgumentTypeError(f"expected 240 to 8192 pixels a side, received {text!r}")
    return size


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_args(argv)
    network = load_reader(options.model)
    digits = list(read_strokes(options.replay)) if options.replay else []
    # Only these two: pygame.init() would open the sound card and the game controllers too.
    pygame.font.init()
    session = Session(network, options.interval, options.size, digits)
    if options.screenshot:
        save_screenshot(session, options.screenshot)
    else:
        run_window(session)


def digitpad() -> NoReturn:
    """The installed command `digitpad`."""
    run(main, "digitpad")


if __name__ == "__main__":
    run(main, "app.draw")
