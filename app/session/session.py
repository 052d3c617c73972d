"""What the program is doing: the drawing, the networks, and the commands on them.

A `Session` knows no window. `app.window.screen` shows it and calls its commands; its parts are in
modules of their own and do not know it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.drawing.canvas import Canvas
from app.drawing.strokes import RecordedDigit
from app.my_digits.editor import DigitEditor
from app.my_digits.my_digits import MyDigits
from app.session.ablation import Ablation
from app.session.challenges import Challenges, State
from app.session.counts import Counts
from app.session.demonstration import Demonstration
from app.session.explanation import Explanation
from app.session.files import Files, read_file, read_picture
from app.session.inspection import Inspection
from app.session.messages import MESSAGE_SECONDS, Line, Messages
from app.session.mistakes import Mistakes
from app.session.mnist import Mnist
from app.session.mnist_digits import MnistDigits
from app.session.networks import NetworkList
from app.session.parts import Part
from app.session.predictor import Network, Predictor
from app.session.training_course import TrainingCourse
from app.session.tuned import Tuned
from nn.support.types import Array

POLL_SECONDS = 0.1  # between two looks at what runs in the background


class Session:
    """Coordinates the canvas, the predictor, the networks, a training and the user's digits.

    `pointer` is what draws just now, a mouse's button or a finger; None while the pen is free.
    `seed` makes repeatable which test digits are shown and how a training begins.
    """

    def __init__(
        self,
        network: Network,
        interval: float = 1.0,
        digits: Sequence[RecordedDigit] = (),
        clock: Callable[[], float] = time.monotonic,
        folders: Sequence[Callable[[], Path]] = (),
        data_dir: Path | None = None,
        drawings: Path | None = None,
        my_digits: MyDigits | None = None,
        no_digit: Callable[[Array], Array] | None = None,
        seed: int | None = None,
    ) -> None:
        self.clock = clock
        self.canvas = Canvas()
        self.predictor = Predictor(network, self.canvas, interval, clock, no_digit)
        self.explanation = Explanation(self.predictor)
        self.inspection = Inspection(self.predictor, lambda: self.explanation.explained)
        self.networks = NetworkList(network, folders)
        self.messages = Messages(clock, lambda: my_digits.progress if my_digits is not None else "")
        self.files = Files(drawings)
        self.mnist = Mnist(data_dir)
        self.my_digits = my_digits
        self.editor = DigitEditor(my_digits, self.canvas) if my_digits is not None else None
        self.counts = Counts(self.mnist)
        self.ablation = Ablation(self.predictor, self.inspection, self.counts)
        self.tuned = Tuned(my_digits, self.networks, self.ablation) if my_digits else None
        self.demonstration: Demonstration | None = None
        if digits:
            self.demonstration = Demonstration(digits, self.canvas, self.predictor, clock)
        self.pointer: Any = None
        self.is_training_shown = False  # then the network in training is the one that predicts
        self._label: tuple[int, int] | None = None  # the label, and the drawing's version it is of
        self._next_poll = clock() + 0.3  # the other networks come after the first frame
        self._rng = np.random.default_rng(seed)
        self.course = TrainingCourse(self.mnist, self.networks, self._rng)
        self.test_digits = MnistDigits(self.mnist, self._rng, self._put_test_digit)
        self.mistakes = Mistakes(self.counts, lambda: self.network, self.test_digits.show)
        self.challenges = Challenges(State(self.canvas, self.predictor, self.networks, my_digits))
        self.parts: list[Part] = [self.ablation, self.challenges, self.test_digits, self.mistakes]
        self.parts += [self.counts, self.explanation, *([self.tuned] if self.tuned else [])]

    @property
    def network(self) -> Network:
        """What predicts: the chosen network, or the one in training, without its units off."""
        training = self.course.training if self.is_training_shown else None
        return self.ablation.view(training.classifier if training else self.networks.network)

    @property
    def label(self) -> int | None:
        """What the digit on the canvas truly is, where that is known."""
        if self.editor is not None and self.editor.is_of_drawing:
            return self.editor.label
        if self._label is None or self._label[1] != self.canvas.version:
            return None
        return self._label[0]

    @property
    def message(self) -> str:
        """The message that is shown; "" if none is."""
        return self.messages.text

    def say(self, text: str, seconds: float = MESSAGE_SECONDS) -> None:
        """Show a short message for some seconds."""
        self.messages.say(text, seconds)

    # What is due

    def update(self) -> None:
        """Do what is due."""
        if self.demonstration is not None:
            self.demonstration.update()
            if self.demonstration.finished:
                self.demonstration = None
        if self.predictor.update():
            self._next_poll = self.clock()  # what explains the answer begins at once
        self.messages.update()
        if self.clock() >= self._next_poll:
            self._next_poll = self.clock() + POLL_SECONDS
            self._poll_background()

    def seconds_until_due(self) -> float | None:
        """How long `update` would have nothing to do; None if that is for ever."""
        waits = [self.predictor.seconds_until_due(), self.messages.seconds_until_due()]
        if self.demonstration is not None:
            waits.append(self.demonstration.seconds_until_due())
        is_part_at_work = any(part.is_at_work for part in self.parts)
        is_loading = not self.networks.is_complete or self.mnist.is_busy or self.files.is_opening
        if is_loading or is_part_at_work or self.course.is_at_work:
            waits.append(max(0.0, self._next_poll - self.clock()))
        return min((wait for wait in waits if wait is not None), default=None)

    def settle(self) -> None:
        """Do at once what would come in time: demonstration, loading, prediction, gliding."""
        if self.demonstration is not None:
            self.demonstration.finish()
        while not self.networks.is_complete:
            self.networks.load_next()
        self.predict_now()
        self.explanation.settle()
        self.mistakes.settle()

    def close(self) -> None:
        """End what runs in the background."""
        self.course.end()
        for part in self.parts:
            part.close()

    def predict_now(self) -> None:
        """Read the drawing with the present network, without waiting."""
        self.predictor.network = self.network
        self.predictor.predict_now()

    def _follow_network(self) -> None:
        """An answer that is shown must be that of the network that predicts now."""
        if self.predictor.network is not self.network:
            self.predictor.network = self.network
            if self.predictor.answer is not None:
                self.predict_now()

    def _poll_background(self) -> None:
        if not self.networks.is_complete:
            self.networks.load_next()
        self._show_opened()
        for part in self.parts:
            self.messages.ask(part.poll)
        self.messages.ask(lambda: self.course.poll(self.is_training_shown))
        self._follow_network()
        training = self.course.training
        if training is not None and training.refresh():
            self.counts.forget(training.classifier)
            is_answered = self.predictor.answer is not None and not self.canvas.is_drawing
            if self.is_training_shown and is_answered:
                self.predict_now()

    # The drawing

    def release_pointer(self) -> None:
        """End the stroke; the pointer that made it does nothing until it goes down again."""
        self.pointer = None
        self.canvas.end()

    def take_over(self, pointer: Any = None) -> None:
        """The user takes the pen: a stroke, a demonstration or a search under way ends."""
        self.release_pointer()
        self.pointer = pointer
        self.demonstration = None
        self.mistakes.stop_searching()

    def clear(self) -> None:
        """Blank paper and no answer, at once; a stroke under way ends."""
        self.take_over()
        self.canvas.clear()
        self.predictor.reset()

    @property
    def can_undo(self) -> bool:
        """Whether `undo` would do anything."""
        return self.canvas.can_undo or (self.editor is not None and self.editor.undoes_change)

    def undo(self) -> None:
        """Take back the last stroke, or what was done last to the user's own digits."""
        self.take_over()
        taken_back = self.editor.undo() if self.editor is not None else None
        if taken_back is not None:
            self.say(taken_back)
        elif self.canvas.undo():
            self.predict_now()  # or the answer would be another drawing's for a second
        else:
            self.say("Nothing to undo")

    def redo(self) -> None:
        """Do again what was taken back."""
        self.take_over()
        if self.canvas.redo():
            self.predict_now()
        else:
            self.say("Nothing to redo")

    def change_brush(self, steps: int) -> None:
        """A thinner or thicker brush, from the next stroke on."""
        self.say(f"Brush {self.canvas.change_brush(steps):g} ×")

    # Networks and files

    def choose_network(self, index: int) -> None:
        """Let another network of the list predict, at once."""
        self.networks.choose(index)
        self.inspection.unit = None
        self._follow_network()

    def save(self) -> None:
        """Save the drawing."""
        self.release_pointer()
        if self.canvas.is_blank:
            return self.say("There is nothing to save yet")
        self.predict_now()
        answer = self.ablation.whole_answer
        assert answer is not None  # there is ink
        label = answer.digit if self.label is None else self.label
        return self.messages.tell(self.files.save(self.canvas, label))

    def open_file(self, path: Path) -> bool:
        """Load a drawing, strokes, a picture or a network; returns whether it is a network.

        What takes long is shown when it has been read.
        """
        self.take_over()
        self.messages.tell(self.files.begin(lambda: read_file(path), path.name))
        return self._show_opened()

    def paste(self, read: Callable[[], Array]) -> None:
        """Show the framed picture (28, 28) that `read` gives, as `open_file` does."""
        self.take_over()
        self.messages.tell(self.files.begin(lambda: read_picture(read), "The picture"))
        self._show_opened()

    def _show_opened(self) -> bool:
        opened = None if self.canvas.is_drawing else self.files.opened()
        if opened is None:
            return False
        if opened.network is not None:
            self.networks.add(opened.network)
            self.choose_network(self.networks.chosen)
        elif opened.drawing is not None:
            self.take_over()
            self.canvas.show_drawing(opened.drawing)
            self._label = None if opened.label is None else (opened.label, self.canvas.version)
            self.predict_now()
        self.messages.tell(opened.line)
        return opened.network is not None

    # The user's own digits

    def correct(self, label: int) -> None:
        """The drawing is a `label`: keep it and learn from it."""
        self.take_over()
        if self.editor is None:
            self.say("There is no profile to keep digits in")
        elif self.canvas.is_blank:
            self.say(f"Draw a digit first; then {label} says that it is one")
        else:
            self.load_my_digits()
            self.say(*self.editor.correct(label))

    def forget(self) -> None:
        """Read with the shipped network again; the digits stay."""
        if self.tuned is not None:
            self.messages.tell(self.tuned.forget())
            self._follow_network()

    def load_my_digits(self) -> None:
        """Take up the user's digits and the network tuned to them, once."""
        if self.tuned is not None:
            self.messages.tell(self.tuned.load())
            self._follow_network()

    # MNIST and training

    def test_digit(self) -> None:
        """Show a random digit of MNIST's test file, with its label, as soon as that is loaded."""
        self.take_over()
        self.messages.tell(self.test_digits.show_any(self.is_training_shown))

    def next_misread(self) -> None:
        """Show the next test digit that the network misreads, as soon as one is known."""
        self.take_over()
        self.messages.tell(self.mistakes.search(self.is_training_shown))

    def _put_test_digit(self, image: Array, label: int) -> None:
        self.take_over()
        self.canvas.show_picture(image)
        self._label = label, self.canvas.version
        self.predict_now()

    def show_training(self, is_shown: bool) -> None:
        """While a training is shown, its network predicts."""
        self.is_training_shown = is_shown
        self._follow_network()

    def steer(self, line: Line | None) -> None:
        """A step of the training's course was taken, which says this; its network may be new."""
        self.messages.tell(line)
        self._follow_network()

    def keep(self) -> bool:
        """Save the trained network among the user's own, and choose it; returns whether it did."""
        classifier, line = self.course.keep()
        if classifier is not None:
            self.networks.add(classifier)
            self._follow_network()
        self.messages.tell(line)
        return classifier is not None
