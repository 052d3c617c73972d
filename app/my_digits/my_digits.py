"""The user's own digits and what a network learned from them, as the window uses them.

Each call ends in a line for the user. Nothing is imported or read before the first frame: `load`
comes after it.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.drawing.strokes import frame_digits
from nn.handwriting.framing import Stroke
from nn.inference.classifier import Classifier
from nn.support.deadline import Task
from nn.support.errors import DigitpadError
from nn.support.types import Array

if TYPE_CHECKING:
    from app.my_digits.profile import Digits, OwnDigit, Profile
    from app.my_digits.tuner import BackgroundTuner

YOURS = ", yours"  # what the name of a network that was tuned ends with
READ_AT_ONCE = 8  # of the user's digits, so that the window answers however many there are
READING_SECONDS = 0.01  # for so many; at least one
STILL_READ = "Your digits are still being read; try again in a moment"

LOCK_SECONDS = 0.05  # the window waits meanwhile; another one holds the lock for less


class MyDigits:
    """A profile's digits, and the tuner that fits the shipped network to them.

    `classifier` is the tuned network, or None while the shipped one reads; `digits` are the user's,
    as last seen on disk. To show how they are read, call `read_some` until `is_reading` is false;
    `image` and `is_right` tell of each digit that was read so far.
    """

    def __init__(self, profile: Profile, shipped: Classifier, data_dir: Path | None = None) -> None:
        self.profile, self.shipped = profile, shipped
        profile.patience = LOCK_SECONDS
        self.digits: tuple[OwnDigit, ...] = ()
        self.classifier: Classifier | None = None
        self.is_loaded = False
        self.is_reading = False  # whether some digits have not been read yet
        self._images: dict[bytes, Array] = {}  # by the digit's line, as the answers below
        self._untaught: dict[bytes, int] = {}  # what the shipped network reads
        self._taught: dict[bytes, int] = {}  # what the tuned one reads
        self._data_dir = data_dir
        self._tuner: BackgroundTuner | None = None
        self._version: object = None
        self._loading: Task[list[str]] | None = None
        self._looking: Task[tuple[Digits, object]] | None = None
        self._done = ""  # what the user did that is being learned, if the result has to repeat it

    @property
    def is_busy(self) -> bool:
        """Whether a tuning is under way."""
        return self._tuner is not None and self._tuner.busy

    @property
    def is_looking(self) -> bool:
        """Whether the file is being read again."""
        return self._looking is not None

    @property
    def tuned_path(self) -> Path:
        """The file of the tuned network."""
        return self.profile.tuned_path(self.shipped.name)

    @property
    def progress(self) -> str:
        """A line for as long as a tuning is under way; "" if none is."""
        return "Your digits are being learned …" if self.is_busy else ""

    @property
    def _is_loading(self) -> bool:
        return self._loading is not None and not self.is_loaded

    def is_at_work(self, is_listing: bool) -> bool:
        """Whether something comes by itself; `is_listing`: someone shows how they are read."""
        is_looking = not self.is_loaded or self.is_looking
        return self.is_busy or is_looking or (is_listing and self.is_reading)

    def load(self) -> str:
        """Take up the profile as it is on disk; what was not learned yet is learned now.

        Call it again while `is_loaded` is false: what takes long is done in a thread.
        """
        from app.my_digits.tuner import BackgroundTuner

        if self._tuner is None or self._loading is None:
            self._tuner = BackgroundTuner(self.profile, self.shipped, data_dir=self._data_dir)
            self._loading = Task(self._tuner.load)
        if not self._loading.is_done():
            return ""
        self.is_loaded = True
        try:
            notices = self._loading.result()
        except DigitpadError as error:
            return str(error)
        self._take_up()
        self.refresh()
        if self._tuner.stale:
            self._tuner.start()
        return "; ".join(notices)

    def refresh(self) -> str:
        """Look at the digits again, if the file has changed, also by another window.

        What takes long comes with `poll`.
        """
        if self._is_loading:
            return ""
        if self._looking is None:
            version = self.profile.version()
            if version == self._version and version is not None:
                return ""
            self._looking = Task(self._look)
        return self._take_over() if self._looking.is_done() else ""

    def _look(self) -> tuple[Digits, object]:
        return self.profile.load(), self.profile.version()

    def _take_over(self) -> str:
        """Take over what `_look` has found, when it has."""
        if self._looking is None:
            return ""
        task, self._looking = self._looking, None
        try:
            found, self._version = task.result()
        except DigitpadError as error:
            return str(error)
        self.digits = found.digits
        self.is_reading = True
        lines = {own.line for own in found.digits}
        for known in (self._images, self._untaught, self._taught):
            for line in known.keys() - lines:
                del known[line]
        return "; ".join(found.notices)

    def read_some(self) -> bool:
        """Read some digits that were not read yet; returns whether there were any."""
        networks = [(self.shipped, self._untaught)]
        if self.classifier is not None:
            networks.append((self.classifier, self._taught))
        waiting = []
        end = time.perf_counter() + READING_SECONDS
        unread = (own for own in self.digits if any(own.line not in known for _, known in networks))
        for own in islice(unread, READ_AT_ONCE):
            if own.line not in self._images:
                self._images[own.line] = frame_digits([own.digit])[0][0]
            waiting.append(own)
            if time.perf_counter() > end:
                break
        self.is_reading = next(unread, None) is not None
        for network, answers in networks:
            lines = [own.line for own in waiting if own.line not in answers]
            if lines:
                logits = network.logits(np.stack([self._images[line] for line in lines]))
                answers.update(zip(lines, logits.argmax(axis=1).tolist(), strict=True))
        return bool(waiting)

    @property
    def progress_of_reading(self) -> tuple[object, ...]:
        """Another value whenever more digits were read, or are read by another network."""
        return self.classifier, len(self._images), len(self._untaught), len(self._taught)

    def image(self, own: OwnDigit) -> Array | None:
        """What the network sees of a digit, (28, 28); None before it was read."""
        return self._images.get(own.line)

    def is_right(self, own: OwnDigit) -> bool | None:
        """Whether the network in use reads a digit as it is meant; None before it was read."""
        answers = self._untaught if self.classifier is None else self._taught
        return answers[own.line] == own.digit.label if own.line in answers else None

    def correct(self, label: int, strokes: Sequence[Stroke]) -> tuple[str | None, str]:
        """Keep a drawing under its label and learn from it; returns its key and a line."""
        from app.my_digits.profile import visible_strokes

        if self._is_loading:
            return None, STILL_READ
        lines = visible_strokes(strokes)
        if not lines:
            return None, "Only a digit drawn here can be kept; draw one first"
        try:
            own = self.profile.add(label, lines)
        except DigitpadError as error:
            return None, str(error)
        said = self._changed("")
        line = f"Kept as {with_article(label)}: the {_ordinal(len(self.digits))} of your digits"
        return own.key, said or f"{line}; it is being learned · Ctrl-Z takes it back"

    def has(self, key: str) -> bool:
        """Whether a digit was still there when the file was last looked at."""
        return any(own.key == key for own in self.digits)

    def take_back(self, key: str, done: str = "Taken back") -> tuple[bool, str]:
        """Remove a digit, as if it had never been kept; returns whether it is gone, and a line."""
        try:
            found = self.profile.remove(key)
        except DigitpadError as error:
            return False, str(error)
        if not found:
            done = "It is no longer there"
        return True, self._changed(done) or done

    def relabel(self, key: str, label: int) -> tuple[bool, str]:
        """Say that a digit means another; returns whether it does now, and a line."""
        try:
            found = self.profile.relabel(key, label)
        except DigitpadError as error:
            return False, str(error)
        line = f"It is {with_article(label)} now" if found else "It is no longer there"
        return found, self._changed(line) or line

    def put(self, own: OwnDigit, place: int) -> tuple[bool, str]:
        """Put a digit back as it was before a change; returns whether it is, and a line."""
        try:
            was_removed = self.profile.put(own, place)
        except DigitpadError as error:
            return False, str(error)
        label = with_article(own.digit.label)
        line = f"Restored as {label}" if was_removed else f"It is {label} again"
        return True, self._changed(line) or line

    def forget(self) -> str:
        """Back to the shipped network; the digits stay."""
        if self._is_loading:
            return STILL_READ
        if self._tuner is None:
            return "Nothing has been learned yet"
        try:
            said = self._tuner.forget()
        except DigitpadError as error:
            said = str(error)
        self._take_up()
        return said[0].upper() + said[1:]

    def poll(self) -> str | None:
        """What a tuning came to, once; None while there is nothing to say. Call it often."""
        said = ""
        if self._looking is not None and self._looking.is_done(0):
            said = self._take_over()
        result = self._tuner.poll() if self._tuner is not None and self.is_loaded else None
        if result is None:
            return said or None
        self._take_up()
        done, self._done = self._done, ""
        message = f"{done}; {result.message}" if done else result.message
        message = message[0].upper() + message[1:]
        return "; ".join([message, *result.notices, *([said] if said else [])])

    def close(self) -> None:
        """End a tuning that is under way; it is taken up again at the next start."""
        if self._tuner is not None:
            self._tuner.close()

    def summary(self) -> str:
        """How many digits there are, and how they and MNIST's are read."""
        if self._looking is not None or self._is_loading:
            return "Your digits are being read …"
        if not self.digits:
            return "No digits yet: draw one, then press the right digit"
        figures = self.shipped.checkpoint.record.get("figures", {})
        count = len(self.digits)
        line = f"{count} digit{'s' if count > 1 else ''} kept"
        if self.is_reading:
            return f"{line}, now being read …"
        line += f", {sum(bool(self.is_right(own)) for own in self.digits)} read right"
        if self.classifier is not None:
            untaught = sum(self._untaught.get(own.line) == own.digit.label for own in self.digits)
            line += f" ({untaught} without what was learned)"
        accuracy = figures.get("test_accuracy") if isinstance(figures, dict) else None
        if isinstance(accuracy, float):
            line += f" · MNIST {100 * accuracy:.2f} %"
            line += " before that" if self.classifier is not None else ""
        return line

    def _changed(self, done: str) -> str:
        """The digits have changed: look at them and learn from them. Returns what went wrong.

        `done` says how; the tuning's result repeats it.
        """
        self._take_over()  # of what was found before
        self._version, self._done = None, done
        self._looking = Task(self._look)
        said = self._take_over()  # nearly all of it is known, so this is soon
        if self._tuner is not None:
            self._tuner.start()
        return said

    def _take_up(self) -> None:
        network = self._tuner.network if self._tuner is not None else self.shipped
        self._taught, self.is_reading = {}, True
        if network is self.shipped:
            self.classifier = None
            return
        # A file and a name of its own: it is listed beside the shipped one.
        name = self.shipped.name + YOURS
        # The figures are the shipped network's; nobody has measured this one on MNIST.
        record = {k: v for k, v in network.checkpoint.record.items() if k != "figures"}
        checkpoint = dataclasses.replace(network.checkpoint, name=name, record=record)
        self.classifier = Classifier(self.tuned_path, checkpoint)


def with_article(label: int) -> str:
    """A digit as in "it is an 8"."""
    return f"{'an' if label == 8 else 'a'} {label}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 <= number % 100 <= 20 else ending}"
