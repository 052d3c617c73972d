"""Data files for the tests of what reads them, and what a reader says of a bad one."""

from __future__ import annotations

import contextlib
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from nn.data.dataset import Dataset
from nn.support.errors import DataError

# Each example overwrites the same file, so that one temporary folder is enough for all of them.
files = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def write_idx(path: Path, array: np.ndarray) -> None:
    """An IDX file of unsigned bytes, gzipped if the name says so."""
    body = idx(array)
    path.write_bytes(gzip.compress(body, mtime=0) if path.suffix == ".gz" else body)


def made_up_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten easily told classes of noisy 28×28 images: class k has its own two bright rows."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = rng.integers(0, 120, (count, 28, 28))
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 4 : 2 * label + 6] += 120
    return images.astype(np.uint8), labels.astype(np.uint8)


def made_up_dataset(count: int, seed: int = 1) -> Dataset:
    """`made_up_digits`, as a network takes them."""
    images, labels = made_up_digits(count, seed)
    return Dataset(images.reshape(-1, 784).astype(np.float32) / 255, labels.astype(np.int64))


def write_small_mnist(folder: Path) -> None:
    """Four files as MNIST's: 600 images to learn from and 100 to test with."""
    for part, count, seed in (("train", 600, 1), ("t10k", 100, 2)):
        images, labels = made_up_digits(count, seed)
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels)


def digits(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 28, 28), np.uint8), rng.integers(0, 10, count, np.uint8)


HEADING = "label," + ",".join(f"pixel{i}" for i in range(784)) + "\n"


def csv(images: np.ndarray, labels: np.ndarray, heading: bool = False, end: str = "\n") -> str:
    lines = [HEADING.strip()] if heading else []
    for label, image in zip(labels, images, strict=True):
        lines.append(",".join(map(str, [label, *image.reshape(-1)])))
    return end.join(lines) + end


def write(path: Path, content: bytes | str) -> Path:
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(data)
    return path


def message(read, path: Path) -> str:
    """The one line that `read(path)` fails with; it begins with the file or names it."""
    with pytest.raises(DataError) as caught:
        read(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    assert len(text) < 400 + 2 * len(str(path))
    return text


def survives(read, path: Path) -> None:
    with contextlib.suppress(DataError):
        read(path)


def line(*start: object) -> str:
    return ",".join(map(str, [*start, *[0] * (785 - len(start))])) + "\n"
