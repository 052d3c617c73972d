"""Pictures of a digit: reading the file, and finding the ink in it.

A picture may be a scan, a screenshot or a photo of paper: dark on light or light on dark, any
size, unevenly lit, noisy, on ruled paper. What the network was trained on is ink alone, 0 = paper,
1 = ink, in lines of one thickness. `load_picture` gives the grey of the picture, `ink_of` the ink;
`nn.handwriting.framing.frame` then frames it like a drawing.

Pictures are float32 in 0…1, indexed [y, x].
"""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.drawing.picture_header import kind_and_size, orientation
from app.drawing.pixels import extent, greatest, grown, parts, steps_until_a_hole_fills, window_mean
from app.drawing.quiet import silent_libraries
from app.drawing.ruling import without_ruling
from nn.handwriting.framing import BOX, frame
from nn.support.deadline import within
from nn.support.errors import DataError
from nn.support.files import open_named, seekable
from nn.support.types import Array

if TYPE_CHECKING:
    import pygame

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

MAX_PICTURE = 50_000_000  # pixels: unpacked they take 200 MB
MAX_FILE = 192 << 20  # bytes: a picture of that many pixels that is not packed at all
MAX_LENGTH = 65_535  # pixels of a side, as in JPEG
MAX_SIDE = 512  # pixels after shrinking: a digit a tenth as large is still finer than MNIST's
AT_ONCE = 1 << 20  # pixels that are shrunk at a time
DECODING_SECONDS = 4.0
LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look (ITU-R BT.601)

# A window of this share of the longer side is wider than any stroke, so it always sees paper.
WINDOW = 0.4
EVEN = 0.012  # a scan's paper differs by no more than that, 3 of 255
FAINTEST_CONTRAST = 0.08  # between paper and ink, of the light that the paper reflects
NOISE_SPREADS = 4.0  # ink stands out from the paper by more than this many spreads of its noise
FAINT_INK = 0.4  # of full ink: less is ink only beside more of it, not a ruled line or a shadow
MIN_PART = 0.03  # of the ink of the largest part: smaller ones are specks
FARTHEST_PART = 0.5  # of the size of the largest part: farther ones are not of this digit
NO_DIGIT = "no digit found in the picture; expected one in ink that stands out from the paper"
HOLE = 0.04  # of the digit's size: smaller ones are gaps in a rough line
ANOTHER = 0.5  # of the size of the largest part: a farther part so large is another digit
ANOTHER_INK = 0.15  # and with so much of its ink
MIN_DIGIT = 0.03  # of the picture's longer side: smaller ones are dust
# Strokes of MNIST's digits, in cells of their 20-cell box, by `stroke_width`: 2nd, 98th percentile.
THINNEST, THICKEST = 1.5, 3.7
# What those outside become: framed pictures have then the strokes of a framed drawing, 2.5.
THIN, THICK = 2.3, 3.0


def framed_picture(path: Path | str) -> Array:
    """The digit in a picture file, framed as MNIST frames its digits: (28, 28) float32.

    Raises `DataError`, in one line that names the file, if it cannot be read or shows no digit.
    """
    grey = load_picture(path)
    try:
        return frame(ink_of(grey))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


# Reading the file


def load_picture(path: Path | str) -> Array:
    """The grey of a PNG, JPEG or BMP file, 0 = black, 1 = white: (H, W) float32.

    A picture longer than 512 pixels is shrunk by a whole number. What is transparent becomes paper.
    The file's note on which way is up (Exif) is obeyed. Raises `DataError` if the file cannot be
    read, before unpacking it if the picture is larger than 50 megapixels.
    """
    data = _read_file(Path(path))
    try:
        kind, width, height = kind_and_size(data)
    except (ValueError, struct.error, IndexError) as error:
        reason = str(error) if type(error) is ValueError else "the file ends too early"
        raise DataError(
            f"cannot read {path}: {reason}; expected a PNG, JPEG or BMP picture"
        ) from None
    if width * height > MAX_PICTURE or max(width, height) > MAX_LENGTH:
        raise DataError(
            f"cannot read {path}: it has {width}×{height} pixels, expected at most "
            f"{MAX_PICTURE // 10**6} megapixels and {MAX_LENGTH:,} a side; make it smaller"
        )
    import pygame  # only now: the session works without it, until a picture is opened

    def decoded() -> tuple[Array, Array]:
        return _shrunk(pygame.image.load(io.BytesIO(data), f"picture.{kind}"))

    try:
        with silent_libraries():
            colour, alpha = within(DECODING_SECONDS, decoded)
    except (pygame.error, MemoryError, ValueError) as error:
        raise DataError(
            f"cannot read {path}: expected a whole {kind.upper()} picture ({error})"
        ) from None
    except TimeoutError:
        raise DataError(
            f"cannot read {path}: expected a picture that is decoded within {DECODING_SECONDS:g} "
            "seconds, received one that takes longer; save it anew, or smaller"
        ) from None
    return _turned(_on_paper(colour, alpha), orientation(data))


def _read_file(path: Path) -> bytes:
    try:
        with open_named(path, MAX_FILE) as file, seekable(file, MAX_FILE) as whole:
            return bytes(whole.read())
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"cannot read {path}: {reason}; expected a picture file") from None


def _turned(picture: Array, way: int) -> Array:
    """The picture the right way up; `way` 1…8 is its `orientation`."""
    if way > 4:  # the first row is at the left or at the right
        picture = picture.T
    if way in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    if way in (3, 4, 7, 8):
        picture = picture[::-1]
    return np.ascontiguousarray(picture)


def _shrunk(surface: pygame.Surface) -> tuple[Array, Array]:
    """Grey times opacity, and opacity, each (h, w) in 0…1 with h and w at most 512.

    Each pixel is the mean of a square of the surface's. The surface is unpacked a few rows at a
    time, so that a large picture is not held twice.
    """
    import pygame

    width, height = surface.get_size()
    side = -(-max(width, height) // MAX_SIDE)
    columns = np.arange(0, width, side)
    rows = range(0, height, side)
    means = np.empty((2, len(rows), len(columns)), np.float32)
    counts = np.diff(columns, append=width)
    at_once = max(1, AT_ONCE // width)
    for row, top in enumerate(rows):
        bottom = min(top + side, height)
        sums = np.zeros((2, width), np.float32)
        for y in range(top, bottom, at_once):
            band = surface.subsurface((0, y, width, min(at_once, bottom - y)))
            data = np.frombuffer(pygame.image.tobytes(band, "RGBA"), np.uint8)
            pixels = data.reshape(-1, width, 4).astype(np.float32) / 255
            grey = pixels[:, :, :3] @ np.array(LUMA, np.float32)
            sums += (grey * pixels[:, :, 3]).sum(axis=0), pixels[:, :, 3].sum(axis=0)
        means[:, row] = np.add.reduceat(sums / (bottom - top), columns, axis=1) / counts
    return means[0], means[1]


def _on_paper(colour: Array, alpha: Array) -> Array:
    """Fill what is transparent: (h, w) grey, of grey times opacity and opacity.

    A transparent picture of one colour is ink without paper: the paper is white, or black under
    light ink. A picture with holes, say with round corners, has a paper of its own.
    """
    if alpha.min() > 0.999:
        return colour
    opaque = alpha > 0.5
    if not opaque.any():
        return np.ones_like(colour)
    own = colour[opaque] / alpha[opaque]
    low, high = np.percentile(own, [2, 98])
    if opaque.mean() > 0.5 and high - low > 0.3:
        paper = float(np.median(own))
    else:
        paper = float(own.mean() < 0.5)
    return colour + (1 - alpha) * np.float32(paper)


# Finding the ink


def ink_of(grey: Array) -> Array:
    """The ink of the digit in a picture (H, W), 0 = black, 1 = white: (h, w), 0 = paper, 1 = ink.

    Raises `DataError` if there is no digit.
    """
    if is_light_on_dark(grey):
        grey = 1 - grey
    darkness = _darkness(grey)
    ink = _contrasted(_without_surroundings(without_ruling(darkness)))
    ink = _digit_alone(ink)
    return with_usual_strokes(ink)


def is_light_on_dark(grey: Array) -> bool:
    """Whether the ink is lighter than the paper.

    A pixel of a line is far from the mean of a window round it, one of the paper beside the line
    only a little to the other side: its cube tells which of the two is which. The edge of a shadow
    differs by as much to both sides, and cancels out. Windows of several sizes find every pen.
    """
    differences = (
        grey - window_mean(grey, max(int(share * max(grey.shape)), 3) | 1)
        for share in (0.05, 0.1, 0.2, 0.4)
    )
    # Multiplied, since NumPy's power of arrays is slow.
    return bool(sum(float((d * d * d).sum()) for d in differences) > 0)


def _darkness(grey: Array) -> Array:
    """By how much each pixel is darker than the paper round it, as a share of the paper's light.

    A share instead of a difference makes ink in the shadow as dark as elsewhere. What can be the
    paper's noise is taken off.
    """
    if max(grey.shape) > 100:
        grey = window_mean(grey, 3)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    usual = float(np.median(border))
    plain = np.abs(grey - usual) < EVEN
    if plain.mean() > 0.3:  # a scan or a screenshot: the paper is the same everywhere
        paper = np.full_like(grey, usual)
    else:
        paper = _uneven_paper(grey)
        plain = np.ones_like(plain)
    darker = paper - grey
    middle = np.median(darker[plain])
    spread = 1.4826 * np.median(np.abs(darker[plain] - middle))
    # Where hardly any light comes from, the table beside the paper, there is more noise than ink.
    light = np.maximum(paper, max(float(np.median(paper)) / 3, 1 / 255))
    return np.maximum(darker - (middle + NOISE_SPREADS * spread), 0) / light


def _uneven_paper(grey: Array) -> Array:
    """How bright the paper is at each pixel of a picture of dark ink (H, W).

    Everything narrower than a window is filled with the light beside it (a closing: the least of
    the greatest). So the edge of a shadow stays, whichever way it runs. Outside the picture nothing
    is known: what is dark at the edge may go on there and be as wide as a table.
    """
    window = max(int(WINDOW * max(grey.shape)), 3) | 1
    half = window // 2
    paper = np.pad(grey, half, constant_values=-1)
    for axis in (0, 1):
        paper = greatest(paper, window, axis)
    for axis in (0, 1):
        paper = -greatest(-paper, window, axis)
    return paper[half:-half, half:-half]


def _without_surroundings(darkness: Array) -> Array:
    """Darkness without the parts that come in from the edge of the picture.

    Those are the table beside the paper, a thumb, a shadow. But a digit may touch the edges of a
    picture that was cut out tightly: then its part outweighs the others in the middle.
    """
    labels, count = parts(darkness > FAINTEST_CONTRAST / 2)
    if not count:
        raise DataError(NO_DIGIT)
    height, width = darkness.shape
    y = np.sin(np.pi * (np.arange(height) + 0.5) / height) ** 2
    x = np.sin(np.pi * (np.arange(width) + 0.5) / width) ** 2
    weight = np.bincount(labels.ravel(), (darkness * y[:, None] * x).ravel())
    weight[0] = 0
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    at_edge = np.isin(np.arange(count + 1), border)
    if at_edge[weight.argmax()]:
        return darkness
    return np.where(at_edge[labels], 0, darkness).astype(np.float32)


def _contrasted(darkness: Array) -> Array:
    """Ink, 0…1, of darkness: what is as dark as the pen's full ink becomes 1.

    Faint ink counts only beside strong ink, where it is the edge of a line. Elsewhere it is a
    ruled line, or what shines through from the other side.
    """
    seen = darkness[darkness > 0]
    if not len(seen):
        raise DataError(NO_DIGIT)
    full = float(np.percentile(seen[seen > _threshold(seen)], 80))
    if full < FAINTEST_CONTRAST:
        raise DataError(NO_DIGIT)
    ink = np.minimum(darkness / full, 1)
    reach = 1 + max(darkness.shape) // 100
    near = (ink > FAINT_INK).astype(np.float32)
    for axis in (0, 1):
        near = greatest(near, 2 * reach + 1, axis)
    return (ink * near).astype(np.float32)


def _threshold(values: Array) -> float:
    """The value that parts `values` in 0…1 into two groups best (Otsu 1979)."""
    counts, edges = np.histogram(values, bins=128, range=(0, 1))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    total = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = below * above * (total / below - (total[-1] - total) / above) ** 2
    best = int(np.nanargmax(np.where((below > 0) & (above > 0), apart, -1)))
    return min(float(edges[best + 1]), float(values.max()) - 1e-6)


def _digit_alone(ink: Array) -> Array:
    """The ink of the largest part and of those near it, cut out, without specks."""
    labels, count = parts(ink > FAINT_INK / 2)
    mass = np.bincount(labels.ravel(), ink.ravel(), minlength=count + 1)
    mass[0] = 0
    largest = mass.argmax()
    rows, columns = extent(labels == largest)
    size = max(rows.stop - rows.start, columns.stop - columns.start)
    if size < MIN_DIGIT * max(ink.shape):
        raise DataError(f"{NO_DIGIT}; specks do not count")
    reach = int(FARTHEST_PART * size)
    near = np.zeros(count + 1, bool)
    window = labels[
        max(rows.start - reach, 0) : rows.stop + reach,
        max(columns.start - reach, 0) : columns.stop + reach,
    ]
    near[np.unique(window)] = True
    for part in np.flatnonzero(~near & (mass >= ANOTHER_INK * mass[largest])):
        rows, columns = extent(labels == part)
        if max(rows.stop - rows.start, columns.stop - columns.start) >= ANOTHER * size:
            raise DataError(
                "expected one digit, received two or more that stand apart; cut out one of them"
            )
    kept = near & (mass >= MIN_PART * mass[largest])
    around = greatest(greatest(kept[labels].astype(np.float32), 3, 0), 3, 1)
    ink = ink * around
    return ink[extent(ink > 0)]


def stroke_width(ink: Array) -> float:
    """The mean width of the strokes of `ink` (h, w), in pixels.

    A stroke has twice its length as outline, so its width is twice the area by the outline. The
    outline's length is the sum of the slopes, for soft edges as for hard ones.
    """
    padded = np.pad(ink, 1)
    dy = np.diff(padded, axis=0)[:, :-1]
    dx = np.diff(padded, axis=1)[:-1]
    return float(2 * ink.sum() / max(np.hypot(dx, dy).sum(), 1e-9))


def with_usual_strokes(ink: Array) -> Array:
    """The ink cut out of a picture, its strokes made as thick as MNIST's if they are far from it.

    Framing scales the picture, pen and all: a large digit in ballpoint would become a faint hair,
    a small one in felt pen a blot. It is mended here, at the picture's resolution, because a hair
    framed to 28×28 has lost its shape.
    """
    size = max(ink.shape)
    width = stroke_width(ink)
    cells = width * BOX / size
    if THINNEST <= cells <= THICKEST:
        return ink
    wanted = THIN if cells < THINNEST else THICK
    # Growing by a radius r makes width and size larger by 2r: solve for (width + 2r) / (size + 2r).
    radius = (wanted * size - BOX * width) / (BOX - wanted) / 2
    if radius > 0:
        # A hole stays open by a cell, or an 8 would become a block.
        steps = steps_until_a_hole_fills(ink, int(radius + size / BOX) + 1, (HOLE * size) ** 2)
        radius = max(min(radius, steps - size / BOX / 2), 0)
        return grown(np.pad(ink, int(radius) + 1), radius)
    # No more than a quarter from each side, or the thin parts of uneven strokes would vanish.
    return 1 - grown(1 - np.pad(ink, 1), min(-radius, width / 4))
