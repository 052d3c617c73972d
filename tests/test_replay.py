import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app import DEFAULT_MODEL
from app.canvas import Canvas
from app.replay import draw_digits, join_shift, main, pair, replay, summary, table
from app.strokes import RecordedDigit, fit, read_strokes

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "assets" / "example-strokes.jsonl"
needs_model = pytest.mark.skipif(
    not (ROOT / "models" / f"{DEFAULT_MODEL}.npz").exists(), reason="no trained network here"
)


class Network:
    """Reads every image as the digit whose turn it is: 0, 1, 2, …, but every 8 as a 3."""

    name = "stub"

    def __init__(self):
        self.seen = 0

    def probabilities(self, images):
        read = (self.seen + np.arange(len(images))) % 10
        self.seen += len(images)
        read[read == 8] = 3
        return np.eye(10, dtype=np.float32)[read]


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "app.replay", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_digits_are_drawn_as_a_pointer_would_draw_them():
    digits = list(read_strokes(EXAMPLES))
    images = draw_digits(digits, 0.5, (0.25, 0.0))
    assert images.shape == (10, 1, 28, 28)
    assert images.dtype == np.float32
    canvas = Canvas()
    for stroke in fit(digits[4].strokes, 0.5, (0.25, 0.0)):
        canvas.begin("draw", *stroke[0])
        for point in stroke[1:]:
            canvas.extend(*point)
        canvas.end()
    np.testing.assert_array_equal(images[4, 0], canvas.ink)
    assert not images[:, :, :, :10].any()  # all of them are to the right


def test_a_dot_and_a_straight_line_are_drawn_too():
    dot = RecordedDigit(1, [[(500.0, 500.0)]])
    line = RecordedDigit(1, [[(5.0, 0.0), (5.0, 90.0)]])
    images = draw_digits([dot, line], 0.7, (0.0, 0.0))
    assert images[0, 0, 13:15, 13:15].min() > 0.5
    assert images[1, 0, 5:23, 13:15].min() > 0.5


def test_what_falls_off_the_canvas_is_cut_off():
    line = RecordedDigit(1, [[(0.0, 0.0), (90.0, 0.0)]])
    image = draw_digits([line], 1.0, (-0.5, 0.0))[0, 0]
    assert image[13:15, :14].min() > 0.5
    assert not image[:, 16:].any()


def test_the_counts_add_up_over_batches():
    digits = list(read_strokes(EXAMPLES)) * 60
    confusion = replay(Network(), digits, 0.7, (0.0, 0.0))
    result = summary("stub", confusion, 0.7, (0.1, -0.2))
    assert list(result) == ["model", "digits", "accuracy", "scale", "shift", "per_class"]
    assert result["digits"] == 600
    assert result["accuracy"] == pytest.approx(0.9)
    assert result["shift"] == [0.1, -0.2]
    assert result["per_class"][8] == {"digit": 8, "count": 60, "accuracy": 0.0}
    assert result["per_class"][3] == {"digit": 3, "count": 60, "accuracy": 1.0}
    text = table(result, confusion)
    assert "3 (60×)" in text
    assert "90.00%" in text


def test_a_digit_that_does_not_occur_has_no_accuracy():
    confusion = np.zeros((10, 10), dtype=np.int64)
    confusion[1, 1] = 2
    result = summary("stub", confusion, 0.7, (0.0, 0.0))
    assert result["per_class"][0] == {"digit": 0, "count": 0, "accuracy": None}
    table(result, confusion)


def test_a_shift_may_begin_with_a_minus():
    assert join_shift(["a", "--shift", "-0.2,0", "--json"]) == ["a", "--shift=-0.2,0", "--json"]
    assert join_shift(["--shift", "-.2,-1"]) == ["--shift=-.2,-1"]
    assert join_shift(["--shift", "--json"]) == ["--shift", "--json"]
    assert join_shift(["--shift", "0.2,0", "--shift=-1,0"]) == ["--shift", "0.2,0", "--shift=-1,0"]
    assert pair("-0.2,0.5") == (-0.2, 0.5)


@needs_model
@pytest.mark.parametrize("shift", [["--shift", "-0.2,0"], ["--shift=-0.2,0"]])
def test_json_is_one_object_and_all_there_is_on_standard_output(shift, capsys):
    main([str(EXAMPLES), "--scale", "0.6", "--json", *shift])
    output = capsys.readouterr()
    result = json.loads(output.out)
    assert result["model"] == DEFAULT_MODEL
    assert result["digits"] == 10
    assert 0 <= result["accuracy"] <= 1
    assert result["scale"] == 0.6
    assert result["shift"] == [-0.2, 0.0]
    assert len(result["per_class"]) == 10
    assert "10 drawn digits" in output.err


@needs_model
def test_the_table_for_people(capsys):
    main([str(EXAMPLES)])
    output = capsys.readouterr()
    assert len(output.out.splitlines()) == 14
    assert output.err == ""


@needs_model
def test_the_network_reads_most_of_the_examples(capsys):
    main([str(EXAMPLES), "--json"])
    assert json.loads(capsys.readouterr().out)["accuracy"] >= 0.7


def test_wrong_use_ends_with_status_2_and_one_line(tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"label": 3, "strokes": [[[0, 0]]]}\n{"label": 3}\n')
    for arguments, says in [
        ([], "required: STROKES"),
        ([EXAMPLES, "--shift", "1"], "expected DX,DY"),
        ([EXAMPLES, "--shift", "nan,0"], "expected DX,DY"),
        ([EXAMPLES, "--scale", "0"], "expected a number"),
        ([EXAMPLES, "--model", tmp_path / "none.npz"], "none.npz"),
    ]:
        done = run(*arguments)
        assert done.returncode == 2, arguments
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert says in done.stderr


@needs_model
def test_a_bad_stroke_file_ends_with_status_2_and_one_line(tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"label": 3, "strokes": [[[0, 0]]]}\n{"label": 3}\n')
    for path, says in [(broken, "line 2: strokes missing"), (tmp_path / "none", "cannot read")]:
        done = run(path, "--json")
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert says in done.stderr


def test_replay_needs_no_pygame():
    code = (
        "import sys, app.replay; sys.exit(any(name.startswith('pygame') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
