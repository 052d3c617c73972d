"""The weights of a network's first layer as pictures."""

from __future__ import annotations

import math

from nn.network.convolution import Conv2d
from nn.network.layers import Linear
from nn.network.sequential import Sequential
from nn.support.types import Array


def first_weights(model: Sequential) -> Array:
    """The weights of each unit of the first layer that has some, (units, height, width).

    They are arranged as what the unit sees: a convolution's window, or all of the image, also where
    it was made smaller before; where that is no square, they stand in a row.
    """
    layer = next(layer for layer in model.layers if isinstance(layer, Linear | Conv2d))
    weight = layer.params["weight"]
    flat = weight.reshape(len(weight), -1)
    side = math.isqrt(flat.shape[1])
    if side * side == flat.shape[1]:
        return flat.reshape(-1, side, side)
    return flat[:, None, :]
