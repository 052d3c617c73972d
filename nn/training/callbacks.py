"""Callbacks of training: the best weights, their running average, when to stop."""

from __future__ import annotations

import numpy as np

from nn.support.types import Array
from nn.training.learner import Callback, Epoch, Learner


class WholeOrNothing(Callback):
    """Passes Ctrl-C on to the caller of `fit`, where half a training is of no use."""

    def after_fit(self, learner: Learner) -> None:
        """Raise `KeyboardInterrupt` if there was one."""
        if learner.interrupted:
            raise KeyboardInterrupt


class BestWeights(Callback):
    """Keeps the weights of the epoch with the best validation accuracy (then the lowest loss).

    Without validation, or with `keep_last`, the last epoch counts as best: where the learning rate
    falls to 0, a better figure before the end is probably luck. `best` is None before any epoch.
    """

    def __init__(self, keep_last: bool = False) -> None:
        self.keep_last = keep_last
        # One tuple, replaced at once, so that Ctrl-C never finds it half replaced.
        self.best: tuple[Epoch, Array] | None = None

    def after_validation(self, learner: Learner) -> None:
        """Take a copy if this epoch is the best so far."""
        epoch = learner.history[-1]
        if self.best is None or self.keep_last or _rank(epoch) > _rank(self.best[0]):
            self.best = (epoch, learner.model.parameters.copy())


def _rank(epoch: Epoch) -> tuple[float, float, int]:
    if epoch.validation_accuracy is None or epoch.validation_loss is None:
        return 0.0, 0.0, epoch.number
    return epoch.validation_accuracy, -epoch.validation_loss, 0


class AverageWeights(Callback):
    """Evaluates, and so keeps, a running average of the weights instead of the latest.

    average ← decay · average + (1 − decay) · weights after each step (Polyak and Juditsky 1992,
    with the exponential weights of Kingma and Ba 2015, section 7.2). In the first steps the decay
    is smaller, (1 + t)/(10 + t), so that the average does not remember the random start.
    From `before_validation` to `after_epoch` the model holds the average.
    """

    order = -1  # what the others find in the model is the average, or the latest weights again

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.average: Array | None = None
        self._latest: Array | None = None

    def after_batch(self, learner: Learner) -> None:
        """Take in the newest weights."""
        weights = learner.model.parameters
        if self.average is None:
            self.average = weights.copy()
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.average *= decay
        self.average += (1 - decay) * weights

    def before_validation(self, learner: Learner) -> None:
        """Put the average into the model."""
        if self.average is not None:
            self._latest = learner.model.parameters.copy()
            learner.model.parameters[...] = self.average

    def after_epoch(self, learner: Learner) -> None:
        """Put the latest weights back, to go on from them."""
        if self._latest is not None:
            learner.model.parameters[...] = self._latest
            self._latest = None

    def after_fit(self, learner: Learner) -> None:
        """The same for an epoch that was stopped while it was evaluated."""
        self.after_epoch(learner)


class EarlyStopping(Callback):
    """Ends training when the validation loss has not improved for `patience` epochs."""

    def __init__(self, patience: int) -> None:
        self.patience = patience

    def after_epoch(self, learner: Learner) -> None:
        """Look at the history; without validation, never stop."""
        losses = [e.validation_loss for e in learner.history if e.validation_loss is not None]
        if losses and len(losses) - 1 - int(np.argmin(losses)) >= self.patience:
            learner.stop = True
