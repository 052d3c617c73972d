"""python -m nn.handwriting: a picture of the digits that the program writes for its own training.

Each row has one digit as many hands build it: the styles of `nn.handwriting.styles`, varied by the
rules of `nn.handwriting.families` and by the unsteadiness of `nn.handwriting.digits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nn.handwriting.digits import write_digits
from nn.support.commands import ArgumentParser, json_output, number_in, run
from nn.support.files import check_writable
from nn.support.plots import plot_digits, require_matplotlib


def main(argv: Sequence[str] | None = None) -> None:
    """Write the picture that the command line asks for."""
    parser = ArgumentParser(
        prog="nn.handwriting", description="Write a picture of the digits that are trained on."
    )
    add = parser.add_argument
    add("--each", type=number_in(int, 1, 100), default=30, help="pictures of each digit")
    add("--seed", type=number_in(int, 0, 2**63 - 1), default=0, help="for chance")
    add("--output", type=Path, metavar="FILE", default=Path("digits.png"), help="the picture")
    add("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    with json_output(options.json) as emit:
        require_matplotlib()
        check_writable(options.output, "--output")
        labels = np.repeat(np.arange(10), options.each)
        images = write_digits(labels, np.random.default_rng(options.seed))
        captions = [""] * len(labels)
        plot_digits(images, captions, options.output, "Synthetic digits", columns=options.each)
        print(f"saved {options.output}")
        emit({"digits": len(labels), "seed": options.seed, "output": str(options.output)})


if __name__ == "__main__":
    run(main, "nn.handwriting")
