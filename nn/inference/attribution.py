"""Why a network reads what it reads: how much the ink of each cell speaks for a digit."""

from __future__ import annotations

import numpy as np

from nn.handwriting.framing import SIZE
from nn.network.layers import Dropout, Layer
from nn.network.sequential import Sequential
from nn.support.types import Array


def attribution(model: Sequential, image: Array, digit: int) -> Array:
    """How much each cell's ink speaks for a digit (> 0) or against it (< 0): (28, 28).

    Gradient × input (Shrikumar et al. 2016): the ink times the slope of the digit's logit, less
    the mean of the logits, at this image. Blank paper says nothing. Overwrites the gradients.
    """
    x = np.asarray(image, np.float32).reshape(1, SIZE * SIZE)
    layers: list[Layer] = [layer for layer in model.layers if not isinstance(layer, Dropout)]
    y = x
    for layer in layers:
        y = layer.forward(y, training=True)
    slope = np.full_like(y, -1 / y.shape[1])
    slope[0, digit] += 1
    for layer in reversed(layers):
        slope = layer.backward(slope)
    return slope.reshape(SIZE, SIZE) * x.reshape(SIZE, SIZE)
