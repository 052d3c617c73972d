from dataclasses import replace

import numpy as np
import pytest

from nn.handwriting import augmentation
from nn.handwriting import framing as images
from nn.handwriting.augmentation import Variation
from nn.handwriting.framing import Stroke

ZERO = [(14 + 6 * np.cos(a), 14 + 9 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 40)]
NOTHING = Variation(0, 0, 0, 0, 0, 0, 0, 0, 0)


class TestVary:
    @pytest.fixture
    def fields(self):
        return augmentation.displacement_fields(np.random.default_rng(0), count=16)

    @pytest.fixture
    def pictures(self):
        return np.repeat(images.frame_strokes([Stroke(ZERO, 1.2)])[None], 40, axis=0)

    def test_no_variation_is_the_same_picture(self, fields, pictures):
        same = augmentation.vary(pictures, fields, np.random.default_rng(1), NOTHING)
        np.testing.assert_allclose(same, pictures, atol=1e-5)

    def test_same_seed_same_pictures_and_nothing_overwritten(self, fields, pictures):
        before, fields_before = pictures.copy(), fields.copy()
        one = augmentation.vary(pictures, fields, np.random.default_rng(7))
        two = augmentation.vary(pictures, fields, np.random.default_rng(7))
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(pictures, before)
        np.testing.assert_array_equal(fields, fields_before)
        assert one.shape == pictures.shape
        assert one.dtype == np.float32
        assert one.min() >= 0
        assert one.max() <= 1
        assert np.abs(one[0] - one[1]).max() > 0.3

    def test_how_much_is_varied_may_change_between_two_batches(self, pictures):
        batch, rng = pictures.reshape(40, 784), np.random.default_rng(3)
        varied = augmentation.Varied(np.random.default_rng(0), 0.0)
        assert varied(batch, rng) is batch
        assert rng.random() == np.random.default_rng(3).random()  # nothing was drawn
        changes = []
        for varied.strength in (0.5, 1.0, 2.0):
            changes.append(np.abs(varied(batch, np.random.default_rng(3)) - batch).mean())
        assert 0 < changes[0] < changes[1] < changes[2]
        usual = augmentation.Varied(np.random.default_rng(0))(batch, np.random.default_rng(3))
        fields = augmentation.displacement_fields(np.random.default_rng(0))
        expected = augmentation.vary(pictures, fields, np.random.default_rng(3))
        np.testing.assert_array_equal(usual.reshape(expected.shape), expected)

    def test_paper_stays_paper(self, fields):
        blank = np.zeros((5, 28, 28), np.float32)
        assert not augmentation.vary(blank, fields, np.random.default_rng(0)).any()

    def test_grid_turns_shears_and_shifts_about_the_middle(self, fields):
        rng = np.random.default_rng(3)
        x, y = augmentation._varied_grid(np.ones(1), fields, rng, replace(NOTHING, rotation=90.0))
        grid = np.stack([x, y]).reshape(2, 28, 28) - 13.5
        np.testing.assert_allclose(
            np.hypot(*grid), np.hypot(*(np.mgrid[:28, :28] - 13.5)), atol=1e-4
        )

    def test_bilinear_sampling_against_the_slow_way(self):
        rng = np.random.default_rng(0)
        pictures = rng.random((3, 28, 28), dtype=np.float32)
        x, y = rng.uniform(-4, 32, (2, 3, 784)).astype(np.float32)
        # The weight of every pixel for every place, instead of those of its four neighbours.
        wx, wy = (np.maximum(1 - abs(at[:, :, None] - np.arange(28)), 0) for at in (x, y))
        expected = np.einsum("nki,nkj,nij->nk", wy, wx, pictures, dtype=np.float64)
        found = augmentation._sample(pictures, x.copy(), y.copy()).reshape(3, 784)
        np.testing.assert_allclose(found, expected, atol=1e-4)

    def test_thicken_grows_and_shrinks(self, pictures):
        ink = pictures[0].sum()
        assert augmentation.thicken(pictures[:1], np.array([0.5])).sum() > 1.1 * ink
        assert augmentation.thicken(pictures[:1], np.array([-0.5])).sum() < 0.9 * ink
        np.testing.assert_array_equal(augmentation.thicken(pictures[:1], np.zeros(1)), pictures[:1])

    def test_displacements_are_smooth_and_of_unit_size(self, fields):
        assert fields.shape == (16, 2, 784)
        np.testing.assert_allclose(np.sqrt(np.mean(fields**2)), 1, rtol=1e-4)
        steps = np.diff(fields.reshape(16, 2, 28, 28), axis=3)
        assert np.sqrt(np.mean(steps**2)) < 0.3
