"""What a network's layers make of one image, and where their values come from.

It is the network itself: neither the views that a `Classifier` may average over nor dropout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nn.handwriting.framing import SIZE
from nn.network.convolution import Conv2d
from nn.network.layers import Linear
from nn.network.sequential import Sequential
from nn.support.types import Array


@dataclass(frozen=True)
class Activations:
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
        return np.abs(self.values).reshape(len(self.values), -1).max(axis=1) == 0

    def weight_images(self) -> Array | None:
        """The weights of each unit as a picture (units, 28, 28), if the layer sees the image."""
        weight = self.layer.params["weight"]
        if isinstance(self.layer, Linear) and weight.shape[1] == SIZE * SIZE:
            return weight.reshape(-1, SIZE, SIZE)
        return None


@dataclass(frozen=True)
class Contributions:
    """What one unit got from its inputs: for each of them, what it adds to the unit's value.

    Where the input is the image, `picture` (28, 28) says it for each cell and `units` is empty.
    """

    units: tuple[tuple[int, float], ...]
    picture: Array | None = None


def activations_of(model: Sequential, image: Array) -> list[Activations]:
    """Run one image (28, 28) through the network; returns each stage, the ten logits last."""
    x = np.asarray(image, np.float32).reshape(1, SIZE * SIZE)
    activations: list[Activations] = []
    for layer in model.layers:
        if isinstance(layer, Linear | Conv2d):
            given = x[0].copy()
            x = layer.forward(x)
            activations.append(Activations(layer, given, x[0].copy()))
        else:
            x = layer.forward(x)
            # Not after flattening, which changes no value.
            if activations and x[0].ndim == activations[-1].values.ndim:
                activations[-1] = replace(activations[-1], values=x[0].copy())
    activations[-1] = replace(activations[-1], is_last=True)
    return activations


def strongest_contributions(
    activations: list[Activations], index: int, unit: int, count: int = 6
) -> Contributions:
    """The `count` units of the stage before that add most to a unit's value, or take most away.

    For a feature map that is at the place where the map is strongest. A flattened map counts as a
    whole.
    """
    own = activations[index]
    if isinstance(own.layer, Conv2d):
        shares = _window_shares(own.layer, own.input, unit)
        if index == 0:
            return Contributions((), shares[0])
        strongest = np.argmax(shares.sum(axis=0) + own.layer.params["bias"][unit])
        shares = shares.reshape(len(shares), -1)[:, strongest]
    else:
        shares = own.layer.params["weight"][unit] * own.input
        if index == 0:
            return Contributions((), shares.reshape(SIZE, SIZE))
        shares = shares.reshape(len(activations[index - 1].values), -1).sum(axis=1)
    order = np.argsort(-np.abs(shares), kind="stable")[:count]
    return Contributions(tuple((int(i), float(shares[i])) for i in order))


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
