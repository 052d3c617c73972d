"""The convolution with 3×3 weights and a padding of 1 in two thirds of the multiplications.

Two rows of the output y that lie below each other come of four rows of the input d and three rows
of weights g; for each column

    y₀ = d₀g₀ + d₁g₁ + d₂g₂
    y₁ = d₁g₀ + d₂g₁ + d₃g₂

That is six products. These four give the same (Winograd 1980, "Arithmetic Complexity of
Computations", F(2, 3); for networks Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural
Networks", section 4.1):

    m₀ = (d₀ − d₂) g₀    m₁ = (d₁ + d₂) (g₀ + g₁ + g₂)/2
    m₃ = (d₁ − d₃) g₂    m₂ = (d₂ − d₁) (g₀ − g₁ + g₂)/2
    y₀ = m₀ + m₁ + m₂    y₁ = m₁ − m₂ − m₃

Each m is a matrix product, of weights for all output channels with a sum of rows; three columns of
it and all input channels make up a window. There are more additions than in `nn.network.im2col`,
but they run over whole rows, which stay in a core's cache. All steps are linear, so the gradients
go the same way back.

The functions return calls, without arguments, that are made whenever the memory that they work on
holds new numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from nn.network.im2col import Buffer
from nn.support.types import Array

Calls = list[Callable[[], object]]


def factors_of(weight: Array) -> Array:
    """(O, C, 3, 3) -> (4, O, 3·C): the sums of weights above; g are the rows of a kernel."""
    g0, g1, g2 = weight.transpose(2, 0, 3, 1).reshape(3, len(weight), -1)
    return np.stack([g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2])


def weight_of(d_factors: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of weights of `shape` (O, C, 3, 3) from that of their factors, (4, 3·C, O)."""
    out_channels, channels, _, _ = shape
    d0, d1, d2, d3 = d_factors
    by_row = np.stack([d0 + (d1 + d2) / 2, (d1 - d2) / 2, (d1 + d2) / 2 + d3])
    return by_row.reshape(3, 3, channels, out_channels).transpose(3, 2, 0, 1)


def convolution(x: Array, factors: Array, y: Array, buffer: Buffer) -> Calls:
    """Calls that write the convolution of x (2 P + 2, C, W, N) to y (2 P, O, W, N).

    x reaches one row farther up and down than y.
    """
    (first, second, third, fourth), matrices = row_sums(x, buffer)
    y = y.reshape(*y.shape[:2], -1)
    y0, y1 = y[0::2], y[1::2]
    m = buffer("products", y0.shape)
    return [
        *first,
        partial(np.matmul, factors[0], matrices, out=y0),
        *second,
        partial(np.matmul, factors[1], matrices, out=y1),
        partial(np.add, y0, y1, out=y0),
        *third,
        partial(np.matmul, factors[2], matrices, out=m),
        partial(np.add, y0, m, out=y0),
        partial(np.subtract, y1, m, out=y1),
        *fourth,
        partial(np.matmul, factors[3], matrices, out=m),
        partial(np.subtract, y1, m, out=y1),
    ]


def gradient(x: Array, dy: Array, d_factors: Array, buffer: Buffer) -> Calls:
    """Calls that add to `d_factors` (4, 3·C, O) what dy (2 P, O, W, N) says of the factors.

    x is as for `convolution`. Of each m it is Σ sums · (∂L/∂m)ᵀ.
    """
    (first, second, third, fourth), matrices = row_sums(x, buffer)
    dy = dy.reshape(*dy.shape[:2], -1)
    dy0, dy1 = dy[0::2], dy[1::2]
    dm = buffer("products", dy0.shape)
    by_pair = buffer("gradients by pair", (len(dm), *d_factors.shape[1:]))
    in_all = buffer("gradient in all", d_factors.shape[1:])

    def add_to(number: int, d_products: Array, add: np.ufunc = np.add) -> Calls:
        return [
            partial(np.matmul, matrices, d_products.swapaxes(1, 2), out=by_pair),
            partial(np.add.reduce, by_pair, axis=0, out=in_all),
            partial(add, d_factors[number], in_all, out=d_factors[number]),
        ]

    return [
        *first,
        *add_to(0, dy0),
        *second,
        partial(np.add, dy0, dy1, out=dm),
        *add_to(1, dm),
        *third,
        partial(np.subtract, dy0, dy1, out=dm),
        *add_to(2, dm),
        *fourth,
        *add_to(3, dy1, np.subtract),
    ]


def row_sums(x: Array, buffer: Buffer) -> tuple[list[Calls], Array]:
    """Calls for each of the four sums of inputs above, and the matrices that they write to.

    x is (2 P + 2, C, W, N), the matrices are (P, 3·C, W·N), the same for all four.
    """
    pairs, channels, width, n = len(x) // 2 - 1, *x.shape[1:]
    # A name for each shape: the edges are 0 from here on.
    moved = buffer(f"moved {channels}×{pairs}", (pairs, 3, channels, width, n))
    left, middle, right = moved[:, 0], moved[:, 1], moved[:, 2]
    left[:, :, 0] = 0
    right[:, :, -1] = 0
    d0, d1, d2, d3 = (x[i : i + 2 * pairs - 1 : 2] for i in range(4))
    sums = ((np.subtract, d0, d2), (np.add, d1, d2), (np.subtract, d2, d1), (np.subtract, d1, d3))
    calls: list[Calls] = [
        [
            partial(combine, one, other, out=middle),
            # Copied: NumPy takes longer to compute where the numbers do not lie side by side.
            partial(np.copyto, left[:, :, 1:], middle[:, :, :-1]),
            partial(np.copyto, right[:, :, :-1], middle[:, :, 1:]),
        ]
        for combine, one, other in sums
    ]
    return calls, moved.reshape(pairs, 3 * channels, width * n)
