"""python -m nn.half_drawn: count what digits that are half drawn become.

Synthetic digits (`nn.handwriting.digits`) are drawn to any part of their ink, and read by the
default network unless they look like no digit. The table says, in thousandths, what the parts read
as each digit are once they are whole; it is the one in `nn/inference/half_drawn.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from nn.handwriting.digits import write_digits
from nn.inference.classifier import DEFAULT_MODEL, Classifier, load_classifier
from nn.inference.rejection import Rejection, load_rejection
from nn.network.architectures import CLASSES
from nn.support.commands import ArgumentParser, json_output, number_in, run
from nn.support.types import Array

LEAST = 0.1  # of the ink; less is hardly more than a dot
AT_ONCE = 1000  # digits, so that few pictures are in memory


def count_becoming(
    network: Classifier, rejection: Rejection, count: int, rng: np.random.Generator
) -> Array:
    """How many parts read as d, of `count` digits, are an f once whole: (10, 10), row d, column f.

    Each of the ten digits is written as often, to any part of its ink.
    """
    counts = np.zeros((CLASSES, CLASSES), int)
    for first in range(0, count, AT_ONCE):
        labels = np.arange(first, min(first + AT_ONCE, count)) % CLASSES
        parts = rng.uniform(LEAST, 1, len(labels))
        images = write_digits(labels, rng, parts=parts)
        answered = ~rejection.is_rejected(images)
        read = network.logits(images[answered]).argmax(axis=1)
        np.add.at(counts, (read, labels[answered]), 1)
    return counts


def shares_of(counts: Array) -> Array:
    """Each row (10,) of counts (10, 10) in thousandths of its sum; of a row of zeros, its digit."""
    counts = counts + np.eye(CLASSES) * (counts.sum(axis=1, keepdims=True) == 0)
    return np.rint(1000 * counts / counts.sum(axis=1, keepdims=True)).astype(int)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = ArgumentParser(
        prog="nn.half_drawn", description="Count what digits that are half drawn become."
    )
    add = parser.add_argument
    add("--count", type=number_in(int, 1, 10**7), default=100_000, help="synthetic digits")
    add("--seed", type=number_in(int, 0, 2**63 - 1), default=42, help="for chance")
    add("--json", action="store_true", help="print the result as one JSON object")
    options = parser.parse_args(argv)
    with json_output(options.json) as emit, threadpool_limits(1, "blas"):
        rng = np.random.default_rng(options.seed)
        network, rejection = load_classifier(DEFAULT_MODEL), load_rejection()
        counts = count_becoming(network, rejection, options.count, rng)
        shares = shares_of(counts)
        print(f"of {options.count:,} digits half drawn {counts.sum():,} are read as a digit;")
        print("a row for what they are read as, 0 … 9, a column for what the whole is")
        print("\n".join(" ".join(f"{share:>4}" for share in row) for row in shares))
        emit({"digits": options.count, "read": int(counts.sum()), "shares": shares.tolist()})


if __name__ == "__main__":
    run(main, "nn.half_drawn")
