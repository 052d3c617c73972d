from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn.data import dataset
from nn.data.dataset import DataLoader, Dataset, checksum, load_folder, split
from nn.support.errors import DataError
from tests.helpers.data_files import csv, digits, idx, line, message, write
from tests.helpers.paths import ROOT

# --- Folders -----------------------------------------------------------------------------------


def fill(folder: Path, spelling: str = "{}", packed: bool = False) -> None:
    """The four IDX files: 20 digits to train with, 10 to test with."""
    folder.mkdir(parents=True, exist_ok=True)
    train, test = digits(20, seed=1), digits(10, seed=2)
    for name, array in zip(dataset.IDX_FILES, [*train, *test], strict=True):
        content = gzip.compress(idx(array)) if packed else idx(array)
        write(folder / (spelling.format(name) if spelling != "dotted" else dotted(name)), content)


def dotted(name: str) -> str:
    return name.replace("-idx", ".idx")


def is_as_filled(result: tuple[Dataset, Dataset]) -> bool:
    parts = zip(result, [digits(20, seed=1), digits(10, seed=2)], strict=True)
    return all(
        np.array_equal(part.images * 255, images.reshape(-1, 784))
        and np.array_equal(part.labels, labels)
        for part, (images, labels) in parts
    )


@pytest.mark.parametrize(
    ("spelling", "packed"), [("{}", False), ("{}.gz", True), ("{}.gz", False), ("dotted", True)]
)
@pytest.mark.parametrize("place", [".", "mnist", "MNIST/raw"])
def test_idx_folders(tmp_path, spelling, packed, place):
    fill(tmp_path / place, spelling, packed)
    assert is_as_filled(load_folder(tmp_path))
    assert is_as_filled(dataset.load_mnist(tmp_path))


@pytest.mark.parametrize("end", ["", ".gz"])
def test_csv_folders(tmp_path, end):
    pack = gzip.compress if end else bytes
    for name, part in [("train", digits(20, seed=1)), ("test", digits(10, seed=2))]:
        write(tmp_path / f"mnist_{name}.csv{end}", pack(csv(*part).encode()))
    assert is_as_filled(load_folder(tmp_path))


def test_of_kaggles_training_file_the_last_seventh_is_held_out(tmp_path):
    images, labels = digits(30)
    write(tmp_path / "train.csv", csv(images, labels, heading=True))
    write(tmp_path / "test.csv", "pixel0,pixel1\n0,0\n")  # of no use without labels
    train, test = load_folder(tmp_path)
    assert (len(train.labels), len(test.labels)) == (26, 4)
    np.testing.assert_array_equal(np.concatenate([train.labels, test.labels]), labels)
    np.testing.assert_array_equal(test.images * 255, images[26:].reshape(-1, 784))
    write(tmp_path / "train.csv", line(5))
    with pytest.raises(DataError, match="has 1 rows; expected at least 7, so that a test set"):
        load_folder(tmp_path)


def test_folders_without_the_files(tmp_path):
    text = message(load_folder, tmp_path)
    assert "holds no MNIST files; expected train-images-idx3-ubyte, train-labels" in text
    assert text.endswith("put them there, or leave out --data-dir to have MNIST downloaded")
    assert "is not a folder; name one" in message(load_folder, tmp_path / "none")
    assert "is not a folder" in message(load_folder, write(tmp_path / "file", b""))
    assert "cannot look into" in message(load_folder, tmp_path / ("long" * 100))


def test_folders_with_a_part_of_the_files(tmp_path):
    write(tmp_path / "mnist_test.csv", b"")
    assert "holds mnist_test.csv but not mnist_train.csv; put" in message(load_folder, tmp_path)
    fill(tmp_path)
    for name in dataset.IDX_FILES[2:]:
        (tmp_path / name).unlink()
    text = message(load_folder, tmp_path)
    missing = "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte"
    assert f"holds train-images-idx3-ubyte but not {missing}; put what is missing" in text


@pytest.mark.parametrize(
    ("place", "content", "text"),
    [
        (0, np.zeros((20, 28, 27)), "expected N × 28 × 28 pixels, received 20 × 28 × 27"),
        (0, np.zeros((0, 28, 28)), "expected N × 28 × 28 pixels, received 0 × 28 × 28"),
        (0, np.zeros(20), "expected N × 28 × 28 pixels, received 20"),
        (0, np.ones((20, 28, 28)), "from 0 to 255, received none above 1; multiply the pixels by"),
        (1, np.zeros(19), "expected 20 labels, one for each image of train-images-idx3-ubyte,"),
        (1, np.zeros((20, 1)), "received 20 × 1"),
        (1, np.arange(20), "expected labels from 0 to 9, received 10 as label 10"),
    ],
)
def test_idx_files_that_are_not_mnist(tmp_path, place, content, text):
    fill(tmp_path)
    path = write(tmp_path / dataset.IDX_FILES[place], idx(content))
    with pytest.raises(DataError) as caught:
        load_folder(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert text in str(caught.value)


def test_without_a_folder_the_download_is_used(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "user_folder", lambda kind: tmp_path / kind / "digitpad")
    cache = tmp_path / "cache" / "digitpad" / "mnist"

    def download(folder):
        assert folder == cache
        fill(folder)
        return folder

    monkeypatch.setattr("nn.data.download.download_mnist", download)
    assert is_as_filled(dataset.load_mnist(None))


def test_no_network_library_is_imported_without_need():
    program = "import sys, nn.data.dataset; sys.exit('requests' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_the_checksum_depends_on_the_digits_alone(tmp_path):
    fill(tmp_path / "plain")
    fill(tmp_path / "packed", "{}.gz", packed=True)
    train, test = load_folder(tmp_path / "plain")
    whole = checksum(train, test)
    assert whole == checksum(*load_folder(tmp_path / "packed"))
    assert len(bytes.fromhex(whole)) == 32
    other = Dataset(train.images, train.labels[::-1])
    assert len({whole, checksum(train), checksum(test, train), checksum(other, test)}) == 4


# --- Split -------------------------------------------------------------------------------------


@given(
    labels=st.lists(st.integers(0, 9), max_size=200),
    fraction=st.floats(0, 1, exclude_max=True),
    seed=st.integers(0, 2**32),
)
def test_a_split_is_disjoint_complete_and_stratified(labels, fraction, seed):
    labels = np.array(labels, np.int64)
    train, validation = split(labels, fraction, np.random.default_rng(seed))
    np.testing.assert_array_equal(np.sort(np.concatenate([train, validation])), range(len(labels)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(validation) > 0).all()
    counts = np.bincount(labels, minlength=10)
    taken = np.bincount(labels[validation], minlength=10)
    assert (np.abs(taken - counts * fraction) < 1 + 1e-9).all()
    assert set(labels[train]) == set(labels)
    if (counts * (1 - fraction) >= 1).all():  # else a class keeps its last digit for training
        assert len(validation) == round(len(labels) * fraction)


def test_a_split_is_random_and_repeatable():
    labels = np.arange(1000) % 10
    first, again, other = (split(labels, 0.2, np.random.default_rng(s))[1] for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert len(np.intersect1d(first, other)) < 100
    # Each digit is as likely as any other: 400 draws of a fifth, 80 ± 8 times each.
    rng = np.random.default_rng(3)
    times = sum(np.bincount(split(labels, 0.2, rng)[1], minlength=1000) for _ in range(400))
    assert 40 < times.min() <= times.max() < 120


@pytest.mark.parametrize(
    ("labels", "fraction", "sizes"),
    [
        ([], 0.5, (0, 0)),
        ([7], 0.9, (1, 0)),
        ([7, 7, 7, 7], 0.5, (2, 2)),
        ([1, 2, 3, 4], 0.5, (4, 0)),
        ([1] * 10, 0.0, (10, 0)),
        ([1] * 10 + [2] * 10, 0.15, (17, 3)),
    ],
)
def test_splits_of_little(labels, fraction, sizes):
    result = split(np.array(labels, np.int64), fraction, np.random.default_rng(0))
    assert tuple(map(len, result)) == sizes


@pytest.mark.parametrize("fraction", [-0.1, 1, float("nan")])
def test_fractions_that_make_no_sense(fraction):
    with pytest.raises(ValueError, match="expected a fraction from 0 to below 1"):
        split(np.zeros(3, np.int64), fraction, np.random.default_rng(0))


# --- Batches -----------------------------------------------------------------------------------


def numbered(count: int) -> Dataset:
    """Digits whose pixels and label are their number, to see where they go."""
    labels = np.arange(count)
    return Dataset(np.repeat(labels[:, None], 784, axis=1).astype(np.float32), labels)


def seen(loader: DataLoader, rng: np.random.Generator | None = None) -> Iterator[list[int]]:
    for images, labels in loader.batches(rng):
        assert images.dtype == np.float32
        assert images.shape == (len(labels), 784)
        np.testing.assert_array_equal(images, np.repeat(labels[:, None], 784, axis=1))
        yield labels.tolist()


@settings(max_examples=50, deadline=None)
@given(
    count=st.integers(0, 20),
    batch_size=st.integers(1, 25),
    shuffle=st.booleans(),
    part=st.none() | st.floats(0, 1),
)
def test_an_epoch_brings_each_sample_once(count, batch_size, shuffle, part):
    indices = None if part is None else np.arange(round(count * part))[::-1]
    loader = DataLoader(numbered(count), batch_size, indices, shuffle)
    batches = list(seen(loader, np.random.default_rng(0)))
    wanted = list(range(count)) if indices is None else indices.tolist()
    assert len(loader) == len(batches)
    assert loader.size == len(wanted)
    assert all(len(batch) == batch_size for batch in batches[:-1])
    result = [label for batch in batches for label in batch]
    assert (sorted(result) == sorted(wanted)) if shuffle else (result == wanted)


@pytest.mark.parametrize("shuffle", [False, True])
def test_the_size_of_a_batch_may_change_between_two(shuffle):
    loader = DataLoader(numbered(20), 3, shuffle=shuffle)
    batches = []
    for batch in seen(loader, np.random.default_rng(0)):
        batches.append(batch)
        loader.batch_size = (3, 1, 8)[min(2, len(batches) // 2)]
    assert [len(batch) for batch in batches] == [3, 3, 1, 1, 8, 4]
    assert sorted(label for batch in batches for label in batch) == list(range(20))
    assert len(loader) == 3


def test_the_order_depends_on_the_generator_alone():
    loader = DataLoader(numbered(50), 8)
    rng = np.random.default_rng(0)
    first, second = list(seen(loader, rng)), list(seen(loader, rng))
    assert first != second
    assert list(seen(loader, np.random.default_rng(0))) == first
    assert list(seen(DataLoader(numbered(50), 8), np.random.default_rng(0))) == first


def test_batches_share_their_memory():
    data = numbered(10)
    shuffled = DataLoader(data, 4)
    first, *_, last = [images for images, _ in shuffled.batches(np.random.default_rng(0))]
    assert np.shares_memory(first, last)
    assert not np.shares_memory(first, data.images)
    for images, labels in DataLoader(data, 4, shuffle=False).batches():
        assert np.shares_memory(images, data.images)
        assert np.shares_memory(labels, data.labels)


@pytest.mark.parametrize("shuffle", [False, True])
def test_augmentation_changes_the_batch_and_not_the_data(shuffle):
    def augment(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        images += rng.integers(100, 200)
        return images

    data = numbered(10)
    loader = DataLoader(data, 4, shuffle=shuffle, augment=augment)
    for images, labels in loader.batches(np.random.default_rng(0)):
        assert (images[:, 0] - labels >= 100).all()
    np.testing.assert_array_equal(data.images, numbered(10).images)


def test_a_loader_renews_its_data_before_each_epoch():
    data = numbered(6)

    def renew(rng: np.random.Generator) -> None:
        data.images[3:] = rng.integers(10, 20)

    loader = DataLoader(data, 4, np.array([0, 4, 5]), shuffle=False, renew=renew)
    for seed in (0, 1):
        images, _ = next(loader.batches(np.random.default_rng(seed)))
        expected = np.random.default_rng(seed).integers(10, 20)
        assert images[:, 0].tolist() == [0, expected, expected]
    with pytest.raises(ValueError, match="needs a random generator"):
        next(loader.batches())


def test_loaders_that_make_no_sense():
    data = numbered(3)
    with pytest.raises(ValueError, match="batch size of at least 1, received 0"):
        DataLoader(data, 0)
    for indices in ([3], [-1], [[0]]):
        with pytest.raises(ValueError, match="indices from 0 to 2"):
            DataLoader(data, 1, np.array(indices))
    with pytest.raises(ValueError, match="as many images as labels"):
        DataLoader(Dataset(data.images[:2], data.labels), 1)
    with pytest.raises(ValueError, match="needs a random generator"):
        next(DataLoader(data, 1).batches())
    assert repr(DataLoader(data, 2)) == "DataLoader(3 samples in 2 batches of 2)"


# --- The true files ----------------------------------------------------------------------------


def test_mnist_itself(mnist_folder):
    from nn.data.download import stored_fault
    from nn.data.mnist_files import FILES

    for file in FILES:
        assert stored_fault(mnist_folder / file.packed_name, file) is None
    train, test = load_folder(mnist_folder)
    assert train.images.shape == (60_000, 784)
    assert test.images.shape == (10_000, 784)
    assert (train.images.min(), train.images.max()) == (0, 1)
    assert np.bincount(train.labels).tolist()[:3] == [5923, 6742, 5958]
    labels = hashlib.sha256(idx(train.labels)).hexdigest()
    assert labels == FILES[1].sha256
    known = "f22e0a534a4012d12e00eec254d7c40d033b6e41d76a762eed31b18870ddca79"
    assert checksum(train, test) == known
