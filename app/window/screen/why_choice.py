"""Which question Why answers: what its keys and clicks do."""

from __future__ import annotations

from app.drawing.strokes import DIGITS
from app.session.session import Session


class WhyChoice:
    """Shows or hides why a digit was read, and not another."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def switch(self) -> None:
        """Show or hide what speaks for and against the digit."""
        explanation = self._session.explanation
        explanation.is_shown = not explanation.is_shown
        if explanation.is_shown and self._session.predictor.answer is None:
            self._session.say("Draw a digit to see which of its ink speaks for it and against it")

    def explain(self, digit: int) -> None:
        """Show what speaks for and against another digit."""
        self._session.explanation.explain(digit % DIGITS)
        self._show()

    def compare(self, rival: int | None = None) -> None:
        """Show why it is not another digit: this one, or the next likely one."""
        if rival is None:
            self._session.explanation.next_rival()
        else:
            self._session.explanation.compare(rival)
        self._show()

    def _show(self) -> None:
        self._session.explanation.is_shown = True
        self._session.say(self._session.explanation.words)
