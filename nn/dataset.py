"""MNIST as arrays: finding and reading its files, a stratified split, and batches.

Whatever is wrong with a file is reported as a `DataError` of one line that names the file, says
what was expected, what was received, and what to do.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nn.csv_format import CLASSES, PIXELS, read_columns
from nn.errors import DataError, unexpected
from nn.files import user_folder
from nn.idx import read_idx, times

SIDE = 28

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
# Where the files may lie below the folder that is named; the last is torchvision's habit.
PLACES = (".", "mnist", "MNIST/raw")
KAGGLE_TEST_SHARE = 7  # one row in so many: 6,000 of Kaggle's 42,000, the proportion of MNIST


class Dataset(NamedTuple):
    """Digits and what they are."""

    images: NDArray[np.float32]
    """(N, 784), 0 = paper, 1 = ink, row by row from the top left."""
    labels: NDArray[np.int64]
    """(N,), 0 to 9."""


# --- Finding the files -------------------------------------------------------------------------


def load_mnist(data_dir: Path | None = None) -> tuple[Dataset, Dataset]:
    """MNIST's training set and test set, from `data_dir` or, with None, from the user's cache.

    The cache is filled from the internet the first time, and its files are checked against their
    known SHA-256 every time. Files in a `data_dir` are the user's own and may hold other digits.
    Raises `DataError` if the files cannot be found, fetched or understood.
    """
    if data_dir is None:
        # Imported here so that whoever has the files needs no network library.
        from nn.download import download_mnist

        data_dir = download_mnist()
    return load_folder(data_dir)


def load_folder(folder: Path | str) -> tuple[Dataset, Dataset]:
    """The training set and the test set found in a folder; each file plain or with `.gz`.

    In order of preference: the four IDX files (also spelled `train-images.idx3-ubyte`),
    `mnist_train.csv` with `mnist_test.csv`, or Kaggle's `train.csv`. The `test.csv` that Kaggle
    offers has no labels to measure against, so the last seventh of its `train.csv`, which is in
    random order already, is held out as the test set: always the same rows, whatever the seed.
    Subfolders named `mnist` and `MNIST/raw` are looked into as well.
    Raises `DataError` if files are missing, damaged or do not belong together.
    """
    folder = Path(folder)
    partial = ""
    for place in PLACES:
        names = _file_names(folder / place)
        for group in (IDX_FILES, ("mnist_train.csv", "mnist_test.csv"), ("train.csv",)):
            found = {name: _spelling(name, names) for name in group}
            paths = [folder / place / spelling for spelling in found.values() if spelling]
            if len(paths) == len(group):
                return _load_group(paths)
            if paths and not partial:
                missing = ", ".join(name for name, spelling in found.items() if not spelling)
                partial = f"{folder / place} holds {paths[0].name} but not {missing}"
    remedy = "or leave out --data-dir to have MNIST downloaded"
    if partial:
        raise DataError(f"{partial}; put what is missing beside it (plain or .gz), {remedy}")
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; name one that holds MNIST's files, {remedy}")
    raise DataError(
        f"{folder} holds no MNIST files; expected {', '.join(IDX_FILES)} (plain or .gz), or "
        f"mnist_train.csv and mnist_test.csv, or Kaggle's train.csv; put them there, {remedy}"
    )


def mnist_cache() -> Path:
    """The folder in the user's cache that MNIST is downloaded into; it need not exist yet."""
    return user_folder("cache") / "mnist"


def cached_mnist() -> Path | None:
    """The folder in the user's cache where MNIST is, or None if it was never downloaded."""
    folder = mnist_cache()
    return folder if folder.is_dir() else None


def load_idx_bytes(
    folder: Path | str, part: Literal["train", "test"]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """One part of MNIST as bytes (N, 28, 28) and labels (N,), for who needs a few of them.

    Only IDX files are looked for, as `nn.train` downloads them. Raises `DataError`.
    """
    wanted = IDX_FILES[:2] if part == "train" else IDX_FILES[2:]
    for place in PLACES:
        names = _file_names(Path(folder) / place)
        found = [_spelling(name, names) for name in wanted]
        if all(found):
            images, labels = (read_idx(Path(folder) / place / str(name)) for name in found)
            if images.shape[1:] != (SIDE, SIDE) or labels.shape != images.shape[:1]:
                raise unexpected(
                    folder,
                    "images with a label each",
                    times(images.shape),
                    "put files of one set there",
                )
            return images, labels.astype(np.int64)
    raise DataError(
        f"{folder} holds no MNIST {part} files; expected {' and '.join(wanted)} (plain or .gz)"
    )


def _file_names(folder: Path) -> set[str]:
    """The names of the plain files in a folder; none if there is no such folder."""
    try:
        return {entry.name for entry in folder.iterdir() if entry.is_file()}
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise DataError(f"cannot look into {folder}: {error.strerror}; check it") from error


def _spelling(name: str, names: set[str]) -> str | None:
    """How `name` is spelled among `names`: with a dot before `idx` or not, with `.gz` or not."""
    for base in (name, name.replace("-idx", ".idx")):
        # Packed first: that is what the download stores and checks.
        for candidate in (f"{base}.gz", base):
            if candidate in names:
                return candidate
    return None


def _load_group(paths: Sequence[Path]) -> tuple[Dataset, Dataset]:
    if len(paths) == len(IDX_FILES):
        return load_idx_pair(paths[0], paths[1]), load_idx_pair(paths[2], paths[3])
    if len(paths) == 2:
        return read_csv(paths[0]), read_csv(paths[1])
    images, labels = read_csv(paths[0])
    held_out = len(labels) // KAGGLE_TEST_SHARE
    if held_out == 0:
        raise DataError(
            f"{paths[0]} has {len(labels)} rows; expected at least {KAGGLE_TEST_SHARE}, so that "
            "a test set can be held out; add more"
        )
    cut = len(labels) - held_out
    return Dataset(images[:cut], labels[:cut]), Dataset(images[cut:], labels[cut:])


def load_idx_pair(images_path: Path, labels_path: Path) -> Dataset:
    """The data set of an IDX file of images (N, 28, 28) and one of labels (N,), N at least 1."""
    images = read_idx(images_path)
    labels = read_idx(labels_path)
    if images.shape[1:] != (SIDE, SIDE) or len(images) == 0:
        expected = f"N × {SIDE} × {SIDE} pixels"
        raise unexpected(images_path, expected, times(images.shape), "scale images to that size")
    if labels.shape != images.shape[:1]:
        expected = f"{len(images)} labels, one for each image of {images_path.name}"
        raise unexpected(labels_path, expected, times(labels.shape), "put files of one set there")
    if labels.max() >= CLASSES:
        first = int(np.argmax(labels >= CLASSES))
        received = f"{labels[first]} as label {first}"
        raise unexpected(labels_path, "labels from 0 to 9", received, "leave out what is no digit")
    check_range(images_path, images)
    return Dataset(_to_unit_range(images), labels.astype(np.int64))


# --- CSV files ---------------------------------------------------------------------------------


def read_csv(path: Path | str) -> Dataset:
    """The data set of a CSV file, plain or packed: a digit a line, a label and 784 pixels.

    See `nn.csv_format` for what is understood. Raises `DataError` otherwise.
    """
    images, labels = read_csv_images(path)
    if labels is None:
        raise unexpected(
            path,
            f"a label and {PIXELS} pixels a line",
            f"{PIXELS} columns (no labels, as in Kaggle's test.csv)",
            "put a file with labels there",
        )
    return Dataset(images, labels)


def read_csv_images(
    path: Path | str,
) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
    """As `read_csv`, the images (N, 784) in 0…1 and their labels (N,), or None if it has none."""
    pixels, labels = read_columns(path)
    check_range(path, pixels)
    return _to_unit_range(pixels), labels


def check_range(path: Path | str, pixels: NDArray[np.uint8]) -> None:
    """Raise `DataError` if pixels that should reach 255 are all 0 or 1, which is nearly paper."""
    if pixels.max() == 1:
        remedy = "multiply the pixels by 255"
        raise unexpected(path, "pixels from 0 to 255", "none above 1", remedy)


def _to_unit_range(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bytes 0…255 (N, …) to float32 (N, 784) in 0…1."""
    images: NDArray[np.float32] = np.divide(
        pixels.reshape(len(pixels), PIXELS), np.float32(255), dtype=np.float32
    )
    return images


def checksum(*datasets: Dataset) -> str:
    """The SHA-256 of data sets as 64 hexadecimal digits, for the record of a training.

    It depends on the images, the labels and their order, and on where one set ends and the next
    begins; not on the files they came from, nor on the machine's byte order.
    """
    digest = hashlib.sha256()
    for images, labels in datasets:
        digest.update(f"{images.shape} {labels.shape} ".encode())
        digest.update(np.ascontiguousarray(images, "<f4").data)
        digest.update(np.ascontiguousarray(labels, "<i8").data)
    return digest.hexdigest()


# --- Split and batches -------------------------------------------------------------------------


def split(
    labels: NDArray[np.integer], validation_fraction: float, rng: Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Share out 0…N−1 at random: (training indices, validation indices), each ascending.

    Stratified: each class gives the same fraction, rounded so that the validation part has
    round(N × fraction) digits in all. At least one digit of a class stays in training, so that
    from one image, or with the fraction 0, the validation part is empty.
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
    data set. Attributes: `size`, the number of samples; `len(loader)`, of batches.

    >>> digits = Dataset(np.zeros((10, 784), np.float32), np.arange(10))
    >>> loader = DataLoader(digits, 4)
    >>> [images.shape for images, labels in loader.batches(np.random.default_rng(0))]
    [(4, 784), (4, 784), (2, 784)]
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        indices: NDArray[np.integer] | None = None,
        shuffle: bool = True,
        augment: Callable[[NDArray[np.float32], Generator], NDArray[np.float32]] | None = None,
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
        self.size = total if indices is None else len(indices)
        self._indices = indices
        self._shuffle = shuffle
        self._augment = augment
        self._renew = renew
        rows = min(batch_size, self.size)
        self._images = np.empty((rows, *dataset.images.shape[1:]), dataset.images.dtype)
        self._labels = np.empty(rows, dataset.labels.dtype)

    def __len__(self) -> int:
        return math.ceil(self.size / self.batch_size)

    def __repr__(self) -> str:
        return f"DataLoader({self.size} samples in {len(self)} batches of {self.batch_size})"

    def batches(
        self, rng: Generator | None = None
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """One epoch: every sample once as (images (n, 784), labels (n,)); the last may be short.

        The arrays are written anew for the next batch, or are views of the data set: use them
        before going on, do not write on them, and do not run two epochs of one loader at once.
        `rng` is needed to shuffle, augment or renew. The order depends on it alone, not on the
        epochs before, so that a training that is resumed sees the same batches.
        """
        if rng is None and (self._shuffle or self._augment or self._renew):
            raise ValueError("a loader that shuffles, augments or renews needs a random generator")
        if rng is not None and self._renew is not None:
            self._renew(rng)
        order = np.arange(self.size) if self._indices is None else self._indices
        if rng is not None and self._shuffle:
            order = rng.permutation(order)
        copied = self._shuffle or self._indices is not None or self._augment is not None
        for start in range(0, self.size, self.batch_size):
            chosen = order[start : start + self.batch_size]
            if not copied:
                rows = slice(start, start + len(chosen))
                yield self.dataset.images[rows], self.dataset.labels[rows]
                continue
            images, labels = self._images[: len(chosen)], self._labels[: len(chosen)]
            # With mode="raise", np.take would gather into a second buffer first.
            np.take(self.dataset.images, chosen, axis=0, out=images, mode="clip")
            np.take(self.dataset.labels, chosen, axis=0, out=labels, mode="clip")
            if rng is not None and self._augment is not None:
                images = self._augment(images, rng)
            yield images, labels
