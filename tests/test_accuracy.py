"""What the shipped networks must read, on the data that DIGITPAD_DATA names; skipped without it."""

import json
import os
from pathlib import Path

import pytest

from app.replay import Setting, replay
from app.strokes import read_strokes
from nn import evaluate
from nn.calibration import expected_calibration_error
from nn.checkpoint import find_model
from nn.reader import DEFAULT_MODEL, load_reader


@pytest.fixture(scope="module")
def drawn_digits():
    data = os.environ.get("DIGITPAD_DATA")
    if not data:
        pytest.skip("DIGITPAD_DATA does not name a folder with strokes-dev.jsonl.gz in it")
    return list(read_strokes(Path(data) / "strokes-dev.jsonl.gz"))


@pytest.mark.parametrize(
    ("setting", "at_least"),
    [
        (Setting(0.7), 0.988),
        (Setting(0.35), 0.985),
        (Setting(0.5), 0.985),
        (Setting(0.9), 0.985),
        (Setting(0.5, (0.2, 0.2)), 0.985),
        (Setting(0.5, (-0.2, -0.2)), 0.985),
    ],
    ids=str,
)
def test_drawn_digits_are_read_at_any_size_and_place(setting, at_least, drawn_digits):
    readings = replay(load_reader(DEFAULT_MODEL), drawn_digits, setting)
    assert readings.right.mean() >= at_least
    error = expected_calibration_error(readings.probabilities, readings.labels)
    assert error <= 0.010


def mnist_accuracy(mnist_folder, capsys, *options):
    evaluate.main(["--data-dir", str(mnist_folder), "--json", *options])
    return json.loads(capsys.readouterr().out)["accuracy"]


def test_mnist_is_read_and_framing_leaves_it_alone(mnist_folder, capsys):
    raw = mnist_accuracy(mnist_folder, capsys)
    framed = mnist_accuracy(mnist_folder, capsys, "--framed")
    assert raw >= 0.995
    assert abs(raw - framed) < 0.001


def test_the_default_is_small():
    reader = load_reader(DEFAULT_MODEL)
    assert reader.count_params() <= 500_000
    assert find_model(DEFAULT_MODEL).stat().st_size <= 2_000_000
