import json
from pathlib import Path

import numpy as np
import pygame
import pytest

from app.drawing.canvas import Canvas
from app.drawing.drawings import load_drawing
from app.predict import line, main
from app.session.predictor import Answer
from nn.handwriting import brush
from nn.inference.classifier import DEFAULT_MODEL, load_classifier
from nn.inference.rejection import Rejection
from nn.support.errors import DataError
from tests.app.drawing.test_pictures import save
from tests.helpers.commands import run_command
from tests.helpers.paths import CASES


@pytest.fixture
def one(tmp_path):
    """A picture of a 1, black on white."""
    ink = np.zeros((120, 100), np.float32)
    brush.draw_polyline(ink, [(52, 15), (47, 105)], 5)
    pixels = np.repeat((255 * (1 - ink)).astype(np.uint8)[:, :, None], 3, axis=2)
    path = tmp_path / "one.png"
    pygame.image.save(pygame.image.frombuffer(pixels.tobytes(), (100, 120), "RGB"), str(path))
    return path


def test_the_likeliest_digits_are_named_in_order():
    probabilities = [0.0] * 10
    probabilities[7], probabilities[1], probabilities[4] = 0.9, 0.096, 0.004
    answer = Answer(tuple(probabilities))
    assert line(Path("a.jpg"), answer) == "a.jpg: 7   (7 90.0%, 1 9.6%)"


def test_what_might_be_no_digit_is_shown_as_less_sure(one, capsys, monkeypatch):
    def confidence(likely):
        monkeypatch.setattr(Rejection, "no_digit", lambda *_: np.array([likely]))
        main([str(one), "--json"])
        return json.loads(capsys.readouterr().out)["images"][0]["probability"]

    assert confidence(0.1) == pytest.approx(0.9 * confidence(0.0) + 0.01)


def test_what_is_unlike_any_digit_is_not_also_shown_as_sure():
    sure, torn = (0.98, 0.02, *[0.0] * 8), (0.4, 0.35, 0.25, *[0.0] * 7)
    for probabilities, is_digit, expected in [
        (sure, False, "unlike any digit, perhaps 0"),
        (torn, True, "not sure, perhaps 0   (0 40.0%, 1 35.0%, 2 25.0%)"),
        (torn, False, "unlike any digit, perhaps 0"),
    ]:
        assert line(Path("a.jpg"), Answer(probabilities, is_digit)) == f"a.jpg: {expected}"


def test_json_is_one_object_and_all_there_is_on_standard_output(one, capsys):
    main([str(one), str(one), "--json"])
    output = capsys.readouterr()
    result = json.loads(output.out)
    assert list(result) == ["model", "images", "errors"]
    assert result["model"] == DEFAULT_MODEL
    assert result["errors"] == []
    first, second = result["images"]
    assert first == second
    assert first["file"] == str(one)
    assert first["digit"] == 1
    assert len(first["probabilities"]) == 10
    assert first["probability"] == max(first["probabilities"]) == first["probabilities"][1]
    assert sum(first["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert output.err.count("\n") == 2


def test_a_line_for_each_picture(one, capsys):
    main([str(one), str(one)])
    output = capsys.readouterr()
    assert output.out.count(f"{one}: 1   (1 ") == 2
    assert output.err == ""


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_picture_that_lies_on_its_side_is_read_upright_however_it_is_opened(kind, capsys):
    path = CASES / f"exif-orientation-6-of-4.{kind}"
    main([str(path)])
    assert f"{path}: 4   (4 " in capsys.readouterr().out
    canvas = Canvas()
    load_drawing(path, canvas)  # dropped on the window
    assert load_classifier(DEFAULT_MODEL).probabilities(canvas.framing().image[None]).argmax() == 4


def test_a_dash_and_filled_shapes_are_not_sure(tmp_path, capsys):
    y, x = np.mgrid[:150, :150] - 75.0
    shapes = {
        "disc": np.hypot(x, y) < 50,
        "small disc": np.hypot(x, y) < 9,
        "square": np.maximum(np.abs(x), np.abs(y)) < 40,
        "bar": (np.abs(x) < 60) & (np.abs(y + x * 0.2) < 5),
        "oval": np.hypot(x, y * 1.3) < 60,
    }
    paths = [save(tmp_path / f"{name}.png", 1.0 - shape) for name, shape in shapes.items()]
    paths.append(CASES / "dash.png")
    main(list(map(str, paths)))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(paths)
    for path, text in zip(paths, lines, strict=True):
        assert text.startswith(f"{path}: unlike any digit, perhaps ")


def page(*strokes, size=(200, 400)):
    """A picture (H, W) of strokes of (x, y), dark on white."""
    ink = np.zeros(size, np.float32)
    for stroke in strokes:
        brush.draw_polyline(ink, stroke, 4)
    return 1 - ink


FIVE = [[(60, 40), (110, 40)], [(55, 60), (55, 95), (95, 90), (110, 120), (90, 155), (50, 150)]]
SEVEN = [[(300, 45), (350, 45), (320, 150)]]


@pytest.mark.parametrize("one", [[[(320, 50), (315, 150)]], SEVEN])
def test_of_two_digits_that_stand_apart_none_is_read(one, tmp_path, capsys):
    apart = save(tmp_path / "apart.png", page(*FIVE, *one))
    for path in (apart, CASES / "two-digits-2-8-far-apart.jpg"):
        with pytest.raises(SystemExit, match="2"):
            main([str(path)])
        output = capsys.readouterr()
        assert output.out == ""
        (said,) = output.err.splitlines()
        assert said.startswith(f"app.predict: {path}: expected one digit, received two or more")
        assert "cut out" in said
        canvas = Canvas()
        canvas.draw_strokes([[(5.0, 5.0), (9.0, 20.0)]])
        before = canvas.ink.copy()
        with pytest.raises(DataError, match="received two or more"):
            load_drawing(path, canvas)
        np.testing.assert_array_equal(canvas.ink, before)


def test_dirt_a_shadow_and_a_gap_in_the_digit_are_no_second_digit(tmp_path, capsys):
    dirt = page(*FIVE, [(300, 60), (306, 64)], [(340, 160), (330, 150)], [(380, 20), (380, 22)])
    shadow = page(*FIVE) * np.where(np.arange(400) > 370, 0.5, 1)
    broken = page(*SEVEN, [(310, 95), (350, 95)])
    broken[70:80] = 1
    for grey, digit in ((dirt, 5), (shadow, 5), (broken, 7)):
        path = save(tmp_path / "a.png", grey)
        main([str(path)])
        assert capsys.readouterr().out.startswith(f"{path}: {digit}   (")


def test_a_bad_picture_does_not_keep_the_others_from_being_read(one, tmp_path, capsys):
    bad, none = tmp_path / "text.png", tmp_path / "none.png"
    bad.write_text("text")
    with pytest.raises(SystemExit, match="2"):
        main([str(bad), str(one), str(none), str(one)])
    output = capsys.readouterr()
    assert output.out.count(f"{one}: 1") == 2
    first, second = output.err.splitlines()
    assert first.startswith(f"app.predict: cannot read {bad}: it is not a picture")
    reason = "No such file or directory; expected a picture file"
    assert second == f"app.predict: cannot read {none}: {reason}"
    with pytest.raises(SystemExit, match="2"):
        main([str(bad), str(one), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert [image["file"] for image in result["images"]] == [str(one)]
    assert [error["file"] for error in result["errors"]] == [str(bad)]


def test_wrong_use_and_bad_input_end_with_status_2_and_one_line(one, tmp_path):
    blank = tmp_path / "blank.png"
    pygame.image.save(pygame.Surface((30, 30), depth=32), str(blank))
    short = tmp_path / "short.png"
    short.write_bytes(one.read_bytes()[:300])
    for arguments, says in [
        ([], "required: IMAGE"),
        ([tmp_path, "--json"], "Is a directory; expected a picture file"),
        ([blank, "--json"], "no digit found"),
        ([short], "expected a whole PNG"),
        ([one, "--model", tmp_path / "none.npz"], "none.npz"),
    ]:
        done = run_command("app.predict", *arguments)
        assert done.returncode == 2, arguments
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1, done.stderr
        assert says in done.stderr
