"""The curves of a training, as a PNG file; needs matplotlib, the extra "plot"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nn.support.plots import TRAINING, VALIDATION, drawn
from nn.training.learner import Epoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def loss_and_accuracy(figure: Figure) -> Iterator[tuple[Axes, str, int]]:
    """Two axes side by side, over the epochs: the axes, "loss" or "accuracy", and its scale."""
    for axes, quantity, scale in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), (1, 100), strict=True
    ):
        axes.set_xlabel("epoch")
        axes.set_ylabel("cross-entropy loss" if quantity == "loss" else "accuracy (%)")
        axes.grid(alpha=0.3)
        yield axes, quantity, scale


def plot_history(history: Sequence[Epoch], path: Path, title: str) -> None:
    """Training and validation loss and accuracy over the epochs, side by side."""
    from matplotlib.ticker import MaxNLocator

    epochs = [epoch.number for epoch in history]
    with drawn(path, 10, 4) as figure:
        figure.suptitle(title)
        for axes, quantity, scale in loss_and_accuracy(figure):
            for part, label, colour in (
                ("train", "training", TRAINING),
                ("validation", "validation", VALIDATION),
            ):
                values = [getattr(epoch, f"{part}_{quantity}") for epoch in history]
                if None not in values:
                    scaled = [scale * value for value in values]
                    axes.plot(epochs, scaled, color=colour, marker=".", label=label)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.legend(frameon=False)
