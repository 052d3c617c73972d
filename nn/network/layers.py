"""The layers of a network, each a forward and a backward pass that a reader can check by hand.

Every layer has

* `forward(x, training=False) -> y`,
* `backward(dy) -> dx`: given the gradient of the loss with respect to the output of the last
  `forward(..., training=True)`, the gradient with respect to its input, by the chain rule
  (Rumelhart, Hinton and Williams 1986); it overwrites the layer's own gradients,
* `params` and `grads`: dicts with the same keys and shapes.

Shapes are written with the batch first, as a reader expects: `(N, features)` for vectors and
`(N, C, H, W)` for images. In *memory* the batch comes last wherever there are images, and what is
flattened from them is the transposed view of a `(features, N)` block. Neighbouring numbers then
belong to the same feature of neighbouring images, so that everything runs over long contiguous
stretches. Without images, as in a multilayer perceptron, the batch stays first, as it is gathered.
BLAS multiplies transposed views without copying them, and every layer takes its input in any memory
order.

Results are written into buffers that belong to the layer: an output is valid until the layer's
next `forward`, an input gradient until its next `backward`. No layer writes on its input.
With `training=False` nothing is kept for `backward`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from nn.support.types import Array

Cached = TypeVar("Cached")
Shape = tuple[int, ...]
CACHE_LINE = 64  # bytes
Initializer = Callable[[np.random.Generator, Shape, int, int], Array]


def he_normal(rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Weights of variance 2/fan_in: keeps the size of signals through ReLU layers.

    He et al. 2015, "Delving Deep into Rectifiers", equation 10.
    """
    return rng.normal(0.0, math.sqrt(2.0 / fan_in), shape)


def xavier_uniform(rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Weights uniform in ±√(6/(fan_in + fan_out)): for tanh, sigmoid and linear layers.

    Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural
    networks", equation 16.
    """
    limit = math.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, shape)


class Plan(NamedTuple):
    """What a layer of given sizes makes of one image, told before the layer is made."""

    shape: Shape  # of its output
    parameters: int = 0
    copies: int = 1  # of its input that it holds in memory


class Layer:
    """What all layers share: no parameters unless they say so, and buffers allocated once."""

    min_sizes: ClassVar[tuple[float, ...]] = ()  # the least of each size in an architecture's entry
    operator: ClassVar[str | None] = None  # ONNX's name for it; None where no value changes

    def __init__(self, dtype: DTypeLike = np.float32) -> None:
        self.dtype = np.dtype(dtype)
        self.attributes: dict[str, Any] = {}  # what ONNX must know besides `operator` and `params`
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self._buffers: dict[str, Array] = {}

    def forward(self, x: Array, training: bool = False) -> Array:
        """Compute the output for the batch `x`."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array:
        """Compute the input's gradient from the output's."""
        raise NotImplementedError

    def parameter_gradients(self, dy: Array) -> None:
        """Fill `grads` only; for the first layer, whose input gradient is not needed."""

    def _add_parameter(self, name: str, value: Array) -> None:
        self.params[name] = value.astype(self.dtype)
        self.grads[name] = np.zeros_like(self.params[name])

    def _buffer(self, name: str, shape: Shape, dtype: DTypeLike | None = None) -> Array:
        """A C-ordered array of `shape`, the same memory each time it is asked for, zero at first.

        A shorter last batch uses the front part of the memory.
        """
        size = math.prod(shape)
        memory = self._buffers.get(name)
        if memory is None or memory.size < size:
            memory = self._buffers[name] = _aligned(size, np.dtype(dtype or self.dtype))
        return memory[:size].reshape(shape)

    def _buffer_like(self, name: str, x: Array) -> Array:
        """A buffer of `x`'s shape whose axes lie in memory in the same order as `x`'s."""
        order = sorted(range(x.ndim), key=lambda axis: -x.strides[axis])
        places = sorted(range(x.ndim), key=order.__getitem__)
        return self._buffer(name, tuple(x.shape[axis] for axis in order)).transpose(places)

    @staticmethod
    def plan(shape: Shape, *sizes: Any) -> Plan:
        """What a layer of these `sizes` makes of an image of the `shape` that comes to it.

        Raises `ValueError` where they do not fit, in words that follow "layer 3 …".
        """
        return Plan(shape)

    def replica(self) -> Layer:
        """A layer that shares this one's parameters but has gradients and buffers of its own.

        Two threads can work with a layer and its replica at the same time.
        """
        twin = copy.copy(self)
        twin.params = dict(self.params)
        twin.grads = {name: np.zeros_like(value) for name, value in self.grads.items()}
        twin._buffers = {}
        return twin

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Linear(Layer):
    """A fully connected layer: y = x Wᵀ + b.

    `weight` is (out_features, in_features), `bias` (out_features,), both as PyTorch keeps them.

    >>> layer = Linear(2, 1, np.random.default_rng(0))
    >>> layer.params["weight"][...], layer.params["bias"][...] = [[3, -1]], 0.5
    >>> layer.forward(np.array([[1.0, 2.0]]))
    array([[1.5]], dtype=float32)
    """

    min_sizes = (1, 1)
    operator = "Gemm"
    _x: Array | None = None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rng: np.random.Generator,
        initialize: Initializer = he_normal,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(dtype)
        self.in_features, self.out_features = in_features, out_features
        self.attributes = {"transB": 1}
        shape = (out_features, in_features)
        self._add_parameter("weight", initialize(rng, shape, in_features, out_features))
        self._add_parameter("bias", np.zeros(out_features))

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, in_features) -> (N, out_features)."""
        self._x = x if training else None
        weight, bias = self.params["weight"], self.params["bias"]
        if x.flags.c_contiguous:  # a batch as it is gathered; it is multiplied fastest as it lies
            y = np.matmul(x, weight.T, out=self._buffer("y", (len(x), self.out_features)))
            y += bias
            return y
        y_t = np.matmul(weight, x.T, out=self._buffer("y", (self.out_features, len(x))))
        y_t += bias[:, None]
        return y_t.T

    def parameter_gradients(self, dy: Array) -> None:
        """∂L/∂W = dyᵀ x and ∂L/∂b = Σ over the batch of dy; `dy` is (N, out_features)."""
        x = require_cached(self._x)
        np.matmul(dy.T, x, out=self.grads["weight"])
        np.einsum("no->o", dy, out=self.grads["bias"])

    def backward(self, dy: Array) -> Array:
        """(N, out_features) -> (N, in_features): dx = dy W, in memory as x lay there."""
        self.parameter_gradients(dy)
        weight = self.params["weight"]
        if require_cached(self._x).flags.c_contiguous:
            return np.matmul(dy, weight, out=self._buffer("dx", (len(dy), self.in_features)))
        dx_t = np.matmul(weight.T, dy.T, out=self._buffer("dx", (self.in_features, len(dy))))
        return dx_t.T

    @staticmethod
    def plan(shape: Shape, *sizes: int) -> Plan:
        """(in_features,) -> (out_features,)."""
        in_features, out_features = sizes
        expect_shape((in_features,), shape)
        return Plan((out_features,), (in_features + 1) * out_features)

    def __repr__(self) -> str:
        return f"Linear({self.in_features}, {self.out_features})"


class Dropout(Layer):
    """While training, zeroes each value with probability `p` and scales the rest by 1/(1 − p).

    The scaling keeps the expected value, so that prediction needs no change ("inverted" dropout;
    Srivastava et al. 2014).

    >>> layer = Dropout(0.5, np.random.default_rng(0))
    >>> sorted(set(layer.forward(np.ones((1, 100)), training=True).ravel().tolist()))
    [0.0, 2.0]
    >>> layer.forward(np.ones((1, 3))).tolist()
    [[1.0, 1.0, 1.0]]
    """

    min_sizes = (0.0,)
    _scale: Array | None = None

    def __init__(self, p: float, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> None:
        super().__init__(dtype)
        if not 0 <= p < 1:
            raise ValueError(f"dropout probability must be from 0 to below 1, received {p}")
        self.p, self.rng = p, rng

    def forward(self, x: Array, training: bool = False) -> Array:
        """Any shape -> the same shape."""
        if not training or self.p == 0:
            self._scale = None
            return x
        scale = self._buffer_like("scale", x)
        memory = scale.ravel("K")  # a view: the numbers are filled in as they lie there
        np.greater_equal(self.rng.random(memory.size, dtype=np.float32), self.p, out=memory)
        memory *= 1 / (1 - self.p)
        self._scale = scale
        return np.multiply(x, scale, out=self._buffer_like("y", x))

    def backward(self, dy: Array) -> Array:
        """Any shape -> the same shape: the gradient passes where the value did."""
        if self.p == 0:
            return dy
        scale = require_cached(self._scale)
        return np.multiply(dy, scale, out=self._buffer_like("dx", scale))

    def __repr__(self) -> str:
        return f"Dropout({self.p})"


class Flatten(Layer):
    """(N, C, H, W) -> (N, C·H·W).

    >>> Flatten().forward(np.zeros((5, 1, 28, 28), np.float32)).shape
    (5, 784)
    """

    _x_shape: Shape | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, …) -> (N, product of the rest)."""
        self._x_shape = x.shape if training else None
        if x.ndim == 2:
            return x
        batch_last = x.transpose(*range(1, x.ndim), 0)
        if not batch_last.flags.c_contiguous:
            y = self._buffer("y", batch_last.shape)
            np.copyto(y, batch_last)
            batch_last = y
        return batch_last.reshape(-1, len(x)).T

    def backward(self, dy: Array) -> Array:
        """(N, features) -> the input's shape."""
        return reshape_images(dy, require_cached(self._x_shape)[1:])

    @staticmethod
    def plan(shape: Shape, *sizes: int) -> Plan:
        """(C, H, W) -> (C·H·W,)."""
        return Plan((math.prod(shape),))


class Unflatten(Layer):
    """(N, C·H·W) -> (N, C, H, W); an input that has this shape already passes as it is."""

    min_sizes = (0, 0, 0)
    _x_shape: Shape | None = None

    def __init__(
        self, channels: int, height: int, width: int, dtype: DTypeLike = np.float32
    ) -> None:
        super().__init__(dtype)
        self.shape = (channels, height, width)

    def forward(self, x: Array, training: bool = False) -> Array:
        """(N, C·H·W) or (N, C, H, W) -> (N, C, H, W)."""
        self._x_shape = x.shape if training else None
        return reshape_images(x, self.shape)

    def backward(self, dy: Array) -> Array:
        """(N, C, H, W) -> the input's shape."""
        return reshape_images(dy, require_cached(self._x_shape)[1:])

    @staticmethod
    def plan(shape: Shape, *sizes: int) -> Plan:
        """(C·H·W,) -> (C, H, W)."""
        expect_shape((math.prod(sizes),), shape)
        return Plan(sizes)

    def __repr__(self) -> str:
        return f"Unflatten{self.shape}"


def _aligned(size: int, dtype: np.dtype[Any]) -> Array:
    """A 1-D array of zeros that begins with a line of the processor's cache.

    NumPy's own begin anywhere in a line, and adding them takes up to twice as long.
    """
    memory = np.zeros(size * dtype.itemsize + CACHE_LINE, np.uint8)
    first = -memory.ctypes.data % CACHE_LINE
    return memory[first : first + size * dtype.itemsize].view(dtype)


def expect_shape(expected: Shape, shape: Shape) -> None:
    """Raise `ValueError` where an image of another shape than `expected` comes to a layer."""
    if expected != shape:
        raise ValueError(f"takes values of shape {expected}, but gets {shape}")


def reshape_images(x: Array, shape: Shape) -> Array:
    """Give every item of a batch the `shape`, keeping the batch last in memory."""
    batch_last = np.moveaxis(x, 0, -1)  # a view: (features…, N)
    return np.moveaxis(batch_last.reshape(*shape, len(x)), -1, 0)


def require_cached(value: Cached | None) -> Cached:
    """What a training forward pass left for `backward`, or an error that says it is missing."""
    if value is None:
        raise RuntimeError("backward() needs forward(..., training=True) before it")
    return value
