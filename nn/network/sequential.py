"""Layers one after the other: a network."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from nn.network.batches import BATCH, in_batches
from nn.network.depth_first import in_blocks
from nn.network.layers import Dropout, Layer
from nn.support.types import Array


class Sequential:
    """Layers one after the other, with all their parameters in one flat vector.

    `parameters` and `gradients` are 1-D arrays; each layer's `params` and `grads` are views into
    them. An optimiser step is therefore a handful of operations on two vectors, whatever the
    number of layers.

    >>> from nn import Linear, ReLU
    >>> rng = np.random.default_rng(42)
    >>> model = Sequential(Linear(784, 50, rng), ReLU(), Linear(50, 10, rng))
    >>> model
    Sequential(Linear(784, 50), ReLU(), Linear(50, 10))
    >>> model.forward(np.zeros((3, 784), np.float32)).shape
    (3, 10)
    >>> model.count_params() == 784 * 50 + 50 + 50 * 10 + 10 == model.parameters.size
    True
    >>> list(model.state_dict())
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, *layers: Layer) -> None:
        self._layers = layers
        dtypes = {layer.dtype for layer in layers if layer.params} or {np.dtype(np.float32)}
        if len(dtypes) > 1:
            raise ValueError(f"all layers must have one dtype, received {sorted(map(str, dtypes))}")
        size = sum(value.size for layer in layers for value in layer.params.values())
        self.parameters = np.zeros(size, dtypes.pop())
        self.gradients = np.zeros_like(self.parameters)
        self._link()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers one by one; `blocks` has them as they are run."""
        return self._layers

    @layers.setter
    def layers(self, layers: tuple[Layer, ...]) -> None:
        self._layers, self.blocks = layers, in_blocks(layers)

    def _link(self) -> None:
        """Move the layers' parameters and gradients into the vectors."""
        for layer, name, span in self._spans():
            value = layer.params[name]
            self.parameters[span] = value.ravel()
            layer.params[name] = self.parameters[span].reshape(value.shape)
            layer.grads[name] = self.gradients[span].reshape(value.shape)
        self.layers = self._layers  # what the blocks know of the old memory is forgotten

    def __getstate__(self) -> dict[str, Any]:
        # The blocks' memory would be copied for nothing: `_link` makes new ones.
        return {name: value for name, value in self.__dict__.items() if name != "blocks"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Copying and unpickling turn the views into arrays.
        self.__dict__.update(state)
        self._link()

    def _spans(self) -> Iterator[tuple[Layer, str, slice]]:
        """Where each layer's parameters lie in the vectors."""
        start = 0
        for layer in self.layers:
            for name, value in layer.params.items():
                yield layer, name, slice(start, start + value.size)
                start += value.size

    def replica(self) -> Sequential:
        """A model that shares this one's parameters but has gradients and buffers of its own."""
        twin = copy.copy(self)
        twin.layers = tuple(layer.replica() for layer in self.layers)
        twin.gradients = np.zeros_like(self.gradients)
        for layer, name, span in twin._spans():
            layer.grads[name] = twin.gradients[span].reshape(layer.params[name].shape)
        return twin

    def snapshot(self) -> Sequential:
        """A replica whose parameters are its own too, and stay as they are now."""
        twin = self.replica()
        twin.parameters = self.parameters.copy()
        twin._link()
        return twin

    def forward(self, x: Array, training: bool = False) -> Array:
        """The last layer's output for the batch `x`, (N, 784) or (N, 1, 28, 28)."""
        for block in self.blocks:
            x = block.forward(x, training)
        return x

    def logits(self, images: Array, batch_size: int = BATCH) -> Array:
        """What `forward` gives for any number of images, in an array of its own: (N, classes)."""
        return in_batches(self.forward, images, batch_size)

    def backward(self, dy: Array) -> Array:
        """The gradient with respect to the input of the last `forward(..., training=True)`."""
        for block in reversed(self.blocks):
            dy = block.backward(dy)
        return dy

    def parameter_gradients(self, dy: Array) -> None:
        """Fill `gradients` like `backward`, but stop where no parameters are left to serve.

        The input gradient of the first layer is a third of its work, and training never uses it.
        """
        first = next((i for i, block in enumerate(self.blocks) if block.params), len(self.blocks))
        for block in reversed(self.blocks[first + 1 :]):
            dy = block.backward(dy)
        if first < len(self.blocks):
            self.blocks[first].parameter_gradients(dy)

    def use_rng(self, rng: np.random.Generator) -> None:
        """Let the layers that draw random numbers (dropout) draw them from `rng`."""
        for layer in self.layers:
            if isinstance(layer, Dropout):
                layer.rng = rng

    def count_params(self) -> int:
        """How many numbers training can change."""
        return self.parameters.size

    def state_dict(self) -> dict[str, Array]:
        """Copies of all parameters, keyed "<layer index>.<name>" as PyTorch's Sequential does."""
        return {name: value.copy() for name, value in self._named_parameters()}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Take over parameters with exactly the names and shapes of `state_dict()`.

        Raises `ValueError`, changing nothing, when a name or a shape differs.
        """
        own = dict(self._named_parameters())
        expected = {name: value.shape for name, value in own.items()}
        received = {name: value.shape for name, value in state.items()}
        if expected != received:
            raise ValueError(f"expected parameters {expected}, received {received}")
        for name, value in own.items():
            value[...] = state[name]

    def _named_parameters(self) -> Iterator[tuple[str, Array]]:
        for index, layer in enumerate(self.layers):
            for name, value in layer.params.items():
                yield f"{index}.{name}", value

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"
