"""Windows over pictures, and their connected parts; pictures are indexed [y, x]."""

from __future__ import annotations

import numpy as np

from nn.support.types import Array


def greatest(picture: Array, window: int, axis: int) -> Array:
    """The greatest of the `window` (odd) pixels about each along an axis; outside there is none."""
    line = np.moveaxis(picture, axis, 0)
    half = window // 2
    nothing = np.full((half, *line.shape[1:]), -np.inf, line.dtype)
    line = np.concatenate([nothing, line, nothing])
    have = 1
    while have < window:  # the greatest of 2, of 4, of 8 …
        step = min(have, window - have)
        line = np.maximum(line[:-step], line[step:])
        have += step
    return np.moveaxis(line, 0, axis)


def window_mean(picture: Array, window: int) -> Array:
    """The mean of the window (odd) × window pixels about each; the edge goes on outside."""
    mean = picture.astype(np.float64)  # float32 would lose digits in the running sums
    half = window // 2
    for _ in range(2):
        before = np.repeat(mean[:1], half + 1, axis=0)
        after = np.repeat(mean[-1:], half, axis=0)
        total = np.cumsum(np.concatenate([before, mean, after]), axis=0)
        mean = ((total[window:] - total[:-window]) / window).T
    return mean.astype(np.float32)


def parts(mask: Array) -> tuple[Array, int]:
    """Number the connected parts of a mask (H, W), corners included: labels (H, W), and how many.

    0 is what the mask leaves out, the parts are 1, 2, …
    """
    height, width = mask.shape
    numbers = np.arange(height * width).reshape(height, width)
    pairs = []
    for a, b in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, 1:], np.s_[1:, :-1]),
    ):
        both = mask[a] & mask[b]
        pairs.append((numbers[a][both], numbers[b][both]))
    one, other = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    root = numbers.ravel().copy()
    while (unlike := root[one] != root[other]).any():
        one, other = one[unlike], other[unlike]
        low = np.minimum(root[one], root[other])
        # Hang the higher root below the lower one, then let everyone point to a root again.
        np.minimum.at(root, root[one], low)
        np.minimum.at(root, root[other], low)
        while (root[root] != root).any():
            root = root[root]
    labels = np.zeros((height, width), np.intp)
    found, labels[mask] = np.unique(root.reshape(height, width)[mask], return_inverse=True)
    labels[mask] += 1
    return labels, len(found)


def extent(mask: Array) -> tuple[slice, slice]:
    """The rows and columns that the true pixels of a mask span."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def grown(ink: Array, radius: float) -> Array:
    """Ink that spread by `radius` pixels in every direction, as an octagon."""
    for step in range(int(np.ceil(radius))):
        ink = ink + min(radius - step, 1) * (wider(ink, step) - ink)
    return ink


def wider(ink: Array, step: int) -> Array:
    """Ink that spread by one pixel, the so manyth of several."""
    if step % 5 in (1, 3):  # two squares in five steps make the octagon regular
        return greatest(greatest(ink, 3, 0), 3, 1)
    return np.maximum(greatest(ink, 3, 0), greatest(ink, 3, 1))


def steps_until_a_hole_fills(ink: Array, most: int, smallest: float) -> int:
    """How often ink (H, W) can spread by a pixel, at most `most` times, and fill no hole.

    Holes with an area below `smallest` pixels do not count.
    """
    ink = np.pad((ink > 0.2).astype(np.float32), 1)
    labels, count = parts(ink == 0)
    is_hole = np.bincount(labels.ravel(), minlength=count + 1) >= smallest
    is_hole[[0, labels[0, 0]]] = False
    for step in range(most):
        ink = wider(ink, step)
        open_still = np.bincount(labels[ink == 0], minlength=count + 1) > 0
        if (is_hole & ~open_still).any():
            return step
    return most
