"""What decides which weights a training gives, and what suits each named network."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nn.inference.classifier import DEFAULT_MODEL
from nn.network.architectures import ACTIVATIONS, NAMED, Architecture


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that decides which weights come out, apart from the data."""

    model: str = DEFAULT_MODEL
    hidden: tuple[int, ...] | None = None  # sizes of the hidden layers, in place of the named ones
    activation: str = "ReLU"
    dropout: float = 0.0
    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 0.003
    optimizer: str = "adam"
    schedule: str = "exponential"
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    augment: bool = False  # turn, bend and thicken every digit, differently each time
    generated: int = 0  # synthetic digits that are added to the training file's in each epoch
    finish: int = 0  # how many of the epochs, the last ones, have few synthetic digits, small steps
    average: float = 0.0  # decay of the running average of the weights; 0 = the latest weights
    keep: str = "best"  # which epoch's weights: the "best" on validation digits, or the "last"
    validation: float = 0.15  # part of the training file
    slant: float = 0.0  # read each image also slanted by ± so many cells a row; 0 = only as it is
    patience: int = 0  # epochs without improvement before stopping; 0 = never
    seed: int = 42

    @property
    def main_epochs(self) -> int:
        """The epochs before those that finish; at least one."""
        return max(self.epochs - self.finish, 1)


# What each setting may be, as an option or in a file to resume: kind, lowest, highest; or words.
NUMBERS: dict[str, tuple[Callable[[str], Any], float, float]] = {
    "dropout": (float, 0, 0.95),
    "epochs": (int, 1, 50_000),
    "batch_size": (int, 1, 1_000_000),
    "learning_rate": (float, 1e-12, 1e6),
    "weight_decay": (float, 0, 1e6),
    "label_smoothing": (float, 0, 0.9),
    "generated": (int, 0, 1_000_000),
    "finish": (int, 0, 50_000),
    "average": (float, 0, 0.999999),
    "validation": (float, 0, 0.9),
    "slant": (float, 0, 1),
    "patience": (int, 0, 1_000_000),
    "seed": (int, 0, 2**63 - 1),
}
WORDS: dict[str, tuple[str, ...]] = {
    "model": tuple(sorted(NAMED)),
    "activation": tuple(sorted(ACTIVATIONS)),
    "optimizer": ("adam", "sgd"),
    "schedule": ("constant", "cosine", "exponential"),
    "keep": ("best", "last"),
}
WIDEST, DEEPEST = 10_000, 100  # hidden layers


def check(settings: Settings) -> None:
    """Raise `ValueError` if a setting is of another type or beyond its bounds."""
    for name, value in dataclasses.asdict(settings).items():
        if name in NUMBERS:
            kind, low, high = NUMBERS[name]
            right = type(value) is int or (kind is float and type(value) is float)
            right = right and low <= value <= high
        elif name in WORDS:
            right = isinstance(value, str) and value in WORDS[name]
        elif name == "hidden":
            right = value is None or are_sizes(value)
        else:
            right = isinstance(value, bool)
        if not right:
            raise ValueError(f"{name} is {value!r}")


def are_sizes(sizes: Sequence[Any]) -> bool:
    """Whether these can be sizes of hidden layers."""
    return len(sizes) <= DEEPEST and all(
        type(size) is int and 1 <= size <= WIDEST for size in sizes
    )


# What suits each named network, where that differs from the defaults above; chosen on validation
# digits. The smallest networks cannot overfit, so nothing needs to hold them back.
DEFAULTS: dict[str, dict[str, Any]] = {
    "linear": {"learning_rate": 0.001},
    "tiny": {},
    "mlp": {"weight_decay": 0.3, "label_smoothing": 0.05},
    "cnn-small": {"epochs": 10, "learning_rate": 0.002},
    "cnn": {
        "epochs": 23,
        "learning_rate": 0.002,
        "schedule": "cosine",
        "label_smoothing": 0.015,
        "augment": True,
        "generated": 50_000,
        "finish": 3,
        "average": 0.999,
        "keep": "last",
        "slant": 0.2,
        "validation": 0.05,
    },
}


def new_settings(given: dict[str, Any]) -> Settings:
    """The given settings over the network's own defaults over the common ones."""
    # Hidden layers of one's own make a multilayer perceptron; what suits `mlp` suits it too.
    model = given.get("model", "mlp" if "hidden" in given else DEFAULT_MODEL)
    return Settings(**{"model": model, **DEFAULTS[model], **given})


def name_of(architecture: Architecture, otherwise: str) -> str:
    """The name that a network of these layers has here, or another."""
    return next((name for name, layers in NAMED.items() if layers == architecture), otherwise)


def usual_settings(name: str, architecture: Architecture) -> Settings:
    """What suits the named network of these layers, or of this name; the defaults without one."""
    known = name_of(architecture, otherwise=name)
    return new_settings({"model": known} if known in DEFAULTS else {})


def command_for(settings: Settings) -> str:
    """The command that gives the same weights, with what differs from the network's defaults.

    Paths are left out: they do not change the weights and mean nothing on another machine.
    """
    words = ["python -m nn.train", f"--model {settings.model}"]
    usual = new_settings({"model": settings.model})
    for key, value in dataclasses.asdict(settings).items():
        option = key.replace("_", "-")
        if value == getattr(usual, key):
            continue
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
            words.append(f"--{option} {shown}")
    return " ".join(words)


def record_of(settings: Settings, data_checksum: str, figures: dict[str, Any]) -> dict[str, Any]:
    """How a network came about, for its file."""
    return {
        "command": command_for(settings),
        "seed": settings.seed,
        "settings": dataclasses.asdict(settings),
        "data_checksum": data_checksum,
        "figures": figures,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
