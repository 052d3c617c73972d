import numpy as np
import pytest

from nn.inference.activations import activations_of, strongest_contributions
from nn.inference.attribution import attribution
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


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_inputs_of_a_logit_add_up_to_it(name):
    model = model_of(name)
    model.layers[-1].params["bias"][:] = 0.25
    activations = activations_of(model, IMAGE)
    contributions = strongest_contributions(activations, len(activations) - 1, 7, count=1000)
    total = (
        contributions.picture.sum()
        if name == "linear"
        else sum(share for _, share in contributions.units)
    )
    assert total + 0.25 == pytest.approx(activations[-1].values[7], rel=1e-4)


def test_the_inputs_of_a_map_add_up_to_its_greatest_value():
    activations = activations_of(model_of("cnn"), IMAGE)
    for index in (1, 2):
        unit = int(np.argmax(activations[index].values.max(axis=(1, 2))))
        contributions = strongest_contributions(activations, index, unit, count=1000)
        assert len(contributions.units) == len(activations[index - 1].values)
        total = sum(share for _, share in contributions.units)
        assert total == pytest.approx(activations[index].values[unit].max(), rel=1e-4)
        sizes = [abs(share) for _, share in contributions.units]
        assert sizes == sorted(sizes, reverse=True)


def test_only_a_layer_that_sees_the_image_has_weights_to_show_as_pictures():
    activations = activations_of(model_of("mlp"), IMAGE)
    assert activations[0].weight_images().shape == (50, 28, 28)
    assert activations[1].weight_images() is None


def test_evidence_of_a_linear_network_is_weight_times_ink():
    model = model_of("linear")
    weight = model.layers[-1].params["weight"]
    expected = (weight[3] - weight.mean(axis=0)) * IMAGE.ravel()
    np.testing.assert_allclose(attribution(model, IMAGE, 3).ravel(), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_evidence_is_the_slope_along_the_ink(name):
    model = model_of(name)

    def score(image):
        logits = model.forward(image.reshape(1, -1))[0].astype(float)
        return logits[3] - logits.mean()

    step = 1e-3
    slope = (score(IMAGE * (1 + step)) - score(IMAGE * (1 - step))) / (2 * step)
    assert attribution(model, IMAGE, 3).sum() == pytest.approx(slope, rel=0.02)


def test_blank_paper_says_nothing():
    assert not attribution(model_of("cnn"), np.zeros((28, 28), np.float32), 3).any()
