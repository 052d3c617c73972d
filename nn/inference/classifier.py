"""A trained network as its user sees it: images in, probabilities out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nn.handwriting.framing import SIZE
from nn.inference.checkpoint import PACKAGED_MODELS, Checkpoint, find_model, load_checkpoint
from nn.network.losses import softmax
from nn.support.types import Array

__all__ = ["DEFAULT_MODEL", "PACKAGED_MODELS", "Classifier", "load_classifier"]

DEFAULT_MODEL = "cnn"  # the network that is meant where none is named
MAX_LOGIT = 1e30  # a network that has learned stays far below 1000
BATCH = 64  # images at once: enough for BLAS, few enough to stay in the processor's cache


class Classifier:
    """Reads digits with the network of one file.

    If the checkpoint says so, each image is read three times, as it is and slanted to either side,
    and the logits are averaged: what the network makes of a digit should not hang on its slant.
    """

    def __init__(self, path: Path, checkpoint: Checkpoint) -> None:
        self.path = path
        self.checkpoint = checkpoint
        self.name = checkpoint.name
        shear = checkpoint.shear
        self._shears = [row_shifts(shear), row_shifts(-shear)] if shear else []

    def count_params(self) -> int:
        """How many numbers the network has learned."""
        return self.checkpoint.model.count_params()

    def logits(self, images: Array) -> Array:
        """Images in 0…1, (N, 28, 28), (N, 1, 28, 28) or (N, 784) -> (N, 10) logits, float32."""
        images = images.reshape(len(images), SIZE, SIZE)
        batches = (images[start : start + BATCH] for start in range(0, len(images), BATCH))
        outputs = [self._batch_logits(batch) for batch in batches]
        return np.concatenate(outputs) if outputs else np.empty((0, 10), np.float32)

    def _batch_logits(self, images: Array) -> Array:
        views = np.concatenate([images, *(sheared(images, shifts) for shifts in self._shears)])
        with np.errstate(over="ignore", invalid="ignore"):
            logits = self.checkpoint.model.forward(views.reshape(len(views), -1))
        # Of a hostile file's weights the window must not get what is not a number: `fmax` drops it.
        logits = np.fmin(np.fmax(logits, -MAX_LOGIT), MAX_LOGIT)
        return logits.reshape(-1, len(images), logits.shape[1]).mean(axis=0)

    def calibrated_logits(self, images: Array) -> Array:
        """`logits`, divided by the network's temperature: their softmax can be believed."""
        return self.logits(images) / np.float32(self.checkpoint.temperature)

    def probabilities(self, images: Array) -> Array:
        """Images in 0…1, shaped as for `logits` -> (N, 10) probabilities, float32."""
        return softmax(self.calibrated_logits(images))


def row_shifts(shear: float) -> Array:
    """Weights (28, 28, 28) that move each row of an image sideways, by `shear` cells a row.

    Row y of the result is row y of the image times `weights[y]`: cell x becomes the value, linear
    between two cells, that lies at x + slant · (y − 13.5).
    """
    cells = np.arange(SIZE)
    source = cells + shear * (cells[:, None] - (SIZE - 1) / 2)  # [row, new cell]
    weights = np.maximum(1 - np.abs(cells[None, :, None] - source[:, None, :]), 0)
    return weights.astype(np.float32)


def sheared(images: Array, shifts: Array) -> Array:
    """Images (N, 28, 28) with their rows moved by `row_shifts`."""
    moved: Array = np.matmul(images.swapaxes(0, 1), shifts)  # row by row, all images at once
    return moved.swapaxes(0, 1)


def load_classifier(name_or_path: str | Path) -> Classifier:
    """The network meant by a file's path or a name. Raises `CheckpointError` if there is none.

    >>> classifier = load_classifier("mlp")
    >>> classifier.probabilities(np.zeros((2, 28, 28), np.float32)).shape
    (2, 10)
    """
    path = find_model(name_or_path)
    return Classifier(path, load_checkpoint(path))
