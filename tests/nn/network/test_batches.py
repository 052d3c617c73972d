import numpy as np
import pytest

from nn.network.architectures import NAMED, build
from nn.network.batches import in_batches


@pytest.mark.parametrize("count", [0, 1, 6, 7])
def test_all_images_pass_once_and_in_order_a_few_at_a_time(count):
    sizes = []

    def double(images):
        sizes.append(len(images))
        return 2 * images

    images = np.arange(3.0 * count).reshape(count, 3)
    np.testing.assert_array_equal(in_batches(double, images, size=3), 2 * images)
    assert max(sizes) <= 3
    assert sum(sizes) == max(count, 1)  # of nothing, one blank image shows the shape


@pytest.mark.parametrize("name", ["mlp", "cnn-small"])
def test_logits_are_those_of_forward_and_outlive_the_next(name):
    model = build(NAMED[name], np.random.default_rng(0))
    images = np.random.default_rng(1).random((10, 784), dtype=np.float32)
    logits = model.logits(images, batch_size=4)
    before = logits.copy()
    np.testing.assert_allclose(logits, model.forward(images), atol=1e-5)
    model.logits(1 - images)
    np.testing.assert_array_equal(logits, before)
    assert model.logits(images[:0]).shape == (0, 10)
