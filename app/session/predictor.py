"""When to ask the network, and what it answered.

The network is asked once an interval while the pen is down, at once when it is lifted, and only
about a drawing that it has not seen. The clock is handed in, so that tests need not wait.

What is read while the pen is down is provisional: half a 9 is a perfect 0. Its probabilities are
what digits that begin so become once they are whole, and no digit is called sure.
"""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from app.drawing.canvas import Canvas
from nn.handwriting.framing import Framing
from nn.inference.classifier import Classifier
from nn.inference.discount import MAX_NO_DIGIT, discounted
from nn.inference.half_drawn import once_whole
from nn.support.types import Array

if TYPE_CHECKING:
    from nn.inference.rejection import Rejection


class Network(Protocol):
    """What the program needs to know of a trained network; `nn.inference.classifier.Classifier` is
    one."""

    name: str

    def probabilities(self, images: Array) -> Array:
        """Ten probabilities, (N, 10), for each of the framed images, (N, 28, 28) in 0…1."""
        ...


GLIDE_SECONDS = 0.45  # that the drawing takes into its frame, unless the answer was asked for
SURE = 0.5  # a digit less likely than this is named with a "not sure"


@dataclass(frozen=True)
class Answer:
    """Ten probabilities that sum to 1, and the likeliest digit.

    A provisional one was read while the pen was down: its probabilities are those of the whole
    digit, its logits those of the part that is drawn.
    """

    probabilities: tuple[float, ...]
    is_digit: bool = True  # whether the drawing looks like a digit at all
    logits: tuple[float, ...] | None = field(default=None, compare=False)  # where they are known
    no_digit: float = 0.0  # how likely it is none, which the probabilities allow for if `is_digit`
    is_provisional: bool = False

    @property
    def digit(self) -> int:
        """The digit with the highest probability; of equals the smallest."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)

    @property
    def confidence(self) -> float:
        """The probability of that digit, 0…1."""
        return max(self.probabilities)

    @property
    def is_sure(self) -> bool:
        """Whether it is a whole digit, and one is likelier than all others together."""
        return self.is_digit and not self.is_provisional and self.confidence >= SURE


class Predictor:
    """Reads the canvas every `interval` seconds while it is drawn on, and after every stroke.

    `answer` is the latest answer, or None as long as there is none, and `framing` what it is
    about. A first dot of ink starts the interval, so the network sees a stroke and not the dot it
    begins with. The end of a stroke does not wait for the interval's.
    `no_digit` says of framed images (N, 28, 28) how likely each is no digit, 0…1, (N,).
    """

    def __init__(
        self,
        network: Network,
        canvas: Canvas,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        no_digit: Callable[[Array], Array] | None = None,
    ) -> None:
        self.answer: Answer | None = None
        self.framing: Framing | None = None
        self.version = 0  # grows with each new answer, and whenever there is none any more
        self.first_version = 0  # of the answers since there was none
        self.interval = interval
        self.network = network
        self._canvas = canvas
        self._clock = clock
        self._no_digit = no_digit
        self._read_version = canvas.version  # the drawing that `answer` is about
        self._due: float | None = None
        self._glide_start: float | None = None
        self._others: dict[int, tuple[Network, Answer]] = {}  # by the networks' identity

    @property
    def glide(self) -> float:
        """How far the drawing has glided into its frame: 0 as drawn … 1 framed."""
        if self._glide_start is None:
            return 1.0
        return min(1.0, (self._clock() - self._glide_start) / GLIDE_SECONDS)

    @property
    def is_stale(self) -> bool:
        """Whether there is an answer, but about a drawing that has changed since."""
        return self.answer is not None and self._is_unread

    @property
    def _is_unread(self) -> bool:
        """Whether the drawing has changed, or is whole now, since it was read."""
        was_begun = self.answer is not None and self.answer.is_provisional
        is_done = was_begun and not self._canvas.is_pen_down
        return self._canvas.version != self._read_version or is_done

    def update(self) -> bool:
        """Do what is due now; returns whether `answer` changed. Call it after every change."""
        if self._canvas.is_blank:
            return self.reset()
        if not self._is_unread:
            return False
        if self._due is None:
            self._due = self._clock() + self.interval
        if self._canvas.is_drawing and self._clock() < self._due:
            return False
        is_same = self._canvas.version == self._read_version  # only the pen was lifted
        glide_start = self._glide_start if is_same else self._clock()
        self.predict_now()
        self._glide_start = glide_start
        return True

    def predict_now(self) -> None:
        """Ask about the canvas without waiting; on a blank canvas there is no answer."""
        had_answer = self.reset()
        if not self._canvas.is_blank:
            self.framing = self._canvas.framing()
            image = self.framing.image
            no_digit = 0.0 if self._no_digit is None else float(self._no_digit(image[None])[0])
            self.answer = read(self.network, image, no_digit, self._canvas.is_pen_down)
            self.version += 1
            if not had_answer:
                self.first_version = self.version

    def answer_of(self, network: Network) -> Answer | None:
        """What a network, this or another, makes of the same framing; asked once."""
        if network is self.network or self.answer is None or self.framing is None:
            return self.answer
        if id(network) not in self._others:
            answer = read(
                network, self.framing.image, self.answer.no_digit, self.answer.is_provisional
            )
            self._others[id(network)] = network, answer
        return self._others[id(network)][1]

    def reset(self) -> bool:
        """Forget the answer and what was due; returns whether there was an answer."""
        changed = self.answer is not None
        self.version += changed
        self.answer = self.framing = None
        self._due, self._glide_start, self._others = None, None, {}
        self._read_version = self._canvas.version
        return changed

    def seconds_until_due(self) -> float | None:
        """How long nothing needs to be done, at least 0; None if nothing is due."""
        if self._due is None:
            return None
        return max(0.0, self._due - self._clock()) if self._canvas.is_drawing else 0.0


def read(
    network: Network, image: Array, no_digit: float = 0.0, is_provisional: bool = False
) -> Answer:
    """What a network makes of one framed image (28, 28) that is no digit so likely, 0…1.

    If it is provisional, of what the digit will be.
    """
    known = None
    if isinstance(network, Classifier):
        probabilities, logits = network.reading(image[None])
        known = tuple(logits[0].astype(float).tolist())
    else:
        probabilities = network.probabilities(image[None])
    digits = np.asarray(probabilities, dtype=float)
    found = discounted((once_whole(digits) if is_provisional else digits)[0], no_digit)
    return Answer(tuple(found.tolist()), no_digit <= MAX_NO_DIGIT, known, no_digit, is_provisional)


def copy_of(network: Network) -> Network | None:
    """The network with layers and weights of its own, for a thread; None if it cannot be copied."""
    try:
        if isinstance(network, Classifier):
            model = network.checkpoint.model.snapshot()
            return Classifier(network.path, replace(network.checkpoint, model=model))
        return copy.deepcopy(network)
    except Exception:  # any object can be a network
        return None


@functools.cache
def _rejection() -> Rejection:
    from nn.inference.rejection import load_rejection  # only now: the first frame can do without

    return load_rejection()


def no_digit(images: Array) -> Array:
    """Framed images (N, 28, 28) -> how likely each is no digit, 0…1, (N,)."""
    return _rejection().no_digit(images)
