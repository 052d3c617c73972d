"""What a network's layers make of one image.

It is the network itself: neither the views that a `Classifier` may average over nor dropout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from nn.handwriting.framing import SIZE
from nn.network.activations import Activation
from nn.network.convolution import Conv2d, MaxPool2d
from nn.network.layers import Layer, Linear, Unflatten
from nn.network.masks import DigitsOff, UnitsOff
from nn.network.sequential import Sequential
from nn.support.types import Array

MAX_VALUE = 1e30  # a network that has learned stays far below; a hostile file's need not be numbers


@dataclass(frozen=True)
class Activations:
    """A layer with weights, and what follows it up to the next such layer.

    `input` is what the layer got: the values of the stage before, also where they were flattened
    on the way, or the image as one map (1, 28, 28). `sums` is what the layer made of it, (units,)
    or (maps, height, width), and `values` what activations and poolings left of that; of the last
    stage, the ten logits (10,). Without a `layer` the stage is the image or the values before it,
    arranged as other units, or only activated or pooled. `end` is the place in the network behind
    its last layer. Units that are `off` (see `nn.inference.ablation`) give 0; a digit's that is off
    has its logit all the same, of which the answer takes no notice.
    """

    layer: Linear | Conv2d | None
    input: Array
    sums: Array
    values: Array
    functions: tuple[str, ...] = ()  # the activations that follow, as "ReLU"
    pools: tuple[int, ...] = ()  # the windows' sides of the poolings that follow
    is_first: bool = False
    is_last: bool = False
    end: int = 0
    off: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What it consists of, as "32 maps of 14 × 14"."""
        if self.values.ndim == 1:
            return f"{len(self.values)} {'logits' if self.is_last else 'neurons'}"
        return "{} maps of {} × {}".format(*self.values.shape)

    @property
    def title(self) -> str:
        """What it is, as "64 filters, each 3×3 on 32 maps"."""
        count, channels = len(self.values), len(self.input)
        if self.is_last:
            what = {Linear: "neuron", Conv2d: "filter"}.get(type(self.layer), "value")
            return f"{count} digits, one {what} each"
        given = f"{channels} neurons" if self.input.ndim == 1 else _counted(channels, "map")
        given = "the image" if self.is_first else given
        if isinstance(self.layer, Conv2d):
            k = self.layer.kernel_size
            return f"{_counted(count, 'filter')}, {'each ' * (count > 1)}{k}×{k} on {given}"
        if self.layer is None:
            words = [given]
            if self.sums.shape != self.input.shape:
                words = [f"{given} laid out as {_counted(count, 'map')}"]
            words += [f"after {name}" for name in self.functions]
            if self.pools:
                words.append("pooled to {} × {}".format(*self.values.shape[1:]))
            return ", ".join(words)
        return f"{_counted(count, 'neuron')}, {'each ' * (count > 1)}on {given}"

    @cached_property
    def strengths(self) -> Array:
        """The greatest magnitude among each unit's values, (units,)."""
        strengths: Array = np.abs(self.values).reshape(len(self.values), -1).max(axis=1)
        return strengths

    @property
    def is_silent(self) -> Array:
        """Which units give nothing but 0 for this image, (units,): their ReLU passes nothing on.

        One that is switched off is not silent, but off.
        """
        is_silent: Array = self.strengths == 0
        is_silent[list(self.off)] = False
        return is_silent

    def weight_images(self) -> Array | None:
        """The weights of each neuron as a picture (units, height, width), where it sees one map.

        The image is one: (units, 28, 28).
        """
        if isinstance(self.layer, Linear) and self.input.ndim == 3 and len(self.input) == 1:
            return self.layer.params["weight"].reshape(-1, *self.input.shape[1:])
        return None

    def filters(self, unit: int) -> Array | None:
        """The kernel of a map for each map that it is made of, (channels, k, k)."""
        if isinstance(self.layer, Conv2d):
            kernels: Array = self.layer.params["weight"][unit]
            return kernels
        return None

    def strongest_sum(self, unit: int) -> tuple[int, ...]:
        """Where in `sums[unit]` the greatest of the unit's values comes from: () of a neuron.

        Activations keep the order of numbers, so that it is the greatest sum that no pooling loses.
        """
        if self.sums.ndim == 1:
            return ()
        grids = [self.sums[unit]]
        for k in self.pools:
            height, width = (side // k * k for side in grids[-1].shape)
            windows = grids[-1][:height, :width].reshape(height // k, k, width // k, k)
            grids.append(windows.max(axis=(1, 3)))
        row, column = _place_of_greatest(grids[-1])
        for k, grid in zip(self.pools[::-1], grids[-2::-1], strict=True):
            top, left = row * k, column * k
            down, across = _place_of_greatest(grid[top : top + k, left : left + k])
            row, column = top + down, left + across
        return row, column

    def strongest_cell(self, unit: int) -> tuple[int, ...]:
        """Where in `values[unit]` its greatest value is: () of a neuron."""
        if self.values.ndim == 1:
            return ()
        if self.sums.ndim == 1:  # neurons laid out as maps of one cell
            return 0, 0
        row, column = self.strongest_sum(unit)
        for k in self.pools:
            row, column = row // k, column // k
        return row, column


def activations_of(model: Sequential, image: Array) -> list[Activations]:
    """Run one image (28, 28) through the network; returns each stage, the ten logits last."""
    x = np.asarray(image, np.float32).reshape(1, SIZE * SIZE)
    shape: tuple[int, ...] = (1, SIZE, SIZE)  # of what comes to the next layer, seen as maps
    stages: list[Activations] = []
    off: tuple[int, ...] = ()  # of the digits
    for place, layer in enumerate(model.layers):
        if isinstance(layer, DigitsOff):
            off = tuple(layer.units)
            continue
        given = x[0].reshape(shape)
        # With the weights of a hostile file some sums may not be numbers, which `fmax` drops.
        with np.errstate(over="ignore", invalid="ignore"):
            x = np.fmin(np.fmax(layer.forward(x), -MAX_VALUE), MAX_VALUE)
        weighted = layer if isinstance(layer, Linear | Conv2d) else None
        is_arranged = isinstance(layer, Unflatten) and not _fits(x[0].shape, shape)
        # Flattening leaves every value in its place: they are still the maps they were.
        if weighted or isinstance(layer, Unflatten | MaxPool2d):
            shape = x[0].shape
        if weighted or is_arranged:
            new = Activations(weighted, given, x[0], x[0], is_first=not stages, end=place + 1)
            stages.append(new)
            continue
        if not stages and isinstance(layer, Activation | MaxPool2d):
            stages.append(Activations(None, given, given, given, is_first=True))
        if stages:
            followed = _followed(stages[-1], layer, x[0].reshape(shape))
            stages[-1] = replace(followed, end=place + 1)
    logits = x[0].reshape(-1)
    if not stages or len(stages[-1].values) != len(logits):
        given = x[0].reshape(shape)
        end = len(model.layers)
        stages.append(Activations(None, given, logits, logits, is_first=not stages, end=end))
    stages[-1] = replace(stages[-1], values=logits, is_last=True, off=off)
    return stages


def _fits(new: tuple[int, ...], old: tuple[int, ...]) -> bool:
    """Whether values of the shape `old`, seen as `new`, belong to the same units as before."""
    return new == old or old == new[:1]


def _followed(stage: Activations, layer: Layer, values: Array) -> Activations:
    """The stage after one more layer without weights."""
    functions, pools = stage.functions, stage.pools
    if isinstance(layer, UnitsOff):
        stage = replace(stage, off=tuple(layer.units))
    if isinstance(layer, Activation):
        functions = (*functions, type(layer).__name__)
    elif isinstance(layer, MaxPool2d):
        pools = (*pools, layer.kernel_size)
    return replace(stage, values=values, functions=functions, pools=pools)


def _place_of_greatest(grid: Array) -> tuple[int, int]:
    """The row and column of the greatest number of a grid; of equals the first."""
    row, column = divmod(int(np.argmax(grid)), grid.shape[1])
    return row, column


def _counted(count: int, word: str) -> str:
    """As "1 map", "2 maps"."""
    return f"{count} {word}{'s' * (count > 1)}"
