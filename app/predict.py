"""Read digits in pictures: `python -m app.predict IMAGE…`.

A picture is a PNG, JPEG or BMP file that shows one digit: a drawing, a scan, a photo of paper.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.session.predictor import Answer, Network, read
from nn.inference.classifier import DEFAULT_MODEL, load_classifier
from nn.inference.rejection import Rejection, load_rejection
from nn.support.commands import EXIT_BAD_INPUT, ArgumentParser, json_output, run
from nn.support.errors import DataError

NAMED = 0.005  # digits less likely than this are not worth a place on the line


def read_picture(network: Network, rejection: Rejection, path: Path) -> Answer:
    """What a picture shows. Raises `DataError` if it cannot be read or shows no digit."""
    from app.drawing.pictures import framed_picture  # pygame only once there is something to read

    image = framed_picture(path)
    return read(network, image, float(rejection.no_digit(image[None])[0]))


def summary(
    name: str, answers: Sequence[tuple[Path, Answer]], errors: Sequence[tuple[Path, DataError]]
) -> dict[str, Any]:
    """The result as `--json` prints it: what was read, in the order given, and what was not."""
    return {
        "model": name,
        "images": [
            {
                "file": str(path),
                "digit": answer.digit,
                "is_digit": answer.is_digit,
                "probability": answer.confidence,
                "probabilities": list(answer.probabilities),
            }
            for path, answer in answers
        ],
        "errors": [{"file": str(path), "error": str(error)} for path, error in errors],
    }


def line(path: Path, answer: Answer) -> str:
    """One picture's result for people: `photo.jpg: 7   (7 98.1%, 1 1.2%)`.

    What is unlike any digit has no percentages: they would say how sure it is of nonsense.
    """
    if not answer.is_digit:
        return f"{path}: unlike any digit, perhaps {answer.digit}"
    likeliest = sorted(enumerate(answer.probabilities), key=lambda named: -named[1])
    shares = ", ".join(f"{digit} {share:.1%}" for digit, share in likeliest if share >= NAMED)
    unsure = "" if answer.is_sure else "not sure, perhaps "
    return f"{path}: {unsure}{answer.digit}   ({shares})"


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        prog="app.predict",
        description="Read the digit in each picture: a PNG, JPEG or BMP file that shows one "
        "digit, dark on light or light on dark, as a drawing, a scan or a photo.",
        epilog="A picture that cannot be read is reported, and the others are read all the same; "
        "the status is then 2.",
    )
    add = parser.add_argument
    add("images", type=Path, nargs="+", metavar="IMAGE", help="a picture file")
    add("--model", default=DEFAULT_MODEL, metavar="FILE or NAME", help="the trained network")
    add("--json", action="store_true", help="print the result as one JSON object")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command: read what can be read, report what cannot, and then end with status 2."""
    options = build_parser().parse_args(argv)
    with json_output(options.json) as emit:
        network, rejection = load_classifier(options.model), load_rejection()
        answers: list[tuple[Path, Answer]] = []
        errors: list[tuple[Path, DataError]] = []
        for path in options.images:
            try:
                answer = read_picture(network, rejection, path)
            except DataError as error:
                errors.append((path, error))
                print(f"app.predict: {error}", file=sys.stderr)
            else:
                answers.append((path, answer))
                print(line(path, answer), flush=True)  # in its place among the errors
        if answers:
            emit(summary(network.name, answers, errors))
    if errors:
        sys.exit(EXIT_BAD_INPUT)


if __name__ == "__main__":
    run(main, "app.predict")
