"""Learning from the user's own digits while the window goes on.

A `BackgroundTuner` tunes in a thread of its own. Call `start` after a change of the
user's digits and `poll` in every frame; both return at once. What was learned is in
the profile before it is used, so that a crash at any moment leaves the old network or the new one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.drawing.strokes import frame_digits
from app.my_digits.profile import OwnDigit, Profile
from nn.inference.classifier import Classifier
from nn.support.deadline import Task
from nn.support.errors import DigitpadError, error_words
from nn.training.finetuning import Amounts, Outcome, Tuner, fingerprint, load_tuned, save_tuned

CLOSING_SECONDS = 2.0  # for what is being written


@dataclass(frozen=True)
class TuningResult:
    """What came of a tuning: a line for the user, and the measurements, if it came so far.

    `network` reads from now on; None where the one in use stays. `taught` is the digest of the
    digits that it learned, "" for the shipped network.
    """

    message: str
    outcome: Outcome | None = None
    network: Classifier | None = None
    taught: str = ""
    notices: tuple[str, ...] = ()  # on lines of the user's file that had to be set aside

    @property
    def learned(self) -> bool:
        """Whether a network reads from now on that has learned something."""
        return self.network is not None and bool(self.taught)


class BackgroundTuner:
    """Keeps a profile's network: the shipped one, or the one tuned to the profile's digits.

    `network` is what to read with. `stale` says that the digits have changed since they were last
    learned (a kill while tuning, another window, new shipped weights): then call `start`.
    `data_dir`, `seed`, `threads` and `amounts` are those of `nn.training.finetuning.Tuner`.
    """

    def __init__(
        self,
        profile: Profile,
        shipped: Classifier,
        seed: int = 0,
        data_dir: Path | None = None,
        threads: int = 2,
        amounts: Amounts | None = None,
    ) -> None:
        self.profile = profile
        self.shipped = shipped
        self.network = shipped
        self.stale = False
        self._taught = ""  # the digest of the digits that `network` has learned
        self._tuner = Tuner(shipped, seed, data_dir, threads, amounts)
        self._thread: threading.Thread | None = None
        self._settling: Task[None] | None = None
        self._again = False  # the digits changed while a tuning was under way
        self._is_forgotten = False  # what comes of the tuning that is under way
        self._result: TuningResult | None = None

    def load(self) -> list[str]:
        """Take up the profile's tuned network, if there is one; returns lines for the user.

        Raises `ProfileError` if the profile cannot be read; the shipped network reads then.
        """
        found = self.profile.load()
        notices = list(found.notices)
        path = self.profile.tuned_path(self.shipped.name)
        if path.exists():
            try:
                self.network, self._taught = load_tuned(path, self.shipped)
            except DigitpadError as error:
                notices.append(str(error))
        settled = self.profile.settled(self.shipped.name)
        self.stale = self._taught != digest(found.digits) and settled != self._settlement(
            found.digits
        )
        return notices

    @property
    def busy(self) -> bool:
        """Whether a tuning is under way."""
        return self._thread is not None

    def start(self) -> None:
        """Tune to the digits that the profile holds; if one is under way, once more after it."""
        if self._thread is not None:
            self._again = True
            self._tuner.stop.set()  # it learns from digits that are no longer these
            return
        self._again = self.stale = False
        self._tuner.stop.clear()
        # A daemon: what ends without `close` need not wait, since the file is replaced at once or
        # never.
        self._thread = threading.Thread(target=self._work, name="tuning", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # the digits are kept; the next start learns them
            self._thread, self.stale = None, True
            self._result = TuningResult(f"kept the old weights: {error}")

    def poll(self) -> TuningResult | None:
        """A tuning's result, once, when it has ended; from then on `network` is what it gave."""
        if self._thread is not None and self._thread.is_alive():
            return None
        if self._thread is not None:
            self._join(self._thread)
        result, self._result = self._result, None
        if result is not None and result.network is not None:
            # Also where it is out of date already: it is what the profile holds.
            self.network, self._taught = result.network, result.taught
        if self._again:
            self.start()
            return None
        return result

    def forget(self) -> str:
        """Back to the shipped network, also on disk; the digits stay. Returns a line for the user.

        A tuning that is under way is not waited for; nothing will come of it. Raises `ProfileError`
        if the tuned network cannot be removed; it is not used any more.
        """
        self._tuner.stop.set()
        self._again, self._is_forgotten = False, self._thread is not None
        self.network, self._taught = self.shipped, ""
        self.profile.forget_tuned(self.shipped.name)
        # Else the next start would learn them again. In a thread, for there may be thousands.
        self._settling = Task(lambda: self._settle(self.profile.load().digits))
        self._settling.is_done()
        return "forgot what was learned; the shipped network reads again"

    def close(self) -> None:
        """End a tuning that is under way, without a result."""
        self._tuner.stop.set()
        if self._settling is not None:
            self._settling.is_done(CLOSING_SECONDS)
        if self._thread is not None:
            self._join(self._thread)
        self._again, self._result = False, None

    def _join(self, thread: threading.Thread) -> None:
        """Wait for the end of a tuning; nothing is left of one that was forgotten meanwhile."""
        thread.join()
        self._thread = None
        if self._is_forgotten:
            self._is_forgotten, self._result = False, None
            with contextlib.suppress(DigitpadError):  # saved at the last moment
                self.profile.forget_tuned(self.shipped.name)

    def _work(self) -> None:
        """The thread: whatever happens becomes a result."""
        try:
            self._result = self._tune()
        except Exception as error:
            # A bug or no memory must not end in a thread that nobody hears of.
            words = error_words(error, "to learn your digits")
            self._result = TuningResult(f"kept the old weights: {words}")

    def _tune(self) -> TuningResult:
        found = self.profile.load()
        return replace(self._tune_to(found.digits), notices=found.notices)

    def _tune_to(self, digits: Sequence[OwnDigit]) -> TuningResult:
        # A network that learned a digit which was deleted or relabelled since is not: the shipped
        # one is the measure then.
        is_valid = self._taught in digests(digits)
        if not digits:
            result = self._refused(digits, is_valid, "there are none of your digits")
            return replace(result, message="the shipped network reads")
        images, labels = frame_digits([own.digit for own in digits])
        # The window reads with both meanwhile, whose layers work in buffers of their own.
        measure = self.network if is_valid else self.shipped
        model = measure.checkpoint.model.replica()
        current = Classifier(measure.path, replace(measure.checkpoint, model=model))
        outcome = self._tuner.tune(images, labels, current)
        if outcome.classifier is None:
            return replace(self._refused(digits, is_valid, outcome.reason), outcome=outcome)
        if self._tuner.stop.is_set():
            return TuningResult("kept the old weights: the tuning was stopped")
        result = TuningResult(outcome.reason, outcome, outcome.classifier, digest(digits))
        try:
            save_tuned(
                self.profile.tuned_path(self.shipped.name), outcome.classifier, result.taught
            )
        except DigitpadError as error:
            # The user's digits are kept elsewhere; what was learned can be used until the end.
            return replace(result, message=f"{outcome.reason}, for this time only: {error}")
        return result

    def _refused(self, digits: Sequence[OwnDigit], is_valid: bool, reason: str) -> TuningResult:
        """The digits cannot be learned: a tuned network that is not valid any more is removed.

        Raises `ProfileError` if that fails.
        """
        if not is_valid:
            self.profile.forget_tuned(self.shipped.name)
        self._settle(digits)
        if is_valid or not self._taught:
            return TuningResult(f"kept the old weights: {reason}")
        return TuningResult(f"the shipped network reads again: {reason}", network=self.shipped)

    def _settlement(self, digits: Sequence[OwnDigit]) -> str:
        """What tells these digits with these shipped weights from all others."""
        return f"{fingerprint(self.shipped)} {digest(digits)}"

    def _settle(self, digits: Sequence[OwnDigit]) -> None:
        with contextlib.suppress(DigitpadError):  # the worst is that they are learned again
            self.profile.settle(self.shipped.name, self._settlement(digits))


def digests(digits: Sequence[OwnDigit]) -> Iterator[str]:
    """What tells the first of these digits, the first two, and so on, from all others."""
    content = hashlib.sha256()
    for own in digits:
        content.update(json.dumps([own.digit.label, own.digit.strokes]).encode())
        yield content.hexdigest()


def digest(digits: Sequence[OwnDigit]) -> str:
    """What tells these digits, in this order, from all others; "" for none."""
    *_, last = "", *digests(digits)
    return last
