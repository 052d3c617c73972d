"""Many images through a network, a few at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nn.support.types import Array

BATCH = 64  # images at once: enough for BLAS, few enough to stay in a processor's cache


def in_batches(compute: Callable[[Array], Array], images: Array, size: int = BATCH) -> Array:
    """`compute(images)` (N, …), computed for at most `size` of the images (N, …) at a time.

    A network's `forward` does not outlive the next one; the result here is a copy, and stays.
    """
    if not len(images):  # layers cannot tell the shape of nothing
        return compute(np.zeros((1, *images.shape[1:]), images.dtype))[:0]
    starts = range(0, len(images), size)
    # Copied as it lies in memory, because sums over it depend on that in the last bit.
    parts = [compute(images[start : start + size]).copy("K") for start in starts]
    return np.concatenate(parts) if len(parts) > 1 else parts[0]
