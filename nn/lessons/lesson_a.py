"""Lesson a: all 70,000 digits, a linear model, then linear–ReLU–linear, and why the ReLU.

As in the teaching notebook that this repeats, MNIST's training and test file are put together and a
random 15 % of all digits validates. Its figures are therefore not those of the test file, and what
is trained here is never shipped or compared with what is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nn.data.dataset import DataLoader, Dataset, split
from nn.lessons import pictures as lesson_plots
from nn.lessons.steps import (
    PrintEpoch,
    Ring,
    explain_step,
    heading,
    learn_a_ring,
    two_layers_are_one,
)
from nn.network.architectures import build, describe, mlp
from nn.network.layers import Linear
from nn.network.sequential import Sequential
from nn.support import plots
from nn.support.types import Array
from nn.training import recipe
from nn.training.learner import DataLoaders, Learner
from nn.training.settings import Settings

SEED = 42
VALIDATION = 0.15
BATCH_SIZE = 256
HIDDEN = 256


def run(train_set: Dataset, test_set: Dataset, folder: Path | None) -> dict[str, Any]:
    """Tell the lesson, write its pictures into `folder` if there is one; returns the figures."""
    heading("a1. the digits")
    pooled = Dataset(
        np.concatenate([train_set.images, test_set.images]),
        np.concatenate([train_set.labels, test_set.labels]),
    )
    training, validation = split(pooled.labels, VALIDATION, np.random.default_rng(SEED))
    loaders = DataLoaders(
        DataLoader(pooled, BATCH_SIZE, training),
        recipe.evaluation_loader(pooled, validation),
    )
    print(
        f"{len(pooled.labels):,} digits, training and test file together; images "
        f"{pooled.images.shape}, bytes 0…255 divided by 255: {pooled.images.min():g} = paper, "
        f"{pooled.images.max():g} = ink; labels {pooled.labels.shape}\n"
        f"to learn from: {len(training):,}, in {len(loaders.train)} batches of {BATCH_SIZE}; "
        f"to validate: {len(validation):,}, a random {100 * VALIDATION:g} %, with its share of "
        "each digit"
    )
    rng = np.random.default_rng(SEED)
    # Copied, since the loader uses its memory again.
    images, labels = (part.copy() for part in next(loaders.train.batches(rng)))

    heading("a2. a linear model, 784-10: one neuron for each digit")
    linear = new_learner(loaders, [], weight_decay=0.0)
    step = explain_step(linear.model, images, labels, learning_rate=0.1)
    print(f"training with Adam, which scales each parameter's steps, batches of {BATCH_SIZE}")
    linear.fit(12, 0.005, [PrintEpoch()])

    heading(f"a3. linear–ReLU–linear, 784-{HIDDEN}-10")
    print("without an activation in between, two linear layers are one, W = W₂ W₁, b = W₂ b₁ + b₂:")
    difference = two_layers_are_one()
    print(
        f"  784-50-10 without one differs from the one layer that it amounts to by {difference:g}"
    )
    ring = learn_a_ring()
    told = ", ".join(f"{name} {100 * right:.1f} %" for name, right in ring.accuracies.items())
    print(f"  a disc and the ring around it, told apart: {told}")
    relu = new_learner(loaders, [HIDDEN], weight_decay=0.1)
    explain_step(relu.model, images, labels, learning_rate=0.1)
    print("training with AdamW; the learning rate falls along half a cosine (optimizers.cosine)")
    relu.fit(12, 0.003, [PrintEpoch()])

    rows = compare({"linear": linear, "linear–ReLU–linear": relu})
    if folder:
        draw(pooled, linear, relu, ring, folder)
    return {
        "digits": len(pooled.labels),
        "validation": len(validation),
        "step": step,
        "rows": rows,
        "two_layers_difference": difference,
        "ring": ring.accuracies,
    }


def compare(learners: dict[str, Learner]) -> list[dict[str, Any]]:
    """Print and return the models' figures after their last epoch."""
    heading("a4. the comparison")
    print(f"{'':20} {'parameters':>10} {'loss':>8} {'accuracy':>10} {'seconds':>8}")
    rows: list[dict[str, Any]] = []
    for name, learner in learners.items():
        last = learner.history[-1]
        row: dict[str, Any] = {
            "model": name,
            "parameters": learner.model.count_params(),
            "epochs": learner.epoch,
            "validation_loss": last.validation_loss,
            "validation_accuracy": last.validation_accuracy,
            "seconds": sum(epoch.seconds for epoch in learner.history),
        }
        print(
            f"{name:20} {row['parameters']:>10,} {row['validation_loss']:>8.4f} "
            f"{100 * row['validation_accuracy']:>8.2f} % {row['seconds']:>8.1f}"
        )
        rows.append(row)
    return rows


def draw(pooled: Dataset, linear: Learner, relu: Learner, ring: Ring, folder: Path) -> None:
    """The lesson's pictures."""
    some = np.random.default_rng(SEED).choice(len(pooled.labels), 40, replace=False)
    captions = [str(label) for label in pooled.labels[some]]
    plots.plot_digits(pooled.images[some], captions, folder / "a-samples.png", "MNIST")
    histories = {"linear": linear.history, "linear–ReLU–linear": relu.history}
    lesson_plots.plot_histories(histories, folder / "a-curves.png")
    lesson_plots.plot_weights(
        first_weight(linear.model), folder / "a-weights-linear.png",
        "linear, 784-10: the weights of each digit's neuron", list("0123456789"),
    )  # fmt: skip
    lesson_plots.plot_weights(
        first_weight(relu.model)[:30], folder / "a-weights-relu.png",
        f"linear–ReLU–linear: the weights of 30 of {HIDDEN} hidden neurons",
    )  # fmt: skip
    lesson_plots.plot_activations(folder / "a-activations.png")
    lesson_plots.plot_ring(ring, folder / "a-two-layers.png")


def new_learner(loaders: DataLoaders, hidden: list[int], weight_decay: float) -> Learner:
    """A learner for 784–hidden–10 with fresh weights; what it has was chosen on this validation."""
    architecture = mlp(hidden)
    print(f"{describe(architecture)}; the settings were chosen on the validation part")
    # A single layer cannot become too certain; the larger model would.
    smoothing = 0.05 if hidden else 0.0
    settings = Settings(
        schedule="cosine", weight_decay=weight_decay, label_smoothing=smoothing, seed=SEED
    )
    return recipe.new_learner(build(architecture, np.random.default_rng(SEED)), loaders, settings)


def first_weight(model: Sequential) -> Array:
    """The weight (features, 784) of the first layer that has one."""
    return next(layer.params["weight"] for layer in model.layers if isinstance(layer, Linear))
