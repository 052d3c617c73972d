import numpy as np
import pytest

from nn.network.losses import CrossEntropyLoss, softmax
from tests.helpers.gradient_check import numerical_gradient


def test_softmax_of_a_worked_example():
    p = softmax(np.log(np.array([[1.0, 2.0, 5.0]])))
    np.testing.assert_allclose(p, [[0.125, 0.25, 0.625]])


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_softmax_and_loss_stay_finite_for_huge_logits(size):
    logits = np.array([[size, 0, -size]], np.float32)
    assert np.isfinite(softmax(logits)).all()
    assert softmax(logits).sum() == pytest.approx(1)
    loss = CrossEntropyLoss()
    value = loss.forward(logits, np.array([0 if size < 0 else 2]))
    assert value == pytest.approx(2 * abs(size))
    assert np.isfinite(loss.backward()).all()


def test_softmax_does_not_change_its_input():
    logits = np.array([[1.0, 2.0]])
    softmax(logits)
    np.testing.assert_array_equal(logits, [[1.0, 2.0]])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_gradient(smoothing):
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(4, 10)), np.array([3, 0, 9, 3])
    loss = CrossEntropyLoss(smoothing)
    expected = numerical_gradient(lambda: loss.forward(logits, labels), logits)
    loss.forward(logits, labels)
    np.testing.assert_allclose(loss.backward(), expected, atol=1e-8)


def test_the_widespread_extra_factor_fails_the_check():
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(4, 10)), np.array([3, 0, 9, 3])
    loss = CrossEntropyLoss()
    expected = numerical_gradient(lambda: loss.forward(logits, labels), logits)
    loss.forward(logits, labels)
    p = softmax(logits)
    wrong = loss.backward() * p * (1 - p)
    assert np.abs(wrong - expected).max() > 0.1


def test_loss_of_worked_examples():
    uniform = np.zeros((3, 10))
    labels = np.array([0, 4, 9])
    assert CrossEntropyLoss().forward(uniform, labels) == pytest.approx(np.log(10))
    assert CrossEntropyLoss(0.3).forward(uniform, labels) == pytest.approx(np.log(10))
    logits = np.log(np.array([[0.25, 0.75], [0.5, 0.5]]))
    expected = -(np.log(0.75) + np.log(0.5)) / 2
    assert CrossEntropyLoss().forward(logits, np.array([1, 0])) == pytest.approx(expected)
    # Smoothing by s mixes in the mean over all classes with weight s.
    smooth = 0.8 * expected - 0.2 * np.mean(logits.mean(axis=1))
    assert CrossEntropyLoss(0.2).forward(logits, np.array([1, 0])) == pytest.approx(smooth)


def test_backward_needs_a_forward_of_its_own():
    loss = CrossEntropyLoss()
    with pytest.raises(RuntimeError, match="forward"):
        loss.backward()
    loss.forward(np.zeros((1, 2)), np.array([0]))
    loss.backward()
    with pytest.raises(RuntimeError, match="forward"):
        loss.backward()


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_smoothing_out_of_range_is_refused(smoothing):
    with pytest.raises(ValueError, match="label_smoothing"):
        CrossEntropyLoss(smoothing)


def test_logits_may_be_whole_numbers():
    whole = np.array([[1, 2, 4], [-3, 0, 0]])
    np.testing.assert_array_equal(softmax(whole), softmax(whole.astype(float)))


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_every_row_of_logits_has_a_label(count):
    with pytest.raises(ValueError, match=f"a label for each of 3, received {count}"):
        CrossEntropyLoss().forward(np.zeros((3, 10)), np.zeros(count, int))
