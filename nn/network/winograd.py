"""The convolution with 3×3 weights in two thirds of the multiplications.

Two neighbouring outputs y of a row come of four neighbouring inputs d and three weights g:

    y₀ = d₀g₀ + d₁g₁ + d₂g₂
    y₁ = d₁g₀ + d₂g₁ + d₃g₂

That is six products. These four give the same (Winograd 1980, "Arithmetic Complexity of
Computations", F(2, 3); for networks Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural
Networks", section 4.1):

    m₀ = (d₀ − d₂) g₀    m₁ = (d₁ + d₂) (g₀ + g₁ + g₂)/2
    m₃ = (d₁ − d₃) g₂    m₂ = (d₂ − d₁) (g₀ − g₁ + g₂)/2
    y₀ = m₀ + m₁ + m₂    y₁ = m₁ − m₂ − m₃

There are more additions, but each sum of inputs serves all output channels, and each m is summed
over the rows of a window and the input channels before it is used: the products are what costs.
They are matrix products as in `nn.network.im2col`, which has the same functions. Here windows come
in pairs, T = ⌈W'/2⌉ of them in a row. All steps are linear, so the gradients go the same way back.
"""

from __future__ import annotations

import numpy as np

from nn.network.im2col import Buffer, stacked
from nn.support.types import Array

CACHED = 1 << 18  # products computed before they are summed: as many as stay in a core's own cache


def convolve(
    x: Array, weight: Array, padding: int, name: str, buffer: Buffer
) -> tuple[Array, Array]:
    """The convolution (H', O, W', N) of images with `weight` (O, C, 3, 3), and its `windows`."""
    n, width = x.shape[3], x.shape[2] + 2 * padding - 2
    windows = windows_of(x, 3, padding, f"{name}, windows", buffer)
    factors = factors_of(weight)[:, None]
    y = buffer(name, (windows.shape[1], len(weight), width, n))
    for rows in blocks(windows, len(weight)):
        few = windows[:, rows]
        products = buffer("products", (4, few.shape[1], len(weight), few.shape[3]))
        np.matmul(factors, few, out=products)
        m0, m1, m2, m3 = products.reshape(*products.shape[:3], -1, n)
        m0 += m1
        m1 -= m2
        np.add(m0, m2, out=y[rows, :, 0::2])
        whole = slice(width // 2)  # the last pair may be half beyond the edge
        np.subtract(m1[:, :, whole], m3[:, :, whole], out=y[rows, :, 1::2])
    return y, windows


def weight_gradient(windows: Array, dy: Array, kernel_size: int, buffer: Buffer) -> Array:
    """∂L/∂weight (O, C, 3, 3): by m, Σ windows · (∂L/∂m)ᵀ over the rows of dy (H', O, W', N)."""
    _, out_channels, width, n = dy.shape
    pairs, whole = (width + 1) // 2, width // 2
    d_factors = np.zeros((4, windows.shape[2], out_channels), dy.dtype)
    for rows in blocks(windows, out_channels):
        few = windows[:, rows]
        dm = buffer("products", (4, few.shape[1], out_channels, pairs, n))
        dm0, dm1, dm2, dm3 = dm
        np.copyto(dm0, dy[rows, :, 0::2])
        dm3[:, :, whole:] = 0
        np.negative(dy[rows, :, 1::2], out=dm3[:, :, :whole])
        np.subtract(dm0, dm3, out=dm1)
        np.add(dm0, dm3, out=dm2)
        by_row = buffer("gradients by row", (4, *few.shape[1:3], out_channels))
        np.matmul(few, dm.reshape(*dm.shape[:3], -1).swapaxes(2, 3), out=by_row)
        d_factors += by_row.sum(axis=1)
    d0, d1, d2, d3 = d_factors
    by_column = np.stack([d0 + (d1 + d2) / 2, (d1 - d2) / 2, (d1 + d2) / 2 + d3])
    return by_column.reshape(3, 3, -1, out_channels).transpose(3, 2, 1, 0)


def factors_of(weight: Array) -> Array:
    """(O, C, 3, 3) -> (4, O, 3·C): the sums of weights above; g are the columns of a kernel."""
    g0, g1, g2 = weight.transpose(3, 0, 2, 1).reshape(3, len(weight), -1)
    return np.stack([g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2])


def windows_of(x: Array, kernel_size: int, padding: int, name: str, buffer: Buffer) -> Array:
    """(H, C, W, N) -> (4, H', 3·C, T·N): the sums of inputs above, for each pair of windows."""
    height, channels, width, n = x.shape
    pairs = (width + 2 * padding - 1) // 2
    padded = buffer("padded", (height + 2 * padding, channels, 2 * pairs + 2, n))
    padded[:padding] = 0
    padded[padding + height :] = 0
    image = padded[padding : padding + height]
    image[:, :, :padding] = 0
    image[:, :, padding : padding + width] = x
    image[:, :, padding + width :] = 0
    d0, d1, d2, d3 = (padded[:, :, k : k + 2 * pairs : 2] for k in range(4))
    sums = buffer(name, (4, *d0.shape))
    np.subtract(d0, d2, out=sums[0])
    np.add(d1, d2, out=sums[1])
    np.subtract(d2, d1, out=sums[2])
    np.subtract(d1, d3, out=sums[3])
    return stacked(sums.reshape(4, len(padded), channels, pairs * n), kernel_size)


def blocks(windows: Array, out_channels: int) -> list[slice]:
    """The rows of the output, so few at a time that what is computed of them stays in a cache."""
    _, height, _, columns = windows.shape
    step = max(1, CACHED // (4 * out_channels * columns))
    return [slice(first, first + step) for first in range(0, height, step)]
