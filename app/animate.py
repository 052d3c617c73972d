"""Record the window as an animated GIF: `python -m app.animate --replay STROKES`.

Draws the digits of a stroke file as `python -m app.draw --replay` would, off screen and with a
clock of its own, and keeps a picture every so often. Needs Pillow, which comes with the `plot`
extra.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pygame

from app.draw import window_size
from app.drawing.strokes import read_strokes
from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile
from app.session.predictor import no_digit
from app.session.session import Session
from app.window.screen.screen import Screen
from app.window.style.palette import PALETTES
from app.window.tour import tour
from app.window.view import View
from nn.inference.classifier import DEFAULT_MODEL, PACKAGED_MODELS, load_classifier
from nn.support.commands import ArgumentParser, number_in, run
from nn.support.errors import UsageError, not_installed
from nn.support.files import check_writable, write_for_option

TICK = 1 / 60  # seconds of the recording's clock
COLOURS = 96  # of the GIF; the window has few
SAMPLES = 12  # pictures that these are chosen from
TAIL_SECONDS = 2.5  # that the last answer is shown


class Clock:
    """A clock that the recording moves on."""

    now = 0.0

    def __call__(self) -> float:
        """Seconds since the recording began."""
        return self.now


def replay(screen: Screen) -> Iterator[float]:
    """Wait for the digits to be drawn, and for the last answer to be read."""
    while screen.session.demonstration is not None:
        yield TICK
    yield TAIL_SECONDS


def record(screen: Screen, clock: Clock, rate: float, steps: Iterator[float]) -> list[bytes]:
    """The window's pictures, `rate` of them a second, as RGB bytes, until the last of the steps.

    Each step does something and yields how many seconds to wait for the next.
    """
    view, surface = View(), pygame.Surface(screen.size)
    pictures: list[bytes] = []
    due: float | None = 0.0
    while due is not None:
        while due is not None and due <= clock.now:
            wait = next(steps, None)
            due = None if wait is None else due + wait
        screen.update()
        if clock.now >= len(pictures) / rate:
            view.draw(surface, screen)
            pictures.append(pygame.image.tobytes(surface, "RGB"))
        clock.now += TICK
    return pictures


def save_gif(pictures: Sequence[bytes], size: tuple[int, int], rate: float, path: Path) -> None:
    """Write pictures as a GIF that repeats for ever. Raises `UsageError` if the disk refuses."""
    image = require_pillow()
    frames = [image.frombytes("RGB", size, data) for data in pictures]
    # One palette for all, so that what stands still does not flicker, made from some of them.
    some = frames[:: -max(1, len(frames) // SAMPLES)]
    strip = image.new("RGB", (size[0], size[1] * len(some)))
    for index, frame in enumerate(some):
        strip.paste(frame, (0, size[1] * index))
    palette = strip.quantize(COLOURS)
    small = [frame.quantize(palette=palette, dither=image.Dither.NONE) for frame in frames]

    def write(file: BinaryIO) -> None:
        small[0].save(
            file, "GIF", save_all=True, append_images=small[1:], loop=0,
            duration=round(1000 / rate), optimize=True,
        )  # fmt: skip

    write_for_option(path, write, "--output")


def require_pillow() -> Any:
    """Pillow's Image module, or a `UsageError` that says how to get it."""
    try:
        from PIL import Image
    except ImportError:
        raise not_installed("GIFs", "Pillow", "plot") from None
    return Image


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(prog="app.animate", description="Record the window as a GIF.")
    add = parser.add_argument
    add("--replay", type=Path, required=True, metavar="STROKES", help="what to draw")
    add("--output", type=Path, default=Path("animation.gif"), metavar="FILE.gif", help="the file")
    add("--model", default=DEFAULT_MODEL, metavar="FILE or NAME", help="the trained network")
    add(
        "--size",
        type=window_size,
        default="720x480",
        metavar="WIDTHxHEIGHT",
        help="of the window, in pixels",
    )
    add("--theme", choices=sorted(PALETTES), default="dark", help="the colours")
    add("--rate", type=number_in(float, 1, 50), default=12.5, help="pictures a second")
    add("--digits", type=number_in(int, 1, 1000), default=4, help="at most so many")
    add(
        "--tour",
        action="store_true",
        help="show Why and the inside after the first digit, and correct the last one",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_args(argv)
    require_pillow()
    if options.output.suffix.lower() != ".gif":
        raise UsageError(
            f"cannot write {options.output}: expected a name that ends in .gif; choose another "
            "with --output"
        )
    check_writable(options.output, "--output")
    pygame.font.init()
    clock = Clock()
    digits = list(islice(read_strokes(options.replay), options.digits))
    network = load_classifier(options.model)
    with tempfile.TemporaryDirectory() as folder:  # the user's own digits are left alone
        session = Session(
            network,
            digits=() if options.tour else digits,
            clock=clock,
            folders=[lambda: PACKAGED_MODELS],
            my_digits=MyDigits(Profile(Path(folder)), network) if options.tour else None,
            no_digit=no_digit,
        )
        while not session.networks.is_complete:
            session.networks.load_next()
        screen = Screen(session, options.size, options.theme)
        steps = tour(screen, digits) if options.tour else replay(screen)
        pictures = record(screen, clock, options.rate, steps)
        session.close()
    save_gif(pictures, options.size, options.rate, options.output)
    kilobytes = options.output.stat().st_size // 1000
    print(f"{options.output}: {len(pictures)} pictures, {kilobytes:,} kB")


if __name__ == "__main__":
    run(main, "app.animate")
