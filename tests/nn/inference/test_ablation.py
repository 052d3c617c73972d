from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nn.inference.ablation import AblatedClassifier, ablated
from nn.inference.activations import activations_of
from nn.inference.checkpoint import Checkpoint
from nn.inference.classifier import Classifier
from nn.network.architectures import NAMED, build, cnn, mlp
from nn.network.layers import Dropout
from tests.helpers.architectures import CONVOLUTION_LAST, architectures

RNG = np.random.default_rng(5)
IMAGES = RNG.random((9, 28, 28), dtype=np.float32)
ARCHITECTURES = {
    "linear": mlp(),
    "mlp": NAMED["mlp"],
    "sigmoid": mlp([12, 8], "Sigmoid"),
    "cnn": cnn(4, "pool", 6, 5, "pool", hidden=[12], dropout=0.3),
    "pooling first": [["Unflatten", 1, 28, 28], ["MaxPool2d", 4], ["Flatten"], ["Linear", 49, 6],
                      ["Tanh"], ["Linear", 6, 10]],
    "convolution last": CONVOLUTION_LAST,
    "activation after flattening": [["Unflatten", 1, 28, 28], ["MaxPool2d", 4],
                                    ["Conv2d", 1, 3, 3, 1], ["Flatten"], ["Sigmoid"],
                                    ["Linear", 147, 10]],
    "image": [["Linear", 784, 16], ["ReLU"], ["Unflatten", 1, 4, 4],
                            ["Conv2d", 1, 2, 3, 0], ["Flatten"], ["Linear", 8, 10]],
}  # fmt: skip


def stages_of(classifier, image=IMAGES[0]):
    return activations_of(classifier.checkpoint.model, image)


def classifier_of(name, shear=0.0, seed=0):
    model = build(ARCHITECTURES[name], np.random.default_rng(seed))
    model.parameters[:] += np.random.default_rng(1).normal(0, 0.05, model.parameters.size)
    return Classifier(Path(name), Checkpoint(name, ARCHITECTURES[name], model, {}, 0.7, shear))


@pytest.mark.parametrize("name", ["mlp", "cnn", "pooling first", "convolution last", "image"])
@pytest.mark.parametrize("shear", [0.0, 0.2])
def test_a_hidden_unit_that_is_off_is_as_one_without_weights(name, shear):
    whole = classifier_of(name, shear)
    number, stage = next((i, stage) for i, stage in enumerate(stages_of(whole)) if stage.layer)
    without = AblatedClassifier(whole, {(number, 2)}).probabilities(IMAGES)
    assert not np.allclose(without, whole.probabilities(IMAGES), atol=1e-7)
    stage.layer.params["weight"][2] = stage.layer.params["bias"][2] = 0
    np.testing.assert_allclose(without, whole.probabilities(IMAGES), rtol=1e-4, atol=1e-7)


def test_a_sigmoid_makes_no_half_of_a_unit_that_is_off():
    whole = classifier_of("sigmoid")
    without = AblatedClassifier(whole, {(0, 2)}).probabilities(IMAGES)
    whole.checkpoint.model.layers[3].params["weight"][:, 2] = 0  # as if nothing came from it
    np.testing.assert_allclose(without, whole.probabilities(IMAGES), rtol=1e-4)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("shear", [0.0, 0.2])
def test_a_digit_that_is_off_leaves_its_probability_to_the_others(name, shear):
    whole = classifier_of(name, shear)
    last = len(stages_of(whole)) - 1
    without = AblatedClassifier(whole, {(last, 4), (last, 7)}).probabilities(IMAGES)
    expected = whole.probabilities(IMAGES)
    expected[:, [4, 7]] = 0
    expected /= expected.sum(axis=1, keepdims=True)
    assert (without[:, [4, 7]] == 0).all()
    np.testing.assert_allclose(without, expected, rtol=1e-4, atol=1e-7)


@given(architectures(), st.data())
@example(ARCHITECTURES["convolution last"], None)
@example(ARCHITECTURES["pooling first"], None)
def test_any_unit_of_any_network_can_be_off(architecture, data):
    model = build(architecture, np.random.default_rng(0))
    model.parameters[:] += np.random.default_rng(1).normal(0, 0.05, model.parameters.size)
    whole = Classifier(Path("x"), Checkpoint("x", architecture, model, {}))
    parameters, answer = model.parameters.copy(), whole.probabilities(IMAGES)
    stages = stages_of(whole)
    number = data.draw(st.integers(0, len(stages) - 1)) if data else len(stages) - 2
    unit = data.draw(st.integers(0, len(stages[number].values) - 1)) if data else 0
    without = AblatedClassifier(whole, {(number, unit)})
    np.testing.assert_allclose(without.probabilities(IMAGES).sum(axis=1), 1, rtol=1e-5)
    seen = stages_of(without)
    assert [stage.title for stage in seen] == [stage.title for stage in stages]
    assert [stage.off for stage in seen] == [(unit,) * (i == number) for i in range(len(seen))]
    assert not seen[number].is_silent[unit]
    if seen[number].is_last:  # it keeps its logit
        np.testing.assert_array_equal(seen[-1].values, stages[-1].values)
        assert (without.probabilities(IMAGES)[:, unit] == 0).all()
    else:
        assert not seen[number].values[unit].any()
        others = np.arange(len(seen[number].values)) != unit
        np.testing.assert_array_equal(seen[number].values[others], stages[number].values[others])
        np.testing.assert_array_equal(seen[number + 1].input, _flat_as(seen, number))
    input_gradient(without.checkpoint.model, IMAGES[0], 3)  # it passes too
    np.testing.assert_array_equal(model.parameters, parameters)
    np.testing.assert_array_equal(whole.probabilities(IMAGES), answer)


def input_gradient(model, image, digit):
    """That of a digit's logit."""
    layers = [layer for layer in model.layers if not isinstance(layer, Dropout)]
    y = np.reshape(image, (1, -1))
    for layer in layers:
        y = layer.forward(y, training=True)
    slope = np.eye(10, dtype=np.float32)[[digit]]
    for layer in reversed(layers):
        slope = layer.backward(slope)
    return slope


def _flat_as(stages, number):
    """The values of a stage as the next one gets them."""
    return stages[number].values.reshape(stages[number + 1].input.shape)


def test_several_are_off_at_once_and_the_name_says_so():
    whole = classifier_of("cnn")
    off = {(0, 1), (1, 0), (1, 5), (3, 2), (4, 9)}
    without = AblatedClassifier(whole, off)
    assert without.name == "cnn, 5 off"
    seen = stages_of(without)
    assert not any(seen[stage].values[unit].any() for stage, unit in off if stage < 4)
    assert without.probabilities(IMAGES)[:, 9].max() == 0
    assert without.digits_off == [9]
    assert without.count_params() == whole.count_params()


def test_without_anything_off_it_answers_as_the_whole():
    whole = classifier_of("cnn", 0.2)
    same = AblatedClassifier(whole, set())
    assert same.name == "cnn"
    np.testing.assert_array_equal(same.probabilities(IMAGES), whole.probabilities(IMAGES))


def test_new_weights_of_the_whole_are_the_ablated_ones_too():
    whole = classifier_of("mlp")
    without = AblatedClassifier(whole, {(0, 3)})
    whole.checkpoint.model.parameters[:] = classifier_of("mlp", seed=8).checkpoint.model.parameters
    expected = AblatedClassifier(whole, {(0, 3)}).probabilities(IMAGES)
    np.testing.assert_array_equal(without.probabilities(IMAGES), expected)


def test_a_replica_of_the_ablated_network_is_ablated():
    # So does who works with it in a thread.
    without = AblatedClassifier(classifier_of("cnn"), {(0, 1), (4, 9)})
    model = without.checkpoint.model.replica()
    twin = Classifier(without.path, replace(without.checkpoint, model=model))
    np.testing.assert_array_equal(twin.probabilities(IMAGES), without.probabilities(IMAGES))


def test_no_gradient_comes_through_a_unit_that_is_off():
    whole = classifier_of("cnn")
    images = np.array(IMAGES[:1])
    everything = {(0, unit) for unit in range(4)}
    model = AblatedClassifier(whole, everything).checkpoint.model
    assert not input_gradient(model, images[0], 3).any()
    assert input_gradient(whole.checkpoint.model, images[0], 3).any()


@pytest.mark.parametrize("unit", [(3, 0), (-1, 0), (0, 50), (2, 10), (0, -1)])
def test_a_unit_that_is_not_there_is_refused(unit):
    with pytest.raises(ValueError, match="no unit"):
        ablated(classifier_of("mlp").checkpoint.model, {unit})
