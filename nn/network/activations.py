"""Activations: functions of each number by itself, which let layers do more than one could alone.

See `nn.network.layers` for the layers' common form.
"""

from __future__ import annotations

import numpy as np

from nn.network.layers import Layer, require_cached
from nn.support.types import Array


class Activation(Layer):
    """y = f(x) for each number.

    `_function` writes f(x) to `out`; `_slope` writes f'(x), given y, which is all that is kept.
    """

    _y: Array | None = None

    def _function(self, x: Array, out: Array) -> Array:
        raise NotImplementedError

    def _slope(self, y: Array, out: Array) -> Array:
        raise NotImplementedError

    def forward(self, x: Array, training: bool = False) -> Array:
        """Any shape -> the same shape."""
        y = self._function(x, self._buffer_like("y", x))
        self._y = y if training else None
        return y

    def backward(self, dy: Array) -> Array:
        """Any shape -> the same shape: dx = dy f'(x)."""
        y = require_cached(self._y)
        dx = self._slope(y, self._buffer_like("dx", y))
        return np.multiply(dx, dy, out=dx)


class ReLU(Activation):
    """y = max(x, 0); the gradient passes where x > 0.

    >>> layer = ReLU()
    >>> layer.forward(np.array([[-2.0, 3.0]]), training=True).tolist()
    [[0.0, 3.0]]
    >>> layer.backward(np.array([[5.0, 7.0]])).tolist()
    [[0.0, 7.0]]
    """

    operator = "Relu"

    def _function(self, x: Array, out: Array) -> Array:
        return np.maximum(x, x.dtype.type(0), out=out)

    def _slope(self, y: Array, out: Array) -> Array:
        return np.greater(y, 0, out=out)  # 1 or 0


class Tanh(Activation):
    """y = tanh(x), with dy/dx = 1 − y²."""

    operator = "Tanh"

    def _function(self, x: Array, out: Array) -> Array:
        return np.tanh(x, out=out)

    def _slope(self, y: Array, out: Array) -> Array:
        np.multiply(y, y, out=out)
        return np.subtract(1, out, out=out)


class Sigmoid(Activation):
    """y = 1/(1 + e⁻ˣ), with dy/dx = y (1 − y)."""

    operator = "Sigmoid"

    def _function(self, x: Array, out: Array) -> Array:
        # ½ (1 + tanh(x/2)), which cannot overflow.
        np.multiply(x, 0.5, out=out)
        np.tanh(out, out=out)
        out += 1
        out *= 0.5
        return out

    def _slope(self, y: Array, out: Array) -> Array:
        np.subtract(1, y, out=out)
        out *= y
        return out
