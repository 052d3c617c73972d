"""Recorded digits, drawn one after another on the canvas as if somebody wrote them now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from app.drawing.canvas import Canvas
from app.drawing.strokes import RecordedDigit, fit
from app.session.predictor import Predictor

POINT_SECONDS = 1 / 60  # pens and mice report about as often
MAX_SECONDS = 1.6  # that drawing one digit may take
LIFT_SECONDS = 0.12  # between two strokes
LOOK_SECONDS = 1.5  # to look at the answer
PAUSE_SECONDS = 0.3  # on blank paper


class Demonstration:
    """Draws recorded digits step by step; `update` does the steps that are due."""

    def __init__(
        self,
        digits: Sequence[RecordedDigit],
        canvas: Canvas,
        predictor: Predictor,
        clock: Callable[[], float],
    ) -> None:
        self.finished = False
        self._digits = digits
        self._canvas = canvas
        self._predictor = predictor
        self._clock = clock
        self._steps = self._perform()
        self._due = clock()

    def update(self) -> None:
        """Do every step that is due by now."""
        now = self._clock()
        if now - self._due > 1.0:  # the computer slept, or the window was being dragged
            self._due = now
        while not self.finished and self._due <= now:
            self._step()

    def finish(self) -> None:
        """Do all the steps that are left, without waiting."""
        while not self.finished:
            self._step()

    def seconds_until_due(self) -> float | None:
        """How long until the next step, at least 0; None when finished."""
        return None if self.finished else max(0.0, self._due - self._clock())

    def _step(self) -> None:
        wait = next(self._steps, None)
        if wait is None:
            self.finished = True
        else:
            self._due += wait

    def _perform(self) -> Iterator[float]:
        """Draw everything, yielding how many seconds to wait after each step."""
        for digit in self._digits:
            self._canvas.clear()
            self._predictor.reset()
            yield PAUSE_SECONDS
            points = sum(len(stroke) for stroke in digit.strokes)
            seconds = min(POINT_SECONDS, MAX_SECONDS / points)
            for stroke in fit(digit.strokes):
                self._canvas.begin("draw", *stroke[0])
                yield seconds
                for point in stroke[1:]:
                    self._canvas.extend(*point)
                    yield seconds
                self._canvas.end()
                yield LIFT_SECONDS
            yield LOOK_SECONDS
