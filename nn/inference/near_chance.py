"""A hint where a network reads labelled images hardly better than by guessing.

The cause is mostly not the network but the images: rows and columns exchanged, or white ink on
black paper taken for its opposite. Both can be tried; what remains is the labels.
"""

from __future__ import annotations

import numpy as np

from nn.handwriting.framing import SIZE
from nn.inference.classifier import Classifier
from nn.support.types import Array

NEAR_CHANCE = 0.25  # guesses are 10 % right, as are transposed or inverted digits, 4 to 18 %
SUSPICIOUS = 0.5  # a few transposed digits may be read far better, if there are many 0, 1 and 8
MIN_IMAGES = 10  # images; of fewer, many may be wrong by chance
TRIED = 1000  # images
WAY = "rows run from the top, paper is 0, ink is 255"


def near_chance_hint(
    classifier: Classifier, images: Array, labels: Array, accuracy: float
) -> str | None:
    """What may be wrong with images (N, 784) and labels (N,), or None if nothing seems to be."""
    if accuracy >= SUSPICIOUS or len(labels) < MIN_IMAGES:
        return None
    images = images[:TRIED].reshape(-1, SIZE, SIZE)
    transposed = np.ascontiguousarray(images.swapaxes(1, 2))
    views = {
        "transposed": transposed,
        "inverted": 1 - images,
        "transposed and inverted": 1 - transposed,
    }
    rights = {
        name: float(np.mean(classifier.logits(view).argmax(axis=1) == labels[:TRIED]))
        for name, view in views.items()
    }
    best = max(rights, key=rights.__getitem__)
    if rights[best] > max(SUSPICIOUS, 2 * accuracy):
        return (
            f"hint: {100 * accuracy:.1f} % are read right, but {100 * rights[best]:.1f} % with the "
            f"images {best}; {WAY}"
        )
    if accuracy >= NEAR_CHANCE:
        return None
    return (
        f"hint: {100 * accuracy:.1f} % right is near chance; are the images transposed or inverted "
        f"({WAY}), or the labels in another column or in another order?"
    )
