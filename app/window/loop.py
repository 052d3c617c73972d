"""The window itself: opening it, its events and frames, and what only a window can do."""

from __future__ import annotations

import os
import signal
import time
import warnings
from functools import partial
from pathlib import Path

import pygame

from app.drawing.drawings import SCREENSHOT, picture_of, save_picture, save_surface
from app.drawing.quiet import silent_libraries
from app.session.predictor import Answer
from app.window.controller import Controller
from app.window.input import clipboard
from app.window.painter import Painter
from app.window.screen.screen import WINDOW_SIZE, Screen
from app.window.style.text import ASSETS, percentage
from app.window.view import View
from nn.support.errors import DigitpadError, DisplayError, UsageError

NAME = "Digitpad"
FRAME_SECONDS = 1 / 60
USUAL_SCREEN = 1000  # rows of pixels; a screen with twice as many gets a window twice as large
SHORTEST_NAP, MAX_NAP = 1 / 250, 1 / 40  # seconds between two looks for events
EXPOSED = (pygame.WINDOWEXPOSED, pygame.WINDOWRESTORED, pygame.WINDOWSHOWN, pygame.VIDEOEXPOSE)


def title(answer: Answer | None) -> str:
    """The window's title, which says the answer: `Digitpad – 7 (98 %)`."""
    if answer is None:
        return NAME
    if not answer.is_digit:
        so_far = "so far " if answer.is_provisional else ""
        return f"{NAME} – {so_far}unlike any digit, perhaps {answer.digit}"
    if answer.is_provisional:
        return f"{NAME} – so far {answer.digit} ({percentage(answer.confidence)})"
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
        surface = _set_mode(size, pygame.RESIZABLE)
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


def run_window(screen: Screen, size: tuple[int, int] | None = None) -> None:
    """Show a session in a window, at first of that size, until the user leaves."""
    open_window(size)
    leave_at_hangup()
    painter, controller, run = Painter(), Controller(screen), screen.guard.run
    shown_title = NAME
    next_frame = last_event = 0.0
    try:
        while not screen.quit_wanted:
            run(screen.update)
            if not painter.is_current(screen) and screen.session.clock() >= next_frame:
                # Counted from here: what painting takes is part of the frame.
                next_frame = screen.session.clock() + FRAME_SECONDS
                run(partial(show, screen, painter))
                predictor = screen.session.predictor
                new_title = title(None if predictor.is_stale else predictor.answer)
                if new_title != shown_title:
                    shown_title = new_title
                    pygame.display.set_caption(shown_title)
            for event in wait_for_events(screen, painter, next_frame, last_event):
                last_event = screen.session.clock()
                run(partial(controller.handle, event))
                if event.type in EXPOSED:
                    painter.forget()
            if screen.requests:
                run(partial(serve, screen, painter))
    finally:
        screen.session.close()
        pygame.display.quit()


def show(screen: Screen, painter: Painter) -> None:
    """Paint what has changed."""
    # The surface is another one after the window changed its size.
    surface = pygame.display.get_surface()
    assert surface is not None
    pygame.display.update(painter.paint(surface, screen))


def leave_at_hangup() -> None:
    """Let SIGHUP, of a closed terminal, end the program as SIGTERM does, which SDL listens to."""
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) == signal.SIG_DFL:
        signal.signal(hangup, lambda *_: pygame.event.post(pygame.event.Event(pygame.QUIT)))


def serve(screen: Screen, painter: Painter) -> None:
    """Do what was asked for that needs the window."""
    session, requests, screen.requests = screen.session, screen.requests, []
    for request in requests:
        try:
            if request == "full screen":
                switch_full_screen(screen)
                painter.forget()
            elif request == "screenshot":
                folder = session.files.folder
                session.say(f"Saved {save_picture(picture_of_window(screen), folder, SCREENSHOT)}")
            elif request == "copy":
                clipboard.copy(picture_of(session.canvas.ink))
                session.say("Copied the drawing")
            elif request == "paste":
                session.paste(partial(clipboard.image_of, clipboard.pictures()))
        except DigitpadError as error:
            session.say(str(error))
        except (OSError, pygame.error) as error:
            session.say(f"That did not work: {error}")


def picture_of_window(screen: Screen) -> pygame.Surface:
    """What the window shows, or would show."""
    surface = pygame.Surface(screen.size)
    View().draw(surface, screen)
    return surface


def switch_full_screen(screen: Screen) -> None:
    """Fill the screen, or go back to a window of the former size."""
    surface = pygame.display.get_surface()
    assert surface is not None
    if surface.get_flags() & pygame.FULLSCREEN:
        size, flags = screen.window_size, pygame.RESIZABLE
    else:
        screen.window_size = screen.size
        size, flags = pygame.display.get_desktop_sizes()[0], pygame.FULLSCREEN
    screen.resize(_set_mode(size, flags).get_size())


def _set_mode(size: tuple[int, int], flags: int) -> pygame.Surface:
    """A window of that size, or of the one that the desktop gives it, of which pygame-ce warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return pygame.display.set_mode(size, flags)


def wait_for_events(
    screen: Screen, painter: Painter, next_frame: float, last_event: float
) -> list[pygame.event.Event]:
    """Sleep until something happens, is due or may be shown; returns all events.

    `pygame.event.wait` would wake a thousand times a second to look for events. Looking less often
    loses none of them, since they queue up with their places; after a second without any, a
    fortieth of a second's nap is still too short to feel.
    """
    while True:
        events = pygame.event.get()
        now = screen.session.clock()
        due = screen.guard.run(screen.session.seconds_until_due)
        wait = MAX_NAP if now - last_event > 1.0 else SHORTEST_NAP
        if due is not None:
            wait = min(wait, due)
        if not painter.is_current(screen):
            wait = min(wait, next_frame - now)
        if events or wait <= 0:
            return events
        time.sleep(wait)


def save_screenshot(screen: Screen, path: Path) -> None:
    """Save what the window would show after the demonstration as a PNG; needs no display."""
    screen.session.settle()
    try:
        save_surface(picture_of_window(screen), path)
    except OSError as error:
        raise UsageError(
            f"cannot write the screenshot {path}: {error.strerror or error}"
        ) from error
