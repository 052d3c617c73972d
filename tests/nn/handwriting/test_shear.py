import numpy as np
import pytest

from nn.handwriting.shear import sheared, views


@pytest.fixture
def images():
    return np.random.default_rng(2).random((5, 28, 28), dtype=np.float32)


def slow_shear(image, shear):
    result = np.zeros_like(image)
    for y, x in np.ndindex(image.shape):
        source = x + shear * (y - 13.5)
        for cell in range(28):
            result[y, x] += max(0.0, 1 - abs(cell - source)) * image[y, cell]
    return result


@pytest.mark.parametrize("shear", [0.15, -0.4, 0.0])
def test_slanting_is_that_of_the_reference(images, shear):
    found = sheared(images[:2], shear)
    expected = [slow_shear(image, shear) for image in images[:2]]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_views_are_the_image_and_its_copies_to_either_side(images):
    as_it_is, right, left = views(images, 0.2)
    np.testing.assert_array_equal(as_it_is, images)
    np.testing.assert_allclose(right[0], slow_shear(images[0], 0.2), atol=1e-5)
    # To the left is to the right in a mirror.
    mirrored = views(images[:, :, ::-1], 0.2)[1][:, :, ::-1]
    np.testing.assert_allclose(left, mirrored, atol=1e-5)
    assert len(views(images, 0.0)) == 1
