"""When to ask the network, and what it answered.

The network is asked at most once an interval, and only about a drawing that it has not seen. The
clock is handed in, so that tests need not wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.canvas import Canvas
from nn.images import frame_strokes


class Network(Protocol):
    """What the program needs to know of a trained network; `nn.reader.Reader` is one."""

    name: str

    def probabilities(self, images: NDArray[Any]) -> NDArray[Any]:
        """Ten probabilities, (N, 10), for each of the framed images, (N, 28, 28) in 0…1."""
        ...


@dataclass(frozen=True)
class Answer:
    """Ten probabilities that sum to 1, and the likeliest digit."""

    probabilities: tuple[float, ...]

    @property
    def digit(self) -> int:
        """The digit with the highest probability; of equals the smallest."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)

    @property
    def confidence(self) -> float:
        """The probability of that digit, 0…1."""
        return max(self.probabilities)


class Predictor:
    """Reads the canvas every `interval` seconds while there is something new on it.

    `answer` is the latest answer, or None as long as there is none. A first dot of ink starts the
    interval, so the network sees a stroke and not the dot it begins with; while drawing goes on it
    is asked once an interval; after the last change it is asked once more, and then not again.
    """

    def __init__(
        self,
        network: Network,
        canvas: Canvas,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.answer: Answer | None = None
        self.interval = interval
        self._network = network
        self._canvas = canvas
        self._clock = clock
        self._read_version = canvas.version  # the drawing that `answer` is about
        self._due: float | None = None

    def update(self) -> bool:
        """Do what is due now; returns whether `answer` changed. Call it after every change."""
        if self._canvas.is_blank:
            return self.reset()
        if self._canvas.version == self._read_version:
            return False
        if self._due is None:
            self._due = self._clock() + self.interval
        if self._clock() < self._due:
            return False
        self.read_now()
        return True

    def read_now(self) -> None:
        """Ask about the canvas without waiting; on a blank canvas there is no answer."""
        self.reset()
        if not self._canvas.is_blank:
            image = frame_strokes(self._canvas.marks)
            probabilities = np.asarray(self._network.probabilities(image[None]), dtype=float)[0]
            self.answer = Answer(tuple(probabilities.tolist()))

    def reset(self) -> bool:
        """Forget the answer and what was due; returns whether there was an answer."""
        changed = self.answer is not None
        self.answer = None
        self._due = None
        self._read_version = self._canvas.version
        return changed

    def seconds_until_due(self) -> float | None:
        """How long nothing needs to be done, at least 0; None if nothing is due."""
        return None if self._due is None else max(0.0, self._due - self._clock())
