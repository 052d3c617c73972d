import os
import threading
from functools import partial

import numpy as np
import pytest

from nn.network.architectures import build, cnn, mlp
from nn.network.losses import CrossEntropyLoss
from nn.support.errors import TrainingError
from nn.training import parallel
from nn.training.forks import can_fork
from nn.training.learner import accuracy
from nn.training.parallel import BatchGradients
from tests.helpers.processes import children

forks = pytest.mark.skipif(not can_fork(), reason="the system does not fork")
either = pytest.mark.parametrize("forked", [False, pytest.param(True, marks=forks)])


def gradients(architecture, slice_size, threads, images, labels, smoothing=0.1, forked=False):
    model = build(architecture, np.random.default_rng(3))
    loss = CrossEntropyLoss(smoothing)
    batch = BatchGradients(model, loss, accuracy, slice_size, threads, forked)
    batch.use_rng(np.random.default_rng(4))
    with batch:
        results = [batch(images[:n], labels[:n]) for n in (len(labels), 9, len(labels))]
    return results[-1], model.gradients


def course(architecture, smoothing, threads, forked, images, labels):
    """What each step of a short training gives, and the weights that it ends with."""
    model = build(architecture, np.random.default_rng(3))
    loss = CrossEntropyLoss(smoothing)
    batch = BatchGradients(model, loss, accuracy, 8, threads, forked)
    found = []

    def step(n):
        found.append((batch(images[:n], labels[:n]), model.gradients.copy()))
        model.parameters -= 0.1 * model.gradients

    for epoch in range(2):
        batch.use_rng(np.random.default_rng([4, epoch]))
        with batch:
            for n in (5, 20, 50, 9, 33, 8, 50):  # growing, shrinking, a slice alone
                step(n)
        step(50)  # outside the block, all in this thread
    return found, model.parameters


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


@either
@pytest.mark.parametrize(
    ("architecture", "smoothing"),
    [(cnn(3, "pool", 8, 4, "pool", dropout=0.3), 0.1), (mlp([20]), 0.0)],
)
def test_a_training_takes_the_same_course_to_the_last_bit(digits, architecture, smoothing, forked):
    one, one_weights = course(architecture, smoothing, 1, False, *digits)
    for threads in (2, 3):
        many, many_weights = course(architecture, smoothing, threads, forked, *digits)
        for (figures, found), (expected_figures, expected) in zip(many, one, strict=True):
            assert figures == expected_figures
            np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(many_weights, one_weights)


@either
def test_an_error_in_a_worker_reaches_the_caller(digits, forked):
    images, labels = digits
    for bad in (slice(8, 16), slice(None)):  # that of the second worker, and of all
        wrong = labels.copy()
        wrong[bad] += 100
        model = build(cnn(3, "pool"), np.random.default_rng(3))
        batch = BatchGradients(model, CrossEntropyLoss(), accuracy, 8, 2, forked)
        batch.use_rng(np.random.default_rng(4))
        with batch, pytest.raises(ValueError, match="expected labels"):
            batch(images, wrong)


@forks
def test_the_processes_end_with_the_block(digits):
    images, labels = digits
    model = build(cnn(3, "pool"), np.random.default_rng(3))
    before, threads = set(children(os.getpid())), set(threading.enumerate())
    batch = BatchGradients(model, CrossEntropyLoss(), accuracy, 8, 3, forked=True)
    batch.use_rng(np.random.default_rng(4))
    for _ in range(2):
        with batch:
            for n in (20, 50, 20):  # also where they are forked anew for a larger batch
                batch(images[:n], labels[:n])
                assert len(set(children(os.getpid())) - before) == 2
        assert set(children(os.getpid())) == before
    batch(images, labels)
    assert set(children(os.getpid())) == before
    assert set(threading.enumerate()) == threads


class Grumbling:
    """A metric that ends the process that it is not at home in."""

    def __init__(self):
        self.home = os.getpid()

    def __call__(self, logits, labels):
        if os.getpid() != self.home:
            os._exit(3)
        return accuracy(logits, labels)


@forks
def test_a_process_that_is_gone_is_told_in_a_line(digits):
    model = build(cnn(3, "pool"), np.random.default_rng(3))
    batch = BatchGradients(model, CrossEntropyLoss(), Grumbling(), 8, 2, forked=True)
    batch.use_rng(np.random.default_rng(4))
    before = set(children(os.getpid()))
    with pytest.raises(TrainingError, match="a process that trained ended with status 3"), batch:
        batch(*digits)
    assert set(children(os.getpid())) == before


def test_where_the_system_does_not_fork_there_are_threads(digits, monkeypatch):
    architecture = cnn(3, "pool", 4, "pool")
    learn = partial(gradients, architecture, 8, images=digits[0], labels=digits[1])
    expected, expected_gradients = learn(1)
    monkeypatch.setattr(parallel, "can_fork", lambda: False)
    monkeypatch.setattr(parallel, "Forks", None)
    result, found = learn(2, forked=True)
    assert result == expected
    np.testing.assert_array_equal(found, expected_gradients)
    model = build(architecture, np.random.default_rng(3))
    with BatchGradients(model, CrossEntropyLoss(), accuracy, 8, 2, forked=True) as batch:
        assert batch._pool is not None
