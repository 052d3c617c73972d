"""How much a tuned network forgets, judged by the digits that are forgotten first.

Few digits change sides in a tuning, so that their number says little; more come near the border
between two digits, and the loss sees every step towards it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nn.network.losses import softmax
from nn.support.types import Array

MAX_FORGOTTEN = 0.001  # of the accuracy; the user is promised a tenth of a percent
MAX_NARROWED = 2  # as many times that part of the digits may come near the border
MAX_LOSS = 1.5  # as many times that much the loss may rise, in nats, and by a twentieth
NARROW = 1.0  # a digit is near the border where its logit is ahead of the next by less, in nats
HARD = 8  # one digit in so many counts as hard


class Guarded(NamedTuple):
    """The hardest of so many digits, as a network's head sees them in each view."""

    views: list[Array]  # each (N, F)
    labels: Array  # (N,)
    total: int  # of all digits; the easier ones stay right as long as these do


@dataclass(frozen=True)
class Kept:
    """How digits are read that a tuning should not change, the easier ones counted as right."""

    accuracy: float  # 0…1
    narrow: float  # part of them that is misread or nearly, 0…1
    loss: float  # mean cross-entropy, in nats

    def is_lost(self, after: Kept) -> bool:
        """Whether more was forgotten `after` a tuning than it may cost."""
        return (
            after.accuracy < self.accuracy - MAX_FORGOTTEN
            or after.narrow > self.narrow + MAX_NARROWED * MAX_FORGOTTEN
            or after.loss > 1.05 * self.loss + MAX_LOSS * MAX_FORGOTTEN
        )


def kept(guarded: Guarded, head: Callable[[Array], Array], temperature: float) -> Kept:
    """How `head`, from (N, F) to (N, 10) logits, reads the guarded digits."""
    logits = np.mean([head(values) for values in guarded.views], axis=0)
    rows = np.arange(len(logits))
    answers = softmax(logits / np.float32(temperature))[rows, guarded.labels]
    margins = logits[rows, guarded.labels]
    logits[rows, guarded.labels] = -np.inf
    margins = margins - logits.max(axis=1)
    return Kept(
        1 - int((margins <= 0).sum()) / guarded.total,
        int((margins <= NARROW).sum()) / guarded.total,
        float(-np.log(np.maximum(answers, 1e-12)).sum()) / guarded.total,
    )


def hard_rows(answers: Array) -> Array:
    """The rows of probabilities (N, 10) whose two largest are nearest each other: one in `HARD`."""
    second, first = np.sort(answers, axis=1)[:, -2:].T
    return np.argsort(-second / first, kind="stable")[: -(-len(answers) // HARD)]
