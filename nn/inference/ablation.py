"""A network with some of its units switched off, to see what they were good for.

Of a hidden unit nothing goes on: the layers after it get 0, whatever it would have given (ablation;
Morcos et al. 2018, "On the importance of single directions for generalization"). A digit's logit is
not set to 0, which would be a vote like any other (e⁰ = 1): the digit takes no part in the softmax,
and the others share its probability. The network itself stays as it is; the ablated one shares its
parameters.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from nn.inference.classifier import Classifier
from nn.network.architectures import CLASSES
from nn.network.convolution import Conv2d
from nn.network.layers import Flatten, Layer, Linear, Unflatten
from nn.network.masks import DigitsOff, UnitsOff
from nn.network.sequential import Sequential

Unit = tuple[int, int]  # its stage's place among those that `activations_of` tells, and its own


class AblatedClassifier(Classifier):
    """A classifier with some units `off`; `whole` is the one that has them all, and stays as it is.

    >>> import numpy as np
    >>> from nn.inference.classifier import load_classifier
    >>> without = AblatedClassifier(load_classifier("linear"), {(0, 4)})
    >>> float(without.probabilities(np.zeros((1, 28, 28), np.float32))[0, 4])
    0.0
    """

    def __init__(self, whole: Classifier, off: Set[Unit]) -> None:
        self.whole, self.off = whole, frozenset(off)
        model = ablated(whole.checkpoint.model, self.off)
        name = f"{whole.name}, {len(self.off)} off" if off else whole.name
        super().__init__(whole.path, replace(whole.checkpoint, name=name, model=model))


def ablated(model: Sequential, off: Set[Unit]) -> Sequential:
    """A model that shares the parameters of `model`, with the units `off` switched off.

    Raises `ValueError` for a unit that is not there.
    """
    stages = stages_of(model)
    for stage, unit in off:
        if not (0 <= stage < len(stages) and 0 <= unit < stages[stage][1]):
            raise ValueError(f"there is no unit {unit} in stage {stage} of {model}")
    twin = model.replica()
    layers = list(twin.layers)
    for stage, (place, count) in reversed(list(enumerate(stages))):
        if units := {unit for number, unit in off if number == stage}:
            is_last = stage == len(stages) - 1 and count == CLASSES
            mask = DigitsOff(units, count) if is_last else UnitsOff(units, count)
            layers.insert(place + 1, mask)
    twin.layers = tuple(layers)
    return twin


def stages_of(model: Sequential) -> list[tuple[int, int]]:
    """For each stage of a network the place of the layer that gives its values, and its units."""
    stages: list[tuple[int, int]] = []
    axes = start = 0  # of a batch, here and behind the stage's first layer
    for place, layer in enumerate(model.layers):
        axes = _axes_behind(layer, axes)
        if isinstance(layer, Linear | Conv2d):
            stages.append((place, len(layer.params["bias"])))
            start = axes
        elif stages and axes == start:
            # After the activation, for a sigmoid makes ½ of 0; but not after flattening.
            stages[-1] = place, stages[-1][1]
    return stages


def _axes_behind(layer: Layer, before: int) -> int:
    return {Linear: 2, Flatten: 2, Conv2d: 4, Unflatten: 4}.get(type(layer), before)
