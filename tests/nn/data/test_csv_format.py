from __future__ import annotations

import gzip
import json
import os
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn import evaluate
from nn.data.dataset import load_mnist, read_csv, read_csv_images
from tests.helpers.commands import run_command
from tests.helpers.data_files import HEADING, csv, digits, files, line, message, survives, write
from tests.helpers.memory import peak_below
from tests.helpers.paths import CASES


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
    images.reshape(len(labels), -1)[:, -1] = 255  # could the last column be a label, it is an error
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


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "expected 784 pixels a line, with or without a label, received no such line"),
        (HEADING + "\n\n", "received no such line"),
        (
            "label,pixel0\n",
            "expected 784 pixels a line, with or without a label, received 2 in line 1",
        ),
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
        (HEADING + line("b"), "a label from 0 to 9 in line 2, column 1, received 'b'"),
        (line(5) + "5,0\n", "785 columns in line 2, as in the first, received 2"),
        (
            line(5).strip() + ",0\n",
            "received 786 in line 1; write one digit a line, its numbers separated",
        ),
        ("0," * 783 + "0\n", "received 784 columns (no labels, as in Kaggle's test.csv)"),
        (
            HEADING.removeprefix("label,") + "0," * 783 + "0\n",
            "received 784 columns (no labels, as in Kag",
        ),
        (
            "5;0;0\n",
            "received 1 in line 1; write one digit a line, its numbers separated by commas",
        ),
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
    monkeypatch.setattr("nn.data.csv_format.MAX_UNPACKED", 1000)
    text = message(read_csv, write(tmp_path / "file", line(5)))
    assert "expected at most 1000 bytes of text, received more" in text


@pytest.mark.parametrize("read", [read_csv, read_csv_images])
def test_an_endless_line_costs_no_memory(tmp_path, read):
    path = write(tmp_path / "file", b"7,")
    os.truncate(path, 1 << 28)
    with peak_below(4 << 20):
        assert "lines of at most 65536 bytes" in message(read, path)


@pytest.mark.parametrize("number", ["nan", "inf", "1e999", "-1", "256", "9" * 5000, "0x10", "٣٣٣"])
def test_numbers_that_are_no_pixels(tmp_path, number):
    path = write(tmp_path / "file", "1," + ",".join(["0"] * 783 + [number]))
    assert "expected a pixel from 0 to 255 in line 1, column 785" in message(read_csv, path)


# --- Where the label is, and what the pixels reach ---------------------------------------------


def table(count, label_column=0, name="label", heading=True):
    """Pixels and labels, and a CSV file of them with the label in some column, or in none."""
    images, labels = digits(count)
    pixels = images.reshape(count, 784)
    rows, names = pixels, [f"pixel{i}" for i in range(784)]
    if label_column is not None:
        rows = np.insert(pixels, label_column, labels, axis=1)
        names.insert(label_column, name)
    lines = [names] * heading + rows.tolist()
    return pixels, labels, "".join(",".join(map(str, row)) + "\n" for row in lines)


def run_refused(command, *arguments):
    """What a command says, in its one line, of input that it refuses."""
    ended = run_command(command, *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    return ended.stderr


@pytest.mark.parametrize("column", [0, 1, 400, 784])
@pytest.mark.parametrize("name", ["label", "Class", " 'target'", '"digit"', "y"])
def test_the_heading_says_where_the_label_is(tmp_path, column, name):
    pixels, labels, text = table(5, column, name)
    result = read_csv(write(tmp_path / "train.csv", text))
    np.testing.assert_array_equal(result.labels, labels)
    np.testing.assert_array_equal(np.rint(result.images * 255), pixels)


@pytest.mark.parametrize("heading", [True, False])
def test_without_a_label_there_are_only_pixels(tmp_path, heading):
    pixels, _, text = table(5, None, heading=heading)
    images, labels = read_csv_images(write(tmp_path / "test.csv", text))
    assert labels is None
    np.testing.assert_array_equal(np.rint(images * 255), pixels)


def test_a_heading_of_numbers_beside_the_label_is_one(tmp_path):
    heading = ",".join(["label", *map(str, range(784))]) + "\n"
    assert read_csv(write(tmp_path / "file", heading + line(5))).labels.tolist() == [5]


@pytest.mark.parametrize(
    ("heading", "received"),
    [
        (HEADING.replace("label", "id"), "received 785 and 0, from 'id' to 'pixel783'"),
        (HEADING.replace("pixel783", "class"), "received 783 and 2, from 'label' to 'class'"),
        (HEADING.replace(",pixel783", ""), "received 783 and 1, from 'label' to 'pixel782'"),
    ],
)
def test_a_heading_that_leaves_the_label_open_is_refused(tmp_path, heading, received):
    text = message(read_csv_images, write(tmp_path / "file", heading + line(5)))
    assert "expected a heading of 784 pixels, or of these and one label, labels, class" in text
    assert text.endswith(f"{received}; name the label's column label")


def test_a_heading_of_another_width_than_the_lines_is_refused(tmp_path):
    text = message(read_csv_images, write(tmp_path / "file", HEADING[6:] + line(5)))
    assert "expected 784 columns in line 2, as in the first, received 785" in text


def test_labels_in_the_last_column_without_a_heading_are_refused(tmp_path):
    zeros = "0," * 784
    text = message(read_csv, write(tmp_path / "file", "".join(f"{zeros}{k}\n" for k in (0, 7, 9))))
    assert (
        "received only zeros there, and numbers from 0 to 9 in the last; name the columns" in text
    )
    text = message(read_csv, write(tmp_path / "file", line(137)))
    assert text.endswith("received '137'; leave out what is no digit, or name the label's column "
                         "in a heading")  # fmt: skip
    # Zeros alone may well be zeros.
    assert read_csv(write(tmp_path / "file", line(0, 9) * 3)).labels.tolist() == [0, 0, 0]


@pytest.mark.parametrize("number", ["0.5", "0.0039", "1e-3"])
def test_pixels_that_are_fractions_are_refused(tmp_path, number):
    text = message(read_csv, write(tmp_path / "file", line(5, 0, number, 1)))
    assert f"in line 1, column 3, received '{number}'; multiply pixels from 0 to 1 by 255" in text


CLASS_LAST = CASES / "csv-class-last-20-rows.csv"
ZERO_ONE = CASES / "csv-pixels-0-1-20-rows.csv"
ZERO_ONE_UNLABELLED = CASES / "csv-pixels-0-1-no-labels-20-rows.csv"


def test_labels_in_a_last_column_named_class_are_used_by_the_commands(tmp_path, capsys):
    with CLASS_LAST.open() as file:
        labels = [int(text.rsplit(",", 1)[1]) for text in list(file)[1:]]
    evaluate.main(["--images", str(CLASS_LAST), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert np.sum(result["confusion"], axis=1).tolist() == np.bincount(labels).tolist()
    assert result["accuracy"] > 0.9
    shutil.copy(CLASS_LAST, tmp_path / "train.csv")
    train_set, test_set = load_mnist(tmp_path)
    assert [*train_set.labels, *test_set.labels] == labels


@pytest.mark.parametrize("case", [ZERO_ONE, ZERO_ONE_UNLABELLED])
def test_pixels_from_0_to_1_are_refused_by_the_commands(tmp_path, case):
    said = f"{case}: expected pixels from 0 to 255, received none above 1; multiply the pixels by"
    answers = tmp_path / "answers.csv"
    assert said in run_refused("nn.evaluate", "--images", case, "--csv", answers)
    assert not answers.exists()


def test_nothing_is_trained_on_pixels_from_0_to_1(tmp_path):
    shutil.copy(ZERO_ONE, tmp_path / "train.csv")
    output = tmp_path / "x.npz"
    said = run_refused("nn.train", "--data-dir", tmp_path, "--output", output, "--model", "tiny")
    assert "train.csv: expected pixels from 0 to 255, received none above 1" in said
    assert not output.exists()
