"""MNIST as arrays: readers for its file formats, a stratified split, and batches.

Whatever is wrong with a file is reported as a `DataError` of one line that names the file, says
what was expected and what was received. No reader takes a header's word for how much memory to
allocate, and none unpacks more than `MAX_UNPACKED` bytes of a compressed file.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import math
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nn.errors import DataError
from nn.files import user_folder

SIDE = 28
PIXELS = SIDE * SIDE
CLASSES = 10
COLUMNS = 1 + PIXELS  # of a CSV file: the label, then the pixels row by row

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
# Where the files may lie below the folder that is named; the last is torchvision's habit.
PLACES = (".", "mnist", "MNIST/raw")
KAGGLE_TEST_SHARE = 7  # one row in so many: 6,000 of Kaggle's 42,000, the proportion of MNIST

MAX_UNPACKED = 1 << 30  # bytes; MNIST's largest file has 47 MB, or 110 MB as CSV
MAX_DIMENSIONS = 3
MAX_LINE = 1 << 16  # bytes; 785 numbers of at most three digits need a tenth of it
CHUNK_BYTES = 1 << 20
CHUNK_ROWS = 1000
IDX_UINT8 = 0x08
GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


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
                raise _unexpected(Path(folder), "images with a label each", _times(images.shape))
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
            "a test set can be held out; use the whole file"
        )
    cut = len(labels) - held_out
    return Dataset(images[:cut], labels[:cut]), Dataset(images[cut:], labels[cut:])


def load_idx_pair(images_path: Path, labels_path: Path) -> Dataset:
    """The data set of an IDX file of images (N, 28, 28) and one of labels (N,), N at least 1."""
    images = read_idx(images_path)
    labels = read_idx(labels_path)
    if images.shape[1:] != (SIDE, SIDE) or len(images) == 0:
        raise _unexpected(images_path, f"N × {SIDE} × {SIDE} pixels", _times(images.shape))
    if labels.shape != images.shape[:1]:
        expected = f"{len(images)} labels, one for each image of {images_path.name}"
        raise _unexpected(labels_path, expected, _times(labels.shape))
    if labels.max() >= CLASSES:
        first = int(np.argmax(labels >= CLASSES))
        raise _unexpected(labels_path, "labels from 0 to 9", f"{labels[first]} as label {first}")
    return Dataset(_to_unit_range([images.reshape(-1, PIXELS)]), labels.astype(np.int64))


def _times(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))


def _to_unit_range(chunks: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Bytes 0…255 in chunks (n, 784) to one float32 array (N, 784) of 0…1, the only large copy."""
    images = np.empty((sum(map(len, chunks)), PIXELS), np.float32)
    start = 0
    for chunk in chunks:
        stop = start + len(chunk)
        np.divide(chunk, np.float32(255), out=images[start:stop], dtype=np.float32)
        start = stop
    return images


# --- Reading files -----------------------------------------------------------------------------


def _unexpected(path: Path, expected: str, received: str) -> DataError:
    return DataError(f"{path}: expected {expected}, received {received}; get the file again")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[io.BufferedIOBase]:
    """Open a file, unpacking it if its first bytes say gzip; its troubles become `DataError`."""
    if "\0" in str(path):
        raise DataError(f"{path} is not a name that a file can have; check it")
    try:
        with path.open("rb") as file:
            if file.peek(2)[:2] == GZIP_MAGIC:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield unpacked
            else:
                yield file
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; check the name") from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder; expected a file") from error
    except EOFError as error:
        raise _unexpected(path, "a whole gzip file", "one that ends too early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _unexpected(path, "an undamaged gzip file", str(error)) from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check the file") from error


def read_idx(path: Path | str) -> NDArray[np.uint8]:
    """The array of an IDX file of bytes, plain or gzipped (its content tells, not its name).

    The format (http://yann.lecun.com/exdb/mnist): two zero bytes, the type (8 = unsigned byte),
    the number of dimensions (here 1 to 3), each dimension as a big-endian 32-bit number, then the
    values, last dimension fastest. Raises `DataError` unless the file is exactly that.
    """
    path = Path(path)
    with _opened(path) as file:
        shape = _read_idx_shape(path, file)
        size = math.prod(shape)
        # Grown with what really comes, so that a false header costs nothing. One byte more than
        # announced is asked for: it must not be there, and gzip checks its sum at the end.
        body = bytearray()
        while len(body) <= size:
            chunk = file.read(min(CHUNK_BYTES, size + 1 - len(body)))
            if not chunk:
                break
            body += chunk
    if len(body) != size:
        received = "more" if len(body) > size else f"only {len(body)}"
        raise _unexpected(path, f"{size} bytes after the header ({_times(shape)})", received)
    return np.frombuffer(body, np.uint8).reshape(shape)


def _read_idx_shape(path: Path, file: io.BufferedIOBase) -> tuple[int, ...]:
    magic = file.read(4)
    if not magic:
        raise _unexpected(path, "an IDX file", "an empty file")
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise _unexpected(path, "an IDX file, which begins with two zero bytes", f"{magic!r}")
    kind, dimensions = magic[2], magic[3]
    if kind != IDX_UINT8:
        raise _unexpected(path, "IDX values of type 8 (unsigned byte)", f"type {kind}")
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise _unexpected(path, f"1 to {MAX_DIMENSIONS} IDX dimensions", f"{dimensions}")
    header = file.read(4 * dimensions)
    if len(header) < 4 * dimensions:
        raise _unexpected(path, f"an IDX header of {4 + 4 * dimensions} bytes", "a part of it")
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4"))
    # A zero must not hide the others: NumPy refuses absurd shapes even when they are empty.
    if math.prod(max(size, 1) for size in shape) > MAX_UNPACKED:
        raise _unexpected(path, f"at most {MAX_UNPACKED} values", f"a header of {_times(shape)}")
    return shape


def read_csv(path: Path | str) -> Dataset:
    """The data set of a CSV file, plain or gzipped: a digit a line, the label, then 784 pixels.

    Labels are whole numbers from 0 to 9, pixels from 0 to 255. A first line that begins with
    `label` is a heading (Kaggle has one, pjreddie.com has none). Blank lines, a byte-order mark
    and Windows line ends do no harm. Raises `DataError` with the line's number otherwise.
    """
    path = Path(path)
    tables = []
    with _opened(path) as file:
        for lines in _line_chunks(path, file):
            tables.append(_parse_lines(path, lines, COLUMNS))
    if not tables:
        raise _unexpected(path, "a label and 784 pixels a line", "no such line")
    labels = np.concatenate([table[:, 0] for table in tables]).astype(np.int64)
    return Dataset(_to_unit_range([table[:, 1:] for table in tables]), labels)


def read_csv_images(
    path: Path | str,
) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
    """The images (N, 784) in 0…1 of a CSV file, and their labels (N,), or None if it has none.

    As `read_csv`, but the label may be missing, as in Kaggle's `test.csv`; the first line that is
    not a heading decides whether all lines begin with one.
    """
    path = Path(path)
    tables: list[NDArray[np.uint8]] = []
    columns = COLUMNS
    with _opened(path) as file:
        for lines in _line_chunks(path, file, ("label", "pixel")):
            if not tables and next(iter(lines.values())).count(",") == PIXELS - 1:
                columns = PIXELS
            tables.append(_parse_lines(path, lines, columns))
    if not tables:
        raise _unexpected(path, "784 pixels a line, with or without a label", "no such line")
    images = _to_unit_range([table[:, -PIXELS:] for table in tables])
    if columns == PIXELS:
        return images, None
    return images, np.concatenate([table[:, 0] for table in tables]).astype(np.int64)


def _line_chunks(
    path: Path, file: io.BufferedIOBase, headings: tuple[str, ...] = ("label",)
) -> Iterator[dict[int, str]]:
    """Up to `CHUNK_ROWS` lines at a time by their number from 1, without heading and blanks.

    A first line that begins with one of the `headings` is one.
    """
    lines: dict[int, str] = {}
    number = total = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        total += len(line)
        if len(line) > MAX_LINE:
            raise _unexpected(path, f"lines of at most {MAX_LINE} bytes", f"more in line {number}")
        if total > MAX_UNPACKED:
            raise _unexpected(path, f"at most {MAX_UNPACKED} bytes of text", "more")
        if number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)
        # What is not ASCII is no number either, and is reported as such.
        text = line.decode("ascii", "replace").strip()
        heading = number == 1 and text.strip("\"' ").lower().startswith(headings)
        if text and not heading:
            lines[number] = text
        if len(lines) == CHUNK_ROWS:
            yield lines
            lines = {}
    if lines:
        yield lines


def _parse_lines(path: Path, lines: dict[int, str], columns: int) -> NDArray[np.uint8]:
    """The numbers of some lines, (n, columns): all at once if they are plain, else one by one.

    785 columns are the label and the pixels, 784 the pixels alone.
    """
    try:
        # Whole numbers are read ten times faster than fractions. A warning means that NumPy met
        # something like 5.0, which the patient way reads as well.
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            table = np.loadtxt(
                list(lines.values()), delimiter=",", dtype=np.uint8, comments=None, ndmin=2
            )
        if table.shape == (len(lines), columns) and (
            columns == PIXELS or table[:, 0].max() < CLASSES
        ):
            return table
    except (ValueError, Warning):
        pass
    return np.array([_parse_line(path, columns, *line) for line in lines.items()], np.uint8)


def _parse_line(path: Path, columns: int, number: int, text: str) -> list[int]:
    """The numbers of one line; a `DataError` names the line and column of the first mistake."""
    fields = text.split(",")
    if len(fields) != columns:
        hint = " (no labels, as in Kaggle's test.csv)" if len(fields) == PIXELS else ""
        label = "the label and " if columns == COLUMNS else ""
        expected = f"{columns} columns in line {number}, {label}{PIXELS} pixels"
        raise _unexpected(path, expected, f"{len(fields)}{hint}")
    values = []
    for column, field in enumerate(fields, start=1):
        is_label = columns == COLUMNS and column == 1
        what, highest = ("label", CLASSES - 1) if is_label else ("pixel", 255)
        try:
            value = float(field)
        except ValueError:
            value = math.nan
        if not (0 <= value <= highest and value.is_integer()):
            expected = f"a {what} from 0 to {highest} in line {number}, column {column}"
            raise _unexpected(path, expected, repr(field[:20]))
        values.append(int(value))
    return values


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
