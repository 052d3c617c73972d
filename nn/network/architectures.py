"""The named networks, as plain data that a checkpoint can hold and `build` turns into layers.

An architecture is a list with an entry for each layer: its class name and its sizes, for instance
`["Linear", 784, 50]`. Being data, it is stored with the weights and read back without running
anything from the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from nn.network.activations import ReLU, Sigmoid, Tanh
from nn.network.convolution import Conv2d, MaxPool2d
from nn.network.layers import (
    Dropout,
    Flatten,
    Initializer,
    Layer,
    Linear,
    Shape,
    Unflatten,
    he_normal,
    xavier_uniform,
)
from nn.network.sequential import Sequential

Architecture = list[list[Any]]

SIDE = 28
PIXELS = SIDE * SIDE
CLASSES = 10
# Far above any network here; they keep a bad file from filling the memory.
MAX_PARAMETERS = 12_000_000
MAX_VALUES = 250_000  # between two layers, for one image
MAX_VALUES_IN_ALL = 600_000  # of all layers, with the windows of the convolutions
MAX_LAYERS = 1000
ACTIVATIONS: dict[str, type[Layer]] = {"ReLU": ReLU, "Tanh": Tanh, "Sigmoid": Sigmoid}
OTHERS = (Linear, Conv2d, MaxPool2d, Flatten, Unflatten, Dropout)
LAYERS: dict[str, type[Layer]] = {**ACTIVATIONS, **{layer.__name__: layer for layer in OTHERS}}


def mlp(hidden: Sequence[int] = (), activation: str = "ReLU", dropout: float = 0.0) -> Architecture:
    """A multilayer perceptron from 784 pixels over the `hidden` sizes to ten logits.

    Without hidden layers it is the linear model, multinomial logistic regression.

    >>> mlp([50])
    [['Flatten'], ['Linear', 784, 50], ['ReLU'], ['Linear', 50, 10]]
    """
    layers: Architecture = [["Flatten"]]
    size = PIXELS
    for width in hidden:
        layers += [["Linear", size, width], [activation]]
        if dropout:
            layers.append(["Dropout", dropout])
        size = width
    return [*layers, ["Linear", size, CLASSES]]


def cnn(
    *steps: int | Literal["pool"],
    hidden: Sequence[int] = (),
    dropout: float = 0.0,
    outputs: int = CLASSES,
) -> Architecture:
    """A convolutional network; a number among the `steps` is a 3×3 convolution to so many channels.

    "pool" halves the image (28 -> 14 -> 7) by max-pooling. It goes before the activation of the
    convolution that it follows, where it gives the same and costs a quarter. After the steps come
    fully connected layers of the `hidden` sizes and of the logits, with dropout before each.
    """
    layers: Architecture = [["Unflatten", 1, SIDE, SIDE]]
    channels, side = 1, SIDE
    for step in steps:
        if step == "pool":
            layers.insert(-1, ["MaxPool2d", 2])
            side //= 2
        else:
            layers += [["Conv2d", channels, step, 3, 1], ["ReLU"]]
            channels = step
    layers.append(["Flatten"])
    size = channels * side * side
    for width in [*hidden, outputs]:
        if dropout:
            layers.append(["Dropout", dropout])
        layers += [["Linear", size, width], ["ReLU"]]
        size = width
    return layers[:-1]  # nothing comes after the logits


NAMED: dict[str, Architecture] = {
    "linear": mlp(),
    "tiny": mlp([10]),
    "mlp": mlp([50, 25]),
    "cnn-small": cnn(16, "pool", 32, "pool"),
    "cnn": cnn(32, "pool", 64, 64, "pool", 96, hidden=[64], dropout=0.3),
}


def is_convolutional(architecture: Architecture) -> bool:
    """Whether any of the layers is a convolution."""
    return any(entry[0] == "Conv2d" for entry in architecture)


def build(
    architecture: Architecture,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
    outputs: int = CLASSES,
) -> Sequential:
    """Make the layers, with fresh weights drawn from `rng`.

    Weights before a ReLU are initialised after He, others after Xavier. Raises `ValueError` with
    the reason for an architecture that is not one, as `count_parameters` does.

    >>> build(mlp([50]), np.random.default_rng(42))
    Sequential(Flatten(), Linear(784, 50), ReLU(), Linear(50, 10))
    """
    count_parameters(architecture, outputs)
    layers: list[Layer] = []
    for index, (name, *sizes) in enumerate(architecture):
        initialize = _initializer(architecture[index + 1 :])
        if name == "Linear":
            layers.append(Linear(sizes[0], sizes[1], rng, initialize, dtype))
        elif name == "Conv2d":
            layers.append(Conv2d(sizes[0], sizes[1], sizes[2], rng, sizes[3], initialize, dtype))
        elif name == "Dropout":
            layers.append(Dropout(sizes[0], rng, dtype))
        else:
            make: Callable[..., Layer] = LAYERS[name]
            layers.append(make(*sizes, dtype=dtype))
    return Sequential(*layers)


def count_parameters(architecture: Any, outputs: int = CLASSES) -> int:
    """How many weights `build` would make, by the sizes alone; nothing is made.

    Raises `ValueError` with the reason for what is not an architecture: an unknown layer, sizes
    that do not fit each other, or more than `MAX_PARAMETERS`, `MAX_LAYERS`, `MAX_VALUES` or
    `MAX_VALUES_IN_ALL`.
    """
    if not isinstance(architecture, list) or len(architecture) > MAX_LAYERS:
        raise ValueError(f"expected a list of at most {MAX_LAYERS:,} layers")
    shape: Shape = (PIXELS,)  # of one image, as it comes to the next layer
    parameters = values = 0
    for index, entry in enumerate(architecture):
        if not isinstance(entry, list) or not entry or not isinstance(entry[0], str):
            raise ValueError(f"layer {index} is {entry!r}, which is not a layer")
        name, *sizes = entry
        if name not in LAYERS or not _are_sizes(sizes, LAYERS[name].min_sizes):
            raise ValueError(f"layer {index} is {entry}, which is not a layer known here")
        try:
            plan = LAYERS[name].plan(shape, *sizes)
        except ValueError as error:
            raise ValueError(f"layer {index} {error}") from None
        parameters += plan.parameters
        if parameters > MAX_PARAMETERS:
            raise ValueError(f"more than {MAX_PARAMETERS:,} parameters")
        if math.prod(plan.shape) > MAX_VALUES:
            raise ValueError(f"layer {index} gives more than {MAX_VALUES:,} values")
        values += plan.copies * math.prod(shape) + math.prod(plan.shape)
        if values > MAX_VALUES_IN_ALL:
            raise ValueError(f"the layers give more than {MAX_VALUES_IN_ALL:,} values in all")
        shape = plan.shape
    if shape != (outputs,):
        raise ValueError(f"the last layer gives values of shape {shape} instead of {outputs}")
    return parameters


def shapes_of(architecture: Architecture) -> list[Shape]:
    """The shape of one image as it comes to each layer, and as it leaves the last."""
    shapes: list[Shape] = [(PIXELS,)]
    for name, *sizes in architecture:
        shapes.append(LAYERS[name].plan(shapes[-1], *sizes).shape)
    return shapes


def _initializer(following: Architecture) -> Initializer:
    """He's initialisation if the next activation is a ReLU, else Xavier's."""
    activation = next((entry[0] for entry in following if entry[0] in ACTIVATIONS), None)
    return he_normal if activation == "ReLU" else xavier_uniform


def _are_sizes(sizes: list[Any], least: tuple[float, ...]) -> bool:
    """Whether there are as many as a layer takes, each a whole number from its least on.

    A share of dropout is any float; the layer itself looks at it.
    """
    return len(sizes) == len(least) and all(
        # Not isinstance: True is an int as well.
        type(size) is type(low) and (type(size) is float or low <= size <= MAX_PARAMETERS)
        for size, low in zip(sizes, least, strict=True)
    )


def describe(architecture: Architecture) -> str:
    """The layers' sizes: "784-50-25-10", or with convolutions "conv 16, 32; 1568-10"."""
    channels = [str(entry[2]) for entry in architecture if entry[0] == "Conv2d"]
    linear = [entry for entry in architecture if entry[0] == "Linear"]
    sizes = "-".join([*(str(entry[1]) for entry in linear), str(CLASSES)])
    return f"conv {', '.join(channels)}; {sizes}" if channels else sizes
