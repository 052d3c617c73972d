"""How settings become a learner, and its best weights a network that can be believed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn.data.dataset import DataLoader, Dataset, split
from nn.handwriting.augmentation import Varied
from nn.inference.calibration import fit_temperature
from nn.inference.classifier import Classifier
from nn.network.architectures import NAMED, Architecture, build, count_parameters, mlp
from nn.network.convolution import Conv2d
from nn.network.losses import CrossEntropyLoss
from nn.network.sequential import Sequential
from nn.support.errors import TrainingError, UsageError
from nn.support.types import Array
from nn.training.callbacks import BestWeights
from nn.training.learner import EVALUATION_BATCH, DataLoaders, Learner
from nn.training.optimizers import SGD, Adam, constant, cosine, exponential
from nn.training.settings import Settings
from nn.training.synthetic import regenerate_synthetic, with_room

# Images that a thread works on at once: fewer mean more calls, more do not fit in a cache.
SLICE = 64  # of a batch through a convolutional network
WINDOW_SLICE = 32  # the same beside a window, which waits for each call
WHOLE_SET_SLICE = 500  # of a batch of all digits through a small fully connected network

# Of the last epochs of a training with synthetic digits.
FINISHING_SHARE, FINISHING_RATE = 0.25, 0.2  # of these digits, and of the learning rate

SCHEDULES = {"constant": constant, "exponential": exponential, "cosine": cosine}


def architecture_of(settings: Settings) -> Architecture:
    """The named network, or the one that --hidden and --activation describe."""
    if settings.hidden is None:
        if settings.activation != Settings.activation or settings.dropout:
            raise UsageError(
                "--activation and --dropout need --hidden; for instance --hidden 50,25"
            )
        return NAMED[settings.model]
    if settings.model != "mlp":
        raise UsageError(
            f"--hidden describes a multilayer perceptron, received --model {settings.model} as "
            "well; leave one of them out"
        )
    architecture = mlp(settings.hidden, settings.activation, settings.dropout)
    try:
        count_parameters(architecture)
    except ValueError as error:
        sizes = ",".join(map(str, settings.hidden))
        raise UsageError(f"--hidden {sizes} makes too large a network: {error}") from None
    return architecture


def optimizer_of(settings: Settings) -> SGD | Adam:
    """A fresh optimiser."""
    if settings.optimizer == "adam":
        return Adam(weight_decay=settings.weight_decay)
    if settings.weight_decay:
        raise UsageError("--weight-decay needs --optimizer adam; leave it out or set it to 0")
    return SGD(momentum=0.9)


def new_learner(
    model: Sequential,
    loaders: DataLoaders,
    settings: Settings,
    optimizer: SGD | Adam | None = None,
    threads: int = 1,
    slice_size: int = SLICE,
) -> Learner:
    """A learner with the optimizer (unless another is given), loss and schedule of the settings.

    A batch is divided into slices of `slice_size` images if the model has convolutions.
    """
    has_convolutions = any(isinstance(layer, Conv2d) for layer in model.layers)
    return Learner(
        loaders,
        model,
        optimizer or optimizer_of(settings),
        CrossEntropyLoss(settings.label_smoothing),
        schedule=SCHEDULES[settings.schedule],
        seed=settings.seed,
        slice_size=slice_size if has_convolutions else None,
        threads=threads,
        forked=True,
    )


def evaluation_loader(dataset: Dataset, indices: Array | None = None) -> DataLoader:
    """Batches to evaluate on, in order."""
    return DataLoader(dataset, EVALUATION_BATCH, indices, shuffle=False)


def prepare(
    settings: Settings,
    architecture: Architecture,
    train_set: Dataset,
    threads: int = 1,
    slice_size: int = SLICE,
) -> Learner:
    """A learner with fresh weights, and the training file split in two."""
    rng = np.random.default_rng(settings.seed)
    train_indices, validation_indices = split(train_set.labels, settings.validation, rng)
    model = build(architecture, rng)
    renew = None
    if settings.generated:
        start = len(train_set.labels)
        train_set = with_room(train_set, settings.generated)
        train_indices = np.concatenate([train_indices, np.arange(start, len(train_set.labels))])
        renew = regenerate_synthetic(train_set, start, threads)
    # With a strength of 0, a training that is steered can begin to vary its digits later.
    augment = Varied(rng, 1.0 if settings.augment else 0.0)
    loaders = DataLoaders(
        DataLoader(train_set, settings.batch_size, train_indices, augment=augment, renew=renew),
        evaluation_loader(train_set, validation_indices),
    )
    return new_learner(model, loaders, settings, threads=threads, slice_size=slice_size)


def prepare_to_finish(learner: Learner, settings: Settings, threads: int = 1) -> float:
    """Let a learner's next epochs see fewer synthetic digits; returns their learning rate.

    Synthetic digits teach what MNIST's writers never did, but some of theirs look different in the
    light of it: to finish, most of the digits are real again. The schedule begins anew.
    """
    loader = learner.dataloaders.train
    real = len(loader.dataset.labels) - settings.generated
    kept = real + round(FINISHING_SHARE * settings.generated)
    dataset = Dataset(loader.dataset.images[:kept], loader.dataset.labels[:kept])
    renew = regenerate_synthetic(dataset, real, threads) if kept > real else None
    indices = loader.indices[loader.indices < kept]
    learner.dataloaders = DataLoaders(
        DataLoader(dataset, settings.batch_size, indices, augment=loader.augment, renew=renew),
        learner.dataloaders.validation,
    )
    schedule, first = SCHEDULES[settings.schedule], settings.main_epochs
    learner.schedule = lambda epoch, epochs: schedule(epoch - first, epochs - first)
    return FINISHING_RATE * settings.learning_rate


def use_best_weights(learner: Learner, best: BestWeights) -> dict[str, Any]:
    """Put the best weights into the model; returns what is known of them."""
    if best.best is not None:
        epoch, parameters = best.best
        learner.model.parameters[...] = parameters
        number, train_loss = epoch.number, epoch.train_loss
        loss, right = epoch.validation_loss, epoch.validation_accuracy
    elif learner.running.images:  # interrupted in the first epoch: what there is, is the best
        validation = learner.validate()
        number, train_loss = 0, learner.running.loss
        loss, right = (validation.loss, validation.metric) if validation else (None, None)
    else:
        raise TrainingError("interrupted before the first step; nothing was saved")
    return {
        "best_epoch": number,
        "train_loss": train_loss,
        "validation_loss": loss,
        "validation_accuracy": right,
    }


def temperature_of(
    classifier: Classifier, learner: Learner, is_stopped: Callable[[], bool] = lambda: False
) -> float:
    """The temperature that suits a classifier best on the learner's validation digits.

    1 without any, or once `is_stopped()`.
    """
    loader = learner.dataloaders.validation
    if loader is None or not loader.size:
        return 1.0
    logits, labels = [], []
    for images, some_labels in loader.batches(np.random.default_rng(0)):
        if is_stopped():
            return 1.0
        logits.append(classifier.logits(images))
        labels.append(some_labels.copy())  # the loader uses its memory again
    return fit_temperature(np.concatenate(logits), np.concatenate(labels))
