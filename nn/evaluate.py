"""python -m nn.evaluate: judge a trained network on the MNIST test digits.

`--images FILE.csv` takes other images instead, in Kaggle's columns, with labels or without, and
`--csv FILE.csv` writes what each was read as, in Kaggle's format for submissions.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from nn.data.dataset import load_mnist, read_csv_images
from nn.handwriting.framing import SIZE, frame
from nn.inference.checkpoint import summary
from nn.inference.classifier import DEFAULT_MODEL, load_classifier
from nn.inference.metrics import evaluate_logits, report
from nn.inference.near_chance import near_chance_hint
from nn.network.losses import softmax
from nn.support import plots
from nn.support.commands import ArgumentParser, json_output, number_in, run
from nn.support.errors import UsageError
from nn.support.files import check_writable, write_for_option
from nn.support.types import Array


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command's options."""
    parser = ArgumentParser(prog="nn.evaluate", description=__doc__)
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a network's file or name")
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="folder with MNIST: its four files, Keras's mnist.npz, or CSV",
    )
    parser.add_argument(
        "--images",
        type=Path,
        metavar="FILE.csv",
        help="judge these images instead: 784 pixels a line, after the label if it is known",
    )
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE.csv",
        help="write what each image was read as: ImageId (from 1), Label",
    )
    parser.add_argument(
        "--framed",
        action="store_true",
        help="frame each test image first, as the program frames a drawing known by its pixels",
    )
    parser.add_argument(
        "--worst",
        type=number_in(int, 1, 400),
        metavar="N",
        help="name the N most confidently wrong images; with --plot, show them",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="where to show them")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate as the command line asks."""
    options = parse(argv)
    with json_output(options.json) as emit:
        if options.plot:
            if not options.worst:
                raise UsageError("--plot shows the worst images; say how many with --worst N")
            plots.require_matplotlib()
            check_writable(options.plot, "--plot")
        if options.csv:
            check_writable(options.csv, "--csv")
        classifier = load_classifier(options.model)
        images, labels = load_images(options)
        if options.framed:
            images = frame_each(images)
        with threadpool_limits(1, "blas"):
            logits = classifier.calibrated_logits(images)
        framed = ", framed" if options.framed else ""
        source = f"images of {options.images}" if options.images else "test images"
        print(f"{summary(classifier.checkpoint)} on {len(images):,} {source}{framed}")
        result: dict[str, Any] = {"images": len(images)}
        if labels is not None:
            result = evaluate_logits(logits, labels)
            print(report(result))
            if options.worst:
                show_worst(softmax(logits), images, labels, options)
        if options.csv:
            write_submission(options.csv, logits.argmax(axis=1))
            print(f"saved {options.csv}: ImageId,Label of {len(images):,} images")
            result["csv"] = str(options.csv)
        model = {"model": classifier.name, "parameters": classifier.count_params()}
        emit({**model, "framed": options.framed, **result})
    if labels is None:
        return
    if hint := near_chance_hint(classifier, images, labels, result["accuracy"]):
        print(hint, file=sys.stderr)


def load_images(options: Any) -> tuple[Array, Array | None]:
    """The images (N, 784) that the command line names, and their labels (N,) if they are known."""
    if options.images is None:
        _, test_set = load_mnist(options.data_dir)
        return test_set.images, test_set.labels
    if options.data_dir:
        raise UsageError("--images and --data-dir both name images; leave one of them out")
    images, labels = read_csv_images(options.images)
    if labels is None and (options.worst or not options.csv):
        raise UsageError(
            f"{options.images} has no labels to judge by; "
            + ("leave out --worst" if options.worst else "write what is read with --csv FILE.csv")
        )
    return images, labels


def write_submission(path: Path, guesses: Array) -> None:
    """Write labels (N,) in Kaggle's format for submissions: ImageId, from 1, and Label."""
    rows = (f"{number},{guess}\n" for number, guess in enumerate(guesses, 1))
    content = "".join(["ImageId,Label\n", *rows]).encode()
    write_for_option(path, lambda file: file.write(content), "--csv")


def frame_each(images: Array) -> Array:
    """Every image of (N, 784) in 0…1, framed by its pixels: (N, 28, 28) float32."""
    return np.stack([frame(image) for image in images.reshape(-1, SIZE, SIZE)])


def show_worst(probabilities: Array, images: Array, labels: Array, options: Any) -> None:
    """List, and draw if asked, the wrong answers with the highest probability."""
    guesses = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(guesses != labels)
    order = wrong[np.argsort(-probabilities[wrong, guesses[wrong]], kind="stable")][: options.worst]
    print(f"\nmost confidently wrong ({len(wrong)} wrong in all):")
    captions = []
    for index in order:
        sure = 100 * probabilities[index, guesses[index]]
        print(f"  image {index:>5}: a {labels[index]}, read as {guesses[index]} ({sure:.1f} %)")
        captions.append(f"{labels[index]} as {guesses[index]}, {sure:.0f} %")
    if options.plot:
        plots.plot_digits(images[order], captions, options.plot, "Most confidently wrong")
        print(f"drawn in {options.plot}")


if __name__ == "__main__":
    run(main, "nn.evaluate")
