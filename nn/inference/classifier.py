"""A trained network as its user sees it: images in, probabilities out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.handwriting.framing import SIZE
from nn.inference.checkpoint import PACKAGED_MODELS, Checkpoint, find_model, load_checkpoint
from nn.network.losses import softmax

__all__ = ["DEFAULT_MODEL", "PACKAGED_MODELS", "Reader", "load_reader"]

Array = NDArray[Any]

DEFAULT_MODEL = "cnn"  # the network that is meant where none is named
LARGEST_LOGIT = 1e30  # a network that has learned stays far below 1000
BATCH = 64  # images at once: enough for BLAS, few enough to stay in the processor's cache


class Reader:
    """Reads digits with the network of one file.

    If the checkpoint says so, each image is read three times, as it is and slanted to either side,
    and the logits are averaged: what the network makes of a digit should not hang on its slant.
    """

    def __init__(self, path: Path, checkpoint: Checkpoint) -> None:
        self.path = path
        self.checkpoint = checkpoint
        self.name = checkpoint.name
        slant = checkpoint.slant
        self._slants = [row_shifts(slant), row_shifts(-slant)] if slant else []

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
        views = np.concatenate([images, *(slanted(images, shifts) for shifts in self._slants)])
        with np.errstate(over="ignore", invalid="ignore"):
            logits = self.checkpoint.model.forward(views.reshape(len(views), -1))
        # Of a hostile file's weights the window must not get what is not a number: `fmax` drops it.
        logits = np.fmin(np.fmax(logits, -LARGEST_LOGIT), LARGEST_LOGIT)
        mean: Array = logits.reshape(-1, len(images), logits.shape[1]).mean(axis=0)
        return mean

    def calibrated_logits(self, images: Array) -> Array:
        """`logits`, divided by the network's temperature: their softmax can be believed."""
        calibrated: Array = self.logits(images) / np.float32(self.checkpoint.temperature)
        return calibrated

    def probabilities(self, images: Array) -> Array:
        """Images in 0…1, shaped as for `logits` -> (N, 10) probabilities, float32."""
        return softmax(self.calibrated_logits(images))


def row_shifts(slant: float) -> Array:
    """Weights (28, 28, 28) that move each row of an image sideways, by `slant` cells a row.

    Row y of the result is row y of the image times `weights[y]`: cell x becomes the value, linear
    between two cells, that lies at x + slant · (y − 13.5).
    """
    cells = np.arange(SIZE)
    source = cells + slant * (cells[:, None] - (SIZE - 1) / 2)  # [row, new cell]
    weights = np.maximum(1 - np.abs(cells[None, :, None] - source[:, None, :]), 0)
    shifts: Array = weights.astype(np.float32)
    return shifts


def slanted(images: Array, shifts: Array) -> Array:
    """Images (N, 28, 28) with their rows moved by `row_shifts`."""
    moved: Array = np.matmul(images.swapaxes(0, 1), shifts)  # row by row, all images at once
    result: Array = moved.swapaxes(0, 1)
    return result


def load_reader(name_or_path: str | Path) -> Reader:
    """The network meant by a file's path or a name. Raises `CheckpointError` if there is none.

    >>> reader = load_reader("mlp")
    >>> reader.probabilities(np.zeros((2, 28, 28), np.float32)).shape
    (2, 10)
    """
    path = find_model(name_or_path)
    return Reader(path, load_checkpoint(path))
