import json
import math

import numpy as np
import pytest

from app.drawing.canvas import BRUSH_SIZES, ERASE_RADIUS, Canvas
from app.drawing.drawings import MAX_PATH, load_drawing, save_drawing
from app.drawing.strokes import MAX_POINTS, fit
from nn.support.errors import DataError
from nn.support.files import write_atomically
from tests.helpers.memory import peak_below

STROKES = [[[4, 4], [20, 20]]]
LINE = [[5.0, 5.0], [5.0, 20.0]]


@pytest.fixture
def shown(tmp_path):
    """What is on the canvas after a drawing with these marks is opened, and what `load` said."""

    def show(strokes, lines=STROKES):
        path = tmp_path / "a.jsonl"
        path.write_text(json.dumps({"label": 3, "strokes": lines, "marks": strokes}) + "\n")
        canvas = Canvas()
        return canvas, load_drawing(path, canvas)

    return show


def test_a_drawing_that_the_program_saved_has_its_marks(shown):
    canvas, label = shown([["draw", 1.1, LINE], ["erase", 2.2, [[5, 12]]]])
    assert [mark.kind for mark in canvas.strokes] == ["draw", "erase"]
    assert label is None


@pytest.mark.parametrize(
    "strokes",
    [
        None,
        [],
        {"draw": 1},
        [["draw", 1.1]],
        [["draw", 1.1, []]],
        [["burn", 1.1, LINE]],
        [[["draw"], 1.1, LINE]],
        [["draw", 1.1, LINE], ["erase", 28, LINE]],
        [["draw", 0.1, LINE]],
        *([["draw", radius, LINE]] for radius in (True, "1.1", None, 10**400)),
        *(
            [["draw", 1.1, [[5, 5], [5, far]]]]
            for far in (1e300, -1e300, "7", True, None, 10**400, [5])
        ),
        [["draw", 1.1, [[5, 5, 5]]]],
        [["draw", 1.1, [[1000 * (-1) ** i, 5] for i in range(100)]]],
        [["draw", 1.1, [[i % 28, 5] for i in range(MAX_POINTS + 1)]]],
    ],
)
def test_of_marks_that_no_canvas_made_only_the_strokes_are_shown(shown, strokes):
    canvas, label = shown(strokes)
    assert label == 3
    assert len(canvas.strokes) == 1
    assert canvas.strokes[0].points[0] == pytest.approx((4.2, 4.2))


def test_strokes_are_shown_as_a_pointer_would_have_drawn_them_and_drawn_once(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl"
    strokes = [*STROKES, [[4, 4], [4, 4]], [[8, 20], [9, 4], [20, 5]]]
    path.write_text(json.dumps({"label": 3, "strokes": strokes}) + "\n")
    drawn = Canvas()
    drawn.draw_strokes(fit(strokes))
    lines, extend = [], Canvas.extend
    monkeypatch.setattr(Canvas, "extend", lambda *given: (lines.append(given), extend(*given)))
    canvas = Canvas()
    assert load_drawing(path, canvas) == 3
    assert len(lines) == 7  # points
    np.testing.assert_array_equal(canvas.ink, drawn.ink)
    assert canvas.strokes == drawn.strokes


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_marks_that_are_not_json_are_refused(shown, number):
    with pytest.raises(DataError, match="is not a number in JSON"):
        shown([["draw", number, LINE]])


def test_marks_nested_too_deeply_are_refused(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"label": 3, "strokes": [[[1, 2]]], "marks": ' + "[" * 50_000)
    with pytest.raises(DataError, match="is n"):
        load_drawing(path, Canvas())


@pytest.mark.parametrize("kind", ["draw", "erase"])
def test_the_longest_drawing_that_is_taken_is_drawn_and_framed_in_little_memory(shown, kind):
    radius = ERASE_RADIUS * BRUSH_SIZES[-1]
    count = int(MAX_PATH / 40)
    zigzag = [[28.0 * (i % 2), 28.0 * (i // 2 % 2)] for i in range(count)]
    strokes = [["draw", 1.1, LINE], [kind, radius, zigzag]]
    with peak_below(200 << 20):
        canvas, label = shown(strokes)
        image = canvas.framing().image
    assert label is None
    assert np.isfinite(image).all()


def test_a_stroke_of_too_many_points_is_refused_and_a_long_one_drawn_in_little_memory(shown):
    with pytest.raises(DataError, match="expected at most 5,000 points, received 5,001"):
        shown([], [[[i, i * i % 7] for i in range(MAX_POINTS + 1)]])
    far = [[i * 7919 % 1009 * 0.9e9, i * 104729 % 1013 * 0.9e9] for i in range(700)]
    with peak_below(200 << 20):
        canvas, _ = shown([], [far])
        assert np.isfinite(canvas.framing().image).all()


def test_where_the_strokes_cannot_be_written_no_picture_stays(tmp_path, monkeypatch):
    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        "app.drawing.drawings.write_atomically",
        lambda path, write, *more: (
            full() if path.suffix == ".jsonl" else write_atomically(path, write, *more)
        ),
    )
    canvas = Canvas()
    canvas.draw_strokes([[(5, 5), (20, 20)]])
    with pytest.raises(DataError, match="No space left"):
        save_drawing(canvas, tmp_path, 3)
    assert list(tmp_path.iterdir()) == []


def test_a_drawing_too_long_to_be_opened_again_is_saved_as_a_picture(tmp_path):
    canvas = Canvas()
    canvas.begin("draw", 5, 5)
    for number in range(MAX_POINTS // 4):
        canvas.extend(5 + number % 2 * 18, 5 + number % 19)
    canvas.end()
    (picture,) = save_drawing(canvas, tmp_path, 3)
    assert picture.suffix == ".png"
    canvas.undo()
    canvas.draw_strokes([[(5, 5), (20, 20)]])
    assert [path.suffix for path in save_drawing(canvas, tmp_path, 3)] == [".png", ".jsonl"]
