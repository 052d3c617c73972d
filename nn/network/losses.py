"""Softmax and the cross-entropy loss, both on logits."""

from __future__ import annotations

import numpy as np

from nn.support.types import Array


def softmax(logits: Array) -> Array:
    """Probabilities pₖ = exp(zₖ) / Σⱼ exp(zⱼ) of logits z; (N, classes) -> (N, classes).

    The largest logit of each row is subtracted first, which changes nothing in the quotient and
    keeps exp from overflowing.

    >>> softmax(np.array([[1000.0, 1000.0, -1000.0]])).tolist()
    [[0.5, 0.5, 0.0]]
    """
    p: Array = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    p /= np.sum(p, axis=1, keepdims=True)
    return p


class CrossEntropyLoss:
    """The mean over the batch of −log p(label), with p the softmax of the logits.

    `label_smoothing` s replaces the target "1 for the label, 0 for the rest" by 1 − s plus s
    spread evenly over all classes (Szegedy et al. 2016, section 7), which keeps a network from
    growing ever more certain of what it already gets right.

    >>> loss = CrossEntropyLoss()
    >>> round(loss.forward(np.zeros((1, 4)), np.array([2])), 4)  # ln 4
    1.3863
    >>> loss.backward().tolist()
    [[0.25, 0.25, -0.75, 0.25]]
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be from 0 to below 1, got {label_smoothing}")
        self.label_smoothing = label_smoothing
        self._p: Array | None = None
        self._labels: Array | None = None

    def forward(self, logits: Array, labels: Array) -> float:
        """(N, classes) logits and (N,) integer labels -> the mean loss in nats.

        Raises `ValueError` for labels out of range, or not one for each row of logits.
        """
        if len(labels) != len(logits):
            raise ValueError(f"expected a label for each of {len(logits)}, received {len(labels)}")
        # NumPy would take −1 for the last class.
        if len(labels) and not 0 <= labels.min() <= labels.max() < logits.shape[1]:
            raise ValueError(
                f"expected labels from 0 to {logits.shape[1] - 1}, received {labels.min()} to "
                f"{labels.max()}"
            )
        shifted = logits.T.copy()  # (classes, N): sums over classes are then sums of long rows
        shifted -= np.max(shifted, axis=0)
        p = np.exp(shifted)
        sums = np.sum(p, axis=0)
        p /= sums
        self._p, self._labels = p.T, labels
        # −log p(label) = log Σ exp z − z(label), from the logits: the logarithm of a probability
        # that has been rounded to 0 would be −∞.
        log_sums = np.log(sums)
        losses = log_sums - shifted[labels, np.arange(len(labels))]
        s = self.label_smoothing
        if s:
            losses = (1 - s) * losses + s * (log_sums - np.mean(shifted, axis=0))
        return float(np.mean(losses))

    def backward(self) -> Array:
        """The gradient with respect to the logits, (N, classes): (p − y)/N.

        y is the target distribution. The derivative of the softmax does not appear a second time:
        ∂L/∂zₖ = Σⱼ (−yⱼ/pⱼ) · pⱼ (δⱼₖ − pₖ) = pₖ − yₖ, because the yⱼ sum to 1.
        """
        if self._p is None or self._labels is None:
            raise RuntimeError("backward() needs forward() before it")
        d_logits, labels, s = self._p, self._labels, self.label_smoothing
        self._p = None  # the array is turned into the gradient below
        if s:
            d_logits -= s / d_logits.shape[1]
        d_logits[np.arange(len(labels)), labels] -= 1 - s
        d_logits /= len(labels)
        return d_logits
