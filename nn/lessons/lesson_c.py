"""Lesson c: two layers in matrix algebra, 784-10-10, from a CSV file as Kaggle's train.csv."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from nn.data.csv_format import PIXELS
from nn.data.dataset import DataLoader, Dataset, load_folder
from nn.lessons import pictures as lesson_plots
from nn.lessons.steps import PrintEpoch, explain_step, heading
from nn.network.architectures import NAMED, build
from nn.support import plots
from nn.training.callbacks import WholeOrNothing
from nn.training.learner import DataLoaders, Learner
from nn.training.optimizers import SGD, constant, cosine
from nn.training.parallel import available_cores
from nn.training.recipe import WHOLE_SET_SLICE, evaluation_loader

ROWS = 42_000  # as Kaggle's train.csv
SEED = 42
STEPS = 500
LEARNING_RATE = 0.1
EVERY = 50  # steps between two looks at the held-out part
SHOWN = 8
BATCH_SIZE = 64
EPOCHS = 30


def run(train_set: Dataset, folder: Path | None) -> dict[str, Any]:
    """Tell the lesson, write its pictures into `folder` if there is one; returns the figures."""
    heading("c1. a CSV file")
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "train.csv"
        order = np.random.default_rng(SEED).permutation(len(train_set.labels))[:ROWS]
        write_csv(path, Dataset(train_set.images[order], train_set.labels[order]))
        size = path.stat().st_size
        training, held_out = load_folder(path.parent)
    print(
        f"{len(order):,} digits of MNIST's training file, drawn at random, as train.csv: a heading "
        f"label,pixel0,…, then a digit a line, {size / 1e6:.0f} MB\n"
        f"read back: {len(training.labels):,} digits to learn from, images "
        f"{training.images.shape}; the last {len(held_out.labels):,} rows are held out"
    )

    heading("c2. one step for the whole set")
    learner = new_learner(training, len(training.labels), held_out)
    step = explain_step(learner.model, training.images, training.labels, LEARNING_RATE)

    heading(f"c3. {STEPS} such steps")
    look = TrackHeldOut(held_out)
    learner.fit(STEPS, LEARNING_RATE, [look])
    whole_set = learner.evaluate(held_out).metric

    heading(f"c4. {SHOWN} predictions")
    show_predictions(learner, held_out, folder)

    heading(f"c5. the same network in batches of {BATCH_SIZE}")
    print(
        f"a step for every {BATCH_SIZE} digits instead of one for all: the same work an epoch, far "
        f"more steps\nthe learning rate falls from {LEARNING_RATE:g} along half a cosine, since "
        "each batch pulls another way"
    )
    print("the course of the learning rate and the epochs were chosen on the held-out part")
    batches = new_learner(training, BATCH_SIZE, held_out)
    batches.fit(EPOCHS, LEARNING_RATE, [PrintEpoch()])
    in_batches = batches.evaluate(held_out).metric
    print(
        f"held out: {100 * whole_set:.2f} % after {STEPS} steps with the whole set, "
        f"{100 * in_batches:.2f} % after {EPOCHS * len(batches.dataloaders.train):,} with batches, "
        f"which read each digit {EPOCHS} times instead of {STEPS}"
    )
    if folder:
        title = f"784-10-10, {STEPS} steps with the whole set"
        lesson_plots.plot_curve(look.points, folder / "c-curve.png", title)
    return {
        "rows": len(order),
        "held_out": len(held_out.labels),
        "step": step,
        "steps": STEPS,
        "held_out_accuracy": whole_set,
        "mini_batch_held_out_accuracy": in_batches,
        "batch_size": BATCH_SIZE,
        "epochs": EPOCHS,
        "points": look.points,
    }


def show_predictions(learner: Learner, held_out: Dataset, folder: Path | None) -> None:
    """What some digits of the held-out part are read as; also drawn if there is a folder."""
    chosen = np.random.default_rng(SEED).choice(len(held_out.labels), SHOWN, replace=False)
    guesses, probabilities = learner.predict(held_out.images[chosen])
    captions = []
    for row, guess, p in zip(chosen, guesses, probabilities, strict=True):
        label = held_out.labels[row]
        captions.append(f"{label}\nread as {guess}, {100 * p[guess]:.0f} %")
        print(
            f"  row {row:>4} of the held-out part: a {label}, read as {guess} with "
            f"p = {p[guess]:.2f}"
        )
    if folder:
        path, title = folder / "c-predictions.png", "Eight digits of the held-out part"
        plots.plot_digits(held_out.images[chosen], captions, path, title)


def new_learner(training: Dataset, batch_size: int, held_out: Dataset) -> Learner:
    """Plain gradient descent for 784-10-10, always from the same weights.

    With the whole set in a batch the learning rate is constant.
    """
    whole = batch_size == len(training.labels)
    return Learner(
        DataLoaders(
            # The order does not matter where all come at once; without one, nothing is copied.
            DataLoader(training, batch_size, shuffle=not whole),
            None if whole else evaluation_loader(held_out),
        ),
        build(NAMED["tiny"], np.random.default_rng(SEED)),
        SGD(),
        schedule=constant if whole else cosine,
        seed=SEED,
        slice_size=WHOLE_SET_SLICE if whole else None,
        threads=available_cores(),
    )


class TrackHeldOut(WholeOrNothing):
    """Evaluates the held-out part now and then; `points` are (step, training loss, accuracy)."""

    def __init__(self, held_out: Dataset) -> None:
        self.held_out = held_out
        self.points: list[tuple[int, float, float]] = []

    def after_epoch(self, learner: Learner) -> None:
        """An epoch is one step here."""
        if learner.epoch % EVERY and learner.epoch != 1:
            return
        right = learner.evaluate(self.held_out).metric
        self.points.append((learner.epoch, learner.running.loss, right))
        print(
            f"  step {learner.epoch:>3}: training loss {learner.running.loss:.4f}, "
            f"held out {100 * right:5.2f} %",
            flush=True,
        )


def write_csv(path: Path, dataset: Dataset) -> None:
    """A data set as Kaggle's train.csv has it: "label,pixel0,…", then a digit a line."""
    text = [str(value) for value in range(256)]
    images = np.rint(dataset.images * 255).astype(np.uint8)
    with path.open("w", encoding="ascii") as file:
        file.write(",".join(["label", *(f"pixel{i}" for i in range(PIXELS))]) + "\n")
        for label, image in zip(dataset.labels, images, strict=True):
            # The bytes of an image are numbers already; looking each up is the quickest way.
            file.write(f"{label},{','.join(map(text.__getitem__, image.tobytes()))}\n")
