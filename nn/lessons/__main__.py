"""python -m nn.lessons: from one neuron to a convolutional network, step by step.

Each lesson trains, prints what happens and why, with the shapes and the places in the code, and
draws pictures. a: a linear model, then one with a hidden layer. b: a deeper one, its gradients,
its file, and the same in the frameworks that are installed. c: two layers from a CSV file, all
digits at once. tables: what initialisation, batch size, learning rate and activation do.
nn/lessons/LESSONS.md tells the whole.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from nn.benchmark.report import beside_frameworks
from nn.data.dataset import load_mnist
from nn.lessons import lesson_a, lesson_b, lesson_c
from nn.lessons import tables as lesson_tables
from nn.support import plots
from nn.support.commands import ArgumentParser, json_output, run
from nn.support.errors import UsageError
from nn.support.files import check_writable
from nn.training.tasks import expect_enough

FOLDER = Path("lessons")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the lessons that the command line names."""
    parser = ArgumentParser(prog="nn.lessons", description=__doc__)
    parser.add_argument(
        "lesson", choices=["a", "b", "c", "all", "tables"], help="which lesson; all: a, b and c"
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="folder with the MNIST files")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help=f"where the pictures go (default: {FOLDER}); they need matplotlib",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    with json_output(options.json) as emit:
        folder = None if options.lesson == "tables" else picture_folder(options.output)
        start = time.perf_counter()
        train_set, test_set = load_mnist(options.data_dir)
        expect_enough(train_set)
        figures: dict[str, Any] = {}
        # Several BLAS threads would wait for each other at every one of these small products.
        with threadpool_limits(1, "blas"):
            if options.lesson in ("a", "all"):
                figures["a"] = lesson_a.run(train_set, test_set, folder)
            if options.lesson in ("b", "all"):
                compare = functools.partial(beside_frameworks, data_dir=options.data_dir)
                figures["b"] = lesson_b.run(train_set, folder, compare)
            if options.lesson in ("c", "all"):
                figures["c"] = lesson_c.run(train_set, folder)
            if options.lesson == "tables":
                figures["tables"] = lesson_tables.run(train_set)
        seconds = time.perf_counter() - start
        print(f"\n{seconds:.0f} s in all" + (f"; the pictures are in {folder}" if folder else ""))
        emit({**figures, "seconds": seconds, "output": str(folder) if folder else None})


def picture_folder(wanted: Path | None) -> Path | None:
    """Where pictures go; None, and a line that says why, if there is nothing to draw them with."""
    try:
        plots.require_matplotlib()
    except UsageError as error:
        if wanted:
            raise
        print(f"no pictures: {error}")
        return None
    folder: Path = wanted or FOLDER
    check_writable(folder / "a-samples.png", "--output")
    return folder


if __name__ == "__main__":
    run(main, "nn.lessons")
