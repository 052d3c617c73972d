"""The slant of writing, changed row by row, and the views that a classifier averages over."""

from __future__ import annotations

import functools

import numpy as np

from nn.handwriting.framing import SIZE
from nn.support.types import Array


def shears_of_views(shear: float) -> list[float]:
    """The shears, in cells a row, of the views of an image: itself, and slanted to either side."""
    return [0.0, shear, -shear] if shear else [0.0]


def views(images: Array, shear: float) -> list[Array]:
    """Images (N, 28, 28) as they are and, unless `shear` is 0, slanted by it to either side."""
    return [sheared(images, each) if each else images for each in shears_of_views(shear)]


def sheared(images: Array, shear: float) -> Array:
    """Images (N, 28, 28) with their rows moved sideways, by `shear` cells a row."""
    # Row by row, all images at once.
    return np.matmul(images.swapaxes(0, 1), row_shifts(shear)).swapaxes(0, 1)


@functools.lru_cache(8)
def row_shifts(shear: float) -> Array:
    """Weights (28, 28, 28): row y of a sheared image is row y of the image times `weights[y]`.

    Its cell x becomes the value, linear between two cells, that lies at x + shear · (y − 13.5).
    """
    cells = np.arange(SIZE)
    source = cells + offsets(shear)[:, None]  # [row, new cell]
    weights = np.maximum(1 - np.abs(cells[None, :, None] - source[:, None, :]), 0)
    return weights.astype(np.float32)


def offsets(shear: float) -> Array:
    """How many cells to the right each row (28,) of a sheared image has its values from."""
    return shear * (np.arange(SIZE) - (SIZE - 1) / 2)
