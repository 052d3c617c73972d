"""Test-time augmentation: an answer that depends less on how the writing slants."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nn.handwriting.framing import SIZE
from nn.handwriting.shear import views
from nn.network.batches import in_batches
from nn.support.types import Array


def mean_over_views(compute: Callable[[Array], Array], images: Array, shear: float) -> Array:
    """The mean of `compute` over each image and its copies slanted by ±`shear` cells a row.

    `images` are (N, 28, 28) or reshape to it; `compute` takes any number of them, flat (…, 784),
    and gives a row or a number for each.
    """

    def batch_mean(batch: Array) -> Array:
        seen = np.concatenate(views(batch, shear))
        values = compute(seen.reshape(len(seen), -1))
        return values.reshape(-1, len(batch), *values.shape[1:]).mean(axis=0)

    return in_batches(batch_mean, images.reshape(len(images), SIZE, SIZE))
