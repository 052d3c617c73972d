"""A trained network as an ONNX model, for ONNX Runtime, OpenCV and others.

Some runtimes know few operators, or cannot reshape a batch of unknown size. So the graph is plain:
each view of an image goes through nodes of its own, which share the weights. Besides the layers'
operators there are only Transpose, to shear an image row by row, Add and Mul for the mean over the
views and the temperature, and Softmax; Reshape only where an architecture needs it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nn.handwriting.framing import SIZE
from nn.handwriting.shear import offsets, shears_of_views
from nn.inference.checkpoint import Checkpoint
from nn.network.activations import Activation
from nn.network.architectures import shapes_of
from nn.network.layers import Shape
from nn.support.errors import not_installed
from nn.support.types import Array

OPSET = 9  # of ONNX's operators; PyTorch's exporter wrote it for years, so every runtime reads it
IR_VERSION = 4  # of ONNX's file format; the first in which weights need not be inputs as well


class _Graph:
    """The operators and constants of an ONNX graph; values go by their names."""

    def __init__(self) -> None:
        self.nodes: list[tuple[str, tuple[str, ...], str, dict[str, Any]]] = []
        self.constants: dict[str, Array] = {}

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        output = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append((operator, inputs, output, attributes))
        return output

    def constant(self, name: str, value: Array) -> str:
        self.constants[name] = value
        return name


def to_onnx(checkpoint: Checkpoint, views: bool = True) -> bytes:
    """The network as an ONNX model from "images" (N, 1, 28, 28) to "probabilities" (N, 10).

    Without `views` it reads each image only as it is. Raises `UsageError` where onnx is missing.
    """
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError:
        raise not_installed("ONNX files", "the package onnx", "onnx") from None
    graph = _Graph()
    images = ["images"]
    if sides := shears_of_views(checkpoint.shear if views else 0.0)[1:]:
        rows = graph.add("Transpose", "images", perm=[0, 2, 1, 3])  # each row a channel of its own
        images += [_sheared(graph, rows, shear) for shear in sides]
    total, *others = [_logits(graph, image, checkpoint) for image in images]
    for logits in others:
        total = graph.add("Add", total, logits)
    scale = np.float32(1 / (len(images) * checkpoint.temperature))
    calibrated = graph.add("Mul", total, graph.constant("scale", np.asarray(scale)))
    graph.nodes.append(("Softmax", (calibrated,), "probabilities", {"axis": 1}))

    def tensor(name: str, *sizes: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *sizes])

    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node(operator, inputs, [output], **attributes)
                for operator, inputs, output, attributes in graph.nodes
            ],
            checkpoint.name,
            [tensor("images", 1, SIZE, SIZE)],
            [tensor("probabilities", 10)],
            [numpy_helper.from_array(value, name) for name, value in graph.constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _sheared(graph: _Graph, rows: str, shear: float) -> str:
    """The images of the `rows` (N, 28, 1, 28), sheared: each row by a convolution along it."""
    shifts = offsets(shear)
    reach = math.ceil(np.abs(shifts).max())
    taps = np.maximum(1 - np.abs(np.arange(-reach, reach + 1) - shifts[:, None]), 0)
    weight = graph.constant(f"shifts_{len(graph.nodes)}", taps.astype(np.float32)[:, None, None, :])
    moved = graph.add(
        "Conv", rows, weight,
        group=SIZE, kernel_shape=[1, 2 * reach + 1], pads=[0, reach, 0, reach],
    )  # fmt: skip
    return graph.add("Transpose", moved, perm=[0, 2, 1, 3])


def _logits(graph: _Graph, x: str, checkpoint: Checkpoint) -> str:
    """The logits of the images `x` (N, 1, 28, 28), not yet divided by the temperature."""
    weights = checkpoint.model.state_dict()
    shape: Shape = (1, SIZE, SIZE)  # of one image in `x`
    shapes = shapes_of(checkpoint.architecture)
    for index, layer in enumerate(checkpoint.model.layers):
        if layer.operator is None:
            continue  # the shape is changed where a layer needs it; dropout is for training only
        if not isinstance(layer, Activation):
            x = _reshaped(graph, x, shape, shapes[index])
            shape = shapes[index + 1]
        names = [f"{index}.{name}" for name in layer.params]
        constants = [graph.constant(name, weights[name]) for name in names]
        x = graph.add(layer.operator, x, *constants, **layer.attributes)
    return _reshaped(graph, x, shape, shapes[-1])


def _reshaped(graph: _Graph, x: str, shape: Shape, wanted: Shape) -> str:
    """`x`, whose images have the `shape`, with images of the shape `wanted`."""
    if shape == wanted:
        return x
    if len(wanted) == 1:
        return graph.add("Flatten", x)
    sizes = np.array([-1, *wanted], np.int64)  # where NumPy's own integers are shorter
    return graph.add("Reshape", x, graph.constant(f"shape_{len(graph.nodes)}", sizes))
