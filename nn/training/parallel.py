"""The gradient of a batch, at once or slice by slice on several threads.

A batch of images through a convolutional network needs more memory than a processor's caches hold;
a slice of it fits. NumPy lets go of Python's lock while it computes, so threads run side by side.
Each slice's gradients are kept apart and added up in the slices' order: the result is the same to
the last bit for any number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from nn.network.losses import CrossEntropyLoss
from nn.network.sequential import Sequential
from nn.support.types import Array

Metric = Callable[[Array, Array], float]


def available_cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gradient_step(
    model: Sequential, loss: CrossEntropyLoss, metric: Metric, images: Array, labels: Array
) -> tuple[float, float]:
    """Forward, loss, backward: the mean loss and metric; the gradient is in `model.gradients`."""
    logits = model.forward(images, training=True)
    mean_loss, mean_metric = loss.forward(logits, labels), metric(logits, labels)
    model.parameter_gradients(loss.backward())
    return mean_loss, mean_metric


class BatchGradients:
    """Fills `model.gradients` with a batch's mean gradient, and tells its mean loss and metric.

    With `slice_size`, a batch is worked on in slices of so many images, by `threads` threads within
    a `with` block, by one outside it; without, at once.
    """

    def __init__(
        self,
        model: Sequential,
        loss: CrossEntropyLoss,
        metric: Metric,
        slice_size: int | None = None,
        threads: int = 1,
    ) -> None:
        self.model, self.loss, self.metric = model, loss, metric
        self.slice_size, self.threads = slice_size, threads if slice_size else 1
        self._workers = [
            (model.replica(), CrossEntropyLoss(loss.label_smoothing))
            for _ in range(self.threads if slice_size else 0)
        ]
        self._pool: ThreadPoolExecutor | None = None
        self._rngs: list[np.random.Generator] = []
        self._slice_gradients = np.empty((0, model.count_params()), model.parameters.dtype)

    def __enter__(self) -> BatchGradients:
        if self.threads > 1:
            self._pool = ThreadPoolExecutor(self.threads)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def use_rng(self, rng: np.random.Generator) -> None:
        """Draw from `rng`; slices have generators of their own, the same for any threads."""
        self.model.use_rng(rng)
        self._parent_rng, self._rngs = rng, []

    def __call__(self, images: Array, labels: Array) -> tuple[float, float]:
        """The mean loss and metric of a batch; its mean gradient is in `model.gradients`."""
        size = self.slice_size
        if size is None:
            return gradient_step(self.model, self.loss, self.metric, images, labels)
        starts = range(0, len(labels), size)
        self._make_room(len(starts))
        results = [(0.0, 0.0)] * len(starts)

        def work(worker: int) -> None:
            model, loss = self._workers[worker]
            # The learner finds what is not finite; each thread has settings of its own.
            with np.errstate(over="ignore", invalid="ignore"):
                for number in range(worker, len(starts), len(self._workers)):
                    part = slice(starts[number], starts[number] + size)
                    share = len(labels[part]) / len(labels)
                    model.use_rng(self._rngs[number])
                    means = gradient_step(model, loss, self.metric, images[part], labels[part])
                    np.multiply(model.gradients, share, out=self._slice_gradients[number])
                    results[number] = share * means[0], share * means[1]

        workers = range(len(self._workers))
        list(self._pool.map(work, workers) if self._pool else map(work, workers))
        np.sum(self._slice_gradients[: len(starts)], axis=0, out=self.model.gradients)
        return sum(loss for loss, _ in results), sum(metric for _, metric in results)

    def _make_room(self, slices: int) -> None:
        if len(self._slice_gradients) < slices:
            size = self.model.count_params()
            self._slice_gradients = np.empty((slices, size), self.model.parameters.dtype)
        if len(self._rngs) < slices:
            self._rngs += self._parent_rng.spawn(slices - len(self._rngs))
