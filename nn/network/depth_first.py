"""Convolutions with the pooling and activation after them, a few rows of the image at a time.

Layer after layer, a convolution's output would be written, compared, pooled, given its bias and
compared again: megabytes for a slice of images, each time far outside a core's own cache. Here a
strip of rows goes through all of these layers before the next one is begun, and only what the last
layer makes of it is kept, with a byte for each comparison that the gradient has to know of. So it
is backwards. `Sequential` runs its layers like this where they are neighbours; the results are
those of the layers one by one, to within rounding.

Rows come first in memory, (H, C, W, N), so that a strip is one stretch of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nn.network import im2col, winograd
from nn.network.activations import ReLU
from nn.network.convolution import Conv2d, MaxPool2d, images_first, rows_first
from nn.network.layers import Layer, Shape, require_cached
from nn.network.winograd import Calls
from nn.support.types import Array

# Numbers in a strip's matrices: few enough for a core's own cache, enough to be worth the calls.
STRIP = 1 << 18
# With fewer input channels the products are so small that Winograd's additions cost more.
MIN_FOR_WINOGRAD = 8
# Fewer images, as when a single drawing is read, fit in a cache as they are.
MIN_IMAGES = 8
MAX_SHAPES = 3  # of batches whose memory is kept: slices, the last one, and what is evaluated


def in_blocks(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The layers, with a `Block` in place of neighbours that it can run."""
    found: list[Layer] = []
    rest = list(layers)
    while rest:
        layer = rest.pop(0)
        if isinstance(layer, Conv2d) and (layer.kernel_size, layer.padding) == (3, 1):
            pools = rest and isinstance(rest[0], MaxPool2d) and rest[0].kernel_size == 2
            pool = rest.pop(0) if pools else None
            relu = rest.pop(0) if rest and isinstance(rest[0], ReLU) else None
            layer = Block(layer, pool, relu)
        found.append(layer)
    return tuple(found)


class Block(Layer):
    """A convolution with 3×3 weights and padding 1, then 2×2 pooling or none, and ReLU or none."""

    _kept: Passes | None = None
    _reading: Reading | None = None

    def __init__(self, convolution: Conv2d, pool: Layer | None, relu: Layer | None) -> None:
        super().__init__(convolution.dtype)
        self.layers = [layer for layer in (convolution, pool, relu) if layer]
        self.convolution, self.has_pool, self.has_relu = convolution, bool(pool), bool(relu)
        self.params, self.grads = convolution.params, convolution.grads
        self._passes: dict[Shape, Passes] = {}

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, in_channels, H, W) -> (N, out_channels, H, W), or half the height and width."""
        if not training and len(x) < MIN_IMAGES:
            self._kept = None
            if self._reading is None or self._reading.shape != x.shape:
                self._reading = Reading(self, x.shape)
            return self._reading.forward(x)
        passes = self._passes_for(x.shape)
        self._kept = passes if training else None
        return images_first(passes.forward(rows_first(x), training))

    def parameter_gradients(self, dy: Array) -> None:
        """Fill `grads`."""
        require_cached(self._kept).parameter_gradients(rows_first(dy), keep=False)

    def backward(self, dy: Array) -> Array:
        """(N, out_channels, H', W') -> (N, in_channels, H, W)."""
        passes = require_cached(self._kept)
        passes.parameter_gradients(rows_first(dy), keep=True)
        return images_first(passes.input_gradient())

    def _passes_for(self, shape: Shape) -> Passes:
        if shape not in self._passes:
            if len(self._passes) == MAX_SHAPES:
                del self._passes[next(iter(self._passes))]
            self._passes[shape] = Passes(self, shape)
        return self._passes[shape]

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.layers))


class Reading:
    """A block's forward pass over few images of one `shape`, (N, C, H, W): no strips of rows.

    One matrix product does for all rows, as in `im2col.convolve`. The calls are found once, as for
    `Passes`.
    """

    def __init__(self, block: Block, shape: Shape) -> None:
        self.shape = shape
        buffer, weight = Layer(block.dtype)._buffer, block.params["weight"]
        n, channels, height, width = shape
        padded = buffer("x", (channels, height + 2, width + 2, n))
        self.x = padded[:, 1:-1, 1:-1]
        view = im2col.unrolled(padded, 3)
        windows = buffer("windows", view.shape)
        wide = buffer("wide", (len(weight), height, width + 2, n))
        columns = view.shape[-1]
        product = wide.reshape(len(weight), -1)[:, :columns]
        self.calls: Calls = [
            partial(np.copyto, windows, view),
            partial(
                np.matmul, im2col.factors_of(weight), windows.reshape(-1, columns), out=product
            ),
        ]
        y = wide[:, :, :width]
        if block.has_pool:
            upper, lower = (wide[:, row : height // 2 * 2 : 2] for row in (0, 1))
            larger = buffer("larger", upper.shape)
            left, right = (larger[:, :, column : width // 2 * 2 : 2] for column in (0, 1))
            y = buffer("pooled", left.shape)
            self.calls += [
                partial(np.maximum, upper, lower, out=larger),
                partial(np.maximum, left, right, out=y),
            ]
        self.y = buffer("y", y.shape)
        bias = block.params["bias"][:, None, None, None]
        self.calls.append(partial(np.add, y, bias, out=self.y))
        if block.has_relu:
            self.calls.append(partial(np.maximum, self.y, y.dtype.type(0), out=self.y))

    def forward(self, x: Array) -> Array:
        """(N, C, H, W) -> (N, O, H', W')."""
        np.copyto(self.x, x.transpose(1, 2, 3, 0))
        make(self.calls)
        return self.y.transpose(3, 0, 1, 2)


class Passes:
    """A block's passes over batches of one `shape`, (N, C, H, W): their memory, and their calls.

    The calls are found once, with the views that each works on, and made again for every batch:
    what Python does between two calls takes time. All arrays are as they lie in memory, with an
    even number of rows; x and dy, the gradient of the convolution's output, have a row of zeros
    more at either end.
    """

    def __init__(self, block: Block, shape: Shape) -> None:
        self.block, self.weight = block, block.params["weight"]
        self.turned = block.convolution.turned_weight()
        self.buffer = Layer(block.dtype)._buffer
        n, channels, self.height, width = shape
        even, out_channels = (self.height + 1) // 2 * 2, len(self.weight)
        self.x = self.buffer("x", (even + 2, channels, width, n))
        self.dy = self.buffer("dy", (even + 2, out_channels, width, n))
        self.dx = self.buffer("dx", (even, channels, width, n))
        # Rows and columns that fill no window of the pooling are left out.
        self.scale = 2 if block.has_pool else 1
        self.rows = self.height // 2 * 2 if block.has_pool else even
        y_shape = self.rows // self.scale, out_channels, width // self.scale, n
        self.y = self.buffer("y", y_shape)
        self.d_out = self.buffer("d out", y_shape) if block.has_pool else self.dy[1:-1]
        wide = *y_shape[:2], 2 * y_shape[2], n
        self.lower_won = self.buffer("lower won", wide, bool)  # of two rows
        self.right_won = self.buffer("right won", y_shape, bool)  # of two columns
        self.convolution = Convolution(self.x, self.buffer, "x")
        self.back = Convolution(self.dy, self.buffer, "dy")
        self.factors = self.convolution.method.factors_of(self.weight)
        self.turned_factors = self.back.method.factors_of(self.turned)
        self.d_factors = np.zeros_like(self.factors.swapaxes(-1, -2), order="C")

    def forward(self, x: Array, training: bool) -> Array:
        """(H, C, W, N) -> (H', O, W', N)."""
        self.x[1 : 1 + self.height] = x
        self.factors[...] = self.convolution.method.factors_of(self.weight)
        make(self.training_calls if training else self.predicting_calls)
        return self.y if self.block.has_pool else self.y[: self.height]

    def parameter_gradients(self, dy: Array, keep: bool) -> None:
        """(H', O, W', N) -> the block's gradients; `keep` what `input_gradient` needs."""
        d_out = self.d_out[: len(dy)]
        if self.block.has_relu:
            was_positive = self.buffer("was positive", dy.shape, bool)
            np.greater(self.y[: len(dy)], 0, out=was_positive)
            np.multiply(dy, was_positive, out=d_out)
        else:
            np.copyto(d_out, dy)
        self.d_factors.fill(0)
        make(self.kept_gradient_calls if keep else self.gradient_calls)
        weight_of = self.convolution.method.weight_of
        self.block.grads["weight"][...] = weight_of(self.d_factors, self.weight.shape)
        np.einsum("iojn->o", d_out, out=self.block.grads["bias"])

    def input_gradient(self) -> Array:
        """After `parameter_gradients`: (H, C, W, N)."""
        self.turned_factors[...] = self.back.method.factors_of(self.turned)
        make(self.input_calls)
        return self.dx[: self.height]

    @cached_property
    def predicting_calls(self) -> Calls:
        """Those of a forward pass."""
        return self._forward_calls(training=False)

    @cached_property
    def training_calls(self) -> Calls:
        """Those of a forward pass that keeps what the gradients need."""
        return self._forward_calls(training=True)

    def _forward_calls(self, training: bool) -> Calls:
        calls = list(self.convolution.beginning)
        bias = self.block.params["bias"][:, None, None]
        for rows in strips(self.rows, self.x, self.dy):
            part = slice(rows.start // self.scale, rows.stop // self.scale)
            y = self.y[part]
            if self.block.has_pool:
                convolved = self.buffer("convolved", (rows.stop - rows.start, *self.dy.shape[1:]))
                calls += self.convolution.calls(rows, self.factors, convolved)
                calls += self._pooling_calls(convolved, part, training)
            else:
                calls += self.convolution.calls(rows, self.factors, y)
            # The largest of four is the same one before the bias as after it.
            calls.append(partial(np.add, y, bias, out=y))
            if self.block.has_relu:
                calls.append(partial(np.maximum, y, y.dtype.type(0), out=y))
        return calls

    def _pooling_calls(self, convolved: Array, part: slice, training: bool) -> Calls:
        y = self.y[part]
        upper, lower = pairs_of_rows(convolved, y.shape[2])
        larger = self.buffer("larger", upper.shape)
        left, right = larger[:, :, 0::2], larger[:, :, 1::2]
        calls: Calls = [
            partial(np.maximum, upper, lower, out=larger),
            partial(np.maximum, left, right, out=y),
        ]
        if training:
            calls += [
                partial(np.greater, lower, upper, out=self.lower_won[part]),
                partial(np.greater, right, left, out=self.right_won[part]),
            ]
        return calls

    @cached_property
    def gradient_calls(self) -> Calls:
        """Those that add up the gradient of the factors, strip by strip."""
        return self._gradient_calls(keep=False)

    @cached_property
    def kept_gradient_calls(self) -> Calls:
        """The same, where the gradient of the convolution's output stays in `dy`."""
        return self._gradient_calls(keep=True)

    def _gradient_calls(self, keep: bool) -> Calls:
        calls: Calls = []
        for rows in strips(self.rows, self.x, self.dy):
            dy = self.dy[1 + rows.start : 1 + rows.stop]
            if self.block.has_pool:
                dy = dy if keep else self.buffer("convolved", dy.shape)
                calls += self._spreading_calls(dy, slice(rows.start // 2, rows.stop // 2))
            calls += self.convolution.gradient_calls(rows, dy, self.d_factors)
        return calls

    def _spreading_calls(self, dy: Array, part: slice) -> Calls:
        """Those that hand a gradient to the cell that was the largest, and 0 to the others."""
        d_out = self.d_out[part]
        upper, lower = pairs_of_rows(dy, d_out.shape[2])
        larger = self.buffer("larger", upper.shape)
        left, right = larger[:, :, 0::2], larger[:, :, 1::2]
        return [
            partial(dy[:, :, 2 * d_out.shape[2] :].fill, 0),  # an odd column has no part in it
            partial(np.multiply, d_out, self.right_won[part], out=right),
            partial(np.subtract, d_out, right, out=left),
            partial(np.multiply, larger, self.lower_won[part], out=lower),
            partial(np.subtract, larger, lower, out=upper),
        ]

    @cached_property
    def input_calls(self) -> Calls:
        """Those of the convolution that leads back from `dy` to the gradient of the input."""
        return self.back.beginning + [
            call
            for rows in strips(len(self.dx), self.dy, self.dx)
            for call in self.back.calls(rows, self.turned_factors, self.dx[rows])
        ]


class Convolution:
    """The calls of a convolution of x (H + 2, C, W, N), for any even number of its rows."""

    def __init__(self, x: Array, buffer: im2col.Buffer, name: str) -> None:
        self.x, self.buffer = x, buffer
        self.windows: Array | None = None  # (H, 9·C, W·N)
        self.beginning: Calls = []  # for all rows
        rows, channels, width, n = x.shape
        self.method = winograd if channels >= MIN_FOR_WINOGRAD else im2col
        if self.method is im2col:
            padded = buffer(f"{name}, padded", (channels, rows, width + 2, n))
            view = im2col.unrolled(padded, 3)
            windows = buffer(f"{name}, windows", view.shape)
            self.beginning = [
                partial(np.copyto, padded[:, :, 1:-1], x.swapaxes(0, 1)),
                partial(np.copyto, windows, view),
            ]
            one = x.itemsize
            strides = (width + 2) * n * one, windows.strides[2], one
            self.windows = as_strided(windows, (rows - 2, 9 * channels, width * n), strides)

    def calls(self, rows: slice, factors: Array, y: Array) -> Calls:
        """Those that write the output's `rows` to y (…, O, W, N)."""
        if self.windows is None:
            x = self.x[rows.start : rows.stop + 2]
            return winograd.convolution(x, factors, y, self.buffer)
        return [partial(np.matmul, factors, self.windows[rows], out=y.reshape(*y.shape[:2], -1))]

    def gradient_calls(self, rows: slice, dy: Array, d_factors: Array) -> Calls:
        """Those that add what dy, of the output's `rows`, says of the factors to `d_factors`."""
        if self.windows is None:
            x = self.x[rows.start : rows.stop + 2]
            return winograd.gradient(x, dy, d_factors, self.buffer)
        by_row = self.buffer("gradients by row", (len(dy), *d_factors.shape))
        in_all = self.buffer("gradient in all", d_factors.shape)
        dy = dy.reshape(*dy.shape[:2], -1).swapaxes(1, 2)
        return [
            partial(np.matmul, self.windows[rows], dy, out=by_row),
            partial(np.add.reduce, by_row, axis=0, out=in_all),
            partial(np.add, d_factors, in_all, out=d_factors),
        ]


def make(calls: Calls) -> None:
    """Make the calls, one after the other."""
    for call in calls:
        call()


def strips(height: int, x: Array, y: Array) -> list[slice]:
    """The rows of a convolution of x (…, C, W, N) to y (…, O, W, N), an even number at a time."""
    _, channels, width, n = x.shape
    step = 2 * max(1, STRIP // ((12 * channels + 4 * y.shape[1]) * width * n))
    return [slice(first, min(first + step, height)) for first in range(0, height, step)]


def pairs_of_rows(strip: Array, columns: int) -> tuple[Array, Array]:
    """Views of (2 H, O, W, N): each upper and each lower row, of so many pairs of columns."""
    return strip[0::2, :, : 2 * columns], strip[1::2, :, : 2 * columns]
