"""Training a fresh network in the background, while the window shows how it learns."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from nn.data.dataset import DataLoader, Dataset, split
from nn.inference.calibration import fit_temperature
from nn.inference.checkpoint import Checkpoint, save_checkpoint
from nn.inference.classifier import Classifier
from nn.network.architectures import NAMED, Architecture, build, is_convolutional
from nn.network.layers import Sequential
from nn.network.losses import CrossEntropyLoss
from nn.support.errors import DigitpadError
from nn.support.types import Array
from nn.training.learner import EVALUATION_BATCH, BestWeights, Callback, DataLoaders, Learner
from nn.training.optimizers import Adam, cosine
from nn.training.settings import DEFAULTS, new_settings

State = Literal["running", "stopped", "finished", "failed"]
SHOWN_EVERY = 0.25  # seconds between two looks at the weights
MAX_POINTS = 400  # of a curve; every other one goes when there are more
EPOCHS = 10
# How long the window waits for Python's lock while a thread computes; the usual 5 ms, several times
# a frame, would be felt.
SWITCH_SECONDS = 0.0005
SLICE = 32  # images that a convolution works on at once


class CurvePoint(NamedTuple):
    """How well the network did on the digits since the point before."""

    epoch: float  # how many times it has seen the training digits
    loss: float
    accuracy: float


class Training(Callback):
    """Trains a fresh network of an architecture on a data set, in a thread of its own.

    `points` are the curve of the training digits, `validation` that of the digits kept aside, a
    point an epoch. `classifier` reads with the weights as they were at the last `refresh`.
    """

    def __init__(
        self,
        name: str,
        architecture: Architecture,
        dataset: Dataset,
        epochs: int = EPOCHS,
        seed: int = 0,
    ) -> None:
        # A network that was trained or tuned here has the name of its file; it is one of these.
        name = next((usual for usual in NAMED if NAMED[usual] == architecture), name)
        self.name = name
        self.state: State = "running"
        self.message = ""
        self.points: list[CurvePoint] = []
        self.validation: list[CurvePoint] = []
        self.epochs = epochs
        self.version = 0  # grows with each new look at the weights
        self._seed = seed
        rng = np.random.default_rng(seed)
        usual = new_settings({"model": name}) if name in DEFAULTS else new_settings({})
        part, kept_aside = split(dataset.labels, 0.1, rng)
        self._learner = Learner(
            DataLoaders(
                DataLoader(dataset, 128, part),
                DataLoader(dataset, EVALUATION_BATCH, kept_aside, shuffle=False),
            ),
            build(architecture, rng),
            Adam(weight_decay=usual.weight_decay),
            CrossEntropyLoss(usual.label_smoothing),
            schedule=cosine,
            seed=self._seed,
            slice_size=SLICE if is_convolutional(architecture) else None,
        )
        self._rate = usual.learning_rate
        self._best = BestWeights()
        self._lock = threading.Lock()
        self._snapshot = self._learner.model.parameters.copy()
        self._temperature = 1.0
        self._go = threading.Event()
        self._go.set()
        self._is_over = False
        self._last_look = 0.0
        self._since = (0, 0.0, 0.0)  # images, and sums of loss and accuracy, at the last point
        self._every = 1
        self._looks = 0
        shown = build(architecture, np.random.default_rng(0))
        shown.parameters[...] = self._snapshot
        self.classifier = Classifier(
            Path(f"{name} in training"), Checkpoint(name, architecture, shown, {})
        )
        self.shown: tuple[int, State] = (0, "running")  # `version`, `state` at the last `refresh`
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it is learning just now."""
        return self.state == "running"

    def stop(self) -> None:
        """Rest after the present batch."""
        with self._lock:  # or it would rest for ever where the thread ends in the same moment
            if self.state == "running":
                self.state = "stopped"
                self._go.clear()

    def go_on(self) -> None:
        """Go on from where it rests."""
        with self._lock:
            if self.state == "stopped":
                self.state = "running"
                self._go.set()

    def end(self) -> None:
        """End the thread; the weights stay as they are."""
        self._is_over = self._learner.stop = True
        self._go.set()
        self._thread.join()

    def wait(self) -> None:
        """Wait for the end of a training that is not stopped."""
        self._thread.join()

    @property
    def has_news(self) -> bool:
        """Whether `refresh` would return true."""
        return self.shown != (self.version, self.state)

    def refresh(self) -> bool:
        """Let `classifier` read with the newest weights; returns whether these or `state` are
        new."""
        with self._lock:
            if not self.has_news:
                return False
            self.shown = self.version, self.state
            self.classifier.checkpoint.model.parameters[...] = self._snapshot
            self.classifier.checkpoint.temperature = self._temperature
        return True

    def save(self, folder: Path) -> Classifier:
        """Write the network, as good as it is now, to NAME-1.npz, NAME-2.npz, … in a folder.

        Takes the first name that is free and returns the reader of that file.
        Of a finished training that is the best epoch's. Raises `CheckpointError` if it cannot.
        """
        self.refresh()
        shown = self.classifier.checkpoint
        figures = {}
        if self.validation:
            evaluated = self.validation if self.state == "finished" else self.validation[-1:]
            figures["validation_accuracy"] = max(point.accuracy for point in evaluated)
        record: dict[str, Any] = {
            "made": "in the window, by T",
            "seed": self._seed,
            "epochs": len(self.validation),
            "figures": figures,
        }
        model = build(shown.architecture, np.random.default_rng(0))
        model.parameters[...] = shown.model.parameters
        for number in itertools.count(1):
            path = folder / f"{self.name}-{number}.npz"
            checkpoint = dataclasses.replace(shown, name=path.stem, model=model, record=record)
            # Not `Path.exists`, which raises where the folder cannot be looked into.
            if not os.path.exists(path):  # noqa: PTH110
                with contextlib.suppress(FileExistsError):  # another window was faster
                    save_checkpoint(path, checkpoint, replace=False)
                    break
        return Classifier(path, checkpoint)

    # In the thread

    def _run(self) -> None:
        usual = sys.getswitchinterval()
        try:
            sys.setswitchinterval(SWITCH_SECONDS)
            # Several BLAS threads would wait for each other at every one of these small products.
            with threadpool_limits(1, "blas"):
                self._learner.fit(self.epochs, self._rate, [self._best, self])
                if self._best.best is not None and not self._learner.stop:
                    self._learner.model.parameters[...] = self._best.best[1]
                    self._temperature = self._fitted_temperature(self._learner.model)
            self._look()
            if not self._learner.stop:
                self._end_as("finished")
        except DigitpadError as error:
            self._end_as("failed", str(error))
        except MemoryError:
            self._end_as("failed", "there is not enough memory to train it")
        except Exception as error:
            # A bug must not end in a thread that nobody hears of.
            self._end_as("failed", f"{type(error).__name__}: {error}")
        finally:
            sys.setswitchinterval(usual)
            if self._learner.slices is not None:
                self._learner.slices.close()

    def _end_as(self, state: State, message: str = "") -> None:
        with self._lock:
            self.message, self.state = message, state

    def after_batch(self, learner: Learner) -> None:
        """Rest if asked to; look at the weights from time to time."""
        now = time.monotonic()
        if now - self._last_look > SHOWN_EVERY or not self.points:
            self._last_look = now
            self._add_point(learner)
            self._look()
        self._go.wait()
        learner.stop |= self._is_over  # `end` may have come before `fit`, which begins without

    def before_validation(self, learner: Learner) -> None:
        """Let the curve reach the end of the epoch."""
        self._add_point(learner)

    def after_epoch(self, learner: Learner) -> None:
        """Add to the validation curve."""
        last = learner.history[-1]
        if last.validation_loss is not None and last.validation_accuracy is not None:
            point = CurvePoint(last.number, last.validation_loss, last.validation_accuracy)
            self.validation = [*self.validation, point]
        self._since = (0, 0.0, 0.0)

    def _add_point(self, learner: Learner) -> None:
        running = learner.running
        sums = running.images, running.loss * running.images, running.metric * running.images
        images = sums[0] - self._since[0]
        self._looks += 1
        if images <= 0 or self._looks % self._every:
            return
        done = learner.epoch + learner.batch / len(learner.dataloaders.train)
        loss, accuracy = ((sums[i] - self._since[i]) / images for i in (1, 2))
        self._since = sums
        points = [*self.points, CurvePoint(done, loss, accuracy)]  # a new list: the window may read
        if len(points) > MAX_POINTS:
            points, self._every = points[::2], self._every * 2
        self.points = points

    def _look(self) -> None:
        with self._lock:
            self._snapshot[...] = self._learner.model.parameters
            self.version += 1

    def _fitted_temperature(self, model: Sequential) -> float:
        loader = self._learner.dataloaders.validation
        assert loader is not None
        logits: list[Array] = []
        labels: list[Array] = []
        for images, some_labels in loader.batches(np.random.default_rng(0)):
            if self._learner.stop:
                return 1.0
            logits.append(model.forward(images).copy())
            labels.append(some_labels.copy())
        with contextlib.suppress(ValueError):
            return fit_temperature(np.concatenate(logits), np.concatenate(labels))
        return 1.0
