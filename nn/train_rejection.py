"""python -m nn.train_rejection: train the network that tells what is no digit.

It learns from MNIST's training digits, from digits written by rule, and from drawings of the
training kinds of `nn.handwriting.nondigits`, all varied. Its threshold is set so that a part of
MNIST's training digits, kept aside, is accepted; `python -m app.rejections STROKES --choose` sets
it better.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from nn.data.dataset import DataLoader, Dataset, load_mnist, split
from nn.handwriting.augmentation import Varied
from nn.handwriting.digits import write_digits
from nn.handwriting.framing import SIZE
from nn.handwriting.nondigits import draw_training
from nn.inference.rejection import (
    ARCHITECTURE,
    FILE_NAME,
    MIN_SIDE,
    NONE,
    Rejection,
    longer_side,
    save_rejection,
)  # fmt: skip
from nn.network.architectures import CLASSES, build
from nn.support.commands import ArgumentParser, json_output, number_in, run
from nn.support.errors import DataError
from nn.support.files import check_writable
from nn.support.types import Array
from nn.training.callbacks import AverageWeights, WholeOrNothing
from nn.training.learner import DataLoaders, Learner
from nn.training.parallel import available_cores
from nn.training.recipe import evaluation_loader, new_learner
from nn.training.settings import Settings

VALIDATION = 0.05  # part of MNIST's training digits, kept aside
ACCEPTED = 0.998  # of those
AT_ONCE = 1000  # many drawings of one kind at once are quicker


class PrintEpoch(WholeOrNothing):
    """Prints a line for each epoch."""

    def after_epoch(self, learner: Learner) -> None:
        """Print the newest figures."""
        epoch = learner.history[-1]
        print(
            f"epoch {epoch.number} of {learner.epochs}: loss {epoch.train_loss:.4f}, accuracy "
            f"{epoch.train_accuracy:.2%}, {epoch.seconds:.0f} s",
            flush=True,
        )


def make_data(
    digits: Dataset, written: int, nondigits: int, rng: np.random.Generator, threads: int = 1
) -> Dataset:
    """MNIST's digits, `written` synthetic ones, and `nondigits` drawings of the label `NONE`."""
    real = len(digits.labels)
    labels = np.concatenate([digits.labels, np.arange(written) % CLASSES, np.full(nondigits, NONE)])
    images = np.empty((len(labels), digits.images.shape[1]), np.float32)
    images[:real] = digits.images
    starts = [
        *range(real, real + written, AT_ONCE),
        *range(real + written, len(labels), AT_ONCE),
    ]

    def draw(start: int, end: int, rng: np.random.Generator) -> None:
        is_none = labels[start] == NONE
        drawn = draw_training(end - start, rng) if is_none else write_digits(labels[start:end], rng)
        images[start:end] = drawn.reshape(end - start, -1)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(draw, starts, [*starts[1:], len(labels)], rng.spawn(len(starts))))
    return Dataset(images, labels)


def train(
    digits: Dataset, written: int, nondigits: int, epochs: int, seed: int, threads: int
) -> Rejection:
    """Train it; `digits` is MNIST's training set.

    Raises `DataError`, before any work, if none of the digits kept aside could set the threshold.
    """
    rng = np.random.default_rng(seed)
    kept, aside = split(digits.labels, VALIDATION, rng)
    check_aside(digits, aside)
    model = build(ARCHITECTURE, rng, outputs=CLASSES + 1)
    data = make_data(digits, written, nondigits, rng, threads)
    indices = np.concatenate([kept, np.arange(len(digits.labels), len(data.labels))])
    settings = Settings(label_smoothing=0.01, schedule="cosine", seed=seed)
    loaders = DataLoaders(
        DataLoader(data, settings.batch_size, indices, augment=Varied(rng)),
        evaluation_loader(data, aside),
    )
    learner = new_learner(model, loaders, settings, threads=threads)
    average = AverageWeights(0.999)
    learner.fit(epochs, 0.002, [average, PrintEpoch()])
    if average.average is not None:
        model.parameters[...] = average.average
    rejection = Rejection(ARCHITECTURE, model, 0.0, {})
    scores = rejection.rejection_score(digits.images[aside])
    rejection.threshold = float(np.quantile(scores[np.isfinite(scores)], ACCEPTED))
    return rejection


def check_aside(digits: Dataset, aside: Array) -> None:
    """Raise `DataError` unless a digit is kept aside whose rejection score will be finite."""
    images = digits.images[aside].reshape(-1, SIZE, SIZE)
    if not (longer_side(images) >= MIN_SIDE).any():
        raise DataError(
            "no threshold can be set: expected images larger than a dot among the training images "
            f"kept aside ({VALIDATION:.0%}), received {len(aside)} kept aside of "
            f"{len(digits.labels)}, and none such; use the whole of MNIST"
        )


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command's options."""
    parser = ArgumentParser(
        prog="nn.train_rejection", description="Train the network that tells what is no digit."
    )
    add = parser.add_argument
    add("--epochs", type=number_in(int, 1, 1000), default=7, help="times through the data")
    add("--written", type=number_in(int, 0, 10**6), default=110_000, help="digits written by rule")
    add("--nondigits", type=number_in(int, 1000, 10**6), default=150_000, help="non-digits")
    add("--seed", type=number_in(int, 0, 2**63 - 1), default=42, help="for chance")
    add(
        "--threads",
        type=number_in(int, 1, 1024),
        default=available_cores(),
        help="cores for convolutions; the result does not depend on it",
    )
    add("--data-dir", type=Path, metavar="DIR", help="folder with MNIST; or it is downloaded")
    add("--output", type=Path, metavar="FILE", default=Path("models") / FILE_NAME, help="the file")
    add("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Train as the command line asks."""
    options = parse(argv)
    with json_output(options.json) as emit:
        check_writable(options.output, "--output")
        digits, _ = load_mnist(options.data_dir)
        start = time.perf_counter()
        with threadpool_limits(1, "blas"):
            amounts = options.written, options.nondigits, options.epochs
            rejection = train(digits, *amounts, options.seed, options.threads)
        seconds = round(time.perf_counter() - start, 1)
        rejection.record = {
            "command": f"python -m nn.train_rejection --epochs {options.epochs} --written "
            f"{options.written} --nondigits {options.nondigits} --seed {options.seed}",
            "threshold": f"accepts {ACCEPTED:.1%} of MNIST digits kept aside",
            "python": platform.python_version(),
            "numpy": np.__version__,
        }
        save_rejection(options.output, rejection)
        print(f"saved {options.output}; threshold {rejection.threshold:.3f} nats")
        result = {"parameters": rejection.model.count_params(), "epochs": options.epochs}
        result |= {"seconds": seconds, "threshold": rejection.threshold}
        emit({**result, "output": str(options.output)})


if __name__ == "__main__":
    run(main, "nn.train_rejection")
