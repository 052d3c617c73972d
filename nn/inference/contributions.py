"""What a unit's value is the sum of, and the strongest paths that lead to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nn.inference.activations import Activations
from nn.network.convolution import Conv2d
from nn.support.types import Array

MOST = 12  # inputs of a unit that are told one by one
WAYS = 3  # paths that go on from stage to stage
DEPTH = 16  # stages that they are followed through


@dataclass(frozen=True)
class Contributions:
    """What the greatest value of one unit is the sum of, before any activation.

    `units` are units of the stage before with what each adds, the greatest magnitude first; a
    flattened map counts as a whole. They are at most `MOST` of the `inputs` there are. Where the
    input is the image, there are none. Where it is one map, as the image is, `picture` (height,
    width) has what each of its cells adds.
    """

    units: tuple[tuple[int, float], ...]
    inputs: int
    bias: float
    total: float  # of all inputs and the bias
    picture: Array | None = None


class Link(NamedTuple):
    """What one unit adds to another of the next stage: `strength` in −1…1 of the stage's most."""

    stage: int  # of the unit that is added to
    source: int
    unit: int
    strength: float


def contributions_to(stages: Sequence[Activations], index: int, unit: int) -> Contributions:
    """What the value of a unit of a stage is made of; of a map, its greatest value."""
    stage = stages[index]
    shares = _shares(stage, unit)
    bias = 0.0 if stage.layer is None else float(stage.layer.params["bias"][unit])
    total = float(shares.sum()) + bias
    picture = shares[0] if shares.ndim == 3 and len(shares) == 1 else None
    if index == 0:
        return Contributions((), shares.size, bias, total, picture)
    by_unit = shares.reshape(len(shares), -1).sum(axis=1)
    order = np.argsort(-np.abs(by_unit), kind="stable")[:MOST]
    units = tuple((int(i), float(by_unit[i])) for i in order)
    return Contributions(units, len(by_unit), bias, total, picture)


def strongest_paths(stages: Sequence[Activations], index: int, unit: int) -> list[Link]:
    """The paths with the largest contributions that lead down from a unit, towards the first stage.

    Of each stage the `WAYS` units are followed that add most to those above, or take most away;
    after `DEPTH` stages they end.
    """
    links: list[Link] = []
    units = [unit]
    for upper in range(index, max(0, index - DEPTH), -1):
        found = [
            (abs(share), source, above, share)
            for above in units
            for source, share in contributions_to(stages, upper, above).units
            if share
        ]
        found.sort(reverse=True)
        units = list(dict.fromkeys(source for _, source, _, _ in found))[:WAYS]
        links += [
            Link(upper, source, above, share / found[0][0])
            for _, source, above, share in found
            if source in units
        ]
    return links


def _shares(stage: Activations, unit: int) -> Array:
    """What the values of `stage.input` add to the unit's greatest sum, float64.

    In the input's shape; of several maps only the window under the kernel, (channels, ≤ k, ≤ k).
    """
    place = stage.strongest_sum(unit)
    if isinstance(stage.layer, Conv2d):
        padding, k = stage.layer.padding, stage.layer.kernel_size
        (down, rows), (across, columns) = (
            _window(start - padding, k, side)
            for start, side in zip(place, stage.input.shape[1:], strict=True)
        )
        kernel = stage.layer.params["weight"][unit][:, rows, columns]
        window = kernel * stage.input[:, down, across].astype(np.float64)
        if len(stage.input) > 1:
            return window
        shares = np.zeros(stage.input.shape)
        shares[:, down, across] = window
        return shares
    if stage.layer is not None:
        weights = stage.layer.params["weight"][unit].astype(np.float64)
        return weights.reshape(stage.input.shape) * stage.input
    shares = np.zeros(stage.input.shape)
    moved = np.ravel_multi_index((unit, *place), stage.sums.shape)
    shares.flat[moved] = stage.input.flat[moved]
    return shares


def _window(start: int, length: int, side: int) -> tuple[slice, slice]:
    """The part of an image's side that a kernel covers from `start` on, and that of the kernel."""
    low, high = max(0, start), min(side, start + length)
    return slice(low, high), slice(low - start, high - start)
