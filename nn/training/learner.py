"""The training loop: a Learner brings data, model, optimiser, loss and metric together.

Randomness (the order of the digits, dropout, augmentation) comes from a new generator for each
epoch, made from the seed and the epoch's number. A training that is continued later therefore sees
what an uninterrupted one would have seen.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nn.data.dataset import DataLoader, Dataset
from nn.network.batches import BATCH
from nn.network.losses import CrossEntropyLoss, softmax
from nn.network.sequential import Sequential
from nn.support.errors import TrainingError
from nn.support.types import Array
from nn.training.optimizers import SGD, Adam, constant
from nn.training.parallel import BatchGradients, Metric

Schedule = Callable[[float, int], float]

EVALUATION_BATCH = BATCH


class DataLoaders(NamedTuple):
    """The digits to learn from and those to validate with, if any."""

    train: DataLoader
    validation: DataLoader | None = None


@dataclass
class Epoch:
    """What one epoch of training gave; the validation figures are None without validation."""

    number: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float


class Callback:
    """The moments of training at which something else can happen; each does nothing by default.

    At each moment those of a lower `order` are called first, whatever their place in the list.
    """

    order = 0

    def after_batch(self, learner: Learner) -> None:
        """A step has been taken; `learner.batch` has its number, `learner.running` the means."""

    def before_validation(self, learner: Learner) -> None:
        """All steps of an epoch have been taken."""

    def after_validation(self, learner: Learner) -> None:
        """`learner.history[-1]` has the epoch's figures; the model is the one evaluated."""

    def after_epoch(self, learner: Learner) -> None:
        """The epoch is complete."""

    def after_fit(self, learner: Learner) -> None:
        """Training is over: completed, stopped, or ended by an error."""


class Learner:
    """Trains `model` on `dataloaders.train` and evaluates it on `dataloaders.validation`.

    `metric(logits, labels)` is a mean over a batch, by default the accuracy; `schedule(epoch,
    epochs)` is the factor on the learning rate, with a fractional epoch. `slice_size`, `threads`
    and `forked` are those of `BatchGradients`; the result does not depend on the last two.

    A callback may steer what it does from the next batch on: by `learning_rate`, the `batch_size`
    of `dataloaders.train`, and the `strength` of its augmentation.

    >>> from nn import SGD, DataLoader, Dataset, Linear
    >>> digits = Dataset(np.eye(10, 784, dtype=np.float32), np.arange(10))
    >>> model = Sequential(Linear(784, 10, np.random.default_rng(0)))
    >>> learner = Learner(DataLoaders(DataLoader(digits, 5)), model, SGD())
    >>> history = learner.fit(epochs=20, learning_rate=1.0)
    >>> history[-1].train_loss < history[0].train_loss
    True
    >>> learner.evaluate(digits).metric
    1.0
    >>> labels, probabilities = learner.predict(digits.images[:3])
    >>> labels.tolist(), probabilities.shape
    ([0, 1, 2], (3, 10))
    """

    def __init__(
        self,
        dataloaders: DataLoaders,
        model: Sequential,
        optimizer: SGD | Adam,
        loss: CrossEntropyLoss | None = None,
        metric: Metric | None = None,
        *,
        schedule: Schedule = constant,
        seed: int = 0,
        slice_size: int | None = None,
        threads: int = 1,
        forked: bool = False,
    ) -> None:
        self.dataloaders = dataloaders
        self.model = model
        self.optimizer = optimizer
        self.loss = loss or CrossEntropyLoss()
        self.metric = metric or accuracy
        self.schedule = schedule
        self.seed = seed
        self.batch_gradients = BatchGradients(
            model, self.loss, self.metric, slice_size, threads, forked
        )
        self.epoch = 0  # complete epochs
        self.epochs = 0  # complete epochs at the end of the present fit
        self.learning_rate = 0.0  # before the schedule's factor; may be changed between batches
        self.batch = 0  # steps taken in the present epoch
        self.latest = (0.0, 0.0, 0)  # mean loss and metric of the latest batch, and its size
        self.images: Array | None = None  # of the latest batch, as varied; the next overwrites them
        self.running = Means()  # of the present epoch
        self.history: list[Epoch] = []
        self.stop = False  # set it to end training after the present batch
        self.interrupted = False  # Ctrl-C was pressed

    def fit(
        self, epochs: int, learning_rate: float, callbacks: Sequence[Callback] = ()
    ) -> list[Epoch]:
        """Train for `epochs` more epochs and return the history.

        Ctrl-C, or `stop` set by a callback or another thread, ends training early; what was
        learned stays. Raises `TrainingError` as soon as the loss is not a finite number.
        """
        self.epochs = self.epoch + epochs
        self.learning_rate = learning_rate
        self.stop = self.interrupted = False
        callbacks = sorted(callbacks, key=lambda callback: callback.order)
        try:
            # Without NumPy's warnings: what is not finite is said in a line of its own.
            with self.batch_gradients, np.errstate(over="ignore", invalid="ignore"):
                while self.epoch < self.epochs and not self.stop:
                    self._fit_epoch(callbacks)
        except KeyboardInterrupt:
            self.interrupted = True
        finally:  # also after an error, whose message comes after the progress bar is gone
            for callback in callbacks:
                callback.after_fit(self)
        return self.history

    def _fit_epoch(self, callbacks: Sequence[Callback]) -> None:
        start = time.perf_counter()
        rng = np.random.default_rng([self.seed, self.epoch])
        self.batch_gradients.use_rng(rng)
        self.running = Means()
        train, rate = self.dataloaders.train, self.learning_rate
        self.batch = 0
        for images, labels in train.batches(rng):
            before = self.running.images / train.batch_size  # in batches as large as this one
            progress = self.epoch + (before + 0.5) / len(train)
            rate = self.learning_rate * self.schedule(progress, self.epochs)
            self.batch += 1
            self._step(images, labels, rate)
            for callback in callbacks:
                callback.after_batch(self)
            if self.stop:
                return
        for callback in callbacks:
            callback.before_validation(self)
        validation = self.validate(until_stopped=True)
        if self.stop:
            return
        # The last step comes after the last loss.
        self._check("weights", float(self.model.parameters.sum()), rate)
        if validation:
            self._check("validation loss", validation.loss, rate)
        self.history = [
            *self.history,
            Epoch(
                number=self.epoch + 1,
                learning_rate=rate,
                train_loss=self.running.loss,
                train_accuracy=self.running.metric,
                validation_loss=validation.loss if validation else None,
                validation_accuracy=validation.metric if validation else None,
                seconds=time.perf_counter() - start,
            ),
        ]
        for callback in callbacks:
            callback.after_validation(self)
        self.epoch += 1
        for callback in callbacks:
            callback.after_epoch(self)

    def _step(self, images: Array, labels: Array, learning_rate: float) -> None:
        """One step of gradient descent: the batch's gradient, then the update."""
        self.images = images
        loss, metric = self.batch_gradients(images, labels)
        self._check("loss", loss, learning_rate)
        self.latest = loss, metric, len(labels)
        self.running.add(loss, metric, len(labels))
        self.optimizer.step(self.model.parameters, self.model.gradients, learning_rate)

    def _check(self, what: str, figure: float, learning_rate: float) -> None:
        if not np.isfinite(figure):
            raise TrainingError(
                f"the {what} became {figure} in epoch {self.epoch + 1}, batch {self.batch}: "
                f"expected a finite number; try a --learning-rate below {learning_rate:g}"
            )

    def validate(self, until_stopped: bool = False) -> Means | None:
        """Loss and metric on the validation digits, None if there are none."""
        loader = self.dataloaders.validation
        if loader is None or loader.size == 0:
            return None
        batches = loader.batches(np.random.default_rng(0))
        if until_stopped:  # the thread that stops a training may wait for its end
            batches = itertools.takewhile(lambda _: not self.stop, batches)
        return self._evaluate(batches)

    def evaluate(self, dataset: Dataset) -> Means:
        """Loss and metric of the model on a data set."""
        return self._evaluate(DataLoader(dataset, EVALUATION_BATCH, shuffle=False).batches())

    def _evaluate(self, batches: Iterable[tuple[Array, Array]]) -> Means:
        loss = CrossEntropyLoss()  # without label smoothing, so that figures compare
        means = Means()
        for images, labels in batches:
            logits = self.model.forward(images)
            means.add(loss.forward(logits, labels), self.metric(logits, labels), len(labels))
        return means

    def predict(self, images: Array) -> tuple[Array, Array]:
        """Labels (N,) and probabilities (N, 10) for images (N, 784) or (N, 1, 28, 28) in 0…1."""
        probabilities = softmax(self.model.logits(images))
        return probabilities.argmax(axis=1), probabilities


class Means:
    """Running means of loss and metric over images."""

    def __init__(self) -> None:
        self.images = 0
        self._loss_sum = self._metric_sum = 0.0

    def add(self, loss: float, metric: float, images: int) -> None:
        """Take in the means of a batch."""
        self.images += images
        self._loss_sum += loss * images
        self._metric_sum += metric * images

    @property
    def loss(self) -> float:
        """Mean loss so far; NaN before the first batch."""
        return self._loss_sum / self.images if self.images else float("nan")

    @property
    def metric(self) -> float:
        """Mean metric so far; NaN before the first batch."""
        return self._metric_sum / self.images if self.images else float("nan")


def accuracy(logits: Array, labels: Array) -> float:
    """The part of a batch whose largest logit (N, classes) is that of its label (N,).

    >>> accuracy(np.array([[1.0, 2.0], [4.0, 3.0]]), np.array([1, 1]))
    0.5
    """
    return float(np.mean(logits.argmax(axis=1) == labels))
