"""What can be changed of a training while it runs: three knobs, and how their settings read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Knobs(NamedTuple):
    """A setting of each knob; a change holds from the next batch on."""

    learning_rate: float = 0.003  # before the schedule's factor
    batch_size: int = 128
    variation: float = 0.0  # a factor on how far `nn.handwriting.augmentation` changes a digit


class Knob(NamedTuple):
    """One of them: its words, in short, what it is, and the settings that it can be turned to."""

    words: str
    short: str
    meaning: str
    settings: Sequence[float]


KNOBS: dict[str, Knob] = {
    "learning_rate": Knob(
        "learning rate", "rate", "how far each step moves the weights",
        [digit * 10.0**power for power in range(-6, 1) for digit in (1, 2, 5)],
    ),
    "batch_size": Knob(
        "batch size", "batch", "how many digits each step averages over",
        [2**power for power in range(11)],
    ),
    "variation": Knob(
        "variation", "variation", "how far each digit is turned, bent and thickened",
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0],
    ),
}  # fmt: skip


def usual_knobs(name: str, architecture: list[Any]) -> Knobs:
    """What suits a network; digits are not varied unless the user wants it."""
    from nn.training.settings import usual_settings  # only now: the first frame can do without

    usual = usual_settings(name, architecture)
    return Knobs(usual.learning_rate, usual.batch_size)


def turned(knobs: Knobs, name: str, steps: int) -> Knobs:
    """With one knob turned to the next setting above (steps 1) or below (−1), if there is one."""
    value: Any = getattr(knobs, name)
    settings: Sequence[Any] = KNOBS[name].settings
    if steps > 0:
        new = next((setting for setting in settings if setting > value * 1.001), value)
    else:
        new = next((setting for setting in reversed(settings) if setting < value * 0.999), value)
    return knobs._replace(**{name: new})


def setting_words(knobs: Knobs, name: str) -> str:
    """The setting of a knob, as `0.002`, `128` or `50 %`."""
    value = getattr(knobs, name)
    if name == "variation":
        return f"{100 * value:.0f} %" if value else "none"
    return number_words(value) if name == "learning_rate" else str(value)


def knob_words(knobs: Knobs) -> str:
    """The settings of all knobs, as `rate 0.002, batch 128, variation 50 %`."""
    return ", ".join(f"{knob.short} {setting_words(knobs, n)}" for n, knob in KNOBS.items())


def number_words(number: float) -> str:
    """A number with two digits that count, as `0.00067`."""
    return np.format_float_positional(number, precision=2, fractional=False, trim="-")


def change_words(before: Knobs, after: Knobs) -> str:
    """What was turned, as `learning rate 0.003 → 0.001`."""
    return ", ".join(
        f"{KNOBS[name].words} {setting_words(before, name)} → {setting_words(after, name)}"
        for name in changed(before, after)
    )


def changed(before: Knobs, after: Knobs) -> list[str]:
    """The names of the knobs that were turned."""
    return [name for name in KNOBS if getattr(before, name) != getattr(after, name)]
