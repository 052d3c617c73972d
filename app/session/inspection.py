"""What went on inside the network as it answered, and the unit that is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from app.session.predictor import Predictor
from nn.inference.ablation import AblatedClassifier, Unit
from nn.inference.activations import Activations, activations_of
from nn.inference.classifier import Classifier
from nn.inference.contributions import Contributions, Link, contributions_to, strongest_paths
from nn.inference.receptive_field import receptive_field
from nn.inference.softmax_steps import SoftmaxSteps, softmax_steps
from nn.support.types import Array

T = TypeVar("T")


class OncePerAnswer:
    """Keeps what was worked out of the predictor's answer until there is another."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._known: dict[object, object] = {}
        self._version = predictor.version  # of the answer that it is about

    def get(self, key: object, make: Callable[[Classifier, Array], T]) -> T | None:
        """What `make` gives for network and framed image; None where there is nothing to see."""
        network, framing = self._predictor.network, self._predictor.framing
        if framing is None or not isinstance(network, Classifier):
            return None
        if self._version != self._predictor.version:
            self._version, self._known = self._predictor.version, {}
        if key not in self._known:
            self._known[key] = make(network, framing.image)
        known: T = self._known[key]  # type: ignore[assignment]
        return known


class Inspection:
    """Looks into the network that answered: worked out when asked for, once for each answer.

    `unit` is the one whose inputs are wanted, None for the logit of the `explained` digit.
    """

    def __init__(self, predictor: Predictor, explained: Callable[[], int | None]) -> None:
        self.unit: Unit | None = None
        self._explained = explained
        self._predictor = predictor
        self._known = OncePerAnswer(predictor)

    @property
    def stages(self) -> list[Activations]:
        """Those of each layer, first to last; none of a network that cannot be looked into."""
        found = self._known.get(
            "stages", lambda network, image: activations_of(network.checkpoint.model, image)
        )
        return found or []

    @property
    def choice(self) -> object:
        """What decides which unit is looked at; worked out without looking into the network."""
        return self.unit, self._explained()

    @property
    def looked_at(self) -> Unit | None:
        """The unit whose inputs are shown: the chosen one, or the answer's logit."""
        stages = self.stages
        if not stages:
            return None
        if self.unit is not None:
            stage, unit = self.unit
            if stage < len(stages) and unit < len(stages[stage].values):
                return self.unit
        return len(stages) - 1, self._explained() or 0

    @property
    def contributions(self) -> Contributions | None:
        """What the unit that is looked at is the sum of."""
        return None if self.looked_at is None else self.contributions_to(self.looked_at)

    def contributions_to(self, unit: Unit) -> Contributions | None:
        """What a unit is the sum of."""
        stages = self.stages
        return self._known.get(("contributions", unit), lambda *_: contributions_to(stages, *unit))

    @property
    def softmax_steps(self) -> SoftmaxSteps | None:
        """How the logit that is looked at becomes a percentage; None of another, or one off.

        None of a provisional answer too: its percentages are those of whole digits.
        """
        looked_at, answer = self.looked_at, self._predictor.answer
        if looked_at is None or answer is None or answer.logits is None or answer.is_provisional:
            return None
        (place, digit), logits = looked_at, np.array(answer.logits)
        if not self.stages[place].is_last or digit in self.stages[place].off:
            return None
        return self._known.get(
            ("steps", digit),
            lambda network, _: softmax_steps(network, logits, digit, answer.no_digit),
        )

    @property
    def paths(self) -> list[Link]:
        """The strongest paths down from the unit that is looked at."""
        stages, unit = self.stages, self.looked_at
        if unit is None:
            return []
        return self._known.get(("paths", unit), lambda *_: strongest_paths(stages, *unit)) or []

    def by_strength(self, stage: int) -> list[int]:
        """The units of a stage, the strongest first: each where it is with none switched off."""

        def whole(network: Classifier, image: Array) -> list[Activations]:
            if not isinstance(network, AblatedClassifier):
                return self.stages
            return activations_of(network.whole.checkpoint.model, image)

        def order(*_: object) -> list[int]:
            stages = self._known.get("whole stages", whole) or []
            found: list[int] = (-stages[stage].strengths).argsort(kind="stable").tolist()
            return found

        return self._known.get(("order", stage), order) or []

    def receptive_field(self, unit: Unit) -> Array | None:
        """Which cells of the framed image (28, 28) the strongest cell of a map sees.

        None of a neuron, and where it sees all.
        """
        stages = self.stages

        def seen(*_: object) -> Array | None:
            field = receptive_field(stages, *unit)
            return None if field.all() else field

        is_map = unit[0] < len(stages) and stages[unit[0]].values.ndim == 3
        return self._known.get(("field", unit), seen) if is_map else None

    def step(self, stages: int, units: int) -> None:
        """Look at a unit so many stages or units further; the units of a stage go round."""
        if self.looked_at is None:
            return
        former, unit = self.looked_at
        stage = min(max(former + stages, 0), len(self.stages) - 1)
        if stage != former:  # to the strongest of the paths, where one leads there
            sources = [link.source for link in self.paths if link.stage - 1 == stage]
            unit = sources[0] if sources else min(unit, len(self.stages[stage].values) - 1)
        order = self.shown_order(stage)
        self.unit = stage, order[(order.index(unit) + units) % len(order)]

    def shown_order(self, stage: int) -> list[int]:
        """The units of a stage in the order that they are shown in: digits from 0 to 9."""
        is_last = self.stages[stage].is_last
        return list(range(len(self.stages[stage].values))) if is_last else self.by_strength(stage)
