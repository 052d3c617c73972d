"""Numbers as computers have them: rounding, large values, and how a batch is cut."""

import numpy as np
import pytest

from nn.inference.checkpoint import Checkpoint
from nn.inference.classifier import Classifier
from nn.network.architectures import NAMED, build
from nn.network.losses import CrossEntropyLoss, softmax

NETWORKS = ("linear", "tiny", "mlp", "cnn-small", "cnn")


def both(name, count=6):
    """The same network and images in float32 and in float64."""
    single = build(NAMED[name], np.random.default_rng(4))
    double = build(NAMED[name], np.random.default_rng(4), dtype=np.float64)
    double.parameters[...] = single.parameters
    images = np.random.default_rng(5).random((count, 784))
    return single, double, images.astype(np.float32)


def gradient(model, images, labels):
    loss = CrossEntropyLoss()
    model.use_rng(np.random.default_rng(6))
    value = loss.forward(model.forward(images, training=True), labels)
    model.parameter_gradients(loss.backward())
    return value, model.gradients.copy()


@pytest.mark.parametrize("name", NETWORKS)
def test_float32_agrees_with_float64(name):
    single, double, images = both(name)
    labels = np.arange(len(images)) % 10
    np.testing.assert_allclose(
        single.forward(images), double.forward(images.astype(float)), rtol=1e-4, atol=1e-4
    )
    loss, gradients = gradient(single, images, labels)
    exact_loss, exact = gradient(double, images.astype(float), labels)
    assert loss == pytest.approx(exact_loss, abs=1e-5)
    assert np.abs(gradients - exact).max() < 1e-4 * np.abs(exact).max()


@pytest.mark.parametrize("name", NETWORKS)
def test_an_answer_does_not_depend_on_the_other_images_of_its_batch(name):
    single, _, images = both(name, 70)
    classifier = Classifier(None, Checkpoint(name, NAMED[name], single, {}, shear=0.2))
    together = classifier.logits(images)
    apart = np.concatenate([classifier.logits(images[i : i + 1]) for i in range(len(images))])
    np.testing.assert_allclose(together, apart, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [1e4, -1e4, 1e30])
def test_large_logits_stay_finite(size):
    logits = np.zeros((3, 10), np.float32)
    logits[0, 2], logits[1] = size, size
    labels = np.array([2, 0, 9])
    probabilities = softmax(logits)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    for smoothing in (0.0, 0.1):
        loss = CrossEntropyLoss(smoothing)
        assert np.isfinite(loss.forward(logits, labels))
        assert np.isfinite(loss.backward()).all()
