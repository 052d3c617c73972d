"""Why the network answered as it did, and not otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.session.erasing import Erasing, Question
from app.session.messages import Line
from app.session.predictor import Predictor
from nn.inference.ablation import AblatedClassifier

if TYPE_CHECKING:
    from nn.inference.occlusion import OcclusionMap


class Explanation:
    """Explains the predictor's answer while `is_shown`, in the background, the coarse map first."""

    def __init__(self, predictor: Predictor) -> None:
        self.is_shown = False
        self._digit: tuple[int, int] | None = None  # and the answer's version as it was chosen
        self._rival: tuple[int, int] | None = None  # the same
        self._predictor = predictor
        self._erasing: Erasing | None = None
        self._version = -1  # of the answer that is being explained
        self._is_told = False  # why that failed
        # Taken over from the thread by `poll` alone, so that all of a frame shows the same.
        self._maps: dict[Question, OcclusionMap] = {}
        self._stopped: list[Erasing] = []  # their threads may be in their last batch

    def explain(self, digit: int) -> None:
        """Explain this digit instead of the answer, until there is no answer any more."""
        self._digit, self._rival = (digit, self._predictor.version), None

    def compare(self, rival: int | None) -> None:
        """Explain why it is not this digit rather than the explained one; None: why it is that."""
        if rival != self.explained:
            self._rival = None if rival is None else (rival, self._predictor.version)

    def next_rival(self) -> int | None:
        """The likeliest digit that it could be instead; the next after that; None after the last.

        It is chosen as by `compare`.
        """
        answer, explained = self._predictor.answer, self.explained
        if answer is None or explained is None:
            return None
        order = sorted(range(len(answer.probabilities)), key=answer.probabilities.__getitem__)
        others: list[int | None] = [digit for digit in reversed(order) if digit != explained]
        places = [None, *others]
        self.compare(places[(places.index(self.rival) + 1) % len(places)])
        return self.rival

    @property
    def explained(self) -> int | None:
        """The digit that is explained."""
        if self._digit is not None and self._digit[1] >= self._predictor.first_version:
            return self._digit[0]
        return self._predictor.answer.digit if self._predictor.answer else None

    @property
    def rival(self) -> int | None:
        """The digit that it could be instead, where the question is why it is not."""
        if self._rival is None or self._rival[1] < self._predictor.first_version:
            return None
        return self._rival[0] if self._rival[0] != self.explained else None

    @property
    def words(self) -> str:
        """The question, and what its colours say."""
        if self.explained is None:
            return "Draw a digit first: then V asks why it is not another"
        if (off := self._off) is not None:
            return f"{off} is switched off: no ink speaks for it or against it"
        if self.rival is None:
            return (
                f"Why {self.explained}: less likely without the orange ink, more without the blue"
            )
        return (
            f"Why {self.explained} and not {self.rival}: orange speaks for {self.explained}, "
            f"blue for {self.rival}"
        )

    @property
    def map(self) -> OcclusionMap | None:
        """What speaks for `explained` and against it, as far as it is known yet."""
        question = self._question
        if question is None or self._version != self._predictor.version:
            return None
        return self._maps.get(question)

    @property
    def _question(self) -> Question | None:
        """What is to be answered; None if nothing is, or not while the drawing changes."""
        explained, answer = self.explained, self._predictor.answer
        if not self.is_shown or explained is None or answer is None or answer.is_provisional:
            return None
        if self._predictor.is_stale:
            return None
        return None if self._off is not None else (explained, self.rival)

    @property
    def _off(self) -> int | None:
        """The digit of the question that is switched off, if one is."""
        network = self._predictor.network
        off = network.digits_off if isinstance(network, AblatedClassifier) else ()
        return next((digit for digit in (self.explained, self.rival) if digit in off), None)

    # What runs in the background

    @property
    def is_at_work(self) -> bool:
        """Whether there is, or soon will be, something new to show."""
        question, erasing = self._question, self._erasing
        if question is None or erasing is None or self._version != self._predictor.version:
            return question is not None or erasing is not None
        # First, for a thread may be done between this and what follows.
        if not erasing.is_done(question):
            return True
        is_new = erasing.maps.get(question) is not self._maps.get(question)
        return is_new or (bool(erasing.error) and not self._is_told)

    def poll(self) -> Line | None:
        """Begin, go on, or end where the answer is another."""
        erasing = self._follow()
        if erasing is None:
            return None
        erasing.go_on()
        self._maps = dict(erasing.maps)
        if not erasing.error or self._is_told:
            return None
        self._is_told = True
        return Line(f"Cannot tell why: {erasing.error}", 8)

    def settle(self) -> None:
        """Answer the question at once."""
        if (erasing := self._follow()) is not None:
            erasing.wait()
            erasing.finish()
            self._maps = dict(erasing.maps)

    def close(self) -> None:
        """End what runs."""
        self._end()
        for erasing in self._stopped:
            erasing.wait()

    def _follow(self) -> Erasing | None:
        """What works on the question of this moment; None if there is no question."""
        question, predictor = self._question, self._predictor
        if question is None or self._version != predictor.version:
            self._end()
        if question is None or predictor.framing is None:
            return None
        if self._erasing is None:
            self._version, self._is_told, self._maps = predictor.version, False, {}
            self._erasing = Erasing(predictor.network, predictor.framing.image)
        self._erasing.ask(question)
        return self._erasing

    def _end(self) -> None:
        self._stopped = [erasing for erasing in self._stopped if erasing.is_running]
        if self._erasing is not None:
            self._erasing.stop()
            self._stopped.append(self._erasing)
            self._erasing = None
