import numpy as np
import pytest

from nn.network.architectures import NAMED, build, cnn, describe, mlp, shapes_of


@pytest.mark.parametrize(
    ("name", "parameters", "sizes"),
    [
        ("mlp", 40_785, "784-50-25-10"),
        ("linear", 7_850, "784-10"),
        ("tiny", 7_960, "784-10-10"),
        ("cnn-small", 20_490, "conv 16, 32; 1568-10"),
        ("cnn", 412_906, "conv 32, 64, 64, 96; 4704-64-10"),
    ],
)
def test_named_networks(name, parameters, sizes):
    model = build(NAMED[name], np.random.default_rng(0))
    assert model.count_params() == parameters
    assert describe(NAMED[name]) == sizes
    for shape in ((3, 784), (3, 1, 28, 28)):
        assert model.forward(np.zeros(shape, np.float32)).shape == (3, 10)


def test_any_number_of_layers_with_any_activation():
    model = build(mlp([8] * 12, "Tanh", dropout=0.1), np.random.default_rng(0))
    assert model.forward(np.ones((2, 784), np.float32)).shape == (2, 10)
    assert sum(type(layer).__name__ == "Dropout" for layer in model.layers) == 12


def test_weights_before_relu_are_he_and_others_xavier():
    relu = build(mlp([200]), np.random.default_rng(0)).layers[1].params["weight"]
    tanh = build(mlp([200], "Tanh"), np.random.default_rng(0)).layers[1].params["weight"]
    assert relu.std() == pytest.approx(np.sqrt(2 / 784), rel=0.02)
    assert np.abs(tanh).max() <= np.sqrt(6 / 984)


ODD_SIDES = [
    ["Unflatten", 4, 14, 14], ["MaxPool2d", 3], ["Conv2d", 4, 3, 2, 1], ["Tanh"],
    ["Flatten"], ["Dropout", 0.5], ["Linear", 75, 10],
]  # fmt: skip


@pytest.mark.parametrize("architecture", [*NAMED.values(), cnn(3, "pool", "pool"), ODD_SIDES])
def test_the_shapes_told_before_are_those_that_come(architecture):
    x = np.zeros((2, 784), np.float32)
    found = [x.shape[1:]]
    for layer in build(architecture, np.random.default_rng(0)).layers:
        x = layer.forward(x)
        found.append(x.shape[1:])
    assert shapes_of(architecture) == found


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ([["Linear", 784, 50]], r"gives values of shape \(50,\) instead of 10"),
        ([["Linear", 700, 10]], r"takes values of shape \(700,\), but gets \(784,\)"),
        ([["Linear", 784, 10**12], ["Linear", 10**12, 10]], "not a layer"),
        ([["Linear", 784, 100_000], ["Linear", 100_000, 10]], "more than"),
        ([["Linear", 784, -1]], "not a layer"),
        ([["Linear", 784, 1.5]], "not a layer"),
        ([["os.system", "echo"]], "not a layer"),
        ([["Dropout", 2.0], ["Linear", 784, 10]], "from 0 to below 1"),
        ([[]], "not a layer"),
        ([[["Linear"], 784, 10]], "not a layer"),
        ([], r"gives values of shape \(784,\)"),
        ([["Linear", 784, 0], ["Linear", 0, 10]], "not a layer"),
        ([["Conv2d", 1, 4, 3, 1]], r"takes values of shape \(1,\), but gets \(784,\)"),
        ([["Unflatten", 1, 28, 28], ["Conv2d", 1, 4, 30, 0]], "does not fit images"),
        ([["Unflatten", 1, 28, 28], ["Conv2d", 1, 4, 3, 900]], "does not fit images"),
        ([["Unflatten", 1, 28, 28], ["MaxPool2d", 29]], "does not fit images"),
        ([["Unflatten", 1, 28, 27]], "takes values of shape"),
        ([["Unflatten", 1, 28, 28], ["Conv2d", 1, 300, 1, 0], *[["ReLU"]] * 9], "values in all"),
    ],
)
def test_what_is_no_architecture_is_refused(architecture, message):
    with pytest.raises(ValueError, match=message):
        build(architecture, np.random.default_rng(0))


def test_a_snapshot_keeps_its_parameters_and_works_beside_its_model():
    model = build(NAMED["mlp"], np.random.default_rng(1))
    images = np.random.default_rng(2).random((3, 784), np.float32)
    expected = model.forward(images).copy()
    twin = model.snapshot()
    model.parameters[...] = 0
    np.testing.assert_array_equal(twin.forward(images), expected)
    assert not model.forward(images).any()
    assert all(np.shares_memory(p, twin.parameters) for p in twin.layers[1].params.values())
