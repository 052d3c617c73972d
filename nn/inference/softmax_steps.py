"""From a digit's logit to its percentage, step by step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nn.inference.classifier import Classifier
from nn.inference.discount import MAX_NO_DIGIT, discounted
from nn.support.types import Array


class SoftmaxSteps(NamedTuple):
    """How a classifier turns its logits for one image into the probability of one digit.

    `logit` is the mean over the image and its slanted copies, `images` in all; it is divided by the
    `temperature`, the `largest` of the ten quotients is taken away, e to that power is divided by
    the `total` of all ten. That is its `softmax`; as the drawing may be no digit, with probability
    `no_digit`, the `probability` is (1 − no_digit) · softmax + no_digit / 10.
    """

    logit: float
    images: int
    temperature: float
    largest: float
    total: float
    softmax: float
    no_digit: float
    probability: float

    @property
    def quotient(self) -> float:
        """The logit divided by the temperature."""
        return self.logit / self.temperature

    @property
    def power(self) -> float:
        """e to the power of the quotient less the largest."""
        return float(np.exp(self.quotient - self.largest))


def softmax_steps(
    classifier: Classifier, logits: Array, digit: int, no_digit: float = 0.0
) -> SoftmaxSteps:
    """The steps for one digit from a classifier's ten `logits` for an image, (10,).

    `no_digit` is the probability that the image shows none, 0…1; see `nn.inference.discount`.
    """
    temperature = classifier.checkpoint.temperature
    quotients = logits.astype(np.float64) / temperature
    largest = float(quotients.max())
    powers = np.exp(quotients - largest)
    total = float(powers.sum())
    images = 3 if classifier.checkpoint.shear else 1
    softmax = powers / total
    probability = float(discounted(softmax, no_digit)[digit])
    return SoftmaxSteps(
        logit=float(logits[digit]),
        images=images,
        temperature=temperature,
        largest=largest,
        total=total,
        softmax=float(softmax[digit]),
        no_digit=no_digit if no_digit <= MAX_NO_DIGIT else 0.0,
        probability=probability,
    )
