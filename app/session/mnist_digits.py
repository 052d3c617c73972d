"""Digits of MNIST's test file for the canvas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.session.messages import Line
from app.session.mnist import Mnist
from nn.handwriting.framing import SIZE
from nn.support.types import Array


class MnistDigits:
    """Shows test digits as soon as MNIST is loaded; `put` takes an image (28, 28) and its label."""

    def __init__(
        self, mnist: Mnist, rng: np.random.Generator, put: Callable[[Array, int], None]
    ) -> None:
        self.is_at_work = False  # while a digit is wanted that is not loaded yet
        self._mnist = mnist
        self._rng = rng
        self._put = put
        self._is_training_shown = False  # when it was asked for

    def show(self, place: int) -> Line | None:
        """Put the digit of a place in the file on the canvas."""
        test = self._mnist.test
        if test is None:
            return None
        label = int(test.labels[place])
        self._put(test.images[place].reshape(SIZE, SIZE), label)
        return Line(f"A digit of MNIST's test file; its label is {label}")

    def show_any(self, is_training_shown: bool) -> Line | None:
        """Put one of them on the canvas, as soon as they are loaded; or say why there is none."""
        self._is_training_shown = is_training_shown
        self.is_at_work = self._mnist.state != "ready" and not self._mnist.is_missing
        line = self._mnist.fetch(is_training_shown)
        place = self._mnist.random_test_place(self._rng)
        return line if place is None or self.is_at_work else self.show(place)

    def poll(self) -> Line | None:
        """Show what was waited for."""
        if not self.is_at_work or self._mnist.is_busy:
            return None
        return self.show_any(self._is_training_shown)

    def close(self) -> None:
        """Nothing to end here."""
