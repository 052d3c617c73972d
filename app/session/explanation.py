"""Why the network answered as it did."""

from __future__ import annotations

from app.session.inspection import OncePerAnswer
from app.session.predictor import Predictor
from nn.inference.attribution import attribution
from nn.support.types import Array


class Explanation:
    """Explains the predictor's answer: worked out when asked for, once for each answer."""

    def __init__(self, predictor: Predictor) -> None:
        self._digit: tuple[int, int] | None = None  # and the answer's version as it was chosen
        self._predictor = predictor
        self._known = OncePerAnswer(predictor)

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
        return self._known.get(
            digit, lambda network, image: attribution(network.checkpoint.model, image, digit)
        )
