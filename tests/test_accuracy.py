"""What the shipped networks must read, on the data that DIGITPAD_DATA names; skipped without it."""

import gzip
import json

import pytest

from app import rejections, teach
from app.drawing.strokes import read_strokes
from app.replay import Setting, replay
from nn import evaluate
from nn.inference.calibration import expected_calibration_error
from nn.inference.checkpoint import find_model
from nn.inference.classifier import DEFAULT_MODEL, load_classifier


@pytest.fixture(scope="module")
def strokes_dev(data_folder):
    return str(data_folder / "strokes-dev.jsonl.gz")


@pytest.fixture(scope="module")
def strokes_dev_2(data_folder):
    return str(data_folder / "strokes-dev-2.jsonl.gz")


@pytest.fixture(scope="module")
def drawn_digits(strokes_dev):
    return list(read_strokes(strokes_dev))


@pytest.mark.parametrize(
    ("setting", "at_least"),
    [
        (Setting(0.7), 0.990),
        (Setting(0.35), 0.990),
        (Setting(0.5), 0.990),
        (Setting(0.9), 0.990),
        (Setting(0.5, (0.2, 0.2)), 0.990),
        (Setting(0.5, (-0.2, -0.2)), 0.990),
    ],
    ids=str,
)
def test_drawn_digits_are_read_at_any_size_and_place(setting, at_least, drawn_digits):
    predictions = replay(load_classifier(DEFAULT_MODEL), drawn_digits, setting)
    assert predictions.right.mean() >= at_least
    error = expected_calibration_error(predictions.probabilities, predictions.labels)
    assert error <= 0.010


def test_the_writing_of_another_country_is_read_as_well(strokes_dev_2):
    predictions = replay(
        load_classifier(DEFAULT_MODEL), list(read_strokes(strokes_dev_2)), Setting()
    )
    assert predictions.right.mean() >= 0.990
    assert expected_calibration_error(predictions.probabilities, predictions.labels) <= 0.007


def mnist_accuracy(mnist_folder, capsys, *options):
    evaluate.main(["--data-dir", str(mnist_folder), "--json", *options])
    return json.loads(capsys.readouterr().out)["accuracy"]


def test_mnist_is_read_and_framing_leaves_it_alone(mnist_folder, capsys):
    raw = mnist_accuracy(mnist_folder, capsys)
    framed = mnist_accuracy(mnist_folder, capsys, "--framed")
    assert raw >= 0.995
    assert abs(raw - framed) < 0.001


def test_the_default_is_small():
    classifier = load_classifier(DEFAULT_MODEL)
    assert classifier.count_params() <= 500_000
    assert find_model(DEFAULT_MODEL).stat().st_size <= 2_000_000


def test_non_digits_are_refused_where_digits_are_answered(strokes_dev, capsys):
    rejections.main([strokes_dev, "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result["refused"] >= 0.9  # at 98 % of the digits answered
    assert result["program"]["answered"] >= 0.984
    assert result["program"]["refused"] >= 0.9


def test_what_people_draw_that_is_no_digit_is_refused(
    strokes_dev, strokes_dev_2, data_folder, capsys
):
    nondigits = str(data_folder / "nondigits-dev.jsonl.gz")
    rejections.main([strokes_dev, strokes_dev_2, "--nondigits", nondigits, "--each", "1", "--json"])
    result = json.loads(capsys.readouterr().out)
    assert min(row["answered"] for row in result["files"]) >= 0.985
    unlike = result["drawn_nondigits"]["not_alike"]
    assert unlike["refused"] >= 0.905
    assert unlike["sure"] <= 0.013


def test_what_half_a_digit_will_become_is_said_honestly(strokes_dev, tmp_path, capsys):
    some = tmp_path / "some.jsonl"
    with gzip.open(strokes_dev, "rt") as file:
        some.write_text("".join(list(file)[::8]))
    rejections.main([str(some), "--half-drawn", "--each", "1", "--json"])
    half_drawn = json.loads(capsys.readouterr().out)["half_drawn"]
    alone = half_drawn["picture_alone"]
    assert alone["share"] > 0.2  # or there would be nothing to do
    assert half_drawn["taken_back"] <= 0.01 * alone["taken_back"]
    assert half_drawn["calibration_error"] < 0.1 < alone["calibration_error"]


def test_correcting_it_harms_neither_the_writer_nor_mnist(strokes_dev, mnist_folder, capsys):
    teach.main([strokes_dev, "--data-dir", str(mnist_folder), "--json"])
    rounds = json.loads(capsys.readouterr().out)["rounds"]
    for result in rounds.values():
        assert result["worst_writer_change"] is None or result["worst_writer_change"] >= -1
        assert result["mnist_before"] - result["mnist_after_mean"] <= 0.001
    assert rounds["half"]["errors_after"] <= rounds["half"]["errors_before"]
