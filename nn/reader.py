"""A trained network as its user sees it: images in, probabilities out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.architectures import PIXELS
from nn.checkpoint import Checkpoint, find_model, load_checkpoint
from nn.losses import softmax

Array = NDArray[Any]

DEFAULT_MODEL = "mlp"  # the network that is meant where none is named
BATCH = 64  # images at once: enough for BLAS, few enough to stay in the processor's cache


class Reader:
    """Reads digits with the network of one file."""

    def __init__(self, path: Path, checkpoint: Checkpoint) -> None:
        self.path = path
        self.checkpoint = checkpoint
        self.name = checkpoint.name

    def count_params(self) -> int:
        """How many numbers the network has learned."""
        return self.checkpoint.model.count_params()

    def logits(self, images: Array) -> Array:
        """Images in 0…1, (N, 28, 28), (N, 1, 28, 28) or (N, 784) -> (N, 10) logits, float32."""
        model = self.checkpoint.model
        images = images.reshape(len(images), PIXELS)
        batches = range(0, len(images), BATCH)
        # Copied, because the next forward pass writes into the same buffer.
        outputs = [model.forward(images[start : start + BATCH]).copy() for start in batches]
        return np.concatenate(outputs) if outputs else np.empty((0, 10), np.float32)

    def probabilities(self, images: Array) -> Array:
        """Images in 0…1, shaped as for `logits` -> (N, 10) probabilities, float32."""
        return softmax(self.logits(images) / np.float32(self.checkpoint.temperature))


def load_reader(name_or_path: str | Path) -> Reader:
    """The network meant by a file's path or a name. Raises `CheckpointError` if there is none."""
    path = find_model(name_or_path)
    return Reader(path, load_checkpoint(path))
