"""The digits that keep a tuned network from forgetting: some to rehearse, others to evaluate on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from nn.data.dataset import Part, cached_mnist, load_bytes, split, to_unit_range
from nn.handwriting.digits import write_digits
from nn.inference.checkpoint import Checkpoint
from nn.network.architectures import CLASSES, PIXELS
from nn.support.errors import DataError
from nn.support.types import Array

MIN_FROM_MNIST = 100  # digits of a training file; with fewer the accuracy says nothing
DEFAULT_VALIDATION, DEFAULT_SEED = 0.05, 42  # how shipped networks split MNIST, if they do not say


def training_digits(data_dir: Path | None) -> Part | None:
    """MNIST's training file as bytes; None where it is not on disk, not whole or too small."""
    folder = data_dir or cached_mnist()
    if folder is None:
        return None
    try:
        part = load_bytes(folder, "train")
    except DataError:
        return None
    return part if len(part[1]) >= MIN_FROM_MNIST else None


def mnist_test_digits(data_dir: Path | None = None) -> Part | None:
    """MNIST's test digits (N, 784) in 0…1 and labels, only to measure; None if not on disk.

    Raises `DataError` if they are not in the `data_dir` that was asked for.
    """
    folder = data_dir or cached_mnist()
    if folder is None:
        return None
    try:
        images, labels = load_bytes(folder, "test")
    except DataError:
        if data_dir is not None:
            raise
        return None
    return to_unit_range(images), labels


def synthetic_digits(count: int, rng: np.random.Generator, check: Callable[[], None]) -> Part:
    """Synthetic images (N, 784) in 0…1, and labels; `check` may stop it by an error."""
    labels = np.arange(count) % CLASSES
    return write_digits(labels, rng, check=check).reshape(count, PIXELS), labels


def digits_of_mnist(
    mnist: Part, shipped: Checkpoint, rehearsed: int, guarded: int, rng: np.random.Generator
) -> tuple[Part, Part]:
    """Digits that the shipped network was trained on, and digits that it was not.

    Images (N, 784) in 0…1, at most `rehearsed` and `guarded` of them.
    """
    images, labels = mnist

    def chosen(rows: Array, count: int) -> Part:
        rows = np.sort(rng.choice(rows, min(count, len(rows)), replace=False))
        return to_unit_range(images[rows]), labels[rows]

    trained, validation = split(labels, *split_of(shipped))
    return chosen(trained, rehearsed), chosen(validation, guarded)


def split_of(shipped: Checkpoint) -> tuple[float, np.random.Generator]:
    """The part that was kept aside when a network was trained, and the generator that chose it.

    As its record says; the usual ones where it does not, or says what cannot be.
    """
    settings = shipped.record.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    part, seed = settings.get("validation"), settings.get("seed")
    if not (isinstance(part, float) and 0 < part <= 0.9):
        part = DEFAULT_VALIDATION
    if not (type(seed) is int and 0 <= seed < 2**63):
        seed = DEFAULT_SEED
    return part, np.random.default_rng(seed)


def endless(rows: Array, size: int, rng: np.random.Generator) -> Iterator[Array]:
    """These rows in random order, at most `size` at a time, again and again."""
    size = min(size, len(rows))
    while True:
        order = rng.permutation(rows)
        for start in range(0, len(rows) - size + 1, size):
            yield order[start : start + size]
