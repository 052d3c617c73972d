"""Lesson b: 784-50-25-10 from He's initialisation to the file, and beside the frameworks."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from nn.data.dataset import Dataset
from nn.inference.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from nn.inference.metrics import evaluate_logits, report
from nn.lessons import pictures as lesson_plots
from nn.lessons.steps import PrintEpoch, explain_step, heading, softmax_gradient_check
from nn.network.sequential import Sequential
from nn.training.learner import DataLoaders
from nn.training.parallel import available_cores
from nn.training.recipe import evaluation_loader
from nn.training.tasks import Task, new_learner, tasks, two_parts

# The lowest validation losses in the table of the teaching project that this repeats: of the same
# network after 10 epochs, its own and two frameworks', and of a small conv net after one epoch.
REPORTED = {"mlp": (0.1334, 0.1640, 0.1612), "cnn-small": (0.0660,)}


def run(
    train_set: Dataset, folder: Path | None, compare: Callable[[Iterable[str]], dict[str, Any]]
) -> dict[str, Any]:
    """Tell the lesson, write its pictures into `folder` if there is one; returns the figures.

    `compare` trains named networks beside the frameworks, see `nn.benchmark.report`.
    """
    task = tasks(1)["mlp"]
    training, validation = two_parts(train_set)
    heading("b1. the network, and one step of it")
    print(
        f"{len(training.labels):,} digits of the training file to learn from, "
        f"{len(validation.labels):,} to validate; the test file is not touched"
    )
    learner = new_learner(task, training, available_cores())
    learner.dataloaders = DataLoaders(learner.dataloaders.train, evaluation_loader(validation))
    step = first_step(learner.model, task, training)

    heading("b2. why the gradient of the logits is p − y")
    check = compare_gradients()

    heading(f"b3. {task.epochs} epochs of stochastic gradient descent")
    print(f"batches of {task.batch_size}, learning rate {task.learning_rate:g}, no momentum")
    with threadpool_limits(1, "blas"):
        learner.fit(task.epochs, task.learning_rate, [PrintEpoch()])
    result = evaluate_logits(learner.model.logits(validation.images), validation.labels)
    print(f"the {result['images']:,} validation digits:\n{report(result)}")

    heading("b4. saving and loading")
    same = save_and_load(Checkpoint("mlp", task.architecture, learner.model, {}), folder)

    heading("b5. beside the frameworks")
    figures = compare(REPORTED)
    beside_report(figures["rows"])
    if folder:
        lesson_plots.plot_histories({"784-50-25-10": learner.history}, folder / "b-curves.png")
        lesson_plots.plot_confusion(
            np.array(result["confusion"]), folder / "b-confusion.png",
            f"784-50-25-10 after {task.epochs} epochs, {result['images']:,} validation digits",
        )  # fmt: skip
    return {
        "step": step,
        "gradient_check": check,
        "validation_losses": [epoch.validation_loss for epoch in learner.history],
        "validation_accuracy": result["accuracy"],
        "same_after_loading": same,
        **figures,
        "reported": REPORTED,
    }


def first_step(model: Sequential, task: Task, training: Dataset) -> dict[str, float]:
    """Show the fresh weights, then one step with the first batch; returns its figures."""
    for layer in model.layers:
        if (weight := layer.params.get("weight")) is not None:
            print(
                f"{layer!r}: weights of standard deviation {weight.std():.4f}; He asks for "
                f"√(2/{weight.shape[1]}) = {np.sqrt(2 / weight.shape[1]):.4f}"
            )
    print("(the last layer, which no ReLU follows, is initialised after Glorot instead)")
    images, labels = training.images[: task.batch_size], training.labels[: task.batch_size]
    return explain_step(model, images, labels, task.learning_rate)


def compare_gradients() -> dict[str, float]:
    """Show how far the right formula and a widespread wrong one are from the measured gradient."""
    check = softmax_gradient_check()
    print(
        f"the largest difference from the gradient measured by centred differences:\n"
        f"  (p − y)/N              {check['right']:.1e}\n"
        f"  (p − y)/N · p (1 − p)  {check['wrong']:.1e}, the widespread mistake: the softmax is\n"
        f"    differentiated twice; what comes out has {check['ratio']:.2f} of the length and "
        f"another direction (cosine {check['cosine']:.2f})"
    )
    return check


def save_and_load(checkpoint: Checkpoint, folder: Path | None) -> bool:
    """Write the network and read it back; returns whether it still is the same to the last bit."""
    with tempfile.TemporaryDirectory() as temporary:
        path = (folder or Path(temporary)) / "b-mlp.npz"
        save_checkpoint(path, checkpoint)
        loaded = load_checkpoint(path)
    same = bool(np.array_equal(loaded.model.parameters, checkpoint.model.parameters))
    print(
        f"{', '.join(loaded.model.state_dict())} as arrays in one .npz, nothing pickled; read "
        f"back, all {loaded.model.count_params():,} numbers are {'the same' if same else 'OTHERS'}"
    )
    if folder:
        print(f"saved {path}; draw for it with python -m app.draw --model {path}")
    return same


def beside_report(rows: Sequence[dict[str, Any]]) -> None:
    """Digitpad's losses, whose rows are the first of each network's, beside the reported ones."""
    for network, losses in REPORTED.items():
        own = next(row for row in rows if row["network"] == network)
        told = ", ".join(f"{loss:.4f}" for loss in losses)
        print(
            f"{network}: validation loss {own['validation_loss']:.4f}; the teaching project's "
            f"table has {told}"
        )
