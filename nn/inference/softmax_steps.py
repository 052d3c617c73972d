"""From a digit's logit to its percentage, step by step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nn.inference.classifier import Classifier
from nn.support.types import Array


class SoftmaxSteps(NamedTuple):
    """How a classifier turns its logits for one image into the probability of one digit.

    `logit` is the mean over the image and its slanted copies, `images` in all; it is divided by the
    `temperature`, the `largest` of the ten quotients is taken away, e to that power is divided by
    the `total` of all ten.
    """

    logit: float
    images: int
    temperature: float
    largest: float
    total: float
    probability: float

    @property
    def quotient(self) -> float:
        """The logit divided by the temperature."""
        return self.logit / self.temperature

    @property
    def power(self) -> float:
        """e to the power of the quotient less the largest."""
        return float(np.exp(self.quotient - self.largest))


def softmax_steps(classifier: Classifier, logits: Array, digit: int) -> SoftmaxSteps:
    """The steps for one digit from a classifier's ten `logits` for an image, (10,)."""
    temperature = classifier.checkpoint.temperature
    quotients = logits.astype(np.float64) / temperature
    largest = float(quotients.max())
    total = float(np.exp(quotients - largest).sum())
    images = 3 if classifier.checkpoint.shear else 1
    probability = float(np.exp(quotients[digit] - largest)) / total
    return SoftmaxSteps(float(logits[digit]), images, temperature, largest, total, probability)
