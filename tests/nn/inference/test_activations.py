import numpy as np
import pytest

from nn.inference.activations import activations_of
from nn.network.architectures import NAMED, build, cnn, mlp

IMAGE = np.random.default_rng(3).random((28, 28), dtype=np.float32)
ARCHITECTURES = {
    "linear": mlp(),
    "mlp": NAMED["mlp"],
    "cnn": cnn(4, "pool", 6, 5, "pool", hidden=[12], dropout=0.3),
}


def model_of(name, seed=0):
    return build(ARCHITECTURES[name], np.random.default_rng(seed))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_stages_end_in_the_networks_own_logits(name):
    model = model_of(name)
    activations = activations_of(model, IMAGE)
    np.testing.assert_allclose(
        activations[-1].values, model.forward(IMAGE.reshape(1, -1))[0], rtol=1e-5
    )
    assert all((layer.values >= 0).all() for layer in activations[:-1])  # after their ReLU


def test_the_stages_are_named_after_what_they_hold():
    names = [layer.name for layer in activations_of(model_of("cnn"), IMAGE)]
    assert names == [
        "4 maps of 14 × 14", "6 maps of 14 × 14", "5 maps of 7 × 7", "12 neurons", "10 logits",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("architecture", "titles"),
    [
        (
            NAMED["cnn"],
            [
                "32 filters, each 3×3 on the image", "64 filters, each 3×3 on 32 maps",
                "64 filters, each 3×3 on 64 maps", "96 filters, each 3×3 on 64 maps",
                "64 neurons, each on 96 maps", "10 digits, one neuron each",
            ],
        ),
        (mlp([1]), ["1 neuron, on the image", "10 digits, one neuron each"]),
        (
            [["Unflatten", 1, 28, 28], ["Conv2d", 1, 10, 28, 0], ["Flatten"]],
            ["10 digits, one filter each"],
        ),
        (
            [["Linear", 784, 40], ["Unflatten", 10, 2, 2], ["MaxPool2d", 2], ["Flatten"]],
            ["40 neurons, each on the image", "10 digits, one value each"],
        ),
        (
            [["Unflatten", 4, 14, 14], ["Conv2d", 4, 1, 5, 0], ["Flatten"], ["Linear", 100, 10]],
            [
                "the image laid out as 4 maps", "1 filter, 5×5 on 4 maps",
                "10 digits, one neuron each",
            ],
        ),
    ],
)  # fmt: skip
def test_a_stage_says_what_one_sees(architecture, titles):
    model = build(architecture, np.random.default_rng(0))
    assert [stage.title for stage in activations_of(model, IMAGE)] == titles


def test_an_activation_after_flattening_belongs_to_the_maps():
    architecture = [["Unflatten", 1, 28, 28], ["Conv2d", 1, 3, 5, 0], ["Flatten"], ["ReLU"]]
    model = build([*architecture, ["Linear", 1728, 10]], np.random.default_rng(0))
    maps = activations_of(model, IMAGE)[0]
    assert maps.values.shape == (3, 24, 24)
    assert maps.values.min() == 0 > maps.sums.min()


def test_a_unit_is_silent_where_its_relu_lets_nothing_by():
    model = model_of("cnn")
    for layer, unit in ((1, 2), (11, 7)):
        model.layers[layer].params["bias"][unit] = -1e6
    activations = activations_of(model, IMAGE)
    assert activations[0].is_silent[2]
    assert activations[3].is_silent[7]
    assert not activations[0].is_silent.all()
    assert not activations[3].is_silent.all()
    for layer in activations[:-1]:
        for unit, values in enumerate(layer.values):
            assert layer.is_silent[unit] == (not values.any())


def test_only_a_layer_that_sees_the_image_has_weights_to_show_as_pictures():
    activations = activations_of(model_of("mlp"), IMAGE)
    assert activations[0].weight_images().shape == (50, 28, 28)
    assert activations[1].weight_images() is None
