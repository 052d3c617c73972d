"""Why the network answered as it did, and what went on inside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from app.session.predictor import Predictor
from nn.inference.activations import Activations, activations_of
from nn.inference.attribution import attribution
from nn.inference.classifier import Classifier
from nn.inference.contributions import Contributions, contributions_to
from nn.support.types import Array

T = TypeVar("T")


class Explanation:
    """Explains the predictor's answer: worked out when asked for, once for each answer.

    `unit` is the (layer, unit) whose inputs are wanted, None for the explained digit's logit.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._digit: tuple[int, int] | None = None  # and the answer's version as it was chosen
        self.unit: tuple[int, int] | None = None
        self._predictor = predictor
        self._known: dict[object, object] = {}
        self._version = predictor.version  # of the answer that is explained

    def explain(self, digit: int) -> None:
        """Explain this digit instead of the answer, until there is no answer any more."""
        self._digit = digit, self._predictor.version

    @property
    def explained(self) -> int | None:
        """The digit that the attribution is for or against."""
        if self._digit is not None and self._digit[1] >= self._predictor.first_version:
            return self._digit[0]
        return self._predictor.answer.digit if self._predictor.answer else None

    @property
    def attribution(self) -> Array | None:
        """How much each cell of the framed image speaks for `explained`, (28, 28)."""
        digit = self.explained
        if digit is None:
            return None
        return self._once(
            digit, lambda network, image: attribution(network.checkpoint.model, image, digit)
        )

    @property
    def activations(self) -> list[Activations]:
        """Those of each layer, first to last; none of a network that cannot be looked into."""
        found = self._once(
            "activations", lambda network, image: activations_of(network.checkpoint.model, image)
        )
        return found or []

    @property
    def contributions(self) -> Contributions | None:
        """The strongest inputs of the unit that is looked at."""
        unit, activations = self.looked_at, self.activations
        if unit is None:
            return None
        return self._once(unit, lambda *_: contributions_to(activations, *unit))

    @property
    def looked_at(self) -> tuple[int, int] | None:
        """The layer and unit whose inputs are shown: the chosen ones, or the answer's logit."""
        activations = self.activations
        if not activations:
            return None
        if self.unit is not None:
            layer, unit = self.unit
            if layer < len(activations) and unit < len(activations[layer].values):
                return self.unit
        return len(activations) - 1, self.explained or 0

    def step(self, layers: int, units: int) -> None:
        """Look at a unit so many layers or units further."""
        if self.looked_at is not None:
            former, unit = self.looked_at
            layer = min(max(former + layers, 0), len(self.activations) - 1)
            count = len(self.activations[layer].values)
            self.unit = layer, (unit + units) % count if units else min(unit, count - 1)

    def _once(self, key: object, make: Callable[[Classifier, Array], T]) -> T | None:
        """What `make` gives for the present answer; None where there is nothing to explain."""
        network, framing = self._predictor.network, self._predictor.framing
        if framing is None or not isinstance(network, Classifier):
            return None
        if self._version != self._predictor.version:
            self._version, self._known = self._predictor.version, {}
        if key not in self._known:
            self._known[key] = make(network, framing.image)
        known: T = self._known[key]  # type: ignore[assignment]
        return known
