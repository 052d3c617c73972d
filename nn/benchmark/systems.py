"""What `nn.compare` compares: the systems, what they train, one training or reading with each."""

from __future__ import annotations

import functools
import importlib.util
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from nn.benchmark import frameworks
from nn.benchmark.frameworks import Trained
from nn.benchmark.profiling import matrix_products
from nn.data.dataset import Dataset, load_mnist
from nn.inference.checkpoint import Checkpoint, load_named
from nn.network.losses import CrossEntropyLoss
from nn.support.types import Array
from nn.training.learner import accuracy
from nn.training.parallel import available_cores
from nn.training.tasks import Task, new_learner, two_parts

MANY = 10_000  # digits that are read in one call
SINGLE_PREDICTIONS = 300


def train_digitpad(task: Task, images: Array, labels: Array) -> Trained:
    """Digitpad as its users have it."""
    learner = new_learner(task, Dataset(images, labels), available_cores())
    with threadpool_limits(1, "blas"):
        start = time.perf_counter()
        learner.fit(task.epochs, task.learning_rate)
        seconds = time.perf_counter() - start
    return Trained(seconds, learner.model.logits)


def matmul_lower_bound(task: Task, images: Array, labels: Array) -> Trained:
    """The matrix products of `train_digitpad`, and nothing else."""
    return Trained(matrix_products(task, len(labels), available_cores()), None)


class System(NamedTuple):
    """What can be compared: `packages` must be installed; None where a system cannot do a thing.

    `classifier` turns a checkpoint into what reads images (N, 784) in that system. `numpy`: NumPy
    multiplies its matrices, so that it depends on OpenBLAS's kernels.
    """

    name: str
    packages: tuple[str, ...]
    train: Callable[[Task, Array, Array], Trained] | None
    networks: tuple[str, ...] = ("mlp", "cnn-small", "cnn")
    classifier: Callable[[Checkpoint], Callable[[Array], Array]] | None = None
    numpy: bool = False


SYSTEMS = {
    "digitpad": System(
        "Digitpad", ("numpy",), train_digitpad, classifier=lambda c: c.model.logits, numpy=True
    ),
    "floor": System("matrix products alone", ("numpy",), matmul_lower_bound, numpy=True),
    "jax": System("JAX, jit", ("jax",), frameworks.train_jax),
    "sklearn": System("scikit-learn", ("sklearn",), frameworks.train_sklearn, ("mlp",), numpy=True),
    "nn-digits": System(
        "neural-network-digits", ("nn_digits",), frameworks.train_nn_digits, ("mlp",), numpy=True
    ),
    "torch": System(
        "PyTorch", ("torch",), frameworks.train_torch, classifier=frameworks.torch_classifier
    ),
    "torch-tensors": System("PyTorch, no DataLoader", ("torch",), frameworks.train_torch_tensors),
    "torch-channels-last": System(
        "PyTorch, channels_last",
        ("torch",),
        frameworks.train_torch_channels_last,
        ("cnn-small", "cnn"),
    ),
    "tensorflow": System("TensorFlow", ("tensorflow",), frameworks.train_tensorflow),
    "onnx": System(
        "ONNX Runtime", ("onnx", "onnxruntime"), None, classifier=frameworks.onnx_classifier
    ),
}


def is_installed(system: System) -> bool:
    """Whether all that a system needs can be found."""
    return all(importlib.util.find_spec(package) for package in system.packages)


def trains(key: str, task: Task) -> bool:
    """Whether a system can train that network."""
    return SYSTEMS[key].train is not None and task.network in SYSTEMS[key].networks


@functools.lru_cache(1)
def load_parts(data_dir: Path | None) -> tuple[Dataset, Dataset]:
    """The digits to train with and those to judge by, loaded once in each process."""
    return two_parts(load_mnist(data_dir)[0])


def train_once(key: str, task: Task, data_dir: Path | None, evaluate: bool) -> dict[str, Any]:
    """One training in the present process: how many images, and the seconds.

    To `evaluate` adds the losses of the network it gave on all digits, and its accuracy.
    """
    training, validation = load_parts(data_dir)
    train = SYSTEMS[key].train
    assert train is not None, f"{key} does not train"
    most = task.batches * task.batch_size if task.batches else None
    images, labels = training.images[:most], training.labels[:most]
    seconds, logits = train(task, images, labels)
    figures: dict[str, Any] = {"images": len(labels), "seconds": seconds}
    if evaluate and logits:
        for name, part in (("train", training), ("validation", validation)):
            values = np.asarray(logits(part.images), np.float32)
            figures[f"{name}_loss"] = CrossEntropyLoss().forward(values, part.labels)
        figures["validation_accuracy"] = accuracy(values, validation.labels)
    return figures


def read_once(key: str, data_dir: Path | None) -> dict[str, float]:
    """The time of reading one digit, at the median, and of many at once, with the shipped `cnn`."""
    images = load_parts(data_dir)[1].images
    make = SYSTEMS[key].classifier
    assert make is not None, f"{key} does not read"
    read = make(load_named("cnn")[1])
    with threadpool_limits(1 if key == "digitpad" else None, "blas"):
        times = []
        for number in range(20 + SINGLE_PREDICTIONS):
            image = images[number % len(images)][None]
            start = time.perf_counter()
            read(image)
            times.append(time.perf_counter() - start)
        start = time.perf_counter()
        read(images[:MANY])
        seconds = time.perf_counter() - start
    return {"single_ms": 1000 * statistics.median(times[20:]), "many_seconds": seconds}
