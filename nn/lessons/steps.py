"""What the lessons show of a network at work: one step, the softmax's gradient, and activations."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from nn.data.dataset import DataLoader, Dataset
from nn.network.architectures import ACTIVATIONS
from nn.network.layers import Layer, Linear, xavier_uniform
from nn.network.losses import CrossEntropyLoss, softmax
from nn.network.sequential import Sequential
from nn.support.types import Array
from nn.training.callbacks import WholeOrNothing
from nn.training.learner import DataLoaders, Learner
from nn.training.optimizers import SGD, Adam


def heading(text: str) -> None:
    """Begin a section of a lesson."""
    print(f"\n--- {text} {'-' * max(0, 88 - len(text))}")


class PrintEpoch(WholeOrNothing):
    """A line for each epoch that is complete."""

    def after_epoch(self, learner: Learner) -> None:
        """Print the newest figures."""
        epoch = learner.history[-1]
        line = (
            f"  epoch {epoch.number:>2}: training loss {epoch.train_loss:.4f}, "
            f"accuracy {100 * epoch.train_accuracy:5.2f} %"
        )
        if epoch.validation_loss is not None and epoch.validation_accuracy is not None:
            line += (
                f"; validation loss {epoch.validation_loss:.4f}, "
                f"accuracy {100 * epoch.validation_accuracy:5.2f} %"
            )
        print(f"{line}; {epoch.seconds:.2f} s", flush=True)


def explain_step(
    model: Sequential, images: Array, labels: Array, learning_rate: float
) -> dict[str, float]:
    """Take one step of gradient descent, telling of each part; then put the weights back.

    Returns the loss of the batch before and after the step, and the size of the gradient.
    """
    print("forward: each layer's output is the next one's input (nn/network/layers.py, forward)")
    x = images
    for layer in model.layers:
        y = layer.forward(x, training=True)
        print(f"  {layer!r:<38} {x.shape!s:>13} -> {y.shape!s:<13} {_parameters(layer)}")
        x = y
    logits, loss = x.copy(), CrossEntropyLoss()
    before = loss.forward(logits, labels)
    print(
        "loss: log-softmax, then the mean of −log p(label) "
        "(nn/network/losses.py, CrossEntropyLoss.forward)"
        f"\n  {before:.4f}; a network that knows nothing and says so has "
        f"ln {logits.shape[1]} = {math.log(logits.shape[1]):.4f}"
    )
    p = softmax(logits)
    dy = loss.backward()
    print(
        f"gradient of the logits: (p − y)/N, {dy.shape} (CrossEntropyLoss.backward)\n"
        f"  the first image is a {labels[0]}: p there {p[0, labels[0]]:.3f}, "
        f"so N times its gradient is {len(labels) * dy[0, labels[0]]:.3f} there, "
        "and p, above 0, for all others"
    )
    print(
        "backward: the chain rule, from the last layer to the first "
        "(nn/network/layers.py, backward)"
    )
    for layer in reversed(model.layers):
        dx = layer.backward(dy)
        shapes = ", ".join(
            f"∂L/∂{name} {value.shape} of mean size {np.abs(value).mean():.1e}"
            for name, value in layer.grads.items()
        )
        print(f"  {layer!r:<38} {dy.shape!s:>13} -> {dx.shape!s:<13} {shapes}")
        dy = dx
    start = model.parameters.copy()
    SGD().step(model.parameters, model.gradients, learning_rate)
    after = loss.forward(model.forward(images), labels)
    size = float(np.linalg.norm(model.gradients))
    print(
        f"update: w ← w − {learning_rate:g} · ∂L/∂w, all {model.count_params():,} parameters at "
        f"once (nn/training/optimizers.py, SGD.step)\n"
        f"  the loss of the same {len(labels):,} digits goes from {before:.4f} to {after:.4f}"
    )
    model.parameters[...] = start
    return {"loss_before": before, "loss_after": after, "gradient_norm": size}


def _parameters(layer: Layer) -> str:
    return ", ".join(f"{name} {value.shape}" for name, value in layer.params.items())


def softmax_gradient_check(seed: int = 42) -> dict[str, float]:
    """How far two formulas are from the measured gradient of the loss with respect to the logits.

    By centred differences in float64 on 5 × 10 random logits: `right` is the largest difference of
    (p − y)/N from it, `wrong` that of (p − y)/N · p (1 − p), which differentiates the softmax a
    second time; `cosine` compares the wrong one's direction, `ratio` its length.
    """
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(5, 10)), rng.integers(0, 10, 5)
    loss, step = CrossEntropyLoss(), 1e-6
    measured = np.zeros_like(logits)
    for index in np.ndindex(logits.shape):
        nudge = np.zeros_like(logits)
        nudge[index] = step
        above, below = loss.forward(logits + nudge, labels), loss.forward(logits - nudge, labels)
        measured[index] = (above - below) / (2 * step)
    loss.forward(logits, labels)
    right, p = loss.backward(), softmax(logits)
    wrong = right * p * (1 - p)
    lengths = float(np.linalg.norm(wrong)), float(np.linalg.norm(measured))
    return {
        "right": float(np.abs(right - measured).max()),
        "wrong": float(np.abs(wrong - measured).max()),
        "cosine": float(np.sum(wrong * measured)) / (lengths[0] * lengths[1]),
        "ratio": lengths[0] / lengths[1],
    }


def two_layers_are_one(seed: int = 42) -> float:
    """The largest difference between two linear layers, 784-50-10, and the one that they amount to.

    (x W₁ᵀ + b₁) W₂ᵀ + b₂ = x (W₂ W₁)ᵀ + (W₂ b₁ + b₂), whatever the weights; in float64.
    """
    rng = np.random.default_rng(seed)
    first = Linear(784, 50, rng, xavier_uniform, np.float64)
    second = Linear(50, 10, rng, xavier_uniform, np.float64)
    one = Linear(784, 10, rng, xavier_uniform, np.float64)
    for layer in (first, second):
        layer.params["bias"][...] = rng.normal(size=layer.out_features)
    weight, bias = second.params["weight"], second.params["bias"]
    one.params["weight"][...] = weight @ first.params["weight"]
    one.params["bias"][...] = weight @ first.params["bias"] + bias
    x = rng.random((20, 784))
    return float(np.abs(second.forward(first.forward(x)) - one.forward(x)).max())


class Ring(NamedTuple):
    """Points in the plane, a disc (0) in a ring (1), and how networks with two inputs tell them."""

    points: Array  # (N, 2)
    labels: Array  # (N,), 0 or 1
    areas: dict[str, Array]  # by network: the probability of 1 on a grid (60, 60) over −1.5…1.5
    accuracies: dict[str, float]  # by network


def learn_a_ring(seed: int = 42) -> Ring:
    """Train on a disc in a ring: linear, linear–linear and linear–ReLU–linear."""
    rng = np.random.default_rng(seed)
    labels = np.arange(600) % 2
    radius = np.where(labels, rng.uniform(0.9, 1.3, 600), 0.6 * np.sqrt(rng.random(600)))
    angle = rng.uniform(0, 2 * np.pi, 600)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)
    networks = {
        "linear": Sequential(Linear(2, 2, rng)),
        "linear–linear": Sequential(Linear(2, 16, rng), Linear(16, 2, rng)),
        "linear–ReLU–linear": Sequential(
            Linear(2, 16, rng), ACTIVATIONS["ReLU"](), Linear(16, 2, rng)
        ),
    }
    side = np.linspace(-1.5, 1.5, 60, dtype=np.float32)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    areas, accuracies = {}, {}
    for name, model in networks.items():
        dataset = Dataset(points, labels)
        learner = Learner(DataLoaders(DataLoader(dataset, 50)), model, Adam(), seed=seed)
        learner.fit(30, 0.02, [WholeOrNothing()])
        areas[name] = learner.predict(grid)[1][:, 1].reshape(60, 60)
        accuracies[name] = learner.evaluate(dataset).metric
    return Ring(points, labels, areas, accuracies)
