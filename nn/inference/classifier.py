"""A trained network as its user sees it: images in, probabilities out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nn.inference.checkpoint import PACKAGED_MODELS, Checkpoint, load_checkpoint, load_named
from nn.inference.views import mean_over_views
from nn.network.losses import softmax
from nn.support.types import Array

__all__ = ["DEFAULT_MODEL", "PACKAGED_MODELS", "Classifier", "load_classifier"]

DEFAULT_MODEL = "cnn"  # the network that is meant where none is named
MAX_LOGIT = 1e30  # a network that has learned stays far below 1000


class Classifier:
    """Reads digits with the network of one file.

    If the checkpoint says so, each image is read three times, as it is and slanted to either side,
    and the logits are averaged.
    """

    def __init__(self, path: Path, checkpoint: Checkpoint) -> None:
        self.path = path
        self.checkpoint = checkpoint
        self.name = checkpoint.name

    def count_params(self) -> int:
        """How many numbers the network has learned."""
        return self.checkpoint.model.count_params()

    def logits(self, images: Array) -> Array:
        """Images in 0…1, (N, 28, 28), (N, 1, 28, 28) or (N, 784) -> (N, 10) logits, float32."""
        return mean_over_views(self._bounded_logits, images, self.checkpoint.shear)

    def _bounded_logits(self, images: Array) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            logits = self.checkpoint.model.forward(images)
        # With the weights of a hostile file some may not be numbers, which `fmax` drops.
        return np.fmin(np.fmax(logits, -MAX_LOGIT), MAX_LOGIT)

    def calibrated_logits(self, images: Array) -> Array:
        """`logits`, divided by the network's temperature: their softmax can be believed."""
        return self.logits(images) / np.float32(self.checkpoint.temperature)

    def probabilities(self, images: Array) -> Array:
        """Images in 0…1, shaped as for `logits` -> (N, 10) probabilities, float32."""
        return self.reading(images)[0]

    def reading(self, images: Array) -> tuple[Array, Array]:
        """The `probabilities` of images, and the `logits` that they came from."""
        logits = self.logits(images)
        return softmax(logits / np.float32(self.checkpoint.temperature)), logits


def load_classifier(name_or_path: str | Path) -> Classifier:
    """The network meant by a file's path or a name. Raises `CheckpointError` if there is none.

    >>> classifier = load_classifier("mlp")
    >>> classifier.probabilities(np.zeros((2, 28, 28), np.float32)).shape
    (2, 10)
    """
    return Classifier(*load_named(name_or_path))


def load_listed(path: Path) -> Classifier:
    """The network of a file that stands in a folder: never waits. Raises `CheckpointError`."""
    return Classifier(path, load_checkpoint(path))
