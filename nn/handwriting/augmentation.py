"""Varying pictures of digits for training: turned, bent, thickened, as by other hands.

Images are float32 in 0…1, 0 = paper, 1 = ink, indexed [y, x]. Randomness comes from a
`numpy.random.Generator` that is passed in.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from nn.handwriting.framing import SIZE
from nn.support.types import Array


@dataclass(frozen=True)
class Variation:
    """How far `vary` may change a picture to either side.

    Each picture has a strength of its own, uniform from 0 to 1, and each of its changes is uniform
    within that part of these limits: many pictures stay near what their writer wrote, and a few
    are changed by all means at once.
    """

    rotation: float = 12.0  # degrees
    shear: float = 0.3  # cells in x per cell in y: the slant of a hand
    scale: float = 0.12  # logarithm of size
    aspect: float = 0.15  # logarithm of height over width
    shift: float = 1.0  # cells
    elastic: float = 0.5  # root mean square displacement in cells
    thicker: float = 0.3  # towards the largest of the neighbouring cells
    thinner: float = 0.25  # towards the smallest
    contrast: float = 0.15  # logarithm of the slope of grey values about the middle

    def times(self, factor: float) -> Variation:
        """All limits times a factor, which may be up to 3.

        >>> Variation().times(0.5).rotation
        6.0
        """
        return Variation(**{name: factor * limit for name, limit in asdict(self).items()})


def displacement_fields(
    rng: np.random.Generator, count: int = 512, smoothness: float = 4.0
) -> Array:
    """A pool of smooth random displacements (count, 2, 28 * 28), root mean square 1 in x and y.

    Simard, Steinkraus and Platt (2003), section 2: uniform noise smoothed by a Gaussian whose
    standard deviation is `smoothness` cells.
    """
    margin = int(3 * smoothness)  # so that the smoothing sees noise beyond the picture's edges too
    noise = rng.uniform(-1, 1, (count, 2, SIZE + 2 * margin, SIZE + 2 * margin))
    distance = np.arange(SIZE)[:, None] + margin - np.arange(SIZE + 2 * margin)
    gaussian = np.exp(-0.5 * (distance / smoothness) ** 2)
    fields = gaussian @ noise @ gaussian.T
    fields /= np.sqrt(np.mean(fields**2))
    return fields.reshape(count, 2, SIZE * SIZE).astype(np.float32)


def vary(
    images: Array, fields: Array, rng: np.random.Generator, variation: Variation | None = None
) -> Array:
    """Pictures like `images` (N, 28, 28), each turned, bent and thickened by random amounts.

    `fields` comes from `displacement_fields`. Returns (N, 28, 28) float32; `images` is not changed.
    """
    amounts = variation or Variation()
    count = len(images)
    strength = rng.uniform(0, 1, count)
    x, y = _varied_grid(strength, fields, rng, amounts)
    varied = _sample(images, x, y)
    weight = strength * rng.uniform(-amounts.thinner, amounts.thicker, count)
    varied = thicken(varied, weight.astype(np.float32))
    if amounts.contrast:
        logarithm = strength * rng.uniform(-amounts.contrast, amounts.contrast, count)
        slope = np.exp(logarithm).astype(np.float32)
        varied -= 0.5
        varied *= slope[:, None, None]
        varied += 0.5 * np.minimum(slope, 1)[:, None, None]  # paper stays paper
        np.clip(varied, 0, 1, out=varied)
    return varied


class Varied:
    """The augmentation of a batch of images (n, 784), as a data loader calls it.

    `strength` is a factor on the limits of `Variation`. It may be changed between two batches; at 0
    the images stay as they are, and nothing is drawn from the generator.
    """

    def __init__(self, rng: np.random.Generator, strength: float = 1.0) -> None:
        self.strength = strength
        self._rng = rng
        self._fields: Array | None = None  # made when they are first needed

    def __call__(self, images: Array, rng: np.random.Generator) -> Array:
        """Images of the same shape, each changed."""
        if not self.strength:
            return images
        if self._fields is None:
            self._fields = displacement_fields(self._rng)
        pictures = images.reshape(len(images), SIZE, SIZE)
        varied = vary(pictures, self._fields, rng, Variation().times(self.strength))
        return varied.reshape(len(images), -1)


def _varied_grid(
    strength: Array, fields: Array, rng: np.random.Generator, amounts: Variation
) -> tuple[Array, Array]:
    """Where each new cell looks in the old picture: x and y (N, 784), 0 = first cell's centre."""
    count = len(strength)

    def spread(limit: float) -> Array:
        return strength * rng.uniform(-limit, limit, count)

    turn = np.deg2rad(spread(amounts.rotation))
    shear, size = spread(amounts.shear), np.exp(spread(amounts.scale))
    stretch = np.exp(spread(amounts.aspect) / 2)
    cos, sin = np.cos(turn), np.sin(turn)
    # Rotation times shear times scale, as rows of a 2×2 matrix for each picture.
    xx, xy = cos * size / stretch, (cos * shear - sin) * size * stretch
    yx, yy = sin * size / stretch, (sin * shear + cos) * size * stretch
    middle = (SIZE - 1) / 2
    to_x, to_y = middle + spread(amounts.shift), middle + spread(amounts.shift)
    axis = np.arange(SIZE, dtype=np.float32) - np.float32(middle)
    bend = (strength * amounts.elastic).astype(np.float32)[:, None, None]
    displacement = fields[rng.integers(len(fields), size=count)] * bend
    grids = []
    for a, b, origin, axis_number in ((xx, xy, to_x, 0), (yx, yy, to_y, 1)):
        along_x = (a[:, None] * axis).astype(np.float32)
        along_y = (b[:, None] * axis + origin[:, None]).astype(np.float32)
        grid = displacement[:, axis_number].reshape(count, SIZE, SIZE)
        grid += along_x[:, None, :]
        grid += along_y[:, :, None]
        grids.append(grid.reshape(count, SIZE * SIZE))
    return grids[0], grids[1]


def _sample(images: Array, x: Array, y: Array) -> Array:
    """Values of `images` (N, 28, 28) at (x, y), each (N, 784), bilinear; beyond the edge is paper.

    x and y are overwritten.
    """
    count = len(images)
    side = SIZE + 3  # one cell of paper before, two after: a neighbour always exists
    paper = np.zeros((count, side, side), np.float32)
    paper[:, 1:-2, 1:-2] = images
    flat = paper.ravel()
    for coordinate in (x, y):
        coordinate += 1
        np.clip(coordinate, 0, SIZE + 1, out=coordinate)
    left, top = x.astype(np.int32), y.astype(np.int32)
    x -= left
    y -= top
    corner = (top * side + left).astype(np.intp)
    corner += (np.arange(count) * side * side)[:, None]
    upper = flat.take(corner)
    corner += 1
    upper += (flat.take(corner) - upper) * x
    corner += side
    lower_right = flat.take(corner)
    corner -= 1
    lower = flat.take(corner)
    lower += (lower_right - lower) * x
    lower -= upper
    lower *= y
    upper += lower
    return upper.reshape(count, SIZE, SIZE)


def thicken(images: Array, weight: Array) -> Array:
    """Make the lines of `images` (N, 28, 28) thicker (weight > 0) or thinner (weight < 0).

    Each cell moves by |weight| (N,), at most 1, of the way to the largest or the smallest of itself
    and its four neighbours; a line becomes about 2·weight cells thicker.
    """
    result = np.empty_like(images)
    for chosen, extreme in ((weight >= 0, np.maximum), (weight < 0, np.minimum)):
        old = images[chosen]
        new = old.copy()
        extreme(new[:, 1:], old[:, :-1], out=new[:, 1:])
        extreme(new[:, :-1], old[:, 1:], out=new[:, :-1])
        extreme(new[:, :, 1:], old[:, :, :-1], out=new[:, :, 1:])
        extreme(new[:, :, :-1], old[:, :, 1:], out=new[:, :, :-1])
        new -= old
        new *= np.abs(weight[chosen])[:, None, None]
        new += old
        result[chosen] = new
    return result
