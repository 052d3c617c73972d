"""Draw a digit in a window and watch the network read it: `python -m app.draw`."""

from __future__ import annotations

import functools
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("SDL_VIDEO_X11_WMCLASS", "digitpad")
# The click that brings the window to the front draws as well, or the first dot would be lost.
os.environ.setdefault("SDL_MOUSE_FOCUS_CLICKTHROUGH", "1")
# Windows shall not enlarge the picture, and so blur it, on a screen with fine pixels.
os.environ.setdefault("SDL_WINDOWS_DPI_AWARENESS", "permonitorv2")

import pygame
from threadpoolctl import threadpool_limits

from app.drawing.drawings import SCREENSHOT, picture_of, save_picture, save_surface
from app.drawing.quiet import silent_libraries
from app.drawing.strokes import read_strokes
from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import DEFAULT_PROFILE, open_profile
from app.session.networks import users_networks
from app.session.predictor import Answer
from app.session.session import WINDOW_SIZE, Session
from app.window import clipboard
from app.window.palette import PALETTES
from app.window.text import ASSETS, percentage
from app.window.view import PARTS, View
from nn.inference.classifier import DEFAULT_MODEL, PACKAGED_MODELS, load_classifier
from nn.support.commands import ArgumentParser, number_in, run
from nn.support.errors import DigitpadError, DisplayError, UsageError
from nn.support.types import Array

if TYPE_CHECKING:
    from nn.inference.rejection import Rejection

NAME = "Digitpad"
FRAME_SECONDS = 1 / 60
USUAL_SCREEN = 1000  # rows of pixels; a screen with twice as many gets a window twice as large
SHORTEST_NAP, MAX_NAP = 1 / 250, 1 / 40  # seconds between two looks for events
EXPOSED = (pygame.WINDOWEXPOSED, pygame.WINDOWRESTORED, pygame.WINDOWSHOWN, pygame.VIDEOEXPOSE)


class Painter:
    """Brings a session's state to a surface, painting only the parts that changed."""

    def __init__(self) -> None:
        self._view = View()
        self._shown: dict[str, Any] = {}

    def forget(self) -> None:
        """Paint everything next time; the window's content may be lost."""
        self._shown = {}

    def is_current(self, session: Session) -> bool:
        """Whether the surface shows the session as it is."""
        return self._shown == state_of(session)

    def paint(self, surface: pygame.Surface, session: Session) -> list[tuple[int, int, int, int]]:
        """Paint; returns the rectangles that changed."""
        session.controller.resize(surface.get_size())
        state = state_of(session)
        shown, self._shown = self._shown, state
        if shown == state:
            return []
        # What lies over the window lies over changed parts too.
        if session.overlay or not shown or shown["window"] != state["window"]:
            self._view.draw(surface, session)
            return [(0, 0, *surface.get_size())]
        frame = self._view.frame(surface, session)
        return [draw(frame, session) for name, draw in PARTS.items() if shown[name] != state[name]]


def state_of(session: Session) -> dict[str, Any]:
    """What each part of the window shows, to be compared with what it showed before."""
    canvas, predictor = session.canvas, session.predictor
    answer = (predictor.version, predictor.is_stale)
    attribution = session.attribution is not None and session.inspection_version
    buttons = (session.hover, session.focus)
    return {
        "window": (session.size, session.panel, session.theme, session.overlay, session.row),
        "canvas": (canvas.version, session.pen, attribution, canvas.is_drawing and session.pen),
        "head": (answer, round(session.glide * 60), session.label, attribution),
        "body": (answer, session.version, session.panel == "training" and buttons),
        "buttons": (*buttons, session.is_why, session.can_undo, canvas.can_redo, canvas.is_blank),
        "foot": (session.hint(), session.network.name),
    }


def title(answer: Answer | None) -> str:
    """The window's title, which says the answer: `Digitpad – 7 (98 %)`."""
    if answer is None:
        return NAME
    if not answer.is_digit:
        return f"{NAME} – unlike any digit, perhaps {answer.digit}"
    if not answer.is_sure:
        return f"{NAME} – not sure, perhaps {answer.digit}"
    return f"{NAME} – {answer.digit} ({percentage(answer.confidence)})"


def open_window(size: tuple[int, int] | None = None) -> pygame.Surface:
    """Open the window, no larger than the desktop; raises `DisplayError` where there is none.

    Without a size it is as large to the eye as on a usual screen, and its text as easy to read.
    """
    asked_for = os.environ.get("SDL_VIDEODRIVER") or os.environ.get("SDL_VIDEO_DRIVER")
    try:
        with silent_libraries():
            pygame.display.init()
        driver = pygame.display.get_driver()
        # Without a display SDL may fall back to a driver that shows nothing, for ever.
        if driver in ("dummy", "offscreen") and not asked_for:
            raise pygame.error(f"only the invisible driver {driver!r} works here")
        desktop = pygame.display.get_desktop_sizes()
        width, height = desktop[0] if desktop else (0, 0)
        if size is None:
            larger = max(1, height // USUAL_SCREEN)
            size = (larger * WINDOW_SIZE[0], larger * WINDOW_SIZE[1])
        if width > 0 and height > 0:
            size = (min(size[0], width), min(size[1], height))
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
    pygame.key.set_repeat(300, 40)
    return surface


def run_window(session: Session, size: tuple[int, int] | None = None) -> None:
    """Show the session in a window, at first of that size, until the user leaves."""
    open_window(size)
    leave_at_hangup()
    painter = Painter()
    shown_title = NAME
    next_frame = last_event = 0.0
    try:
        while not session.quit_wanted:
            session.update()
            if not painter.is_current(session) and session.clock() >= next_frame:
                # Counted from here: what painting takes is part of the frame.
                next_frame = session.clock() + FRAME_SECONDS
                # The surface is another one after the window changed its size.
                surface = pygame.display.get_surface()
                assert surface is not None
                pygame.display.update(painter.paint(surface, session))
                predictor = session.predictor
                new_title = title(None if predictor.is_stale else predictor.answer)
                if new_title != shown_title:
                    shown_title = new_title
                    pygame.display.set_caption(shown_title)
            for event in wait_for_events(session, painter, next_frame, last_event):
                last_event = session.clock()
                session.controller.handle(event)
                if event.type in EXPOSED:
                    painter.forget()
            if session.window_requests:
                serve(session, painter)
    finally:
        session.close()
        pygame.display.quit()


def leave_at_hangup() -> None:
    """Let SIGHUP, of a closed terminal, end the program as SIGTERM does, which SDL listens to."""
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) == signal.SIG_DFL:
        signal.signal(hangup, lambda *_: pygame.event.post(pygame.event.Event(pygame.QUIT)))


def serve(session: Session, painter: Painter) -> None:
    """Do what was asked for that needs the window."""
    requests, session.window_requests = session.window_requests, []
    for request in requests:
        try:
            if request == "full screen":
                switch_full_screen(session)
                painter.forget()
            elif request == "screenshot":
                surface = pygame.Surface(session.size)
                View().draw(surface, session)
                session.say(f"Saved {save_picture(surface, session.drawings, SCREENSHOT)}")
            elif request == "copy":
                clipboard.copy(picture_of(session.canvas.ink))
                session.say("Copied the drawing")
            elif request == "paste":
                session.take_over()
                session.canvas.show_picture(clipboard.pasted_image())
                session.predict_now()
                session.say("Pasted")
        except DigitpadError as error:
            session.say(str(error))
        except (OSError, pygame.error) as error:
            session.say(f"That did not work: {error}")


def switch_full_screen(session: Session) -> None:
    """Fill the screen, or go back to a window of the former size."""
    surface = pygame.display.get_surface()
    assert surface is not None
    if surface.get_flags() & pygame.FULLSCREEN:
        size, flags = session.window_size, pygame.RESIZABLE
    else:
        session.window_size = session.size
        size, flags = pygame.display.get_desktop_sizes()[0], pygame.FULLSCREEN
    session.controller.resize(pygame.display.set_mode(size, flags).get_size())


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
        wait = MAX_NAP if now - last_event > 1.0 else SHORTEST_NAP
        if due is not None:
            wait = min(wait, due)
        if not painter.is_current(session):
            wait = min(wait, next_frame - now)
        if events or wait <= 0:
            return events
        time.sleep(wait)


def check_screenshot(path: Path) -> None:
    """Raise `UsageError` unless the name says that the file is a PNG."""
    if path.suffix.lower() != ".png":
        raise UsageError(
            f"cannot write the screenshot {path}: expected a name that ends in .png, received "
            f"{path.name!r}; choose another with --screenshot"
        )


def save_screenshot(session: Session, path: Path) -> None:
    """Save what the window would show after the demonstration as a PNG; needs no display."""
    session.settle()
    surface = pygame.Surface(session.size)
    Painter().paint(surface, session)
    try:
        save_surface(surface, path)
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
        metavar="WIDTHxHEIGHT",
        help="the window's first size in pixels; without it, {}x{}, or a multiple on a screen "
        "with fine pixels".format(*WINDOW_SIZE),
    )
    parser.add_argument(
        "--theme", choices=sorted(PALETTES), default="dark", help="the colours at the start"
    )
    parser.add_argument(
        "--panel",
        choices=("answer", "networks", "inside", "training"),
        default="answer",
        help="what is open at the start",
    )
    parser.add_argument(
        "--why", action="store_true", help="show what speaks for the digit and against it"
    )
    parser.add_argument(
        "--profile",
        metavar="NAME",
        default=DEFAULT_PROFILE,
        help="whose digits to learn from; one for each user of the program",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="folder with MNIST, for test digits and training; without it, the downloaded one",
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
    if options.screenshot:
        check_screenshot(options.screenshot)
    # For good: a training and a tuning at the same time would each restore what the other had set,
    # and several threads only slow the small products of a reading.
    threadpool_limits(1, "blas")
    if options.data_dir is not None and not options.data_dir.is_dir():
        raise UsageError(
            f"no data in {options.data_dir}: expected a folder with the MNIST files; choose "
            "another with --data-dir, or leave it out"
        )
    network = load_classifier(options.model)
    digits = list(read_strokes(options.replay)) if options.replay else []
    shipped = network if options.model == DEFAULT_MODEL else load_classifier(DEFAULT_MODEL)
    # Only these two: pygame.init() would open the sound card and the game controllers too.
    pygame.font.init()
    session = Session(
        network,
        options.interval,
        options.size or WINDOW_SIZE,
        digits,
        folders=(lambda: Path("models"), lambda: PACKAGED_MODELS, users_networks),
        data_dir=options.data_dir,
        theme=options.theme,
        my_digits=MyDigits(open_profile(options.profile), shipped, options.data_dir),
        is_rejected=is_rejected,
    )
    session.is_why = options.why
    session.open_panel(options.panel)
    if options.screenshot:
        save_screenshot(session, options.screenshot)
    else:
        run_window(session, options.size)


@functools.cache
def _rejection() -> Rejection:
    from nn.inference.rejection import (
        load_rejection,  # only at the first reading: the first frame can do without
    )

    return load_rejection()


def is_rejected(images: Array) -> Array:
    """Framed images (N, 28, 28) -> which of them are rather no digits, (N,)."""
    return _rejection().is_rejected(images)


def digitpad() -> NoReturn:
    """The installed command `digitpad`."""
    run(main, "digitpad")


if __name__ == "__main__":
    run(main, "app.draw")
