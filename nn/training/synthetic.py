"""Synthetic digits that are added to those of the training file, others in each epoch."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from nn.data.dataset import Dataset
from nn.handwriting.digits import write_digits

AT_ONCE = 3000  # many digits of one style at once are quicker


def with_room(dataset: Dataset, count: int) -> Dataset:
    """The data set with `count` more images after its own, empty yet, labelled 0 to 9 in turn."""
    images = np.zeros((len(dataset.labels) + count, dataset.images.shape[1]), np.float32)
    images[: len(dataset.labels)] = dataset.images
    return Dataset(images, np.concatenate([dataset.labels, np.arange(count) % 10]))


def regenerate_synthetic(
    dataset: Dataset, start: int, threads: int
) -> Callable[[np.random.Generator], None]:
    """What writes new synthetic digits into the images from `start` on, before each epoch."""

    def renew(rng: np.random.Generator) -> None:
        starts = range(start, len(dataset.labels), AT_ONCE)

        def write(first: int, rng: np.random.Generator) -> None:
            labels = dataset.labels[first : first + AT_ONCE]
            written = write_digits(labels, rng).reshape(len(labels), -1)
            dataset.images[first : first + len(labels)] = written

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(write, starts, rng.spawn(len(starts))))

    return renew
