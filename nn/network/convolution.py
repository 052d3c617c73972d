"""Convolution and pooling layers for images (N, C, H, W), kept with the batch last in memory.

See `nn.network.layers` for the layers' common form. Here the layers are as plain as they can be;
`nn.network.depth_first` runs those that follow each other faster, with the rows first in memory.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import DTypeLike

from nn.network import im2col
from nn.network.layers import (
    Initializer,
    Layer,
    Plan,
    Shape,
    expect_shape,
    he_normal,
    require_cached,
)
from nn.support.types import Array


def rows_first(x: Array) -> Array:
    """(N, C, H, W) seen as (H, C, W, N); nothing is moved."""
    return x.transpose(2, 1, 3, 0)


def images_first(x: Array) -> Array:
    """(H, C, W, N) seen as (N, C, H, W)."""
    return x.transpose(3, 1, 0, 2)


class Conv2d(Layer):
    """Two-dimensional convolution (cross-correlation, as all frameworks do it) with stride 1.

    y[n, o, i, j] = bias[o] + Σ weight[o, c, u, v] · x[n, c, i + u − padding, j + v − padding] over
    c, u and v, where x is 0 outside the image. `weight` is (out_channels, in_channels, kernel_size,
    kernel_size), `bias` (out_channels,), both as PyTorch keeps them.

    It is one matrix product, of the weights with all windows of x: see `nn.network.im2col`.

    >>> layer = Conv2d(1, 16, kernel_size=3, rng=np.random.default_rng(0), padding=1)
    >>> layer.forward(np.zeros((5, 1, 28, 28), np.float32)).shape
    (5, 16, 28, 28)
    >>> layer.params["weight"].shape
    (16, 1, 3, 3)
    """

    min_sizes = (1, 1, 1, 0)
    operator = "Conv"
    _x: Array | None = None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        rng: np.random.Generator,
        padding: int = 0,
        initialize: Initializer = he_normal,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(dtype)
        if not 0 <= padding < kernel_size:
            raise ValueError(
                f"padding must be from 0 to below the kernel size {kernel_size}, received {padding}"
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.padding = kernel_size, padding
        self.attributes = {"kernel_shape": [kernel_size] * 2, "pads": [padding] * 4}
        area = kernel_size * kernel_size
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        weight = initialize(rng, shape, in_channels * area, out_channels * area)
        self._add_parameter("weight", weight)
        self._add_parameter("bias", np.zeros(out_channels))

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, in_channels, H, W) -> (N, out_channels, H', W') with H' = H + 2 padding − k + 1."""
        padded = im2col.padded(x, self.padding, "padded x", self._buffer)
        self._x = padded if training else None
        y = im2col.convolve(padded, self.params["weight"], "y", self._buffer)
        y += self.params["bias"][:, None, None, None]
        return y.transpose(3, 0, 1, 2)

    def parameter_gradients(self, dy: Array) -> None:
        """∂L/∂W from the windows of x and dy; ∂L/∂b = Σ dy over images, rows and columns."""
        self.grads["weight"][...] = im2col.weight_gradient(
            require_cached(self._x), dy.transpose(1, 2, 3, 0), self.kernel_size, self._buffer
        )
        np.einsum("noij->o", dy, out=self.grads["bias"])

    def backward(self, dy: Array) -> Array:
        """The gradient of the input: a convolution of dy with the weights turned by 180°."""
        self.parameter_gradients(dy)
        padding = self.kernel_size - 1 - self.padding
        padded = im2col.padded(dy, padding, "padded dy", self._buffer)
        dx = im2col.convolve(padded, self.turned_weight(), "dx", self._buffer)
        return dx.transpose(3, 0, 1, 2)

    def turned_weight(self) -> Array:
        """What leads from ∂L/∂y back to ∂L/∂x, (in_channels, out_channels, k, k).

        dx[n, c, i, j] = Σ weight[o, c, k−1−u, k−1−v] · dy[n, o, i + u − q, j + v − q] over o, u, v
        with q = k − 1 − padding: each weight leads back from the output to the input it came from.
        """
        return self.params["weight"][:, :, ::-1, ::-1].swapaxes(0, 1)

    @staticmethod
    def plan(shape: Shape, *sizes: int) -> Plan:
        """(in_channels, H, W) -> (out_channels, H', W'); the copies are the windows' columns."""
        in_channels, out_channels, kernel_size, padding = sizes
        expect_shape((in_channels, *shape[1:]), shape)
        sides = [side + 2 * padding - kernel_size + 1 for side in shape[1:]]
        if len(sides) != 2 or min(sides) < 1 or padding >= kernel_size:
            raise ValueError(f"is {['Conv2d', *sizes]}, which does not fit images of {shape}")
        parameters = (in_channels * kernel_size**2 + 1) * out_channels
        windows = kernel_size**2 * sides[0] * (shape[2] + 2 * padding)
        copies = 1 + math.ceil(windows / (shape[1] * shape[2]))
        return Plan((out_channels, *sides), parameters, copies)

    def __repr__(self) -> str:
        return (
            f"Conv2d({self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"padding={self.padding})"
        )


class MaxPool2d(Layer):
    """The largest number of each window of `kernel_size`², the windows side by side.

    Rows and columns that do not fill a window at the lower and right edge are left out, as PyTorch
    does. It is found in two steps, the largest of each column of a window and then the largest of
    those; where several are equal, the gradient goes to the first in each step.

    >>> MaxPool2d(2).forward(np.arange(16.0).reshape(1, 1, 4, 4)).tolist()
    [[[[5.0, 7.0], [13.0, 15.0]]]]
    """

    min_sizes = (1,)
    operator = "MaxPool"
    _x_shape: Shape | None = None

    def __init__(self, kernel_size: int, dtype: DTypeLike = np.float32) -> None:
        super().__init__(dtype)
        self.kernel_size = kernel_size
        self.attributes = {"kernel_shape": [kernel_size] * 2, "strides": [kernel_size] * 2}

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, C, H, W) -> (N, C, H // k, W // k)."""
        self._x_shape = x.shape if training else None
        tallest = self._largest("rows", self._row_taps(rows_first(x)), training)
        return images_first(self._largest("columns", self._column_taps(tallest), training))

    def backward(self, dy: Array) -> Array:
        """(N, C, H // k, W // k) -> (N, C, H, W), zero wherever the number was not the largest."""
        n, channels, height, width = require_cached(self._x_shape)
        k = self.kernel_size
        d_tallest = self._buffer("d_tallest", (height // k, channels, width, n))
        d_tallest[:, :, width // k * k :] = 0
        self._spread("columns", rows_first(dy), self._column_taps(d_tallest))
        dx = self._buffer("dx", (height, channels, width, n))
        dx[height // k * k :] = 0
        self._spread("rows", d_tallest, self._row_taps(dx))
        return images_first(dx)

    @staticmethod
    def plan(shape: Shape, *sizes: int) -> Plan:
        """(C, H, W) -> (C, H // k, W // k)."""
        (kernel_size,) = sizes
        if len(shape) != 3 or min(shape[1:]) < kernel_size:
            raise ValueError(f"is {['MaxPool2d', *sizes]}, which does not fit images of {shape}")
        return Plan((shape[0], *(side // kernel_size for side in shape[1:])))

    def _largest(self, name: str, taps: list[Array], training: bool) -> Array:
        """The largest of the `taps`, number by number; which it was is kept for `_spread`."""
        largest = taps[0]
        for number, tap in enumerate(taps[1:], 1):
            if training:
                is_larger = self._buffer(f"{name}, {number} is larger", tap.shape, bool)
                np.greater(tap, largest, out=is_larger)
            largest = np.maximum(largest, tap, out=self._buffer(name, tap.shape))
        return largest

    def _spread(self, name: str, d_largest: Array, d_taps: list[Array]) -> None:
        """Hand the gradient of the largest number to the tap that it came from, 0 to the others."""
        if len(d_taps) == 1:
            np.copyto(d_taps[0], d_largest)
        for number in range(len(d_taps) - 1, 0, -1):
            # What is larger than all before it takes the whole gradient, and leaves nothing.
            is_larger = self._buffer(f"{name}, {number} is larger", d_largest.shape, bool)
            np.multiply(d_largest, is_larger, out=d_taps[number])
            d_largest = np.subtract(d_largest, d_taps[number], out=d_taps[0])

    def _row_taps(self, x: Array) -> list[Array]:
        """Views of (H, C, W, N): the first row of every window, the second, …"""
        k = self.kernel_size
        return [x[u : len(x) // k * k : k] for u in range(k)]

    def _column_taps(self, x: Array) -> list[Array]:
        """Views of (H, C, W, N): the first column of every window, the second, …"""
        k, width = self.kernel_size, x.shape[2]
        return [x[:, :, v : width // k * k : k] for v in range(k)]

    def __repr__(self) -> str:
        return f"MaxPool2d({self.kernel_size})"
