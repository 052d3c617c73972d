"""A neural network library in NumPy, from the layers to the trained digit classifier.

The names of `__all__` can be had from here, as in `from nn import Learner, Linear, Sequential`. A
module is imported when one of its names is first asked for (PEP 562), so that `import nn` costs
nothing and the program loads only what it uses.

>>> import numpy as np
>>> from nn import Linear, ReLU, Sequential
>>> rng = np.random.default_rng(42)
>>> model = Sequential(Linear(784, 50, rng), ReLU(), Linear(50, 10, rng))
>>> model.forward(np.zeros((3, 784), np.float32)).shape
(3, 10)
"""

from __future__ import annotations

import nn.support.interrupts  # noqa: F401, for Ctrl-C while the rest is loaded

# isort: split
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nn.data.dataset import DataLoader, Dataset, load_mnist, split
    from nn.handwriting.framing import frame
    from nn.inference.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
    from nn.inference.classifier import Classifier, load_classifier
    from nn.network.activations import ReLU, Sigmoid, Tanh
    from nn.network.architectures import NAMED, build, cnn, mlp
    from nn.network.convolution import Conv2d, MaxPool2d
    from nn.network.layers import Dropout, Flatten, Linear, Unflatten, he_normal, xavier_uniform
    from nn.network.losses import CrossEntropyLoss, softmax
    from nn.network.sequential import Sequential
    from nn.training.callbacks import AverageWeights, BestWeights, EarlyStopping
    from nn.training.learner import Callback, DataLoaders, Learner, accuracy
    from nn.training.optimizers import SGD, Adam, constant, cosine, exponential

# Where each name lives; the imports above say the same to type checkers, and a test compares them.
_MODULES = {
    "nn.network.architectures": ("NAMED", "build", "cnn", "mlp"),
    "nn.inference.checkpoint": ("Checkpoint", "load_checkpoint", "save_checkpoint"),
    "nn.network.convolution": ("Conv2d", "MaxPool2d"),
    "nn.data.dataset": ("DataLoader", "Dataset", "load_mnist", "split"),
    "nn.handwriting.framing": ("frame",),
    "nn.network.activations": ("ReLU", "Sigmoid", "Tanh"),
    "nn.network.layers": (
        "Dropout", "Flatten", "Linear", "Unflatten", "he_normal", "xavier_uniform",
    ),
    "nn.network.sequential": ("Sequential",),
    "nn.training.callbacks": ("AverageWeights", "BestWeights", "EarlyStopping"),
    "nn.training.learner": ("Callback", "DataLoaders", "Learner", "accuracy"),
    "nn.network.losses": ("CrossEntropyLoss", "softmax"),
    "nn.training.optimizers": ("SGD", "Adam", "constant", "cosine", "exponential"),
    "nn.inference.classifier": ("Classifier", "load_classifier"),
}  # fmt: skip
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "NAMED", "SGD", "Adam", "AverageWeights", "BestWeights", "Callback", "Checkpoint", "Classifier",
    "Conv2d", "CrossEntropyLoss", "DataLoader", "DataLoaders", "Dataset", "Dropout",
    "EarlyStopping", "Flatten", "Learner", "Linear", "MaxPool2d", "ReLU", "Sequential", "Sigmoid",
    "Tanh", "Unflatten", "accuracy", "build", "cnn", "constant", "cosine", "exponential", "frame",
    "he_normal", "load_checkpoint", "load_classifier", "load_mnist", "mlp", "save_checkpoint",
    "softmax", "split", "xavier_uniform",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """The name from its module; what is not here may be a module, which Python looks for next."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
