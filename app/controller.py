"""From a window's events to commands on the canvas and the session.

Every place comes from an event and never from asking where the mouse is now, so a fast movement
loses none of its points. One pointer draws at a time: the first button or finger that goes down
owns the pen until it goes up, and any other is ignored meanwhile.
"""

from __future__ import annotations

import sys

import pygame

from app.canvas import Canvas, Kind
from app.layout import lay_out
from app.predictor import Predictor

LEFT, RIGHT = 1, 3
TOOLS: dict[int, Kind] = {LEFT: "draw", RIGHT: "erase"}
# A Mac reports fingers on its trackpad, which move the mouse, as touches of a screen it has not.
HAS_TOUCH_SCREEN = sys.platform != "darwin"
COMMAND_KEYS = pygame.KMOD_CTRL | pygame.KMOD_META
# Where the keyboard's letters are not Latin, the key in R's place counts as R.
PLACES = {pygame.K_r: pygame.KSCAN_R, pygame.K_z: pygame.KSCAN_Z, pygame.K_y: pygame.KSCAN_Y}

Pointer = tuple[str, int, int]  # ("mouse", 0, button) or ("finger", device, finger)


class Controller:
    """Applies events to a canvas and a predictor; knows which pointer is down, and the layout.

    `quit_wanted` becomes true when the user wants to leave, `hands_on` when they do anything to
    the drawing themselves.
    """

    def __init__(self, canvas: Canvas, predictor: Predictor, size: tuple[int, int]) -> None:
        self.canvas = canvas
        self.predictor = predictor
        self.size = size
        self.layout = lay_out(*size)
        self.quit_wanted = False
        self.hands_on = False
        self._pointer: Pointer | None = None
        self._kind: Kind = "draw"

    def handle(self, event: pygame.event.Event) -> None:
        """Apply one event; those that mean nothing here are ignored."""
        kind = event.type
        if kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP, pygame.MOUSEMOTION):
            # SDL makes mouse events of touches as well, which are handled as touches below.
            if not (HAS_TOUCH_SCREEN and getattr(event, "touch", False)):
                self._mouse(event)
        elif kind in (pygame.FINGERDOWN, pygame.FINGERUP, pygame.FINGERMOTION):
            if HAS_TOUCH_SCREEN:
                self._finger(event)
        elif kind == pygame.KEYDOWN:
            self._key(event)
        elif kind in (pygame.QUIT, pygame.WINDOWCLOSE):
            self.quit_wanted = True
        elif kind == pygame.WINDOWFOCUSLOST:
            # Where the focus follows the mouse this is what leaving the window in mid-stroke looks
            # like; no movement is heard until the pointer is back, with its button down or not.
            self.canvas.end()
        elif kind == pygame.WINDOWSIZECHANGED:
            self.resize((event.x, event.y))

    def resize(self, size: tuple[int, int]) -> None:
        """Lay the window out for a new size; a stroke under way goes on where the pointer is next.

        The pointer has not moved, but the canvas has moved below it: a line from the last point
        to the next would be one that nobody drew.
        """
        if size != self.size:
            self.size = size
            self.layout = lay_out(*size)
            self.canvas.end()

    def reset(self) -> None:
        """Blank paper and no answer, at once; a stroke under way ends."""
        self.lift()
        self.hands_on = True
        self.canvas.clear()
        self.predictor.reset()

    def lift(self) -> None:
        """End the stroke; the pointer that made it does nothing until it goes down again."""
        self._pointer = None
        self.canvas.end()

    def _mouse(self, event: pygame.event.Event) -> None:
        # The middle of the pixel, so that drawing is centred in small cells too.
        x, y = event.pos[0] + 0.5, event.pos[1] + 0.5
        if event.type == pygame.MOUSEMOTION:
            if self._pointer is not None and self._pointer[0] == "mouse":
                # The button may have gone up where this window heard nothing of it.
                if self._is_held(self._pointer[2], event.buttons):
                    self._move(self._pointer, x, y)
                else:
                    self.lift()
        elif event.button in TOOLS:
            pointer: Pointer = ("mouse", 0, event.button)
            if event.type == pygame.MOUSEBUTTONDOWN:
                self._press(pointer, TOOLS[event.button], x, y)
            else:
                self._release(pointer, x, y)

    def _finger(self, event: pygame.event.Event) -> None:
        # Touches come as fractions of the window.
        x, y = event.x * self.size[0], event.y * self.size[1]
        pointer: Pointer = ("finger", event.touch_id, event.finger_id)
        if event.type == pygame.FINGERDOWN:
            self._press(pointer, "draw", x, y)
        elif event.type == pygame.FINGERMOTION:
            self._move(pointer, x, y)
        else:
            self._release(pointer, x, y)

    def _press(self, pointer: Pointer, kind: Kind, x: float, y: float) -> None:
        # A second press of the same button means that its release was lost.
        if self._pointer is None or self._pointer == pointer:
            self._pointer, self._kind = pointer, kind
            self.hands_on = True
            self.canvas.begin(kind, *self.layout.to_cells(x, y))

    def _move(self, pointer: Pointer, x: float, y: float) -> None:
        if pointer == self._pointer:
            place = self.layout.to_cells(x, y)
            if self.canvas.is_drawing:
                self.canvas.extend(*place)
            else:  # the window changed its size under the stroke, or lost the focus
                self.canvas.begin(self._kind, *place)

    def _release(self, pointer: Pointer, x: float, y: float) -> None:
        if pointer == self._pointer:
            if self.canvas.is_drawing:
                self.canvas.extend(*self.layout.to_cells(x, y))
            self.lift()

    @staticmethod
    def _is_held(button: int, buttons: tuple[int, int, int]) -> bool:
        return bool(buttons[button - 1])

    def _key(self, event: pygame.event.Event) -> None:
        modifiers = getattr(event, "mod", 0)
        if event.key == pygame.K_ESCAPE:
            self.quit_wanted = True
        elif modifiers & COMMAND_KEYS:
            shift = bool(modifiers & pygame.KMOD_SHIFT)
            if _is_key(event, pygame.K_z):
                self._travel(back=not shift)
            elif _is_key(event, pygame.K_y):
                self._travel(back=False)
        elif _is_key(event, pygame.K_r) and not modifiers & pygame.KMOD_ALT:
            self.reset()

    def _travel(self, back: bool) -> None:
        self.lift()
        self.hands_on = True
        if back:
            self.canvas.undo()
        else:
            self.canvas.redo()


def _is_key(event: pygame.event.Event, key: int) -> bool:
    """Whether a key with this letter went down, or the key in its place on a non-Latin keyboard."""
    is_latin = 0 <= event.key < 0x80
    return event.key == key or (not is_latin and getattr(event, "scancode", -1) == PLACES[key])
