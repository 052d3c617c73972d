import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

# The whole suite draws off screen; the real-window tests set the environment of their own process.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")


def write_idx(path, array):
    """An IDX file of unsigned bytes, gzipped if the name says so."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    body = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(body, mtime=0) if path.suffix == ".gz" else body)


def made_up_digits(count, seed):
    """Ten easily told classes of noisy 28×28 images: class k has its own two bright rows."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = rng.integers(0, 120, (count, 28, 28))
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 4 : 2 * label + 6] += 120
    return images.astype(np.uint8), labels.astype(np.uint8)


@pytest.fixture(scope="session")
def small_mnist(tmp_path_factory):
    """A folder laid out as MNIST: 600 images to learn from and 100 to test with."""
    folder = tmp_path_factory.mktemp("small-mnist")
    for part, count, seed in (("train", 600, 1), ("t10k", 100, 2)):
        images, labels = made_up_digits(count, seed)
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels)
    return folder


@pytest.fixture(scope="session")
def mnist_folder():
    """The real MNIST, where DIGITPAD_DATA says it is; the accuracy checks need it."""
    data = os.environ.get("DIGITPAD_DATA")
    if not data:
        pytest.skip("DIGITPAD_DATA does not name a folder with mnist/ in it")
    return Path(data) / "mnist"
