import json
import subprocess
import sys

import numpy as np
import pytest

from app.drawing.canvas import Canvas
from app.drawing.strokes import RecordedDigit, fit, printable, read_strokes
from app.replay import (
    MAX_SHOWN,
    NOT_READ,
    Predictions,
    Setting,
    caption,
    draw_digits,
    join_shift,
    main,
    pair,
    replay,
    show_mistakes,
    summary,
    table,
)
from nn.handwriting.framing import CENTRE, centre_of_mass, frame, frame_strokes
from nn.inference.classifier import DEFAULT_MODEL
from tests.helpers.commands import run_command
from tests.helpers.paths import EXAMPLES, ROOT


class Network:
    """Reads every image as the digit whose turn it is: 0, 1, 2, …, but every 8 as a 3.

    It says so with the probability `sure`, spreading the rest evenly.
    """

    name = "stub"

    def __init__(self, sure=0.8):
        self.seen = 0
        self.sure = sure

    def probabilities(self, images):
        read = (self.seen + np.arange(len(images))) % 10
        self.seen += len(images)
        read[read == 8] = 3
        answers = np.full((len(images), 10), (1 - self.sure) / 9, np.float32)
        answers[np.arange(len(images)), read] = self.sure
        return answers


def predictions_of(labels, guesses, writers=None, sure=0.9):
    """Readings with these guesses, each given the probability `sure`."""
    guesses = np.array(guesses)
    probabilities = np.full((len(labels), 10), (1 - sure) / 9)
    probabilities[np.arange(len(labels)), guesses] = sure
    probabilities[guesses == NOT_READ] = 0
    return Predictions(
        np.array(labels), guesses, probabilities, writers or [None] * len(labels), []
    )


def test_digits_are_drawn_as_a_pointer_would_draw_them():
    digits = list(read_strokes(EXAMPLES))
    canvas = Canvas()
    for stroke in fit(digits[4].strokes, 0.5, (0.25, 0.0)):
        canvas.begin("draw", *stroke[0])
        for point in stroke[1:]:
            canvas.extend(*point)
        canvas.end()
    seen = {
        "none": canvas.ink,
        "pixels": frame(canvas.ink),
        "strokes": frame_strokes(canvas.strokes),
    }
    for framing, image in seen.items():
        images = draw_digits(digits, Setting(0.5, (0.25, 0.0), framing))
        assert images.shape == (10, 28, 28)
        assert images.dtype == np.float32
        np.testing.assert_array_equal(images[4], image)
        if framing == "none":
            assert not images[:, :, :10].any()  # all of them are to the right
        else:
            np.testing.assert_allclose(centre_of_mass(images), [CENTRE] * 10, atol=0.7)


def test_a_framed_drawing_looks_the_same_at_any_size_and_place():
    digits = list(read_strokes(EXAMPLES))
    small = draw_digits(digits, Setting(0.3, (-0.2, 0.1)))
    large = draw_digits(digits, Setting(0.9))
    np.testing.assert_allclose(small, large, atol=0.01)
    raw = draw_digits(digits, Setting(0.3, (-0.2, 0.1), "none"))
    assert np.abs(raw - large).max() == 1.0


@pytest.mark.parametrize("framing", ["none", "strokes", "pixels"])
def test_a_dot_and_a_straight_line_are_drawn_too(framing):
    dot = RecordedDigit(1, [[(500.0, 500.0)]])
    line = RecordedDigit(1, [[(5.0, 0.0), (5.0, 90.0)]])
    images = draw_digits([dot, line], Setting(framing=framing))
    assert images[0, 13:15, 13:15].mean() > 0.5
    if framing != "pixels":  # which takes a dot for a tiny drawing and enlarges it
        assert not images[0, :11].any()
    assert images[1, 5:23, 13:15].max(axis=1).min() > 0.5
    assert not images[1, :, :11].any()


def test_what_falls_off_the_canvas_is_cut_off():
    # An L whose upright is off the canvas to the left: only the right half of its foot is seen.
    corner = RecordedDigit(1, [[(0.0, 0.0), (0.0, 90.0), (90.0, 90.0)]])
    half = (-0.5, -0.5)
    raw = draw_digits([corner], Setting(1.0, half, "none"))[0]
    assert raw[13:15, :14].min() > 0.5
    assert not raw[:, 16:].any()
    assert not raw[:12].any()
    for framing in ("strokes", "pixels"):
        image = draw_digits([corner], Setting(1.0, half, framing))[0]
        assert image[13:15, 5:23].min() > 0.5  # the foot alone, as long as a whole digit
        assert not image[:11].any()


def test_the_counts_add_up_over_batches():
    digits = list(read_strokes(EXAMPLES)) * 60
    setting = Setting(0.7, (0.1, -0.2), "none")
    predictions = replay(Network(), digits, setting)
    result = summary("stub", predictions, setting)
    assert list(result) == [
        "model", "digits", "accuracy", "scale", "shift", "framing", "blank", "calibration_error",
        "answered",
        "per_class", "writers",
    ]  # fmt: skip
    assert result["digits"] == 600
    assert result["accuracy"] == pytest.approx(0.9)
    assert result["shift"] == [0.1, -0.2]
    assert result["framing"] == "none"
    assert result["calibration_error"] == pytest.approx(0.1)  # right in 90 %, sure by 80 %
    assert result["per_class"][8] == {"digit": 8, "count": 60, "accuracy": 0.0}
    assert result["per_class"][3] == {"digit": 3, "count": 60, "accuracy": 1.0}
    text = table(result, predictions)
    assert "3 (60×)" in text
    assert "90.00%" in text
    assert "calibration error 10.00%" in text
    assert "framing none" in text


def test_a_digit_that_does_not_occur_has_no_accuracy():
    predictions = predictions_of([1, 1], [1, 1])
    result = summary("stub", predictions, Setting())
    assert result["per_class"][0] == {"digit": 0, "count": 0, "accuracy": None}
    assert table(result, predictions).splitlines()[3].split() == ["0", "0", "–", "–"]


def test_a_drawing_that_left_no_ink_was_not_read_right():
    digits = list(read_strokes(EXAMPLES))[:3]
    off = Setting(shift=(2.0, 2.0))
    predictions = replay(Network(), digits, off)  # it would read 0, 1, 2: all of them right
    result = summary("stub", predictions, off)
    assert (result["accuracy"], result["blank"], result["calibration_error"]) == (0.0, 3, None)
    assert "3 left no ink" in table(result, predictions)
    assert [caption(mistake) for mistake in predictions.mistakes] == [
        "0 not read", "1 not read", "2 not read",
    ]  # fmt: skip
    json.dumps(result, allow_nan=False)


def test_a_blank_one_is_left_out_of_the_calibration_error_alone():
    result = summary("stub", predictions_of([1, 1, 1], [1, 1, NOT_READ]), Setting())
    assert result["accuracy"] == pytest.approx(2 / 3)
    assert result["calibration_error"] == pytest.approx(0.1)
    assert result["per_class"][1] == {"digit": 1, "count": 3, "accuracy": pytest.approx(2 / 3)}


def test_the_spread_between_writers():
    # Of twenty digits each: a reads 20, b 18, c 15 right; d has written too few to count.
    writers = ["a"] * 20 + ["b"] * 20 + ["c"] * 20 + ["d"] * 19 + [None]
    wrong = [20, 21, 40, 41, 42, 43, 44, *range(60, 79)]
    guesses = np.full(80, 1)
    guesses[wrong] = 7
    predictions = predictions_of([1] * 80, guesses, writers)
    result = summary("stub", predictions, Setting())
    assert result["writers"] == {"count": 3, "lowest": 0.75, "below_90": 1, "median": 0.9}
    assert table(result, predictions).splitlines()[-1] == (
        "writers of at least 20 digits: 3, median 90.0%, 1 below 90%; "
        "lowest: c 75.0%, b 90.0%, a 100.0%"
    )


def test_writers_that_are_unknown_or_wrote_too_little():
    unknown = summary("stub", predictions_of([1], [1]), Setting())
    assert unknown["writers"] is None
    few = predictions_of([1], [1], ["a"])
    result = summary("stub", few, Setting())
    assert result["writers"] == {"count": 0, "lowest": None, "below_90": 0, "median": None}
    assert table(result, few).endswith("writers of at least 20 digits: 0")


def test_the_writer_comes_from_the_file_if_it_is_there(tmp_path):
    path = tmp_path / "strokes.jsonl"
    values = ['"w1"', "7", '""', "null", "true", "[1]", '"\\ud800"']
    path.write_text(
        "".join(f'{{"label": 1, "strokes": [[[0, 0]]], "writer": {v}}}\n' for v in values)
        + '{"label": 1, "strokes": [[[0, 0]]]}\n'
    )
    writers = [digit.writer for digit in read_strokes(path)]
    assert writers == ["w1", "7", "", None, None, None, "\ud800", None]


def test_a_writers_name_can_be_printed_whatever_it_is():
    assert printable("w001") == "w001"
    assert printable("a\n\x1b[31m\ud800") == "a??[31m?"
    assert printable("Zoë") == "Zoë"
    assert len(printable("x" * 1000)) == 12


def test_the_most_confident_mistakes_are_kept_over_batches_and_drawn(tmp_path, capsys):
    class Wavering(Network):
        """Reads everything as a 3, the more confidently the later it comes."""

        def probabilities(self, images):
            sure = 0.5 + (self.seen + np.arange(len(images))) / 2000
            self.seen += len(images)
            answers = np.repeat((1 - sure)[:, None] / 9, 10, axis=1)
            answers[:, 3] = sure
            return answers

    dot = [[(0.0, 0.0)]]
    digits = [RecordedDigit(n % 10, dot, f"w{n}") for n in range(600)]
    predictions = replay(Wavering(), digits, Setting())
    assert len(predictions.mistakes) == MAX_SHOWN < 540
    expected = [f"w{n}" for n in range(599, 0, -1) if n % 10 != 3][:MAX_SHOWN]
    assert [mistake.writer for mistake in predictions.mistakes] == expected
    assert caption(predictions.mistakes[0]) == "9 as 3, 80%\nw599"
    np.testing.assert_array_equal(
        predictions.mistakes[0].image, draw_digits(digits[:1], Setting())[0]
    )
    few = Predictions(
        predictions.labels[:60], predictions.guesses[:60], predictions.probabilities[:60],
        predictions.writers[:60], predictions.mistakes[:12],
    )  # fmt: skip
    show_mistakes(few, "stub", tmp_path / "errors.png")
    assert "stub: 54 of 60 drawn digits misread, the 12 most conf" in capsys.readouterr().out
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")


def test_no_picture_of_no_mistakes_and_one_of_odd_names(tmp_path, capsys):
    digits = list(read_strokes(EXAMPLES))
    show_mistakes(replay(Network(), digits[:8], Setting()), "stub", tmp_path / "none.png")
    said = f"stub: 0 of 8 drawn digits misread; {tmp_path / 'none.png'} is not written\n"
    assert capsys.readouterr().out == said
    assert not list(tmp_path.iterdir())
    odd = RecordedDigit(8, digits[8].strokes, "$\\frac{\ud800")
    show_mistakes(replay(Network(), [odd], Setting()), "$_", tmp_path / "one.png")
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")


def test_where_nothing_is_misread_no_folder_is_made_for_the_picture(tmp_path, capsys):
    main(
        [str(EXAMPLES), "--model", "linear", "--errors", str(tmp_path / "new" / "x.png"), "--json"]
    )
    output = capsys.readouterr()
    assert json.loads(output.out)["accuracy"] == 1
    assert "0 of 10 drawn digits misread; " in output.err
    assert not list(tmp_path.iterdir())


def test_a_shift_may_begin_with_a_minus():
    assert join_shift(["a", "--shift", "-0.2,0", "--json"]) == ["a", "--shift=-0.2,0", "--json"]
    assert join_shift(["--shift", "-.2,-1"]) == ["--shift=-.2,-1"]
    assert join_shift(["--shift", "--json"]) == ["--shift", "--json"]
    assert join_shift(["--shift", "0.2,0", "--shift=-1,0"]) == ["--shift", "0.2,0", "--shift=-1,0"]
    assert pair("-0.2,0.5") == (-0.2, 0.5)


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
    assert result["framing"] == "strokes"
    assert result["blank"] == 0
    assert 0 <= result["calibration_error"] <= 1
    assert result["seconds"] > 0
    assert "10 drawn digits" in output.err


def test_framing_and_a_picture_of_the_errors_as_the_options_ask(capsys, tmp_path):
    picture = tmp_path / "new" / "errors.png"
    options = ["--framing", "none", "--shift", "2,2", "--errors", str(picture), "--json"]
    main([str(EXAMPLES), *options])
    output = capsys.readouterr()
    result = json.loads(output.out)
    assert (result["framing"], result["accuracy"], result["blank"]) == ("none", 0.0, 10)
    assert "10 of 10 drawn digits misread: drawn in" in output.err
    assert picture.exists()


def test_the_table_for_people(capsys):
    main([str(EXAMPLES)])
    output = capsys.readouterr()
    assert len(output.out.splitlines()) == 17
    assert output.err == ""


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
        ([EXAMPLES, "--framing", "box"], "invalid choice: 'box'"),
        ([EXAMPLES, "--errors", tmp_path], "choose another place with --errors"),
        ([EXAMPLES, "--model", tmp_path / "none.npz"], "none.npz"),
    ]:
        done = run_command("app.replay", *arguments)
        assert done.returncode == 2, arguments
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert says in done.stderr


def test_a_bad_stroke_file_ends_with_status_2_and_one_line(tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"label": 3, "strokes": [[[0, 0]]]}\n{"label": 3}\n')
    for path, says in [(broken, "line 2: strokes missing"), (tmp_path / "none", "does not exist")]:
        done = run_command("app.replay", path, "--json")
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert says in done.stderr


def test_replay_needs_no_pygame():
    code = (
        "import sys, app.replay; sys.exit(any(name.startswith('pygame') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_what_would_be_refused_is_counted():
    digits = list(read_strokes(EXAMPLES))[:4]
    predictions = replay(Network(), digits, Setting(), lambda images: np.arange(len(images)) < 1)
    result = summary("stub", predictions, Setting())
    assert result["answered"] == 0.75
    assert "answered 75.00%" in table(result, predictions)
    assert summary("stub", replay(Network(), digits, Setting()), Setting())["answered"] is None
