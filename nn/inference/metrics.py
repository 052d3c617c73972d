"""How well a network classifies labelled images: figures, confusion matrix, and both as text."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nn.inference.calibration import expected_calibration_error
from nn.network.architectures import CLASSES
from nn.network.losses import CrossEntropyLoss, softmax
from nn.support.types import Array


def confusion_matrix(labels: Array, guesses: Array) -> Array:
    """How many digits i, by their `labels` (N,), were read as j, by `guesses` (N,): (10, 10)."""
    counts = np.bincount(labels * CLASSES + guesses, minlength=CLASSES * CLASSES)
    return counts.reshape(CLASSES, CLASSES)


def evaluate_logits(logits: Array, labels: Array) -> dict[str, Any]:
    """Accuracy, loss, calibration, accuracy by digit and confusion matrix, by JSON key.

    `logits` is (N, 10) and `labels` (N,), N at least 1. `confusion[i][j]` counts the digits i that
    were read as j. `plus_minus` is half of the 95 % interval of the accuracy at this number of
    images (normal approximation): another test set of this size would give a figure within about
    that distance.
    """
    confusion = confusion_matrix(labels, logits.argmax(axis=1))
    accuracy = float(confusion.trace() / len(labels))
    counts, right = confusion.sum(axis=1), confusion.diagonal()
    return {
        "images": len(labels),
        "accuracy": accuracy,
        "plus_minus": 1.96 * math.sqrt(accuracy * (1 - accuracy) / len(labels)),
        "loss": CrossEntropyLoss().forward(logits, labels),
        "calibration_error": expected_calibration_error(softmax(logits), labels),
        "per_class": [
            {"digit": digit, "count": int(n), "accuracy": float(hits / n) if n else None}
            for digit, (n, hits) in enumerate(zip(counts, right, strict=True))
        ],
        "confusion": confusion.tolist(),
    }


def report(result: dict[str, Any]) -> str:
    """The result as text: figures, then the confusion matrix with each digit's accuracy."""
    lines = [
        f"accuracy {100 * result['accuracy']:.2f} % ± {100 * result['plus_minus']:.2f}, "
        f"loss {result['loss']:.4f}, calibration error {100 * result['calibration_error']:.2f} %",
        "",
        "digit │ read as 0    1    2    3    4    5    6    7    8    9 │ right",
    ]
    for row, entry in zip(result["confusion"], result["per_class"], strict=True):
        cells = "".join(f"{count or '·':>5}" for count in row)
        right = "–" if entry["accuracy"] is None else f"{100 * entry['accuracy']:.1f} %"
        lines.append(f"{entry['digit']:>5} │    {cells} │ {right:>7}")
    return "\n".join(lines)
