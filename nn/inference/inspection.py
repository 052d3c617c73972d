"""What happens inside a network as it reads one image, and why it reads what it reads.

Everything here is about one image and the network itself: neither the slanted copies that a
`Reader` may average over nor dropout are part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.handwriting.framing import SIZE
from nn.network.convolution import Conv2d
from nn.network.layers import Dropout, Layer, Linear, Sequential

Array = NDArray[Any]


@dataclass(frozen=True)
class Stage:
    """A layer with weights and what follows it up to the next such layer.

    `values` are its activations for the image: (units,) of neurons, or (maps, height, width).
    `input` is what the layer got, (features,) or (channels, height, width).
    """

    layer: Linear | Conv2d
    input: Array
    values: Array
    is_last: bool = False

    @property
    def name(self) -> str:
        """What it consists of, as "32 maps of 14 × 14"."""
        if self.values.ndim == 1:
            return f"{len(self.values)} {'logits' if self.is_last else 'neurons'}"
        return "{} maps of {} × {}".format(*self.values.shape)

    @property
    def is_silent(self) -> Array:
        """Which units give nothing but 0 for this image, (units,): their ReLU lets nothing by."""
        silent: Array = np.abs(self.values).reshape(len(self.values), -1).max(axis=1) == 0
        return silent

    def weight_images(self) -> Array | None:
        """The weights of each unit as a picture (units, 28, 28), if the layer sees the image."""
        weight = self.layer.params["weight"]
        if isinstance(self.layer, Linear) and weight.shape[1] == SIZE * SIZE:
            return weight.reshape(-1, SIZE, SIZE)
        return None


@dataclass(frozen=True)
class Inputs:
    """What one unit got from its inputs: for each of them, what it adds to the unit's value.

    Where the input is the image, `picture` (28, 28) says it for each cell and `units` is empty.
    """

    units: tuple[tuple[int, float], ...]
    picture: Array | None = None


def stages_of(model: Sequential, image: Array) -> list[Stage]:
    """Run one image (28, 28) through the network; returns its stages, the ten logits last."""
    x = np.asarray(image, np.float32).reshape(1, SIZE * SIZE)
    stages: list[Stage] = []
    for layer in model.layers:
        if isinstance(layer, Linear | Conv2d):
            given = x[0].copy()
            x = layer.forward(x)
            stages.append(Stage(layer, given, x[0].copy()))
        else:
            x = layer.forward(x)
            if stages and x[0].ndim == stages[-1].values.ndim:  # flattening changes no value
                stages[-1] = replace(stages[-1], values=x[0].copy())
    stages[-1] = replace(stages[-1], is_last=True)
    return stages


def strongest_inputs(stages: list[Stage], index: int, unit: int, count: int = 6) -> Inputs:
    """The `count` units of the stage before that add most to a unit's value, or take most away.

    For a feature map that is at the place where the map is strongest. A flattened map counts as a
    whole.
    """
    stage = stages[index]
    if isinstance(stage.layer, Conv2d):
        shares = _window_shares(stage.layer, stage.input, unit)
        if index == 0:
            return Inputs((), shares[0])
        strongest = np.argmax(shares.sum(axis=0) + stage.layer.params["bias"][unit])
        shares = shares.reshape(len(shares), -1)[:, strongest]
    else:
        shares = stage.layer.params["weight"][unit] * stage.input
        if index == 0:
            return Inputs((), shares.reshape(SIZE, SIZE))
        shares = shares.reshape(len(stages[index - 1].values), -1).sum(axis=1)
    order = np.argsort(-np.abs(shares), kind="stable")[:count]
    return Inputs(tuple((int(i), float(shares[i])) for i in order))


def _window_shares(layer: Conv2d, x: Array, unit: int) -> Array:
    """What each channel of x (C, H, W) adds to a map before its bias, (C, H', W')."""
    kernel = layer.params["weight"][unit]
    pad, k = layer.padding, layer.kernel_size
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    height, width = (side + 2 * pad - k + 1 for side in x.shape[1:])
    shares = np.zeros((len(x), height, width), np.float32)
    for u in range(k):
        for v in range(k):
            shares += kernel[:, u, v, None, None] * padded[:, u : u + height, v : v + width]
    return shares


def evidence(model: Sequential, image: Array, digit: int) -> Array:
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
    shares: Array = slope.reshape(SIZE, SIZE) * x.reshape(SIZE, SIZE)
    return shares
