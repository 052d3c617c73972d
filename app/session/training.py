"""Training a fresh network in the background, while the window shows how it learns."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from app.session.curves import Curves
from app.session.diagnosis import Diagnosis, Observation
from app.session.knobs import Knobs, usual_knobs
from nn.data.dataset import Dataset
from nn.handwriting.augmentation import Varied
from nn.handwriting.framing import SIZE as SIDE
from nn.inference.checkpoint import Checkpoint, copied, save_checkpoint
from nn.inference.classifier import Classifier
from nn.support.errors import TrainingError, error_words
from nn.training.callbacks import BestWeights
from nn.training.health import count_dead
from nn.training.learner import Callback, Learner
from nn.training.recipe import WINDOW_SLICE, prepare, temperature_of
from nn.training.settings import Settings, name_of, usual_settings

State = Literal["running", "stopped", "finished", "failed"]
SHOWN_EVERY = 0.25  # seconds between two snapshots of the weights
SLOW_SECONDS = 0.5  # between two batches in slow motion
MEASURED_SECONDS = 1.0  # of learning, before it can be told how long the rest will take
EPOCHS = 10
SEEN = 24  # digits of a batch, at most, to be shown
PROBE = 500  # digits for which a neuron is to be silent to be called dead
PROBE_SHARE = 0.05  # of the time at most goes into that
# How long the window waits for Python's lock while a thread computes; the usual 5 ms, several times
# a frame, would be felt.
SWITCH_SECONDS = 0.0005


class Training(Callback):
    """Trains a fresh network of an architecture on a data set, in a thread of its own.

    `curves` are how it goes, `knobs` what may be changed meanwhile, `diagnosis` what is wrong with
    it, if anything is. `classifier` reads with the weights as they were at the last `refresh`.
    """

    def __init__(
        self,
        name: str,
        architecture: list[Any],
        dataset: Dataset,
        epochs: int = EPOCHS,
        seed: int = 0,
        knobs: Knobs | None = None,
        is_stopped: bool = False,
        is_slow: bool = False,
        after: threading.Thread | None = None,
    ) -> None:
        # A network that was trained or tuned here has the name of its file; it is one of these.
        name = name_of(architecture, otherwise=name)
        self.name, self.architecture = name, architecture
        self.usual = usual_knobs(name, architecture)
        self.knobs = self.begun_with = self._held = knobs or self.usual  # `_held`: by the learner
        state: State = "stopped" if is_stopped else "running"
        self.state = state
        self.is_slow = is_slow
        self.message = ""
        self.diagnosis: Diagnosis | None = None
        self.epochs = epochs
        self.batch = (0, 0)  # the number of the latest in its epoch, and how many that one has
        self.seen = np.zeros((0, SIDE, SIDE), np.float32)  # the first digits of the latest batch
        self.learning_rate = 0.0  # of the latest batch, with the schedule's factor
        self.seconds_left: float | None = None  # at full speed, once it can be told
        self.version = 0  # grows with each snapshot of the weights
        self._seed = seed
        settings = usual_settings(name, architecture)
        self.label_smoothing = settings.label_smoothing
        self._learner = learner = _new_learner(settings, architecture, dataset, self.knobs, seed)
        self._hold(self.knobs)
        size, validation = learner.dataloaders.train.size, learner.dataloaders.validation
        kept_aside = validation.size if validation is not None else 0
        self.curves = Curves(name, epochs, size, self.knobs)
        self._observation = Observation(self.usual, self.knobs, size, kept_aside)
        self._best = BestWeights()
        self._lock = threading.Condition()
        self._snapshot = learner.model.parameters.copy()
        self._temperature = 1.0
        self._steps = 0  # single batches that were asked for and are not done
        self._is_in_step = False
        self._is_over = False
        self._last_look = 0.0
        self._waited = 0.0  # seconds in all
        self._measured_from = (0.0, 0.0)  # how far it was, and after how many seconds of work
        self._next_probe = 0.0
        path = Path(f"{name} in training")
        # What learns, and a copy that is shown.
        self._learning = Classifier(path, Checkpoint(name, architecture, learner.model, {}))
        self.classifier = Classifier(path, copied(self._learning.checkpoint))
        self.shown = (0, state)  # `version` and `state` at the last `refresh`
        self._after = after  # the thread of another training, which is about to end
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it is learning just now."""
        return self.state == "running"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will be learned: it is finished, or has failed."""
        return self.state in ("finished", "failed")

    @property
    def is_at_work(self) -> bool:
        """Whether there is, or soon will be, something new to show."""
        return self.is_running or self._steps > 0 or self.has_news

    def stop(self) -> None:
        """Pause after the present batch."""
        with self._lock:  # or it would pause for ever where the thread ends in the same moment
            if self.state == "running":
                self.state = "stopped"

    def go_on(self) -> None:
        """Go on from where it paused."""
        with self._lock:
            if self.state == "stopped":
                self.state = "running"
                self._steps = 0
                self._lock.notify()

    def step(self) -> None:
        """Where it is paused, learn from one batch more."""
        with self._lock:
            if self.state == "stopped":
                self._steps += 1
                self._lock.notify()

    def set_slow(self, is_slow: bool) -> None:
        """A batch now and then, or as fast as it can."""
        with self._lock:
            self.is_slow = is_slow
            self._lock.notify()

    def give_up(self) -> threading.Thread:
        """End the thread after the present batch, without waiting for it; returns it."""
        with self._lock:
            self._is_over = self._learner.stop = True
            self._lock.notify()
        return self._thread

    def end(self) -> None:
        """End the thread; the weights stay as they are."""
        self.give_up().join()

    def wait(self) -> None:
        """Wait for the end of a training that is not stopped."""
        self._thread.join()

    @property
    def has_news(self) -> bool:
        """Whether `refresh` would return true."""
        return self.shown != (self.version, self.state)

    def refresh(self) -> bool:
        """Give `classifier` the newest weights; returns whether these or `state` are new."""
        with self._lock:
            if not self.has_news:
                return False
            self.shown = self.version, self.state
            self.classifier.checkpoint.model.parameters[...] = self._snapshot
            self.classifier.checkpoint.temperature = self._temperature
        return True

    def save(self, folder: Path) -> Classifier:
        """Write the network, as good as it is now, to NAME-1.npz, NAME-2.npz, … in a folder.

        Takes the first name that is free and returns the classifier of that file; a finished
        training gives the best epoch's. Raises `CheckpointError` if it cannot, and `TrainingError`
        if its weights are of no use.
        """
        self.refresh()
        shown = self.classifier.checkpoint
        if not np.isfinite(shown.model.parameters).all():
            raise TrainingError("its weights are no longer finite numbers: nothing can be kept")
        record = {"seed": self._seed, **self.curves.record(self.state == "finished")}
        for number in itertools.count(1):
            path = folder / f"{self.name}-{number}.npz"
            checkpoint = copied(shown, name=path.stem, record=record)
            # Not `Path.exists`, which raises where the folder cannot be looked into.
            if not os.path.exists(path):  # noqa: PTH110
                with contextlib.suppress(FileExistsError):  # another window was faster
                    save_checkpoint(path, checkpoint, replace=False)
                    break
        return Classifier(path, checkpoint)

    # In the thread

    def _run(self) -> None:
        if self._after is not None:
            self._after.join()
        usual = sys.getswitchinterval()
        try:
            sys.setswitchinterval(SWITCH_SECONDS)
            self._wait()
            # Several BLAS threads would wait for each other at every one of these small products.
            with threadpool_limits(1, "blas"):
                self._measured_from = 0.0, time.monotonic() - self._waited
                self._learner.fit(self.epochs, self._held.learning_rate, [self._best, self])
                if self._best.best is not None and not self._learner.stop:
                    self._learner.model.parameters[...] = self._best.best[1]
                    self._temperature = temperature_of(
                        self._learning, self._learner, lambda: self._learner.stop
                    )
            self._look()
            if not self._learner.stop:
                self._end_as("finished")
        except TrainingError as error:
            self.diagnosis = self._observation.no_number()
            self._end_as("failed", str(error))
        except Exception as error:
            # A bug must not end unnoticed in the thread.
            self._end_as("failed", error_words(error, "to train it"))
        finally:
            sys.setswitchinterval(usual)

    def _end_as(self, state: State, message: str = "") -> None:
        with self._lock:
            self.message, self.state = message, state

    def _wait(self) -> None:
        """Wait until the next batch may begin; then give the learner the knobs as they are."""
        begin = time.monotonic()
        with self._lock:
            if self._is_in_step:
                self._is_in_step, self._steps = False, max(0, self._steps - 1)
            while not self._is_over:
                slow = begin + SLOW_SECONDS - time.monotonic() if self.is_slow else 0.0
                if self.state == "stopped" and not self._steps:
                    self._lock.wait()
                elif self.state != "stopped" and slow > 0:
                    self._lock.wait(slow)
                else:
                    self._is_in_step = self.state == "stopped"
                    break
        self._waited += time.monotonic() - begin
        if self.knobs != self._held:
            self._turn(self.knobs)

    def _turn(self, knobs: Knobs) -> None:
        """From the next batch on, other knobs."""
        self.curves.add_mark(self._done, self._held, knobs)
        self._held = knobs
        self._hold(knobs)
        self._observation.turn(knobs)
        self.diagnosis = None
        self._measured_from = self._done, time.monotonic() - self._waited

    def _hold(self, knobs: Knobs) -> None:
        train = self._learner.dataloaders.train
        self._learner.learning_rate, train.batch_size = knobs.learning_rate, knobs.batch_size
        assert isinstance(train.augment, Varied)
        train.augment.strength = knobs.variation

    @property
    def _done(self) -> float:
        """How often it has seen the training digits."""
        return self._learner.epoch + self._learner.running.images / self.curves.size

    def after_batch(self, learner: Learner) -> None:
        """Take a snapshot of the weights from time to time; wait if asked to."""
        loss, accuracy, images = learner.latest
        if self.curves.add(loss, accuracy, images):
            self.curves.add_point(self._done)
        if self._observation.add(self._done, loss, accuracy, images):
            self._examine(learner)
        now = time.monotonic()
        is_watched = self.is_slow or self.state == "stopped"
        if is_watched or now - self._last_look > SHOWN_EVERY or not self.curves.points:
            self._last_look = now
            self.curves.add_point(self._done)
            if learner.images is not None:
                self.seen = learner.images[:SEEN].reshape(-1, SIDE, SIDE).copy()
            self._measure(learner, now)
            self._look()
        self._wait()
        learner.stop |= self._is_over  # `end` may have come before `fit`, which begins without

    def after_epoch(self, learner: Learner) -> None:
        """Add to the validation curve."""
        last = learner.history[-1]
        if last.validation_loss is not None and last.validation_accuracy is not None:
            self.curves.add_validation(last.number, last.validation_loss, last.validation_accuracy)
        if last.number == self.epochs:
            self.curves.add_end(last.number)
        self._observation.add_epoch(last)
        self.diagnosis = self._observation.diagnosis(last.number, self.epochs)

    def _examine(self, learner: Learner) -> None:
        """Look for what may be wrong, and for dead neurons among it, which takes a while."""
        begin = time.monotonic()
        if begin >= self._next_probe:
            observation, train = self._observation, learner.dataloaders.train
            images = train.dataset.images[:PROBE]
            observation.dead, observation.units = count_dead(learner.model, images)
            now = time.monotonic()
            self._next_probe = now + (now - begin) / PROBE_SHARE
        self.diagnosis = self._observation.diagnosis(self._done, self.epochs)

    def _measure(self, learner: Learner, now: float) -> None:
        """Tell where it is, how fast it learns, and how long the rest will take."""
        done, (from_epoch, from_seconds) = self._done, self._measured_from
        left = self.curves.size - learner.running.images
        self.batch = learner.batch, learner.batch + -(-left // self._held.batch_size)
        self.learning_rate = learner.learning_rate * learner.schedule(done, self.epochs)
        worked = now - self._waited - from_seconds
        if worked > MEASURED_SECONDS and done > from_epoch:
            self.seconds_left = (self.epochs - done) * worked / (done - from_epoch)

    def _look(self) -> None:
        with self._lock:
            self._snapshot[...] = self._learner.model.parameters
            self.version += 1


def _new_learner(
    usual: Settings, architecture: list[Any], dataset: Dataset, knobs: Knobs, seed: int
) -> Learner:
    """A learner with fresh weights, set as the knobs are; a tenth of the digits is kept aside."""
    settings = Settings(
        batch_size=knobs.batch_size,
        learning_rate=knobs.learning_rate,
        schedule="cosine",
        weight_decay=usual.weight_decay,
        label_smoothing=usual.label_smoothing,
        validation=0.1,
        seed=seed,
    )
    return prepare(settings, architecture, dataset, slice_size=WINDOW_SLICE)
