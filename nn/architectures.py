"""The named networks, as plain data that a checkpoint can hold and `build` turns into layers.

An architecture is a list with an entry for each layer: its class name and its sizes, for instance
`["Linear", 784, 50]`. Being data, it is stored with the weights and read back without running
anything from the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nn.layers import (
    Dropout,
    Flatten,
    Initializer,
    Layer,
    Linear,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    he_normal,
    xavier_uniform,
)

Architecture = list[list[Any]]

PIXELS = 28 * 28
CLASSES = 10
MOST_PARAMETERS = 50_000_000  # far above any network here; keeps a bad file from filling memory
ACTIVATIONS: dict[str, type[Layer]] = {"ReLU": ReLU, "Tanh": Tanh, "Sigmoid": Sigmoid}


def mlp(hidden: Sequence[int] = (), activation: str = "ReLU", dropout: float = 0.0) -> Architecture:
    """A multilayer perceptron from 784 pixels over the `hidden` sizes to ten logits.

    Without hidden layers it is the linear model, multinomial logistic regression.
    """
    layers: Architecture = [["Flatten"]]
    size = PIXELS
    for width in hidden:
        layers += [["Linear", size, width], [activation]]
        if dropout:
            layers.append(["Dropout", dropout])
        size = width
    return [*layers, ["Linear", size, CLASSES]]


NAMED: dict[str, Architecture] = {
    "linear": mlp(),
    "tiny": mlp([10]),
    "mlp": mlp([50, 25]),
}


def build(
    architecture: Architecture, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> Sequential:
    """Make the layers, with fresh weights drawn from `rng`.

    Weights before a ReLU are initialised after He, others after Xavier. Raises `ValueError` with
    the reason for an architecture that is not one: an unknown layer, sizes that do not fit each
    other, or more than `MOST_PARAMETERS` parameters.
    """
    features = PIXELS
    parameters = 0
    layers: list[Layer] = []
    for index, entry in enumerate(architecture):
        name, *sizes = entry or [None]
        if name == "Linear" and len(sizes) == 2 and all(_is_size(size) for size in sizes):
            if sizes[0] != features:
                raise ValueError(f"layer {index} takes {sizes[0]} features, but gets {features}")
            features = sizes[1]
            parameters += (sizes[0] + 1) * sizes[1]
            if parameters > MOST_PARAMETERS:
                raise ValueError(f"more than {MOST_PARAMETERS:,} parameters")
            following = architecture[index + 1][0] if index + 1 < len(architecture) else None
            initialize: Initializer = he_normal if following == "ReLU" else xavier_uniform
            layers.append(Linear(sizes[0], sizes[1], rng, initialize, dtype))
        elif name == "Dropout" and len(sizes) == 1 and isinstance(sizes[0], float):
            layers.append(Dropout(sizes[0], rng, dtype))
        elif name == "Flatten" and not sizes:
            layers.append(Flatten(dtype))
        elif str(name) in ACTIVATIONS and not sizes:
            layers.append(ACTIVATIONS[name](dtype))
        else:
            raise ValueError(f"layer {index} is {entry}, which is not a layer known here")
    if features != CLASSES:
        raise ValueError(f"the last layer gives {features} values instead of {CLASSES}")
    return Sequential(*layers)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and 1 <= value <= MOST_PARAMETERS


def describe(architecture: Architecture) -> str:
    """The sizes in one word, as "784-50-25-10"."""
    return "-".join([str(PIXELS), *(str(e[-1]) for e in architecture if e[0] == "Linear")])
