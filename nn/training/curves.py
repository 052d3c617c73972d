"""The curves of a training, as a PNG file; needs matplotlib, the extra "plot"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nn.support.plots import TRAINING, VALIDATION, save_figure
from nn.training.learner import Epoch


def plot_history(history: Sequence[Epoch], path: Path, title: str) -> None:
    """Training and validation loss and accuracy over the epochs, side by side."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(10, 4), layout="constrained")
    figure.suptitle(title)
    epochs = [epoch.number for epoch in history]
    for axes, quantity, scale in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), (1, 100), strict=True
    ):
        for part, colour in (("train", TRAINING), ("validation", VALIDATION)):
            values = [getattr(epoch, f"{part}_{quantity}") for epoch in history]
            if None not in values:
                label = "training" if part == "train" else part
                axes.plot(
                    epochs, [scale * v for v in values], color=colour, marker=".", label=label
                )
        axes.set_xlabel("epoch")
        axes.set_ylabel("cross-entropy loss" if quantity == "loss" else "accuracy (%)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    save_figure(figure, path)
