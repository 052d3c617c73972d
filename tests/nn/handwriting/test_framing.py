import numpy as np
import pytest

from nn.data.idx import read_idx
from nn.handwriting import brush
from nn.handwriting import framing as images
from nn.handwriting.framing import Stroke

ZERO = [(14 + 6 * np.cos(a), 14 + 9 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 40)]


def ink_box(image: np.ndarray, faintest: float = images.FAINTEST_INK) -> tuple[int, int]:
    rows, columns = np.nonzero(image > faintest)
    return int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


def moved(points, scale=1.0, shift=(0.0, 0.0)):
    return (np.array(points) - 14) * scale + 14 + np.array(shift)


class TestFrameStrokes:
    def test_longer_side_and_centre_of_mass_are_mnists(self):
        framed = images.frame_strokes([Stroke(ZERO, 1.2)])
        assert framed.shape == (28, 28)
        assert framed.dtype == np.float32
        assert framed.min() == 0
        assert framed.max() == pytest.approx(1)
        width, height = ink_box(framed, 0.5)
        assert height in (19, 20)  # 20 cells long, and not at a whole cell
        assert width < 17
        np.testing.assert_allclose(images.centre_of_mass(framed[None])[0], images.CENTRE, atol=0.02)

    @pytest.mark.parametrize("scale", [0.3, 0.6, 1.4])
    @pytest.mark.parametrize("shift", [(0, 0), (-3.3, 2.1)])
    @pytest.mark.parametrize("radius", [0.4, 2.0])
    def test_size_place_and_brush_do_not_matter(self, scale, shift, radius):
        expected = images.frame_strokes([Stroke(ZERO, 1.2)])
        points = moved(ZERO, scale, np.array(shift) * (scale < 1))
        framed = images.frame_strokes([Stroke(points, radius)])
        np.testing.assert_allclose(framed, expected, atol=1e-4)

    def test_points_may_be_far_apart_or_close_together(self):
        ends = [(5.0, 4.0), (20.0, 25.0)]
        many = list(zip(np.linspace(5, 20, 99), np.linspace(4, 25, 99), strict=True))
        few = images.frame_strokes([Stroke(ends, 1)])
        np.testing.assert_allclose(images.frame_strokes([Stroke(many, 1)]), few, atol=1e-4)

    def test_nothing_drawn_is_blank(self):
        assert not images.frame_strokes([]).any()
        assert not images.frame_strokes([Stroke([], 1.0)]).any()
        assert not images.frame_strokes([Stroke(ZERO, 2.0, "erase")]).any()

    def test_dot_is_a_dot_in_the_middle(self):
        framed = images.frame_strokes([Stroke([(3.0, 22.0)], 1.2)])
        assert framed.max() > 0.9
        assert max(ink_box(framed)) <= 5
        np.testing.assert_allclose(images.centre_of_mass(framed[None])[0], images.CENTRE, atol=0.05)

    @pytest.mark.parametrize("end", [(3.0, 20.0), (20.0, 3.0)])
    def test_line_without_width(self, end):
        framed = images.frame_strokes([Stroke([(3.0, 3.0), end], 1.2)])
        assert sorted(ink_box(framed, 0.5))[1] in (19, 20)
        assert sorted(ink_box(framed))[0] <= 5

    def test_erased_ink_is_not_in_the_box(self):
        stray = Stroke([(25.0, 2.0), (27.0, 2.0)], 1.0)
        strokes = [Stroke(ZERO, 1.0), stray, Stroke([(24.0, 2.0), (28.0, 2.0)], 2.0, "erase")]
        np.testing.assert_allclose(
            images.frame_strokes(strokes), images.frame_strokes([Stroke(ZERO, 1.0)]), atol=0.05
        )

    def test_eraser_leaves_a_gap_as_wide_as_it_was(self):
        line = Stroke([(14.0, 4.0), (14.0, 24.0)], 1.0)
        framed = images.frame_strokes([line, Stroke([(4.0, 14.0), (24.0, 14.0)], 2.0, "erase")])
        column = framed[:, 13:15].mean(axis=1)
        gap = (column[5:-5] < 0.1).sum()
        assert 2 <= gap <= 4
        assert framed.sum() > 20

    def test_eraser_does_not_touch_what_is_drawn_later(self):
        eraser = Stroke(ZERO, 3.0, "erase")
        strokes = [Stroke([(1.0, 1.0), (2.0, 2.0)], 1.0), eraser, Stroke(ZERO, 1.0)]
        without = [strokes[0], strokes[2]]
        np.testing.assert_allclose(
            images.frame_strokes(strokes), images.frame_strokes(without), atol=1e-5
        )

    def test_everything_erased_is_blank(self):
        assert not images.frame_strokes([Stroke(ZERO, 1.0), Stroke(ZERO, 2.0, "erase")]).any()

    def test_what_an_eraser_takes_is_what_its_line_covers(self):
        rng = np.random.default_rng(3)
        for count in (1, 2, 7):
            points = rng.uniform(-10, 122, (count, 2))
            rubbed, expected = np.zeros((2, 112, 112), np.float32)
            images._rub(rubbed, points, 8.8)
            brush.draw_polyline(expected, points, 8.8)
            np.testing.assert_allclose(rubbed, expected, atol=1e-4)
            assert expected.any()

    def test_what_is_off_the_canvas_is_not_seen(self):
        seen = Stroke([(14.0, 4.0), (14.0, 20.0)], 1.0)
        outside = Stroke([(40.0, -5.0), (60.0, 3.0)], 1.0)
        np.testing.assert_array_equal(
            images.frame_strokes([seen, outside]), images.frame_strokes([seen])
        )
        runs_out = Stroke([(14.0, 4.0), (14.0, 500.0)], 1.0)
        stops = Stroke([(14.0, 4.0), (14.0, 28.5)], 1.0)
        np.testing.assert_allclose(
            images.frame_strokes([runs_out]), images.frame_strokes([stops]), atol=0.05
        )

    def test_arguments_are_not_changed(self):
        points = np.array(ZERO)
        images.frame_strokes([Stroke(points, 1.0), Stroke(points[:3], 1.0, "erase")])
        np.testing.assert_array_equal(points, ZERO)


class TestFrameLines:
    def test_agrees_with_frame_strokes(self):
        lines = [moved(ZERO), moved(ZERO, 0.5, (3, 0))]
        for line in lines:
            expected = images.frame_strokes([Stroke(line, 1.0)])
            found = images.frame_lines(
                line[None, :-1], line[None, 1:], np.full(1, images.PEN_RADIUS)
            )
            np.testing.assert_allclose(found[0], expected, atol=1e-3)

    def test_a_dot_works(self):
        dot = np.full((1, 1, 2), 3.0)
        assert images.frame_lines(dot, dot, np.ones(1)).max() > 0.7


class TestFrame:
    def test_framed_picture_stays_as_it_is(self):
        rng = np.random.default_rng(0)
        image = np.zeros((28, 28), np.float32)
        image[4:24, 8:20] = rng.uniform(0.1, 1, (20, 12))
        image = np.roll(
            image,
            np.round(images.CENTRE - images.centre_of_mass(image[None])[0])[::-1].astype(int),
            (0, 1),
        )
        np.testing.assert_allclose(images.frame(image), image, atol=1e-6)

    @pytest.mark.parametrize("size", [(28, 28), (64, 100), (280, 280)])
    def test_any_size_and_place(self, size):
        for shift in ((0, 0), (4, -3)):
            image = np.zeros(size, np.float32)
            points = [(x + shift[0], y + shift[1]) for x, y in ZERO]
            scale = min(size) / 28
            points = [(x * scale, y * scale) for x, y in points]
            brush.draw_polyline(image, points, 1.2 * scale)
            framed = images.frame(image)
            assert ink_box(framed)[1] == 20
            assert np.abs(images.centre_of_mass(framed[None])[0] - images.CENTRE).max() <= 0.51
            assert np.abs(framed - images.frame_strokes([Stroke(ZERO, 1.2)])).mean() < 0.08

    def test_blank_dot_and_line(self):
        assert not images.frame(np.zeros((28, 28))).any()
        assert not images.frame(np.zeros((5, 9))).any()
        dot = np.zeros((28, 28))
        dot[0, 27] = 1
        assert 0 < images.frame(dot).sum() < 64
        for line in (np.s_[3, 2:26], np.s_[2:26, 3]):
            image = np.zeros((28, 28))
            image[line] = 1
            assert max(ink_box(images.frame(image))) == 20

    @pytest.mark.parametrize(
        ("old", "new"), [(5, 20), (20, 20), (37, 20), (200, 7), (1, 3), (9, 1)]
    )
    def test_resampling_keeps_flat_ink_flat(self, old, new):
        weights = images._resampling(old, new)
        assert weights.shape == (new, old)
        np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
        if old == new:
            np.testing.assert_array_equal(weights, np.eye(old))


@pytest.fixture(scope="module")
def mnist(mnist_folder):
    pixels = read_idx(mnist_folder / "train-images-idx3-ubyte.gz")[:5000]
    return pixels / np.float32(255)


class TestAgainstMnist:
    def test_centre_is_mnists(self, mnist):
        np.testing.assert_allclose(
            images.centre_of_mass(mnist).mean(axis=0), images.CENTRE, atol=0.02
        )

    def test_framing_leaves_mnist_alone(self, mnist):
        framed = np.array([images.frame(image) for image in mnist[:1000]])
        assert (framed == mnist[:1000]).all(axis=(1, 2)).mean() > 0.97


def test_the_centre_of_mass_is_in_cells_and_of_blank_paper_the_middle():
    pictures = np.zeros((3, 28, 28), np.float32)
    pictures[0, 3, 10] = 1
    pictures[1, 5, [2, 4]] = 0.5, 1.5
    expected = [(10.5, 3.5), (4.0, 5.5), (14.0, 14.0)]
    np.testing.assert_allclose(images.centre_of_mass(pictures), expected)
