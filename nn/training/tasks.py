"""The trainings that the lessons show and `nn.compare` repeats in other frameworks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nn.data.dataset import DataLoader, Dataset
from nn.network.architectures import NAMED, Architecture, build
from nn.support.errors import DataError
from nn.training import recipe
from nn.training.learner import DataLoaders, Learner
from nn.training.optimizers import SGD
from nn.training.settings import Settings

TRAINING_PART = 0.8  # of the training file, 48,000 digits; the rest validates
MIN_DIGITS = 100  # digits of a training file


@dataclass(frozen=True)
class Task:
    """What is trained, the same for all: stochastic gradient descent with momentum."""

    network: str
    epochs: int
    learning_rate: float
    momentum: float
    batches: int | None = None  # the first so many of the training digits; None = all
    batch_size: int = 128
    seed: int = 42

    @property
    def architecture(self) -> Architecture:
        """The network's layers, as `nn.network.architectures` names them."""
        return NAMED[self.network]


def tasks(batches: int) -> dict[str, Task]:
    """What is trained, by network; `cnn` only for a number of batches."""
    return {
        "mlp": Task("mlp", 10, learning_rate=0.1, momentum=0.0),
        "cnn-small": Task("cnn-small", 1, learning_rate=0.08, momentum=0.9),
        "cnn": Task("cnn", 1, learning_rate=0.01, momentum=0.9, batches=batches),
    }


def new_learner(task: Task, dataset: Dataset, threads: int) -> Learner:
    """Digitpad's learner for a task, with fresh weights."""
    return recipe.new_learner(
        build(task.architecture, np.random.default_rng(task.seed)),
        DataLoaders(DataLoader(dataset, task.batch_size)),
        Settings(schedule="constant", seed=task.seed),
        SGD(task.momentum),
        threads,
    )


def two_parts(whole: Dataset) -> tuple[Dataset, Dataset]:
    """The first `TRAINING_PART` of a data set, and the rest; nothing is copied.

    Raises `DataError` if there is too little of it.
    """
    expect_enough(whole)
    boundary = round(TRAINING_PART * len(whole.labels))
    first, last = slice(0, boundary), slice(boundary, None)
    return (
        Dataset(whole.images[first], whole.labels[first]),
        Dataset(whole.images[last], whole.labels[last]),
    )


def expect_enough(dataset: Dataset) -> None:
    """Raise `DataError` if a data set is too small to train and judge with."""
    if len(dataset.labels) < MIN_DIGITS:
        raise DataError(
            f"too few digits: expected {MIN_DIGITS} or more to learn from, received "
            f"{len(dataset.labels)}; use the whole of MNIST"
        )
