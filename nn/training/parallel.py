"""The gradients of a batch, computed slice by slice on several threads.

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

SLICE = 64  # images a thread works on at once: fewer mean more calls, more do not fit in a cache


def available_cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class BatchGradients:
    """Fills `model.gradients` with a batch's mean gradient, and tells its mean loss and metric.

    `slice_size` is the number of images worked on at once, `threads` how many slices at a time.
    """

    def __init__(
        self,
        model: Sequential,
        loss: CrossEntropyLoss,
        metric: Callable[[Array, Array], float],
        slice_size: int,
        threads: int,
    ) -> None:
        self.model, self.metric, self.slice_size = model, metric, slice_size
        self._workers = [
            (model.replica(), CrossEntropyLoss(loss.label_smoothing)) for _ in range(threads)
        ]
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._rngs: list[np.random.Generator] = []
        self._slice_gradients = np.empty((0, model.count_params()), model.parameters.dtype)

    def use_rng(self, rng: np.random.Generator) -> None:
        """Give the slices generators of their own, so that chance does not depend on threads."""
        self._parent_rng, self._rngs = rng, []

    def __call__(self, images: Array, labels: Array) -> tuple[float, float]:
        """The mean loss and metric of a batch; its mean gradient is in `model.gradients`."""
        starts = range(0, len(labels), self.slice_size)
        self._make_room(len(starts))
        results = [(0.0, 0.0)] * len(starts)

        def work(worker: int) -> None:
            for number in range(worker, len(starts), len(self._workers)):
                part = slice(starts[number], starts[number] + self.slice_size)
                share = len(labels[part]) / len(labels)
                # The learner finds what is not finite; each thread has settings of its own.
                with np.errstate(over="ignore", invalid="ignore"):
                    results[number] = self._one_slice(
                        worker, number, images[part], labels[part], share
                    )

        if self._pool is None:
            work(0)
        else:
            list(self._pool.map(work, range(len(self._workers))))
        np.sum(self._slice_gradients[: len(starts)], axis=0, out=self.model.gradients)
        return sum(loss for loss, _ in results), sum(metric for _, metric in results)

    def _one_slice(
        self, worker: int, number: int, images: Array, labels: Array, share: float
    ) -> tuple[float, float]:
        """A slice's part of the batch's mean loss and metric; its gradient goes to its own row."""
        model, loss = self._workers[worker]
        model.use_rng(self._rngs[number])
        logits = model.forward(images, training=True)
        mean_loss = loss.forward(logits, labels)
        mean_metric = self.metric(logits, labels)
        model.parameter_gradients(loss.backward())
        np.multiply(model.gradients, share, out=self._slice_gradients[number])
        return share * mean_loss, share * mean_metric

    def _make_room(self, slices: int) -> None:
        if len(self._slice_gradients) < slices:
            size = self.model.count_params()
            self._slice_gradients = np.empty((slices, size), self.model.parameters.dtype)
        if len(self._rngs) < slices:
            self._rngs += self._parent_rng.spawn(slices - len(self._rngs))

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
