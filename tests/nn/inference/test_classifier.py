from pathlib import Path

import numpy as np
import pytest

from nn.handwriting.shear import sheared
from nn.inference.checkpoint import Checkpoint
from nn.inference.classifier import Classifier
from nn.network.architectures import NAMED, build
from nn.network.losses import softmax


def make_classifier(**settings):
    model = build(NAMED["mlp"], np.random.default_rng(1))
    return Classifier(Path("x.npz"), Checkpoint("mlp", NAMED["mlp"], model, {}, **settings))


@pytest.fixture
def images():
    return np.random.default_rng(2).random((150, 28, 28), dtype=np.float32)


def test_any_shape_and_number_of_images_gives_the_same(images):
    classifier = make_classifier(shear=0.2)
    expected = classifier.probabilities(images)
    assert expected.shape == (150, 10)
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-5)
    for shape in ((150, 784), (150, 1, 28, 28)):
        np.testing.assert_array_equal(classifier.probabilities(images.reshape(shape)), expected)
    single = np.concatenate([classifier.probabilities(image[None]) for image in images])
    np.testing.assert_allclose(single, expected, atol=1e-5)
    assert classifier.probabilities(images[:0]).shape == (0, 10)
    assert classifier.count_params() == 40_785


def test_three_views_are_averaged(images):
    plain, classifier = make_classifier(), make_classifier(shear=0.2)
    views = [sheared(images, shear) for shear in (0.0, 0.2, -0.2)]
    expected = np.mean([plain.logits(view) for view in views], axis=0)
    np.testing.assert_allclose(classifier.logits(images), expected, atol=1e-4)


def test_temperature_changes_how_sure_it_is_but_not_what_it_says(images):
    plain, sure = make_classifier(), make_classifier(temperature=0.25)
    np.testing.assert_allclose(sure.probabilities(images), softmax(plain.logits(images) * 4))
    assert (sure.logits(images) == plain.logits(images)).all()


def test_answers_of_one_reading_outlive_the_next(images):
    classifier = make_classifier()
    first = classifier.logits(images[:1])
    kept = first.copy()
    classifier.logits(images[1:2])
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("weight", [1e30, 3e38])
def test_weights_that_overflow_give_probabilities_all_the_same(images, weight):
    classifier = make_classifier(shear=0.2)
    classifier.checkpoint.model.parameters[:] = weight
    classifier.checkpoint.model.parameters[::3] = -weight  # so that infinities of both signs meet
    found = classifier.probabilities(images[:5])
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
