"""A training's course in the window: started, stopped, continued, and kept or thrown away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.session.messages import Line
from app.session.mnist import Mnist
from app.session.networks import users_networks
from app.session.predictor import Network
from nn.inference.classifier import Classifier
from nn.support.errors import DigitpadError

if TYPE_CHECKING:
    from app.session.training import Training


class TrainingCourse:
    """At most one training, and the digits it needs; each step returns a line for the user.

    `training` is None before it starts and after it was kept or thrown away.
    """

    def __init__(self, mnist: Mnist, rng: np.random.Generator) -> None:
        self.training: Training | None = None
        self._mnist = mnist
        self._rng = rng  # for the trainings' seeds
        self._is_waiting = False  # for MNIST, to start then
        self._asked: Training | None = None  # the user knows that this one would be thrown away

    @property
    def is_at_work(self) -> bool:
        """Whether there is, or soon will be, something new to show."""
        is_learning = self.training is not None and (
            self.training.is_running or self.training.has_news
        )
        return is_learning or self._is_waiting

    def press(self, network: Network) -> Line | None:
        """Start a training like this network, stop or continue it, or fetch the data first."""
        if self._mnist.is_missing:
            self._mnist.download()
            self._is_waiting = True
            return Line("Downloading MNIST …")
        if self._mnist.state != "ready":
            self._mnist.load()
            self._is_waiting = True
            return Line("Loading MNIST …")
        training = self.training
        if training is None:
            return self._start(network)
        if training.is_running:
            training.stop()
        elif training.state == "stopped":
            training.go_on()
        elif training.state == "finished" and self._asked is not training:
            self._asked = training
            return Line("K keeps this network; T again throws it away and trains another", 8)
        else:
            thrown_away = self.discard()
            return self._start(network) or thrown_away
        return None

    def poll(self, network: Network, is_shown: bool) -> Line | None:
        """Start what waited for MNIST, if the user still looks at it."""
        if not self._is_waiting or self._mnist.is_busy:
            return None
        self._is_waiting = False
        if self._mnist.state != "ready":
            return self._mnist.complaint(is_shown)
        started = self._start(network) if is_shown and self.training is None else None
        return started or Line("", 0)  # no longer that it is loading

    def _start(self, network: Network) -> Line | None:
        dataset = self._mnist.train
        if dataset is None or not isinstance(network, Classifier):
            return Line("This network cannot be trained here")

        from app.session.training import Training  # only now: the first frame does not need it

        own, seed = network.checkpoint, int(self._rng.integers(2**31))
        self.training = Training(own.name, own.architecture, dataset, seed=seed)
        return None

    def keep(self) -> tuple[Classifier | None, Line]:
        """Save the network among the user's own, and end the training."""
        if self.training is None:
            return None, Line("Nothing has been trained yet: T trains")
        self.training.stop()
        try:
            classifier = self.training.save(users_networks())
        except DigitpadError as error:
            return None, Line(str(error))
        self.end()
        return classifier, Line(f"Kept as {classifier.path}")

    def discard(self) -> Line | None:
        """Throw the trained network away."""
        if self.training is None:
            return None
        self.end()
        return Line("Thrown away; the networks are as they were")

    def end(self) -> None:
        """End a training that is under way."""
        if self.training is not None:
            self.training.end()
            self.training = None
