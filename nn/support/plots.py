"""Pictures as PNG files; needs matplotlib, the extra "plot"."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nn.support.errors import UsageError, not_installed
from nn.support.files import write_file
from nn.support.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind people can tell apart.
TRAINING, VALIDATION = "#0072B2", "#D55E00"
Layout = Literal["constrained"] | None


def require_matplotlib() -> None:
    """Raise `UsageError` if matplotlib is missing; called before work whose plot it would spoil."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise not_installed("plots", "matplotlib", "plot") from None


def plot_digits(
    images: Array, captions: Sequence[str], path: Path, title: str, columns: int | None = None
) -> None:
    """A contact sheet of `images` (N, 784) or (N, 28, 28), each under its caption (N).

    Without a number of columns it is about square, at most ten wide. Captions and title are shown
    as they are: a dollar sign does not begin a formula.
    """
    columns = columns or min(10, max(1, math.ceil(math.sqrt(len(images)))))
    rows = max(1, math.ceil(len(images) / columns))
    lines = max((caption.count("\n") + 1 for caption in captions), default=1)
    # One picture of all images: two hundred axes of their own would take five times as long.
    width, height = 28 + 4, 28 + 4 + 4 * lines  # cells of one image with its margin and caption
    sheet = np.zeros((rows * height, columns * width))
    places = [
        (i // columns * height + height - 30, i % columns * width + 2) for i in range(len(images))
    ]
    for (top, left), image in zip(places, images, strict=True):
        sheet[top : top + 28, left : left + 28] = image.reshape(28, 28)
    inch = 1.3 / width  # of one cell
    title_height = 0.5
    # Wide enough for a title above a single digit.
    size = (max(columns * width * inch, 6.0), rows * height * inch + title_height)
    with drawn(path, *size, layout=None) as figure:
        figure.suptitle(title, y=1 - 0.15 / size[1], parse_math=False)
        axes = figure.add_axes((0, 0, 1, 1 - title_height / size[1]))
        axes.set_axis_off()
        axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
        how: Any = {"fontsize": 8, "ha": "center", "va": "bottom", "parse_math": False}
        for (top, left), caption in zip(places, captions, strict=True):
            axes.text(left + 14, top - 1, caption, **how)


@contextlib.contextmanager
def drawn(
    path: Path, width: float, height: float, layout: Layout = "constrained"
) -> Iterator[Figure]:
    """A figure, its size in inches, that is written at the end of the block, whole or not at all.

    Raises `UsageError` if the disk refuses.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=layout)
    yield figure
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    try:
        write_file(path, lambda file: file.write(picture.getbuffer()))
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror or error}; choose another place"
        ) from None
