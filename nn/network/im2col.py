"""A convolution's windows as the columns of a matrix, so that one matrix product does its work.

Chellapilla, Puri and Simard 2006, "High Performance Convolutional Neural Networks for Document
Processing", section 2.1, where it is called unrolling. Images are padded with zeros on all sides
and lie in memory channel by channel, with the batch last: (C, H, W, N).

The windows of all rows are read as if the rows were one long row. Those that begin at its last
k − 1 columns then reach from one row into the next, and what comes of them is left out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nn.support.types import Array

# A layer's memory: a C-ordered array, the same each time that its name is given, zero at first.
Buffer = Callable[[str, tuple[int, ...]], Array]


def convolve(x: Array, weight: Array, name: str, buffer: Buffer) -> Array:
    """The convolution (O, H', W', N) of padded images with `weight` (O, C, k, k): W · windows."""
    out_channels, _, k, _ = weight.shape
    _, height, width, n = x.shape
    windows = windows_of(x, k, f"{name}, windows", buffer)
    y = buffer(name, (out_channels, (height - k + 1) * width * n))
    np.matmul(factors_of(weight), windows, out=y[:, : windows.shape[1]])
    return y.reshape(out_channels, -1, width, n)[:, :, : width - k + 1]


def weight_gradient(x: Array, dy: Array, k: int, buffer: Buffer) -> Array:
    """∂L/∂weight (O, C, k, k) = dy · windowsᵀ, for padded images and dy (O, H', W', N)."""
    out_channels, height, width, n = dy.shape
    windows = windows_of(x, k, "y, windows", buffer)
    wide = buffer("dy, wide", (out_channels, height, width + k - 1, n))
    wide[:, :, :width] = dy
    wide[:, :, width:] = 0
    by_window = wide.reshape(out_channels, -1)[:, : windows.shape[1]]
    return weight_of(windows @ by_window.T, (out_channels, len(x), k, k))


def padded(images: Array, padding: int, name: str, buffer: Buffer) -> Array:
    """(N, C, H, W), however it lies in memory, -> (C, H + 2 padding, W + 2 padding, N)."""
    n, channels, height, width = images.shape
    x = buffer(name, (channels, height + 2 * padding, width + 2 * padding, n))
    x[:, :padding] = x[:, padding + height :] = 0
    x[:, :, :padding] = x[:, :, padding + width :] = 0
    x[:, padding : padding + height, padding : padding + width] = images.transpose(1, 2, 3, 0)
    return x


def windows_of(x: Array, k: int, name: str, buffer: Buffer) -> Array:
    """(C, H, W, N) -> (C·k·k, (H'·W − k + 1)·N): a column for each window."""
    view = unrolled(x, k)
    windows = buffer(name, view.shape)
    np.copyto(windows, view)
    return windows.reshape(-1, view.shape[-1])


def unrolled(x: Array, k: int) -> Array:
    """The numbers of `windows_of` where they lie in x, (C, k, k, (H'·W − k + 1)·N).

    Those of another weight begin elsewhere: a row or a column farther on.
    """
    channels, height, width, n = x.shape
    columns = ((height - k + 1) * width - k + 1) * n
    one = x.itemsize
    strides = height * width * n * one, width * n * one, n * one, one
    return as_strided(x, (channels, k, k, columns), strides, writeable=False)


def factors_of(weight: Array) -> Array:
    """(O, C, k, k) -> (O, C·k·k), in the order of the windows' numbers."""
    return weight.reshape(len(weight), -1)


def weight_of(d_factors: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of weights of `shape` (O, C, k, k) from that of their factors, (C·k·k, O)."""
    return d_factors.T.reshape(shape)
