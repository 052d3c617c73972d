import numpy as np
import pytest

from nn.network.activations import ReLU
from nn.network.convolution import Conv2d, MaxPool2d
from nn.network.layers import Unflatten
from tests.helpers.gradient_check import check_layer


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def slow_convolution(x, weight, bias, padding):
    """The sum of the docstring, number by number."""
    n, _, height, width = x.shape
    out_channels, channels, k, _ = weight.shape
    y = np.zeros((n, out_channels, height + 2 * padding - k + 1, width + 2 * padding - k + 1))
    for b, o, i, j in np.ndindex(y.shape):
        y[b, o, i, j] = bias[o]
        for c, u, v in np.ndindex(channels, k, k):
            row, column = i + u - padding, j + v - padding
            if 0 <= row < height and 0 <= column < width:
                y[b, o, i, j] += weight[o, c, u, v] * x[b, c, row, column]
    return y


def slow_pooling(x, k):
    n, channels, height, width = x.shape
    y = np.zeros((n, channels, height // k, width // k))
    for b, c, i, j in np.ndindex(y.shape):
        y[b, c, i, j] = x[b, c, i * k : i * k + k, j * k : j * k + k].max()
    return y


SHAPES = [
    # batch, channels, height, width, out channels, kernel, padding
    (2, 1, 6, 6, 3, 3, 1),
    (1, 2, 5, 7, 2, 3, 0),
    (3, 2, 4, 4, 2, 5, 2),
    (2, 3, 3, 2, 1, 1, 0),
    (1, 1, 4, 5, 2, 2, 1),
    (2, 1, 1, 1, 2, 3, 1),  # smaller than the window: all that is left is padding
    (1, 1, 2, 2, 1, 5, 3),  # padding beyond what any weight of a row can reach
    (2, 9, 5, 6, 4, 3, 1),  # many channels: an even row,
    (3, 8, 4, 7, 9, 3, 1),  # an odd one,
    (1, 8, 3, 5, 2, 3, 0),  # without padding,
    (2, 8, 2, 1, 3, 3, 2),  # and with more of it than image
]


@pytest.mark.parametrize("shape", SHAPES)
def test_convolution_is_the_sum_of_its_docstring(rng, shape):
    n, channels, height, width, out_channels, k, padding = shape
    layer = Conv2d(channels, out_channels, k, rng, padding, dtype=float)
    layer.params["bias"][:] = rng.normal(size=out_channels)
    x = rng.normal(size=(n, channels, height, width))
    expected = slow_convolution(x, layer.params["weight"], layer.params["bias"], padding)
    np.testing.assert_allclose(layer.forward(x), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_convolution_gradients(rng, shape):
    n, channels, height, width, out_channels, k, padding = shape
    layer = Conv2d(channels, out_channels, k, rng, padding, dtype=float)
    check_layer(layer, rng.normal(size=(n, channels, height, width)), rng)


@pytest.mark.parametrize("shape", [(2, 3, 4, 6, 2), (1, 2, 5, 7, 2), (2, 1, 7, 8, 3)])
def test_pooling_and_its_gradients(rng, shape):
    *image, k = shape
    x = rng.permutation(np.prod(image)).reshape(image) / 10  # no two numbers are equal
    np.testing.assert_array_equal(MaxPool2d(k, dtype=float).forward(x), slow_pooling(x, k))
    check_layer(MaxPool2d(k, dtype=float), x, rng)


def test_of_equal_numbers_the_first_gets_the_whole_gradient():
    pool = MaxPool2d(2, dtype=float)
    pool.forward(np.zeros((1, 1, 2, 4)), training=True)
    dx = pool.backward(np.array([[[[3.0, 5.0]]]]))
    np.testing.assert_array_equal(dx, [[[[3, 0, 5, 0], [0, 0, 0, 0]]]])


def test_a_short_last_batch_gives_the_same_as_a_fresh_layer(rng):
    conv, pool = Conv2d(2, 3, 3, rng, padding=1), MaxPool2d(2)
    fresh, fresh_pool = conv.replica(), MaxPool2d(2)
    images = rng.random((5, 2, 7, 7), dtype=np.float32)
    pool.forward(conv.forward(images, training=True), training=True)
    d = pool.backward(np.ones((5, 3, 3, 3), np.float32))
    conv.backward(d)
    short = pool.forward(conv.forward(images[:2], training=True), training=True)
    expected = fresh_pool.forward(fresh.forward(images[:2], training=True), training=True)
    np.testing.assert_array_equal(short, expected)
    dy = rng.random(short.shape, dtype=np.float32)
    np.testing.assert_array_equal(
        conv.backward(pool.backward(dy)), fresh.backward(fresh_pool.backward(dy))
    )
    np.testing.assert_array_equal(conv.grads["weight"], fresh.grads["weight"])


def test_the_batch_comes_last_in_memory(rng):
    x = Unflatten(1, 6, 6).forward(rng.random((4, 36), dtype=np.float32))
    conv, pool, relu = Conv2d(1, 2, 3, rng, padding=1), MaxPool2d(2), ReLU()
    y = relu.forward(pool.forward(conv.forward(x, training=True), training=True), training=True)
    dx = conv.backward(pool.backward(relu.backward(y)))
    for array in (y, dx):
        assert array.strides[0] == array.itemsize


def test_unflatten(rng):
    layer = Unflatten(2, 3, 4, dtype=float)
    check_layer(layer, rng.normal(size=(5, 24)), rng)
    x = rng.normal(size=(5, 24))
    np.testing.assert_array_equal(layer.forward(x), x.reshape(5, 2, 3, 4))
    square = x.reshape(5, 2, 3, 4)
    np.testing.assert_array_equal(layer.forward(square), square)


@pytest.mark.parametrize("make", [lambda r: Conv2d(1, 1, 1, r), lambda r: MaxPool2d(1),
                                  lambda r: Unflatten(1, 2, 2)])  # fmt: skip
def test_prediction_keeps_nothing_for_backward(rng, make):
    layer = make(rng)
    x = np.ones((1, 1, 2, 2), np.float32)
    layer.forward(x, training=True)
    layer.forward(x)
    with pytest.raises(RuntimeError, match="training=True"):
        layer.backward(x)


@pytest.mark.parametrize("padding", [-1, 3])
def test_padding_that_no_window_reaches_is_refused(rng, padding):
    with pytest.raises(ValueError, match=f"below the kernel size 3, received {padding}"):
        Conv2d(1, 1, 3, rng, padding)


def test_they_say_what_they_are(rng):
    assert repr(Conv2d(1, 4, 3, rng, padding=1)) == "Conv2d(1, 4, kernel_size=3, padding=1)"
    assert repr(MaxPool2d(2)) == "MaxPool2d(2)"
    assert repr(Unflatten(1, 28, 28)) == "Unflatten(1, 28, 28)"
