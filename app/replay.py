"""Measure how well the network reads recorded pen strokes: `python -m app.replay STROKES`.

Every digit is drawn on the canvas with the calls that a mouse makes, so what is measured is the
program as it is used, apart from the window.
"""

from __future__ import annotations

import argparse
import math
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from app.drawing.canvas import Canvas
from app.drawing.strokes import DIGITS, RecordedDigit, fit, printable, read_strokes
from app.session.predictor import Network
from nn.handwriting.framing import SIZE, frame, frame_strokes
from nn.inference.calibration import expected_calibration_error
from nn.inference.classifier import DEFAULT_MODEL, load_classifier
from nn.inference.discount import MAX_NO_DIGIT, discounted
from nn.inference.rejection import load_rejection
from nn.support.commands import ArgumentParser, json_output, number_in, run
from nn.support.files import check_writable
from nn.support.types import Array

BATCH = 256
MAX_SHOWN = 200  # misread digits on one picture
ENOUGH_DIGITS = 20  # of one writer, for an accuracy that says something
NOT_READ = -1  # the guess where there was no ink to read
# How the drawing on a canvas becomes the image that the network reads.
FRAMINGS: dict[str, Callable[[Canvas], Array]] = {
    "strokes": lambda canvas: frame_strokes(canvas.strokes),
    "pixels": lambda canvas: frame(canvas.ink),
    "none": lambda canvas: canvas.ink,
}


@dataclass(frozen=True)
class Setting:
    """How digits are drawn and framed: size and place as in `fit`, and one of `FRAMINGS`."""

    scale: float = 0.7
    shift: tuple[float, float] = (0.0, 0.0)
    framing: str = "strokes"


@dataclass(frozen=True)
class Mistake:
    """A digit that was misread: the image the network saw, (28, 28), and what it was read as."""

    image: Array
    label: int
    guess: int  # or NOT_READ
    probability: float  # of the guess
    writer: str | None


@dataclass(frozen=True)
class Predictions:
    """How N digits were read, and the most confident `Mistake`s, at most `MAX_SHOWN`.

    `labels` and `guesses` are (N,), `probabilities` (N, 10); where there was no ink to read the
    guess is `NOT_READ` and every probability 0.
    """

    labels: Array
    guesses: Array
    probabilities: Array
    writers: list[str | None]
    mistakes: list[Mistake]
    rejected: Array | None = None  # (N,), where the window would say "not sure"

    @property
    def right(self) -> Array:
        """Whether each digit was read right, (N,)."""
        return self.guesses == self.labels

    @property
    def read(self) -> Array:
        """Whether there was any ink to read, (N,)."""
        return self.guesses != NOT_READ


def draw_digits(digits: Sequence[RecordedDigit], setting: Setting) -> Array:
    """Draw each digit on a canvas of its own; returns what the network sees, (N, 28, 28)."""
    framed = FRAMINGS[setting.framing]
    images = np.empty((len(digits), SIZE, SIZE), dtype=np.float32)
    for image, digit in zip(images, digits, strict=True):
        canvas = Canvas()
        canvas.draw_strokes(fit(digit.strokes, setting.scale, setting.shift))
        image[...] = framed(canvas)
    return images


def replay(
    network: Network,
    digits: Iterable[RecordedDigit],
    setting: Setting,
    no_digit: Callable[[Array], Array] | None = None,
) -> Predictions:
    """Draw and read the digits, at least one, a batch at a time.

    `no_digit` tells how likely framed images (N, 28, 28) are no digits, 0…1, (N,).
    """
    labels: list[int] = []
    writers: list[str | None] = []
    answers: list[Array] = []
    rejected: list[Array] = []
    mistakes: list[Mistake] = []
    remaining = iter(digits)
    while batch := list(islice(remaining, BATCH)):
        images = draw_digits(batch, setting)
        # A blank canvas gets no answer in the program, whatever the network makes of blank paper.
        inked = images.reshape(len(batch), -1).max(axis=1) > 0
        probabilities = network.probabilities(images) * inked[:, None]
        if no_digit is not None:
            likely = no_digit(images)
            probabilities = discounted(probabilities, likely)
            rejected.append(likely > MAX_NO_DIGIT)
        answers.append(probabilities)
        labels += [digit.label for digit in batch]
        writers += [digit.writer for digit in batch]
        mistakes += misread(batch, images, probabilities)
        mistakes = sorted(mistakes, key=lambda mistake: -mistake.probability)[:MAX_SHOWN]
    all_answers = np.concatenate(answers)
    all_rejected = np.concatenate(rejected) if rejected else None
    guesses = guess(all_answers)
    return Predictions(np.array(labels), guesses, all_answers, writers, mistakes, all_rejected)


def guess(probabilities: Array) -> Array:
    """The likeliest digits (N,) of probabilities (N, 10); `NOT_READ` where all are 0."""
    return np.where(probabilities.any(axis=1), probabilities.argmax(axis=1), NOT_READ)


def misread(digits: Sequence[RecordedDigit], images: Array, probabilities: Array) -> list[Mistake]:
    """Those of N digits that were not read right; images (N, 28, 28), probabilities (N, 10)."""
    guesses, highest = guess(probabilities).tolist(), probabilities.max(axis=1).tolist()
    return [
        # A copy, which does not keep the images of the whole batch in memory.
        Mistake(image.copy(), digit.label, guessed, probability, digit.writer)
        for digit, image, guessed, probability in zip(digits, images, guesses, highest, strict=True)
        if guessed != digit.label
    ]


def summary(name: str, predictions: Predictions, setting: Setting) -> dict[str, Any]:
    """The result as `--json` prints it.

    Accuracies are fractions 0…1, None without any digit. A digit that left no ink (`blank` counts
    them) was not read right; it has no part in the calibration error, None if none left any.
    """
    right, read, labels = predictions.right, predictions.read, predictions.labels
    calibration_error = None
    if read.any():
        probabilities = predictions.probabilities[read]
        calibration_error = expected_calibration_error(probabilities, labels[read])
    hits = [right[labels == digit] for digit in range(DIGITS)]
    return {
        "model": name,
        "digits": len(right),
        "accuracy": float(right.mean()),
        "scale": setting.scale,
        "shift": list(setting.shift),
        "framing": setting.framing,
        "blank": int(np.count_nonzero(~read)),
        "calibration_error": calibration_error,
        "answered": None if predictions.rejected is None else float(np.mean(~predictions.rejected)),
        "per_class": [
            {"digit": digit, "count": len(of), "accuracy": float(of.mean()) if len(of) else None}
            for digit, of in enumerate(hits)
        ],
        "writers": spread(predictions),
    }


def by_writer(predictions: Predictions) -> list[tuple[float, str]]:
    """The accuracy, 0…1, and name of each writer of `ENOUGH_DIGITS` or more, the worst first."""
    hits: dict[str, list[bool]] = {}
    for writer, right in zip(predictions.writers, predictions.right.tolist(), strict=True):
        if writer is not None:
            hits.setdefault(writer, []).append(right)
    return sorted(
        (statistics.fmean(of_writer), writer)
        for writer, of_writer in hits.items()
        if len(of_writer) >= ENOUGH_DIGITS
    )


def spread(predictions: Predictions) -> dict[str, Any] | None:
    """How far accuracy differs between the writers of `by_writer`; None if none is known by name.

    Where they are known, but all wrote too little, there is no accuracy.
    """
    if all(writer is None for writer in predictions.writers):
        return None
    accuracies = [accuracy for accuracy, _ in by_writer(predictions)]
    return {
        "count": len(accuracies),
        "lowest": min(accuracies, default=None),
        "below_90": sum(accuracy < 0.9 for accuracy in accuracies),
        "median": statistics.median(accuracies) if accuracies else None,
    }


def table(result: dict[str, Any], predictions: Predictions) -> str:
    """The result as people read it, with what each digit is most often mistaken for."""
    x, y = result["shift"]
    lines = [
        f"{result['model']}, {result['digits']:,} drawn digits, scale {result['scale']:g}, "
        f"shift {x:g},{y:g}, framing {result['framing']}",
        "",
        "digit   count   read right   most often taken for",
    ]
    for row in result["per_class"]:
        digit = row["digit"]
        taken_for = predictions.guesses[(predictions.labels == digit) & predictions.read]
        times = np.bincount(taken_for[taken_for != digit], minlength=DIGITS)
        other = int(times.argmax())
        accuracy = "–" if row["accuracy"] is None else f"{row['accuracy']:.1%}"
        mistake = f"{other} ({times[other]}×)" if times[other] else "–"
        lines.append(f"{digit:>5} {row['count']:>7,} {accuracy:>12}   {mistake}")
    lines += [f"  all {result['digits']:>7,} {result['accuracy']:>12.2%}", ""]
    if result["answered"] is not None:
        lines.append(f"answered {result['answered']:.2%}; of the others the window is not sure")
    if result["blank"]:
        lines.append(f"{result['blank']:,} left no ink on the canvas and count as misread")
    if result["calibration_error"] is not None:
        lines.append(f"calibration error {result['calibration_error']:.2%}")
    if writers := result["writers"]:
        line = f"writers of at least {ENOUGH_DIGITS} digits: {writers['count']}"
        if ranked := by_writer(predictions):
            worst = ", ".join(f"{printable(name)} {part:.1%}" for part, name in ranked[:3])
            line += f", median {writers['median']:.1%}, {writers['below_90']} below 90%"
            line += f"; lowest: {worst}"
        lines.append(line)
    return "\n".join(lines)


def show_mistakes(predictions: Predictions, name: str, path: Path) -> None:
    """Draw the misread digits, the most confident first, as a PNG file; without any, no file."""
    from nn.support.plots import plot_digits

    total, wrong = len(predictions.labels), int(np.count_nonzero(~predictions.right))
    title = f"{name}: {wrong:,} of {total:,} drawn digits misread"
    if not wrong:
        print(f"{title}; {path} is not written")
        return
    if wrong > len(predictions.mistakes):
        title += f", the {len(predictions.mistakes)} most confidently"
    images = np.array([mistake.image for mistake in predictions.mistakes])
    plot_digits(images, [caption(mistake) for mistake in predictions.mistakes], path, title)
    print(f"{title}: drawn in {path}")


def caption(mistake: Mistake) -> str:
    """What was meant, what was read, how surely, and who wrote it."""
    if mistake.guess == NOT_READ:
        text = f"{mistake.label} not read"
    else:
        text = f"{mistake.label} as {mistake.guess}, {mistake.probability:.0%}"
    return text if mistake.writer is None else f"{text}\n{printable(mistake.writer)}"


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
    add = parser.add_argument
    add("strokes", type=Path, metavar="STROKES", help="a .jsonl or .jsonl.gz file")
    add("--model", default=DEFAULT_MODEL, metavar="FILE or NAME", help="the trained network")
    add(
        "--scale", type=number_in(float, 0.01, 10), default=Setting.scale,
        help="the longer side of each digit, as a fraction of the canvas",
    )  # fmt: skip
    add(
        "--shift", type=pair, default="0,0", metavar="DX,DY",
        help="how far from the middle, as fractions of the canvas, right and down",
    )  # fmt: skip
    add(
        "--framing", choices=list(FRAMINGS), default=Setting.framing,
        help="what the network reads: the strokes drawn again as MNIST frames its digits, the "
        "canvas's pixels framed so, or the canvas as it is",
    )  # fmt: skip
    add(
        "--errors", type=Path, metavar="FILE.png",
        help=f"draw the misread digits, at most {MAX_SHOWN}, most confidently misread first",
    )  # fmt: skip
    add("--json", action="store_true", help="print the result as one JSON object")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    arguments = join_shift(sys.argv[1:] if argv is None else argv)
    options = build_parser().parse_args(arguments)
    setting = Setting(options.scale, options.shift, options.framing)
    with json_output(options.json) as emit:
        if options.errors:
            from nn.support.plots import require_matplotlib  # only now: few installations have it

            require_matplotlib()
            check_writable(options.errors, "--errors")
        network = load_classifier(options.model)
        began = time.perf_counter()
        digits = tqdm(
            read_strokes(options.strokes), "drawing", unit=" digits", leave=False, disable=None
        )
        # Digits are rejected by the framed drawing, as in the window.
        no_digit = None if setting.framing == "none" else load_rejection().no_digit
        predictions = replay(network, digits, setting, no_digit)
        result = summary(network.name, predictions, setting)
        result["seconds"] = round(time.perf_counter() - began, 3)
        print(table(result, predictions))
        if options.errors:
            show_mistakes(predictions, network.name, options.errors)
        emit(result)


if __name__ == "__main__":
    run(main, "app.replay")
