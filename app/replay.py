"""Measure how well the network reads recorded pen strokes: `python -m app.replay STROKES`.

Every digit is drawn on the canvas with the calls that a mouse makes, so what is measured is the
program as it is used, apart from the window.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app import DEFAULT_MODEL
from app.canvas import Canvas
from app.layout import DIGITS
from app.predictor import Network
from app.strokes import RecordedDigit, fit, read_strokes
from nn.commands import ArgumentParser, json_output, number_in, run
from nn.images import SIZE, frame_strokes

BATCH = 256


def draw_digits(
    digits: Sequence[RecordedDigit], scale: float, shift: tuple[float, float]
) -> NDArray[Any]:
    """Draw each digit on a canvas of its own; returns what the network sees, (N, 28, 28)."""
    images = np.empty((len(digits), SIZE, SIZE), dtype=np.float32)
    for image, digit in zip(images, digits, strict=True):
        canvas = Canvas()
        canvas.draw_strokes(fit(digit.strokes, scale, shift))
        image[...] = frame_strokes(canvas.marks)
    return images


def replay(
    network: Network, digits: Iterable[RecordedDigit], scale: float, shift: tuple[float, float]
) -> NDArray[Any]:
    """Draw and read the digits; returns the counts, (10, 10), of [what it is, what was read]."""
    confusion = np.zeros((DIGITS, DIGITS), dtype=np.int64)
    remaining = iter(digits)
    while batch := list(islice(remaining, BATCH)):
        read = network.probabilities(draw_digits(batch, scale, shift)).argmax(axis=1)
        np.add.at(confusion, ([digit.label for digit in batch], read), 1)
    return confusion


def summary(
    name: str, confusion: NDArray[Any], scale: float, shift: tuple[float, float]
) -> dict[str, Any]:
    """The result as `--json` prints it; accuracies are fractions 0…1, None without any digit."""
    counts, right = confusion.sum(axis=1).tolist(), confusion.diagonal().tolist()
    return {
        "model": name,
        "digits": sum(counts),
        "accuracy": sum(right) / sum(counts),
        "scale": scale,
        "shift": list(shift),
        "per_class": [
            {"digit": digit, "count": count, "accuracy": hits / count if count else None}
            for digit, (count, hits) in enumerate(zip(counts, right, strict=True))
        ],
    }


def table(result: dict[str, Any], confusion: NDArray[Any]) -> str:
    """The result as people read it, with what each digit is most often mistaken for."""
    x, y = result["shift"]
    lines = [
        f"{result['model']}, {result['digits']:,} drawn digits, scale {result['scale']:g}, "
        f"shift {x:g},{y:g}",
        "",
        "digit   count   read right   most often taken for",
    ]
    for row, wrong in zip(result["per_class"], confusion, strict=True):
        digit = row["digit"]
        others = [(int(wrong[other]), other) for other in range(DIGITS) if other != digit]
        times, other = max(others, key=lambda pair: (pair[0], -pair[1]))
        accuracy = "–" if row["accuracy"] is None else f"{row['accuracy']:.1%}"
        mistake = f"{other} ({times}×)" if times else "–"
        lines.append(f"{digit:>5} {row['count']:>7,} {accuracy:>12}   {mistake}")
    lines.append(f"  all {result['digits']:>7,} {result['accuracy']:>12.2%}")
    return "\n".join(lines)


def with_progress(digits: Iterator[RecordedDigit]) -> Iterable[RecordedDigit]:
    """The same digits, counted on standard error if that is a terminal."""
    if not sys.stderr.isatty():
        return digits
    from tqdm import tqdm

    counted: Iterable[RecordedDigit] = tqdm(digits, desc="drawing", unit=" digits", leave=False)
    return counted


def pair(text: str) -> tuple[float, float]:
    """An argparse `type` for two numbers from -2 to 2, such as -0.2,0."""
    parts = text.split(",")
    try:
        x, y = (float(part) for part in parts)
    except ValueError:
        x = y = math.nan
    if not (abs(x) <= 2 and abs(y) <= 2):
        raise argparse.ArgumentTypeError(
            f"expected DX,DY, two numbers from -2 to 2, received {text!r}"
        )
    return x, y


def join_shift(arguments: Sequence[str]) -> list[str]:
    """`--shift -0.2,0` as `--shift=-0.2,0`: argparse would take the value for an option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] == "--shift" and re.match(r"-[\d.]", argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        prog="app.replay",
        description="Measure how well the network reads recorded pen strokes, drawn on the canvas "
        "as with a mouse.",
    )
    parser.add_argument("strokes", type=Path, metavar="STROKES", help="a .jsonl or .jsonl.gz file")
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="FILE or NAME", help="the trained network"
    )
    parser.add_argument(
        "--scale",
        type=number_in(float, 0.01, 10),
        default=0.7,
        help="the longer side of each digit, as a fraction of the canvas",
    )
    parser.add_argument(
        "--shift",
        type=pair,
        default=(0.0, 0.0),
        metavar="DX,DY",
        help="how far from the middle, as fractions of the canvas, right and down",
    )
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    arguments = join_shift(sys.argv[1:] if argv is None else argv)
    options = build_parser().parse_args(arguments)
    from nn.reader import load_reader  # after the options, so that --help is quick

    with json_output(options.json) as emit:
        network = load_reader(options.model)
        began = time.perf_counter()
        digits = with_progress(read_strokes(options.strokes))
        confusion = replay(network, digits, options.scale, options.shift)
        result = summary(network.name, confusion, options.scale, options.shift)
        result["seconds"] = round(time.perf_counter() - began, 3)
        print(table(result, confusion))
        emit(result)


if __name__ == "__main__":
    run(main, "app.replay")
