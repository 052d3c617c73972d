"""Which part of the image a value inside a network depends on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nn.inference.activations import Activations
from nn.network.convolution import Conv2d
from nn.support.types import Array


def receptive_field(stages: Sequence[Activations], index: int, unit: int) -> Array:
    """Which cells of the image (28, 28) a unit of a stage can see; of a map, its strongest cell.

    Followed back through the stages, exactly: a cell counts if any weight leads from it to the
    value, whatever that weight is.
    """
    seen: Array = np.zeros(stages[index].values.shape, bool)
    place = (unit, *stages[index].strongest_cell(unit))
    seen[place] = True
    for stage in stages[index::-1]:
        shapes = [stage.sums.shape]
        for k in stage.pools:
            channels, height, width = shapes[-1]
            shapes.append((channels, height // k, width // k))
        seen = seen.reshape(shapes[-1])
        for k, shape in zip(stage.pools[::-1], shapes[-2::-1], strict=True):
            windows, whole = seen.repeat(k, axis=1).repeat(k, axis=2), np.zeros(shape, bool)
            whole[:, : windows.shape[1], : windows.shape[2]] = windows
            seen = whole
        if isinstance(stage.layer, Conv2d):
            seen = _under_kernel(np.any(seen, axis=0), stage.layer, stage.input.shape)
        elif stage.layer is not None:
            seen = np.ones(stage.input.shape, bool)
        seen = seen.reshape(stage.input.shape)
    return seen[0]


def _under_kernel(seen: Array, layer: Conv2d, shape: tuple[int, ...]) -> Array:
    """Which inputs (C, H, W) a convolution takes in for the places (H', W') that are `seen`."""
    for axis, side in enumerate(shape[1:]):
        # Input i lies under the kernels of the outputs from i + padding − k + 1 to i + padding.
        counted = np.cumsum(np.moveaxis(seen, axis, 0), axis=0)
        counted = np.concatenate([np.zeros_like(counted[:1]), counted])
        last = np.arange(side) + layer.padding
        ends = (last + 1, last - layer.kernel_size + 1)
        high, low = (np.clip(end, 0, len(counted) - 1) for end in ends)
        seen = np.moveaxis(counted[high] > counted[low], 0, axis)
    return np.broadcast_to(seen, shape)
