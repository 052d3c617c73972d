import threading

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
    with batch:
        results = [batch(images[:n], labels[:n]) for n in (len(labels), 9, len(labels))]
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


def test_the_threads_end_with_the_block(digits):
    model = build(cnn(3, "pool"), np.random.default_rng(3))
    before = set(threading.enumerate())
    for _ in range(2):
        with BatchGradients(model, CrossEntropyLoss(), accuracy, 8, 2) as batch:
            batch.use_rng(np.random.default_rng(4))
            batch(*digits)
            assert set(threading.enumerate()) > before
        assert set(threading.enumerate()) == before


def test_without_slices_the_model_draws_from_the_very_generator(digits):
    model = build(mlp([20], dropout=0.5), np.random.default_rng(3))
    own, other = np.random.default_rng(4), np.random.default_rng(4)
    batch = BatchGradients(model, CrossEntropyLoss(), accuracy)
    batch.use_rng(own)
    batch(*digits)
    other.random((50, 20), np.float32)
    assert own.bit_generator.state == other.bit_generator.state  # nothing else has drawn


def test_a_slice_draws_the_same_whether_or_not_it_is_the_only_one(digits):
    images, labels = digits
    drawn = []
    for count in (8, 50):
        model = build(mlp([20], dropout=0.5), np.random.default_rng(3))
        batch = BatchGradients(model, CrossEntropyLoss(), accuracy, 8)
        batch.use_rng(np.random.default_rng(4))
        batch(images[:count], labels[:count])
        drawn.append(batch._rngs[0].bit_generator.state)
    assert drawn[0] == drawn[1]


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
    with batch, pytest.raises(ValueError, match="expected labels"):
        batch(images, labels + 100)
