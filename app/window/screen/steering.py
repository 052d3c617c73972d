"""A training as the window steers it: its panels, its keys and its knobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from app.session.knobs import KNOBS, setting_words
from app.session.messages import Line
from app.session.session import Session
from app.session.training_course import TrainingCourse
from app.window.input.commands import Panel

NAMES = list(KNOBS)


class Panels(Protocol):
    """What is needed of the screen."""

    session: Session
    panel: Panel

    def open_panel(self, panel: Panel, is_of_training: bool = False) -> None:
        """Show a panel in place of the present one."""
        ...


class Steering:
    """Steers the training of a screen's session."""

    def __init__(self, screen: Panels) -> None:
        self.knob = NAMES[0]  # the chosen one
        self._screen, self._session = screen, screen.session

    def train(self) -> None:
        """Open the training and start it; there, stop or continue it, or fetch the data it needs.

        Nothing is downloaded unasked: the panel offers it first.
        """
        is_open = self._screen.panel in ("training", "weights")
        if not is_open:
            self._screen.open_panel("training")
        has_training = self._session.course.training is not None
        if is_open or not (has_training or self._session.mnist.is_missing):
            self._session.steer(self._session.course.press())

    def keep(self) -> None:
        """Save the trained network, choose it, and show what it answers."""
        if self._session.keep():
            self._screen.open_panel("answer")

    def see_inside(self) -> None:
        """Open or close the network's inside; in a training first its weights, then its inside."""
        panel = self._screen.panel
        if not self._session.is_training_shown or self._session.course.training is None:
            self._screen.open_panel("answer" if panel == "inside" else "inside")
        elif panel == "training":
            self._screen.open_panel("weights")
        else:
            self._screen.open_panel("training" if panel == "inside" else "inside", True)

    def leave(self) -> None:
        """Look at the chosen network again, if one in training was looked at."""
        if self._session.is_training_shown:
            panel: Panel = "inside" if self._screen.panel == "inside" else "answer"
            self._screen.open_panel(panel)

    def take(self, step: Callable[[TrainingCourse], Line | None]) -> None:
        """Take a step of the training's course, where it is seen."""
        if self._session.is_training_shown:
            self._session.steer(step(self._session.course))
        else:
            self._session.say("This key is for the training: T shows it")

    def arrow(self, dx: int, dy: int) -> None:
        """Up and down choose a knob, left and right turn it."""
        if dy:
            self.choose(NAMES[(NAMES.index(self.knob) + dy) % len(NAMES)])
        else:
            self.turn(dx)

    def choose(self, name: str) -> None:
        """Choose a knob, and say how to turn it."""
        self.knob = name
        setting = setting_words(self._session.course.knobs, name)
        usual = setting_words(self._session.course.usual_knobs, name)
        words = f"{KNOBS[name].words}: {setting}, usually {usual} · left and right change it"
        self._session.say(words)

    def turn(self, steps: int, name: str | None = None) -> None:
        """Turn the chosen knob, or another, which is chosen then."""
        self.knob = name or self.knob
        self.take(lambda course: course.turn(self.knob, steps))
