"""Layers that switch units off, for a network that is looked at without them.

See `nn.network.layers` for the layers' common form. They are put between a network's own layers by
`nn.inference.ablation`; no architecture names them, and no file holds them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from nn.network.layers import Layer
from nn.support.types import Array

FAR_BELOW = 1e4  # so far a digit's logit falls below all others: e to the power of −that is 0


class UnitsOff(Layer):
    """Gives 0 for some of `count` units, neurons or maps, and lets no gradient through to them.

    >>> UnitsOff([1], 3).forward(np.ones((1, 3), np.float32)).tolist()
    [[1.0, 0.0, 1.0]]
    """

    def __init__(self, units: Iterable[int], count: int) -> None:
        super().__init__()
        self.units, self.count = sorted(units), count

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, count, …), or maps that were flattened, (N, count · rest) -> the same shape."""
        return self._without("y", x)

    def backward(self, dy: Array) -> Array:
        """The output's shape -> the same shape."""
        return self._without("dx", dy)

    def _without(self, name: str, x: Array) -> Array:
        share = x.shape[1] // self.count  # of a map that was flattened, all its values
        y = self._buffer_like(name, x)
        np.copyto(y, x)
        y[:, [unit * share + i for unit in self.units for i in range(share)]] = 0
        return y

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.units}, {self.count})"


class DigitsOff(UnitsOff):
    """Puts some of the logits, (N, 10), so far below the others that their softmax is 0."""

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, 10) -> (N, 10)."""
        y = self._without("y", x)
        y[:, self.units] = x.min(axis=1, keepdims=True) - FAR_BELOW
        return y
