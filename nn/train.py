"""python -m nn.train: train a network on MNIST and save its weights.

Two files come out: the network, FILE.npz, and beside it FILE.training.npz, written after each
epoch, with all that is needed to go on from there (`--resume`): the present weights, the best ones,
the optimiser's memory and the history.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from nn.data.dataset import DataLoader, Dataset, checksum, load_mnist, split
from nn.handwriting.augmentation import varied
from nn.handwriting.digits import write_digits
from nn.inference.calibration import fit_temperature
from nn.inference.checkpoint import Checkpoint, save_checkpoint, summary
from nn.inference.classifier import Classifier
from nn.inference.near_chance import near_chance_hint
from nn.network.architectures import (
    NAMED,
    Architecture,
    build,
    count_parameters,
    is_convolutional,
    mlp,
)
from nn.network.losses import CrossEntropyLoss
from nn.support import plots
from nn.support.commands import (
    EXIT_INTERRUPTED,
    ArgumentParser,
    json_output,
    number_in,
    run,
)
from nn.support.errors import TrainingError, UsageError
from nn.support.files import check_writable
from nn.training.learner import (
    EVALUATION_BATCH,
    AverageWeights,
    BestWeights,
    Callback,
    DataLoaders,
    EarlyStopping,
    Learner,
    accuracy,
)
from nn.training.optimizers import SGD, Adam, constant, cosine, exponential
from nn.training.parallel import SLICE, available_cores
from nn.training.resume import SaveState, load_state, state_path
from nn.training.settings import (
    DEFAULTS,
    NUMBERS,
    WIDEST,
    WORDS,
    Settings,
    are_sizes,
    command_for,
    new_settings,
)

SYNTHETIC_AT_ONCE = 3000  # digits written by rule: many of one style at once are quicker
SCHEDULES = {"constant": constant, "exponential": exponential, "cosine": cosine}


def parse(argv: Sequence[str] | None) -> tuple[argparse.Namespace, dict[str, Any]]:
    """The options that say what to do, and those given of `Settings`."""
    parser = ArgumentParser(
        prog="nn.train",
        description="Train a network on MNIST and save its weights.",
    )
    usual = Settings()
    # SUPPRESS leaves out what was not given, so that a network's own defaults can fill it in.
    settings = parser.add_argument_group(
        "settings", "Some networks have defaults of their own: " + _differences()
    )

    def setting(option: str, text: str, **how: Any) -> None:
        name = option.strip("-").replace("-", "_")
        value = getattr(usual, name)
        if name in NUMBERS:
            how["type"] = number_in(*NUMBERS[name])
        if name in WORDS:
            how["choices"] = WORDS[name]
        shown = f" (default: {value})" if value is not None else ""
        settings.add_argument(option, default=argparse.SUPPRESS, help=text + shown, **how)

    setting("--model", "which network", metavar="NAME")
    setting("--hidden", "sizes of the hidden layers instead, as 128,64", type=_sizes, metavar="N,N")
    setting("--activation", "after each hidden layer")
    setting("--dropout", "part of the hidden values dropped")
    setting("--epochs", "times through the training digits")
    setting("--batch-size", "digits a step")
    setting("--learning-rate", "size of the steps")
    setting("--optimizer", "rule for the steps")
    setting("--schedule", "course of the learning rate")
    setting("--weight-decay", "shrinking of weights (adam)")
    setting("--label-smoothing", "part of the target spread")
    setting("--augment", "vary every digit each time", action=argparse.BooleanOptionalAction)
    setting("--generated", "digits by rule to add each epoch")
    setting("--average", "decay of the mean of weights")
    setting("--keep", "weights of the best epoch or of the last")
    setting("--slant", "read images also slanted by ± this")
    setting("--validation", "part kept aside to judge by")
    setting("--patience", "stop after N epochs without gain; 0: no")
    setting("--seed", "for weights, order and chance")

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
        help="threads for convolutions; the result does not depend on it",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: models/MODEL.npz")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw loss and accuracy")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="go on with this training")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    given = {
        field.name: getattr(options, field.name)
        for field in dataclasses.fields(Settings)
        if hasattr(options, field.name)
    }
    return options, given


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
        output = options.output or default
        check_writable(output, "--output")
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
        print(f"{summary(checkpoint)}: {learner.dataloaders.train.size:,} digits to learn from")

        callbacks: list[Callback] = [
            *([average] if settings.average else []),  # first, as it says
            best,
            Progress(),
            SaveState(state_path(output), settings, data_checksum, best, average),
            *([EarlyStopping(settings.patience)] if settings.patience else []),
        ]
        seconds_before = sum(epoch.seconds for epoch in learner.history)
        start = time.perf_counter()
        # Several BLAS threads would wait for each other at every one of these small products.
        with threadpool_limits(1, "blas"):
            with ending_at_ctrl_c(learner):
                learner.fit(settings.epochs - learner.epoch, settings.learning_rate, callbacks)
            seconds = seconds_before + time.perf_counter() - start
            best_figures = use_best_weights(learner, best)
            classifier = Classifier(output, checkpoint)
            checkpoint.temperature = temperature_of(classifier, learner)
            # The one time that the test file is looked at.
            logits = classifier.calibrated_logits(test_set.images)
        figures = {
            "epochs": learner.epoch,
            "seconds": round(seconds, 2),
            **best_figures,
            "test_loss": CrossEntropyLoss().forward(logits, test_set.labels),
            "test_accuracy": accuracy(logits, test_set.labels),
        }
        checkpoint.record |= {
            "command": command_for(settings),
            "seed": settings.seed,
            "settings": dataclasses.asdict(settings),
            "data_checksum": data_checksum,
            "figures": figures,
            "python": platform.python_version(),
            "numpy": np.__version__,
        }
        save_checkpoint(output, checkpoint)
        print(table(figures))
        goes_on = f"; --resume {output} with more --epochs goes on from here" if best.best else ""
        print(f"saved {output}{goes_on}")
        # After the figures: if the disk refuses the picture, they are known at least.
        if options.plot and learner.history:
            plots.plot_history(learner.history, options.plot, summary(checkpoint))
        parameters = learner.model.count_params()
        emit({"model": name, "parameters": parameters, **figures, "output": str(output)})
    if learner.interrupted:
        sys.exit(EXIT_INTERRUPTED)
    if hint := near_chance_hint(classifier, *test_set, figures["test_accuracy"]):
        print(hint, file=sys.stderr)


@contextlib.contextmanager
def ending_at_ctrl_c(learner: Learner) -> Iterator[None]:
    """Within the block, Ctrl-C ends the training after the present batch, and a second one at once.

    As an exception it may come where Python swallows it, while an object is being deleted.
    """
    usual = signal.getsignal(signal.SIGINT)

    def end(*_: object) -> None:
        learner.stop = learner.interrupted = True
        signal.signal(signal.SIGINT, usual)
        print("ending after this batch; Ctrl-C again ends at once", file=sys.stderr)

    # A shell's background job is not to hear it, and only the main thread can.
    heard = usual == signal.default_int_handler
    if not heard or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


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


def prepare(
    settings: Settings, architecture: Architecture, train_set: Dataset, threads: int
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
    return Learner(
        DataLoaders(
            DataLoader(
                train_set,
                settings.batch_size,
                train_indices,
                augment=varied(rng) if settings.augment else None,
                renew=renew,
            ),
            DataLoader(train_set, EVALUATION_BATCH, validation_indices, shuffle=False),
        ),
        model,
        optimizer_of(settings),
        CrossEntropyLoss(settings.label_smoothing),
        schedule=SCHEDULES[settings.schedule],
        seed=settings.seed,
        slice_size=SLICE if is_convolutional(architecture) else None,
        threads=threads,
    )


def with_room(dataset: Dataset, count: int) -> Dataset:
    """The data set with `count` more images after its own, empty yet, labelled 0 to 9 in turn."""
    images = np.zeros((len(dataset.labels) + count, dataset.images.shape[1]), np.float32)
    images[: len(dataset.labels)] = dataset.images
    return Dataset(images, np.concatenate([dataset.labels, np.arange(count) % 10]))


def regenerate_synthetic(
    dataset: Dataset, start: int, threads: int
) -> Callable[[np.random.Generator], None]:
    """What writes other digits by rule, before each epoch, into the images from `start` on."""

    def renew(rng: np.random.Generator) -> None:
        starts = range(start, len(dataset.labels), SYNTHETIC_AT_ONCE)

        def write(first: int, rng: np.random.Generator) -> None:
            labels = dataset.labels[first : first + SYNTHETIC_AT_ONCE]
            written = write_digits(labels, rng).reshape(len(labels), -1)
            dataset.images[first : first + len(labels)] = written

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(write, starts, rng.spawn(len(starts))))

    return renew


def use_best_weights(learner: Learner, best: BestWeights) -> dict[str, Any]:
    """Put the best weights into the model; returns what is known of them."""
    if best.best is None:  # interrupted in the first epoch: what there is, is the best so far
        if not learner.running.images:
            raise TrainingError("interrupted before the first step; nothing was saved")
        validation = learner.validate()
        return {
            "best_epoch": 0,
            "train_loss": learner.running.loss,
            "validation_loss": validation.loss if validation else None,
            "validation_accuracy": validation.metric if validation else None,
        }
    epoch, parameters = best.best
    learner.model.parameters[...] = parameters
    return {
        "best_epoch": epoch.number,
        "train_loss": epoch.train_loss,
        "validation_loss": epoch.validation_loss,
        "validation_accuracy": epoch.validation_accuracy,
    }


def temperature_of(classifier: Classifier, learner: Learner) -> float:
    """The temperature that suits a reader best on the learner's validation digits."""
    loader = learner.dataloaders.validation
    if loader is None or not loader.size:
        return 1.0
    logits, labels = [], []
    for images, some_labels in loader.batches(np.random.default_rng(0)):
        logits.append(classifier.logits(images))
        labels.append(some_labels.copy())  # the loader uses its memory again
    return fit_temperature(np.concatenate(logits), np.concatenate(labels))


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


def duration(seconds: float) -> str:
    """A time as people say it: "40 s", "12 min"."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class Progress(Callback):
    """A bar that grows with the batches, and a line for each complete epoch."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def after_batch(self, learner: Learner) -> None:
        """Move the bar; tqdm itself sees to it that this is cheap."""
        if self._bar is None:
            self._bar = tqdm(
                total=learner.dataloaders.train.size,
                desc=f"epoch {learner.epoch + 1}/{learner.epochs}",
                unit=" images",
                unit_scale=True,
                leave=False,
                disable=None,  # no bar where standard error is not a terminal
                file=sys.stderr,
            )
        bar, running = self._bar, learner.running
        if not bar.disable:
            bar.set_postfix_str(
                f"loss {running.loss:.4f}, accuracy {100 * running.metric:.2f} %", refresh=False
            )
        bar.update(running.images - bar.n)

    def after_validation(self, learner: Learner) -> None:
        """Replace the bar by the epoch's line."""
        self.after_fit(learner)
        epoch = learner.history[-1]
        line = (
            f"epoch {epoch.number:>3}/{learner.epochs}  "
            f"loss {epoch.train_loss:.4f}  accuracy {100 * epoch.train_accuracy:5.2f} %"
        )
        if epoch.validation_loss is not None and epoch.validation_accuracy is not None:
            line += (
                f"  validation {epoch.validation_loss:.4f}  "
                f"{100 * epoch.validation_accuracy:5.2f} %"
            )
        rate = learner.dataloaders.train.size / epoch.seconds
        line += f"  {epoch.seconds:.1f} s  {rate:,.0f} images/s"
        if seconds_left := epoch.seconds * (learner.epochs - epoch.number):
            line += f"  {duration(seconds_left)} left"
        print(line, flush=True)

    def after_fit(self, learner: Learner) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


if __name__ == "__main__":
    run(main, "nn.train")
