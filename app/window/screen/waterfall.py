"""A unit's value as a sum whose figures add up as they are shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from nn.inference.activations import Activations
from nn.inference.contributions import Contributions
from nn.inference.softmax_steps import SoftmaxSteps

MOST_UNITS = 8  # that are shown one by one


class Column(NamedTuple):
    """One of the amounts, or a sum of those before it: its bar goes from `start` to `end`.

    All are whole numbers, in the last decimal that is shown.
    """

    label: str
    start: int
    end: int
    is_sum: bool = False
    unit: int | None = None  # of the stage before, that it comes from

    @property
    def amount(self) -> int:
        """What the column adds, or what the sum is."""
        return self.end if self.is_sum else self.end - self.start


class Waterfall(NamedTuple):
    """The columns, and how their figures are written: with so many decimals, and times 10^power."""

    columns: tuple[Column, ...]
    decimals: int
    power: int
    own: Column  # the unit's value for this image, after its activation

    def figure(self, column: Column) -> str:
        """The amount with a true minus sign; what is added has a plus sign."""
        value = abs(column.amount) / 10**self.decimals
        sign = "−" if column.amount < 0 else "+" if column.amount and not column.is_sum else ""
        return f"{sign}{value:.{self.decimals}f}"


def waterfall_of(
    stage: Activations,
    unit: int,
    contributions: Contributions,
    steps: SoftmaxSteps | None = None,
    room: int = 12,
) -> Waterfall:
    """The sum of a unit's greatest value, in at most `room` columns, or the fewest there can be.

    The largest contributions, the rest as one, the bias, their sum, and what the activation makes
    of it, or the 0 of a unit that is off. With the `steps` of a logit that is a mean, what the
    slanted copies change follows.
    """
    is_mean = steps is not None and steps.images > 1
    is_off = unit in stage.off and not stage.is_last  # a digit's logit stays what it is
    needed = 3 + bool(stage.functions or is_off)
    is_mean = is_mean and room >= needed + 2
    parts = _parts(stage, contributions, room - needed - 2 * is_mean)
    values = [value for _, value, _ in parts]
    after = float(stage.values[unit].max())
    mean = [steps.logit] if steps is not None and is_mean else []
    decimals, power = _precision([*values, contributions.total, after, *mean])
    scale = 10.0 ** (decimals - power)
    amounts = add_up([value * scale for value in values])
    columns, level = [], 0
    for (label, _, source), amount in zip(parts, amounts, strict=True):
        columns.append(Column(label, level, level + amount, unit=source))
        level += amount
    columns.append(Column("sum", 0, level, is_sum=True))
    if is_off:
        columns.append(Column("off", 0, 0, is_sum=True))
    elif stage.functions:
        is_relu = set(stage.functions) == {"ReLU"}
        level = max(0, level) if is_relu else round(after * scale)
        columns.append(Column(", ".join(stage.functions), 0, level, is_sum=True))
    own = columns[-1]
    for logit in mean:
        average = round(logit * scale)
        columns.append(Column("slanted copies", level, average))
        columns.append(Column("average", 0, average, is_sum=True))
    return Waterfall(tuple(columns), decimals, power, own)


def add_up(values: Sequence[float]) -> list[int]:
    """Whole numbers, each within 1 of its value, whose sum is the rounded sum of all values.

    All are rounded down, and those that lost most by it get 1 more until the sum is right.
    """
    lower = [math.floor(value) for value in values]
    missing = round(math.fsum(values)) - sum(lower)
    by_loss = sorted(range(len(values)), key=lambda i: lower[i] - values[i])
    for place in by_loss[: max(0, missing)]:
        lower[place] += 1
    return lower


def _parts(
    stage: Activations, contributions: Contributions, room: int
) -> list[tuple[str, float, int | None]]:
    """The amounts, in at most `room` + 2 parts: each with its label, value and unit."""
    bias = [] if stage.layer is None else [("bias", contributions.bias, None)]
    inputs = contributions.total - contributions.bias
    if contributions.picture is not None:
        adds = float(contributions.picture.clip(min=0).sum())
        return [("ink adds", adds, None), ("ink takes away", inputs - adds, None), *bias]
    if room < 1:
        return [("all inputs", inputs, None), *bias]
    units = contributions.units[: min(MOST_UNITS, room)]
    parts: list[tuple[str, float, int | None]] = [(f"{u + 1}", share, u) for u, share in units]
    count = contributions.inputs - len(units)
    if count and stage.layer is not None:
        rest = inputs - math.fsum(share for _, share in units)
        parts.append((f"{count} more", rest, None))
    return [*parts, *bias]


def _precision(values: Sequence[float]) -> tuple[int, int]:
    """How many decimals suit the largest of some values, and by which power of ten to divide."""
    greatest = max(abs(value) for value in values)
    size = math.floor(math.log10(greatest)) if greatest > 1e-30 else 0
    if size >= 6 or size < -4:
        return 2, size
    return (2 - size if size < 0 else max(0, min(2, 4 - size))), 0
