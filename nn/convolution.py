"""Convolution and pooling layers for images (N, C, H, W), kept batch last in memory.

See `nn.layers` for the layers' common form. In memory an image batch is (C, H, W, N): a window
that slides over the image then moves over rows of W·N neighbouring numbers, and everything here is
done on such long rows, for all images at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nn.layers import Initializer, Layer, he_normal, kept

Array = NDArray[Any]


class Conv2d(Layer):
    """Two-dimensional convolution (cross-correlation, as all frameworks do it) with stride 1.

    y[n, o, i, j] = bias[o] + Σ weight[o, c, u, v] · x[n, c, i + u − padding, j + v − padding] over
    c, u and v, where x is 0 outside the image. `weight` is (out_channels, in_channels, kernel_size,
    kernel_size), `bias` (out_channels,), both as PyTorch keeps them.

    It is computed as one matrix product (Chellapilla et al. 2006, "im2col"): column p of the matrix
    `columns` holds the window around output pixel p, so that y = W · columns.
    """

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
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.padding = kernel_size, padding
        area = kernel_size * kernel_size
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        weight = initialize(rng, shape, in_channels * area, out_channels * area)
        self._add_parameter("weight", weight)
        self._add_parameter("bias", np.zeros(out_channels))
        self._columns: Array | None = None
        self._x_shape = (0, 0, 0, 0)

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, in_channels, H, W) -> (N, out_channels, H', W') with H' = H + 2 padding − k + 1."""
        n, _, height, width = self._x_shape = x.shape
        out_height, out_width = self._output_size(height), self._output_size(width)
        columns = self._gather_windows(np.moveaxis(x, 0, -1), out_height, out_width)
        self._columns = columns if training else None
        y = self._buffer("y", (self.out_channels, out_height * out_width * n))
        np.matmul(self.params["weight"].reshape(self.out_channels, -1), columns, out=y)
        y += self.params["bias"][:, None]
        return np.moveaxis(y.reshape(self.out_channels, out_height, out_width, n), -1, 0)

    def parameter_gradients(self, dy: Array) -> None:
        """∂L/∂W = dy · columnsᵀ, ∂L/∂b = Σ dy over images and pixels; dy as `forward`'s output."""
        columns = kept(self._columns)
        dy = np.moveaxis(dy, 0, -1).reshape(self.out_channels, -1)
        d_weight = self.grads["weight"].reshape(self.out_channels, -1)
        np.matmul(dy, columns.T, out=d_weight)
        np.sum(dy, axis=1, out=self.grads["bias"])

    def backward(self, dy: Array) -> Array:
        """The gradient of the input: Wᵀ · dy, each column added back to where its window lay."""
        self.parameter_gradients(dy)
        dy = np.moveaxis(dy, 0, -1).reshape(self.out_channels, -1)
        d_columns = self._buffer("d_columns", kept(self._columns).shape)
        np.matmul(self.params["weight"].reshape(self.out_channels, -1).T, dy, out=d_columns)
        n, channels, height, width = self._x_shape
        dx = self._buffer("dx", (channels, height, width, n))
        dx.fill(0)
        k = self.kernel_size
        out_height, out_width = self._output_size(height), self._output_size(width)
        d_windows = d_columns.reshape(channels, k, k, out_height, out_width, n)
        for u in range(k):
            for v in range(k):
                rows, image_rows = self._overlap(u, height, out_height)
                cols, image_cols = self._overlap(v, width, out_width)
                dx[:, image_rows, image_cols] += d_windows[:, u, v, rows, cols]
        return np.moveaxis(dx, -1, 0)

    def _gather_windows(self, x: Array, out_height: int, out_width: int) -> Array:
        """(C, H, W, N) -> (C·k·k, H'·W'·N): a row for each weight, the numbers it multiplies."""
        channels, height, width, n = x.shape
        k = self.kernel_size
        windows = self._buffer("columns", (channels, k, k, out_height, out_width, n))
        for u in range(k):
            for v in range(k):
                rows, image_rows = self._overlap(u, height, out_height)
                cols, image_cols = self._overlap(v, width, out_width)
                shifted = windows[:, u, v]
                shifted[:, rows, cols] = x[:, image_rows, image_cols]
                shifted[:, : rows.start] = 0  # the padding
                shifted[:, rows.stop :] = 0
                shifted[:, rows, : cols.start] = 0
                shifted[:, rows, cols.stop :] = 0
        return windows.reshape(channels * k * k, -1)

    def _overlap(self, offset: int, size: int, out_size: int) -> tuple[slice, slice]:
        """Where weight number `offset` of a row meets the image: among the outputs, in the image.

        Output i meets pixel i + offset − padding, if that is one of the image's `size`.
        """
        shift = offset - self.padding
        low, high = max(0, -shift), max(0, -shift, min(out_size, size - shift))
        return slice(low, high), slice(low + shift, high + shift)

    def _output_size(self, size: int) -> int:
        return size + 2 * self.padding - self.kernel_size + 1

    def __repr__(self) -> str:
        return (
            f"Conv2d({self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"padding={self.padding})"
        )


class MaxPool2d(Layer):
    """The largest number of each window of `kernel_size`², the windows side by side.

    Rows and columns that do not fill a window at the lower and right edge are left out, as PyTorch
    does. The gradient goes to the largest number, to the first of them where several are equal.
    """

    def __init__(self, kernel_size: int, dtype: DTypeLike = np.float32) -> None:
        super().__init__(dtype)
        self.kernel_size = kernel_size
        self._x: Array | None = None
        self._y: Array | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, C, H, W) -> (N, C, H // k, W // k)."""
        n, channels, height, width = x.shape
        k = self.kernel_size
        y = self._buffer("y", (channels, height // k, width // k, n))
        first, *others = self._taps(np.moveaxis(x, 0, -1))
        np.copyto(y, first)
        for other in others:
            np.maximum(y, other, out=y)
        self._x, self._y = (x, y) if training else (None, None)
        return np.moveaxis(y, -1, 0)

    def backward(self, dy: Array) -> Array:
        """(N, C, H // k, W // k) -> (N, C, H, W), zero wherever the number was not the largest."""
        x, y = np.moveaxis(kept(self._x), 0, -1), kept(self._y)
        dy = np.moveaxis(dy, 0, -1)
        dx = self._buffer("dx", x.shape)
        k = self.kernel_size
        if x.shape[1] % k or x.shape[2] % k:
            dx.fill(0)
        is_largest = self._buffer("is_largest", y.shape, bool)
        waiting = self._buffer("waiting", y.shape, bool)  # no largest number found yet
        waiting.fill(True)
        for tap, d_tap in zip(self._taps(x), self._taps(dx), strict=True):
            np.equal(tap, y, out=is_largest)
            is_largest &= waiting
            waiting ^= is_largest
            np.multiply(dy, is_largest, out=d_tap)
        return np.moveaxis(dx, -1, 0)

    def _taps(self, x: Array) -> list[Array]:
        """Views of (C, H, W, N), one for each place in the window, each (C, H // k, W // k, N)."""
        k = self.kernel_size
        height, width = x.shape[1] // k * k, x.shape[2] // k * k
        return [x[:, u:height:k, v:width:k] for u in range(k) for v in range(k)]

    def __repr__(self) -> str:
        return f"MaxPool2d({self.kernel_size})"
