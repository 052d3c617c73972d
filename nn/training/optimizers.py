"""Optimisers, which change a flat vector of parameters in place, and learning-rate schedules.

An optimiser holds its own memory of past gradients but no reference to a model: parameters and
gradients are handed to every `step`, so that a model whose weights were reloaded goes on learning.
"""

from __future__ import annotations

import math

import numpy as np

from nn.support.types import Array


class SGD:
    """Stochastic gradient descent, with momentum if it is above 0.

    v ← momentum · v + g;  w ← w − learning_rate · v, as PyTorch does it (Sutskever et al. 2013
    write the learning rate into v).

    >>> w, optimizer = np.array([1.0]), SGD(momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.step(w, np.array([2.0]), learning_rate=0.25)
    ...     print(w.tolist())
    [0.5]
    [-0.25]
    """

    def __init__(self, momentum: float = 0.0) -> None:
        self.momentum = momentum
        self.velocity: Array | None = None
        self._update: Array | None = None

    def step(self, parameters: Array, gradients: Array, learning_rate: float) -> None:
        """Move the 1-D `parameters` against the `gradients` of the same shape, in place."""
        if self._update is None:
            self._update = np.empty_like(parameters)
        direction = gradients
        if self.momentum:
            if self.velocity is None:
                self.velocity = np.zeros_like(parameters)
            self.velocity *= self.momentum
            self.velocity += gradients
            direction = self.velocity
        np.multiply(direction, learning_rate, out=self._update)
        parameters -= self._update

    def state_dict(self) -> dict[str, Array]:
        """What the next step depends on."""
        return {} if self.velocity is None else {"velocity": self.velocity.copy()}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Continue from a `state_dict()`."""
        self.velocity = state["velocity"].copy() if "velocity" in state else None


class Adam:
    """Adam, Kingma and Ba 2015, algorithm 1.

    m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;  w ← w − α m̂ / (√v̂ + ε), where m̂ and v̂ are
    m and v divided by 1 − βᵗ, since both start at zero. ε is the paper's, added outside the root.
    `weight_decay` λ shrinks the weights by learning_rate · λ at each step, apart from the gradient
    (Loshchilov and Hutter 2019, "AdamW").

    >>> w = np.array([1.0, 1.0])
    >>> Adam().step(w, np.array([1000.0, -0.001]), learning_rate=0.1)
    >>> w.round(3).tolist()  # the first step is as long as the learning rate, whatever the gradient
    [0.9, 1.1]
    """

    def __init__(
        self,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.weight_decay = weight_decay
        self.steps = 0
        self.m: Array | None = None
        self.v: Array | None = None
        self._scratch: Array | None = None

    def step(self, parameters: Array, gradients: Array, learning_rate: float) -> None:
        """Move the 1-D `parameters` by the `gradients` of the same shape, in place."""
        if self.m is None or self.v is None:
            self.m, self.v = np.zeros_like(parameters), np.zeros_like(parameters)
        if self._scratch is None:
            self._scratch = np.empty_like(parameters)
        m, v, scratch = self.m, self.v, self._scratch
        self.steps += 1
        m *= self.beta1
        m += np.multiply(gradients, 1 - self.beta1, out=scratch)
        v *= self.beta2
        np.multiply(gradients, gradients, out=scratch)
        scratch *= 1 - self.beta2
        v += scratch
        np.divide(v, 1 - self.beta2**self.steps, out=scratch)
        np.sqrt(scratch, out=scratch)
        scratch += self.epsilon
        np.divide(m, scratch, out=scratch)
        scratch *= learning_rate / (1 - self.beta1**self.steps)
        if self.weight_decay:
            parameters *= 1 - learning_rate * self.weight_decay
        parameters -= scratch

    def state_dict(self) -> dict[str, Array]:
        """What the next step depends on."""
        if self.m is None or self.v is None:
            return {}
        return {"m": self.m.copy(), "v": self.v.copy(), "steps": np.array(self.steps)}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Continue from a `state_dict()`."""
        self.m = state["m"].copy() if "m" in state else None
        self.v = state["v"].copy() if "v" in state else None
        self.steps = int(state["steps"]) if "steps" in state else 0


def constant(epoch: float, epochs: int) -> float:
    """The full learning rate all the way.

    Like every schedule: the factor on the learning rate after `epoch` epochs (with the fraction
    of the present one) of `epochs` in all.
    """
    return 1.0


def exponential(epoch: float, epochs: int, decay: float = 0.9) -> float:
    """The learning rate times `decay` after each epoch.

    It does not depend on where training ends, so ten epochs are the first half of twenty.
    """
    return float(decay ** int(epoch))


def cosine(epoch: float, epochs: int, warmup: float = 1.0) -> float:
    """Half a cosine from 1 to 0, after `warmup` epochs of linear growth from 0 to 1.

    Loshchilov and Hutter 2017, "SGDR", equation 5, with one period; the warm-up of Goyal et al.
    2017, section 2.2. Training shorter than ten times the warm-up warms up for a tenth of it.

    >>> [round(cosine(epoch, 20), 3) for epoch in (0.5, 1, 10.5, 20)]
    [0.5, 1.0, 0.5, 0.0]
    """
    warmup = min(warmup, epochs / 10)
    if epoch < warmup:
        return epoch / warmup
    progress = min((epoch - warmup) / max(epochs - warmup, 1e-9), 1.0)
    return 0.5 * (1 + math.cos(math.pi * progress))
