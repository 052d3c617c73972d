"""Learning from the user's own digits while the window goes on.

A `Teacher` tunes in a thread of its own. Whoever has the window calls `start` after a change of the
user's digits and `poll` in every frame; both return at once. What was learned is in the profile
before it is used, so that a crash at any moment leaves the old network or the new one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.profile import OwnDigit, Profile
from app.strokes import RecordedDigit, marks_of
from nn.errors import DigitpadError
from nn.images import SIZE, frame_strokes
from nn.reader import Reader
from nn.tuning import Amounts, Outcome, Tuner, fingerprint, load_tuned, save_tuned


@dataclass(frozen=True)
class Lesson:
    """What came of a tuning: a line for the user, and the measurements, if it came so far."""

    message: str
    outcome: Outcome | None = None
    notices: tuple[str, ...] = ()  # on lines of the user's file that had to be set aside

    @property
    def learned(self) -> bool:
        """Whether another network reads from now on."""
        return self.outcome is not None and self.outcome.reader is not None


class Teacher:
    """Keeps a profile's network: the shipped one, or the one tuned to the profile's digits.

    `network` is what to read with. `stale` says that the digits have changed since they were last
    learned (a kill while tuning, another window, new shipped weights): then call `start`.
    `data_dir`, `seed`, `threads` and `amounts` are those of `nn.tuning.Tuner`.
    """

    def __init__(
        self,
        profile: Profile,
        shipped: Reader,
        seed: int = 0,
        data_dir: Path | None = None,
        threads: int = 2,
        amounts: Amounts | None = None,
    ) -> None:
        self.profile = profile
        self.shipped = shipped
        self.network = shipped
        self.stale = False
        self._tuner = Tuner(shipped, seed, data_dir, threads, amounts)
        self._thread: threading.Thread | None = None
        self._again = False  # the digits changed while a tuning was under way
        self._is_forgotten = False  # what comes of the tuning that is under way
        self._lesson: Lesson | None = None

    def load(self) -> list[str]:
        """Take up the profile's tuned network, if there is one; returns lines for the user.

        Raises `ProfileError` if the profile cannot be read; the shipped network reads then.
        """
        found = self.profile.load()
        notices = list(found.notices)
        path = self.profile.tuned_path(self.shipped.name)
        learned = ""
        if path.exists():
            try:
                self.network, learned = load_tuned(path, self.shipped)
            except DigitpadError as error:
                notices.append(str(error))
        self.stale = (
            bool(found.digits or learned)
            and learned != digest(found.digits)
            and self.profile.settled(self.shipped.name) != self._settlement(found.digits)
        )
        return notices

    @property
    def busy(self) -> bool:
        """Whether a tuning is under way."""
        return self._thread is not None

    def start(self) -> None:
        """Tune to the digits that the profile holds; if one is under way, once more after it."""
        if self._thread is not None:
            self._again = True
            self._tuner.stop.set()  # it learns from digits that are no longer these
            return
        self._again = self.stale = False
        self._tuner.stop.clear()
        # A daemon: what ends without `close` need not wait, since the file is replaced at once or
        # never.
        self._thread = threading.Thread(target=self._work, name="tuning", daemon=True)
        self._thread.start()

    def poll(self) -> Lesson | None:
        """The lesson, once, when a tuning has ended; from then on `network` is what it gave."""
        if self._thread is None or self._thread.is_alive():
            return None
        self._join(self._thread)
        if self._again:
            self.start()
            return None
        lesson, self._lesson = self._lesson, None
        if lesson is not None and lesson.outcome is not None and lesson.outcome.reader is not None:
            self.network = lesson.outcome.reader
        return lesson

    def forget(self) -> str:
        """Back to the shipped network, also on disk; the digits stay. Returns a line for the user.

        A tuning that is under way is not waited for; nothing will come of it. Raises `ProfileError`
        if the tuned network cannot be removed; it is not used any more.
        """
        self._tuner.stop.set()
        self._again, self._is_forgotten = False, self._thread is not None
        self.network = self.shipped
        self.profile.forget_tuned(self.shipped.name)
        with contextlib.suppress(DigitpadError):  # else the next start would learn them again
            self._settle(self.profile.load().digits)
        return "forgot what was learned; the shipped network reads again"

    def close(self) -> None:
        """End a tuning that is under way, without a lesson."""
        self._tuner.stop.set()
        if self._thread is not None:
            self._join(self._thread)
        self._again, self._lesson = False, None

    def _join(self, thread: threading.Thread) -> None:
        """Wait for the end of a tuning; nothing is left of one that was forgotten meanwhile."""
        thread.join()
        self._thread = None
        if self._is_forgotten:
            self._is_forgotten, self._lesson = False, None
            with contextlib.suppress(DigitpadError):  # saved at the last moment
                self.profile.forget_tuned(self.shipped.name)

    def _work(self) -> None:
        """The thread: whatever happens becomes a lesson."""
        try:
            self._lesson = self._tune()
        except DigitpadError as error:
            self._lesson = Lesson(f"kept the old weights: {error}")
        except Exception as error:
            # A bug or no memory must not end in a thread that nobody hears of.
            self._lesson = Lesson(f"kept the old weights: {type(error).__name__}: {error}")

    def _tune(self) -> Lesson:
        found = self.profile.load()
        return replace(self._tune_to(found.digits), notices=found.notices)

    def _tune_to(self, digits: Sequence[OwnDigit]) -> Lesson:
        if not digits:
            self.profile.forget_tuned(self.shipped.name)
            return self._untaught()
        images, labels = frame_digits([own.digit for own in digits])
        # The window reads with `network` meanwhile, whose layers work in buffers of their own.
        model = self.network.checkpoint.model.replica()
        current = Reader(self.network.path, replace(self.network.checkpoint, model=model))
        outcome = self._tuner.tune(images, labels, current)
        if outcome.reader is None:
            self._settle(digits)
            return Lesson(outcome.reason, outcome)
        if self._tuner.stop.is_set():
            return Lesson("kept the old weights: the tuning was stopped")
        path = self.profile.tuned_path(self.shipped.name)
        try:
            save_tuned(path, outcome.reader, digest(digits))
        except DigitpadError as error:
            # The user's digits are kept elsewhere; what was learned can be used until the end.
            return Lesson(f"{outcome.reason}, for this time only: {error}", outcome)
        return Lesson(outcome.reason, outcome)

    def _settlement(self, digits: Sequence[OwnDigit]) -> str:
        """What tells these digits with these shipped weights from all others."""
        return f"{fingerprint(self.shipped)} {digest(digits)}"

    def _settle(self, digits: Sequence[OwnDigit]) -> None:
        with contextlib.suppress(DigitpadError):  # the worst is that they are learned again
            self.profile.settle(self.shipped.name, self._settlement(digits))

    def _untaught(self) -> Lesson:
        outcome = Outcome(
            reader=self.shipped,
            reason="no digits of your own to learn from; the shipped network reads",
            digits=0,
            strength=0.0,
            seconds=0.0,
            validation_before=0.0,
            validation_after=0.0,
            right_before=0,
            right_after=0,
            on_mnist=False,
        )
        return Lesson(outcome.reason, outcome)


def frame_digits(digits: Sequence[RecordedDigit]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Recorded digits as the network sees them, (N, 28, 28), and their labels (N,)."""
    images = np.zeros((len(digits), SIZE, SIZE), np.float32)
    for image, digit in zip(images, digits, strict=True):
        image[...] = frame_strokes(marks_of(digit))
    return images, np.array([digit.label for digit in digits], np.int64)


def digest(digits: Sequence[OwnDigit]) -> str:
    """What tells these digits, in this order, from all others."""
    content = [[own.digit.label, own.digit.strokes] for own in digits]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
