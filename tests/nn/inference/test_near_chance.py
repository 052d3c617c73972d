"""What the commands say of labelled images that they read no better than by guessing."""

import shutil

import numpy as np
import pytest

from nn import evaluate, train
from tests.helpers.data_files import write_idx
from tests.helpers.paths import CASES
from tests.nn.test_evaluate import write_rows

with (CASES / "csv-class-last-20-rows.csv").open() as lines:
    ROWS = np.array([line.split(",") for line in list(lines)[1:]], int)
IMAGES, LABELS = ROWS[:, :-1].reshape(-1, 28, 28) / 255, ROWS[:, -1]

VIEWS = {
    "transposed": IMAGES.swapaxes(1, 2),
    "inverted": 1 - IMAGES,
    "transposed and inverted": 1 - IMAGES.swapaxes(1, 2),
}


def hint(captured):
    """The last line on standard error, if it is one."""
    lines = captured.err.splitlines()
    return lines[-1] if lines and lines[-1].startswith("hint: ") else None


@pytest.mark.parametrize("json", [True, False])
@pytest.mark.parametrize("view", VIEWS)
def test_images_that_lie_otherwise_are_found_out(tmp_path, capsys, view, json):
    write_rows(tmp_path / "own.csv", VIEWS[view].reshape(-1, 784), LABELS)
    evaluate.main(["--images", str(tmp_path / "own.csv"), *["--json"] * json])
    said = hint(capsys.readouterr())
    assert " % are read right, but " in said
    assert f" % with the images {view}; rows run" in said


def test_labels_of_other_images_are_asked_about(tmp_path, capsys):
    write_rows(tmp_path / "own.csv", IMAGES.reshape(-1, 784), (LABELS + 1) % 10)
    evaluate.main(["--images", str(tmp_path / "own.csv")])
    said = hint(capsys.readouterr())
    assert said.startswith(
        "hint: 0.0 % right is near chance; are the images transposed or inverted"
    )
    assert said.endswith("or the labels in another column or in another order?")


@pytest.mark.parametrize("count", [9, 20])
def test_of_what_is_read_right_and_of_a_few_images_nothing_is_said(tmp_path, capsys, count):
    labels = LABELS if count == 20 else (LABELS + 1) % 10
    write_rows(tmp_path / "own.csv", IMAGES.reshape(-1, 784)[:count], labels[:count])
    evaluate.main(["--images", str(tmp_path / "own.csv")])
    assert hint(capsys.readouterr()) is None


def test_training_hints_too_if_the_test_images_lie_otherwise(small_mnist, tmp_path, capsys):
    options = ["--data-dir", str(tmp_path), "--model", "linear", "--epochs", "4"]
    options += ["--output", str(tmp_path / "x.npz")]
    for file in small_mnist.iterdir():
        shutil.copy(file, tmp_path)
    train.main(options)
    assert hint(capsys.readouterr()) is None
    rng = np.random.default_rng(0)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", rng.integers(0, 10, 100))
    train.main([*options, "--json"])
    assert "right is near chance; are the images transposed" in hint(capsys.readouterr())
