import contextlib
import functools
import json

import numpy as np
import pytest

from app.drawing import pictures
from app.drawing.pictures import ink_of
from app.drawing.pixels import parts
from app.drawing.ruling import without_ruling
from app.predict import main
from nn.handwriting import brush
from nn.handwriting.framing import frame, frame_lines
from nn.inference.classifier import DEFAULT_MODEL, load_classifier
from tests.app.drawing.test_pictures import save, written
from tests.app.test_predict import CASES
from tests.helpers import paper

SIZES = (300, 300, 420, 700)  # pixels


def tight(points, size=200, width=12, margin=0):
    """The ink (H, W) of one stroke, cut out with so many pixels about it."""
    ink = np.zeros((size, size), np.float32)
    brush.draw_polyline(ink, points, width / 2)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return np.pad(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], margin)


STROKES = {
    1: [(100, 20), (100, 180)],
    4: [(120, 20), (40, 120), (150, 120), (120, 120), (120, 20), (120, 180)],
    5: [(140, 20), (60, 20), (60, 90), (120, 90), (140, 130), (120, 170), (60, 175)],
    7: [(50, 20), (150, 20), (90, 180)],
    0: [(60, 20), (140, 20), (140, 180), (60, 180), (60, 20)],
    8: [(60, 20), (140, 20), (140, 180), (60, 180), (60, 20), (60, 100), (140, 100)],
    9: [(140, 100), (60, 100), (60, 20), (140, 20), (140, 180), (60, 180)],
}


def read(sheets, folder, capsys):
    """What the command answers to pictures (H, W): for each its image in the JSON, or None."""
    # BMP, since packing them as PNG would take as long as reading them.
    paths = [str(save(folder / f"{n}.bmp", grey)) for n, grey in enumerate(sheets)]
    with contextlib.suppress(SystemExit):  # where there is no digit in one
        main([*paths, "--json"])
    found = {image["file"]: image for image in json.loads(capsys.readouterr().out)["images"]}
    return [found.get(path) for path in paths]


@functools.cache
def unmistakable(seed):
    """Each digit once, label, starts and ends, none of which looks like another (a 1 like a 7)."""
    network, found = load_classifier(DEFAULT_MODEL), {}
    for label, starts, ends in written(60, seed):
        image = frame_lines(starts[None], ends[None], np.array([1.25]))
        if network.probabilities(image)[0, label] > 0.99:
            found.setdefault(label, (label, starts, ends))
    assert len(found) == 10
    return list(found.values())


def is_sure(answer):
    return answer is not None and answer["is_digit"] and answer["probability"] >= 0.5


@pytest.mark.parametrize("spacing", [5, 10])
@pytest.mark.parametrize("ruling", paper.RULINGS)
def test_digits_on_printed_paper_are_read_or_not_sure(ruling, spacing, tmp_path, capsys):
    rng = np.random.default_rng(spacing)
    digits, sheets = unmistakable(spacing), []
    for number, (_, starts, ends) in enumerate(digits):
        sheet = paper.any_sheet(rng, ruling, spacing, SIZES[number // 3 % 4])
        sheets.append(paper.picture(sheet, starts, ends, rng))
    answers = read(sheets, tmp_path, capsys)
    sure = [answer["digit"] if is_sure(answer) else None for answer in answers]
    read_right = 0
    for (label, _, _), digit in zip(digits, sure, strict=True):
        assert digit in (label, None)
        read_right += digit == label
    assert read_right >= 8


@pytest.mark.parametrize("ruling", ["graph", "ruled"])
def test_a_large_scan_of_printed_paper_is_read(ruling, tmp_path, capsys):
    rng = np.random.default_rng(3)
    label, starts, ends = list(written(6, 2))[5]
    sheet = paper.any_sheet(rng, ruling, 5, 2000)
    (answer,) = read([paper.picture(sheet, starts, ends, rng)], tmp_path, capsys)
    assert is_sure(answer)
    assert answer["digit"] == label


def test_pencil_on_graph_paper_is_read(capsys):
    main([str(CASES / "graph-paper-pencil-4-300px.png")])
    assert ": 4   (4 " in capsys.readouterr().out


def test_printed_paper_without_a_digit_is_not_sure(tmp_path, capsys):
    rng = np.random.default_rng(8)
    nothing = np.zeros((0, 2))
    sheets = [
        paper.picture(paper.any_sheet(rng, ruling, spacing, 300), nothing, nothing, rng)
        for ruling in paper.RULINGS
        for spacing in (5, 10, 5, 10)
    ]
    one = 1 - tight(STROKES[1], margin=30)  # so that there is something to answer
    *answers, last = read([*sheets, one], tmp_path, capsys)
    assert is_sure(last)
    assert not any(map(is_sure, answers))


@pytest.mark.parametrize("margin", [0, 3, 20, 60])
@pytest.mark.parametrize("digit", STROKES)
def test_the_strokes_of_a_digit_are_not_ruling(digit, margin):
    ink = tight(STROKES[digit], margin=margin)
    np.testing.assert_array_equal(without_ruling(ink), ink)


def test_digits_on_plain_paper_are_left_alone():
    rng = np.random.default_rng(0)
    for _, starts, ends in written(40, 6):
        sheet = paper.unprinted(paper.any_sheet(rng, "ruled", 10, 256))
        picture = paper.picture(sheet, starts, ends, rng).astype(np.float32)
        ink = pictures._darkness(picture)  # without light and shadow
        ink = np.where(ink > 0.4 * sheet.ink, ink, 0)
        np.testing.assert_array_equal(without_ruling(ink), ink)


@pytest.mark.parametrize("lean", [0, 30, -70])
def test_a_stroke_that_lines_cross_stays_whole(lean):
    stroke = tight([(100 + lean, 30), (100 - lean, 170)], margin=60)
    lined = stroke.copy()
    lined[7::17] = np.maximum(lined[7::17], 0.7)
    lined[8::17] = np.maximum(lined[8::17], 0.7)
    cleared = without_ruling(lined)
    assert parts(cleared > 0.3)[1] == 1
    assert np.abs(cleared - stroke).mean() < 0.1 * stroke.mean()


def test_thickening_fills_no_hole():
    angle = np.linspace(0, 2 * np.pi, 60)
    rings = []
    for x, y, radius in ((50, 35, 22), (60, 120, 45)):
        ink = np.zeros((200, 120), np.float32)
        brush.draw_polyline(
            ink, np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1), 1
        )
        rings.append(ink)
    small = np.zeros((200, 120), np.float32)
    brush.draw_polyline(
        small, np.stack([60 + 10 * np.cos(angle), 30 + 10 * np.sin(angle)], axis=1), 1
    )
    brush.draw_polyline(small, [(60, 40), (60, 190)], 1)
    for ink in (*rings, small):
        image = frame(ink_of(1 - ink))
        assert parts(image < 0.5)[1] == 2, image.round(1)


def test_the_network_still_reads_thin_digits_with_holes():
    network = load_classifier(DEFAULT_MODEL)
    digits = [
        (label, starts, ends) for label, starts, ends in written(40, 9) if label in (0, 6, 8, 9)
    ]
    rng = np.random.default_rng(1)
    images = []
    for _, starts, ends in digits:
        sheet = paper.unprinted(paper.any_sheet(rng, "ruled", 5, 400))
        images.append(frame(ink_of(paper.picture(sheet, starts, ends, rng).astype(np.float32))))
    guesses = network.probabilities(np.array(images)).argmax(axis=1)
    assert (guesses == [label for label, _, _ in digits]).mean() >= 0.9
