"""python -m nn.train: train a network on MNIST and save its weights.

Two files come out: the network, FILE.npz, and beside it FILE.training.npz, written after each
epoch, with all that is needed to go on from there (`--resume`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from nn.data.dataset import checksum, load_mnist
from nn.inference.checkpoint import Checkpoint, save_checkpoint, summary
from nn.inference.classifier import Classifier
from nn.inference.near_chance import near_chance_hint
from nn.network.losses import CrossEntropyLoss
from nn.support import plots
from nn.support.commands import ArgumentParser, json_output, number_in, run
from nn.support.files import check_writable, is_stream
from nn.support.interrupts import EXIT_INTERRUPTED
from nn.training.callbacks import AverageWeights, BestWeights, EarlyStopping
from nn.training.curves import plot_history
from nn.training.learner import Callback, Learner, accuracy
from nn.training.parallel import available_cores
from nn.training.progress import Progress, ending_at_ctrl_c
from nn.training.recipe import (
    architecture_of,
    prepare,
    prepare_to_finish,
    temperature_of,
    use_best_weights,
)
from nn.training.resume import SaveState, load_state, state_path
from nn.training.settings import (
    DEFAULTS,
    NUMBERS,
    WIDEST,
    WORDS,
    Settings,
    are_sizes,
    new_settings,
    record_of,
)  # fmt: skip

SETTINGS_HELP = {
    "model": "which network",
    "hidden": "sizes of the hidden layers instead, as 128,64",
    "activation": "after each hidden layer",
    "dropout": "part of the hidden values dropped",
    "epochs": "times through the training digits",
    "batch_size": "digits a step",
    "learning_rate": "size of the steps",
    "optimizer": "rule for the steps",
    "schedule": "course of the learning rate",
    "weight_decay": "shrinking of weights (adam)",
    "label_smoothing": "part of the target spread",
    "augment": "vary every digit each time",
    "generated": "digits by rule to add each epoch",
    "finish": "last epochs, with a quarter of those and smaller steps",
    "average": "decay of the mean of weights",
    "keep": "weights of the best epoch or of the last",
    "slant": "read images also slanted by ± this",
    "validation": "part kept aside to judge by",
    "patience": "stop after N epochs without gain; 0: no",
    "seed": "for weights, order and chance",
}


def parse(argv: Sequence[str] | None) -> tuple[argparse.Namespace, dict[str, Any]]:
    """The options that say what to do, and those given of `Settings`."""
    parser = ArgumentParser(
        prog="nn.train", description="Train a network on MNIST and save its weights."
    )
    group = parser.add_argument_group(
        "settings", "Some networks have defaults of their own: " + _differences()
    )
    for name, text in SETTINGS_HELP.items():
        how: dict[str, Any] = {}
        if name in NUMBERS:
            how["type"] = number_in(*NUMBERS[name])
        elif name == "hidden":
            how = {"type": _sizes, "metavar": "N,N"}
        elif name == "augment":
            how["action"] = argparse.BooleanOptionalAction
        else:
            how["choices"] = WORDS[name]
        if name == "model":
            how["metavar"] = "NAME"
        usual = getattr(Settings(), name)
        shown = f" (default: {usual})" if usual is not None else ""
        # SUPPRESS leaves out what was not given, so that a network's own defaults can fill it in.
        option = f"--{name.replace('_', '-')}"
        group.add_argument(option, default=argparse.SUPPRESS, help=text + shown, **how)
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="folder with MNIST: its four files, Keras's mnist.npz, or CSV; without it, MNIST is "
        "downloaded once",
    )
    parser.add_argument(
        "--threads",
        type=number_in(int, 1, 1024),
        default=available_cores(),
        help="cores for convolutions; the result does not depend on it",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: models/MODEL.npz")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw loss and accuracy")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="go on with this training")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    return options, {key: value for key, value in vars(options).items() if key in SETTINGS_HELP}


def _differences() -> str:
    return "; ".join(
        f"{name} with "
        + ", ".join(f"{key.replace('_', '-')} {value}" for key, value in own.items())
        for name, own in DEFAULTS.items()
        if own
    )


def _sizes(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    sizes = tuple(int(part) if part.isdecimal() and len(part) < 9 else 0 for part in parts)
    if not are_sizes(sizes):
        raise argparse.ArgumentTypeError(
            f"expected whole numbers from 1 to {WIDEST} as 128,64, received {text!r}"
        )
    return sizes


def main(argv: Sequence[str] | None = None) -> None:
    """Train as the command line asks."""
    options, given = parse(argv)
    with json_output(options.json) as emit:
        if options.plot:
            plots.require_matplotlib()
            check_writable(options.plot, "--plot")
        resumed = load_state(options.resume) if options.resume else None
        settings = resumed.settings_with(given) if resumed else new_settings(given)
        architecture = architecture_of(settings)
        name = settings.model if settings.hidden is None else "custom"
        default = resumed.network_path() if resumed else Path("models") / f"{name}.npz"
        output: Path = options.output or default
        check_writable(output, "--output")
        if not is_stream(output):
            check_writable(state_path(output), "--output")

        train_set, test_set = load_mnist(options.data_dir)
        data_checksum = checksum(train_set)
        if resumed:
            resumed.check_data(data_checksum)
        learner = prepare(settings, architecture, train_set, options.threads)
        best, average = BestWeights(settings.keep == "last"), AverageWeights(settings.average)
        if resumed:
            resumed.restore(learner, best, average)
        checkpoint = Checkpoint(name, architecture, learner.model, {}, shear=settings.slant)
        classifier = Classifier(output, checkpoint)
        print(f"{summary(checkpoint)}: {learner.dataloaders.train.size:,} digits to learn from")
        state = None  # nothing can stand beside a pipe
        if not is_stream(output):
            state = SaveState(state_path(output), settings, data_checksum, best, average)
        # Several BLAS threads would wait for each other at every one of these small products.
        with threadpool_limits(1, "blas"):
            seconds = fit(learner, settings, best, average, state, options.threads)
            figures = {"epochs": learner.epoch, "seconds": seconds}
            figures |= use_best_weights(learner, best)
            checkpoint.temperature = temperature_of(classifier, learner)
            # The one time that the test file is looked at.
            logits = classifier.calibrated_logits(test_set.images)
        figures["test_loss"] = CrossEntropyLoss().forward(logits, test_set.labels)
        figures["test_accuracy"] = accuracy(logits, test_set.labels)
        checkpoint.record |= record_of(settings, data_checksum, figures)
        save_checkpoint(output, checkpoint, is_named=True)
        print(table(figures))
        can_go_on = best.best is not None and state is not None
        goes_on = f"; --resume {output} with more --epochs goes on from here" if can_go_on else ""
        print(f"saved {output}{goes_on}")
        # After the figures: if the disk refuses the picture, they are known at least.
        if options.plot and learner.history:
            plot_history(learner.history, options.plot, summary(checkpoint))
        parameters = learner.model.count_params()
        emit({"model": name, "parameters": parameters, **figures, "output": str(output)})
    if learner.interrupted:
        sys.exit(EXIT_INTERRUPTED)
    if hint := near_chance_hint(classifier, *test_set, figures["test_accuracy"]):
        print(hint, file=sys.stderr)


def fit(
    learner: Learner,
    settings: Settings,
    best: BestWeights,
    average: AverageWeights,
    state: SaveState | None,
    threads: int,
) -> float:
    """Train, with a progress bar, until it is done or Ctrl-C; returns the seconds of all epochs."""
    callbacks: list[Callback] = [best, Progress(), *([state] if state else [])]
    if settings.average:
        callbacks.append(average)
    if settings.patience:
        callbacks.append(EarlyStopping(settings.patience))
    seconds_before = sum(epoch.seconds for epoch in learner.history)
    start = time.perf_counter()
    with ending_at_ctrl_c(learner):
        if learner.epoch < settings.main_epochs:
            learner.fit(settings.main_epochs - learner.epoch, settings.learning_rate, callbacks)
        if learner.epoch < settings.epochs and not (learner.stop or learner.interrupted):
            rate = prepare_to_finish(learner, settings, threads)
            learner.fit(settings.epochs - learner.epoch, rate, callbacks)
    return round(seconds_before + time.perf_counter() - start, 2)


def table(figures: dict[str, Any]) -> str:
    """The figures of a finished training, a line each."""
    lines = []
    for key, value in figures.items():
        if value is None:
            shown = "–"
        elif key.endswith("accuracy"):
            shown = f"{100 * value:.2f} %"
        else:
            shown = f"{value:.4f}" if key.endswith("loss") else f"{value:,}"
        lines.append(f"{key.replace('_', ' '):>20}  {shown}")
    return "\n".join(lines)


if __name__ == "__main__":
    run(main, "nn.train")
