import numpy as np
import pytest
from hypothesis import given, settings

from nn.inference.activations import activations_of
from nn.inference.contributions import contributions_to, strongest_paths
from nn.network.architectures import NAMED, build
from tests.helpers.architectures import architectures

IMAGE = np.random.default_rng(3).random((28, 28), dtype=np.float32)
FUNCTIONS = {
    "ReLU": lambda x: np.maximum(x, 0),
    "Tanh": np.tanh,
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def stages_of(architecture, seed=0):
    rng = np.random.default_rng(seed)
    model = build(architecture, rng)
    for layer in model.layers:
        for bias in [layer.params["bias"]] if layer.params else []:
            bias[...] = rng.normal(0, 0.3, bias.shape)
    return model, activations_of(model, IMAGE)


@settings(deadline=None, max_examples=300)
@given(architectures())
def test_whatever_the_architecture_every_unit_is_the_sum_of_its_inputs(architecture):
    model, stages = stages_of(architecture)
    logits = model.forward(IMAGE.reshape(1, -1))[0]
    np.testing.assert_allclose(stages[-1].values, logits, rtol=1e-4, atol=1e-5)
    assert [stage.is_last for stage in stages] == [False] * (len(stages) - 1) + [True]
    for index, stage in enumerate(stages):
        assert stage.title
        if index:  # what comes in is what the stage before gives
            np.testing.assert_array_equal(stage.input.ravel(), stages[index - 1].values.ravel())
            assert len(stage.input) == len(stages[index - 1].values)
        for unit in {0, len(stage.values) // 2, len(stage.values) - 1}:
            found = contributions_to(stages, index, unit)
            value = found.total
            for name in stage.functions:
                value = FUNCTIONS[name](value)
            assert value == pytest.approx(float(stage.values[unit].max()), rel=1e-3, abs=1e-4)
            if cell := stage.strongest_cell(unit):
                assert stage.values[unit][cell] == pytest.approx(stage.values[unit].max(), abs=1e-6)
            if index:
                assert all(0 <= source < len(stages[index - 1].values) for source, _ in found.units)
            else:
                assert not found.units
                assert found.picture.sum() + found.bias == pytest.approx(found.total)
            if found.inputs == len(found.units):
                shares = sum(share for _, share in found.units)
                assert shares + found.bias == pytest.approx(found.total)
            sizes = [abs(share) for _, share in found.units]
            assert sizes == sorted(sizes, reverse=True)
        for link in strongest_paths(stages, index, 0):
            assert 1 <= link.stage <= index
            assert abs(link.strength) <= 1


def test_the_paths_lead_from_the_unit_down_to_the_first_stage_without_a_gap():
    _, stages = stages_of(NAMED["cnn"])
    links = strongest_paths(stages, 5, 7)
    assert {link.stage for link in links} == {1, 2, 3, 4, 5}
    above = {7}
    for stage in range(5, 0, -1):
        here = [link for link in links if link.stage == stage]
        assert {link.unit for link in here} <= above
        above = {link.source for link in here}
        assert 1 <= len(above) <= 3
        assert max(abs(link.strength) for link in here) == 1
    # The first step is told by the contributions themselves.
    top = [source for source, _ in contributions_to(stages, 5, 7).units[:3]]
    assert {link.source for link in links if link.stage == 5} == set(top)


def test_hostile_weights_give_numbers():
    model, _ = stages_of(NAMED["mlp"])
    model.parameters[...] = 1e12 * np.random.default_rng(0).choice([-1, 1], model.parameters.size)
    stages = activations_of(model, IMAGE)
    for index, stage in enumerate(stages):
        assert np.isfinite(stage.values).all()
        assert np.isfinite(contributions_to(stages, index, 0).total)
