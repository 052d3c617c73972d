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

from nn.network.convolution import Conv2d, MaxPool2d
from nn.network.layers import (
    Dropout,
    Flatten,
    Initializer,
    Layer,
    Linear,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    Unflatten,
    he_normal,
    xavier_uniform,
)

Architecture = list[list[Any]]

SIDE = 28
PIXELS = SIDE * SIDE
CLASSES = 10
# Far above any network here; they keep a bad file from filling the memory.
MAX_PARAMETERS = 50_000_000
MAX_VALUES = 250_000  # between two layers, for one image
MAX_VALUES_IN_ALL = 600_000  # of all layers, with the windows of the convolutions
MAX_LAYERS = 1000
ACTIVATIONS: dict[str, Callable[..., Layer]] = {"ReLU": ReLU, "Tanh": Tanh, "Sigmoid": Sigmoid}
WITHOUT_WEIGHTS: dict[str, Callable[..., Layer]] = {
    **ACTIVATIONS,
    "Flatten": Flatten,
    "Unflatten": Unflatten,
    "MaxPool2d": MaxPool2d,
}


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
        if name == "Linear":
            initialize = _initializer(architecture[index + 1 :])
            layers.append(Linear(sizes[0], sizes[1], rng, initialize, dtype))
        elif name == "Conv2d":
            initialize = _initializer(architecture[index + 1 :])
            in_channels, out_channels, kernel_size, padding = sizes
            layers.append(
                Conv2d(in_channels, out_channels, kernel_size, rng, padding, initialize, dtype)
            )
        elif name == "Dropout":
            layers.append(Dropout(sizes[0], rng, dtype))
        else:
            layers.append(WITHOUT_WEIGHTS[name](*sizes, dtype=dtype))
    return Sequential(*layers)


def count_parameters(architecture: Any, outputs: int = CLASSES) -> int:
    """How many weights `build` would make, by the sizes alone; nothing is made.

    Raises `ValueError` with the reason for what is not an architecture: an unknown layer, sizes
    that do not fit each other, or more than `MAX_PARAMETERS`, `MAX_LAYERS`, `MAX_VALUES` or
    `MAX_VALUES_IN_ALL`.
    """
    if not isinstance(architecture, list) or len(architecture) > MAX_LAYERS:
        raise ValueError(f"expected a list of at most {MAX_LAYERS:,} layers")
    shape: tuple[int, ...] = (PIXELS,)  # of one image, as it comes to the next layer
    parameters = values = 0
    for index, entry in enumerate(architecture):
        if not isinstance(entry, list) or not entry or not isinstance(entry[0], str):
            raise ValueError(f"layer {index} is {entry!r}, which is not a layer")
        inputs = math.prod(shape)
        shape, new_parameters = _trace(index, entry, entry[0], entry[1:], shape)
        parameters += new_parameters
        if parameters > MAX_PARAMETERS:
            raise ValueError(f"more than {MAX_PARAMETERS:,} parameters")
        if math.prod(shape) > MAX_VALUES:
            raise ValueError(f"layer {index} gives more than {MAX_VALUES:,} values")
        copies = (
            1 + max(3, entry[3]) if entry[0] == "Conv2d" else 1
        )  # of the input; see nn.network.im2col
        values += copies * inputs + math.prod(shape)
        if values > MAX_VALUES_IN_ALL:
            raise ValueError(f"the layers give more than {MAX_VALUES_IN_ALL:,} values in all")
    if shape != (outputs,):
        raise ValueError(f"the last layer gives values of shape {shape} instead of {outputs}")
    return parameters


def _trace(
    index: int, entry: list[Any], name: str, sizes: list[Any], shape: tuple[int, ...]
) -> tuple[tuple[int, ...], int]:
    """The shape of an image after a layer, and the layer's number of parameters, by sizes alone."""
    whole = all(_is_size(size) for size in sizes)
    if name == "Linear" and len(sizes) == 2 and whole and min(sizes):
        _expect(index, (sizes[0],), shape)
        return (sizes[1],), (sizes[0] + 1) * sizes[1]
    if name == "Conv2d" and len(sizes) == 4 and whole and min(sizes[:3]):
        in_channels, out_channels, kernel_size, padding = sizes
        _expect(index, (in_channels, *shape[1:]), shape)
        sides = [side + 2 * padding - kernel_size + 1 for side in shape[1:]]
        if len(sides) != 2 or min(sides) < 1 or padding >= kernel_size:
            raise ValueError(f"layer {index} is {entry}, which does not fit images of {shape}")
        return (out_channels, *sides), (in_channels * kernel_size**2 + 1) * out_channels
    if name == "MaxPool2d" and len(sizes) == 1 and whole and sizes[0]:
        if len(shape) != 3 or min(shape[1:]) < sizes[0]:
            raise ValueError(f"layer {index} is {entry}, which does not fit images of {shape}")
        return (shape[0], *(side // sizes[0] for side in shape[1:])), 0
    if name == "Unflatten" and len(sizes) == 3 and whole:
        _expect(index, (math.prod(sizes),), shape)
        return tuple(sizes), 0
    if name == "Flatten" and not sizes:
        return (math.prod(shape),), 0
    if name in ACTIVATIONS and not sizes:
        return shape, 0
    if name == "Dropout" and len(sizes) == 1 and isinstance(sizes[0], float):
        return shape, 0
    raise ValueError(f"layer {index} is {entry}, which is not a layer known here")


def _expect(index: int, expected: tuple[int, ...], shape: tuple[int, ...]) -> None:
    if expected != shape:
        raise ValueError(f"layer {index} takes values of shape {expected}, but gets {shape}")


def _initializer(following: Architecture) -> Initializer:
    """He's initialisation if the next activation is a ReLU, else Xavier's."""
    activation = next((entry[0] for entry in following if entry[0] in ACTIVATIONS), None)
    return he_normal if activation == "ReLU" else xavier_uniform


def _is_size(value: object) -> bool:
    # Not isinstance: True is an int as well.
    return type(value) is int and 0 <= value <= MAX_PARAMETERS


def describe(architecture: Architecture) -> str:
    """The layers' sizes: "784-50-25-10", or with convolutions "conv 16, 32; 1568-10"."""
    channels = [str(entry[2]) for entry in architecture if entry[0] == "Conv2d"]
    linear = [entry for entry in architecture if entry[0] == "Linear"]
    sizes = "-".join([*(str(entry[1]) for entry in linear), str(CLASSES)])
    return f"conv {', '.join(channels)}; {sizes}" if channels else sizes
