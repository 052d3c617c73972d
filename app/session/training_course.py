"""A training's course in the window: started, steered, stopped, and kept or thrown away."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from app.session.knobs import (
    KNOBS,
    Knobs,
    change_words,
    changed,
    setting_words,
    turned,
    usual_knobs,
)
from app.session.messages import Line
from app.session.mnist import Mnist
from app.session.networks import NetworkList, users_networks
from nn.inference.classifier import Classifier
from nn.support.errors import DigitpadError

if TYPE_CHECKING:
    from app.session.curves import Curves
    from app.session.diagnosis import Diagnosis
    from app.session.training import Training


class TrainingCourse:
    """At most one training, and the digits it needs; each step returns a line for the user.

    `training` is None before it starts and after it was kept or thrown away; `former` are the
    curves of the one before it.
    """

    def __init__(self, mnist: Mnist, networks: NetworkList, rng: np.random.Generator) -> None:
        self.training: Training | None = None
        self.former: Curves | None = None
        self._mnist, self._networks = mnist, networks
        self._rng = rng  # for the trainings' seeds
        self._by_hand: dict[str, Any] = {}  # settings of knobs, also for the next training
        self._waiting: dict[str, bool] | None = None  # for MNIST: how to start then, if at all
        self._ending: threading.Thread | None = None  # of the former, for a batch yet
        self._was_warned = False  # that this training would be thrown away

    @property
    def is_at_work(self) -> bool:
        """Whether there is, or soon will be, something new to show."""
        return self._waiting is not None or (self.training is not None and self.training.is_at_work)

    def press(self) -> Line | None:
        """Start a training like the chosen network, stop or continue it, or fetch the data."""
        training = self.training
        if training is None:
            return self._begin()
        if training.is_running:
            training.stop()
        elif training.state == "stopped":
            training.go_on()
        elif training.state == "finished" and self._is_first_warning():
            return Line("K keeps this network; T again throws it away and trains another", 8)
        else:
            thrown_away = self.discard()
            return self._begin() or thrown_away
        return None

    def one_batch(self) -> Line | None:
        """Learn from one batch and wait; a training that has not begun waits before its first."""
        training = self.training
        if training is None:
            return self._begin(is_stopped=True)
        if training.is_running:
            training.stop()
            return Line("Paused: B learns from one more batch, T continues")
        if training.state == "stopped":
            training.step()
            return None
        return Line("This training is over; T trains another")

    def slow_motion(self) -> Line | None:
        """A batch now and then, or at full speed again."""
        training = self.training
        if training is None:
            return self._begin(is_slow=True)
        if training.has_ended:
            return Line("This training is over; T trains another")
        training.set_slow(not (training.is_slow and training.is_running))
        training.go_on()
        return Line("Slow motion: two batches a second" if training.is_slow else "At full speed")

    def poll(self, is_shown: bool) -> Line | None:
        """Start what waited for MNIST, if the user still looks at it."""
        if self._waiting is None or self._mnist.is_busy:
            return None
        how, self._waiting = self._waiting, None
        if self._mnist.state != "ready":
            return self._mnist.complaint(is_shown)
        started = self._begin(**how) if is_shown and self.training is None else None
        return started or Line("", 0)  # no longer that it is loading

    def _begin(self, **how: bool) -> Line | None:
        """Start a training like the chosen network, or fetch the data first."""
        if self._mnist.is_missing and how:
            return Line("T downloads MNIST first (12 MB)")
        if self._mnist.state != "ready":
            self._waiting = how
            if self._mnist.is_missing:
                self._mnist.download()
                return Line("Downloading MNIST …")
            self._mnist.load()
            return Line("Loading MNIST …")
        network = self._networks.network
        if not isinstance(network, Classifier):
            return Line("This network cannot be trained here")
        name, architecture = network.checkpoint.name, network.checkpoint.architecture
        complaint = self._start(name, architecture, self.knobs, **how)
        begun = Line("Random weights: B learns from one batch, T continues") if how else None
        return complaint or begun

    def _start(self, name: str, architecture: list[Any], knobs: Knobs, **how: bool) -> Line | None:
        from app.session.training import Training  # only now: the first frame does not need it

        dataset, seed = self._mnist.train, int(self._rng.integers(2**31))
        assert dataset is not None  # since it is ready
        after, self._ending = self._ending, None
        try:
            self.training = Training(
                name, architecture, dataset, seed=seed, knobs=knobs, after=after, **how
            )
        except RuntimeError as error:  # no thread to be had
            return Line(f"This network cannot be trained now: {error}", 8)
        return None

    # Steering it

    @property
    def knobs(self) -> Knobs:
        """The settings of the training under way, or of the next."""
        training = self.training
        if training is not None and not training.has_ended:
            return training.knobs
        return self.usual_knobs._replace(**self._by_hand)

    @property
    def usual_knobs(self) -> Knobs:
        """What suits the network in training, or the chosen one."""
        network = self.training.classifier if self.training else self._networks.network
        if not isinstance(network, Classifier):
            return Knobs()
        return usual_knobs(network.checkpoint.name, network.checkpoint.architecture)

    def turn(self, name: str, steps: int) -> Line:
        """Turn a knob up or down, from the next batch on."""
        before = self.knobs
        after = turned(before, name, steps)
        if after == before:
            end = "highest" if steps > 0 else "lowest"
            return Line(f"{KNOBS[name].words} {setting_words(before, name)} is the {end}")
        return self._use(before, after)

    def _use(self, before: Knobs, after: Knobs) -> Line:
        self._by_hand |= {name: getattr(after, name) for name in changed(before, after)}
        training, words = self.training, change_words(before, after)
        if training is None or training.has_ended:
            return Line(f"{words}, for the next training")
        training.knobs = after
        return Line(f"{words}, from the next batch on")

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What is wrong with the training, if anything is."""
        training = self.training
        found = None if training is None else training.diagnosis  # once: the thread may clear it
        is_over = training is not None and training.has_ended
        return found.by_fresh_start() if found is not None and is_over else found

    def remedy(self) -> Line | None:
        """Do what mends the training, as the diagnosis says."""
        training, diagnosis = self.training, self.diagnosis
        if training is None:
            return Line("Nothing is being trained: T starts a training")
        if diagnosis is None:
            return Line("Nothing seems to be wrong with this training")
        if not diagnosis.is_fresh_start:
            line = self._use(training.knobs, diagnosis.knobs)
            training.diagnosis = None
            return line
        if training.state == "finished" and self._is_first_warning():
            return Line("K keeps this network; D again throws it away and trains another", 8)
        words = change_words(training.knobs, diagnosis.knobs)
        self._use(training.knobs, diagnosis.knobs)
        self._give_up()
        complaint = self._start(training.name, training.architecture, diagnosis.knobs)
        return complaint or Line(f"Started afresh with {words}" if words else "Started afresh")

    # Keeping it

    def _is_first_warning(self) -> bool:
        """Whether the user is only now to be told that the training would be thrown away."""
        was_warned, self._was_warned = self._was_warned, True
        return not was_warned

    def warning(self) -> Line | None:
        """A line before the program ends, the first time, where that would lose a training."""
        if self.training is None or not self._is_first_warning():
            return None
        return Line("Esc again quits and throws the trained network away; K keeps it", 8)

    def keep(self) -> tuple[Classifier | None, Line]:
        """Save the network among the user's own, and end the training."""
        if self.training is None:
            return None, Line("Nothing has been trained yet: T starts a training")
        self.training.stop()
        try:
            classifier = self.training.save(users_networks())
        except DigitpadError as error:
            return None, Line(str(error))
        self._give_up()
        return classifier, Line(f"Kept as {classifier.path}")

    def discard(self) -> Line | None:
        """Throw the trained network away; without one, the curves of the former."""
        if self.training is not None:
            self._give_up()
            return Line("Thrown away; the networks are as they were")
        if self.former is not None:
            self.former = None
            return Line("The former curves are gone too")
        return None

    def _give_up(self) -> None:
        """End a training that is under way, without waiting for it; its curves stay."""
        if self.training is not None:
            self._ending = self.training.give_up()
            if self.training.curves.points:
                self.former = self.training.curves
            self.training, self._was_warned = None, False

    def end(self) -> None:
        """End a training that is under way, and wait until it has ended."""
        self._give_up()
        if self._ending is not None:
            self._ending.join()
