"""The gradient of a batch, at once or slice by slice on several cores.

A batch of images through a convolutional network needs more memory than a processor's caches hold;
a slice of it fits. Slices are worked on side by side, by threads or by forked processes. Each
slice's gradients are kept apart and added up in the slices' order: the result is the same to the
last bit, however many work on them.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.random import Generator

from nn.network.losses import CrossEntropyLoss
from nn.network.sequential import Sequential
from nn.support.types import Array
from nn.training.forks import Forks, can_fork, shared

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
    a `with` block, by one outside it; without, at once. If `forked`, they are forked processes
    where the system has them: for slices that take many short calls.
    """

    def __init__(
        self,
        model: Sequential,
        loss: CrossEntropyLoss,
        metric: Metric,
        slice_size: int | None = None,
        threads: int = 1,
        forked: bool = False,
    ) -> None:
        self.model, self.loss, self.metric = model, loss, metric
        self.slice_size, self.threads = slice_size, threads if slice_size else 1
        self.forked = forked and can_fork() and self.threads > 1
        self._workers = [
            (model.replica(), CrossEntropyLoss(loss.label_smoothing))
            for _ in range(self.threads if slice_size else 0)
        ]
        self._is_open = False
        self._pool: ThreadPoolExecutor | None = None
        self._forks: Forks | None = None
        self._batch = np.empty((0, 0)), np.empty(0)  # images and labels, as the forks see them
        self._weights = np.empty(0)  # as they see them
        self._slice_gradients = np.empty((0, model.count_params()), model.parameters.dtype)
        self._slice_means = np.empty((0, 2))
        self._rngs: list[Generator] = []

    def __enter__(self) -> BatchGradients:
        self._is_open = True
        if self.threads > 1 and not self.forked:
            self._pool = ThreadPoolExecutor(self.threads)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_open = False
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        if self._forks is not None:
            self._forks.end()
            self._forks = None

    def use_rng(self, rng: Generator) -> None:
        """Draw from `rng`; slices have generators of their own, the same for any threads."""
        self.model.use_rng(rng)
        self._parent_rng, self._rngs = rng, []

    def __call__(self, images: Array, labels: Array) -> tuple[float, float]:
        """The mean loss and metric of a batch; its mean gradient is in `model.gradients`."""
        if self.slice_size is None:
            return gradient_step(self.model, self.loss, self.metric, images, labels)
        slices = -(-len(labels) // self.slice_size)
        if len(self._rngs) < slices:
            self._rngs += self._parent_rng.spawn(slices - len(self._rngs))
        rngs = self._rngs[:slices]
        if self.forked and self._is_open and slices > 1:
            self._on_forks(images, labels, rngs)
        else:
            if len(self._slice_means) < slices:
                self._make_room(slices, np.empty)
            workers = range(len(self._workers))
            work = functools.partial(self._work, images=images, labels=labels, rngs=rngs)
            list(self._pool.map(work, workers) if self._pool else map(work, workers))
        np.sum(self._slice_gradients[:slices], axis=0, out=self.model.gradients)
        loss, metric = (sum(means) for means in self._slice_means[:slices].T.tolist())
        return loss, metric

    def _work(self, worker: int, images: Array, labels: Array, rngs: list[Generator]) -> None:
        """The part of a batch that falls to a worker: every so many-th slice."""
        (model, loss), size = self._workers[worker], self.slice_size
        assert size is not None
        # The learner finds what is not finite; each thread has settings of its own.
        with np.errstate(over="ignore", invalid="ignore"):
            for number in range(worker, len(rngs), len(self._workers)):
                part = slice(number * size, (number + 1) * size)
                share = len(labels[part]) / len(labels)
                model.use_rng(rngs[number])
                means = gradient_step(model, loss, self.metric, images[part], labels[part])
                np.multiply(model.gradients, share, out=self._slice_gradients[number])
                self._slice_means[number] = share * means[0], share * means[1]

    def _on_forks(self, images: Array, labels: Array, rngs: list[Generator]) -> None:
        """Let the forks work on a batch; they hand back the generators that they drew from."""
        if self._forks is None or len(labels) > len(self._batch[1]):
            self._fork(images, labels, len(rngs))
        for ours, theirs in zip(self._batch, (images, labels), strict=True):
            ours[: len(labels)] = theirs
        self._weights[...] = self.model.parameters
        assert self._forks is not None
        count = len(self._workers)
        for worker, drawn in enumerate(self._forks.run(len(labels), rngs)):
            self._rngs[worker : len(rngs) : count] = drawn

    def _work_on_fork(self, worker: int, count: int, rngs: list[Generator]) -> list[Generator]:
        if worker:  # a fork's own model is as it was when it was copied
            self.model.parameters[...] = self._weights
        images, labels = self._batch
        self._work(worker, images[:count], labels[:count], rngs)
        return rngs[worker :: len(self._workers)]

    def _fork(self, images: Array, labels: Array, slices: int) -> None:
        """Fork with room for batches as large as this one."""
        if self._forks is not None:
            self._forks.end()
        self._make_room(slices, shared)
        self._batch = shared(images.shape, images.dtype), shared(labels.shape, labels.dtype)
        self._weights = shared(self.model.parameters.shape, self.model.parameters.dtype)
        self._forks = Forks(self._work_on_fork, len(self._workers))

    def _make_room(self, slices: int, new: Callable[..., Array]) -> None:
        parameters = self.model.parameters
        self._slice_gradients = new((slices, parameters.size), parameters.dtype)
        self._slice_means = new((slices, 2), np.float64)
