import math

import numpy as np
import pytest

from nn.training.optimizers import SGD, Adam, constant, cosine, exponential


def test_sgd_steps_worked_by_hand():
    w = np.array([1.0, -2.0])
    SGD().step(w, np.array([0.5, 1.0]), 0.1)
    np.testing.assert_allclose(w, [0.95, -2.1])


def test_momentum_steps_worked_by_hand():
    w, sgd = np.array([1.0]), SGD(momentum=0.9)
    sgd.step(w, np.array([1.0]), 0.1)  # v = 1,   w = 1 − 0.1
    sgd.step(w, np.array([2.0]), 0.1)  # v = 2.9, w = 0.9 − 0.29
    np.testing.assert_allclose(w, [0.61])


def test_adam_steps_worked_by_hand():
    w, adam = np.array([1.0, 1.0]), Adam(beta1=0.5, beta2=0.75, epsilon=0.0)
    # First step: m̂ = g and v̂ = g², so each weight moves by the learning rate, whatever g is.
    adam.step(w, np.array([4.0, -0.1]), 0.01)
    np.testing.assert_allclose(w, [0.99, 1.01])
    # Second step with g = 2: m = 0.5·2 + 0.5·2 = 2 and m̂ = 2/0.75;
    # v = 0.75·4 + 0.25·4 = 4 and v̂ = 4/(1 − 0.5625).
    adam.step(w, np.array([2.0, 0.0]), 0.01)
    assert w[0] == pytest.approx(0.99 - 0.01 * (2 / 0.75) / math.sqrt(4 / 0.4375))


def test_adam_epsilon_stands_outside_the_root():
    w, adam = np.array([0.0]), Adam(epsilon=1.0)
    adam.step(w, np.array([3.0]), 1.0)
    assert w[0] == pytest.approx(-3 / (3 + 1))


def test_weight_decay_is_apart_from_the_gradient():
    w, adam = np.array([2.0]), Adam(weight_decay=0.5)
    adam.step(w, np.array([0.0]), 0.1)
    assert w[0] == pytest.approx(2 * (1 - 0.1 * 0.5))


@pytest.mark.parametrize("make", [SGD, lambda: SGD(0.9), Adam])
def test_a_restored_optimizer_takes_the_same_steps(make):
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(6, 4))
    straight, w = make(), np.ones(4)
    for g in gradients:
        straight.step(w, g, 0.1)
    first, u = make(), np.ones(4)
    for g in gradients[:3]:
        first.step(u, g, 0.1)
    second = make()
    second.load_state_dict(first.state_dict())
    for g in gradients[3:]:
        second.step(u, g, 0.1)
    np.testing.assert_array_equal(u, w)


def test_optimizers_follow_reloaded_weights():
    # No reference to old arrays: the same optimiser serves whatever vector it is handed.
    for optimizer in (SGD(0.9), Adam()):
        for w in (np.ones(3), np.ones(3)):
            before = w.copy()
            optimizer.step(w, np.ones(3), 0.1)
            assert (w < before).all()


def test_gradients_are_not_changed():
    for optimizer in (SGD(), SGD(0.9), Adam(weight_decay=0.1)):
        g = np.array([1.0, 2.0])
        optimizer.step(np.ones(2), g, 0.1)
        np.testing.assert_array_equal(g, [1.0, 2.0])


def test_schedules():
    assert constant(3.5, 10) == 1
    assert [exponential(e, 10) for e in (0, 0.9, 1, 2.5)] == pytest.approx([1, 1, 0.9, 0.81])
    assert exponential(4, 5) == exponential(4, 500)  # does not depend on the end
    assert [cosine(e, 21) for e in (0, 0.5, 1, 11, 21)] == pytest.approx([0, 0.5, 1, 0.5, 0])
    assert cosine(0.25, 5) == pytest.approx(0.5)  # a short training warms up for a tenth of it
