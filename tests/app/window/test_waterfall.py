import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.window.screen.waterfall import add_up, waterfall_of
from nn.inference.activations import activations_of
from nn.inference.classifier import load_classifier
from nn.inference.contributions import contributions_to
from nn.inference.softmax_steps import softmax_steps
from nn.network.architectures import NAMED, build
from tests.helpers.architectures import architectures

IMAGE = np.random.default_rng(3).random((28, 28), dtype=np.float32)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12))
def test_rounded_amounts_add_up_to_the_rounded_sum(values):
    found = add_up(values)
    assert sum(found) == round(float(np.sum(np.array(values, np.longdouble)))) or (
        abs(sum(found) - float(np.sum(values))) <= 0.51
    )
    assert all(abs(amount - value) <= 1 for amount, value in zip(found, values, strict=True))


def test_what_lost_most_by_rounding_down_is_rounded_up():
    assert add_up([0.4, 0.4, 0.4]) == [1, 0, 0]
    assert add_up([1.9, -0.2, 0.6]) == [2, 0, 0]
    assert add_up([-1.7, 2.5]) == [-2, 3]


def number(text):
    assert re.fullmatch(r"[−+]?\d+(\.\d+)?", text)
    assert not re.fullmatch(r"[−+]0+(\.0*)?", text)
    return int(re.sub(r"[.+]", "", text).replace("−", "-"))


def check(waterfall, stage, unit):
    """Whatever is shown adds up, digit for digit."""
    level = 0
    for column in waterfall.columns:
        shown = number(waterfall.figure(column))
        if not column.is_sum:
            assert column.start == level
            level += shown
            assert column.end == level
        elif column.label in ("sum", "average"):
            assert shown == level
        elif column.label == "ReLU":
            assert shown == max(0, level)
            level = shown
        else:
            level = shown
    scale = 10.0 ** (waterfall.decimals - waterfall.power)
    value = float(stage.values[unit].max())
    assert abs(waterfall.own.end / scale - value) <= 0.51 / scale + 1e-3 * abs(value)


@settings(deadline=None, max_examples=200)
@given(architectures(), st.integers(1, 14), st.integers(0, 2**32 - 1))
def test_the_sum_of_any_unit_of_any_network_closes(architecture, room, seed):
    rng = np.random.default_rng(seed)
    model = build(architecture, rng)
    model.parameters[...] *= 10.0 ** rng.integers(-3, 4)
    stages = activations_of(model, IMAGE)
    for index, stage in enumerate(stages):
        unit = int(rng.integers(len(stage.values)))
        found = waterfall_of(stage, unit, contributions_to(stages, index, unit), None, room)
        assert len(found.columns) <= max(room, 5)
        check(found, stage, unit)


@pytest.mark.parametrize("name", ["linear", "tiny", "mlp", "cnn"])
def test_a_logit_goes_on_to_what_the_bar_shows(name):
    classifier = load_classifier(name)
    stages = activations_of(classifier.checkpoint.model, IMAGE)
    probabilities = classifier.probabilities(IMAGE[None])[0]
    for digit in range(10):
        steps = softmax_steps(classifier, classifier.logits(IMAGE[None])[0], digit)
        assert steps.probability == pytest.approx(float(probabilities[digit]), rel=1e-4, abs=1e-7)
        assert steps.power / steps.total == pytest.approx(steps.probability)
        contributions = contributions_to(stages, len(stages) - 1, digit)
        found = waterfall_of(stages[-1], digit, contributions, steps)
        check(found, stages[-1], digit)
        labels = [column.label for column in found.columns]
        assert ("average" in labels) == (name == "cnn")
        assert steps.images == (3 if name == "cnn" else 1)
        scale = 10.0 ** (found.decimals - found.power)
        assert found.columns[-1].end == pytest.approx(steps.logit * scale, abs=0.51)


def test_the_columns_are_the_largest_contributions_the_rest_and_the_bias():
    model = build(NAMED["mlp"], np.random.default_rng(0))
    stages = activations_of(model, IMAGE)
    contributions = contributions_to(stages, 1, 3)
    found = waterfall_of(stages[1], 3, contributions, None, 8)
    labels = [column.label for column in found.columns]
    assert labels[4:] == ["46 more", "bias", "sum", "ReLU"]
    assert [column.unit for column in found.columns[:4]] == [u for u, _ in contributions.units[:4]]
    picture = waterfall_of(stages[0], 3, contributions_to(stages, 0, 3))
    labels = [column.label for column in picture.columns]
    assert labels == ["ink adds", "ink takes away", "bias", "sum", "ReLU"]
    assert picture.columns[0].amount >= 0 >= picture.columns[1].amount


def test_hostile_weights_are_shown_in_powers_of_ten():
    model = build(NAMED["mlp"], np.random.default_rng(0))
    model.parameters[...] = 1e12
    stages = activations_of(model, IMAGE)
    found = waterfall_of(stages[2], 3, contributions_to(stages, 2, 3))
    assert found.power > 12
    assert all(len(found.figure(column)) <= 8 for column in found.columns)
