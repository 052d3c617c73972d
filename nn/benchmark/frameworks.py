"""The same trainings in other systems, each written as its own documentation would.

Every function here has one form: `train(task, images, labels) -> Trained`. The clock runs while it
trains, shuffling included; what a system compiles before its first step it compiles before that.
A system's package is imported only where it is used, so that this module needs none of them.
"""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nn.inference.checkpoint import Checkpoint
from nn.inference.onnx_model import to_onnx
from nn.network.architectures import Architecture
from nn.network.batches import in_batches
from nn.support.types import Array
from nn.training.tasks import Task

EVALUATED = 1000  # images at once, after a training


class Trained(NamedTuple):
    """How long a training took, and the network that it gave, if it gave one."""

    seconds: float
    logits: Callable[[Array], Array] | None  # (N, 784) -> (N, 10); log-probabilities will do


def torch_network(architecture: Architecture) -> Any:
    """The `torch.nn.Sequential` with these layers; its state_dict has the keys of ours."""
    from torch import nn

    makers: dict[str, Callable[..., Any]] = {
        "Conv2d": lambda in_, out, size, padding: nn.Conv2d(in_, out, size, padding=padding),
        "Unflatten": lambda *shape: nn.Unflatten(1, shape),
    }
    return nn.Sequential(
        *(makers.get(name, getattr(nn, name))(*sizes) for name, *sizes in architecture)
    )


def train_torch(
    task: Task,
    images: Array,
    labels: Array,
    channels_last: bool = False,
    loader: bool = True,
) -> Trained:
    """PyTorch as in its "Quickstart"; without `loader`, batches are indexed from one tensor."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(task.seed)
    model = torch_network(task.architecture)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    loss_function = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=task.learning_rate, momentum=task.momentum)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    batches = DataLoader(TensorDataset(x, y), batch_size=task.batch_size, shuffle=True)

    def epoch() -> Any:
        if loader:
            yield from batches
        else:
            for chosen in torch.randperm(len(x)).split(task.batch_size):
                yield x[chosen], y[chosen]

    model.train()
    start = time.perf_counter()
    for _ in range(task.epochs):
        for some_images, some_labels in epoch():
            loss = loss_function(model(some_images), some_labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    seconds = time.perf_counter() - start
    model.eval()

    return Trained(seconds, functools.partial(in_batches, _torch_logits(model), size=EVALUATED))


# With the memory format that PyTorch's "Channels Last" tutorial recommends; and without its
# DataLoader, which takes the digits one at a time.
train_torch_channels_last = functools.partial(train_torch, channels_last=True)
train_torch_tensors = functools.partial(train_torch, loader=False)


def train_tensorflow(task: Task, images: Array, labels: Array) -> Trained:
    """TensorFlow as in its "Quickstart for beginners": a Keras `Sequential` and `fit`."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(task.seed)
    layers = tf.keras.layers
    makers: dict[str, Callable[..., Any]] = {
        "Conv2d": lambda in_, out, size, padding: layers.Conv2D(
            out, size, padding="same" if 2 * padding == size - 1 else "valid"
        ),
        "Linear": lambda in_, out: layers.Dense(out),
        "Unflatten": lambda channels, *shape: layers.Reshape((*shape, channels)),
        "MaxPool2d": layers.MaxPooling2D,
        "Tanh": lambda: layers.Activation("tanh"),
        "Sigmoid": lambda: layers.Activation("sigmoid"),
    }
    model = tf.keras.Sequential(
        [
            tf.keras.Input((images.shape[1],)),
            *(
                (makers[name] if name in makers else getattr(layers, name))(*sizes)
                for name, *sizes in task.architecture
            ),
        ]
    )
    model.compile(
        optimizer=tf.keras.optimizers.SGD(task.learning_rate, momentum=task.momentum),
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    weights = model.get_weights()
    options = {"batch_size": task.batch_size, "verbose": 0}
    model.fit(images[: task.batch_size], labels[: task.batch_size], **options)  # compiles
    model.set_weights(weights)
    start = time.perf_counter()
    model.fit(images, labels, epochs=task.epochs, **options)
    seconds = time.perf_counter() - start

    return Trained(seconds, functools.partial(model.predict, batch_size=EVALUATED, verbose=0))


def train_sklearn(task: Task, images: Array, labels: Array) -> Trained:
    """scikit-learn's `MLPClassifier`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    hidden = [entry[2] for entry in task.architecture if entry[0] == "Linear"][:-1]
    model = MLPClassifier(
        hidden_layer_sizes=hidden,
        solver="sgd",
        alpha=0,
        batch_size=task.batch_size,
        learning_rate_init=task.learning_rate,
        momentum=task.momentum,
        nesterovs_momentum=False,
        max_iter=task.epochs,
        n_iter_no_change=task.epochs,
        random_state=task.seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it would rather go on for longer
        start = time.perf_counter()
        model.fit(images, labels)
        seconds = time.perf_counter() - start
    return Trained(seconds, model.predict_log_proba)


def train_nn_digits(task: Task, images: Array, labels: Array) -> Trained:
    """neural-network-digits, its network in a loop like its `Trainer`'s, without its variations."""
    from nn_digits.neural_net.network import NeuralNetwork

    hidden = [entry[2] for entry in task.architecture if entry[0] == "Linear"][:-1]
    model = NeuralNetwork((images.shape[1], *hidden, 10), seed=task.seed)
    rng = np.random.default_rng(task.seed)
    answers = np.eye(10, dtype=np.float32)[labels]  # as its `one_hot` makes them
    start = time.perf_counter()
    for _ in range(task.epochs):
        order = rng.permutation(len(images))
        for first in range(0, len(order), task.batch_size):
            group = order[first : first + task.batch_size]
            model.train_step(images[group], answers[group], task.learning_rate, task.momentum, l2=0)
    seconds = time.perf_counter() - start
    tiny = np.finfo(np.float32).tiny
    return Trained(seconds, lambda images: np.log(model.predict(images) + tiny))


def train_jax(task: Task, images: Array, labels: Array) -> Trained:
    """JAX as in its "Training a simple neural network": pure functions, one jitted step."""
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(task.seed)
    parameters, apply = _jax_network(task.architecture, rng)

    def mean_loss(parameters: Any, x: Any, y: Any, key: Any) -> Any:
        log_p = jax.nn.log_softmax(apply(parameters, x, key))
        return -jnp.mean(jnp.take_along_axis(log_p, y[:, None], axis=1))

    def update(parameters: Any, velocity: Any, x: Any, y: Any, key: Any) -> Any:
        gradients = jax.grad(mean_loss)(parameters, x, y, key)
        velocity = jax.tree.map(lambda v, g: task.momentum * v + g, velocity, gradients)
        parameters = jax.tree.map(lambda w, v: w - task.learning_rate * v, parameters, velocity)
        return parameters, velocity

    step = jax.jit(update)
    velocity = jax.tree.map(jnp.zeros_like, parameters)
    key = jax.random.key(task.seed)
    sizes = {min(task.batch_size, len(images)), len(images) % task.batch_size} - {0}
    for size in sizes:
        step(parameters, velocity, images[:size], labels[:size], key)  # compiles
    start = time.perf_counter()
    for _ in range(task.epochs):
        order = rng.permutation(len(images))
        for first in range(0, len(order), task.batch_size):
            chosen = order[first : first + task.batch_size]
            key, own_key = jax.random.split(key)
            parameters, velocity = step(
                parameters, velocity, images[chosen], labels[chosen], own_key
            )
    jax.block_until_ready(parameters)
    seconds = time.perf_counter() - start
    forward = jax.jit(lambda x: apply(parameters, x, None))
    return Trained(
        seconds, functools.partial(in_batches, lambda x: np.asarray(forward(x)), size=EVALUATED)
    )


def _jax_network(architecture: Architecture, rng: np.random.Generator) -> tuple[Any, Any]:
    """The parameters, a list of (weight, bias), and the function that applies them.

    `apply(parameters, x, key)` drops values only where there is a key.
    """
    import jax
    import jax.numpy as jnp
    from jax import lax

    parameters = []
    for name, *sizes in architecture:
        if name == "Linear":
            shape: tuple[int, ...] = (sizes[0], sizes[1])
            fan_in = sizes[0]
        elif name == "Conv2d":
            shape = (sizes[1], sizes[0], sizes[2], sizes[2])
            fan_in = sizes[0] * sizes[2] ** 2
        else:
            continue
        weight = rng.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
        parameters.append((jnp.asarray(weight), jnp.zeros(sizes[1], jnp.float32)))

    def apply(parameters: Any, x: Any, key: Any) -> Any:
        remaining = iter(parameters)
        for name, *sizes in architecture:
            if name == "Linear":
                weight, bias = next(remaining)
                x = x @ weight + bias
            elif name == "Conv2d":
                weight, bias = next(remaining)
                padding = [(sizes[3], sizes[3])] * 2
                x = lax.conv_general_dilated(x, weight, (1, 1), padding) + bias[:, None, None]
            elif name == "MaxPool2d":
                window = (1, 1, sizes[0], sizes[0])
                x = lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
            elif name in ("Flatten", "Unflatten"):
                x = x.reshape(len(x), *(sizes or [-1]))
            elif name == "Dropout":
                if key is not None:
                    keep = jax.random.bernoulli(key, 1 - sizes[0], x.shape)
                    x = jnp.where(keep, x / (1 - sizes[0]), 0)
            else:
                x = {"ReLU": jax.nn.relu, "Tanh": jnp.tanh, "Sigmoid": jax.nn.sigmoid}[name](x)
        return x

    return parameters, apply


def torch_classifier(checkpoint: Checkpoint) -> Callable[[Array], Array]:
    """The checkpoint's network in PyTorch, eager: images (N, 784) to logits."""
    import torch

    model = torch_network(checkpoint.architecture).eval()
    state = checkpoint.model.state_dict()
    model.load_state_dict({key: torch.from_numpy(value) for key, value in state.items()})
    return _torch_logits(model)


def _torch_logits(model: Any) -> Callable[[Array], Array]:
    import torch

    def logits(images: Array) -> Array:
        with torch.inference_mode():
            return model(torch.from_numpy(images)).numpy()

    return logits


def onnx_classifier(checkpoint: Checkpoint) -> Callable[[Array], Array]:
    """The checkpoint's network in ONNX Runtime: images (N, 784) to probabilities."""
    import onnxruntime

    content = to_onnx(checkpoint, views=False)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    return lambda images: session.run(None, {"images": images.reshape(-1, 1, 28, 28)})[0]
