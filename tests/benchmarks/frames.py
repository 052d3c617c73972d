"""How long a frame takes while a digit is drawn and read, off screen.

    python tests/benchmarks/frames.py [--size 1920x1080] [--panel answer] [--theme dark] [--why]
        [--projector] [--data-dir DIR]

A mouse draws the example digits again and again, 16 events a frame (1,000 a second at 60 frames),
with a clock of the benchmark's own; each frame handles its events, does what is due (a reading once
a second, with all networks in the table) and paints. With `--panel inside` the pointer then goes
through the network, part by part, before the paper is blank again. Prints the median, the 99th
percentile and the slowest, in milliseconds: by the clock, and of processor time alone, which a busy
machine leaves as it is.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import numpy as np
import pygame

from app.draw import window_size
from app.drawing.strokes import fit, read_strokes
from app.session.session import Session
from app.window.controller import Controller
from app.window.input.commands import Panel
from app.window.painter import Painter
from app.window.screen.screen import Screen
from nn.inference.classifier import PACKAGED_MODELS, load_classifier
from tests.helpers.clock import Clock
from tests.helpers.paths import EXAMPLES

EVENTS_A_FRAME = 16


def events(screen: Screen) -> list[pygame.event.Event]:
    """The mouse's events that draw the ten example digits, after each a press of R."""
    found = []
    for digit in read_strokes(EXAMPLES):
        for stroke in fit(digit.strokes):
            places = [screen.layout.to_pixels(x, y) for x, y in stroke]
            way = np.array(places)
            steps = np.linspace(0, len(way) - 1, 6 * len(way))
            line = [np.interp(steps, np.arange(len(way)), way[:, axis]) for axis in (0, 1)]
            path = [(int(x), int(y)) for x, y in zip(*line, strict=True)]
            found.append(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=path[0], button=1))
            found += [
                pygame.event.Event(pygame.MOUSEMOTION, pos=place, buttons=(1, 0, 0), rel=(0, 0))
                for place in path
            ]
            found.append(pygame.event.Event(pygame.MOUSEBUTTONUP, pos=path[-1], button=1))
        if screen.panel == "inside":
            rest = {"pos": path[-1], "buttons": (0, 0, 0), "rel": (0, 0)}
            found += 3 * EVENTS_A_FRAME * [pygame.event.Event(pygame.MOUSEMOTION, **rest)]
            found += _over_the_network(screen)
        found.append(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_r, mod=0))
        found.append(pygame.event.Event(pygame.KEYUP, key=pygame.K_r, mod=0))
    return found


def _over_the_network(screen: Screen) -> list[pygame.event.Event]:
    """The pointer's way across the panel, from above to below, a line of tiles at a time."""
    left, top, width, height = screen.layout.body
    places = np.linspace(0, 1, 40 * EVENTS_A_FRAME)
    return [
        pygame.event.Event(
            pygame.MOUSEMOTION,
            pos=(int(left + (8 * share % 1) * width), int(top + share * height)),
            buttons=(0, 0, 0),
            rel=(0, 0),
        )
        for share in places
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=window_size, default=(1920, 1080))
    parser.add_argument("--panel", default="answer", choices=get_args(Panel))
    parser.add_argument("--theme", default="dark", choices=("dark", "light"))
    parser.add_argument("--why", action="store_true")
    parser.add_argument("--projector", action="store_true")
    parser.add_argument("--data-dir", type=Path, help="MNIST, for what is read in the background")
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--frames", type=int, default=3000)
    options = parser.parse_args()
    pygame.display.init()
    pygame.font.init()
    surface = pygame.display.set_mode(options.size)
    clock = Clock()
    folders = [lambda: PACKAGED_MODELS]
    network = load_classifier(options.model)
    session = Session(network, clock=clock, folders=folders, data_dir=options.data_dir)
    if options.data_dir is not None:
        session.mnist.load()
        session.mnist.wait()
    screen = Screen(session, options.size, options.theme)
    controller = Controller(screen)
    session.explanation.is_shown = options.why
    session.settle()
    screen.projector.is_on = options.projector
    screen.open_panel(options.panel)
    painter = Painter()
    painter.paint(surface, screen)
    queue = events(screen)
    by_clock, at_work = [], []
    for frame in range(options.frames):
        start = frame * EVENTS_A_FRAME
        batch = [queue[i % len(queue)] for i in range(start, start + EVENTS_A_FRAME)]
        began, began_work = time.perf_counter(), time.thread_time()
        for event in batch:
            controller.handle(event)
        screen.update()
        pygame.display.update(painter.paint(surface, screen))
        by_clock.append(1000 * (time.perf_counter() - began))
        at_work.append(1000 * (time.thread_time() - began_work))
        clock.now += 1 / 60
    session.close()
    print(f"{options.frames} frames of {options.size[0]}×{options.size[1]}, {options.panel}")
    for name, times in (("by the clock", by_clock), ("processor", at_work)):
        median, late = np.percentile(times, [50, 99])
        print(
            f"{name:>14}: median {median:.2f}, 99th percentile {late:.2f}, slowest {max(times):.2f}"
        )


if __name__ == "__main__":
    main()
