from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nn import dataset
from nn.dataset import DataLoader, Dataset, checksum, load_folder, read_csv, read_idx, split
from nn.errors import DataError
from tests.memory import peak_below

ROOT = Path(__file__).parent.parent

# Each example overwrites the same file, so that one temporary folder is enough for all of them.
files = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def digits(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 28, 28), np.uint8), rng.integers(0, 10, count, np.uint8)


def csv(images: np.ndarray, labels: np.ndarray, heading: bool = False, end: str = "\n") -> str:
    lines = ["label," + ",".join(f"pixel{i}" for i in range(784))] if heading else []
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


# --- IDX ---------------------------------------------------------------------------------------


@files
@given(
    array=arrays(np.uint8, array_shapes(max_dims=3, min_side=0, max_side=5)), packed=st.booleans()
)
def test_idx_round_trip(tmp_path, array, packed):
    path = write(tmp_path / "any name", gzip.compress(idx(array)) if packed else idx(array))
    result = read_idx(path)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, array)


def survives(read, path: Path) -> None:
    with contextlib.suppress(DataError):
        read(path)


@files
@given(data=st.binary() | st.binary().map(lambda tail: b"\0\0\x08" + tail))
@example(b"\0\0\x08\x03" + b"\xff" * 8 + b"\0" * 4)  # an absurd shape of no bytes
@example(b"\x1f\x8b")
def test_any_bytes_are_idx_or_a_data_error(tmp_path, data):
    survives(read_idx, write(tmp_path / "file", data))


@files
@given(data=st.data(), packed=st.booleans())
def test_a_mutated_idx_file_is_idx_or_a_data_error(tmp_path, data, packed):
    content = bytearray(idx(np.arange(24).reshape(2, 3, 4)))
    content = bytearray(gzip.compress(content)) if packed else content
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.integers(0, 3))
        content[place : place + cut] = data.draw(st.binary(max_size=3))
    survives(read_idx, write(tmp_path / "file", bytes(content)))


GOOD = idx(np.arange(6).reshape(2, 3))
PACKED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "expected an IDX file, received an empty file; get the file again"),
        (gzip.compress(b"", mtime=0), "received an empty file"),
        (b"\0\0", "begins with two zero bytes, received b'\\x00\\x00'"),
        (b"<html>", "which begins with two zero bytes, received b'<htm'"),
        (
            b"\0\0\x0d\x01\0\0\0\0",
            "expected IDX values of type 8 (unsigned byte), received type 13",
        ),
        (b"\0\0\x08\x00", "expected 1 to 3 IDX dimensions, received 0"),
        (b"\0\0\x08\x04" + bytes(16), "expected 1 to 3 IDX dimensions, received 4"),
        (GOOD[:9], "expected an IDX header of 12 bytes, received a part of it"),
        (GOOD[:-2], "expected 6 bytes after the header (2 × 3), received only 4"),
        (GOOD + b"x", "expected 6 bytes after the header (2 × 3), received more"),
        (PACKED[:-9], "expected a whole gzip file, received one that ends too early"),
        (PACKED[:-8] + bytes(8), "undamaged gzip file, received CRC check failed"),
        (PACKED[:10] + b"\xff" * 30, "undamaged gzip file, received Error -3"),
    ],
)
def test_what_is_wrong_with_an_idx_file(tmp_path, content, text):
    assert text in message(read_idx, write(tmp_path / "file", content))


@pytest.mark.parametrize("read", [read_idx, read_csv])
def test_files_that_cannot_be_opened(tmp_path, read):
    assert "does not exist; check the name" in message(read, tmp_path / "none")
    assert "is a folder; expected a file" in message(read, tmp_path)
    (tmp_path / "file").touch()
    assert "Not a directory" in message(read, tmp_path / "file" / "x")


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((10**6, 1000, 1000), "at most 1073741824 values, received a header of 1000000 × 1000 ×"),
        ((1000, 1000, 1000), "expected 1000000000 bytes after the header"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_header_that_lies_costs_no_memory(tmp_path, shape, text, packed):
    content = bytes([0, 0, 8, 3]) + np.array(shape, ">u4").tobytes() + bytes(100)
    path = write(tmp_path / "file", gzip.compress(content) if packed else content)
    with peak_below(4 << 20):
        assert text in message(read_idx, path)


@pytest.mark.parametrize("read", [read_idx, read_csv])
@pytest.mark.parametrize("start", [GOOD, b"1," * 100, b"1,2\n"])
def test_a_gzip_bomb_costs_no_memory(tmp_path, read, start):
    path = write(tmp_path / "file", gzip.compress(start + bytes(50 << 20), 1))
    with peak_below(4 << 20):
        message(read, path)


# --- CSV ---------------------------------------------------------------------------------------


@files
@given(
    labels=st.lists(st.integers(0, 9), min_size=1, max_size=4),
    seed=st.integers(0, 100),
    heading=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    mark=st.sampled_from(["", "\ufeff"]),
    packed=st.booleans(),
)
def test_csv_round_trip(tmp_path, labels, seed, heading, end, mark, packed):
    images, _ = digits(len(labels), seed)
    content = (mark + csv(images, np.array(labels), heading, end)).encode()
    result = read_csv(write(tmp_path / "file", gzip.compress(content) if packed else content))
    assert result.images.dtype == np.float32
    assert result.labels.dtype == np.int64
    np.testing.assert_array_equal(result.labels, labels)
    expected = images.reshape(-1, 784).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(result.images, expected)


@files
@given(data=st.binary() | st.text("0123456789,.-+enaif\n\r \"'x", max_size=60).map(str.encode))
def test_any_bytes_are_csv_or_a_data_error(tmp_path, data):
    survives(read_csv, write(tmp_path / "file", data))


@files
@given(data=st.data())
def test_a_mutated_csv_file_is_csv_or_a_data_error(tmp_path, data):
    content = bytearray(csv(*digits(2)).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.integers(0, 3))
        content[place : place + cut] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"nan", b"\n", b",", b"-1", b".0", b"256"])
        )
    survives(read_csv, write(tmp_path / "file", bytes(content)))


def line(*start: object) -> str:
    return ",".join(map(str, [*start, *[0] * (785 - len(start))])) + "\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "expected a label and 784 pixels a line, received no such line"),
        ("label,pixel0\n\n", "received no such line"),
        (line(5) + line(5, "x"), "a pixel from 0 to 255 in line 2, column 2, received 'x'"),
        (line(5) + "\n" + line(5, 256), "in line 3, column 2, received '256'"),
        (line(5, 0, -1), "a pixel from 0 to 255 in line 1, column 3, received '-1'"),
        (line(5, "nan"), "column 2, received 'nan'"),
        (line(5, "inf"), "column 2, received 'inf'"),
        (line(5, 0.5), "column 2, received '0.5'"),
        (line(5, "9" * 5000), "column 2, received '99999999999999999999'"),
        (line(5, ""), "column 2, received ''"),
        (line(5, "é"), "column 2, received '��'"),
        (line(10), "expected a label from 0 to 9 in line 1, column 1, received '10'"),
        ("label\n" + line("b"), "a label from 0 to 9 in line 2, column 1, received 'b'"),
        (line(5) + "5,0\n", "785 columns in line 2, the label and 784 pixels, received 2"),
        (line(5).strip() + ",0\n", "expected 785 columns in line 1"),
        ("0," * 783 + "0\n", "received 784 (no labels, as in Kaggle's test.csv)"),
        ("pixel0," * 783 + "pixel783\n", "received 784 (no labels, as in Kaggle's test.csv)"),
        ("5;0;0\n", "the label and 784 pixels, received 1"),
        (line(5) + " " * 70_000, "expected lines of at most 65536 bytes, received more in line 2"),
    ],
)
def test_what_is_wrong_with_a_csv_file(tmp_path, content, text):
    assert text in message(read_csv, write(tmp_path / "file", content))


def test_a_mistake_after_many_lines_is_named(tmp_path):
    content = line(5) * 2345 + line(5, "?") + line(5) * 10
    assert "in line 2346, column 2" in message(read_csv, write(tmp_path / "file", content))


def test_whole_numbers_may_be_written_as_fractions(tmp_path):
    result = read_csv(write(tmp_path / "file", line("5.0", "255.0", " 51 ")))
    assert result.labels.tolist() == [5]
    assert result.images[0, :3].tolist() == [1, np.float32(0.2), 0]


def test_the_text_of_a_csv_file_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "MAX_UNPACKED", 1000)
    text = message(read_csv, write(tmp_path / "file", line(5)))
    assert "expected at most 1000 bytes of text, received more" in text


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
    fill(tmp_path)
    monkeypatch.setattr("nn.download.download_mnist", lambda: tmp_path)
    assert is_as_filled(dataset.load_mnist(None))


def test_no_network_library_is_imported_without_need():
    program = "import sys, nn.dataset; sys.exit('requests' in sys.modules)"
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
    from nn.download import FILES, stored_fault

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


@pytest.mark.parametrize("read", [read_csv, dataset.read_csv_images])
def test_a_line_of_a_gigabyte_costs_no_memory(tmp_path, read):
    path = write(tmp_path / "file", b"7,")
    os.truncate(path, 1 << 30)
    with peak_below(4 << 20):
        assert "lines of at most 65536 bytes" in message(read, path)


@pytest.mark.parametrize("number", ["nan", "inf", "1e999", "-1", "256", "9" * 5000, "0x10", "٣٣٣"])
def test_numbers_that_are_no_pixels(tmp_path, number):
    path = write(tmp_path / "file", "1," + ",".join(["0"] * 783 + [number]))
    assert "expected a pixel from 0 to 255 in line 1, column 785" in message(read_csv, path)


def test_a_name_that_no_file_can_have():
    with pytest.raises(DataError, match="not a name"):
        read_idx("a\0b")
