"""A block gives what its layers give one by one, whatever it remembers and however it is cut."""

import copy
import itertools
import pickle

import numpy as np
import pytest

from nn.inference.ablation import ablated
from nn.network import depth_first
from nn.network.activations import ReLU, Tanh
from nn.network.architectures import NAMED, build, cnn
from nn.network.convolution import Conv2d, MaxPool2d
from nn.network.depth_first import MAX_SHAPES, MIN_FOR_WINOGRAD, MIN_IMAGES, Block, in_blocks
from tests.helpers.gradient_check import check_layer

FORMS = list(itertools.product((True, False), repeat=2))  # with a pool, with a ReLU
forms = pytest.mark.parametrize(("pool", "relu"), FORMS)
# By the windows' matrix, by Winograd's products, and by either where it leads back.
channels = pytest.mark.parametrize(("inputs", "outputs"), [(1, 3), (1, 9), (8, 3), (9, 10)])
WHOLE = 1 << 30


@pytest.fixture
def rng():
    return np.random.default_rng(12)


def new_layers(rng, inputs, outputs, pool, relu, dtype=float):
    convolution = Conv2d(inputs, outputs, 3, rng, padding=1, dtype=dtype)
    convolution.params["bias"][:] = rng.normal(size=outputs)
    layers = [convolution, MaxPool2d(2, dtype) if pool else None, ReLU(dtype) if relu else None]
    return [layer for layer in layers if layer]


def block_of(layers):
    """A block that shares the parameters of the layers, and nothing else."""
    (block,) = in_blocks([layer.replica() for layer in layers])
    assert isinstance(block, Block)
    return block


def one_by_one(layers, x, rng):
    """Output, its random gradient, the input's, and the parameters' gradients."""
    for layer in layers:
        x = layer.forward(x, training=True)
    dy = dx = rng.normal(size=x.shape).astype(x.dtype)
    for layer in reversed(layers):
        dx = layer.backward(dx)
    return x, dy, dx, layers[0].grads


def assert_same(layers, block, x, rng, tolerance=1e-10):
    y, dy, dx, grads = one_by_one(layers, x, rng)
    close = {"rtol": tolerance, "atol": tolerance}
    before = x.copy()
    np.testing.assert_allclose(block.forward(x, training=True), y, **close)
    np.testing.assert_allclose(block.backward(dy), dx, **close)
    for name, expected in grads.items():
        np.testing.assert_allclose(block.grads[name], expected, **close)
    # The first layer's way: the gradients alone, over numbers that are no longer right.
    for gradient in block.grads.values():
        gradient[...] = 7
    block.forward(x, training=True)
    block.parameter_gradients(dy)
    for name, expected in grads.items():
        np.testing.assert_allclose(block.grads[name], expected, **close)
    np.testing.assert_allclose(block.forward(x), y, **close)
    np.testing.assert_array_equal(x, before)


@forms
@channels
@pytest.mark.parametrize("strip", [1, depth_first.STRIP])
def test_a_block_is_its_layers_one_by_one(rng, monkeypatch, inputs, outputs, pool, relu, strip):
    monkeypatch.setattr(depth_first, "STRIP", strip)
    layers = new_layers(rng, inputs, outputs, pool, relu)
    least = 2 if pool else 1
    sizes = [(1, 1), (2, 2), (1, 4), (5, 2), (6, 6), (7, 5), (4, 7), (9, 8)]
    for n, (height, width) in zip((1, 2, 3, 4, 5, 7, 8, 10), sizes, strict=True):
        x = rng.normal(size=(n, inputs, max(height, least), max(width, least)))
        assert_same(layers, block_of(layers), x, rng)


@forms
@pytest.mark.parametrize("n", range(1, 11))
def test_so_it_is_for_any_number_of_images(rng, pool, relu, n):
    layers = new_layers(rng, 8, 4, pool, relu)
    assert_same(layers, block_of(layers), rng.normal(size=(n, 8, 5, 7)), rng)


@forms
@pytest.mark.parametrize("inputs", [1, 16])
def test_in_float32_it_is_within_rounding(rng, inputs, pool, relu):
    layers = new_layers(rng, inputs, 16, pool, relu, np.float32)
    x = rng.random((32, inputs, 14, 14), dtype=np.float32)
    y, dy, dx, grads = one_by_one(layers, x, rng)
    block = block_of(layers)
    got = block.forward(x, training=True), block.backward(dy), *block.grads.values()
    for result, expected in zip(got, (y, dx, *grads.values()), strict=True):
        assert result.dtype == np.float32
        # Of the largest; and of two numbers that are nearly equal, either may take the gradient.
        is_off = np.abs(result - expected) > 2e-5 * np.abs(expected).max()
        assert is_off.mean() <= (1e-3 if pool and result is got[1] else 0)


@pytest.mark.parametrize("strip", [1, WHOLE])
@pytest.mark.parametrize("threes", [1, 100])
def test_the_strips_are_all_rows_once_and_even(monkeypatch, strip, threes):
    monkeypatch.setattr(depth_first, "STRIP", strip)
    x = np.zeros((30, threes, 28, 2))
    found = depth_first.strips(28, x, x)
    assert [row for rows in found for row in range(28)[rows]] == list(range(28))
    assert all((rows.stop - rows.start) % 2 == 0 for rows in found)
    assert len(found) == (14 if strip == 1 else 1)


@forms
@pytest.mark.parametrize("inputs", [1, MIN_FOR_WINOGRAD])
def test_gradients(rng, inputs, pool, relu):
    block = block_of(new_layers(rng, inputs, 2, pool, relu))
    check_layer(block, rng.normal(size=(2, inputs, 4, 3)), rng)


@pytest.mark.parametrize("inputs", [1, MIN_FOR_WINOGRAD])
@pytest.mark.parametrize("relu", [True, False])
def test_of_equal_numbers_one_gets_the_whole_gradient_as_in_the_pooling_layer(rng, inputs, relu):
    layers = new_layers(rng, inputs, 3, True, relu)
    layers[0].params["weight"][...] = 0  # so that all numbers of an image are its bias
    layers[0].params["bias"][:] = 1, 2, 3
    x = rng.normal(size=(9, inputs, 6, 7))
    assert_same(layers, block_of(layers), x, rng)
    # Each window's gradient goes to its first cell, on whose place in the image all weights meet.
    block = block_of(layers)
    y = block.forward(x, training=True)
    block.parameter_gradients(np.ones_like(y))
    middle = x[:, :, 0:6:2, 0:6:2].sum(axis=(0, 2, 3))
    np.testing.assert_allclose(block.grads["weight"][0, :, 1, 1], middle)


@pytest.mark.parametrize("n", [MIN_IMAGES - 1, MIN_IMAGES])
def test_prediction_keeps_nothing_for_backward(rng, n):
    block = block_of(new_layers(rng, 1, 2, True, True))
    x = rng.normal(size=(n, 1, 4, 4))
    dy = block.forward(x, training=True)
    block.forward(x)
    for way_back in (block.backward, block.parameter_gradients):
        with pytest.raises(RuntimeError, match="training=True"):
            way_back(dy)


@forms
@pytest.mark.parametrize("inputs", [1, MIN_FOR_WINOGRAD])
def test_few_images_are_read_without_strips_to_the_same(rng, inputs, pool, relu):
    layers = new_layers(rng, inputs, 9, pool, relu)
    block = block_of(layers)
    shapes = [(1, 6, 6), (1, 7, 5), (2, 7, 5), (MIN_IMAGES - 1, 3, 8), (1, 2, 3), (1, 6, 6)]
    for n, height, width in shapes * 2:  # the memory of one shape is not right for another
        x = expected = rng.normal(size=(n, inputs, height, width))
        before = x.copy()
        for layer in layers:
            expected = layer.forward(expected)
        np.testing.assert_allclose(block.forward(x), expected, rtol=1e-10, atol=1e-10)
        np.testing.assert_array_equal(x, before)
    assert block._passes == {}
    block.forward(rng.normal(size=(MIN_IMAGES, inputs, 6, 6)))
    assert len(block._passes) == 1


def test_few_images_are_read_as_many_are_to_within_rounding(rng):
    block = block_of(new_layers(rng, 8, 9, True, True, np.float32))
    x = rng.random((MIN_IMAGES, 8, 6, 6), dtype=np.float32)
    alone = np.concatenate([block.forward(image[None]).copy() for image in x])
    np.testing.assert_allclose(block.forward(x), alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("inputs", [1, MIN_FOR_WINOGRAD])
@pytest.mark.parametrize("pool", [True, False])
def test_batches_of_many_shapes_in_turn_give_what_fresh_blocks_give(rng, inputs, pool):
    layers = new_layers(rng, inputs, 3, pool, True)
    block = block_of(layers)
    shapes = [(8, 4, 4), (3, 4, 4), (8, 5, 7), (1, 5, 7), (9, 6, 2)]
    for n, height, width in [*shapes, *shapes[:2], *shapes, *shapes[::-1]]:
        x = rng.normal(size=(n, inputs, height, width))
        fresh = block_of(layers)
        y = fresh.forward(x, training=True)
        np.testing.assert_array_equal(block.forward(x, training=True), y)
        dy = rng.normal(size=y.shape)
        np.testing.assert_array_equal(block.backward(dy), fresh.backward(dy))
        for name, gradient in fresh.grads.items():
            np.testing.assert_array_equal(block.grads[name], gradient)
        assert len(block._passes) <= MAX_SHAPES


def test_what_a_backward_pass_needs_outlasts_the_memory_of_other_shapes(rng):
    layers = new_layers(rng, 8, 3, True, True)
    block, fresh = block_of(layers), block_of(layers)
    x = rng.normal(size=(5, 8, 4, 4))
    dy = fresh.forward(x, training=True).copy()
    block.forward(x, training=True)
    for n in range(1, MAX_SHAPES + 2):
        block._passes_for((n, 8, 6, 6))
    np.testing.assert_array_equal(block.backward(dy), fresh.backward(dy))


def test_what_a_block_cannot_run_stays_a_layer(rng):
    def convolution(kernel_size=3, padding=1):
        return Conv2d(1, 1, kernel_size, rng, padding)

    plain = [convolution(5, 2), ReLU(), convolution(3, 0), MaxPool2d(2), convolution(1, 0)]
    assert in_blocks(plain) == tuple(plain)
    for layers, joined in (
        ([convolution(), MaxPool2d(3), ReLU()], 1),
        ([convolution(), Tanh()], 1),
        ([convolution(), ReLU(), MaxPool2d(2)], 2),
        ([convolution(), MaxPool2d(2), Tanh()], 2),
        ([convolution(), MaxPool2d(2), ReLU(), ReLU()], 3),
        ([convolution()], 1),
    ):
        block, *rest = in_blocks(layers)
        assert block.layers == layers[:joined]
        assert rest == layers[joined:]


@pytest.mark.parametrize(
    ("name", "joined"),
    [
        # Unflatten, Conv2d + MaxPool2d + ReLU, …, Flatten, and so on
        ("cnn", [1, 3, 2, 3, 2, 1, 1, 1, 1, 1, 1]),
        ("cnn-small", [1, 3, 3, 1, 1]),
        ("mlp", [1] * 6),
    ],
)
def test_the_neighbours_that_a_named_network_joins(rng, name, joined):
    model = build(NAMED[name], rng)
    runs = [block.layers if isinstance(block, Block) else [block] for block in model.blocks]
    assert [len(run) for run in runs] == joined
    assert [layer for run in runs for layer in run] == list(model.layers)


def test_a_block_says_what_it_is(rng):
    block = block_of(new_layers(rng, 1, 4, True, True))
    assert repr(block) == "Conv2d(1, 4, kernel_size=3, padding=1) + MaxPool2d(2) + ReLU()"


SMALL = cnn(3, "pool", 8, 9, "pool")


def outputs_of(model, images):
    """Logits and the gradients of all parameters by the blocks."""
    logits = model.forward(images, training=True).copy()
    model.parameter_gradients(np.ones_like(logits))
    return logits, model.gradients.copy()


def assert_runs_with(model, parameters, images):
    """The model's blocks give what a model with these parameters gives that has run nothing yet."""
    fresh = build(SMALL, np.random.default_rng(1))
    fresh.parameters[...] = parameters
    for result, expected in zip(outputs_of(model, images), outputs_of(fresh, images), strict=True):
        np.testing.assert_array_equal(result, expected)
    for few in (images, images[:1]):  # each in a way of its own
        np.testing.assert_array_equal(model.forward(few), fresh.forward(few))


def load_state(model):
    state = model.state_dict()
    model.load_state_dict({name: value + 0.01 for name, value in state.items()})
    return model


def change_in_place(model):
    model.parameters *= 0.9
    return model


def copied(copy_of):
    def change(model):
        twin = copy_of(model)
        twin.parameters += 0.01
        assert not np.array_equal(twin.parameters, model.parameters)
        return twin

    return change


def replica(model):
    twin = model.replica()
    model.parameters += 0.01
    assert np.shares_memory(twin.parameters, model.parameters)
    return twin


def snapshot(model):
    twin = model.snapshot()
    model.parameters.fill(np.nan)
    return twin


@pytest.mark.parametrize(
    "change",
    [load_state, change_in_place, replica, snapshot, copied(copy.deepcopy),
     copied(lambda model: pickle.loads(pickle.dumps(model)))],
    ids=["load_state_dict", "in place", "replica", "snapshot", "deepcopy",
         "pickle"],
)  # fmt: skip
def test_the_blocks_have_the_weights_of_the_moment(rng, change):
    images = rng.random((10, 784), dtype=np.float32)
    model = build(SMALL, rng)
    outputs_of(model, images)  # so that there is something to remember
    for few in (images, images[:1]):
        model.forward(few)
    changed = change(model)
    assert_runs_with(changed, changed.parameters, images)


def test_a_copy_of_a_model_has_none_of_its_blocks_memory(rng):
    model = build(SMALL, rng)
    small = len(pickle.dumps(model))
    outputs_of(model, rng.random((10, 784), dtype=np.float32))
    for layer in model.layers:
        layer._buffers = {}
    assert len(pickle.dumps(model)) < 1.2 * small + 100_000


def test_new_layers_are_new_blocks(rng):
    images = rng.random((10, 784), dtype=np.float32)
    model = build(SMALL, rng)
    before = model.forward(images).copy()
    without = ablated(model, {(1, 0)})
    after = images
    for layer in without.layers:
        after = layer.forward(after)
    np.testing.assert_allclose(without.forward(images), after, rtol=1e-5, atol=1e-5)
    assert not np.allclose(after, before)
    np.testing.assert_array_equal(model.forward(images), before)


@pytest.mark.parametrize("name", ["cnn", "cnn-small"])
def test_a_network_is_its_layers_one_by_one(name):
    architecture = [entry for entry in NAMED[name] if entry[0] != "Dropout"]
    model = build(architecture, np.random.default_rng(2), float)
    twin = model.replica()
    rng = np.random.default_rng(3)
    model.parameters += rng.normal(0, 0.01, model.parameters.size)  # the biases are 0 at first
    images = rng.random((9, 784))
    y, dy, dx, _ = one_by_one(twin.layers, images, rng)
    np.testing.assert_allclose(model.forward(images, training=True), y, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(model.backward(dy), dx, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(model.gradients, twin.gradients, rtol=1e-10, atol=1e-10)
    model.gradients.fill(7)
    model.forward(images, training=True)
    model.parameter_gradients(dy)
    np.testing.assert_allclose(model.gradients, twin.gradients, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(model.forward(images), y, rtol=1e-10, atol=1e-10)
