"""Whether the neurons of a network in training are alive."""

from __future__ import annotations

import numpy as np

from nn.network.activations import ReLU
from nn.network.sequential import Sequential
from nn.support.types import Array


def count_dead(model: Sequential, images: Array) -> tuple[int, int]:
    """How many units in front of a ReLU give 0 for each of the images, and how many there are.

    A unit is a neuron or a feature map. Where it is 0 its gradient is 0 too: what is dead for all
    digits that it learns from learns no more. Call it between two batches.

    >>> from nn import Linear
    >>> model = Sequential(Linear(784, 5, np.random.default_rng(0)), ReLU())
    >>> model.layers[0].params["bias"][1:4] = -100
    >>> count_dead(model, np.ones((2, 784), np.float32))[0] >= 3
    True
    """
    dead = units = 0
    x = images
    for layer in model.layers:
        x = layer.forward(x)
        if isinstance(layer, ReLU):
            is_alive = np.any(x > 0, axis=(0, *range(2, x.ndim)))
            dead += int(np.count_nonzero(~is_alive))
            units += is_alive.size
    return dead, units
