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

import numpy as np

from nn.handwriting.framing import SIZE
from nn.inference.activations import activations_of
from nn.inference.classifier import Classifier
from nn.network.masks import DigitsOff, UnitsOff
from nn.network.sequential import Sequential

Unit = tuple[int, int]  # its stage's place in what `activations_of` gives, and its own in that


class AblatedClassifier(Classifier):
    """A classifier with some units `off`; `whole` is the one that has them all, and stays as it is.

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

    @property
    def digits_off(self) -> list[int]:
        """The digits among `off`, which take no part in the answer."""
        last = self.checkpoint.model.layers[-1]
        return last.units if isinstance(last, DigitsOff) else []


def ablated(model: Sequential, off: Set[Unit]) -> Sequential:
    """A model that shares the parameters of `model`, with the units `off` switched off.

    Raises `ValueError` for a unit that is not there.
    """
    stages = activations_of(model, np.zeros((SIZE, SIZE), np.float32))
    for number, unit in off:
        if not (0 <= number < len(stages) and 0 <= unit < len(stages[number].values)):
            raise ValueError(f"there is no unit {unit} in stage {number} of {model}")
    twin = model.replica()
    layers = list(twin.layers)
    for place, stage in reversed(list(enumerate(stages))):
        if units := {unit for number, unit in off if number == place}:
            mask = DigitsOff if stage.is_last else UnitsOff
            # Behind the activation, for a sigmoid makes ½ of 0.
            layers.insert(stage.end, mask(units, len(stage.values)))
    twin.layers = tuple(layers)
    return twin
