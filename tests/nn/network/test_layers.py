import copy
import pickle

import numpy as np
import pytest

from nn.network.activations import ReLU, Sigmoid, Tanh
from nn.network.convolution import Conv2d
from nn.network.layers import Dropout, Flatten, Linear, he_normal, xavier_uniform
from nn.network.sequential import Sequential
from tests.helpers.gradient_check import check_layer, numerical_gradient


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("initialize", [he_normal, xavier_uniform])
def test_linear_gradients(rng, batch, initialize):
    check_layer(Linear(6, 4, rng, initialize, dtype=float), rng.normal(size=(batch, 6)), rng)


@pytest.mark.parametrize("layer", [ReLU, Tanh, Sigmoid])
@pytest.mark.parametrize("shape", [(3, 7), (2, 3, 4, 5)])
def test_activation_gradients(rng, layer, shape):
    check_layer(layer(dtype=float), rng.normal(size=shape), rng)


def test_flatten_gradients_and_order(rng):
    x = rng.normal(size=(2, 3, 4, 5))
    check_layer(Flatten(dtype=float), x, rng)
    np.testing.assert_array_equal(Flatten(dtype=float).forward(x), x.reshape(2, 60))


def test_flatten_leaves_the_batch_last_in_memory_and_what_is_flat_as_it_is(rng):
    x = rng.normal(size=(2, 3, 4, 5)).transpose(2, 1, 3, 0).copy().transpose(3, 1, 0, 2)
    assert Flatten(dtype=float).forward(x).T.flags.c_contiguous
    flat = rng.normal(size=(2, 60))
    assert Flatten().forward(flat) is flat


def test_dropout_gradient_is_that_of_the_mask_it_drew(rng):
    layer = Dropout(0.4, rng, dtype=float)
    x = rng.normal(size=(4, 6)) + 3
    y = layer.forward(x, training=True).copy()
    dx = layer.backward(np.ones_like(x))
    np.testing.assert_allclose(y, dx * x)
    assert set(np.round(np.unique(dx), 9)) == {0.0, round(1 / 0.6, 9)}


def test_dropout_keeps_the_mean_and_does_nothing_in_prediction(rng):
    layer = Dropout(0.3, rng)
    x = np.ones((200, 500), np.float32)
    assert layer.forward(x) is x
    y = layer.forward(x, training=True)
    assert abs(y.mean() - 1) < 0.01
    assert abs((y == 0).mean() - 0.3) < 0.01


def test_dropout_of_zero_passes_everything(rng):
    layer = Dropout(0.0, rng)
    x = np.ones((2, 3), np.float32)
    assert layer.forward(x, training=True) is x
    assert layer.backward(x) is x


@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan")])
def test_dropout_refuses_what_is_no_probability(rng, p):
    with pytest.raises(ValueError, match="from 0 to below 1"):
        Dropout(p, rng)


def test_linear_is_the_textbook_formula_in_any_memory_order(rng):
    layer = Linear(6, 4, rng)
    layer.params["bias"][:] = rng.normal(size=4)
    x = rng.normal(size=(5, 6)).astype(np.float32)
    expected = x @ layer.params["weight"].T + layer.params["bias"]
    for ordered in (x, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2]):
        np.testing.assert_allclose(layer.forward(ordered), expected, rtol=1e-5, atol=1e-6)


def test_a_short_last_batch_gives_the_same_as_a_fresh_layer(rng):
    model = Sequential(Flatten(), Linear(784, 12, rng), ReLU(), Linear(12, 10, rng))
    images = rng.random((9, 1, 28, 28), dtype=np.float32)
    whole = model.forward(images).copy()
    model.forward(images[:7], training=True)
    part = model.forward(images[7:], training=True).copy()
    np.testing.assert_allclose(part, whole[7:], rtol=1e-4, atol=1e-5)
    dx = model.backward(np.ones_like(part))
    assert dx.shape == (2, 1, 28, 28)


def test_activations_match_numpy_and_stay_finite(rng):
    x = np.array([[-1e4, -2.0, 0.0, 3.0, 1e4]], np.float32)
    np.testing.assert_allclose(ReLU().forward(x), np.maximum(x, 0))
    np.testing.assert_allclose(Tanh().forward(x), np.tanh(x), rtol=1e-6)
    expected = 1 / (1 + np.exp(-np.clip(x.astype(float), -700, 700)))
    np.testing.assert_allclose(Sigmoid().forward(x), expected, atol=1e-6)


@pytest.mark.parametrize(
    "make", [lambda r: Linear(3, 2, r), lambda r: ReLU(), lambda r: Tanh(), lambda r: Sigmoid(),
             lambda r: Flatten(), lambda r: Dropout(0.5, r)]
)  # fmt: skip
def test_prediction_keeps_nothing_for_backward(rng, make):
    layer = make(rng)
    x = np.ones((4, 3), np.float32)
    y = layer.forward(x, training=True).copy()
    layer.backward(y)
    layer.forward(x)
    with pytest.raises(RuntimeError, match="training=True"):
        layer.backward(y)


def test_buffers_are_allocated_once(rng):
    layer = Linear(30, 20, rng)
    x = np.ones((8, 30), np.float32)
    first = layer.forward(x)
    assert np.shares_memory(first, layer.forward(x))


def test_initialisations_have_the_published_spread(rng):
    he = he_normal(rng, (400, 500), 500, 400)
    assert abs(he.std() - np.sqrt(2 / 500)) < 0.001
    xavier = xavier_uniform(rng, (400, 500), 500, 400)
    limit = np.sqrt(6 / 900)
    assert np.abs(xavier).max() <= limit
    assert abs(xavier.std() - limit / np.sqrt(3)) < 0.001


def test_sequential_gradients_through_all_layers(rng):
    model = Sequential(
        Flatten(dtype=float), Linear(12, 5, rng, dtype=float), Tanh(dtype=float),
        Linear(5, 4, rng, dtype=float), Sigmoid(dtype=float), Linear(4, 3, rng, dtype=float),
    )  # fmt: skip
    x = rng.normal(size=(3, 1, 3, 4))
    weights = rng.normal(size=(3, 3))

    def loss():
        return float(np.sum(weights * model.forward(x, training=True)))

    loss()
    dx = model.backward(weights).copy()
    np.testing.assert_allclose(dx, numerical_gradient(loss, x), atol=1e-7)
    analytic = model.gradients.copy()
    np.testing.assert_allclose(analytic, numerical_gradient(loss, model.parameters), atol=1e-7)
    model.gradients[:] = 0
    loss()
    model.parameter_gradients(weights)  # the shortcut fills the same gradients
    np.testing.assert_array_equal(model.gradients, analytic)


def test_all_parameters_live_in_one_vector(rng):
    model = Sequential(Linear(3, 2, rng), ReLU(), Linear(2, 4, rng))
    assert model.count_params() == 3 * 2 + 2 + 2 * 4 + 4
    model.parameters[:] = np.arange(model.count_params())
    np.testing.assert_array_equal(model.layers[0].params["bias"], [6, 7])
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert np.shares_memory(model.layers[2].grads["weight"], model.gradients)


def test_state_dict_round_trip_and_refusal(rng):
    a, b = (Sequential(Linear(3, 2, np.random.default_rng(seed))) for seed in (1, 2))
    b.load_state_dict(a.state_dict())
    np.testing.assert_array_equal(a.parameters, b.parameters)
    kept = b.parameters.copy()
    for bad in ({}, {"0.weight": np.zeros((2, 3)), "0.bias": np.zeros(3)}):
        with pytest.raises(ValueError, match="expected parameters"):
            b.load_state_dict(bad)
    np.testing.assert_array_equal(b.parameters, kept)


def test_a_model_without_parameters_and_one_of_mixed_types(rng):
    model = Sequential(ReLU())
    assert model.count_params() == 0
    model.forward(np.ones((1, 2), np.float32), training=True)
    model.parameter_gradients(np.ones((1, 2), np.float32))
    with pytest.raises(ValueError, match="one dtype"):
        Sequential(Linear(2, 2, rng), Linear(2, 2, rng, dtype=float))


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["deep", "pickle"],
)
def test_a_copy_of_a_model_has_vectors_of_its_own_layers(rng, copied):
    model = Sequential(Linear(3, 4, rng), ReLU(), Conv2d(1, 2, 3, rng))
    twin = copied(model)
    np.testing.assert_array_equal(twin.parameters, model.parameters)
    twin.parameters[:] = 7
    assert np.all(twin.layers[0].params["weight"] == 7)
    assert not np.any(model.layers[0].params["weight"] == 7)
    twin.layers[2].grads["bias"][:] = 5
    assert np.count_nonzero(twin.gradients == 5) == 2


def test_models_say_what_they_are(rng):
    model = Sequential(Flatten(), Linear(784, 10, rng), Dropout(0.5, rng))
    assert repr(model) == "Sequential(Flatten(), Linear(784, 10), Dropout(0.5))"


def test_same_seed_same_weights_to_the_last_bit():
    a, b = (Linear(20, 30, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(a.params["weight"], b.params["weight"])
