"""Measure how well non-digits are told from digits: `python -m app.rejections STROKES…`.

The digits of the files are drawn and framed as the program reads them; the non-digits are generated
(`nn.handwriting.nondigits`), of kinds from which nothing has learned. The curve shows how many of
the non-digits are rejected where a given share of the digits of each file is still answered.
`--choose` makes the point where 98 % are (or `--answer`) the threshold of the program, and writes
it into the weights' file.

With `--nondigits FILE` drawings by people that are no digits are measured too, and with
`--half-drawn` the first parts of the digits, in both at the program's threshold and with the
default network's percentages as the window shows them. An answer is sure if it has more than 99 %.
A half-drawn digit is read as in the window while the pen is down, and beside it by its picture.

Dots and blank paper have an infinite score (`nn.inference.rejection`): a threshold that answers
them too is infinite, rejects nothing, and cannot be chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from app.drawing.strokes import (
    DIGITS,
    RecordedDigit,
    RecordedNondigit,
    frame_recorded,
    frame_stroke_ends,
    read_nondigits,
    read_strokes,
)
from nn.handwriting.framing import SIZE
from nn.handwriting.nondigits import draw_measuring
from nn.inference.calibration import expected_calibration_error
from nn.inference.classifier import DEFAULT_MODEL, Classifier, load_classifier
from nn.inference.discount import MAX_NO_DIGIT, discounted
from nn.inference.half_drawn import once_whole
from nn.inference.rejection import Rejection, load_rejection, save_rejection, shipped_path
from nn.support.commands import ArgumentParser, json_output, number_in, run
from nn.support.errors import DataError
from nn.support.files import check_writable
from nn.support.types import Array

CURVE = (0.90, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)  # parts of the digits that are answered
SURE = 0.99
BEGUN = (0.25, 0.5, 0.75)  # parts of a digit's ink, half drawn
MAX_SYMBOLS = 15  # in the table; `--json` has all


def threshold_for(scores: Array, answered: float) -> float:
    """The least threshold that answers the share `answered` of the rejection scores (N,).

    Infinite where fewer of them are finite.
    """
    ordered = np.sort(scores)
    return float(ordered[min(int(np.ceil(answered * len(ordered))), len(ordered)) - 1])


def threshold_for_each(files: Sequence[Array], answered: float) -> float:
    """The least threshold that answers that share of each file's rejection scores (N,)."""
    return max(threshold_for(scores, answered) for scores in files)


def measure(
    files: dict[str, Array],
    kinds: dict[str, Array],
    labels: Array,
    answered: float,
    threshold: float,
) -> dict[str, Any]:
    """The result as `--json` prints it; scores in nats, all shares are fractions 0…1.

    `files` has the scores of each file's digits, `labels` (N,) those of all. The threshold where so
    many digits of each are answered is None if none that is finite answers them.
    """
    digit_scores = np.concatenate(list(files.values()))
    every = np.concatenate(list(kinds.values()))
    each = list(files.values())
    point = threshold_for_each(each, answered)

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
            {"answered": part, "refused": rejected(every, threshold_for_each(each, part))}
            for part in CURVE
        ],
        "program": {
            "threshold": threshold,
            "answered": 1 - rejected(digit_scores, threshold),
            "refused": rejected(every, threshold),
        },
        "files": [
            {"file": name, "digits": len(scores), "answered": 1 - rejected(scores, threshold)}
            for name, scores in files.items()
        ],
    }


def answers(rejection: Rejection, network: Classifier, images: Array) -> tuple[Array, Array]:
    """What framed images (N, 28, 28) are read as, -1 where rejected, and whether surely: (N,)."""
    no_digit = rejection.no_digit(images)
    return judged(discounted(network.probabilities(images), no_digit), no_digit)


def judged(probabilities: Array, no_digit: Array) -> tuple[Array, Array]:
    """The same of probabilities (N, 10) as they are shown, of what is no digit so likely, (N,)."""
    guesses = np.where(no_digit > MAX_NO_DIGIT, -1, probabilities.argmax(axis=1))
    return guesses, (guesses >= 0) & (probabilities.max(axis=1) > SURE)


def measure_drawn(
    rejection: Rejection, network: Classifier, drawn: Sequence[RecordedNondigit]
) -> dict[str, Any]:
    """How many of people's non-digits are refused and how many surely answered, by symbol."""
    guesses, sure = answers(rejection, network, frame_recorded(drawn))
    alike = np.array([drawing.is_alike for drawing in drawn])
    symbols = np.array([drawing.symbol for drawing in drawn])

    def shares(of: Array) -> dict[str, Any]:
        if not of.any():
            return {"count": 0, "refused": None, "sure": None}
        parts = {"refused": float(np.mean(guesses[of] < 0)), "sure": float(np.mean(sure[of]))}
        return {"count": int(np.count_nonzero(of)), **parts}

    by_symbol = [
        {"symbol": str(symbol), "alike": is_alike, **shares(of)}
        for symbol in np.unique(symbols)
        for is_alike in (False, True)
        if (of := (symbols == symbol) & (alike == is_alike)).any()
    ]
    return {"not_alike": shares(~alike), "alike": shares(alike), "symbols": by_symbol}


def measure_half_drawn(
    rejection: Rejection, network: Classifier, digits: Sequence[RecordedDigit]
) -> dict[str, Any]:
    """How many sure answers to half-drawn digits the whole takes back: other digit, or none.

    As the window says them while the pen is down; under `picture_alone` as if the pen had been
    lifted; and under `stroke_ends` what is read where it is lifted, before the last stroke.
    `calibration_error` is of all parts that are answered, None without any.
    """
    whole, _ = answers(rejection, network, frame_recorded(digits))
    labels = np.array([digit.label for digit in digits])
    readings = []
    for part in BEGUN:
        images = frame_recorded(digits, part)
        readings.append((network.probabilities(images), rejection.no_digit(images)))

    def measured(said: Callable[[Array], Array]) -> dict[str, Any]:
        rows, answered, true = [], [], []
        for part, (read, no_digit) in zip(BEGUN, readings, strict=True):
            shown = discounted(said(read), no_digit)
            guesses, sure = judged(shown, no_digit)
            rows.append({"ink": part, **taken_back(guesses, sure, whole)})
            answered.append(shown[guesses >= 0])
            true.append(labels[guesses >= 0])
        found = np.concatenate(answered), np.concatenate(true)
        error = expected_calibration_error(*found) if len(found[1]) else None
        sums = {key: sum(row[key] for row in rows) for key in ("sure", "taken_back")}
        return {"parts": rows, **sums, "share": share_of(rows), "calibration_error": error}

    strokes = [len(digit.strokes) - 1 for digit in digits]
    images = np.array([image for digit in digits for image in frame_stroke_ends(digit)])
    at_ends = answers(rejection, network, images.reshape(-1, SIZE, SIZE))
    ends = {"count": len(images), **taken_back(*at_ends, np.repeat(whole, strokes))}
    return {
        **measured(once_whole),
        "picture_alone": measured(lambda probabilities: probabilities),
        "stroke_ends": {**ends, "share": share_of([ends])},
    }


def taken_back(guesses: Array, sure: Array, whole: Array) -> dict[str, Any]:
    """How many guesses (N,) are `sure` (N,), and how many of these the `whole` (N,) takes back."""
    back = sure & (guesses != whole)
    return {"sure": int(np.count_nonzero(sure)), "taken_back": int(np.count_nonzero(back))}


def share_of(rows: list[dict[str, Any]]) -> float | None:
    """What part of the sure answers is taken back; None without any."""
    sure = sum(row["sure"] for row in rows)
    return sum(row["taken_back"] for row in rows) / sure if sure else None


def table(result: dict[str, Any]) -> str:
    """The result as people read it."""
    program, threshold = result["program"], result["threshold"]
    upto = "however doubtful" if threshold is None else f"doubt up to {threshold:.3f} nats"
    each = " of each file" if len(result["files"]) > 1 else ""
    lines = [
        f"{result['digits']:,} digits, {result['nondigits']:,} generated non-digits of kinds that "
        "were not learned from",
        "",
        "digits answered   non-digits refused",
        *(f"{row['answered']:>15.1%}   {row['refused']:>18.1%}" for row in result["curve"]),
        "",
        f"where {result['answered']:.1%} of the digits{each} are answered ({upto}), refused are of",
        *(f"  {name:<26} {part:>7.1%}" for name, part in result["kinds"].items()),
        "",
        f"as the program is set (doubt up to {program['threshold']:.3f} nats): "
        f"{program['answered']:.2%} of the digits answered, {program['refused']:.2%} of the "
        "non-digits refused",
    ]
    if each:
        lines += [f"  {row['file']}: {row['answered']:.2%} answered" for row in result["files"]]
    if "drawn_nondigits" in result:
        lines += ["", *drawn_lines(result["drawn_nondigits"])]
    if "half_drawn" in result:
        lines += ["", *half_drawn_lines(result["half_drawn"])]
    return "\n".join(lines)


def drawn_lines(drawn: dict[str, Any]) -> list[str]:
    """The table of people's non-digits: the sums, and the symbols most surely answered."""
    lines = ["non-digits by people          count   refused   answered with more than 99%"]
    for key, name in (("not_alike", "unlike any digit"), ("alike", "like a digit")):
        lines.append(_drawn_line(name, drawn[key]))
    unlike = [row for row in drawn["symbols"] if not row["alike"]]
    worst = sorted(unlike, key=lambda row: (-row["sure"] * row["count"], row["refused"]))
    lines.append(f"of those unlike any digit, the most surely answered of {len(worst)} symbols are")
    lines += [_drawn_line(row["symbol"], row) for row in worst[:MAX_SYMBOLS]]
    return lines


def _drawn_line(name: str, row: dict[str, Any]) -> str:
    name = "".join(letter if letter.isprintable() else "?" for letter in name)[:26]
    if not row["count"]:
        return f"  {name:<26} {0:>6}"
    return f"  {name:<26} {row['count']:>6} {row['refused']:>9.1%} {row['sure']:>9.1%}"


def half_drawn_lines(half_drawn: dict[str, Any]) -> list[str]:
    """The table of half-drawn digits."""
    heading = "answered with more than 99%   of those, taken back by the whole"
    lines = []
    said = {"with the pen down": half_drawn, "the picture alone": half_drawn["picture_alone"]}
    for name, measured in said.items():
        lines.append(f"{name:<27} {heading}")
        for row in measured["parts"]:
            lines.append(_taken_back_line(f"{row['ink']:.0%} of the ink", row))
        lines.append(_share_line(measured))
        if (error := measured["calibration_error"]) is not None:
            lines.append(f"  calibration error {error:.1%}")
        lines.append("")
    ends = half_drawn["stroke_ends"]
    lines.append(f"{'pen lifted between strokes':<27} {heading}")
    return [*lines, _taken_back_line(f"{ends['count']:,} times", ends), _share_line(ends)]


def _taken_back_line(name: str, row: dict[str, Any]) -> str:
    return f"  {name:<25} {row['sure']:>27,} {row['taken_back']:>35,}"


def _share_line(measured: dict[str, Any]) -> str:
    if measured["share"] is None:
        return "  in all, no answer is sure"
    return f"  in all, {measured['share']:.1%} of the sure answers are taken back"


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        prog="app.rejections", description="Measure how well non-digits are told from digits."
    )
    add = parser.add_argument
    add("strokes", type=Path, nargs="+", metavar="STROKES", help="a .jsonl or .jsonl.gz file")
    add("--nondigits", type=Path, metavar="FILE", help="drawings by people that are no digits")
    add("--half-drawn", action="store_true", help="measure the first parts of the digits too")
    add("--refusal", type=Path, metavar="FILE", help="the trained weights; default: the shipped")
    add(
        "--answer", type=number_in(float, 0.5, 1), default=0.98,
        help="part of the digits of each file that must be answered",
    )  # fmt: skip
    add("--each", type=number_in(int, 1, 100_000), default=300, help="non-digits of each kind")
    add("--seed", type=number_in(int, 0, 2**63 - 1), default=1, help="for chance")
    add("--choose", action="store_true", help="write the threshold into the weights' file")
    add("--json", action="store_true", help="print the result as one JSON object")
    return parser


def finite_threshold(files: dict[str, Array], answered: float) -> float:
    """`threshold_for_each` as the program can have it. Raises `DataError` if it is infinite."""
    for name, scores in files.items():
        if not np.isfinite(threshold_for(scores, answered)):
            raise DataError(
                f"cannot choose a threshold by {name}: expected {answered:.1%} of its digits "
                f"larger than a dot, received {np.isfinite(scores).mean():.1%}; take out the dots, "
                "or ask for less with --answer"
            )
    return threshold_for_each(list(files.values()), answered)


def choose(
    rejection: Rejection, threshold: float, answered: float, strokes: Sequence[Path], path: Path
) -> None:
    """Write the threshold into the file, with the command that found it."""
    names = " ".join(file.name for file in strokes)
    command = f"python -m app.rejections {names} --choose --answer {answered:g}"
    record = {**rejection.record, "threshold": command}
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
        digits = {str(file): list(read_strokes(file)) for file in options.strokes}
        drawn = list(read_nondigits(options.nondigits)) if options.nondigits else []
        files = {name: rejection.rejection_score(frame_recorded(of)) for name, of in digits.items()}
        every = [digit for of in digits.values() for digit in of]
        threshold = rejection.threshold
        if options.choose:
            threshold = finite_threshold(files, options.answer)
        generated = draw_measuring(options.each, np.random.default_rng(options.seed))
        kinds = {name: rejection.rejection_score(images) for name, images in generated.items()}
        if options.choose:
            choose(rejection, threshold, options.answer, options.strokes, path)
            rejection.threshold = threshold
        labels = np.array([digit.label for digit in every])
        result = measure(files, kinds, labels, options.answer, threshold)
        if drawn or options.half_drawn:
            network = load_classifier(DEFAULT_MODEL)
            if drawn:
                result["drawn_nondigits"] = measure_drawn(rejection, network, drawn)
            if options.half_drawn:
                result["half_drawn"] = measure_half_drawn(rejection, network, every)
        print(table(result))
        emit(result)


if __name__ == "__main__":
    run(main, "app.rejections")
