"""Percentages that allow for a drawing's being no digit at all.

A classifier's ten probabilities say which digit a drawing is, if it is one. Where `no_digit`, the
probability that it is none (`nn.inference.rejection`), is 3 %, only the other 97 % are shared out
as the classifier says, and those 3 % evenly: what might be a bracket is never a sure 3.
"""

from __future__ import annotations

import numpy as np

from nn.support.types import Array

# What is more likely no digit than this is refused. The larger it is, the fewer non-digits are
# surely answered; from 0.3 on, the percentages of drawn digits are too low by more than 0.7 %.
MAX_NO_DIGIT = 0.25


def discounted(probabilities: Array, no_digit: Array | float) -> Array:
    """Probabilities (…, 10) of drawings that are no digit with the probability `no_digit` (…,).

    They still sum to 1, in the same order. A digit that is switched off (its probability is 0) gets
    no share. What is refused keeps the probabilities that it would have as a digit.

    >>> discounted(np.array([0.99, 0.01]), 0.1).round(3).tolist()
    [0.941, 0.059]
    """
    none = np.asarray(no_digit, probabilities.dtype)[..., None]
    none = np.where(none > MAX_NO_DIGIT, 0, none)
    possible = probabilities > 0
    even = possible / np.maximum(possible.sum(axis=-1, keepdims=True), 1)
    mixed: Array = probabilities * (1 - none) + even * none
    return mixed.astype(probabilities.dtype)
