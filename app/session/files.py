"""The files that the session saves and opens."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from app.drawing.canvas import Canvas
from app.drawing.drawings import load_drawing, save_drawing, saved_drawings, users_drawings
from app.session.messages import Line
from nn.inference.classifier import Classifier, load_classifier
from nn.support.deadline import Task
from nn.support.errors import DigitpadError
from nn.support.types import Array

LISTED = 8  # drawings in the list


class Opened(NamedTuple):
    """What a file held, and what to say of it; neither a drawing nor a network if it failed."""

    line: Line
    drawing: Canvas | None = None
    label: int | None = None  # what the drawing truly is, where the file says so
    network: Classifier | None = None


class Files:
    """The folder of drawings, and the newest of them, as the list shows them."""

    def __init__(self, folder: Path | None = None) -> None:
        self.saved: list[Path] = []
        self.saved_in_all = 0
        self._folder = folder
        self._reading: Task[Opened] | None = None

    @property
    def folder(self) -> Path:
        """Where drawings are saved; by default in the user's pictures."""
        if self._folder is None:
            self._folder = users_drawings()
        return self._folder

    def save(self, canvas: Canvas, digit: int) -> Line:
        """Save the drawing of a digit."""
        try:
            first, *more = save_drawing(canvas, self.folder, digit)
        except DigitpadError as error:
            return Line(str(error))
        return Line(" and ".join([f"Saved {first}", *(path.suffix for path in more)]))

    def list(self) -> Line | None:
        """Look for saved drawings; returns a line if that failed."""
        try:
            found = saved_drawings(self.folder)
        except DigitpadError as error:
            return Line(str(error), 8)
        self.saved, self.saved_in_all = found[:LISTED], len(found)
        return None

    @property
    def is_opening(self) -> bool:
        """Whether something is being read."""
        return self._reading is not None

    def begin(self, read: Callable[[], Opened], name: str) -> Line | None:
        """Read something in a thread, in place of what is still being read; `opened` gives it.

        Returns a line for the user if it takes long.
        """
        self._reading = Task(read)
        return None if self._reading.is_done() else Line(f"{name} is being read …", 60)

    def opened(self) -> Opened | None:
        """What has been read, once."""
        if self._reading is None or not self._reading.is_done(0):
            return None
        task, self._reading = self._reading, None
        return task.result()


def read_file(path: Path) -> Opened:
    """Read a drawing, strokes, a picture or a network."""
    # Opening a pipe would wait for ever. Not `Path.exists`, which raises for too long a name.
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
        return Opened(Line(f"{path.name} is a folder, a pipe or a device; expected a file", 8))
    try:
        if path.suffix.lower() == ".npz":
            network = load_classifier(path)
            return Opened(Line(f"Network {network.name} from {path.name}"), network=network)
        drawing = Canvas()
        label = load_drawing(path, drawing)
        return Opened(Line(f"Opened {path.name}"), drawing, label)
    except DigitpadError as error:
        return Opened(Line(str(error), 8))


def read_picture(read: Callable[[], Array]) -> Opened:
    """A drawing of the framed picture (28, 28) that `read` gives."""
    try:
        drawing = Canvas()
        drawing.show_picture(read())
        return Opened(Line("Pasted"), drawing)
    except DigitpadError as error:
        return Opened(Line(str(error)))
