"""A trained network as an ONNX model, for ONNX Runtime and whatever else reads that format."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.checkpoint import Checkpoint
from nn.errors import not_installed
from nn.images import SIZE
from nn.reader import row_shifts

OPSET = 17  # of ONNX's operators; every runtime of the last years has it
IR_VERSION = 8  # of ONNX's file format, of the same time


def to_onnx(checkpoint: Checkpoint, views: bool = True) -> bytes:
    """The network as an ONNX model from "images" (N, 784) to "probabilities" (N, 10).

    Without `views` it reads each image only as it is, not slanted to either side as well.
    Raises `UsageError` if the package onnx is missing.
    """
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError:
        raise not_installed("ONNX files", "the package onnx", "onnx") from None
    nodes: list[Any] = []
    constants: list[Any] = []

    def constant(name: str, value: Any) -> str:
        constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def shape(name: str, *sizes: int) -> str:
        return constant(name, np.array(sizes, np.int64))  # where NumPy's own integers are shorter

    def add(operator: str, *inputs: str, **attributes: Any) -> str:
        output = f"{operator.lower()}_{len(nodes)}"
        nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    slants = [checkpoint.slant, -checkpoint.slant] if views and checkpoint.slant else []
    x = "images"
    if slants:
        image = add("Reshape", x, shape("image_shape", -1, SIZE, SIZE))
        shifted = [
            # Row by row: (N, row, cell) times the row's own matrix (row, cell, new cell).
            add("Einsum", image, constant(f"slant_{i}", row_shifts(s)), equation="nhw,hwx->nhx")
            for i, s in enumerate(slants)
        ]
        x = add("Concat", image, *shifted, axis=0)
        x = add("Reshape", x, shape("flat_shape", -1, SIZE * SIZE))
    state = checkpoint.model.state_dict()
    for index, (kind, *sizes) in enumerate(checkpoint.architecture):
        weights = [
            constant(f"{index}.{part}", state[f"{index}.{part}"])
            for part in ("weight", "bias")
            if f"{index}.{part}" in state
        ]
        if kind == "Linear":
            x = add("Gemm", x, *weights, transB=1)
        elif kind == "Conv2d":
            x = add("Conv", x, *weights, kernel_shape=[sizes[2]] * 2, pads=[sizes[3]] * 4)
        elif kind == "MaxPool2d":
            x = add("MaxPool", x, kernel_shape=[sizes[0]] * 2, strides=[sizes[0]] * 2)
        elif kind in ("Flatten", "Unflatten"):
            x = add("Reshape", x, shape(f"{index}.shape", *([-1, *sizes] if sizes else [0, -1])))
        elif kind != "Dropout":  # which does nothing but in training
            x = add("Relu" if kind == "ReLU" else kind, x)
    if slants:
        x = add("Reshape", x, shape("views_shape", 1 + len(slants), -1, 10))
        x = add("ReduceMean", x, axes=[0], keepdims=0)
    x = add("Div", x, constant("temperature", np.float32(checkpoint.temperature)))
    nodes.append(helper.make_node("Softmax", [x], ["probabilities"], axis=1))

    def tensor(name: str, size: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size])

    graph = helper.make_graph(
        nodes,
        checkpoint.name,
        [tensor("images", SIZE * SIZE)],
        [tensor("probabilities", 10)],
        constants,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content
