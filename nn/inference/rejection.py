"""Telling drawings that are no digit, so that nonsense does not get 99 %.

A separate network has an eleventh answer, "none of the ten". It was trained on digits and on
`nn.handwriting.nondigits`, after Dhamija, Günther and Boult (2018), "Reducing Network
Agnostophobia", section 3, which calls it the background class. An image's

    rejection score = z(none) − log Σₖ exp z(k), over the ten digits k,

is the logarithm of the odds that it is no digit, in nats, averaged over the views of
`nn.inference.views`. It does not depend on the network that reads the digits. An image is rejected
above the file's `threshold`, which `python -m app.rejections STROKES --choose` sets. Below it, the
odds that it is no digit lower the percentages that are shown (`nn.inference.discount`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nn.handwriting.framing import SIZE, centre_of_mass
from nn.inference.checkpoint import PACKAGED_MODELS, load_arrays, model_of, save_arrays, unusable
from nn.inference.discount import MAX_NO_DIGIT
from nn.inference.views import mean_over_views
from nn.network.architectures import CLASSES, Architecture, cnn
from nn.network.sequential import Sequential
from nn.support.files import open_named, open_own
from nn.support.types import Array

FORMAT = "digitpad refusal"
COMMAND = "nn.train_rejection"
NONE = CLASSES  # the label of what is no digit
ARCHITECTURE = cnn(24, "pool", 48, 48, "pool", 96, hidden=[64], dropout=0.3, outputs=CLASSES + 1)
FILE_NAME = "default.refusal.npz"
SHEAR = 0.2  # cells a row
MIN_SIDE = 10.0  # cells; framing makes every drawing 20 long, unless it is but a dot
# A line's ink spreads less than this across it, as a share of its spread along it. With `LEVEL`
# that holds for one of MNIST's 60,000 training digits.
THIN = 0.3
LEVEL = 25.0  # degrees: a line nearer to level than this is a dash, not a 1
# A square of so many cells that is so full of ink is found in none of MNIST's training digits.
BLOCK = 11
SOLID = 0.98


@dataclass
class Rejection:
    """A network that tells what is no digit, and the score (in nats) above which it says so."""

    architecture: Architecture
    model: Sequential
    threshold: float
    record: dict[str, Any]

    def rejection_score(self, images: Array) -> Array:
        """Framed images (N, 28, 28) in 0…1 -> how much speaks against a digit (N,), in nats.

        It is infinite for blank paper, a dot (which framing leaves small), a level line and a solid
        block, whatever the network says.
        """
        images = images.reshape(len(images), SIZE, SIZE)
        scores = mean_over_views(
            lambda views: log_odds_of_none(self.model.forward(views)), images, SHEAR
        )
        no_digit = (longer_side(images) < MIN_SIDE) | is_level_line(images) | is_block(images)
        scores[no_digit] = np.inf
        return scores

    def no_digit(self, images: Array) -> Array:
        """Framed images (N, 28, 28) -> how likely each is no digit, 0…1, (N,) float64.

        At the threshold that is `MAX_NO_DIGIT`: the network has seen far more non-digits than
        people draw, so its log odds are shifted (Saerens, Latinne and Decaestecker 2002).
        """
        return probability_of_none(self.rejection_score(images), self.threshold)

    def is_rejected(self, images: Array) -> Array:
        """Framed images (N, 28, 28) -> whether each is "not sure" rather than a digit, (N,)."""
        return self.rejection_score(images) > self.threshold


def log_odds_of_none(logits: Array) -> Array:
    """Logits (N, 11) -> z(none) − log Σ exp z(digit), (N,)."""
    digits = logits[:, :CLASSES]
    largest = digits.max(axis=1)
    return logits[:, NONE] - largest - np.log(np.exp(digits - largest[:, None]).sum(axis=1))


def probability_of_none(scores: Array, threshold: float) -> Array:
    """Rejection scores (N,) in nats -> how likely each drawing is no digit, 0…1, (N,) float64."""
    with np.errstate(over="ignore"):  # the odds of a sure digit may be 1 to infinity
        against = np.exp(threshold - np.asarray(scores, np.float64))
    return MAX_NO_DIGIT / (MAX_NO_DIGIT + (1 - MAX_NO_DIGIT) * against)


def longer_side(images: Array) -> Array:
    """The longer side (N,), in cells, of the box about the ink of images (N, 28, 28)."""
    inked = images > 0.5
    sides = []
    for axis in (1, 2):
        line = np.any(inked, axis=axis)  # (N, 28)
        last = SIZE - np.argmax(line[:, ::-1], axis=1)
        sides.append(np.where(line.any(axis=1), last - np.argmax(line, axis=1), 0))
    return np.maximum(*sides)


def is_level_line(images: Array) -> Array:
    """Whether the ink of each image (N, 28, 28) is one straight line within 25° of level, (N,)."""
    x = np.arange(SIZE) + 0.5
    mass = np.maximum(images.sum(axis=(1, 2), dtype=np.float64), 1e-9)
    dx, dy = (x - middle[:, None] for middle in centre_of_mass(images).T)  # each (N, 28)
    var_x = (images.sum(axis=1) * dx**2).sum(axis=1) / mass
    var_y = (images.sum(axis=2) * dy**2).sum(axis=1) / mass
    cov = np.einsum("nyx,nx,ny->n", images, dx, dy) / mass
    # The principal axes of the ink: the eigenvalues of the matrix [[var_x, cov], [cov, var_y]].
    half = np.hypot((var_x - var_y) / 2, cov)
    along, across = (var_x + var_y) / 2 + half, (var_x + var_y) / 2 - half
    slope = np.degrees(np.arctan2(2 * cov, var_x - var_y)) / 2
    return (across < THIN**2 * along) & (np.abs(slope) < LEVEL)


def is_block(images: Array) -> Array:
    """Whether the ink of each image (N, 28, 28) is somewhere wider than any stroke, (N,)."""
    sums = np.pad(images, ((0, 0), (1, 0), (1, 0))).cumsum(axis=1).cumsum(axis=2)
    rows = sums[:, BLOCK:] - sums[:, :-BLOCK]
    squares = rows[:, :, BLOCK:] - rows[:, :, :-BLOCK]
    return squares.max(axis=(1, 2)) > SOLID * BLOCK**2


def shipped_path() -> Path:
    """The file that comes with the program."""
    return PACKAGED_MODELS / FILE_NAME


def save_rejection(path: Path, rejection: Rejection) -> None:
    """Write it, atomically. Raises `CheckpointError` if the disk refuses."""
    header = {
        "format": FORMAT,
        "architecture": rejection.architecture,
        "threshold": rejection.threshold,
        "record": rejection.record,
    }
    save_arrays(path, header, rejection.model.state_dict(), is_named=True)


def load_rejection(path: Path | None = None) -> Rejection:
    """Read it, by default as shipped. Raises `CheckpointError`, in one line, if it cannot be."""
    opener = open_own if path is None else open_named
    path = path or shipped_path()
    header, arrays = load_arrays(path, command=COMMAND, opener=opener)
    if header.get("format") != FORMAT:
        reason = f"expected a {FORMAT}, received a {header.get('format')!r} file"
        raise unusable(path, reason, COMMAND)
    architecture: Any = header.get("architecture")
    threshold, record = header.get("threshold"), header.get("record")
    if not (isinstance(threshold, float) and np.isfinite(threshold) and isinstance(record, dict)):
        raise unusable(path, "its header lacks the threshold or the record", COMMAND)
    model = model_of(path, architecture, arrays, CLASSES + 1, COMMAND)
    return Rejection(architecture, model, threshold, record)
