from functools import partial

import numpy as np
import pytest

from nn.handwriting import digits as handwriting
from nn.handwriting import framing as images
from nn.handwriting.digits import Jitter
from nn.handwriting.pen import POINTS_PER_BOX, line_matrix, parse_path
from nn.handwriting.styles import STYLES, Style

STILL = Jitter(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def plain(style, rng):
    return parse_path(style.path)


class TestStyles:
    def test_every_digit_has_styles(self):
        assert {style.digit for style in STYLES} == set(range(10))
        assert all(style.weight > 0 for style in STYLES)

    @pytest.mark.parametrize("style", STYLES, ids=lambda style: f"{style.digit}: {style.path}")
    def test_line_goes_through_every_point_of_the_path(self, style):
        for stroke in parse_path(style.path):
            control, basis = stroke.points, line_matrix(stroke)
            np.testing.assert_allclose(basis.sum(axis=1), 1)  # moving the points moves the line
            line = basis @ control
            distance = np.linalg.norm(line[None] - control[:, None], axis=2).min(axis=1)
            assert distance.max() < 1e-9
            steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
            assert steps.max() < 3 / POINTS_PER_BOX

    def test_corner_parts_the_curve(self):
        (round_line,) = parse_path("0,0 100,0 100,100")
        (corner,) = parse_path("0,0 100,0 > 100,100")
        assert np.ptp((line_matrix(corner) @ corner.points)[:, 0]) == 1  # straight to it, and on
        assert np.ptp((line_matrix(round_line) @ round_line.points)[:, 0]) > 1.01

    @pytest.mark.parametrize("path", ["0,0 > 10,10 > 20,0", "0,0 10,10 > 20,0 / 5,5 6,6"])
    def test_strokes_are_not_joined(self, path):
        style = Style(7, 1, path)
        starts, ends = handwriting.write_strokes(style, 2, np.random.default_rng(0), STILL)
        broken = (np.abs(starts[0, 1:] - ends[0, :-1]).max(axis=1) > 1e-9).sum()
        assert broken == path.count("/")


class TestWriteDigits:
    def test_shape_range_and_seed(self):
        labels = np.array([3, 1, 4, 1, 5, 9])
        one = handwriting.write_digits(labels, np.random.default_rng(0))
        two = handwriting.write_digits(labels, np.random.default_rng(0))
        np.testing.assert_array_equal(one, two)
        assert one.shape == (6, 28, 28)
        assert one.dtype == np.float32
        assert one.min() == 0
        assert one.max() <= 1
        assert np.abs(one[1] - one[3]).max() > 0.3

    def test_parts_of_digits_are_drawn_as_far_as_they_are_written(self):
        path = "0,0 0,100 / 0,100 300,100"  # down, then thrice as far to the right
        write = partial(
            handwriting.write_digits, styles=(Style(8, 1, path),), jitter=STILL, hand=plain
        )
        labels, parts = np.full(4, 8), np.array([0.1, 0.2, 0.6, 1])
        drawn = write(labels, np.random.default_rng(0), parts=parts) > 0.5
        high, wide = drawn.any(axis=2).sum(axis=1), drawn.any(axis=1).sum(axis=1)
        assert (high[:2] >= 19).all()
        assert (wide[:2] <= 4).all()
        assert (wide[2:] >= 19).all()
        assert high[2] > high[3] + 1  # the longer the foot, the smaller the stem is framed
        whole = write(labels, np.random.default_rng(0))
        np.testing.assert_array_equal(drawn[3], whole[3] > 0.5)

    def test_framed_like_mnist(self):
        pictures = handwriting.write_digits(np.arange(200) % 10, np.random.default_rng(1))
        centres = images.centre_of_mass(pictures)
        np.testing.assert_allclose(centres, np.tile(images.CENTRE, (200, 1)), atol=0.35)
        inked = pictures > 0.5
        longer = np.maximum(inked.any(axis=1).sum(axis=1), inked.any(axis=2).sum(axis=1))
        assert ((longer >= 19) & (longer <= 20)).mean() > 0.98

    def test_without_variation_it_is_the_style(self):
        style = Style(1, 1, "50,0 50,100")
        pictures = handwriting.write_digits(
            np.ones(3, int),
            np.random.default_rng(0),
            styles=(style,),
            jitter=STILL,
            hand=plain,
        )
        line = [images.Stroke([(0.0, 0.0), (0.0, 20.0)], 1.0)]
        for picture in pictures:
            np.testing.assert_allclose(picture, images.frame_strokes(line), atol=1e-3)

    def test_styles_are_chosen_by_weight(self):
        styles = (Style(0, 3, "0,0 1,1"), Style(0, 1, "1,1 2,2"), Style(1, 1, "0,0 0,1"))
        labels = np.zeros(4000, int)
        chosen = handwriting._choose_styles(labels, styles, np.random.default_rng(0))
        assert set(chosen) == {0, 1}
        assert 0.7 < (chosen == 0).mean() < 0.8

    def test_digit_without_style_is_an_error(self):
        with pytest.raises(ValueError, match="no style writes the digit 7"):
            handwriting.write_digits(np.array([7]), np.random.default_rng(0), STYLES[:1])

    def test_no_labels_no_pictures(self):
        assert handwriting.write_digits(np.array([], int), np.random.default_rng(0)).shape == (
            0,
            28,
            28,
        )
