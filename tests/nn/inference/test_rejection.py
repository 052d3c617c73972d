import json
import shutil

import numpy as np
import pytest

from app import rejections, replay
from app.drawing.canvas import Canvas
from app.drawing.strokes import frame_digits, read_strokes
from app.session.session import Session
from nn import train_rejection
from nn.data.dataset import load_folder
from nn.handwriting.framing import frame_strokes
from nn.handwriting.nondigits import (
    MEASURING_KINDS,
    TRAINING_KINDS,
    draw_measuring,
    draw_training,
)
from nn.handwriting.shapes import LETTERS
from nn.inference.checkpoint import load_arrays, save_arrays
from nn.inference.classifier import DEFAULT_MODEL, load_classifier
from nn.inference.rejection import (
    ARCHITECTURE,
    NONE,
    Rejection,
    is_block,
    is_level_line,
    load_rejection,
    log_odds_of_none,
    longer_side,
    save_rejection,
    shipped_path,
)
from nn.network.architectures import CLASSES, build
from nn.support.errors import CheckpointError, DataError, UsageError
from nn.training.learner import Learner
from tests.helpers.data_files import write_idx
from tests.helpers.paths import CASES, EXAMPLES


def fresh(threshold=0.5):
    model = build(ARCHITECTURE, np.random.default_rng(0), outputs=CLASSES + 1)
    return Rejection(ARCHITECTURE, model, threshold, {"command": "none"})


def test_doubt_is_the_logarithm_of_the_odds():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (5, 11))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(log_odds_of_none(logits), np.log(p[:, NONE] / (1 - p[:, NONE])))
    assert np.isfinite(log_odds_of_none(np.full((1, 11), 1000.0))).all()


def test_a_dot_and_blank_paper_are_never_a_digit():
    canvas = Canvas()
    canvas.begin("draw", 14, 14)
    canvas.extend(14.5, 14.2)
    canvas.end()
    images = np.stack([frame_strokes(canvas.strokes), np.zeros((28, 28), np.float32)])
    assert fresh(1e9).is_rejected(images).all()
    line = np.zeros((1, 28, 28), np.float32)
    line[0, 4:24, 14] = 1
    assert longer_side(line).tolist() == [20]
    assert np.isfinite(fresh().rejection_score(line)).all()


def drawn(*strokes):
    """What the window answers to strokes of (x, y) in cells: an `Answer`."""
    session = Session(load_classifier(DEFAULT_MODEL), no_digit=load_rejection().no_digit)
    for stroke in strokes:
        session.canvas.begin("draw", *stroke[0])
        for point in stroke[1:]:
            session.canvas.extend(*point)
        session.canvas.end()
    session.predict_now()
    return session.predictor.answer


def straight(degrees, length):
    """A line as a hand draws it, a little bent, so many degrees from level."""
    x, y = np.cos(np.radians(degrees)) * length / 2, np.sin(np.radians(degrees)) * length / 2
    return [(14 - x, 14 - y), (14 + y * 0.03, 14 - x * 0.03), (14 + x, 14 + y)]


@pytest.mark.parametrize("length", [5, 12, 22])
def test_a_line_that_lies_level_is_not_sure_and_an_upright_one_is_a_1(length):
    for degrees in (-35, -23, -12, 0, 8, 23, 145, 170):
        assert not drawn(straight(degrees, length)).is_sure, degrees
    for degrees in (-60, -75, 90, 75, 60):
        answer = drawn(straight(degrees, length))
        assert answer.is_sure, degrees
        assert answer.digit == 1


def test_what_is_wide_but_not_a_line_is_still_a_digit():
    flat_7 = [(3, 9), (25, 9), (16, 23)]
    wide_2 = [(4, 12), (9, 8), (16, 8), (20, 11), (14, 15), (4, 19), (14, 18), (24, 19)]
    for stroke, digit in ((flat_7, 7), (wide_2, 2)):
        answer = drawn(stroke)
        assert answer.is_sure
        assert answer.digit == digit


@pytest.mark.parametrize("radius", [5, 8, 12])
@pytest.mark.parametrize("shape", ["disc", "square"])
def test_a_filled_shape_is_not_sure(shape, radius):
    heights = np.arange(-radius, radius + 0.1, 1.5)
    halves = np.sqrt(radius**2 - heights**2) if shape == "disc" else np.full(len(heights), radius)
    there_and_back = np.where(np.arange(len(heights)) % 2, 1, -1)
    ends = [
        (14 + side * half * turn, 14 + height)
        for height, half, turn in zip(heights, halves, there_and_back, strict=True)
        for side in (1, -1)
    ]
    assert not drawn(ends).is_sure


def test_filled_shapes_are_blocks_and_strokes_are_not():
    y, x = np.mgrid[:28, :28] - 13.5
    shapes = [np.hypot(x, y) < 10, np.maximum(np.abs(x), np.abs(y)) < 10, np.hypot(x, y * 1.3) < 10]
    strokes = [(np.hypot(x, y) < 10) & (np.hypot(x, y) > 4), (np.abs(x) < 5) & (np.abs(y) < 10)]
    assert is_block(np.array(shapes, np.float32)).all()
    assert not is_block(np.array(strokes, np.float32)).any()


def test_replaying_a_dash_answers_nothing(capsys):
    replay.main([str(CASES / "dash-drawn.jsonl"), "--json"])
    assert json.loads(capsys.readouterr().out)["answered"] == 0


def test_shapes_that_are_no_digit_cost_no_digit(mnist_folder, data_folder):
    mnist = load_folder(mnist_folder)[0]
    digits = np.asarray(mnist.images, np.float32).reshape(-1, 28, 28)
    assert is_level_line(digits)[mnist.labels != 1].sum() <= 1
    assert not is_level_line(digits)[mnist.labels == 1].any()
    assert not is_block(digits).any()
    images, labels = frame_digits(list(read_strokes(data_folder / "strokes-dev.jsonl.gz")))
    assert is_level_line(images)[labels != 1].sum() <= 2
    assert not is_block(images).any()


def test_the_doubt_does_not_hang_on_the_batch():
    images = np.random.default_rng(0).random((70, 28, 28), np.float32)
    rejection = fresh()
    together = rejection.rejection_score(images)
    np.testing.assert_allclose(together[69:], rejection.rejection_score(images[69:]), rtol=1e-4)
    assert rejection.rejection_score(images[:0]).shape == (0,)


def test_saved_and_loaded_it_is_the_same(tmp_path):
    path = tmp_path / "x.refusal.npz"
    save_rejection(path, fresh(0.25))
    loaded = load_rejection(path)
    images = np.random.default_rng(0).random((3, 28, 28), np.float32)
    np.testing.assert_array_equal(loaded.rejection_score(images), fresh().rejection_score(images))
    assert loaded.threshold == 0.25
    assert loaded.record == {"command": "none"}


def test_weights_in_fortran_order_are_read(tmp_path):
    path = tmp_path / "x.refusal.npz"
    header, arrays = load_arrays(shipped_path())
    save_arrays(path, header, {key: np.asfortranarray(value) for key, value in arrays.items()})
    with np.load(path) as file:
        assert any(np.isfortran(file[key]) for key in arrays)
    expected = load_rejection().model.parameters
    np.testing.assert_array_equal(load_rejection(path).model.parameters, expected)


def test_another_file_is_refused_in_one_line(tmp_path):
    with pytest.raises(CheckpointError, match="expected a digitpad refusal"):
        load_rejection(shipped_path().with_name("mlp.npz"))
    path = tmp_path / "x.npz"
    save_rejection(path, fresh())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"expected a whole .* nn\.train_rejection$"):
        load_rejection(path)
    with pytest.raises(CheckpointError, match=r"no file .* nn\.train_rejection$"):
        load_rejection(tmp_path / "none.npz")


def test_what_is_measured_by_is_not_learned_from():
    assert not set(TRAINING_KINDS) & set(MEASURING_KINDS)
    assert not {"I", "O", "o", "S", "s", "Z"} & set(LETTERS)


@pytest.mark.parametrize("name", [*TRAINING_KINDS, *MEASURING_KINDS])
def test_every_kind_draws_framed_pictures_and_the_same_ones_again(name):
    draw = TRAINING_KINDS[name][1] if name in TRAINING_KINDS else MEASURING_KINDS[name]
    pictures = draw(7, np.random.default_rng(4))
    assert pictures.shape == (7, 28, 28)
    assert pictures.dtype == np.float32
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert pictures.reshape(7, -1).max(axis=1).min() > 0.5  # there is ink on each
    if name != "dots":
        assert longer_side(pictures).min() >= 16
    np.testing.assert_array_equal(pictures, draw(7, np.random.default_rng(4)))


def test_the_mixtures():
    for count in (0, 1, 110):
        assert draw_training(count, np.random.default_rng(0)).shape == (count, 28, 28)
    measuring = draw_measuring(3, np.random.default_rng(0))
    assert all(len(pictures) == 3 for pictures in measuring.values())


def test_the_threshold_answers_as_many_digits_as_asked():
    rejection_scores = np.random.default_rng(0).normal(size=1000)
    for part in (0.9, 0.98, 1.0):
        threshold = rejections.threshold_for(rejection_scores, part)
        assert np.mean(rejection_scores <= threshold) == part


def test_the_shipped_one_answers_the_examples_and_refuses_scrawl():
    shipped = load_rejection()
    images, _ = frame_digits(list(read_strokes(EXAMPLES)))
    assert not shipped.is_rejected(images).any()
    drawn = draw_measuring(30, np.random.default_rng(9))
    assert np.mean([shipped.is_rejected(pictures).mean() for pictures in drawn.values()]) >= 0.9


def test_the_command_measures_and_chooses(tmp_path, capsys):
    path = tmp_path / "x.refusal.npz"
    save_rejection(path, load_rejection())
    options = [str(EXAMPLES), "--refusal", str(path), "--each", "5", "--answer", "0.8"]
    rejections.main([*options, "--choose", "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result["digits"] == 10
    assert result["program"]["answered"] == pytest.approx(0.8)
    assert [row["answered"] for row in result["curve"]] == list(rejections.CURVE)
    parts = [row["refused"] for row in result["curve"]]
    assert parts == sorted(parts, reverse=True)
    chosen = load_rejection(path)
    assert chosen.threshold == result["threshold"]
    assert "--choose --answer 0.8" in chosen.record["threshold"]


def write_lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def as_nondigit(symbol, strokes, **more):
    return {"label": None, "symbol": symbol, "strokes": strokes, **more}


def test_the_command_measures_what_people_drew_that_is_no_digit(tmp_path, capsys):
    examples = [json.loads(line) for line in EXAMPLES.read_text().splitlines()]
    dash, one = [[[0, 0], [9, 0]]], [[[0, 0], [0, 9]]]
    rows = [as_nondigit("-", dash), as_nondigit("-", dash), as_nondigit("|", one, alike=True)]
    rows.append(as_nondigit("a \u0007", examples[3]["strokes"]))  # a 3 by another name
    path = write_lines(tmp_path / "non.jsonl", *rows)
    rejections.main([str(EXAMPLES), "--nondigits", path, "--each", "1", "--json"])
    output = capsys.readouterr()
    drawn = json.loads(output.out)["drawn_nondigits"]
    assert drawn["alike"] == {"count": 1, "refused": 0, "sure": 0}  # a bare line may be an l
    assert drawn["not_alike"] == {"count": 3, "refused": 2 / 3, "sure": 1 / 3}
    assert drawn["symbols"] == [
        {"symbol": "-", "alike": False, "count": 2, "refused": 1, "sure": 0},
        {"symbol": "a \u0007", "alike": False, "count": 1, "refused": 0, "sure": 1},
        {"symbol": "|", "alike": True, "count": 1, "refused": 0, "sure": 0},
    ]
    assert "a ? " in output.err
    assert "\u0007" not in output.err


def test_the_command_measures_sure_answers_to_half_drawn_digits(tmp_path, capsys):
    # An 8 whose right half is drawn first: then it is, by itself, a sure 3.
    (right,) = json.loads(EXAMPLES.read_text().splitlines()[3])["strokes"]
    middle = min(x for x, _ in right) + 20
    left = [[2 * middle - x, y] for x, y in right]
    eight = {"label": 8, "strokes": [right, left]}
    one = {"label": 1, "strokes": [[[0, 0], [2, 60], [0, 100]]]}  # a bare line is never sure
    path = write_lines(tmp_path / "digits.jsonl", eight, one)
    rejections.main([path, "--half-drawn", "--each", "1", "--json"])
    output = capsys.readouterr()
    half_drawn = json.loads(output.out)["half_drawn"]
    alone = half_drawn["picture_alone"]
    for measured in (half_drawn, alone):
        assert [row["ink"] for row in measured["parts"]] == [0.25, 0.5, 0.75]
    assert alone["parts"][0] == {"ink": 0.25, "sure": 0, "taken_back": 0}
    assert alone["parts"][1] == {"ink": 0.5, "sure": 1, "taken_back": 1}
    assert alone["share"] == alone["taken_back"] / alone["sure"]
    assert alone["calibration_error"] > 0
    assert half_drawn["calibration_error"] > 0
    # With the pen down, the window is not sure of a 3.
    assert half_drawn["parts"][1] == {"ink": 0.5, "sure": 0, "taken_back": 0}
    assert (half_drawn["sure"], half_drawn["taken_back"]) == (0, 0)
    assert half_drawn["share"] is None
    # Lifted behind the 3, the pen leaves a sure one.
    assert half_drawn["stroke_ends"] == {"count": 1, "sure": 1, "taken_back": 1, "share": 1}
    assert "no answer is sure" in output.err


def test_of_half_drawn_dashes_none_is_answered_and_the_pen_is_lifted_once(tmp_path, capsys):
    path = write_lines(tmp_path / "one.jsonl", {"label": 1, "strokes": [[[0, 0], [90, 2]]]})
    rejections.main([path, "--half-drawn", "--each", "1", "--json"])
    half_drawn = json.loads(capsys.readouterr().out)["half_drawn"]
    for measured in (half_drawn, half_drawn["picture_alone"]):
        assert (measured["sure"], measured["share"], measured["calibration_error"]) == (
            0,
            None,
            None,
        )
    assert half_drawn["stroke_ends"] == {"count": 0, "sure": 0, "taken_back": 0, "share": None}


def test_a_threshold_chosen_by_several_files_answers_each(tmp_path, capsys):
    path, examples = tmp_path / "x.refusal.npz", EXAMPLES.read_text().splitlines()
    save_rejection(path, load_rejection())
    letter_h = [[[0, 0], [0, 9]], [[0, 5], [7, 5]], [[7, 0], [7, 9]]]
    letter_e = [[[7, 0], [0, 0], [0, 9], [7, 9]], [[0, 4], [6, 4]]]
    letters = [{"label": 1, "strokes": strokes} for strokes in (letter_h, letter_e)]
    odd = write_lines(tmp_path / "odd.jsonl", *map(json.loads, examples[:3]), *letters)
    options = ["--refusal", str(path), "--each", "1", "--answer", "0.8", "--json"]
    alone = []
    for file in (EXAMPLES, odd):
        rejections.main([str(file), *options])
        alone.append(json.loads(capsys.readouterr().out))
    assert alone[0]["threshold"] != alone[1]["threshold"]
    rejections.main([str(EXAMPLES), odd, *options, "--choose"])
    result = json.loads(capsys.readouterr().out)
    assert result["digits"] == 15
    assert result["threshold"] == max(one["threshold"] for one in alone)
    assert [row["digits"] for row in result["files"]] == [10, 5]
    assert min(row["answered"] for row in result["files"]) == pytest.approx(0.8)
    assert load_rejection(path).threshold == result["threshold"]
    assert "example-strokes.jsonl odd.jsonl --choose" in load_rejection(path).record["threshold"]


def test_where_the_threshold_cannot_be_written_nothing_is_measured(tmp_path, monkeypatch):
    def refuse(**given):
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "x.refusal.npz"
    save_rejection(path, load_rejection())
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr(rejections, "read_strokes", lambda *_: pytest.fail("it began"))
    with pytest.raises(UsageError, match="choose another place with --refusal"):
        rejections.main([str(EXAMPLES), "--refusal", str(path), "--choose"])


def test_a_digit_that_is_a_dot_has_no_finite_doubt(tmp_path, capsys):
    strokes, path = tmp_path / "dot.jsonl", tmp_path / "x.refusal.npz"
    strokes.write_text(EXAMPLES.read_text() + '{"label": 1, "strokes": [[[3, 3]]]}\n')
    save_rejection(path, load_rejection())
    before = path.read_bytes()
    options = [str(strokes), "--refusal", str(path), "--each", "2", "--json"]
    rejections.main(options)
    output = capsys.readouterr()
    result = json.loads(output.out, parse_constant=pytest.fail)
    assert result["threshold"] is None
    assert result["refused"] == 0
    assert result["curve"][0]["refused"] > 0  # 90 % of eleven are ten
    assert "(however doubtful)" in output.err
    with pytest.raises(DataError, match=r"expected 98\.0% .* received 90\.9%; .* --answer"):
        rejections.main([*options, "--choose"])
    assert path.read_bytes() == before
    rejections.main([*options, "--choose", "--answer", "0.9"])
    assert np.isfinite(load_rejection(path).threshold)


def test_what_it_learns_from_does_not_depend_on_the_threads(small_mnist):
    digits = load_folder(small_mnist)[0]
    one, two = (
        train_rejection.make_data(digits, 1100, 1200, np.random.default_rng(3), threads)
        for threads in (1, 2)
    )
    np.testing.assert_array_equal(one.images, two.images)
    real = len(digits.labels)
    assert len(one.labels) == real + 2300
    assert set(one.labels[real : real + 1100]) == set(range(10))
    assert set(one.labels[real + 1100 :]) == {NONE}
    assert one.images.reshape(len(one.labels), -1).max(axis=1).min() > 0.5


def test_training_learns_and_writes_its_command(tmp_path, small_mnist, capsys):
    output = tmp_path / "x.refusal.npz"
    options = ["--epochs", "1", "--written", "100", "--nondigits", "1000", "--threads", "1"]
    train_rejection.main(
        [*options, "--data-dir", str(small_mnist), "--output", str(output), "--json"]
    )
    result = json.loads(capsys.readouterr().out)
    loaded = load_rejection(output)
    assert result["threshold"] == loaded.threshold
    assert loaded.record["command"].startswith("python -m nn.train_rejection --epochs 1")


def test_ctrl_c_leaves_the_old_file(tmp_path, small_mnist, monkeypatch):
    def interrupted(learner, *_):
        raise KeyboardInterrupt

    output = tmp_path / "x.refusal.npz"
    output.write_bytes(b"the old file")
    monkeypatch.setattr(Learner, "_step", interrupted)
    options = ["--epochs", "1", "--written", "100", "--nondigits", "1000"]
    with pytest.raises(KeyboardInterrupt):
        train_rejection.main([*options, "--data-dir", str(small_mnist), "--output", str(output)])
    assert output.read_bytes() == b"the old file"


def write_training(folder, small_mnist, count, inked):
    """A copy of the small MNIST with so many training images, the last of them `inked`."""
    shutil.copytree(small_mnist, folder)
    images = np.zeros((count, 28, 28), np.uint8)
    images[count - inked :, 4:24, 12:16] = 255
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"):
        (folder / name).unlink()
    write_idx(folder / "train-images-idx3-ubyte.gz", images)
    write_idx(folder / "train-labels-idx1-ubyte", np.arange(count) % 10)


@pytest.mark.parametrize(("count", "inked", "aside"), [(10, 10, 0), (100, 0, 5)])
def test_a_training_with_nothing_to_set_its_threshold_by_does_not_begin(
    tmp_path, small_mnist, monkeypatch, count, inked, aside
):
    write_training(tmp_path / "data", small_mnist, count, inked)
    monkeypatch.setattr(train_rejection, "make_data", lambda *_: pytest.fail("it began"))
    options = ["--data-dir", str(tmp_path / "data"), "--output", str(tmp_path / "x.npz")]
    with pytest.raises(
        DataError, match=f"received {aside} kept aside of {count}, .*; use the whole"
    ):
        train_rejection.main(options)
    assert not (tmp_path / "x.npz").exists()


def test_blank_images_have_no_say_in_the_threshold(tmp_path, small_mnist, capsys):
    write_training(tmp_path / "data", small_mnist, 200, 100)
    options = ["--epochs", "1", "--written", "0", "--nondigits", "1000", "--threads", "1"]
    options += ["--data-dir", str(tmp_path / "data"), "--output", str(tmp_path / "x.npz")]
    train_rejection.main([*options, "--json"])
    assert np.isfinite(json.loads(capsys.readouterr().out)["threshold"])


@pytest.mark.parametrize(
    "architecture",
    [None, {}, [["Linear", 784, 11], []], [["Linear", 784, 11], {"ReLU": 1}], ["X"]],
)
def test_a_hostile_architecture_is_refused_in_one_line(tmp_path, architecture):
    path = tmp_path / "x.npz"
    header = {"format": "digitpad refusal", "threshold": 0.5, "record": {}}
    save_arrays(path, {**header, "architecture": architecture}, {})
    with pytest.raises(CheckpointError, match="do not fit"):
        load_rejection(path)
