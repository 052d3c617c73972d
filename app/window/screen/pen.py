"""The pen that the keyboard moves."""

from __future__ import annotations

from app.drawing.canvas import Canvas, Kind, Point
from nn.handwriting.framing import SIZE


class Pen:
    """A pen or eraser at a `place` on the canvas, in cells; None until it is first moved."""

    def __init__(self, canvas: Canvas) -> None:
        self.place: Point | None = None
        self._canvas = canvas

    @property
    def is_down(self) -> bool:
        """Whether it is drawing."""
        return self.place is not None and self._canvas.is_drawing

    def move(self, dx: float, dy: float) -> None:
        """Move by so many cells, drawing if it is down."""
        x, y = self.place or (SIZE / 2, SIZE / 2)
        self.place = min(max(x + dx, 0.5), SIZE - 0.5), min(max(y + dy, 0.5), SIZE - 0.5)
        if self._canvas.is_drawing:
            self._canvas.extend(*self.place)

    def set_down(self, kind: Kind) -> None:
        """Begin a stroke where it is, in the middle of the canvas if it is nowhere yet."""
        self.place = self.place or (SIZE / 2, SIZE / 2)
        self._canvas.begin(kind, *self.place)
