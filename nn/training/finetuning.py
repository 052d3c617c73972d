"""Tuning a trained network to the digits that one user corrected, without forgetting the rest.

Only the network's head is tuned: the fully connected layers after the last convolution (of a
multilayer perceptron, everything). The output of the layers before it never changes, so it is
computed once for each image.

The head learns two things at once:

* the user's digits, each varied many times (`nn.handwriting.augmentation`). What is wanted is the
  label, but not with certainty, so that it stops to pull once they are read right; and a digit of
  which the shipped network thinks any other label likelier pulls less;
* on digits to rehearse, to go on answering what the shipped network answers: the cross-entropy
  against its probabilities (Li and Hoiem 2017, "Learning without Forgetting", equation 2, T = 1),
  a little corrected by the labels. Half of them are those between two digits, which are lost first.

It always begins at the shipped weights, with all of the user's digits. From the tuned weights
`Tuner.tune` goes back towards the shipped ones (Wortsman et al. 2022, "Robust fine-tuning of
zero-shot models", section 3) until the guards accept, and gives up if they never do. They look at
digits that the network was not trained on, in all the views that it reads with.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from nn.data.dataset import Part
from nn.handwriting.augmentation import displacement_fields, vary
from nn.handwriting.framing import SIZE
from nn.handwriting.shear import views
from nn.inference.checkpoint import Checkpoint, copied, load_checkpoint, save_checkpoint
from nn.inference.classifier import Classifier
from nn.network.architectures import CLASSES, PIXELS
from nn.network.batches import BATCH
from nn.network.losses import softmax
from nn.network.sequential import Sequential
from nn.support.errors import CheckpointError, TrainingError
from nn.support.types import Array
from nn.training.guard import Guarded, Kept, hard_rows, kept
from nn.training.optimizers import Adam
from nn.training.rehearsal import digits_of_mnist, endless, synthetic_digits, training_digits

STRENGTHS = (1.0, 0.85, 0.7, 0.6, 0.5, 0.35, 0.25, 0.15)  # parts of the way to tuned weights
WITHOUT_BODY = 5  # times as many digits where nothing is to be computed before the head
LIKELY = 0.01  # a label that the shipped network thinks likelier pulls with full weight
HEAD_BATCH = 512  # images at once through the head
VARIED_BATCH = 128  # images that are varied before it is looked whether to stop


@dataclass(frozen=True)
class Amounts:
    """How much work a tuning is, and how strongly it pulls. Images, unless said."""

    rehearsed: int = 4000
    rehearsed_synthetic: int = 1000  # of these, where MNIST is there for the rest
    guarded: int = 3000  # validation digits of the guard; half of them once more, varied
    variations: int = 24  # of each of the user's digits, the digit itself among them
    most_varied: int = 960  # of all of the user's digits together
    steps: int = 120
    batch: int = 96  # rehearsed digits a step
    own_batch: int = 32  # of the user's a step
    own_weight: float = 0.1  # of the user's digits in the loss; the rest is rehearsal's
    own_target: float = 0.75  # of the label in what is wanted; the rest is the shipped answer
    rehearsed_target: float = 0.2  # the same for digits to rehearse
    learning_rate: float = 0.0005


class Features(NamedTuple):
    """Digits as the network's head sees them."""

    values: Array  # (N, F)
    targets: Array  # (N, 10), the probabilities to be answered
    labels: Array  # (N,)


@dataclass(frozen=True)
class Outcome:
    """What a tuning came to; accuracies are 0…1.

    `classifier` is the network to read with from now on, None if the old weights stay.
    """

    classifier: Classifier | None
    reason: str  # what was learned, or why the old weights stay; one line for the user
    digits: int  # of the user's
    strength: float  # part of the way to the tuned weights; 0 = none
    seconds: float
    validation_before: float
    validation_after: float
    right_before: int  # of the user's digits
    right_after: int
    on_mnist: bool  # whether MNIST was there to rehearse


class Tuner:
    """Tunes copies of one `shipped` network; the same digits and seed give the same weights.

    `data_dir` is where MNIST is, by default where `nn.train` keeps it; nothing is downloaded, and
    with `use_mnist` false it is not looked for. `stop`, set from another thread, soon ends `tune`
    with a `TrainingError`.
    """

    def __init__(
        self,
        shipped: Classifier,
        seed: int = 0,
        data_dir: Path | None = None,
        threads: int = 2,
        amounts: Amounts | None = None,
        use_mnist: bool = True,
    ) -> None:
        self.shipped, self.seed = shipped, seed
        self.use_mnist, self.data_dir = use_mnist, data_dir
        self.amounts = amounts or Amounts()
        self.stop = threading.Event()
        self.on_mnist = False
        self._threads = threads
        self._body, self._head = _copy_in_parts(shipped.checkpoint)
        self._shipped_weights = self._head.parameters.copy()
        has_body = any(layer.params for layer in self._body.layers)
        self._times = 1 if has_body else WITHOUT_BODY
        self._rehearsed: Features | None = None
        self._guarded: Guarded | None = None
        self._fields = displacement_fields(np.random.default_rng([seed, 0]), 64)

    def prepare(self) -> None:
        """Compute what every tuning needs, once: what to rehearse and what to evaluate on."""
        if self._rehearsed is not None:
            return
        rehearsed, guarded = self._digits_to_keep(np.random.default_rng([self.seed, 1]))
        self._guarded = self._hardest(*guarded)
        self._rehearsed = self._features(*rehearsed)
        label = np.float32(self.amounts.rehearsed_target)
        answers, labels = self._rehearsed.targets, self._rehearsed.labels
        answers += label * (np.eye(CLASSES, dtype=np.float32)[labels] - answers)

    def _digits_to_keep(self, rng: np.random.Generator) -> tuple[Part, Part]:
        """Digits to rehearse, and others to evaluate on.

        Both from MNIST's training file where it is on disk, the latter from the part that the
        network was not trained on; else synthetic digits.
        """
        amounts = self.amounts
        mnist = training_digits(self.data_dir) if self.use_mnist else None
        self.on_mnist = mnist is not None
        if mnist is None:
            rehearsed = synthetic_digits(amounts.rehearsed, rng, self._check_stop)
            return rehearsed, synthetic_digits(amounts.guarded, rng, self._check_stop)
        from_mnist = self._times * (amounts.rehearsed - amounts.rehearsed_synthetic)
        (images, labels), guarded = digits_of_mnist(
            mnist, self.shipped.checkpoint, from_mnist, self._times * amounts.guarded, rng
        )
        more, their = synthetic_digits(amounts.rehearsed_synthetic, rng, self._check_stop)
        return (np.concatenate([images, more]), np.concatenate([labels, their])), guarded

    def tune(self, images: Array, labels: Array, current: Classifier | None = None) -> Outcome:
        """Tune to the user's framed digits (N, 28, 28) with labels (N,), N at least 1.

        The newest comes last; `current` is the network that has to be bettered, by default the
        shipped one. Raises `TrainingError` if it was stopped.
        """
        began = time.perf_counter()
        with threadpool_limits(1, "blas"):
            self.prepare()
            assert self._rehearsed is not None
            right = (current or self.shipped).logits(images).argmax(axis=1) == labels
            before = self._kept(self._shipped_weights)
            outcome = self._as_it_is(right, before)
            if not right.all():
                rng = np.random.default_rng([self.seed, 2])
                self._learn(*self._own_features(images, labels, rng), self._rehearsed, rng)
                outcome = self._choose(images, labels, right, before, outcome)
        return replace(outcome, seconds=time.perf_counter() - began)

    def logits(self, classifiers: Sequence[Classifier], images: Array) -> Array:
        """What each of several networks tuned here makes of images: (networks, N, 10) logits.

        The same as `Classifier.logits`, but the body that they share works once for all of them.
        """
        answers = np.zeros((len(classifiers), len(images), CLASSES), np.float32)
        shear = self.shipped.checkpoint.shear
        weights = [classifier.checkpoint.model.parameters for classifier in classifiers]
        first = weights[0].size - self._head.parameters.size
        with threadpool_limits(1, "blas"):
            for start in range(0, len(images), 1024):
                part = images[start : start + 1024].reshape(-1, SIZE, SIZE)
                seen = views(part, shear)
                for view in seen:
                    values = self._body_values(view)
                    for answer, all_weights in zip(answers, weights, strict=True):
                        self._head.parameters[...] = all_weights[first:]
                        answer[start : start + 1024] += self._head.forward(values) / len(seen)
        return answers

    def _learn(
        self, own: Features, pull: Array, rehearsed: Features, rng: np.random.Generator
    ) -> None:
        """Descend from the shipped weights; the tuned ones are in the head afterwards.

        `pull` (N, 1) is how much each of the user's digits counts, 0…1.
        """
        amounts, head = self.amounts, self._head
        head.parameters[...] = self._shipped_weights
        head.use_rng(rng)
        optimizer = Adam()
        own_rows = endless(np.arange(len(own.labels)), amounts.own_batch, rng)
        half = self._times * amounts.batch // 2
        others = endless(np.arange(len(rehearsed.labels)), half, rng)
        hard = endless(hard_rows(rehearsed.targets), half, rng)
        for step in range(amounts.steps):
            self._check_stop()
            mine, kept_rows = next(own_rows), np.concatenate([next(others), next(hard)])
            values = np.concatenate([own.values[mine], rehearsed.values[kept_rows]])
            targets = np.concatenate([own.targets[mine], rehearsed.targets[kept_rows]])
            d_logits = softmax(head.forward(values, training=True)) - targets
            d_logits[: len(mine)] *= pull[mine] * np.float32(amounts.own_weight / len(mine))
            d_logits[len(mine) :] *= (1 - amounts.own_weight) / len(kept_rows)
            if not np.isfinite(d_logits).all():
                raise TrainingError("the tuning came to numbers that are not finite")
            head.parameter_gradients(d_logits)
            progress = step / amounts.steps
            rate = amounts.learning_rate * 0.5 * (1 + np.cos(np.pi * progress))
            optimizer.step(head.parameters, head.gradients, rate)

    def _as_it_is(self, right: Array, before: Kept) -> Outcome:
        """The outcome where nothing is learned; `right` (N,) are digits that are read right."""
        accuracy = before.accuracy
        return Outcome(
            None, "all of your digits are read right already", len(right),
            strength=0.0, seconds=0.0, validation_before=accuracy, validation_after=accuracy,
            right_before=int(right.sum()), right_after=int(right.sum()), on_mnist=self.on_mnist,
        )  # fmt: skip

    def _choose(
        self, images: Array, labels: Array, right_before: Array, before: Kept, outcome: Outcome
    ) -> Outcome:
        """The most of the tuning that the guards let pass; else `outcome`, with the reason."""
        tuned = self._head.parameters.copy()
        reasons = []
        for strength in STRENGTHS:
            self._check_stop()
            weights = self._shipped_weights + np.float32(strength) * (tuned - self._shipped_weights)
            after = self._kept(weights)
            if before.is_lost(after):
                reasons.append("it would have forgotten others")
                continue
            classifier = self._classifier_with(weights, labels)
            right = classifier.logits(images).argmax(axis=1) == labels
            if (right_before & ~right).any():
                reasons.append("it would have misread digits of yours that are read right")
                continue
            if not (right & ~right_before).any():
                reasons.append("it would have read no more of your digits right")
                continue
            reason = f"learned from {len(labels)} of your digits"
            if not right.all():
                verb = "is" if right.sum() == 1 else "are"
                reason += f"; now {right.sum()} of them {verb} read right"
            return replace(
                outcome,
                classifier=classifier,
                reason=reason,
                strength=strength,
                validation_after=after.accuracy,
                right_after=int(right.sum()),
            )
        return replace(outcome, reason=reasons[-1])

    def _classifier_with(self, weights: Array, labels: Array) -> Classifier:
        """A classifier of its own with these weights of the head."""
        shipped = self.shipped.checkpoint
        record = {**shipped.record, "tuned_from": fingerprint(self.shipped)}
        checkpoint = copied(shipped, record=record)
        parameters = checkpoint.model.parameters
        parameters[parameters.size - weights.size :] = weights  # none of a convolution that is last
        return Classifier(self.shipped.path, checkpoint)

    def _hardest(self, images: Array, labels: Array) -> Guarded:
        """The hardest of these digits and of half of them, varied, in all views."""
        images, half = images.reshape(-1, SIZE, SIZE), len(labels) // 2
        varied = self._varied(images[:half], np.random.default_rng([self.seed, 3]))
        images, labels = np.concatenate([images, *varied]), np.concatenate([labels, labels[:half]])
        every = self._features(images, labels)
        hard = hard_rows(every.targets)
        _, *slanted = views(images[hard], self.shipped.checkpoint.shear)
        seen = [every.values[hard], *map(self._body_values, slanted)]
        return Guarded(seen, labels[hard], len(labels))

    def _kept(self, weights: Array) -> Kept:
        """How the head with these weights reads what it should not forget."""
        assert self._guarded is not None
        temperature = self.shipped.checkpoint.temperature
        return kept(self._guarded, lambda x: self._head_logits(weights, x), temperature)

    def _head_logits(self, weights: Array, values: Array) -> Array:
        """What the head with these weights makes of the body's values (N, F)."""
        self._head.parameters[...] = weights
        return self._head.logits(values, HEAD_BATCH)

    def _own_features(
        self, images: Array, labels: Array, rng: np.random.Generator
    ) -> tuple[Features, Array]:
        """The user's digits and variations of them, and how much each counts (N, 1).

        Of very many digits, the newest.
        """
        amounts = self.amounts
        images = images[-amounts.most_varied :].reshape(-1, SIZE, SIZE).astype(np.float32)
        labels = labels[-amounts.most_varied :]
        copies = max(1, min(amounts.variations, amounts.most_varied // len(labels)))
        every = np.concatenate([images, *self._varied(np.tile(images, (copies - 1, 1, 1)), rng)])
        own = self._features(every, np.tile(labels, copies))
        likely = own.targets[np.arange(len(labels)), labels]  # of the digits as they are
        pull = np.minimum(1, likely / np.float32(LIKELY)) ** 2
        wanted = np.eye(CLASSES, dtype=np.float32)[own.labels]
        targets = own.targets + np.float32(amounts.own_target) * (wanted - own.targets)
        return own._replace(targets=targets), np.tile(pull, copies)[:, None]

    def _varied(self, images: Array, rng: np.random.Generator) -> Iterator[Array]:
        for start in range(0, len(images), VARIED_BATCH):
            self._check_stop()
            yield vary(images[start : start + VARIED_BATCH], self._fields, rng)

    def _features(self, images: Array, labels: Array) -> Features:
        """What the head sees of images; the targets are the shipped network's answers."""
        values = self._body_values(images)
        answers = softmax(self._head_logits(self._shipped_weights, values))
        return Features(values, answers, labels)

    def _body_values(self, images: Array) -> Array:
        """What the body makes of images, (N, F)."""
        flat = images.reshape(len(images), PIXELS)
        starts = range(0, len(flat), BATCH)
        size = self._body.forward(np.zeros((1, PIXELS), np.float32)).size
        values = np.empty((len(flat), size), np.float32)

        def work(worker: int) -> None:
            body = self._body.replica()
            for start in starts[worker :: self._threads]:
                self._check_stop()
                x = np.ascontiguousarray(flat[start : start + BATCH], np.float32)
                values[start : start + BATCH] = body.forward(x).reshape(len(x), size)

        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(work, range(self._threads)))
        return values

    def _check_stop(self) -> None:
        if self.stop.is_set():
            raise TrainingError("the tuning was stopped")


def fingerprint(classifier: Classifier) -> str:
    """What tells a network's weights from all others."""
    return hashlib.sha256(classifier.checkpoint.model.parameters.tobytes()).hexdigest()


def save_tuned(path: Path, classifier: Classifier, digits: str) -> None:
    """Write a tuned network, atomically; `digits` says which digits it was tuned to.

    Raises `CheckpointError` if the disk refuses.
    """
    checkpoint = classifier.checkpoint
    record = {**checkpoint.record, "tuned_to": digits}
    save_checkpoint(path, replace(checkpoint, record=record))


def load_tuned(path: Path, shipped: Classifier) -> tuple[Classifier, str]:
    """A tuned network and which digits it was tuned to.

    Raises `CheckpointError` if it cannot be read or was tuned from other weights than `shipped`.
    """
    checkpoint = load_checkpoint(path)
    if checkpoint.record.get("tuned_from") != fingerprint(shipped):
        raise CheckpointError(
            f"{path} was tuned from other weights than {shipped.path} holds now; your digits are "
            "learned anew"
        )
    return Classifier(path, checkpoint), str(checkpoint.record.get("tuned_to"))


def _copy_in_parts(checkpoint: Checkpoint) -> tuple[Sequential, Sequential]:
    """Body and head of a copy of a network; the head begins after the last convolution's part."""
    layers = copied(checkpoint).model.layers
    names = [entry[0] for entry in checkpoint.architecture]
    last = max((i for i, name in enumerate(names) if name == "Conv2d"), default=0)
    first = names.index("Flatten", last) if "Flatten" in names[last:] else 0
    return Sequential(*layers[:first]), Sequential(*layers[first:])
