"""What is drawn of a training: how well it did, over how often it saw the digits."""

from __future__ import annotations

from typing import Any, NamedTuple

from app.session.knobs import KNOBS, Knobs, change_words, changed, setting_words
from nn.training.learner import Means

STEADY = 20  # points an epoch, of a training that is too fast to be looked at oftener
MAX_POINTS = 400  # of a curve; every other one goes when there are more


class CurvePoint(NamedTuple):
    """How well the network did on the digits since the point before."""

    epoch: float  # how many times it has seen the training digits
    loss: float
    accuracy: float


class Mark(NamedTuple):
    """Where knobs were turned."""

    epoch: float
    before: Knobs
    after: Knobs

    @property
    def words(self) -> str:
        """What was changed, as `learning rate 0.003 → 0.001`."""
        return change_words(self.before, self.after)

    @property
    def label(self) -> str:
        """The same in a few letters, as `rate 0.001`."""
        names = changed(self.before, self.after)
        return ", ".join(f"{KNOBS[n].short} {setting_words(self.after, n)}" for n in names)


class Curves:
    """The curves of one training of the network `name`, for `epochs` times `size` digits.

    `points` are of the digits that it learns from, `validation`, a point an epoch, of those kept
    aside. A thread may add to the lists while another reads them: each addition makes a new one.
    """

    def __init__(self, name: str, epochs: int, size: int, begun_with: Knobs) -> None:
        self.name, self.epochs, self.size = name, epochs, size
        self.begun_with = begun_with
        self.points: list[CurvePoint] = []
        self.validation: list[CurvePoint] = []
        self.marks: list[Mark] = []
        self._since = Means()  # the last point
        self._every = 1
        self._looks = 0

    @property
    def epoch(self) -> float:
        """How far the curve goes."""
        return self.points[-1].epoch if self.points else 0.0

    def add(self, loss: float, accuracy: float, images: int) -> bool:
        """Take in the means of a batch; returns whether a point of them would not stray."""
        self._since.add(loss, accuracy, images)
        return self._since.images * STEADY >= self.size

    def add_point(self, epoch: float) -> None:
        """A point for what has come since the last."""
        self._looks += 1
        if not self._since.images or self._looks % self._every:
            return
        points = [*self.points, CurvePoint(epoch, self._since.loss, self._since.metric)]
        self._since = Means()
        if len(points) > MAX_POINTS:
            points, self._every = points[::2], self._every * 2
        self.points = points

    def add_end(self, epoch: float) -> None:
        """The last point, unless it would be of so few digits that it would stray."""
        if self._since.images * STEADY >= self.size:
            self._every = 1
            self.add_point(epoch)

    def add_validation(self, epoch: float, loss: float, accuracy: float) -> None:
        """What the digits kept aside gave after an epoch."""
        self.validation = [*self.validation, CurvePoint(epoch, loss, accuracy)]

    def add_mark(self, epoch: float, before: Knobs, after: Knobs) -> None:
        """Knobs were turned."""
        self.marks = [*self.marks, Mark(epoch, before, after)]

    def record(self, is_best: bool) -> dict[str, Any]:
        """How the network came about, for its file, with all that was changed by hand.

        It has the weights of the best epoch, or the latest.
        """
        evaluated = self.validation if is_best else self.validation[-1:]
        accuracies = [point.accuracy for point in evaluated]
        by_hand = ", and changed by hand while it ran" if self.marks else ""
        return {
            "made": f"in the window, by T{by_hand}",
            "epochs": len(self.validation),
            "begun_with": self.begun_with._asdict(),
            "changed_by_hand": [{"epoch": mark.epoch, "what": mark.words} for mark in self.marks],
            "figures": {"validation_accuracy": max(accuracies)} if accuracies else {},
        }
