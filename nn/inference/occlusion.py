"""Why a network reads what it reads, by erasing: what it makes of the drawing without some ink.

A soft eraser goes over the ink, coarse then fine, and each time the network reads what is left
(occlusion; Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks"). Of two
pieces of ink that tell the same, neither is missed alone; so the drawing is also read with random
parts of its ink left out, from nearly none to nearly all (Petsiuk et al. 2018, "RISE"), and a line
is fitted through these readings. On the paper beside the ink a dot is added: what is missing can
speak for a digit too (pertinent negatives; Dhurandhar et al. 2018, "Explanations based on the
missing").

All it asks of a network is its probabilities p. The evidence for digit d in a reading is the sum of
0.3 · log(p_d / Σ p_k), against all other digits k together, and 0.7 · the mean of log(p_d / p_k),
against each. It is in nats: one nat more makes the odds 2.7 times as high. For d rather than
another digit r it is log(p_d / p_r).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nn.handwriting.brush import coverage_at
from nn.handwriting.framing import PEN_RADIUS, PEN_SOFTNESS, SIZE
from nn.support.types import Array

Read = Callable[[Array], Array]  # framed images (N, 28, 28) -> probabilities (N, 10)

COARSE, FINE = 2.0, 1.0  # radii of the eraser, in cells
SOFTNESS = 1.0  # over which its edge fades, in cells
PARTS, MORE_PARTS = 180, 2400  # drawings with random parts of the ink, and for a fast network
FAST_SECONDS = 5e-5  # a network that reads an image in less is fast
# What single erasures count for beside the average random part: the more of these, the less.
COARSE_WEIGHT, FINE_WEIGHT = 55.0, 110.0
EACH = 0.7  # what the other digits count for each by itself, the rest is for all together
SMOOTHING = 0.3  # of the line through the random parts: its weights are kept small
REACH = 4.5  # cells from the ink within which missing ink is looked for
LEAST = 1e-12  # a probability below counts as this
FAINT = 0.12  # of the strongest effect: what is fainter is not painted
WEAKEST = 0.02  # nats: where no cell's ink does more, nothing is painted
MISSING_FAINT = 0.5  # the same for dots of added ink, as a share of the strongest
MISSING_WEAKEST = 0.5  # nats


@dataclass(frozen=True, eq=False)
class Change:
    """One change of the drawing at a place (y, x), in cells, and what the network reads then."""

    place: tuple[float, float]
    probabilities: Array  # (10,)
    effect: float  # how much less evidence for the digit there is then, in nats


@dataclass(frozen=True, eq=False)
class OcclusionMap:
    """What speaks for `digit` (rather than for `rival`, if that is given) in one drawing.

    `effects` (28, 28): how much less evidence, in nats, there is without the ink of each cell.
    `painted` (28, 28): where that is strong enough to be shown and, in a fine map, found to hold
    when such ink was erased at once. `missing` are the dots of added ink that change most,
    `without` is what is read without the ink around each of its cells.
    """

    digit: int
    rival: int | None
    before: Array  # the probabilities of the whole drawing, (10,)
    effects: Array
    painted: Array
    missing: Sequence[Change] = ()
    without: Sequence[Change] = ()
    is_fine: bool = False


def evidence(probabilities: Array, digit: int, rival: int | None = None) -> Array:
    """The evidence for a digit, in nats, in each of the readings (N, 10): (N,) float64.

    >>> evidence(np.full((1, 10), 0.1), 4, rival=9).tolist()
    [0.0]
    """
    p = np.maximum(np.asarray(probabilities, np.float64), LEAST)
    logs = np.log(p)
    if rival is not None:
        return np.asarray(logs[:, digit] - logs[:, rival])
    others = np.delete(np.arange(p.shape[1]), digit)
    together, each = np.log(p[:, others].sum(axis=1)), logs[:, others].mean(axis=1)
    return np.asarray(logs[:, digit] - EACH * each - (1 - EACH) * together)


class Occlusion:
    """Reads one framed image (28, 28) with parts erased or added; what is read serves all digits.

    >>> from nn.inference.classifier import load_classifier
    >>> image = np.zeros((28, 28), np.float32)
    >>> image[5:23, 14] = 1
    >>> *_, found = Occlusion(load_classifier("linear").probabilities, image).maps(1)
    >>> found.is_fine, found.effects.shape
    (True, (28, 28))
    """

    def __init__(self, read: Read, image: Array, batch: int = 32) -> None:
        self._image = np.asarray(image, np.float32).reshape(SIZE, SIZE)
        self._read_images, self._batch = read, batch
        self._ink = np.argwhere(self._image > 0)
        self._readings: dict[str, Array] = {}  # (N, 10) for each kind of change
        self._seconds = np.inf  # that a reading takes
        self._parts: Array = np.zeros((0, SIZE, SIZE), np.float32)

    def maps(self, digit: int, rival: int | None = None) -> Iterator[OcclusionMap | None]:
        """Maps for a digit, each better than the one before; None after each batch in between.

        The first is coarse; the second has finer ink, and the third, which is fine, the missing ink
        too. The last also tells what a pointer asks for. A second call, for another digit, has
        little left to read.
        """
        yield from self._read("whole", self._image[None])
        if not len(self._ink):
            yield self._map(digit, rival, np.zeros((SIZE, SIZE)), is_fine=True)
            return
        coarse, fine = self._covering(), erasers(self._fine_places(), FINE)
        yield from self._read("coarse", self._image * (1 - coarse))
        shares = self._shares("coarse", coarse, digit, rival)
        yield self._map(digit, rival, shares)
        yield from self._read("fine", self._image * (1 - fine))
        if not len(self._parts):
            self._parts = random_parts(
                self._image, MORE_PARTS if self._seconds < FAST_SECONDS else PARTS
            )
        yield from self._read("parts", self._image * self._parts)
        singly = COARSE_WEIGHT * shares + FINE_WEIGHT * self._shares("fine", fine, digit, rival)
        effects = self._fitted(digit, rival) + singly / len(self._parts)
        painted = yield from self._confirmed(effects, digit, rival)
        yield self._map(digit, rival, effects, painted)
        places = self._near_places()
        dots = erasers(places, PEN_RADIUS, PEN_SOFTNESS)
        yield from self._read("added", np.maximum(self._image, dots))
        missing = _strong(self._changes("added", places, digit, rival))
        yield self._map(digit, rival, effects, painted, missing, is_fine=True)
        yield from self._read("around", self._image * (1 - erasers(self._ink, COARSE)))
        without = self._changes("around", self._ink, digit, rival)
        yield self._map(digit, rival, effects, painted, missing, without, is_fine=True)

    def _map(
        self,
        digit: int,
        rival: int | None,
        effects: Array,
        painted: Array | None = None,
        missing: Sequence[Change] = (),
        without: Sequence[Change] = (),
        is_fine: bool = False,
    ) -> OcclusionMap:
        """A map; without `painted`, of what is strong, though it has not been confirmed."""
        if painted is None:
            painted = np.abs(effects) >= _faintest(effects)
        before = self._readings["whole"][0]
        return OcclusionMap(digit, rival, before, effects, painted, missing, without, is_fine)

    # What is read

    def _read(self, kind: str, images: Array) -> Iterator[None]:
        """Read the images of one kind of change, unless they have been read."""
        if kind not in self._readings:
            found = []
            for start in range(0, len(images), self._batch):
                began = time.perf_counter()
                found.append(self._probabilities(images[start : start + self._batch]))
                self._seconds = min(self._seconds, (time.perf_counter() - began) / len(found[-1]))
                yield None
            self._readings[kind] = np.concatenate(found) if found else np.zeros((0, 10))

    def _probabilities(self, images: Array) -> Array:
        return np.array(self._read_images(images.astype(np.float32)), np.float64)

    def _lost(self, kind: str, digit: int, rival: int | None) -> Array:
        """How much less evidence there is in each reading of a kind than in the whole drawing."""
        whole = evidence(self._readings["whole"], digit, rival)
        return np.asarray(whole - evidence(self._readings[kind], digit, rival))

    # Where is erased, and where added

    def _covering(self) -> Array:
        """Erasers so that all ink lies well under one of them: (N, 28, 28)."""
        left, places = self._ink, []
        while len(left):
            places.append(left[0])
            left = left[((left - left[0]) ** 2).sum(axis=1) > (COARSE + 0.3) ** 2]
        return erasers(np.array(places), COARSE)

    def _fine_places(self) -> Array:
        """Every other cell of ink, as on a chessboard."""
        places = self._ink[self._ink.sum(axis=1) % 2 == 0]
        return places if len(places) else self._ink

    def _near_places(self) -> Array:
        """Every other row and column of the paper near the ink: (N, 2)."""
        cells = np.argwhere(np.ones((SIZE, SIZE), bool))[:, None]
        nearest = np.sqrt(((cells - self._ink[None]) ** 2).sum(axis=2)).min(axis=1)
        is_near = (nearest >= PEN_RADIUS) & (nearest <= REACH)
        is_on_grid = (cells[:, 0] % 2 == 0).all(axis=1)
        return np.asarray(cells[is_near & is_on_grid, 0])

    # What follows from it

    def _shares(self, kind: str, masks: Array, digit: int, rival: int | None) -> Array:
        """What each cell's ink has part in, on average, of the effects of erasing: (28, 28)."""
        lost = self._lost(kind, digit, rival)
        erased = (masks * self._image).sum(axis=(1, 2))  # each effect is shared out over so much
        weight = np.maximum(np.einsum("k,kij->ij", erased, masks), 1e-9)
        return np.asarray(np.einsum("k,kij->ij", lost, masks) / weight * self._image)

    def _fitted(self, digit: int, rival: int | None) -> Array:
        """What each cell's ink adds on average to a drawing with some of the ink: (28, 28).

        The weights of ridge regression, times the ink.
        """
        is_ink = self._image > 0
        y = evidence(self._readings["parts"], digit, rival)
        x = self._parts[:, is_ink].astype(np.float64) * self._image[is_ink]
        x, y = x - x.mean(axis=0), y - y.mean()
        squares = x.T @ x
        squares[np.diag_indices_from(squares)] += SMOOTHING * np.trace(squares) / len(x) + 1e-9
        effects = np.zeros((SIZE, SIZE))
        effects[is_ink] = np.linalg.solve(squares, x.T @ y) * self._image[is_ink]
        return effects

    def _confirmed(
        self, effects: Array, digit: int, rival: int | None
    ) -> Generator[None, None, Array]:
        """Where the effects are strong enough to paint, and hold when such ink is erased at once.

        Of each sign, the 2, 4, 8, … strongest cells are erased together; painted is the largest
        such group that does at once what its cells do by themselves.
        """
        faintest = _faintest(effects)
        painted = np.zeros((SIZE, SIZE), bool)
        groups: list[tuple[int, Array]] = []
        for sign in (1, -1):
            cells = np.flatnonzero(sign * effects >= faintest)
            cells = cells[np.argsort(-sign * effects.ravel()[cells], kind="stable")]
            counts = [2**n for n in range(1, 10) if 2**n < len(cells)]
            groups += [(sign, cells[:count]) for count in [*counts, len(cells)] if len(cells)]
        images = np.repeat(self._image.reshape(1, -1), len(groups), axis=0)
        for image, (_, cells) in zip(images, groups, strict=True):
            image[cells] = 0
        self._readings.pop("groups", None)
        yield from self._read("groups", images.reshape(-1, SIZE, SIZE))
        lost = self._lost("groups", digit, rival)
        for (sign, cells), change in zip(groups, lost, strict=True):
            if sign * change > 0:  # a larger group holds the smaller ones
                painted.ravel()[cells] = True
        return painted

    def _changes(self, kind: str, places: Array, digit: int, rival: int | None) -> list[Change]:
        """What each single change of a kind does."""
        lost = self._lost(kind, digit, rival)
        readings = zip(places.tolist(), self._readings[kind], lost.tolist(), strict=True)
        return [Change((y, x), probabilities, effect) for (y, x), probabilities, effect in readings]


def erasers(places: Array, radius: float, softness: float = SOFTNESS) -> Array:
    """Soft round erasers, or dots, on the cells at places (N, 2), y and x: 0…1, (N, 28, 28)."""
    places = np.asarray(places, np.float32).reshape(-1, 2)
    cells = np.arange(SIZE, dtype=np.float32)
    down, across = cells - places[:, :1], cells - places[:, 1:]
    distance = np.sqrt(down[:, :, None] ** 2 + across[:, None, :] ** 2)
    return coverage_at(distance, radius, softness)


def random_parts(image: Array, count: int, seed: int = 0) -> Array:
    """Which cells of ink to keep, 0 or 1: (count, 28, 28), in pairs of a part and what is left out.

    The shares of ink that are kept are spread evenly from 5 to 95 %.
    """
    rng = np.random.default_rng(seed)
    cells, half = np.flatnonzero(image.ravel() > 0), count // 2
    shares = 0.05 + 0.9 * (np.arange(half) + 0.5) / half
    ranks = np.argsort(rng.random((half, len(cells))), axis=1)
    is_kept = ranks < np.rint(shares * len(cells))[:, None]
    parts = np.zeros((2 * half, SIZE * SIZE), np.float32)
    parts[:, cells] = np.concatenate([is_kept, ~is_kept])
    return parts.reshape(-1, SIZE, SIZE)


def _faintest(effects: Array) -> float:
    """The weakest effect that is painted."""
    return max(FAINT * float(np.abs(effects).max()), WEAKEST)


def _strong(changes: Sequence[Change]) -> list[Change]:
    """The dots of added ink that change enough to be shown."""
    strongest = max((abs(change.effect) for change in changes), default=0.0)
    faintest = max(MISSING_FAINT * strongest, MISSING_WEAKEST)
    return [change for change in changes if abs(change.effect) >= faintest]
