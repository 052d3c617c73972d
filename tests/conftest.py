import gzip
import os
import signal
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# The whole suite draws off screen; the real-window tests set the environment of their own process.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
# A shell's background job ignores Ctrl-C, one under nohup the end of its terminal as well, and so
# would every program that a test starts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
# The same examples everywhere, and as long as a busy machine needs for them.
settings.register_profile(
    "digitpad", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("digitpad")


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


def write_small_mnist(folder):
    """Four files as MNIST's: 600 images to learn from and 100 to test with."""
    for part, count, seed in (("train", 600, 1), ("t10k", 100, 2)):
        images, labels = made_up_digits(count, seed)
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels)


@pytest.fixture(scope="session")
def small_mnist(tmp_path_factory):
    """A folder laid out as MNIST: 600 images to learn from and 100 to test with."""
    folder = tmp_path_factory.mktemp("small-mnist")
    write_small_mnist(folder)
    return folder


@pytest.fixture(scope="session")
def data_folder():
    """Where DIGITPAD_DATA says the real digits are; the accuracy checks need them."""
    data = os.environ.get("DIGITPAD_DATA")
    if not data:
        pytest.skip("DIGITPAD_DATA does not name a folder with mnist/ and strokes-dev.jsonl.gz")
    return Path(data)


@pytest.fixture(scope="session")
def mnist_folder(data_folder):
    return data_folder / "mnist"


def pytest_collection_modifyitems(items):
    for item in items:
        if "data_folder" in item.fixturenames:
            item.add_marker("data")


@pytest.fixture
def mount(tmp_path):
    """Mount a small file system where that is allowed; yields a function of the options.

    Called once more, it mounts the same one anew, with "remount,ro" for instance.
    """
    point = tmp_path / "mounted"
    point.mkdir()

    def do(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(point)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("mounting a file system is not allowed here")
        return point

    yield do
    if point.is_mount():
        subprocess.run(["umount", str(point)], check=True)
