"""A tour of the window, as the README's animation gives it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from app.drawing.strokes import RecordedDigit
from app.session.demonstration import Demonstration
from app.window.screen.screen import Screen

STEP = 1 / 60  # seconds between two looks at whether a digit is drawn
SECONDS = {"why": 3.0, "inside": 2.0, "off": 1.0, "without": 2.0, "misread": 1.5, "learned": 2.5}
NETWORK = "mlp"  # small enough that a few of its neurons count
MOST_OFF = 6
SLOWER = 6  # the clock of the recording, while it waits for what is being learned


def tour(screen: Screen, digits: Sequence[RecordedDigit]) -> Iterator[float]:
    """Draw digits; after the first: why, and inside without some neurons; the last is corrected.

    Yields how many seconds to look at each step.
    """
    first, last = digits[0], digits[-1]
    yield from _draw(screen, first)
    screen.do("why")
    screen.session.explanation.settle()
    yield SECONDS["why"]
    screen.do("why")
    yield from _switch_off(screen)
    yield from _draw(screen, last)
    yield SECONDS["misread"]
    yield from _correct(screen, last.label)


def _draw(screen: Screen, digit: RecordedDigit) -> Iterator[float]:
    session = screen.session
    session.demonstration = Demonstration([digit], session.canvas, session.predictor, session.clock)
    while session.demonstration is not None:
        yield STEP


def _switch_off(screen: Screen) -> Iterator[float]:
    """Switch off what adds most to the answer, until the network answers something else."""
    session = screen.session
    former = session.networks.chosen
    screen.choose_network([entry.name for entry in session.networks.entries].index(NETWORK))
    screen.do("inside")
    yield SECONDS["inside"]
    answer = session.predictor.answer
    for _ in range(MOST_OFF):
        session.inspection.unit = None
        stage, _ = session.inspection.looked_at or (0, 0)
        found = session.inspection.contributions
        if found is None or session.predictor.answer is None or answer is None:
            break
        strongest = max(found.units, key=lambda unit: unit[1])[0]
        session.inspection.unit = stage - 1, strongest
        screen.do("switch off")
        yield SECONDS["off"]
        if session.predictor.answer.digit != answer.digit:
            break
    yield SECONDS["without"]
    screen.do("restore")
    screen.do("inside")
    screen.choose_network(former)


def _correct(screen: Screen, label: int) -> Iterator[float]:
    """Say which digit it is; learning from it takes its own time, little of which is recorded."""
    session = screen.session
    session.correct(label)
    yield SECONDS["off"]
    while session.my_digits is not None and session.my_digits.is_busy:
        time.sleep(STEP * SLOWER)
        yield STEP
    yield SECONDS["learned"]
