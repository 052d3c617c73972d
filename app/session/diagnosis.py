"""What is wrong with a training, in plain words, and what would mend it.

Each finding is measured, and is told only where chance and a training's usual course are ruled out:
its figures are above what was seen in healthy trainings of every named network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.session.knobs import Knobs, number_words, setting_words, turned
from nn.training.learner import Epoch, Means

GUESSING = math.log(10)  # the loss of ten equal probabilities
STRETCH = 2000  # digits that a loss is averaged over; fewer where the training digits are few
MIN_BATCHES = 10  # of a stretch
COMPARED = 3  # stretches, with as many before them, that tell whether the loss stands still
STILL = 0.01  # the part by which it falls at most, then
POOR = 0.5  # accuracy below which a loss that stands still is no training that is done
TINY = 20  # times below the usual rate, a loss that stands still is never done
DEAD = 0.5  # of the neurons
GAP = 0.03  # more of its own digits right than of unseen ones, and what chance may add
PATIENCE = 2  # epochs since the lowest validation loss
DIVISOR = 3  # the remedy's, of the learning rate


class Stretch(NamedTuple):
    """Mean loss and accuracy of some batches, and how far the training was after them."""

    epoch: float
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong, what would mend it, and the knobs that do; by a fresh start if need be."""

    finding: str
    remedy: str
    knobs: Knobs
    is_fresh_start: bool = False

    def by_fresh_start(self) -> Diagnosis:
        """The same for a training that is over."""
        if self.is_fresh_start:
            return self
        return replace(self, remedy=f"fresh start, {self.remedy}", is_fresh_start=True)


class Observation:
    """What is observed of a training, batch by batch, since a knob last changed what to expect."""

    def __init__(self, usual: Knobs, knobs: Knobs, size: int, kept_aside: int) -> None:
        self.usual, self.knobs = usual, knobs
        self.dead = self.units = 0
        self.stretches: list[Stretch] = []
        self.epochs: list[Epoch] = []
        self._digits = min(STRETCH, 2 * size)
        self._first_loss = 0.0  # of the very first batch, or of guessing if that is more
        self._means, self._batches = Means(), 0
        self._kept_aside = kept_aside
        self._is_mixed = False  # the present epoch, of digits varied more and less

    def add(self, epoch: float, loss: float, accuracy: float, images: int) -> bool:
        """Take in a batch; returns whether a stretch is complete with it."""
        if self._first_loss == 0:
            self._first_loss = max(GUESSING, loss)
        self._means.add(loss, accuracy, images)
        self._batches += 1
        if self._means.images < self._digits or self._batches < MIN_BATCHES:
            return False
        stretch = Stretch(epoch, self._means.loss, self._means.metric)
        self.stretches = [*self.stretches, stretch]
        self._means, self._batches = Means(), 0
        return True

    def add_epoch(self, epoch: Epoch) -> None:
        """Take in a complete epoch."""
        if not self._is_mixed:
            self.epochs = [*self.epochs, epoch]
        self._is_mixed = False

    def turn(self, knobs: Knobs) -> None:
        """Other knobs: forget what they make incomparable.

        A loss that rises after larger steps is compared with what was before them; after smaller
        steps, or with digits varied otherwise, it is looked at anew.
        """
        before, self.knobs = self.knobs, knobs
        if knobs.variation != before.variation:
            self.epochs, self._is_mixed = [], True
        rises = knobs.learning_rate > before.learning_rate or knobs.batch_size < before.batch_size
        if knobs.variation != before.variation or not rises:
            self.stretches, self._first_loss = [], math.inf
        self._means, self._batches = Means(), 0

    def diagnosis(self, epoch: float, epochs: int) -> Diagnosis | None:
        """The gravest thing that is wrong after `epoch` of `epochs`."""
        return self._dead() or self._rising() or self._standing(epoch, epochs) or self._parting()

    def no_number(self) -> Diagnosis:
        """The loss is no finite number any more."""
        return Diagnosis(
            "the loss has grown beyond all bounds: the steps were too large",
            f"fresh start, a third of the rate ({number_words(self._third)})",
            self.knobs._replace(learning_rate=self._third),
            is_fresh_start=True,
        )

    @property
    def _third(self) -> float:
        return self.knobs.learning_rate / DIVISOR

    def _dead(self) -> Diagnosis | None:
        if not self.units or self.dead < DEAD * self.units:
            return None
        return Diagnosis(
            f"{self.dead} of {self.units} neurons are dead: they give 0 for every digit",
            f"fresh start, a third of the rate ({number_words(self._third)})",
            self.knobs._replace(learning_rate=self._third),
            is_fresh_start=True,
        )

    def _rising(self) -> Diagnosis | None:
        if not self.stretches:
            return None
        *earlier, last = (stretch.loss for stretch in self.stretches)
        lowest = min([self._first_loss, *earlier])
        rise = min(max(0.5 * lowest, 0.15), 0.6)
        if last < lowest + rise or (earlier and last < 0.9 * earlier[-1]):
            return None
        return Diagnosis(
            f"the loss has risen from {number_words(lowest)} to {number_words(last)}: the "
            "steps are too large",
            f"a third of the rate ({number_words(self._third)})",
            self.knobs._replace(learning_rate=self._third),
        )

    def _standing(self, epoch: float, epochs: int) -> Diagnosis | None:
        """In the first epoch, or tenth, the rate grows from nothing; in the end it falls to it."""
        warm = min(1.0, epochs / 10)
        if epoch > 0.9 * epochs:
            return None
        seen = [stretch for stretch in self.stretches if stretch.epoch > warm]
        if len(seen) < 2 * COMPARED:
            return None
        before = sum(s.loss for s in seen[-2 * COMPARED : -COMPARED]) / COMPARED
        now = sum(s.loss for s in seen[-COMPARED:]) / COMPARED
        rate, usual = self.knobs.learning_rate, self.usual.learning_rate
        is_done = seen[-1].accuracy > POOR and rate >= usual / TINY
        if is_done or now < (1 - STILL) * before:
            return None
        if rate < usual / 2:
            return Diagnosis(
                f"the loss stands still at {number_words(now)}: the steps are too small",
                f"the usual rate ({number_words(usual)})",
                self.knobs._replace(learning_rate=usual),
            )
        new = usual if rate > 2 * usual else self._third
        return Diagnosis(
            f"the loss stands still at {number_words(now)}",
            f"fresh start with a rate of {number_words(new)}",
            self.knobs._replace(learning_rate=new),
            is_fresh_start=True,
        )

    def _parting(self) -> Diagnosis | None:
        """It learns its own digits by heart: unseen ones are read worse, or ever worse."""
        finding = self._gap() or self._growing_loss()
        knobs = turned(turned(self.knobs, "variation", 1), "variation", 1)
        if not finding or knobs == self.knobs:  # more than the most would not be like handwriting
            return None
        remedy = f"vary the digits more ({setting_words(knobs, 'variation')})"
        return Diagnosis(finding, remedy, knobs)

    def _gap(self) -> str:
        """More of its own digits are read right than chance allows."""
        if not self.epochs or (unseen := self.epochs[-1].validation_accuracy) is None:
            return ""
        # Where the loss leaps about, the weights of the end are worse than the epoch's were.
        now = [stretch.accuracy for stretch in self.stretches[-1:]]
        own = min(self.epochs[-1].train_accuracy, *now, 1.0)
        chance = 2 * math.sqrt(max(0.01, unseen * (1 - unseen)) / self._kept_aside)
        if own - unseen < GAP + chance:
            return ""
        own_words, unseen_words = (f"{100 * part:.1f} %" for part in (own, unseen))
        return f"it is memorising: {own_words} of its digits right, {unseen_words} of unseen ones"

    def _growing_loss(self) -> str:
        """The loss on unseen digits rises while that on its own falls."""
        losses = [e.validation_loss for e in self.epochs if e.validation_loss is not None]
        if len(losses) <= PATIENCE or len(losses) < len(self.epochs):
            return ""
        best, now = losses.index(min(losses)), len(losses) - 1
        rise = 0.1 * losses[best] + 1.2 / math.sqrt(self._kept_aside)
        learned = self.epochs[now].train_loss < 0.95 * self.epochs[best].train_loss
        if now - best < PATIENCE or losses[now] < losses[best] + rise or not learned:
            return ""
        number = self.epochs[best].number
        return f"it is memorising: since epoch {number} the loss on unseen digits rises"
