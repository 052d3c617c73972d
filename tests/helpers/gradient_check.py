"""The reference for every gradient: centred differences in float64."""

import numpy as np


def numerical_gradient(f, x, step=1e-6):
    """∂f/∂x for a scalar function `f()` of the array `x`, which is changed and put back."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + step
        above = f()
        x[index] = kept - step
        below = f()
        x[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


def check_layer(layer, x, rng, tolerance=1e-7):
    """Compare a layer's input and parameter gradients with numerical ones, for a random loss."""
    x = x.astype(np.float64)
    before = x.copy()
    y = layer.forward(x, training=True)
    weights = rng.normal(size=y.shape)  # the loss is Σ weights · y, so dL/dy = weights

    def loss():
        return float(np.sum(weights * layer.forward(x, training=True)))

    layer.forward(x, training=True)
    dx = layer.backward(weights).copy()
    grads = {name: value.copy() for name, value in layer.grads.items()}
    np.testing.assert_array_equal(x, before, err_msg="the layer wrote on its input")
    np.testing.assert_allclose(dx, numerical_gradient(loss, x), rtol=tolerance, atol=tolerance)
    for name, value in layer.params.items():
        expected = numerical_gradient(loss, value)
        np.testing.assert_allclose(grads[name], expected, rtol=tolerance, atol=tolerance)
