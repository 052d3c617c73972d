"""Measure what correcting the network is worth: `python -m app.teach STROKES…`.

For each writer of the files who wrote enough and was misread often enough, the network is taught
the first digits of theirs that it misread, as a user would by correcting it; then the rest of their
digits is read by the untouched network and by the taught one, and so are the MNIST test digits.
Digits that are but a dot or a straight line, which nobody could tell apart, are left out.

Two rounds: in "half", half of the misread digits are taught, so that the others show what carries
over; in "all", every misread digit is taught, at most `--most`, and the rest shows what it cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from app.drawing.strokes import (
    RecordedDigit,
    frame_digits,
    length_and_side,
    printable,
    read_strokes,
)
from nn.inference.classifier import DEFAULT_MODEL, Classifier, load_classifier
from nn.support.commands import ArgumentParser, json_output, number_in, run
from nn.support.errors import DataError
from nn.support.types import Array
from nn.training.finetuning import Outcome, Tuner
from nn.training.rehearsal import mnist_test_digits

ROUNDS = {"half": 0.5, "all": 1.0}  # the part of the misread digits that is taught
LINE = 0.1  # a straight line is not so broad, as a part of its length
DOT = 0.1  # nor is a dot so large, as a part of what is usual for its writer


@dataclass(frozen=True)
class Writer:
    """One writer's digits in the order of the file, and whether each was misread."""

    name: str
    images: Array  # (N, 28, 28)
    labels: Array  # (N,)
    misread: Array  # (N,)


def writers_of(
    digits: Sequence[RecordedDigit], network: Classifier, least_digits: int, least_misread: int
) -> list[Writer]:
    """The writers with so many digits or more, and so many of them misread."""
    rows: dict[str, list[RecordedDigit]] = {}
    for digit in digits:
        if digit.writer is not None:
            rows.setdefault(digit.writer, []).append(digit)
    writers = []
    for name, every in rows.items():
        theirs = with_form(every)
        if len(theirs) >= least_digits:
            images, labels = frame_digits(theirs)
            misread = network.logits(images).argmax(axis=1) != labels
            if misread.sum() >= least_misread:
                writers.append(Writer(name, images, labels, misread))
    return writers


def with_form(digits: Sequence[RecordedDigit]) -> list[RecordedDigit]:
    """A writer's digits without those whose ink is only a dot or a straight line."""
    sides = [length_and_side(digit.strokes)[1] for digit in digits]
    usual = float(np.median(sides))
    return [
        digit
        for digit, side in zip(digits, sides, strict=True)
        if side > DOT * usual and breadth(digit) >= LINE
    ]


def breadth(digit: RecordedDigit) -> float:
    """How broad a digit's ink is across its main direction, as a part of its length along it."""
    pieces = [
        (a, b) for stroke in digit.strokes for a, b in pairwise([*stroke, stroke[-1]]) if a != b
    ]
    if not pieces:  # dots
        pieces = [(stroke[0], stroke[0]) for stroke in digit.strokes]
    ends = np.array(pieces)  # (P, 2, 2)
    # By length: a hand that rests leaves many points and no ink.
    weights = np.maximum(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1), 1e-9)
    middles = ends.mean(axis=1)
    middles -= np.average(middles, axis=0, weights=weights)
    _, directions = np.linalg.eigh((middles * weights[:, None]).T @ middles)
    across, along = np.ptp(ends.reshape(-1, 2) @ directions, axis=0)
    return float(across / max(along, 1e-9))


def teach(writer: Writer, tuner: Tuner, part: float, most: int) -> tuple[dict[str, Any], Outcome]:
    """Teach a writer's first misread digits; returns how the rest is read then, and the tuning."""
    misread = np.flatnonzero(writer.misread)
    taught = misread[: min(most, int(len(misread) * part))]
    outcome = tuner.tune(writer.images[taught], writer.labels[taught])
    rest = np.delete(np.arange(len(writer.labels)), taught)
    classifier = outcome.classifier or tuner.shipped
    wrong = classifier.logits(writer.images[rest]).argmax(axis=1) != writer.labels[rest]
    return {
        "writer": writer.name,
        "digits": len(writer.labels),
        "taught": len(taught),
        "taught_now_right": outcome.right_after,
        "rest": len(rest),
        "errors_before": int(writer.misread[rest].sum()),
        "errors_after": int(wrong.sum()),
        "strength": outcome.strength,
        "seconds": round(outcome.seconds, 3),
        "message": outcome.reason,
    }, outcome


def measure(
    writers: Sequence[Writer], tuner: Tuner, most: int, test: tuple[Array, Array] | None
) -> dict[str, Any]:
    """All rounds; accuracies are fractions 0…1, changes are in percentage points."""
    rounds = {}
    for name, part in ROUNDS.items():
        rows, classifiers = [], []
        for writer in writers:
            row, outcome = teach(writer, tuner, part, most)
            rows.append(row)
            classifiers.append(outcome.classifier or tuner.shipped)
            print(line_of(name, row), flush=True)
        accuracies: list[float] = []
        if test is not None and classifiers:
            images, labels = test
            logits = tuner.logits([tuner.shipped, *classifiers], images)
            accuracies = (logits.argmax(axis=2) == labels).mean(axis=1).tolist()
        for row, accuracy in zip(rows, accuracies[1:], strict=False):
            row["mnist_change"] = 100 * (accuracy - accuracies[0])
        rounds[name] = summary(rows, accuracies)
        print(text_of(name, rounds[name]), flush=True)
    return rounds


def summary(rows: list[dict[str, Any]], accuracies: Sequence[float]) -> dict[str, Any]:
    """A round in a few figures; `accuracies` on MNIST, of the untouched network first.

    A writer all of whose digits were taught has no rest, and no part in the worst change.
    """
    changes = [
        100 * (r["errors_before"] - r["errors_after"]) / r["rest"] for r in rows if r["rest"]
    ]
    taught = accuracies[1:]
    return {
        "errors_before": sum(row["errors_before"] for row in rows),
        "errors_after": sum(row["errors_after"] for row in rows),
        "taught": sum(row["taught"] for row in rows),
        "taught_now_right": sum(row["taught_now_right"] for row in rows),
        "worst_writer_change": min(changes, default=None),
        "mnist_before": accuracies[0] if taught else None,
        "mnist_after_mean": sum(taught) / len(taught) if taught else None,
        "mnist_after_lowest": min(taught, default=None),
        "slowest_seconds": max((row["seconds"] for row in rows), default=None),
        "writers": rows,
    }


def line_of(name: str, row: dict[str, Any]) -> str:
    """One writer in one line."""
    rest = f"errors on the rest {row['errors_before']} -> {row['errors_after']}"
    if not row["rest"]:
        rest = "no digit left to judge by"
    return (
        f"{name:>4}  {printable(row['writer']):>12}  {row['digits']:>4} digits  "
        f"taught {row['taught']:>2} ({row['taught_now_right']} now right)  {rest}  "
        f"{row['seconds']:.1f} s  {row['message']}"
    )


def text_of(name: str, result: dict[str, Any]) -> str:
    """A round as people read it."""
    text = (
        f"{name}: {len(result['writers'])} writers, errors on the rest {result['errors_before']} "
        f"-> {result['errors_after']}"
    )
    if result["worst_writer_change"] is not None:
        text += f", worst writer {result['worst_writer_change']:+.2f} points"
    if result["mnist_before"] is not None:
        text += (
            f"; MNIST test {result['mnist_before']:.2%} -> {result['mnist_after_mean']:.2%} on "
            f"average, {result['mnist_after_lowest']:.2%} at the lowest"
        )
    return text + "\n"


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        prog="app.teach",
        description="Measure what correcting the network is worth, writer by writer.",
    )
    add = parser.add_argument
    add("strokes", type=Path, nargs="+", metavar="STROKES", help=".jsonl or .jsonl.gz files")
    add("--model", default=DEFAULT_MODEL, metavar="FILE or NAME", help="the trained network")
    add("--most", type=number_in(int, 1, 1000), default=20, help="digits taught of each writer")
    add("--least-digits", type=number_in(int, 2), default=40, help="digits a writer must have")
    add("--least-misread", type=number_in(int, 2), default=3, help="of these, misread ones")
    add("--seed", type=number_in(int, 0, 2**63 - 1), default=0, help="for chance")
    add(
        "--rehearse", choices=("mnist", "written"), default="mnist",
        help="hold on to MNIST digits where they are on disk, or only to digits written by rule",
    )  # fmt: skip
    add("--data-dir", type=Path, metavar="DIR", help="folder with MNIST; nothing is downloaded")
    add("--json", action="store_true", help="print the result as one JSON object")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_args(argv)
    with json_output(options.json) as emit, threadpool_limits(1, "blas"):
        network = load_classifier(options.model)
        count, writers = 0, []
        for path in options.strokes:
            digits = list(read_strokes(path))
            if all(digit.writer is None for digit in digits):
                raise DataError(
                    f'{path} does not say who wrote its digits; expected "writer" in its lines'
                )
            count += len(digits)
            writers += writers_of(digits, network, options.least_digits, options.least_misread)
        test = mnist_test_digits(options.data_dir)
        use_mnist = options.rehearse == "mnist"
        tuner = Tuner(network, options.seed, options.data_dir, use_mnist=use_mnist)
        rounds = measure(writers, tuner, options.most, test)
        emit(
            {
                "model": network.name,
                "digits": count,
                "writers": len(writers),
                "most": options.most,
                "rehearsed_on_mnist": tuner.on_mnist,
                "rounds": rounds,
            }
        )


if __name__ == "__main__":
    run(main, "app.teach")
