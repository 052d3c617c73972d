"""The pictures of the lessons, as PNG files; needs matplotlib, the extra "plot"."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nn.lessons.steps import Ring
from nn.network.architectures import ACTIVATIONS
from nn.support.plots import TRAINING, VALIDATION, drawn
from nn.support.types import Array
from nn.training.curves import loss_and_accuracy
from nn.training.learner import Epoch

PARTS = (("train", "training", ":"), ("validation", "validation", "-"))


def plot_weights(weight: Array, path: Path, title: str, captions: Sequence[str] = ()) -> None:
    """The rows of a first layer's weight (features, 784) as images; red above 0, blue below."""
    columns = min(10, len(weight))
    rows = math.ceil(len(weight) / columns)
    with drawn(path, 0.85 * columns, 1.0 * rows + 0.4) as figure:
        figure.suptitle(title, fontsize=10)
        every = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in every:
            axes.set_axis_off()
        for index, (axes, row) in enumerate(zip(every, weight, strict=False)):
            # Pixels at the edge, which are never inked, keep their first random weights; the
            # largest few of the others would leave the rest pale.
            limit = np.quantile(np.abs(row), 0.99)
            axes.imshow(row.reshape(28, 28), cmap="RdBu_r", vmin=-limit, vmax=limit)
            if captions:
                axes.set_title(captions[index], fontsize=9, pad=2)


def plot_histories(histories: Mapping[str, Sequence[Epoch]], path: Path) -> None:
    """Loss and accuracy of several models over the epochs: dotted in training, solid after it."""
    colours = dict(zip(histories, (TRAINING, VALIDATION), strict=False))
    with drawn(path, 9, 3.4) as figure:
        for axes, quantity, scale in loss_and_accuracy(figure):
            for name, history in histories.items():
                numbers = [epoch.number for epoch in history]
                for part, label, style in PARTS:
                    values = [scale * getattr(epoch, f"{part}_{quantity}") for epoch in history]
                    axes.plot(numbers, values, style, color=colours[name], label=f"{name}, {label}")
        axes.legend(frameon=False, fontsize=8)


def plot_curve(points: Sequence[tuple[int, float, float]], path: Path, title: str) -> None:
    """Loss and held-out accuracy (0…1) over the number of steps: (step, loss, accuracy) each."""
    steps, losses, accuracies = zip(*points, strict=True)
    with drawn(path, 9, 3.2) as figure:
        figure.suptitle(title, fontsize=10)
        left, right = figure.subplots(1, 2)
        left.plot(steps, losses, color=TRAINING)
        left.set_ylabel("cross-entropy loss, training")
        right.plot(steps, [100 * value for value in accuracies], color=VALIDATION)
        right.set_ylabel("accuracy, held out (%)")
        for axes in (left, right):
            axes.set_xlabel("step")
            axes.grid(alpha=0.3)


def plot_confusion(confusion: Array, path: Path, title: str) -> None:
    """The confusion matrix (10, 10): a row for each digit, a column for what it was read as."""
    wrong = np.where(np.eye(len(confusion), dtype=bool), 0, confusion)
    with drawn(path, 5, 4.6) as figure:
        figure.suptitle(title, fontsize=10)
        axes = figure.subplots()
        axes.imshow(wrong, cmap="Oranges", vmax=max(1, 1.5 * wrong.max()))
        for i, j in np.ndindex(confusion.shape):
            axes.text(j, i, f"{confusion[i, j]}" if confusion[i, j] else "·", ha="center",
                      va="center", fontsize=8, weight="bold" if i == j else "normal")  # fmt: skip
        axes.set_xticks(range(len(confusion)))
        axes.set_yticks(range(len(confusion)))
        axes.set_xlabel("read as")
        axes.set_ylabel("digit")


def plot_activations(path: Path) -> None:
    """The activation functions with their derivatives, both from the layers themselves."""
    x = np.linspace(-4, 4, 401)[None]
    with drawn(path, 9, 2.8) as figure:
        panels = figure.subplots(1, len(ACTIVATIONS))
        for axes, (name, make) in zip(panels, ACTIVATIONS.items(), strict=True):
            layer = make(dtype=np.float64)
            y, slope = layer.forward(x, training=True)[0], layer.backward(np.ones_like(x))[0]
            axes.plot(x[0], y, color=TRAINING, label="y")
            axes.plot(x[0], slope, "--", color=VALIDATION, label="dy/dx")
            axes.set_title(name, fontsize=10)
            axes.set_ylim(-1.2, 2.2)
            axes.grid(alpha=0.3)
            axes.legend(frameon=False, fontsize=8)


def plot_ring(ring: Ring, path: Path) -> None:
    """How each network of `learn_a_ring` divides the plane."""
    with drawn(path, 9, 3.4) as figure:
        panels = figure.subplots(1, len(ring.areas))
        for axes, (name, area) in zip(panels, ring.areas.items(), strict=True):
            axes.imshow(
                area, origin="lower", extent=(-1.5, 1.5, -1.5, 1.5), cmap="RdBu_r", vmin=0, vmax=1,
                alpha=0.6,
            )  # fmt: skip
            for label, colour in ((0, TRAINING), (1, VALIDATION)):
                chosen = ring.points[ring.labels == label]
                axes.plot(chosen[:, 0], chosen[:, 1], ".", color=colour, markersize=2)
            axes.set_title(f"{name}: {100 * ring.accuracies[name]:.1f} %", fontsize=10)
            axes.set_xticks([])
            axes.set_yticks([])
