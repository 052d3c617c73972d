"""Convolution and pooling layers for images (N, C, H, W), kept rows first and batch last in memory.

See `nn.network.layers` for the layers' common form. In memory a batch of images is (H, C, W, N).
Rows come first so that the windows around a row of pixels are a matrix that lies in memory already
(see `nn.network.im2col`); the batch comes last so that everything else runs over long stretches of
numbers, for all images at once.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import DTypeLike

from nn.network import im2col, winograd
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

# With fewer input channels the products are so small that Winograd's additions cost more.
MIN_FOR_WINOGRAD = 8
# So it is with few images, as when a single drawing is read.
MIN_IMAGES = 8


def rows_first(x: Array) -> Array:
    """(N, C, H, W) seen as (H, C, W, N), the order of the memory; nothing is moved."""
    return x.transpose(2, 1, 3, 0)


def images_first(x: Array) -> Array:
    """(H, C, W, N) seen as (N, C, H, W)."""
    return x.transpose(3, 1, 0, 2)


class Conv2d(Layer):
    """Two-dimensional convolution (cross-correlation, as all frameworks do it) with stride 1.

    y[n, o, i, j] = bias[o] + Σ weight[o, c, u, v] · x[n, c, i + u − padding, j + v − padding] over
    c, u and v, where x is 0 outside the image. `weight` is (out_channels, in_channels, kernel_size,
    kernel_size), `bias` (out_channels,), both as PyTorch keeps them.

    For each row i of the output it is a matrix product, y[i] = W · windows[i], as in
    `nn.network.im2col`, or smaller ones, as in `nn.network.winograd`, where that takes less time.

    >>> layer = Conv2d(1, 16, kernel_size=3, rng=np.random.default_rng(0), padding=1)
    >>> layer.forward(np.zeros((5, 1, 28, 28), np.float32)).shape
    (5, 16, 28, 28)
    >>> layer.params["weight"].shape
    (16, 1, 3, 3)
    """

    min_sizes = (1, 1, 1, 0)
    operator = "Conv"
    _x_windows: Array | None = None

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

    @property
    def method(self) -> ModuleType:
        """The module that says which matrix products make up the convolution in training."""
        suits_winograd = self.kernel_size == 3 and self.in_channels >= MIN_FOR_WINOGRAD
        return winograd if suits_winograd else im2col

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, in_channels, H, W) -> (N, out_channels, H', W') with H' = H + 2 padding − k + 1."""
        weight, bias = self.params["weight"], self.params["bias"]
        method = self.method if training or len(x) >= MIN_IMAGES else im2col
        y, windows = method.convolve(self._batch_last(x), weight, self.padding, "y", self._buffer)
        self._x_windows = windows if training else None
        y += bias[:, None, None]
        return images_first(y)

    def parameter_gradients(self, dy: Array) -> None:
        """∂L/∂W by the method, from the windows that `forward` kept; ∂L/∂b = Σ dy over the rest."""
        rows = rows_first(dy)
        self.grads["weight"][...] = self.method.weight_gradient(
            require_cached(self._x_windows), rows, self.kernel_size, self._buffer
        )
        np.einsum("iojn->o", rows, out=self.grads["bias"])

    def backward(self, dy: Array) -> Array:
        """The gradient of the input: a convolution of dy with the weights turned by 180°.

        dx[n, c, i, j] = Σ weight[o, c, k−1−u, k−1−v] · dy[n, o, i + u − q, j + v − q] over o, u, v
        with q = k − 1 − padding: each weight leads back from the output to the input it came from.
        """
        self.parameter_gradients(dy)
        turned = self.params["weight"][:, :, ::-1, ::-1].swapaxes(0, 1)
        padding = self.kernel_size - 1 - self.padding
        dx, _ = self.method.convolve(self._batch_last(dy), turned, padding, "dx", self._buffer)
        return images_first(dx)

    @staticmethod
    def plan(shape: Shape, *sizes: int) -> Plan:
        """(in_channels, H, W) -> (out_channels, H', W'); the copies are those of im2col."""
        in_channels, out_channels, kernel_size, padding = sizes
        expect_shape((in_channels, *shape[1:]), shape)
        sides = [side + 2 * padding - kernel_size + 1 for side in shape[1:]]
        if len(sides) != 2 or min(sides) < 1 or padding >= kernel_size:
            raise ValueError(f"is {['Conv2d', *sizes]}, which does not fit images of {shape}")
        parameters = (in_channels * kernel_size**2 + 1) * out_channels
        return Plan((out_channels, *sides), parameters, copies=1 + max(3, kernel_size))

    def matrix_products(self, x: Array, dy: Array) -> list[tuple[Array, Array]]:
        """W · windows, windows · (∂L/∂products)ᵀ, and turned W · windows of dy, by the method."""
        method, k, weight = self.method, self.kernel_size, self.params["weight"]
        windows, d_windows = (
            method.windows_of(rows_first(images), k, padding, name, self._buffer)
            for images, padding, name in ((x, self.padding, "x"), (dy, k - 1 - self.padding, "dy"))
        )
        factors, turned = (
            method.factors_of(w)[..., None, :, :] for w in (weight, weight.swapaxes(0, 1))
        )
        d_products = np.matmul(factors, windows)  # of the same shape
        return [(factors, windows), (windows, d_products.swapaxes(-1, -2)), (turned, d_windows)]

    def _batch_last(self, x: Array) -> Array:
        """(N, C, H, W) -> (H, C, W, N) with the images' numbers side by side in memory."""
        rows = rows_first(x)
        if rows.strides[-1] == rows.itemsize:
            return rows
        copy = self._buffer("batch last", rows.shape)
        np.copyto(copy, rows)  # one slow walk through the memory instead of several
        return copy

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
