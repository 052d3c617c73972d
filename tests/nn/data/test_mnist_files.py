"""The forms that MNIST comes in, through the commands and the window that read them."""

import gzip
import io
import json
import os
import shutil
import struct
import zipfile

import numpy as np
import pytest

from app.session.mnist import Mnist
from nn import evaluate, train
from nn.data.dataset import load_folder, load_mnist
from nn.data.mnist_files import IDX_FILES
from nn.training.rehearsal import mnist_test_digits
from tests.helpers.data_files import idx, made_up_digits, message
from tests.helpers.memory import peak_below
from tests.nn.data.test_csv_format import run_refused

PARTS = {"train": made_up_digits(60, 1), "test": made_up_digits(40, 2)}
CONTENTS = dict(zip(IDX_FILES, map(idx, [*PARTS["train"], *PARTS["test"]]), strict=True))
ARRAYS = {f"{x}_{part}": a for part, pair in PARTS.items() for x, a in zip("xy", pair, strict=True)}


def raw(folder):
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)


def torchvision(folder):
    """Unpacked beside what was downloaded, as torchvision leaves it."""
    (folder / "MNIST" / "raw").mkdir(parents=True)
    raw(folder / "MNIST" / "raw")
    for name, content in CONTENTS.items():
        (folder / "MNIST" / "raw" / f"{name}.gz").write_bytes(gzip.compress(content))


def keras(folder):
    np.savez(folder / "mnist.npz", **ARRAYS)


def keras_packed(folder):
    arrays = {key: np.asfortranarray(value) for key, value in ARRAYS.items()}
    np.savez_compressed(folder / "mnist.npz", **arrays)


def zipped(folder, packing=zipfile.ZIP_DEFLATED, name="{}.zip", inside="{}", pack=bytes):
    for number, (file, content) in enumerate(CONTENTS.items()):
        with zipfile.ZipFile(folder / name.format(file, number), "w", packing) as archive:
            archive.writestr(inside.format(file), pack(content))


def zipped_by_a_mac(folder):
    zipped(folder)
    for path in folder.iterdir():
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(f"__MACOSX/._{path.stem}", b"Mac OS X")


FORMS = {
    "raw": (raw, "."),
    "torchvision's parent": (torchvision, "."),
    "torchvision's MNIST": (torchvision, "MNIST"),
    "torchvision's raw": (torchvision, "MNIST/raw"),
    "keras": (keras, "."),
    "keras, packed, in Fortran order": (keras_packed, "."),
    "zip": (zipped, "."),
    "zip, not packed": (lambda folder: zipped(folder, zipfile.ZIP_STORED), "."),
    "zip by a Mac": (zipped_by_a_mac, "."),
    "zip of .gz": (lambda folder: zipped(folder, inside="{}.gz", pack=gzip.compress), "."),
    "zip with a name of its own": (
        lambda folder: zipped(folder, name="{1}.zip", inside="MNIST/{}"), ".",
    ),
}  # fmt: skip


@pytest.fixture(params=FORMS)
def folder(request, tmp_path):
    make, place = FORMS[request.param]
    make(tmp_path)
    return tmp_path / place


def test_every_form_is_read_alike_by_commands_and_window(folder, tmp_path, capsys):
    for digits, (images, labels) in zip(load_mnist(folder), PARTS.values(), strict=True):
        np.testing.assert_array_equal(digits.images, images.reshape(-1, 784) / np.float32(255))
        np.testing.assert_array_equal(digits.labels, labels)
    images, labels = mnist_test_digits(folder)  # as app.teach measures
    np.testing.assert_array_equal(images, load_mnist(folder)[1].images)
    np.testing.assert_array_equal(labels, PARTS["test"][1])
    window = Mnist(folder)
    window.load()
    window.wait()
    assert (window.state, len(window.test.labels)) == ("ready", 40)
    output = tmp_path / "out" / "x.npz"
    options = ["--model", "tiny", "--epochs", "1", "--output", str(output)]
    train.main(["--data-dir", str(folder), *options])
    assert "51 digits to learn from" in capsys.readouterr().out
    evaluate.main(["--data-dir", str(folder), "--model", str(output), "--json"])
    assert json.loads(capsys.readouterr().out)["images"] == 40


def test_of_several_forms_one_is_preferred(tmp_path):
    """IDX, then Keras's file, then CSV; in the folder itself before its subfolders."""
    torchvision(tmp_path)
    np.savez(tmp_path / "mnist.npz", **{**ARRAYS, "y_test": np.zeros(40, np.uint8)})
    (tmp_path / "train.csv").write_text("nonsense")
    assert not load_folder(tmp_path)[1].labels.any()
    raw(tmp_path)
    assert load_folder(tmp_path)[1].labels.any()
    # Of one form: .gz, then plain, then zip.
    zipped(tmp_path, pack=lambda content: b"nonsense")
    assert load_folder(tmp_path)[1].labels.any()
    (tmp_path / f"{IDX_FILES[0]}.gz").write_bytes(b"")
    assert "received an empty file" in message(load_folder, tmp_path)


def test_a_folder_of_nothing_known_says_what_is(tmp_path):
    (tmp_path / "other.zip").write_bytes(b"PK\3\4")
    said = run_refused("nn.train", "--data-dir", tmp_path, "--output", tmp_path / "x.npz")
    for accepted in (*IDX_FILES, ".gz or .zip", "mnist.npz", "mnist_train.csv", "train.csv", "raw"):
        assert accepted in said
    keras(tmp_path)
    (tmp_path / "mnist.npz").rename(tmp_path / IDX_FILES[0])
    assert f"holds {IDX_FILES[0]} but not {IDX_FILES[1]}, " in run_refused(
        "nn.evaluate", "--data-dir", tmp_path
    )


class Evil:
    def __reduce__(self):
        return os.mkdir, ("owned",)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"x_train": None}, "expected the arrays x_train, y_train, x_test, y_test,"),
        ({"x_train": np.zeros((60, 28, 28), np.float32)}, "received 60 × 28 × 28 of float32;"),
        ({"x_test": np.zeros((40, 784), np.uint8)}, "N × 28 × 28 pixels, received 40 × 784"),
        ({"x_test": np.zeros((0, 28, 28), np.uint8)}, "received 0 × 28 × 28"),
        ({"x_test": ARRAYS["x_test"] // 128}, "x_test: expected pixels from 0 to 255"),
        ({"y_train": np.zeros(59, np.uint8)}, "expected 60 labels, one for each image of x_train"),
        ({"y_train": np.zeros(60)}, "received 60 of float64"),
        ({"y_train": np.full(60, 10)}, "expected labels from 0 to 9, received 10 as label 0"),
        ({"y_train": np.full(60, -1)}, "received -1 as label 0"),
        ({"y_train": np.array([Evil()] * 60)}, "expected plain numbers"),
    ],
)  # fmt: skip
def test_a_keras_file_of_something_else_is_refused(tmp_path, change, text, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arrays = {key: value for key, value in {**ARRAYS, **change}.items() if value is not None}
    np.savez(tmp_path / "mnist.npz", allow_pickle=True, **arrays)
    assert text in message(load_folder, tmp_path)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("cut", [0, 5, 1000, -30])
def test_a_part_of_a_keras_file_is_refused(tmp_path, cut):
    keras(tmp_path)
    content = (tmp_path / "mnist.npz").read_bytes()
    (tmp_path / "mnist.npz").write_bytes(content[:cut])
    text = message(load_folder, tmp_path)
    assert "expected a whole .npz file of plain numbers, received another" in text
    assert text.endswith("copy or make the file again")


def npy_claiming(shape, content):
    buffer = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + content


def lying(path, member, content, said, packing=zipfile.ZIP_DEFLATED):
    """A zip whose member is said to unpack to `said` bytes."""
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr(member, content)
    packed = path.read_bytes()
    size, other = struct.pack("<I", len(content)), struct.pack("<I", said)
    assert packed.count(size) >= 2
    path.write_bytes(packed.replace(size, other))


BIG = 64 * 2**20 + 77


@pytest.mark.parametrize("said", [1000, 2**31])
def test_a_keras_file_that_lies_about_its_size_costs_no_memory(tmp_path, said):
    content = npy_claiming((BIG,), bytes(BIG - 128))
    lying(tmp_path / "mnist.npz", "x_train.npy", content, said)
    with peak_below(8 * 2**20):
        assert "expected a whole .npz file" in message(load_folder, tmp_path)


@pytest.mark.parametrize("said", [1000, BIG - 1, BIG + 1, 2**31])
def test_a_zip_that_lies_about_its_size_costs_no_memory(tmp_path, said):
    raw(tmp_path)
    (tmp_path / IDX_FILES[0]).unlink()
    # What is announced within is there, and more, so that no reader but the zip's own would mind.
    content = CONTENTS[IDX_FILES[0]].ljust(BIG, b"\0")
    lying(tmp_path / f"{IDX_FILES[0]}.zip", IDX_FILES[0], content, said)
    with peak_below(8 * 2**20):
        text = message(load_folder, tmp_path)
    assert f"{IDX_FILES[0]}.zip: expected" in text


def test_a_csv_file_whose_zip_promises_more_is_refused(tmp_path):
    line = b"7," + b"9," * 783 + b"9\n"
    lying(tmp_path / "train.csv.zip", "train.csv", line * 20, 20 * len(line) + 1)
    assert "(it unpacks to another size than" in message(load_folder, tmp_path)


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zips_that_unpack_without_a_limit_are_refused(tmp_path, packing):
    zipped(tmp_path, packing)
    assert "expected a whole zip archive of one file, received another (it is packed in" in message(
        load_folder, tmp_path
    )


def test_a_damaged_zip_and_one_of_several_files_are_named(tmp_path):
    zipped(tmp_path)
    path = tmp_path / f"{IDX_FILES[2]}.zip"
    content = bytearray(path.read_bytes())
    content[100] ^= 255
    path.write_bytes(content)
    said = run_refused("nn.evaluate", "--data-dir", tmp_path)
    assert f"{path}: expected a whole zip archive of one file, received another (" in said
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one", b"1")
        archive.writestr("two", b"2")
    said = run_refused("nn.evaluate", "--data-dir", tmp_path)
    assert "received another (it holds 2 files); copy or make the file again" in said


def test_a_csv_file_may_be_zipped_too(tmp_path, capsys):
    rows = [
        ",".join(map(str, [label, *image.flat]))
        for image, label in zip(*PARTS["test"], strict=True)
    ]
    plain = tmp_path / "plain.csv"
    plain.write_text("\n".join(rows))
    with zipfile.ZipFile(tmp_path / "own.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "digits.csv")
    results = []
    for path in (plain, tmp_path / "own.zip"):
        evaluate.main(["--images", str(path), "--model", "linear", "--json"])
        results.append(json.loads(capsys.readouterr().out))
    assert results[0] == results[1]
    shutil.copy(tmp_path / "own.zip", tmp_path / "train.csv.zip")
    assert len(load_folder(tmp_path)[0].labels) == 40 - 40 // 7
