"""The drawing: 28×28 cells of ink, and the strokes they were made with.

`ink` is what is seen; `strokes` record how it was made, in order, so that the same drawing can be
drawn again at another size or place. Coordinates are in cells, x to the right and y down; cell
(0, 0) is at the top left with its centre at (0.5, 0.5).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nn.handwriting.brush import add_ink, remove_ink
from nn.handwriting.framing import SIZE, Framing, Stroke, framing_of_image, framing_of_strokes
from nn.support.types import Array

Point = tuple[float, float]
Kind = Literal["draw", "erase"]

# With it, recorded digits written as large as MNIST's hold as much ink as those do: 96 cells' worth
# on average, where MNIST has 95.
DRAW_RADIUS = 1.1
# Wider by the soft edges of both, so that one pass along a line takes all of it away.
ERASE_RADIUS = 2.2
SOFTNESS = 1.0
# No pointer is this many cells away; a file may say so, and float32 would lose the line on the way.
FARTHEST = 1000.0
RADII: dict[Kind, float] = {"draw": DRAW_RADIUS, "erase": ERASE_RADIUS}
UNDO_STEPS = 100
BRUSH_SIZES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8)  # times the two radii above


@dataclass(frozen=True)
class _State:
    """What undo goes back to; neither its strokes nor its ink change any more."""

    strokes: tuple[Stroke, ...]
    ink: Array
    is_picture: bool


class Canvas:
    """A drawing that a pointer makes: `begin`, `extend` any number of times, `end`.

    `ink` is (28, 28) float32, 0 = paper, 1 = ink, indexed [y, x]; look, but do not write.
    `strokes` are the strokes that made it, in order; under a drawing that began as a picture,
    `is_picture`, there is ink that no stroke made. `version` grows whenever any of it may have
    changed. Points may be off the canvas: a line to them is cut off at the edge.
    """

    def __init__(self) -> None:
        self.ink: Array = np.zeros((SIZE, SIZE), dtype=np.float32)
        self.strokes: list[Stroke] = []
        self.is_picture = False
        self.version = 0
        self.brush = 1.0  # one of BRUSH_SIZES
        self._stroke: Stroke | None = None  # the stroke under way
        self._before: _State | None = None  # the drawing when that stroke began
        self._is_told = True  # whether `version` tells of that stroke's last point
        self._undo: deque[_State] = deque(maxlen=UNDO_STEPS)
        self._redo: list[_State] = []

    @property
    def is_blank(self) -> bool:
        """Whether there is no ink at all."""
        return not self.ink.any()

    @property
    def is_drawing(self) -> bool:
        """Whether a stroke has begun and not ended."""
        return self._stroke is not None

    @property
    def is_pen_down(self) -> bool:
        """Whether that stroke draws, and does not erase."""
        return self._stroke is not None and self._stroke.kind == "draw"

    def begin(self, kind: Kind, x: float, y: float, radius: float | None = None) -> None:
        """Set the pen or the eraser down, which leaves a dot; a stroke under way ends.

        The radius is that of the present brush unless it is given, in cells.
        """
        self.end()
        self._before = self._state()
        self._stroke = Stroke([], radius or RADII[kind] * self.brush, kind)
        self.extend(x, y)

    def extend(self, x: float, y: float) -> None:
        """Move on in a straight line to a point; without a stroke under way nothing happens.

        A point that is not finite is left out, and the line goes on to the next one.
        """
        stroke = self._stroke
        if stroke is None or not (math.isfinite(x) and math.isfinite(y)):
            return
        point = (_within_reach(x), _within_reach(y))
        if not stroke.points:
            self.strokes.append(stroke)
        elif stroke.points[-1] == point:
            return
        start = stroke.points[-1] if stroke.points else point
        stroke.points.append(point)
        former = self.ink.copy()
        change = add_ink if stroke.kind == "draw" else remove_ink
        change(self.ink, start, point, stroke.radius, SOFTNESS)
        self._is_told = not np.array_equal(self.ink, former)
        self.version += self._is_told

    def end(self) -> None:
        """Lift the pen; a stroke that changed no cell is forgotten, as if it had not been made."""
        stroke, before = self._stroke, self._before
        self._stroke = self._before = None
        if stroke is None or before is None or not stroke.points:
            return
        if np.array_equal(self.ink, before.ink):
            self.strokes.pop()
            return
        self.version += not self._is_told
        self._undo.append(before)
        self._redo.clear()

    def draw_stroke(self, stroke: Stroke) -> None:
        """Draw or erase along a stroke with its own radius, with the calls a pointer makes."""
        for index, (x, y) in enumerate(stroke.points):
            if index:
                self.extend(x, y)
            else:
                self.begin(stroke.kind, x, y, stroke.radius)
        self.end()

    def draw_strokes(self, lines: Iterable[Sequence[Point]]) -> None:
        """Draw recorded lines of points, in cells, with the present brush."""
        for line in lines:
            self.draw_stroke(Stroke(list(line), DRAW_RADIUS * self.brush))

    def show_picture(self, image: Array) -> None:
        """Show an image (28, 28) in 0…1 in place of the drawing; `undo` brings the drawing back."""
        self._replace(_State((), np.asarray(image, np.float32).copy(), True))

    def show_strokes(self, strokes: Iterable[Stroke]) -> None:
        """Show a drawing made of `strokes` in place of this one; `undo` brings this one back."""
        drawing = Canvas()
        for stroke in strokes:
            drawing.draw_stroke(stroke)
        self.show_drawing(drawing)

    def show_drawing(self, other: Canvas) -> None:
        """Show the drawing of another canvas in place of this one; `undo` brings this one back."""
        self._replace(other._state())

    def change_brush(self, steps: int) -> float:
        """Take a brush so many sizes larger or smaller; returns its size, 1.0 the usual one."""
        place = BRUSH_SIZES.index(self.brush) + steps
        self.brush = BRUSH_SIZES[min(max(place, 0), len(BRUSH_SIZES) - 1)]
        return self.brush

    def framing(self) -> Framing:
        """The drawing as a network sees it, framed as MNIST frames its digits.

        What an eraser carved out of lines thicker than itself only the cells can tell.
        """
        radii = [stroke.radius for stroke in self.strokes if stroke.kind == "draw"]
        drawn = max(radii, default=0.0)
        carved = any(stroke.kind == "erase" and stroke.radius < drawn for stroke in self.strokes)
        if self.is_picture or carved:
            return framing_of_image(self.ink)
        return framing_of_strokes(self.strokes)

    @property
    def can_undo(self) -> bool:
        """Whether `undo` would do anything."""
        return bool(self._undo) or self.is_drawing

    @property
    def can_redo(self) -> bool:
        """Whether `redo` would do anything."""
        return bool(self._redo)

    def clear(self) -> None:
        """Back to blank paper; `undo` brings the drawing back."""
        self.end()
        if self.strokes or not self.is_blank:
            self._replace(_State((), np.zeros_like(self.ink), False))

    def undo(self) -> bool:
        """Take back the last stroke or `clear`; returns whether there was one."""
        self.end()
        if not self._undo:
            return False
        self._redo.append(self._state())
        self._restore(self._undo.pop())
        return True

    def redo(self) -> bool:
        """Do again what `undo` took back last; returns whether there was anything."""
        self.end()
        if not self._redo:
            return False
        self._undo.append(self._state())
        self._restore(self._redo.pop())
        return True

    def _state(self) -> _State:
        return _State(tuple(self.strokes), self.ink.copy(), self.is_picture)

    def _replace(self, state: _State) -> None:
        """Show another drawing, which `undo` takes back."""
        self.end()
        self._undo.append(self._state())
        self._redo.clear()
        self._restore(state)

    def _restore(self, state: _State) -> None:
        self.strokes = list(state.strokes)
        self.ink[...] = state.ink
        self.is_picture = state.is_picture
        self.version += 1


def _within_reach(value: float) -> float:
    return min(max(float(value), -FARTHEST), FARTHEST)
