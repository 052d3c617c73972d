"""MNIST as arrays: reading its files, a stratified split, and batches.

Whatever is wrong with a file is said by a `DataError`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.random import Generator

from nn.data.csv_format import CLASSES, PIXELS, read_columns
from nn.data.idx import read_idx, times
from nn.data.mnist_files import FORMS, IDX_FILES, KERAS_FILE, Form, find_files
from nn.support.arrays import read_npz
from nn.support.errors import DataError, unexpected
from nn.support.files import user_folder
from nn.support.packed import COPY_AGAIN, MAX_DIGITS
from nn.support.types import Array

SIDE = 28
KAGGLE_TEST_SHARE = 7  # one row in so many: 6,000 of Kaggle's 42,000, the proportion of MNIST

Part = tuple[Array, Array]  # images (N, 784) in 0…255, labels (N,)


class Dataset(NamedTuple):
    """Digits and what they are."""

    images: Array  # (N, 784), 0 = paper, 1 = ink, row by row from the top left
    labels: Array  # (N,), 0 to 9


# --- MNIST in a folder ---------------------------------------------------------------------------


def load_mnist(data_dir: Path | None = None) -> tuple[Dataset, Dataset]:
    """MNIST's training set and test set, from `data_dir` or, with None, from the user's cache.

    The cache is filled from the internet the first time and checked every time; files in a
    `data_dir` may hold other digits. Raises `DataError` if the files cannot be found, fetched or
    understood.
    """
    if data_dir is None:
        # Only now: someone who has the files needs no network library.
        from nn.data.download import download_mnist

        data_dir = download_mnist(mnist_cache())
    return load_folder(data_dir)


def load_folder(folder: Path | str) -> tuple[Dataset, Dataset]:
    """The training set and the test set found in a folder.

    In order of preference: the four IDX files (also spelled `train-images.idx3-ubyte`), Keras's
    `mnist.npz`, `mnist_train.csv` with `mnist_test.csv`, or Kaggle's `train.csv`. IDX and CSV files
    may be packed, each on its own. The folder itself comes first, then its subfolders `mnist`,
    `raw` and `MNIST/raw`; see `nn.data.mnist_files`.

    Kaggle's `test.csv` has no labels, so the last seventh of its `train.csv`, which is in random
    order already, is held out as the test set, whatever the seed. Raises `DataError` if files are
    missing, damaged or do not belong together.
    """
    form, paths = find_files(Path(folder), FORMS)
    train, test = _read_parts(form, paths)
    if len(train[1]) + len(test[1]) > MAX_DIGITS:
        received = f"{len(train[1]):,} to learn from and {len(test[1]):,} to test with"
        raise unexpected(paths[0].parent, f"at most {MAX_DIGITS:,} digits", received, "take fewer")
    return _as_dataset(train), _as_dataset(test)


def load_bytes(folder: Path | str, part: Literal["train", "test"]) -> Part:
    """One part of MNIST as bytes (N, 784) and labels (N,), where only a few are needed.

    Found as by `load_folder`, but of the IDX files those of the other part may be missing.
    Raises `DataError`.
    """
    wanted = IDX_FILES[:2] if part == "train" else IDX_FILES[2:]
    form, paths = find_files(Path(folder), (wanted, *FORMS[1:]))
    if form == wanted:
        return _read_pair(*paths)
    train, test = _read_parts(form, paths)
    return train if part == "train" else test


def mnist_cache() -> Path:
    """The folder in the user's cache for MNIST; it need not exist yet."""
    return user_folder("cache") / "mnist"


def cached_mnist() -> Path | None:
    """The folder in the user's cache where MNIST is, or None if it was never downloaded."""
    folder = mnist_cache()
    return folder if folder.is_dir() else None


# --- Reading them ------------------------------------------------------------------------------


def _read_parts(form: Form, paths: Sequence[Path]) -> tuple[Part, Part]:
    """The training part and the test part that files of one form hold."""
    if form == IDX_FILES:
        return _read_pair(*paths[:2]), _read_pair(*paths[2:])
    if form == (KERAS_FILE,):
        return _read_keras(paths[0])
    if len(paths) == 2:
        return _read_labelled(paths[0]), _read_labelled(paths[1])
    images, labels = _read_labelled(paths[0])
    held_out = len(labels) // KAGGLE_TEST_SHARE
    if held_out == 0:
        raise DataError(
            f"{paths[0]} has {len(labels)} rows; expected at least {KAGGLE_TEST_SHARE}, so that "
            "a test set can be held out; add more"
        )
    cut = len(labels) - held_out
    return (images[:cut], labels[:cut]), (images[cut:], labels[cut:])


def _read_pair(images_path: Path, labels_path: Path) -> Part:
    """An IDX file of images (N, 28, 28) and one of labels (N,), N at least 1."""
    return _paired(images_path, read_idx(images_path), labels_path, read_idx(labels_path))


def _read_keras(path: Path) -> tuple[Part, Part]:
    """Both parts in the file that `keras.datasets.mnist` downloads."""
    try:
        arrays = read_npz(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; check it") from error
    except ValueError as error:
        expected = "a whole .npz file of plain numbers"
        raise unexpected(path, expected, f"another ({error})", COPY_AGAIN) from error
    names = ("x_train", "y_train", "x_test", "y_test")
    if not arrays.keys() >= set(names):
        expected, received = f"the arrays {', '.join(names)}", ", ".join(arrays)[:100] or "none"
        raise unexpected(path, expected, received, "put Keras's file there")
    parts = [_paired(path / x, arrays[x], path / y, arrays[y]) for x, y in (names[:2], names[2:])]
    return parts[0], parts[1]


def _paired(images_path: Path, images: Array, labels_path: Path, labels: Array) -> Part:
    """Images and labels that have been read, if they are such and belong together."""
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE) or len(images) == 0:
        received = times(images.shape) + (f" of {images.dtype}" if images.dtype != np.uint8 else "")
        remedy = "write them so, as bytes from 0 to 255"
        raise unexpected(images_path, f"N × {SIDE} × {SIDE} pixels", received, remedy)
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        expected = f"{len(images)} labels, one for each image of {images_path.name}"
        received = times(labels.shape) + (f" of {labels.dtype}" if labels.dtype.kind == "f" else "")
        raise unexpected(labels_path, expected, received, "put images and labels of one set there")
    wrong = (labels < 0) | (labels >= CLASSES)
    if wrong.any():
        first = int(np.argmax(wrong))
        received = f"{labels[first]} as label {first}"
        raise unexpected(labels_path, "labels from 0 to 9", received, "leave out what is no digit")
    pixels = images.reshape(len(images), PIXELS)
    _check_range(images_path, pixels)
    return pixels, labels.astype(np.int64)


def read_csv(path: Path | str) -> Dataset:
    """The data set of a CSV file with labels; see `nn.data.csv_format`. Raises `DataError`."""
    return _as_dataset(_read_labelled(path))


def read_csv_images(path: Path | str) -> tuple[Array, Array | None]:
    """As `read_csv`, the images (N, 784) in 0…1 and their labels (N,), or None if it has none."""
    pixels, labels = read_columns(path)
    _check_range(path, pixels)
    return to_unit_range(pixels), labels


def _read_labelled(path: Path | str) -> Part:
    pixels, labels = read_columns(path)
    if labels is None:
        raise unexpected(
            path,
            f"a label and {PIXELS} pixels a line",
            f"{PIXELS} columns (no labels, as in Kaggle's test.csv)",
            "put a file with labels there",
        )
    _check_range(path, pixels)
    return pixels, labels


def _check_range(path: Path | str, pixels: Array) -> None:
    """Raise `DataError` if pixels that should reach 255 are all 0 or 1, which is nearly paper."""
    if pixels.max() == 1:
        remedy = "multiply the pixels by 255"
        raise unexpected(path, "pixels from 0 to 255", "none above 1", remedy)


def _as_dataset(part: Part) -> Dataset:
    pixels, labels = part
    return Dataset(to_unit_range(pixels), labels)


def to_unit_range(pixels: Array) -> Array:
    """Bytes 0…255 to float32 0…1, of the same shape."""
    return np.divide(pixels, np.float32(255), dtype=np.float32)


def checksum(*datasets: Dataset) -> str:
    """The SHA-256 of data sets as 64 hexadecimal digits.

    It depends on images, labels, their order and the sets' borders, not on files or machine.
    """
    digest = hashlib.sha256()
    for images, labels in datasets:
        digest.update(f"{images.shape} {labels.shape} ".encode())
        digest.update(np.ascontiguousarray(images, "<f4").data)
        digest.update(np.ascontiguousarray(labels, "<i8").data)
    return digest.hexdigest()


# --- Split and batches -------------------------------------------------------------------------


def split(labels: Array, validation_fraction: float, rng: Generator) -> tuple[Array, Array]:
    """Share out 0…N−1 at random: (training indices, validation indices), each ascending.

    Stratified: each class gives the same fraction, rounded so that the validation part has
    round(N × fraction) digits in all, but keeps at least one digit in training.
    Raises `ValueError` unless 0 ≤ fraction < 1.

    >>> training, validation = split(np.arange(100) % 10, 0.2, np.random.default_rng(0))
    >>> len(training), len(validation), np.bincount(validation % 10).tolist()
    (80, 20, [2, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    """
    if not 0 <= validation_fraction < 1:
        raise ValueError(f"expected a fraction from 0 to below 1, received {validation_fraction}")
    order = rng.permutation(len(labels))
    _, classes, counts = np.unique(labels[order], return_inverse=True, return_counts=True)
    # The method of largest remainders: round down, then those that lost most get one more.
    exact = counts * validation_fraction
    quota = np.floor(exact).astype(np.intp)
    short = round(len(labels) * validation_fraction) - int(quota.sum())
    quota[np.argsort(quota - exact, kind="stable")[:short]] += 1
    quota = np.minimum(quota, counts - 1)
    # Sorted stably, each class lies together in random order; its first `quota` are taken.
    grouped = np.argsort(classes, kind="stable")
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    chosen = rank < np.repeat(quota, counts)
    return np.sort(order[grouped[~chosen]]), np.sort(order[grouped[chosen]])


class DataLoader:
    """Batches of a data set, or of the part of it that `indices` name, without copying that part.

    `augment(images, rng)` gets each batch of images (n, 784), which it may overwrite, and returns
    the images to use. `renew(rng)` is called before each epoch and may write other images into the
    data set. `batch_size` and `augment` may be changed between two batches. `size` is the number of
    samples, `len(loader)` that of batches.

    >>> digits = Dataset(np.zeros((10, 784), np.float32), np.arange(10))
    >>> loader = DataLoader(digits, 4)
    >>> [images.shape for images, labels in loader.batches(np.random.default_rng(0))]
    [(4, 784), (4, 784), (2, 784)]
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        indices: Array | None = None,
        shuffle: bool = True,
        augment: Callable[[Array, Generator], Array] | None = None,
        renew: Callable[[Generator], None] | None = None,
    ) -> None:
        total = len(dataset.labels)
        if len(dataset.images) != total:
            raise ValueError(f"expected as many images as labels, received {len(dataset.images)}")
        if batch_size < 1:
            raise ValueError(f"expected a batch size of at least 1, received {batch_size}")
        if indices is not None:
            indices = np.asarray(indices, dtype=np.intp)
            # Checked once here, since np.take below clips instead of checking.
            if indices.ndim != 1 or (
                indices.size and not 0 <= indices.min() <= indices.max() < total
            ):
                raise ValueError(f"expected a list of indices from 0 to {total - 1}")
        self.dataset = dataset
        self.batch_size = batch_size
        self.indices = np.arange(total) if indices is None else indices
        self.size = len(self.indices)
        self._is_part = indices is not None
        self._shuffle = shuffle
        self.augment = augment
        self._renew = renew
        self._make_room()

    def __len__(self) -> int:
        return math.ceil(self.size / self.batch_size)

    def __repr__(self) -> str:
        return f"DataLoader({self.size} samples in {len(self)} batches of {self.batch_size})"

    def _make_room(self) -> None:
        rows = min(self.batch_size, self.size)
        self._images = np.empty((rows, *self.dataset.images.shape[1:]), self.dataset.images.dtype)
        self._labels = np.empty(rows, self.dataset.labels.dtype)

    def batches(self, rng: Generator | None = None) -> Iterator[tuple[Array, Array]]:
        """One epoch: every sample once as (images (n, 784), labels (n,)); the last may be short.

        The arrays are overwritten by the next batch, or are views of the data set: use them
        before going on, do not write on them, and do not run two epochs of one loader at once.
        `rng` is needed to shuffle, augment or renew. The order depends on it alone, not on the
        epochs before, so that a training that is resumed sees the same batches.
        """
        if rng is None and (self._shuffle or self.augment or self._renew):
            raise ValueError("a loader that shuffles, augments or renews needs a random generator")
        if rng is not None and self._renew is not None:
            self._renew(rng)
        order = self.indices
        if rng is not None and self._shuffle:
            order = rng.permutation(order)
        copied = self._shuffle or self._is_part or self.augment is not None
        start = end = 0
        while end < self.size:
            start, end = end, min(end + self.batch_size, self.size)
            chosen = order[start:end]
            if not copied:
                yield self.dataset.images[start:end], self.dataset.labels[start:end]
                continue
            if len(chosen) > len(self._images):
                self._make_room()
            images, labels = self._images[: len(chosen)], self._labels[: len(chosen)]
            # With mode="raise", np.take would gather into a second buffer first.
            np.take(self.dataset.images, chosen, axis=0, out=images, mode="clip")
            np.take(self.dataset.labels, chosen, axis=0, out=labels, mode="clip")
            if rng is not None and self.augment is not None:
                images = self.augment(images, rng)
            yield images, labels
