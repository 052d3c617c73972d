"""A convolution's windows as the columns of a matrix, so that matrix products do its work.

Chellapilla, Puri and Simard 2006, "High Performance Convolutional Neural Networks for Document
Processing", section 2.1, where it is called unrolling. `nn.network.winograd` has the same
functions, for smaller products. Images are as they lie in memory, rows first and batch last: (H, C,
W, N).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nn.support.types import Array

# A layer's memory: an uninitialised C-ordered array, the same each time that its name is given.
Buffer = Callable[[str, tuple[int, ...]], Array]


def convolve(
    x: Array, weight: Array, padding: int, name: str, buffer: Buffer
) -> tuple[Array, Array]:
    """The convolution (H', O, W', N) of images with `weight` (O, C, k, k), and its `windows`."""
    out_channels, _, k, _ = weight.shape
    windows = windows_of(x, k, padding, f"{name}, windows", buffer)
    y = buffer(name, (len(windows), out_channels, windows.shape[2]))
    np.matmul(factors_of(weight), windows, out=y)
    return y.reshape(*y.shape[:2], -1, x.shape[3]), windows


def weight_gradient(windows: Array, dy: Array, kernel_size: int, buffer: Buffer) -> Array:
    """∂L/∂weight (O, C, k, k) = Σ windows[i] · dy[i]ᵀ over the rows i of dy (H', O, W', N)."""
    height, out_channels = dy.shape[:2]
    dy = dy.reshape(height, out_channels, -1)
    by_row = buffer("gradients by row", (height, windows.shape[1], out_channels))
    np.matmul(windows, dy.swapaxes(1, 2), out=by_row)
    by_column = by_row.sum(axis=0).reshape(kernel_size, kernel_size, -1, out_channels)
    return by_column.transpose(3, 2, 0, 1)


def factors_of(weight: Array) -> Array:
    """(O, C, k, k) -> (O, k·k·C), in the order of the windows' numbers."""
    return weight.transpose(0, 2, 3, 1).reshape(len(weight), -1)


def windows_of(x: Array, kernel_size: int, padding: int, name: str, buffer: Buffer) -> Array:
    """(H, C, W, N) -> (H', k·k·C, W'·N): for each output row, a column for each of its windows.

    Only k copies of the images are made, each moved by another weight of a row.
    """
    height, channels, width, n = x.shape
    out_width = width + 2 * padding - kernel_size + 1
    moved = buffer(name, (height + 2 * padding, kernel_size, channels, out_width, n))
    moved[:padding] = 0
    moved[padding + height :] = 0
    for v in range(kernel_size):
        # Output j meets pixel j + v − padding, where that is one of the image's.
        low = min(max(0, padding - v), out_width)
        high = max(low, min(out_width, width + padding - v))
        image = moved[padding : padding + height, v]
        image[:, :, :low] = 0
        image[:, :, low:high] = x[:, :, low + v - padding : high + v - padding]
        image[:, :, high:] = 0
    rows = moved.reshape(len(moved), kernel_size * channels, out_width * n)
    return stacked(rows, kernel_size)


def stacked(rows: Array, k: int) -> Array:
    """(…, H, K, columns) in C order -> (…, H − k + 1, k·K, columns): k rows below each other.

    They follow each other in memory, so the matrix of row i is simply all that lies from row i on;
    it overlaps with the next one's. Nothing is moved.
    """
    *parts, height, features, columns = rows.shape
    shape = (*parts, height - k + 1, k * features, columns)
    return as_strided(rows, shape, rows.strides, writeable=False)
