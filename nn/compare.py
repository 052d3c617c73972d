"""python -m nn.compare: the same trainings in several systems, one after the other, timed.

Each system works in a process of its own, which imports it and loads the digits once. The systems
take turns, and the turns are repeated, so that all meet the same moods of the machine; the median
counts. All train with the same digits, batches, learning rate and momentum.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import multiprocessing
import os
import signal
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info, threadpool_limits
from tqdm import tqdm

from nn import peers, plots
from nn.architectures import describe
from nn.checkpoint import Checkpoint, find_model, load_checkpoint
from nn.commands import ArgumentParser, json_output, number_in, run
from nn.dataset import Dataset, load_mnist
from nn.errors import DataError, UsageError
from nn.files import check_writable
from nn.layers import Sequential
from nn.learner import EVALUATION_BATCH, accuracy
from nn.losses import CrossEntropyLoss
from nn.parallel import available_cores
from nn.peers import Task, Trained
from nn.profiling import matrix_products, new_learner, profile

Array = NDArray[Any]

TRAINING_PART = 0.8  # of the training file, 48,000 digits; the rest validates
FEWEST = 100  # digits of a training file
MANY = 10_000  # digits that are read in one call
SINGLE_READINGS = 300


def train_digitpad(task: Task, images: Array, labels: Array) -> Trained:
    """Digitpad as its users have it."""
    learner = new_learner(task, Dataset(images, labels), available_cores())
    with threadpool_limits(1, "blas"):
        start = time.perf_counter()
        learner.fit(task.epochs, task.learning_rate)
        seconds = time.perf_counter() - start
    return Trained(seconds, in_parts(learner.model))


def floor(task: Task, images: Array, labels: Array) -> Trained:
    """The matrix products of `train_digitpad`, and nothing else."""
    return Trained(matrix_products(task, len(labels), available_cores()), None)


def in_parts(model: Sequential) -> Callable[[Array], Array]:
    """What reads images (N, 784), however many, in parts that fit in a cache: their logits."""

    def read(images: Array) -> Array:
        starts = range(0, len(images), EVALUATION_BATCH)
        parts = [model.forward(images[s : s + EVALUATION_BATCH]).copy() for s in starts]
        return np.concatenate(parts)  # of copies: a layer uses its memory again

    return read


def digitpad_reader(checkpoint: Checkpoint) -> Callable[[Array], Array]:
    """The checkpoint's network in Digitpad: images (N, 784) to logits."""
    return in_parts(checkpoint.model)


class System(NamedTuple):
    """What can be compared: `packages` must be installed; None where a system cannot do a thing."""

    name: str
    packages: tuple[str, ...]
    train: Callable[[Task, Array, Array], Trained] | None
    networks: tuple[str, ...] = ("mlp", "cnn-small", "cnn")
    reader: Callable[[Checkpoint], Callable[[Array], Array]] | None = None


SYSTEMS = {
    "digitpad": System("Digitpad", ("numpy",), train_digitpad, reader=digitpad_reader),
    "floor": System("matrix products alone", ("numpy",), floor),
    "jax": System("JAX, jit", ("jax",), peers.train_jax),
    "sklearn": System("scikit-learn", ("sklearn",), peers.train_sklearn, ("mlp",)),
    "torch": System("PyTorch", ("torch",), peers.train_torch, reader=peers.torch_reader),
    "torch-tensors": System("PyTorch, no DataLoader", ("torch",), peers.train_torch_tensors),
    "torch-channels-last": System(
        "PyTorch, channels_last", ("torch",), peers.train_torch_channels_last, ("cnn-small", "cnn")
    ),
    "tensorflow": System("TensorFlow", ("tensorflow",), peers.train_tensorflow),
    "onnx": System("ONNX Runtime", ("onnx", "onnxruntime"), None, reader=peers.onnx_reader),
}


def tasks(batches: int) -> dict[str, Task]:
    """What is trained, by network; `cnn` only for a number of batches."""
    return {
        "mlp": Task("mlp", 10, learning_rate=0.1, momentum=0.0),
        "cnn-small": Task("cnn-small", 1, learning_rate=0.08, momentum=0.9),
        "cnn": Task("cnn", 1, learning_rate=0.01, momentum=0.9, batches=batches),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Compare as the command line asks."""
    parser = ArgumentParser(prog="nn.compare", description=__doc__)
    everything = ",".join(SYSTEMS)
    networks = ",".join(tasks(1))
    parser.add_argument(
        "--systems",
        type=_names(SYSTEMS),
        default=everything,
        metavar="A,B",
        help="what to compare, of these; what is not installed is left out",
    )
    parser.add_argument(
        "--networks",
        type=_names(tasks(1)),
        default=networks,
        metavar="A,B",
        help="what to train with each, of these",
    )
    parser.add_argument("--repeats", type=number_in(int, 1, 1000), default=3, help="turns of each")
    parser.add_argument(
        "--batches", type=number_in(int, 1, 375), default=50, help="batches for the network cnn"
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="folder with the MNIST files")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the seconds as bars")
    parser.add_argument(
        "--profile", action="store_true", help="show where a step's time goes, by layer, instead"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    with json_output(options.json) as emit:
        if options.plot:
            plots.require_matplotlib()
            check_writable(options.plot, "--plot")
        wanted = [tasks(options.batches)[name] for name in options.networks]
        if options.profile:
            profiles = {task.network: profile(task, _parts(options.data_dir)[0]) for task in wanted}
            for name, parts in profiles.items():
                print(profile_table(name, parts))
            emit({"profiles": profiles})
            return
        chosen = [key for key in options.systems if is_installed(SYSTEMS[key])]
        missing = [SYSTEMS[key].name for key in options.systems if key not in chosen]
        for name in missing:
            print(f"not measured: {name} is not installed")
        if not any(_trains(key, task) or SYSTEMS[key].reader for key in chosen for task in wanted):
            raise UsageError(
                f"nothing to measure: none of --systems {','.join(chosen)} trains "
                f"{','.join(options.networks)} or reads; choose others"
            )
        rows, predictions = compare(wanted, chosen, options.repeats, options.data_dir)
        kernels = blas_kernels()
        print(table(rows))
        print(prediction_table(predictions))
        print(f"\nNumPy multiplies matrices with {kernels}")
        if options.plot and rows:
            plots.plot_comparison(rows, options.plot)
        emit(
            {
                "rows": rows,
                "predictions": predictions,
                "not_measured": missing,
                "blas_kernels": kernels,
            }
        )


def is_installed(system: System) -> bool:
    """Whether all that a system needs can be found."""
    return all(importlib.util.find_spec(package) for package in system.packages)


def blas_kernels() -> str:
    """The library that multiplies NumPy's matrices, and the processor that its code is made for."""
    told = [
        f"{library['internal_api']} {library['version']} for {library.get('architecture')}"
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]
    forced = os.environ.get("OPENBLAS_CORETYPE")
    return ", ".join(told) + (", as OPENBLAS_CORETYPE says" if forced else "")


def _names(known: Iterable[str]) -> Callable[[str], list[str]]:
    """An argparse `type` for some of the `known` names, separated by commas."""

    def convert(text: str) -> list[str]:
        for name in text.split(","):
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"expected names out of {','.join(known)}, received {name!r}"
                )
        return list(dict.fromkeys(text.split(",")))

    return convert


def compare(
    wanted: Sequence[Task],
    keys: Sequence[str],
    repeats: int,
    data_dir: Path | None,
    reading: bool = True,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Train and read with each system in turn; returns a row for each training and each reader.

    Without `reading` there are no readers.
    """
    context = multiprocessing.get_context("spawn")
    # Ctrl-C reaches all processes of a terminal; it is this one that ends the others.
    deaf = (signal.SIGINT, signal.SIG_IGN)
    workers = {key: ProcessPoolExecutor(1, context, signal.signal, deaf) for key in keys}
    trainings = [(task, key) for task in wanted for key in keys if _trains(key, task)]
    readers = [key for key in keys if reading and SYSTEMS[key].reader]
    results: dict[Any, list[dict[str, Any]]] = {job: [] for job in [*trainings, *readers]}
    try:
        with tqdm(total=repeats * len(results), unit=" turns", leave=False, disable=None) as bar:
            for _ in range(repeats):
                for task, key in trainings:
                    bar.set_description(f"{SYSTEMS[key].name}, {task.network}")
                    work = workers[key].submit(train_once, key, task, data_dir)
                    results[task, key].append(_result(work, key))
                    bar.update()
                for key in readers:
                    bar.set_description(f"{SYSTEMS[key].name}, reading")
                    work = workers[key].submit(read_once, key, data_dir)
                    results[key].append(_result(work, key))
                    bar.update()
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        for worker in workers.values():
            worker.shutdown(cancel_futures=True)
    rows = [_training_row(task, key, results[task, key]) for task, key in trainings]
    _add_ratios(rows, "seconds")
    predictions = [
        {"system": SYSTEMS[key].name, "network": "cnn", **_medians(results[key])} for key in readers
    ]
    for key in ("single_ms", "many_seconds"):
        _add_ratios(predictions, key)
    return rows, predictions


def _result(work: Future[dict[str, Any]], key: str) -> dict[str, Any]:
    """What a worker found; `UsageError` where its system is installed but does not work."""
    try:
        return work.result()
    except (ImportError, BrokenProcessPool) as error:
        raise UsageError(
            f"{SYSTEMS[key].name} does not work here ({error}); leave {key} out of --systems"
        ) from error


def _trains(key: str, task: Task) -> bool:
    return SYSTEMS[key].train is not None and task.network in SYSTEMS[key].networks


@functools.lru_cache(1)
def _parts(data_dir: Path | None) -> tuple[Dataset, Dataset]:
    """The digits to train with and those to judge by, loaded once in each process."""
    return two_parts(load_mnist(data_dir)[0])


def two_parts(whole: Dataset) -> tuple[Dataset, Dataset]:
    """The first `TRAINING_PART` of a data set, and the rest; nothing is copied.

    Raises `DataError` if there is too little of it.
    """
    expect_enough(whole)
    boundary = round(TRAINING_PART * len(whole.labels))
    first, last = slice(0, boundary), slice(boundary, None)
    return (
        Dataset(whole.images[first], whole.labels[first]),
        Dataset(whole.images[last], whole.labels[last]),
    )


def expect_enough(dataset: Dataset) -> None:
    """Raise `DataError` if a data set is too small to train and judge with."""
    if len(dataset.labels) < FEWEST:
        raise DataError(
            f"too few digits: expected {FEWEST} or more to learn from, received "
            f"{len(dataset.labels)}; use the whole of MNIST"
        )


def train_once(key: str, task: Task, data_dir: Path | None) -> dict[str, Any]:
    """One training in the present process: seconds, and the losses of the network it gave."""
    training, validation = _parts(data_dir)
    train = SYSTEMS[key].train
    assert train is not None, f"{key} does not train"
    most = task.batches * task.batch_size if task.batches else None
    images, labels = training.images[:most], training.labels[:most]
    seconds, logits = train(task, images, labels)
    figures: dict[str, Any] = {"seconds": seconds, "images": len(labels)}
    if logits is None:
        return figures
    for name, part in (("train", training), ("validation", validation)):
        values = np.asarray(logits(part.images), np.float32)
        figures[f"{name}_loss"] = CrossEntropyLoss().forward(values, part.labels)
        figures[f"{name}_accuracy"] = accuracy(values, part.labels)
    return figures


def read_once(key: str, data_dir: Path | None) -> dict[str, float]:
    """The time of reading one digit, at the median, and of many at once, with the shipped `cnn`."""
    images = _parts(data_dir)[1].images
    make = SYSTEMS[key].reader
    assert make is not None, f"{key} does not read"
    read = make(load_checkpoint(find_model("cnn")))
    with threadpool_limits(1 if key == "digitpad" else None, "blas"):
        times = []
        for number in range(20 + SINGLE_READINGS):
            image = images[number % len(images)][None]
            start = time.perf_counter()
            read(image)
            times.append(time.perf_counter() - start)
        start = time.perf_counter()
        read(images[:MANY])
        seconds = time.perf_counter() - start
    return {"single_ms": 1000 * statistics.median(times[20:]), "many_seconds": seconds}


def _training_row(task: Task, key: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    figures = {"train_loss": None, "validation_loss": None, "validation_accuracy": None}
    return {
        "system": SYSTEMS[key].name,
        "network": task.network,
        "layers": describe(task.architecture),
        "epochs": task.epochs,
        "batch_size": task.batch_size,
        **figures,
        **_medians(results),
        "all_seconds": [round(result["seconds"], 4) for result in results],
    }


def _medians(results: list[dict[str, Any]]) -> dict[str, float]:
    return {key: statistics.median_low(result[key] for result in results) for key in results[0]}


def _add_ratios(rows: list[dict[str, Any]], key: str) -> None:
    """Add to each row how many times Digitpad's figure for the same network its own is."""
    own = {row["network"]: row[key] for row in rows if row["system"] == SYSTEMS["digitpad"].name}
    for row in rows:
        reference = own.get(row["network"])
        row[f"{key}_ratio"] = row[key] / reference if reference else None


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The trainings, a block for each network."""
    lines = []
    network = None
    for row in rows:
        if row["network"] != network:
            network = row["network"]
            lines += [
                "",
                f"{network} ({row['layers']}), {row['images']:,} digits, epochs {row['epochs']}, "
                f"batch {row['batch_size']}",
                f"{'':24} {'seconds':>8} {'ratio':>6}  {'training':>8} {'validation':>10} "
                f"{'accuracy':>9}",
            ]
        ratio = f"{row['seconds_ratio']:.2f}" if row["seconds_ratio"] else "–"
        line = f"{row['system']:<24} {row['seconds']:>8.2f} {ratio:>6}"
        if row["validation_loss"] is not None:
            line += (
                f"  {row['train_loss']:>8.4f} {row['validation_loss']:>10.4f} "
                f"{100 * row['validation_accuracy']:>7.2f} %"
            )
        lines.append(line)
    return "\n".join(lines)


def prediction_table(predictions: Sequence[dict[str, Any]]) -> str:
    """The readers, a line each."""
    lines = [
        "",
        f"reading with cnn {'':7} {'one digit':>12} {'ratio':>6} {MANY:>9,} at once  ratio",
    ]
    for row in predictions:
        ratios = [
            f"{row[f'{key}_ratio']:.2f}" if row[f"{key}_ratio"] else "–"
            for key in ("single_ms", "many_seconds")
        ]
        lines.append(
            f"{row['system']:<24} {row['single_ms']:>9.3f} ms {ratios[0]:>6} "
            f"{row['many_seconds']:>15.2f} s {ratios[1]:>6}"
        )
    return "\n".join(lines)


def profile_table(network: str, parts: Sequence[dict[str, Any]]) -> str:
    """Where the time of a step goes."""
    total = sum(part["forward_ms"] + part["backward_ms"] for part in parts)
    lines = [
        f"{network}: {total:.2f} ms a batch of {Task.batch_size} on one thread",
        f"{'':36} {'forward':>10} {'backward':>10} {'share':>8}",
    ]
    for part in parts:
        share = (part["forward_ms"] + part["backward_ms"]) / total
        lines.append(
            f"{part['part']:<36} {part['forward_ms']:>7.3f} ms {part['backward_ms']:>7.3f} ms "
            f"{100 * share:>6.1f} %"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    run(main, "nn.compare")
