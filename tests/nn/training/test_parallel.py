import numpy as np
import pytest

from nn.network.architectures import build, cnn, mlp
from nn.network.losses import CrossEntropyLoss
from nn.training.learner import accuracy
from nn.training.parallel import BatchGradients


def gradients(architecture, slice_size, threads, images, labels, smoothing=0.1):
    model = build(architecture, np.random.default_rng(3))
    batch = BatchGradients(model, CrossEntropyLoss(smoothing), accuracy, slice_size, threads)
    batch.use_rng(np.random.default_rng(4))
    results = [batch(images[:n], labels[:n]) for n in (len(labels), 9, len(labels))]
    batch.close()
    return results[-1], model.gradients


@pytest.fixture
def digits():
    rng = np.random.default_rng(5)
    return rng.random((50, 784), dtype=np.float32), rng.integers(0, 10, 50)


def test_slices_add_up_to_the_whole_batch(digits):
    images, labels = digits
    model = build(cnn(3, "pool", 4, "pool"), np.random.default_rng(3))
    loss = CrossEntropyLoss(0.1)
    logits = model.forward(images, training=True)
    expected = loss.forward(logits, labels), accuracy(logits, labels)
    model.parameter_gradients(loss.backward())
    for slice_size in (8, 50, 64):
        result, sliced = gradients(cnn(3, "pool", 4, "pool"), slice_size, 1, images, labels)
        assert result == pytest.approx(expected, rel=1e-5)
        np.testing.assert_allclose(sliced, model.gradients, rtol=1e-4, atol=1e-6)


def test_any_number_of_threads_gives_the_same_bits(digits):
    for architecture in (cnn(3, "pool", 4, "pool"), mlp([20], dropout=0.5)):
        one, one_gradients = gradients(architecture, 8, 1, *digits)
        for threads in (2, 3, 16):
            many, many_gradients = gradients(architecture, 8, threads, *digits)
            assert many == one
            np.testing.assert_array_equal(many_gradients, one_gradients)


def test_an_error_in_a_thread_reaches_the_caller(digits):
    images, labels = digits
    model = build(cnn(3, "pool"), np.random.default_rng(3))
    batch = BatchGradients(model, CrossEntropyLoss(), accuracy, 8, 2)
    batch.use_rng(np.random.default_rng(4))
    with pytest.raises(ValueError, match="expected labels"):
        batch(images, labels + 100)
    batch.close()
