"""Any architecture that a network's file may hold, small enough to be tried in numbers.

`own_network` makes a network of one.
"""

import math
from pathlib import Path

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from nn.inference.checkpoint import Checkpoint
from nn.inference.classifier import Classifier
from nn.network.architectures import build, count_parameters, shapes_of

ACTIVATIONS = ("ReLU", "Tanh", "Sigmoid")
CONVOLUTION_LAST = [
    ["Unflatten", 1, 28, 28], ["MaxPool2d", 4], ["Conv2d", 1, 3, 3, 1], ["ReLU"],
    ["Conv2d", 3, 10, 7, 0], ["Flatten"],
]  # fmt: skip


def own_network(architecture):
    """A network with random weights, as a user could have one."""
    model = build(architecture, np.random.default_rng(4))
    return Classifier(Path("own.npz"), Checkpoint("own", architecture, model, {}, 1.0, 0.2))


@st.composite
def architectures(draw):
    """Plain data that `build` takes: layers in any order that fit each other, and end in ten."""
    found, shape = [], (784,)
    for _ in range(draw(st.integers(0, 6))):
        found.append(draw(_layer(shape)))
        shape = shapes_of(found)[-1]
    found += draw(_ending(shape))
    try:
        count_parameters(found)
    except ValueError:
        assume(False)
    return found


@st.composite
def _layer(draw, shape):
    kinds = [*ACTIVATIONS, "Dropout", "Flatten"]
    kinds += ["Conv2d", "Conv2d", "MaxPool2d"] if len(shape) == 3 else ["Linear", "Unflatten"]
    kind = draw(st.sampled_from(kinds))
    if kind == "Unflatten":
        return [kind, *draw(_factors(math.prod(shape)))]
    if kind == "Linear":
        return [kind, shape[0], draw(st.integers(1, 40))]
    if kind == "MaxPool2d":
        return [kind, draw(st.integers(1, min(4, *shape[1:])))]
    if kind == "Conv2d":
        padding = draw(st.integers(0, 3))
        widest = min(5, min(shape[1:]) + 2 * padding)
        k = draw(st.integers(min(padding + 1, widest), widest))
        return [kind, shape[0], draw(st.integers(1, 12)), k, min(padding, k - 1)]
    return [kind, 0.25] if kind == "Dropout" else [kind]


@st.composite
def _factors(draw, size):
    channels = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
    rest = size // channels
    height = draw(st.sampled_from([n for n in range(1, rest + 1) if rest % n == 0]))
    return channels, height, rest // height


@st.composite
def _ending(draw, shape):
    size = math.prod(shape)
    endings = [
        [["Flatten"], ["Linear", size, 10]],
        [["Flatten"], ["Linear", size, 40], ["Unflatten", 10, 2, 2], ["MaxPool2d", 2]],
        [["Flatten"], ["Linear", size, 10], ["Unflatten", 2, 5, 1]],
    ]
    if len(shape) == 3 and shape[1] == shape[2]:
        endings.append([["Conv2d", shape[0], 10, shape[1], 0]])
    if len(shape) == 3 and shape[1] > 1 and shape[2] == shape[1]:
        endings.append([["Conv2d", shape[0], 10, shape[1] - 1, 0], ["MaxPool2d", 2]])
    last = draw(st.sampled_from([[], *([name] for name in ACTIVATIONS)]))
    return [*draw(st.sampled_from(endings)), *([last] if last else []), ["Flatten"]]
