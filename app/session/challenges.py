"""Six small challenges: what each asks for, and whether it is solved.

One is shown at a time. Which are solved, and whether they are put away, is remembered in the
folder of the user's profile.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from app.drawing.canvas import Canvas
from app.my_digits.my_digits import MyDigits
from app.session.messages import Line
from app.session.networks import NetworkList
from app.session.predictor import Answer, Predictor
from nn.handwriting.framing import SIZE
from nn.inference.ablation import AblatedClassifier
from nn.support.files import open_own, write_atomically

FILE = "challenges.json"
SECONDS = 9.0  # for which the lesson of a solved one is shown
MAX_BYTES = 10_000  # of that file; it has some hundred
SURE = 0.95
TINY = SIZE // 4  # cells
MUCH = 30  # cells of ink: more than a dot or a dash


class State(NamedTuple):
    """What the challenges look at."""

    canvas: Canvas
    predictor: Predictor
    networks: NetworkList
    my_digits: MyDigits | None = None

    @property
    def answer(self) -> Answer | None:
        """What was read, once a drawing is finished; None of a picture, which nobody drew here."""
        is_finished = not (self.canvas.is_drawing or self.predictor.is_stale)
        return self.predictor.answer if is_finished and not self.canvas.is_picture else None

    def answer_of(self, name: str) -> Answer | None:
        """What the network of that name reads."""
        named = (entry.network for entry in self.networks.entries if entry.name == name)
        network = next(named, None)
        return None if network is None else self.predictor.answer_of(network)


def is_tiny(state: State) -> bool:
    """A 3 no larger than a quarter of the canvas's side, and read with certainty."""
    places = np.argwhere(state.canvas.ink >= 0.5)
    if state.answer is None or not len(places):
        return False
    size = np.ptp(places, axis=0).max() + 1
    return bool(size <= TINY) and state.answer.is_digit and state.answer.probabilities[3] >= SURE


def is_half_and_half(state: State) -> bool:
    """A 1 and a 7, each with more than a third."""
    answer = state.answer
    if answer is None or not answer.is_digit:
        return False
    return min(answer.probabilities[1], answer.probabilities[7]) >= 0.35


def is_false_certainty(state: State) -> bool:
    """Unlike any digit, though the network by itself would be sure of one."""
    answer = state.answer
    if answer is None or answer.is_digit or np.sum(state.canvas.ink >= 0.5) < MUCH:
        return False
    return answer.confidence >= SURE


def is_linear_fooled(state: State) -> bool:
    """`cnn` is sure of one digit, and `linear` of another."""
    linear, cnn = state.answer_of("linear"), state.answer_of("cnn")
    if state.answer is None or linear is None or cnn is None:
        return False
    return linear.is_sure and cnn.confidence >= SURE and linear.digit != cnn.digit


def is_taught(state: State) -> bool:
    """The network was tuned to the user's digits, and so reads one that it misread."""
    return state.my_digits is not None and state.my_digits.classifier is not None


def is_neuron_found(state: State) -> bool:
    """With one unit off the network reads a 9; with all of them it reads a 4."""
    network, answer = state.predictor.network, state.answer
    if answer is None or not isinstance(network, AblatedClassifier) or len(network.off) != 1:
        return False
    # A digit that is itself off has no share at all; that would be too easy.
    is_hidden = answer.probabilities[4] > 0
    whole = state.predictor.answer_of(network.whole)
    assert whole is not None  # there is an answer
    return is_hidden and answer.is_digit and (whole.digit, answer.digit) == (4, 9)


class Challenge(NamedTuple):
    """A challenge: what it is remembered by, what it asks for, and what solving it teaches."""

    name: str
    words: str
    short: str  # where there is little room
    lesson: str
    is_solved: Callable[[State], bool]


CHALLENGES = (
    Challenge(
        "tiny", f"draw a 3 within {TINY} × {TINY} cells that is read with 95 % certainty",
        f"a 3 within {TINY} × {TINY} cells, 95 % sure",
        "a drawing is framed before it is read, so its size does not matter", is_tiny,
    ),
    Challenge(
        "half", "draw something half 1 and half 7: at least 35 % each",
        "half 1, half 7: 35 % each",
        "the ten bars share 100 %, and two of them can have half each", is_half_and_half,
    ),
    Challenge(
        "no digit", "draw something unlike any digit that still fills one bar to 95 %",
        "unlike any digit, yet one bar at 95 %",
        "ten bars must share 100 %, whatever is drawn; a second network tells what is no digit",
        is_false_certainty,
    ),
    Challenge(
        "fool", "draw a digit that fools linear, but not cnn", "fool linear, but not cnn",
        "linear only adds up the ink cell by cell; cnn looks for shapes", is_linear_fooled,
    ),
    Challenge(
        "teach", "draw a digit that is misread, press the right digit, and watch it learn",
        "teach it a digit that it misreads",
        "the network was tuned to your digits, and reads one more of them", is_taught,
    ),
    Challenge(
        "neuron", "find the neuron of mlp or tiny without which your 4 is read as a 9 (Inside, X)",
        "the neuron that tells 4 from 9",
        "that neuron saw what a 4 has and a 9 lacks; in larger networks many share the work",
        is_neuron_found,
    ),
)  # fmt: skip


class Challenges:
    """The challenge that is shown, if any, and those that are solved.

    They are remembered in the folder of the user's profile, from which nothing is read before the
    first `poll`. Without a profile nothing is remembered, and they are not shown unasked.
    """

    def __init__(self, state: State) -> None:
        my_digits = state.my_digits
        self.is_shown = False
        self.solved: set[str] = set()
        self._state = state
        self._path = None if my_digits is None else my_digits.profile.folder / FILE
        self._is_loaded = False
        self._place = 0
        self._seen: object = None  # what was looked at last

    @property
    def challenge(self) -> Challenge:
        """The one that is shown, or would be."""
        return CHALLENGES[self._place]

    @property
    def is_at_work(self) -> bool:
        """Whether there is something new to look at."""
        is_waiting = self._path is not None and not self._is_loaded
        return is_waiting or (self.is_shown and self._seen != self._what_counts())

    def poll(self) -> Line | None:
        """Look whether the challenge that is shown is solved; says so, once."""
        self._load()
        seen, self._seen = self._seen, self._what_counts()
        if not self.is_shown or seen == self._seen:
            return None
        solved = self.challenge
        if solved.name in self.solved or not solved.is_solved(self._state):
            return None
        self.solved.add(solved.name)
        left = len(CHALLENGES) - len(self.solved)
        self._go_on()
        self.is_shown = left > 0
        more = f"{left} to go" if left else "that was the last challenge"
        return self._saved() or Line(f"Solved: {solved.lesson} · {more}", SECONDS)

    def close(self) -> None:
        """Nothing to end here."""

    def switch(self) -> Line | None:
        """Show a challenge, or put them all away for good; says so, or that it cannot be kept."""
        self._load()
        self.is_shown, self._seen = not self.is_shown, None
        away = Line("The challenges are put away; C brings them back")
        return self._saved() or (Line("", 0) if self.is_shown else away)  # no longer that they are

    def next(self) -> Line | None:
        """Show the next one that is not solved; any, once all are."""
        if not self.is_shown:
            return self.switch()
        self._go_on()
        return None

    def _go_on(self) -> None:
        count = len(CHALLENGES)
        places = [(self._place + step) % count for step in range(1, count + 1)]
        unsolved = (place for place in places if CHALLENGES[place].name not in self.solved)
        self._place, self._seen = next(unsolved, places[0]), None

    def _what_counts(self) -> object:
        """Another value whenever a challenge may be solved that was not."""
        state = self._state
        tuned = None if state.my_digits is None else id(state.my_digits.classifier)
        drawn = state.predictor.version, state.canvas.version, state.canvas.is_drawing
        return *drawn, len(state.networks.entries), tuned

    def _load(self) -> None:
        if self._is_loaded:
            return
        self._is_loaded = True
        if self._path is not None:
            known, is_put_away = remembered(self._path)
            self.solved |= known
            self.is_shown = not is_put_away
            if self.challenge.name in self.solved:
                self._go_on()

    def _saved(self) -> Line | None:
        """Remember; returns a line where that is not possible."""
        if self._path is None:
            return None
        self.solved |= remembered(self._path)[0]  # what another window has seen solved
        record = {"solved": sorted(self.solved), "put_away": not self.is_shown}
        content = json.dumps(record).encode()
        try:
            write_atomically(self._path, lambda file: file.write(content))
        except OSError as error:
            reason = error.strerror or error
            return Line(f"This will be forgotten: cannot write {self._path}: {reason}")
        return None


def remembered(path: Path) -> tuple[set[str], bool]:
    """Which are solved, and whether they are put away; a file that says neither counts as none."""
    try:
        with open_own(path, MAX_BYTES) as file:
            record: Any = json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        return set(), False
    if not isinstance(record, dict):
        return set(), False
    solved = record.get("solved")
    names = [challenge.name for challenge in CHALLENGES]
    known = {name for name in names if isinstance(solved, list) and name in solved}
    return known, record.get("put_away") is True
