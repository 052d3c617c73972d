"""From a window's events to commands on the canvas and the session.

Every place comes from an event and never from asking where the mouse is now, so a fast movement
loses none of its points. One pointer draws at a time: the first button or finger that goes down
owns the pen until it goes up, and any other is ignored meanwhile.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pygame

from app.drawing.canvas import Canvas, Kind
from app.session.predictor import Predictor
from app.window.keys import IS_MAC, is_command, is_desktops, key_of, letter_of
from app.window.layout import Layout
from app.window.touches import Touches

if TYPE_CHECKING:
    from app.session.session import Session

LEFT, RIGHT = 1, 3
TOOLS: dict[int, Kind] = {LEFT: "draw", RIGHT: "erase"}
# A Mac reports fingers on its trackpad, which move the mouse, as touches of a screen it has not.
HAS_TOUCH_SCREEN = not IS_MAC
# Letters and what they stand for.
LETTERS: dict[int, str] = {
    pygame.K_r: "clear",
    pygame.K_i: "inside",
    pygame.K_w: "why",
    pygame.K_t: "train",
    pygame.K_n: "test digit",
    pygame.K_s: "save",
    pygame.K_o: "open",
    pygame.K_h: "help",
    pygame.K_k: "keep",
    pygame.K_x: "discard",
    pygame.K_l: "switch theme",
    pygame.K_m: "mine",
}
DIALOG_COMMANDS = ("help", "open", "mine", "switch theme")  # of these, what works over a card too
DIGIT_KEYS = {getattr(pygame, f"K_{digit}"): digit for digit in range(10)}
ARROWS: dict[int, tuple[int, int]] = {
    pygame.K_LEFT: (-1, 0),
    pygame.K_RIGHT: (1, 0),
    pygame.K_UP: (0, -1),
    pygame.K_DOWN: (0, 1),
}
# Not all keyboards have a key for each; where + is typed with Shift, its key is that of =.
BRUSH_KEYS = {
    pygame.K_LEFTBRACKET: -1,
    pygame.K_MINUS: -1,
    pygame.K_KP_MINUS: -1,
    pygame.K_RIGHTBRACKET: 1,
    pygame.K_PLUS: 1,
    pygame.K_EQUALS: 1,
    pygame.K_KP_PLUS: 1,
}
# Held down, these go on; all others count once.
REPEATING = {*ARROWS, *BRUSH_KEYS, pygame.K_z, pygame.K_y}
REPEAT_SECONDS = 0.4  # a key that is held says so at least as often
FOCUS_SECONDS = 0.1  # after the focus has come, a key that is held says so within these
FINGER = 3  # a finger's breadth, in heights of the window's text
ENTER = (pygame.K_RETURN, pygame.K_KP_ENTER)

Pointer = tuple[str, int, int]  # ("mouse", 0, button) or ("finger", device, finger)


class Controller:
    """Applies events to a session; knows which pointer and which keys are down."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._pointer: Pointer | None = None
        self._kind: Kind = "draw"
        self._touches = Touches()
        self._held: dict[int, float] = {}  # keys that are down, and when they last said so

    @property
    def canvas(self) -> Canvas:
        """The session's drawing."""
        return self.session.canvas

    @property
    def predictor(self) -> Predictor:
        """The session's reading of it."""
        return self.session.predictor

    @property
    def layout(self) -> Layout:
        """Where everything is now."""
        return self.session.layout

    def handle(self, event: pygame.event.Event) -> None:
        """Apply one event; those that mean nothing here are ignored."""
        kind = event.type
        if kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP, pygame.MOUSEMOTION):
            # Mouse events are made of touches as well, which are handled as touches below. SDL
            # marks those that it makes, but not the system's.
            is_marked = HAS_TOUCH_SCREEN and getattr(event, "touch", False)
            breadth = FINGER * self.layout.text
            if not is_marked and not self._touches.is_ghost(event, breadth, self.session.clock()):
                self._mouse(event)
        elif kind in (pygame.FINGERDOWN, pygame.FINGERUP, pygame.FINGERMOTION):
            if HAS_TOUCH_SCREEN:
                self._finger(event)
        elif kind == pygame.KEYDOWN:
            if not self._is_repeated(event.key) or key_of(event) in REPEATING:
                self._key(event)
                # Anew: while the command ran, however long, nothing was heard of the key.
                self._held[event.key] = self.session.clock()
        elif kind == pygame.KEYUP:
            self._held.pop(getattr(event, "key", 0), None)
        elif kind == pygame.MOUSEWHEEL:
            if event.y and self.session.overlay is None:
                self.session.change_brush(1 if event.y > 0 else -1)
        elif kind == pygame.DROPFILE:
            self.session.open_file(Path(event.file))
        elif kind == pygame.WINDOWLEAVE:
            self._hover(None)
        elif kind in (pygame.QUIT, pygame.WINDOWCLOSE):
            self.session.quit_wanted = True
        elif kind == pygame.WINDOWFOCUSLOST:
            # Where the focus follows the mouse this is what leaving the window in mid-stroke looks
            # like; no movement is heard until the pointer is back, with its button down or not.
            self.canvas.end()
            if self._pointer is not None and self._pointer[0] == "finger":
                self.release_pointer()  # nothing would tell that it is up, and no other could draw
            self._held.clear()
        elif kind == pygame.WINDOWFOCUSGAINED:
            # An Esc still down here closed something in another window; it must not quit this one.
            self._held[pygame.K_ESCAPE] = self.session.clock() - REPEAT_SECONDS + FOCUS_SECONDS
        elif kind == pygame.WINDOWSIZECHANGED:
            self.resize((event.x, event.y))

    def resize(self, size: tuple[int, int]) -> None:
        """Lay the window out for a new size; a stroke under way goes on where the pointer is next.

        The pointer has not moved, but the canvas has moved below it: a line from the last point
        to the next would be one that nobody drew.
        """
        if size != self.session.size:
            self.session.resize(size)
            self.canvas.end()

    def release_pointer(self) -> None:
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
                    self.release_pointer()
            elif self._pointer is None:
                self._hover(self._button_at(x, y))
        elif event.button in TOOLS:
            pointer: Pointer = ("mouse", 0, event.button)
            if event.type == pygame.MOUSEBUTTONDOWN:
                self._press(pointer, TOOLS[event.button], x, y)
            else:
                self._release(pointer, x, y)

    def _finger(self, event: pygame.event.Event) -> None:
        # Touches come as fractions of the window.
        x, y = event.x * self.session.size[0], event.y * self.session.size[1]
        pointer: Pointer = ("finger", event.touch_id, event.finger_id)
        if event.type == pygame.FINGERDOWN:
            self._press(pointer, "draw", x, y)
        elif event.type == pygame.FINGERMOTION:
            self._move(pointer, x, y)
        else:
            self._release(pointer, x, y)
        # Only now: what the touch did may have taken longer than its click is waited for.
        is_down = event.type == pygame.FINGERDOWN
        self._touches.hear(pointer, (x, y), is_down, self.session.clock())

    def _press(self, pointer: Pointer, kind: Kind, x: float, y: float) -> None:
        if pointer == self._pointer:
            self.release_pointer()  # a second press of the same button: its release was lost
        if self._pointer is not None or (kind == "draw" and self._click(x, y)):
            return
        if self.session.overlay is None:
            self._pointer, self._kind = pointer, kind
            self.session.user_took_over = True
            self.session.pen = None
            self.canvas.begin(kind, *self.layout.to_cells(x, y))

    def _move(self, pointer: Pointer, x: float, y: float) -> None:
        if pointer == self._pointer and self.session.overlay is not None:
            self.release_pointer()  # a card was opened by a key, and lies over the canvas now
        elif pointer == self._pointer:
            place = self.layout.to_cells(x, y)
            if self.canvas.is_drawing:
                self.canvas.extend(*place)
            else:  # the window changed its size under the stroke, or lost the focus
                self.canvas.begin(self._kind, *place)

    def _release(self, pointer: Pointer, x: float, y: float) -> None:
        if pointer == self._pointer:
            if self.canvas.is_drawing and self.session.overlay is None:
                self.canvas.extend(*self.layout.to_cells(x, y))
            self.release_pointer()

    @staticmethod
    def _is_held(button: int, buttons: tuple[int, int, int]) -> bool:
        return bool(buttons[button - 1])

    def _is_repeated(self, key: int) -> bool:
        """Whether a key went down only because it is held; its release may have been lost."""
        now = self.session.clock()
        before = self._held.get(key)
        self._held[key] = now
        return before is not None and now - before < REPEAT_SECONDS

    def _hover(self, name: str | None) -> None:
        if name != self.session.hover:
            self.session.hover = name
            self.session.version += 1

    def _button_at(self, x: float, y: float) -> str | None:
        if self.session.overlay == "mine":
            return self.layout.own_digit_button_at(x, y)
        return None if self.session.overlay else self.layout.button_at(x, y)

    def _click(self, x: float, y: float) -> bool:
        """What a click at a place does other than draw; whether there was anything."""
        session, layout = self.session, self.layout
        if session.overlay is not None:
            self._click_dialog(x, y)
            return True
        button = layout.button_at(x, y)
        if button is not None:
            session.focus = None
            session.do(button)
            return True
        for digit, bar in enumerate(layout.bars):
            if bar.whole.contains(x, y):
                session.explain(digit)
                return True
        for index, row in zip(session.rows(), layout.table[1:], strict=False):
            if row.contains(x, y):
                session.choose_network(index)
                return True
        if session.panel == "inside":
            for layer, tiles in enumerate(session.inside_tiles()):
                unit = tiles.at(x, y)
                if unit is not None:
                    session.look_at(layer, unit)
                    return True
        return False

    def _click_dialog(self, x: float, y: float) -> None:
        session = self.session
        if session.overlay == "open":
            rows = self.layout.dialog_rows(len(session.saved))[: len(session.saved)]
            for index, row in enumerate(rows):
                if row.contains(x, y):
                    return session.open_row(index)
        elif session.overlay == "mine":
            button = self.layout.own_digit_button_at(x, y)
            if button is not None:
                session.correct(int(button)) if button.isdigit() else session.do(button)
                return self._hover(self._button_at(x, y))
            count = len(session.my_digits.digits) if session.my_digits is not None else 0
            tile = self.layout.dialog_tiles(count).at(x, y)
            if tile is not None:
                session.row = tile
                session.version += 1
            if self.layout.dialog.contains(x, y):  # a click beside a button closes nothing
                return None
        session.overlay = None
        session.version += 1
        return None

    def _key(self, event: pygame.event.Event) -> None:
        session = self.session
        modifiers = getattr(event, "mod", 0)
        shift = bool(modifiers & pygame.KMOD_SHIFT)
        key, letter = key_of(event), letter_of(event)
        if is_desktops(modifiers):
            pass
        elif is_command(modifiers):
            self._command_key(letter, shift)
        elif key == pygame.K_ESCAPE:
            session.leave()
        elif key == pygame.K_F1:
            session.do("help")
        elif key == pygame.K_F11:
            session.window_requests.append("full screen")
        elif key == pygame.K_F12:
            session.window_requests.append("screenshot")
        elif session.overlay is not None:
            self._dialog_key(key, letter)
        elif key == pygame.K_F6:
            session.move_focus(-1 if shift else 1)
        elif key in DIGIT_KEYS:
            session.correct(DIGIT_KEYS[key])
        elif key == pygame.K_TAB:
            session.do("network", back=shift)
        elif key in BRUSH_KEYS:
            session.change_brush(BRUSH_KEYS[key])
        elif key in (pygame.K_COMMA, pygame.K_PERIOD):
            session.step_unit(0, 1 if key == pygame.K_PERIOD else -1)
        elif key in (pygame.K_PAGEUP, pygame.K_PAGEDOWN):
            session.step_unit(1 if key == pygame.K_PAGEDOWN else -1, 0)
        elif key in (*ARROWS, pygame.K_SPACE):
            self._pen_key(key, shift)
        elif key in ENTER:
            if session.focus is not None:
                session.do(session.focus)
        elif letter in LETTERS:
            session.do(LETTERS[letter])

    def _command_key(self, letter: int, shift: bool) -> None:
        """A letter with Ctrl, or with a Mac's Command; below a card nothing is changed."""
        session = self.session
        if letter == pygame.K_o:
            session.do("open")
        elif session.overlay == "mine" and letter == pygame.K_z and not shift:
            session.do("undo change")
        elif session.overlay is not None:
            pass
        elif letter == pygame.K_z:
            session.do("redo" if shift else "undo")
        elif letter == pygame.K_y:
            session.do("redo")
        elif letter == pygame.K_c:
            session.window_requests.append("copy")
        elif letter == pygame.K_v:
            session.window_requests.append("paste")
        elif letter == pygame.K_s:
            session.do("save")

    def _dialog_key(self, key: int, letter: int) -> None:
        """A key while a card is open: its own, or one of another card; none for what lies below."""
        session = self.session
        if session.overlay == "open" and key in (*ARROWS, *ENTER):
            self._list_key(key)
        elif session.overlay == "mine" and self._own_digit_key(key, letter):
            pass
        elif LETTERS.get(letter) in DIALOG_COMMANDS:
            session.do(LETTERS[letter])

    def _list_key(self, key: int) -> None:
        session = self.session
        if key in ENTER:
            session.open_row(session.row)
        elif session.saved:
            session.row = (session.row + ARROWS[key][1]) % len(session.saved)
        session.version += 1

    def _own_digit_key(self, key: int, letter: int) -> bool:
        """A key while the user's own digits are shown; whether it means anything there."""
        session = self.session
        if key in ENTER:
            session.open_marked()
        elif key in (pygame.K_DELETE, pygame.K_BACKSPACE):
            session.remove_marked()
        elif key in DIGIT_KEYS:
            session.correct(DIGIT_KEYS[key])
        elif letter == pygame.K_f:
            session.forget()
        elif key in ARROWS:
            count = len(session.my_digits.digits) if session.my_digits is not None else 0
            dx, dy = ARROWS[key]
            step = dx + dy * session.layout.dialog_tiles(count).columns
            if 0 <= session.row + step < count:
                session.row += step
        else:
            return False
        session.version += 1
        return True

    def _pen_key(self, key: int, shift: bool) -> None:
        session = self.session
        if key == pygame.K_SPACE:
            return session.tap_pen("erase" if shift else "draw")
        dx, dy = ARROWS[key]
        if session.focus is not None and dx:
            session.move_focus(dx)
        elif session.is_why and dy and session.explained is not None and session.pen is None:
            session.explain(session.explained + dy)
        else:
            session.move_pen(dx, dy)
        return None
