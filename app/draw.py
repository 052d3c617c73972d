"""Draw a digit in a window and watch the network read it: `python -m app.draw`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, get_args

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("SDL_VIDEO_X11_WMCLASS", "digitpad")
# The click that brings the window to the front draws as well, or the first dot would be lost.
os.environ.setdefault("SDL_MOUSE_FOCUS_CLICKTHROUGH", "1")
# Keep Windows from enlarging the picture, and so blurring it, on a screen with fine pixels.
os.environ.setdefault("SDL_WINDOWS_DPI_AWARENESS", "permonitorv2")

import pygame
from threadpoolctl import threadpool_limits

from app.drawing.strokes import read_strokes
from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import DEFAULT_PROFILE, open_profile
from app.session.networks import users_networks
from app.session.predictor import no_digit
from app.session.session import Session
from app.window.input.commands import Panel
from app.window.loop import run_window, save_screenshot
from app.window.screen.screen import WINDOW_SIZE, Screen
from app.window.style.palette import PALETTES
from nn.inference.classifier import DEFAULT_MODEL, PACKAGED_MODELS, load_classifier
from nn.support.commands import ArgumentParser, number_in, run
from nn.support.errors import UsageError


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
        choices=get_args(Panel),
        default="answer",
        help="what is open at the start",
    )
    parser.add_argument(
        "--why", action="store_true", help="show what speaks for the digit and against it"
    )
    parser.add_argument(
        "--projector", action="store_true", help="large letters, and the keys that are pressed"
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
    if options.screenshot and options.screenshot.suffix.lower() != ".png":
        raise UsageError(
            f"cannot write the screenshot {options.screenshot}: expected a name that ends in .png, "
            f"received {options.screenshot.name!r}; choose another with --screenshot"
        )
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
        digits,
        folders=(lambda: Path("models"), lambda: PACKAGED_MODELS, users_networks),
        data_dir=options.data_dir,
        my_digits=MyDigits(open_profile(options.profile), shipped, options.data_dir),
        no_digit=no_digit,
    )
    screen = Screen(session, options.size or WINDOW_SIZE, options.theme)
    session.explanation.is_shown, screen.projector.is_on = options.why, options.projector
    screen.open_panel(options.panel)
    if options.screenshot:
        save_screenshot(screen, options.screenshot)
    else:
        run_window(screen, options.size)


def digitpad() -> NoReturn:
    """The installed command `digitpad`."""
    run(main, "digitpad")


if __name__ == "__main__":
    run(main, "app.draw")
