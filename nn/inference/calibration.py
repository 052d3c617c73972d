"""How far a network's probabilities can be believed."""

from __future__ import annotations

import numpy as np

from nn.network.losses import softmax
from nn.support.types import Array


def expected_calibration_error(probabilities: Array, labels: Array, bins: int = 15) -> float:
    """The mean distance, 0…1, between how sure a network is and how often it is right.

    The answers are sorted by their highest probability into `bins` intervals of equal width,
    ((m − 1)/bins, m/bins]. Each interval holds |B| of the N answers, whose share of right ones is
    acc(B) and whose mean highest probability is conf(B); the error is Σ |B|/N · |acc(B) − conf(B)|
    (Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3).

    `probabilities` is (N, classes) and `labels` (N,), N at least 1; otherwise `ValueError`.
    """
    if not len(labels) or len(probabilities) != len(labels):
        raise ValueError(
            f"expected as many labels as rows of probabilities, at least one; "
            f"got {len(labels)} and {len(probabilities)}"
        )
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    # Rounding may leave a probability just above 1; it belongs to the last interval.
    interval = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)
    # |B| · (acc(B) − conf(B)) is the sum over B of (1 if right, else 0) − confidence.
    gaps = np.bincount(interval, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def fit_temperature(logits: Array, labels: Array) -> float:
    """The temperature T for which softmax(logits / T) gives the labels the highest likelihood.

    Guo et al. 2017, section 4.2. Dividing all logits (N, classes) by one number changes how sure
    the network is, never what it answers. The mean loss is a convex function of 1/T, so that
    halving an interval by the sign of its slope finds the minimum; T is kept from 1/10 to 10,
    where few or only right labels would send it to 0. Without labels T is 1.
    """
    if not len(labels):
        return 1.0
    z = logits.astype(np.float64)
    chosen = z[np.arange(len(labels)), labels]
    low, high = 0.1, 10.0  # of 1/T
    for _ in range(50):
        middle = (low + high) / 2
        # d loss / d(1/T) = mean(Σₖ pₖ zₖ − z(label))
        slope = float(np.mean((softmax(z * middle) * z).sum(axis=1) - chosen))
        low, high = (low, middle) if slope > 0 else (middle, high)
    return 2 / (low + high)
