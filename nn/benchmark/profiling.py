"""Where the time of training goes: by layer, and what its matrix products alone would take."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import numpy as np
from threadpoolctl import threadpool_limits

from nn.data.dataset import DataLoader, Dataset
from nn.network.architectures import PIXELS, build, is_convolutional
from nn.network.losses import CrossEntropyLoss
from nn.support.types import Array
from nn.training.optimizers import SGD
from nn.training.recipe import SLICE
from nn.training.tasks import Task

PROFILED_BATCHES = 30


def profile(task: Task, dataset: Dataset) -> list[dict[str, Any]]:
    """Milliseconds a batch takes in each part of a step, on one thread.

    Returns for each layer, or block of layers, and for the rest of a step, {"part", "forward_ms",
    "backward_ms"}.
    """
    model = build(task.architecture, np.random.default_rng(task.seed))
    loss, optimizer = CrossEntropyLoss(), SGD(task.momentum)
    loader = DataLoader(dataset, task.batch_size)
    slice_size = SLICE if is_convolutional(task.architecture) else task.batch_size
    names = ["gathering the batch", *map(repr, model.blocks), "loss", "optimizer"]
    forward, backward = np.zeros(len(names)), np.zeros(len(names))

    def timed(times: Array, number: int, work: Callable[..., Any], *arguments: Any) -> Any:
        start = time.perf_counter()
        result = work(*arguments)
        times[number] += time.perf_counter() - start
        return result

    first = next(i for i, layer in enumerate(model.blocks) if layer.params)
    with threadpool_limits(1, "blas"):
        rng = np.random.default_rng(task.seed)
        batches = itertools.chain.from_iterable(loader.batches(rng) for _ in itertools.count())
        for number in range(PROFILED_BATCHES + 2):
            if number == 2:  # the first ones allocate
                forward[:], backward[:] = 0, 0
            images, labels = timed(forward, 0, next, batches)
            for start in range(0, len(labels), slice_size):
                x = images[start : start + slice_size]
                for index, layer in enumerate(model.blocks):
                    x = timed(forward, 1 + index, layer.forward, x, True)
                timed(forward, -2, loss.forward, x, labels[start : start + slice_size])
                dy = timed(backward, -2, loss.backward)
                for index in range(len(model.blocks) - 1, first, -1):
                    dy = timed(backward, 1 + index, model.blocks[index].backward, dy)
                timed(backward, 1 + first, model.blocks[first].parameter_gradients, dy)
            step = optimizer.step
            timed(backward, -1, step, model.parameters, model.gradients, task.learning_rate)
    scale = 1000 / PROFILED_BATCHES
    return [
        {"part": name, "forward_ms": scale * ahead, "backward_ms": scale * back}
        for name, ahead, back in zip(names, forward, backward, strict=True)
    ]


def matrix_products(task: Task, images: int, threads: int) -> float:
    """Seconds of the matrix products alone of a task with so many images, on as many threads."""
    convolutional = is_convolutional(task.architecture)
    size = SLICE if convolutional else task.batch_size
    workers = threads if convolutional else 1
    slices = task.epochs * -(-images // size)
    # For each worker, and before the clock starts.
    products = [_products_of_a_step(task, size) for _ in range(workers)]

    def work(worker: int) -> None:
        for _ in range(worker, slices, workers):
            for left, right, out in products[worker]:
                np.matmul(left, right, out=out)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
        start = time.perf_counter()
        list(pool.map(work, range(workers)))
        return time.perf_counter() - start


def _products_of_a_step(task: Task, images: int) -> list[tuple[Array, Array, Array]]:
    """Left and right factor and result of each matrix product of a step with so many images."""
    products: list[tuple[Array, Array, Array]] = []
    matmul = np.matmul

    def noted(left: Array, right: Array, out: Array) -> Array:
        products.append((left, right, out))
        result: Array = matmul(left, right, out=out)
        return result

    model = build(task.architecture, np.random.default_rng(0))
    # The layers find `np.matmul` as they begin, so the network must be a new one.
    with mock.patch.object(np, "matmul", noted):
        logits = model.forward(np.ones((images, PIXELS), np.float32), training=True)
        model.parameter_gradients(np.ones_like(logits))
    return products
