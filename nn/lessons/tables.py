"""What initialisation, batch size, learning rate and activation do, each in a small table.

Each row is one training on 48,000 digits of the training file, evaluated on the other 12,000; all
else is as in the table's caption, the order of the digits included.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nn.data.dataset import DataLoader, Dataset
from nn.lessons.steps import heading
from nn.network.activations import ReLU
from nn.network.architectures import ACTIVATIONS
from nn.network.layers import Initializer, Layer, Linear, he_normal, xavier_uniform
from nn.network.sequential import Sequential
from nn.support.errors import TrainingError
from nn.support.types import Array
from nn.training.callbacks import WholeOrNothing
from nn.training.learner import DataLoaders, Learner
from nn.training.optimizers import SGD
from nn.training.recipe import evaluation_loader
from nn.training.tasks import two_parts

SEED = 42
EPOCHS = 3
SIZES = (784, 100, 100, 100, 10)


def zeros(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """No difference between the neurons of a layer, so that none can ever arise."""
    return np.zeros(shape)


def normal(deviation: float) -> Initializer:
    """Weights of one standard deviation, whatever the size of the layer."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        return rng.normal(0.0, deviation, shape)

    return draw


def network(
    initialize: Initializer = he_normal, activation: Callable[..., Layer] | None = ReLU
) -> Sequential:
    """784-100-100-100-10, with `activation` after each layer but the last, or without any."""
    rng = np.random.default_rng(SEED)
    layers: list[Layer] = []
    for number, (size, next_size) in enumerate(itertools.pairwise(SIZES), 1):
        layers.append(Linear(size, next_size, rng, initialize))
        if activation and number < len(SIZES) - 1:
            layers.append(activation())
    return Sequential(*layers)


def train(
    parts: tuple[Dataset, Dataset],
    model: Sequential,
    batch_size: int = 64,
    learning_rate: float = 0.1,
) -> dict[str, Any]:
    """Train by plain gradient descent; losses that are not finite are None."""
    training, validation = parts
    loaders = DataLoaders(DataLoader(training, batch_size), evaluation_loader(validation))
    learner = Learner(loaders, model, SGD(), seed=SEED)
    before = learner.validate()
    assert before is not None
    start = time.perf_counter()
    figures: dict[str, Any] = {"loss_before": before.loss, "steps": None, "loss": None}
    # Numbers that overflow are what the largest learning rates are there to show.
    with np.errstate(over="ignore", invalid="ignore"):
        with contextlib.suppress(TrainingError):
            learner.fit(EPOCHS, learning_rate, [WholeOrNothing()])
        after = learner.validate()
    assert after is not None
    figures["accuracy"] = after.metric
    if math.isfinite(after.loss):
        figures["loss"] = after.loss
    figures["steps"] = len(learner.dataloaders.train) * learner.epoch + learner.batch * (
        learner.epoch < EPOCHS
    )
    return {**figures, "seconds": time.perf_counter() - start}


def run(train_set: Dataset) -> dict[str, Any]:
    """Measure and print all four tables; returns their rows by the table's name."""
    parts = two_parts(train_set)
    sizes = "-".join(map(str, SIZES))
    common = f"{sizes}, {EPOCHS} epochs of {len(parts[0].labels):,} digits"
    tables: dict[str, Any] = {}
    for name, caption, rows in plan():
        heading(f"{name}: {common}, {caption}")
        print(f"{'':28} {'loss before':>11} {'after':>8} {'accuracy':>10} {'steps':>7} {'s':>6}")
        tables[name] = []
        for what, (model, more) in rows.items():
            figures = train(parts, network(*model), **more)
            tables[name].append({"what": what, **figures})
            print(table_row(what, figures), flush=True)
    return tables


def plan() -> Iterator[tuple[str, str, dict[str, tuple[tuple[Any, ...], dict[str, Any]]]]]:
    """Each table: its name, its caption, and for each row what `network` and `train` get."""
    initializers = {
        "all zero": zeros,
        "normal, deviation 1": normal(1.0),
        "normal, deviation 0.01": normal(0.01),
        "Glorot: √(6/(in + out))": xavier_uniform,
        "He: √(2/in)": he_normal,
    }
    rows: dict[str, Any] = {what: ((start,), {}) for what, start in initializers.items()}
    yield "initialisation", "ReLU, batches of 64, learning rate 0.1", rows
    rows = {f"{size}": ((), {"batch_size": size}) for size in (8, 32, 128, 512, 2048)}
    yield "batch size", "ReLU, He, learning rate 0.1", rows
    rates = (0.001, 0.01, 0.1, 0.3, 1.0, 10.0)
    rows = {f"{rate:g}": ((), {"learning_rate": rate}) for rate in rates}
    yield "learning rate", "ReLU, He, batches of 64", rows
    activations: dict[str, Any] = {"none": None, **ACTIVATIONS}
    rows = {
        what: ((he_normal if make is ReLU else xavier_uniform, make), {})
        for what, make in activations.items()
    }
    yield "activation", "Glorot (He for ReLU), batches of 64, learning rate 0.1", rows


def table_row(what: str, figures: dict[str, Any]) -> str:
    """One training as a line."""
    loss = "–" if figures["loss"] is None else f"{figures['loss']:.4f}"
    before = figures["loss_before"]
    return (
        f"{what:28} {before:>11.4g} {loss:>8} {100 * figures['accuracy']:>8.2f} % "
        f"{figures['steps']:>7,} {figures['seconds']:>6.1f}"
    )
