"""Measure how well non-digits are told from digits: `python -m app.rejections STROKES`.

The digits of the file are drawn and framed as the program reads them; the non-digits are generated
(`nn.handwriting.nondigits`), of kinds from which nothing has learned. The curve shows how many of
the non-digits are rejected where a given share of the digits is still answered. `--choose` makes
the point where 98 % are (or `--answer`) the threshold of the program, and writes it into the
weights' file.

Dots and blank paper have an infinite score (`nn.inference.rejection`): a threshold that answers
them too is infinite, rejects nothing, and cannot be chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from app.drawing.strokes import DIGITS, frame_digits, read_strokes
from nn.handwriting.nondigits import draw_measuring
from nn.inference.rejection import Rejection, load_rejection, save_rejection, shipped_path
from nn.support.commands import ArgumentParser, json_output, number_in, run
from nn.support.errors import DataError
from nn.support.files import check_writable
from nn.support.types import Array

CURVE = (0.90, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)  # parts of the digits that are answered


def threshold_for(scores: Array, answered: float) -> float:
    """The least threshold that answers the share `answered` of the rejection scores (N,).

    Infinite where fewer of them are finite.
    """
    ordered = np.sort(scores)
    return float(ordered[min(int(np.ceil(answered * len(ordered))), len(ordered)) - 1])


def measure(
    digit_scores: Array, kinds: dict[str, Array], labels: Array, answered: float, threshold: float
) -> dict[str, Any]:
    """The result as `--json` prints it; scores in nats, all shares are fractions 0…1.

    The threshold where so many digits are answered is None if none that is finite answers them.
    """
    every = np.concatenate(list(kinds.values()))
    point = threshold_for(digit_scores, answered)

    def rejected(scores: Array, at: float) -> float:
        return float(np.mean(scores > at))

    return {
        "digits": len(digit_scores),
        "nondigits": len(every),
        "answered": answered,
        "threshold": point if np.isfinite(point) else None,
        "refused": rejected(every, point),
        "kinds": {name: rejected(scores, point) for name, scores in kinds.items()},
        "answered_by_digit": [
            1 - rejected(digit_scores[labels == digit], point) if (labels == digit).any() else None
            for digit in range(DIGITS)
        ],
        "curve": [
            {"answered": part, "refused": rejected(every, threshold_for(digit_scores, part))}
            for part in CURVE
        ],
        "program": {
            "threshold": threshold,
            "answered": 1 - rejected(digit_scores, threshold),
            "refused": rejected(every, threshold),
        },
    }


def table(result: dict[str, Any]) -> str:
    """The result as people read it."""
    program, threshold = result["program"], result["threshold"]
    upto = "however doubtful" if threshold is None else f"doubt up to {threshold:.3f} nats"
    lines = [
        f"{result['digits']:,} digits, {result['nondigits']:,} generated non-digits of kinds that "
        "were not learned from",
        "",
        "digits answered   non-digits refused",
        *(f"{row['answered']:>15.1%}   {row['refused']:>18.1%}" for row in result["curve"]),
        "",
        f"where {result['answered']:.1%} of the digits are answered ({upto}), refused are of",
        *(f"  {name:<26} {part:>7.1%}" for name, part in result["kinds"].items()),
        "",
        f"as the program is set (doubt up to {program['threshold']:.3f} nats): "
        f"{program['answered']:.2%} of the digits answered, {program['refused']:.2%} of the "
        "non-digits refused",
    ]
    return "\n".join(lines)


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        prog="app.rejections", description="Measure how well non-digits are told from digits."
    )
    add = parser.add_argument
    add("strokes", type=Path, metavar="STROKES", help="a .jsonl or .jsonl.gz file")
    add("--refusal", type=Path, metavar="FILE", help="the trained weights; default: the shipped")
    add(
        "--answer", type=number_in(float, 0.5, 1), default=0.98,
        help="part of the digits that must be answered",
    )  # fmt: skip
    add("--each", type=number_in(int, 1, 100_000), default=300, help="non-digits of each kind")
    add("--seed", type=number_in(int, 0, 2**63 - 1), default=1, help="for chance")
    add("--choose", action="store_true", help="write the threshold into the weights' file")
    add("--json", action="store_true", help="print the result as one JSON object")
    return parser


def finite_threshold(scores: Array, answered: float, strokes: Path) -> float:
    """`threshold_for` as the program can have it. Raises `DataError` if it is infinite."""
    threshold = threshold_for(scores, answered)
    if not np.isfinite(threshold):
        raise DataError(
            f"cannot choose a threshold by {strokes}: expected {answered:.1%} of its digits larger "
            f"than a dot, received {np.isfinite(scores).mean():.1%}; take out the dots, or ask for "
            "less with --answer"
        )
    return threshold


def choose(
    rejection: Rejection, threshold: float, answered: float, strokes: Path, path: Path
) -> None:
    """Write the threshold into the file, with the command that found it."""
    record = {
        **rejection.record,
        "threshold": f"python -m app.rejections {strokes.name} --choose --answer {answered:g}",
    }
    save_rejection(path, replace(rejection, threshold=threshold, record=record))
    print(f"wrote the threshold {threshold:.3f} into {path}")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_args(argv)
    with json_output(options.json) as emit, threadpool_limits(1, "blas"):
        path = options.refusal or shipped_path()
        if options.choose:
            check_writable(path, "--refusal")
        rejection = load_rejection(options.refusal)
        images, labels = frame_digits(list(read_strokes(options.strokes)))
        scores = rejection.rejection_score(images)
        threshold = rejection.threshold
        if options.choose:
            threshold = finite_threshold(scores, options.answer, options.strokes)
        drawn = draw_measuring(options.each, np.random.default_rng(options.seed))
        kinds = {name: rejection.rejection_score(pictures) for name, pictures in drawn.items()}
        if options.choose:
            choose(rejection, threshold, options.answer, options.strokes, path)
        result = measure(scores, kinds, labels, options.answer, threshold)
        print(table(result))
        emit(result)


if __name__ == "__main__":
    run(main, "app.rejections")
