import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nn.inference.activations import activations_of
from nn.inference.receptive_field import receptive_field
from nn.network.architectures import NAMED, build
from tests.helpers.architectures import architectures


def stages_of(architecture, image):
    return activations_of(build(architecture, np.random.default_rng(5)), image)


def rows_and_columns(seen):
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    assert seen[np.ix_(rows, columns)].all()
    return (rows[0], rows[-1]), (columns[0], columns[-1])


def test_a_cell_of_a_convolution_sees_what_lies_under_its_kernel_and_its_pooling():
    image = np.zeros((28, 28), np.float32)
    image[10:14, 18:24] = 1
    plain = [["Unflatten", 1, 28, 28], ["Conv2d", 1, 4, 3, 1], ["Flatten"], ["Linear", 3136, 10]]
    pooled = [*plain[:2], ["MaxPool2d", 2], ["Flatten"], ["Linear", 784, 10]]
    for unit in range(4):
        stages = stages_of(plain, image)
        row, column = stages[0].strongest_cell(unit)
        assert rows_and_columns(receptive_field(stages, 0, unit)) == (
            (row - 1, row + 1), (column - 1, column + 1),
        )  # fmt: skip
        stages = stages_of(pooled, image)
        row, column = stages[0].strongest_cell(unit)
        assert rows_and_columns(receptive_field(stages, 0, unit)) == (
            (2 * row - 1, 2 * row + 2), (2 * column - 1, 2 * column + 2),
        )  # fmt: skip


def test_what_is_outside_the_image_is_not_seen():
    image = np.zeros((28, 28), np.float32)
    image[0, 0] = 1
    stages = stages_of(NAMED["cnn"], image)
    seen = [receptive_field(stages, 0, unit) for unit in range(32)]
    # Where the ink adds most, the pooled cell is the first one; its kernels reach over the edge.
    assert ((0, 2), (0, 2)) in map(rows_and_columns, seen)


def test_a_neuron_sees_everything():
    image = np.ones((28, 28), np.float32)
    for name, index in (("mlp", 0), ("mlp", 2), ("cnn", 4), ("cnn", 5)):
        assert receptive_field(stages_of(NAMED[name], image), index, 3).all()


def test_deeper_maps_see_more():
    stages = stages_of(NAMED["cnn"], np.random.default_rng(0).random((28, 28)))
    sizes = [
        max(receptive_field(stages, index, unit).sum() for unit in range(len(stages[index].values)))
        for index in range(4)
    ]
    # 3×3 and pooling: 4; 3×3 on cells 2 apart: 8; once more, and pooled: 14. On cells 4 apart it is
    # 22, but of the 7×7 only the middle one sees so much.
    assert sizes[:3] == [4**2, 8**2, 14**2]
    assert 14**2 < sizes[3] <= 22**2


@settings(deadline=None, max_examples=100)
@given(architectures(), st.integers(0, 2**32 - 1))
def test_a_value_depends_on_cells_it_sees_and_on_no_others(architecture, seed):
    rng = np.random.default_rng(seed)
    model = build(architecture, rng)
    image = rng.random((28, 28), dtype=np.float32)
    stages = activations_of(model, image)
    index = int(rng.integers(len(stages)))
    unit = int(rng.integers(len(stages[index].values)))
    seen = receptive_field(stages, index, unit)
    assert seen.any()
    place = (unit, *stages[index].strongest_cell(unit))
    value = stages[index].values[place]
    changed = np.where(seen, image, rng.random((28, 28), dtype=np.float32))
    again = activations_of(model, changed)[index].values[place]
    np.testing.assert_allclose(again, value, rtol=1e-3, atol=1e-6)


@settings(deadline=None, max_examples=100)
@given(architectures(), st.integers(0, 2**32 - 1))
def test_every_cell_that_is_seen_can_count(architecture, seed):
    rng = np.random.default_rng(seed)
    # Without functions that level off, and with weights of one sign, nothing cancels.
    model = build([entry for entry in architecture if len(entry) > 1 or entry == ["Flatten"]], rng)
    for layer in model.layers:
        for value in layer.params.values():
            value[...] = np.abs(value) + 0.1
    image = np.zeros((28, 28), np.float32)
    stages = activations_of(model, image)
    index = int(rng.integers(len(stages)))
    unit = int(rng.integers(len(stages[index].values)))
    place = (unit, *stages[index].strongest_cell(unit))
    seen = np.argwhere(receptive_field(stages, index, unit))
    row, column = seen[rng.integers(len(seen))]
    image[row, column] = 1
    assert activations_of(model, image)[index].values[place] > stages[index].values[place]
