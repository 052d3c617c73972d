"""From a window's events to commands on the canvas and the session.

Every place comes from an event and never from asking where the mouse is now, so a fast movement
loses none of its points. One pointer draws at a time: the first button or finger that goes down
owns the pen until it goes up, and any other is ignored meanwhile.
"""

from __future__ import annotations

from pathlib import Path

import pygame

from app.drawing.canvas import Canvas, Kind
from app.window.input.keys import IS_MAC, REPEATING, action_of, key_of, said_of
from app.window.input.touches import Touches
from app.window.layout.layout import Layout
from app.window.panels.challenge_line import challenge_button_at
from app.window.screen.screen import Screen
from nn.inference.ablation import Unit

LEFT, RIGHT = 1, 3
TOOLS: dict[int, Kind] = {LEFT: "draw", RIGHT: "erase"}
# A Mac reports fingers on its trackpad, which move the mouse, as touches of a screen it has not.
HAS_TOUCH_SCREEN = not IS_MAC
REPEAT_SECONDS = 0.4  # a key that is held says so at least as often
FOCUS_SECONDS = 0.1  # after the focus has come, a key that is held says so within these
FINGER = 3  # a finger's breadth, in heights of the window's text
LONG_SECONDS = 0.6  # a touch of a network's unit that lasts so long counts as a right click

Pointer = tuple[str, int, int]  # ("mouse", 0, button) or ("finger", device, finger)


class Controller:
    """Applies events to a screen and its session; knows which keys are down."""

    def __init__(self, screen: Screen) -> None:
        self.screen, self.session = screen, screen.session
        self._kind: Kind = "draw"
        self._touches = Touches()
        self._held: dict[int, float] = {}  # keys that are down, and when they last said so
        self._touched: tuple[Pointer, Unit, float] | None = None  # by which finger, and since when

    @property
    def canvas(self) -> Canvas:
        """The session's drawing."""
        return self.session.canvas

    @property
    def _pointer(self) -> Pointer | None:
        pointer: Pointer | None = self.session.pointer
        return pointer

    @property
    def layout(self) -> Layout:
        """Where everything is now."""
        return self.screen.layout

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
                where = self.screen.dialog, self.screen.panel
                action = action_of(event, *where)
                self.screen.projector.tell(*said_of(event, *where))
                if action is not None:
                    action(self.screen)
                    self._look_again()
                # Again: while the command ran, however long, nothing was heard of the key.
                self._held[event.key] = self.session.clock()
        elif kind == pygame.KEYUP:
            self._held.pop(getattr(event, "key", 0), None)
        elif kind == pygame.MOUSEWHEEL:
            if event.y and self.screen.dialog is None:
                self.session.change_brush(1 if event.y > 0 else -1)
            elif event.y and self.screen.dialog == "help":
                self.screen.help_pages.turn(-1 if event.y > 0 else 1)
        elif kind == pygame.DROPFILE:
            self.screen.open_file(Path(event.file))
        elif kind == pygame.WINDOWLEAVE:
            self.screen.pointed = None
            self._hover(None)
        elif kind in (pygame.QUIT, pygame.WINDOWCLOSE):
            self.screen.quit_wanted = True
        elif kind == pygame.WINDOWFOCUSLOST:
            # Where the focus follows the mouse this is what leaving the window in mid-stroke looks
            # like; no movement is heard until the pointer is back, with its button down or not.
            self.canvas.end()
            if self._pointer is not None and self._pointer[0] == "finger":
                # Nothing would tell that it is up, and no other could draw.
                self.session.release_pointer()
            self._held.clear()
        elif kind == pygame.WINDOWFOCUSGAINED:
            # An Esc still down here closed something in another window; it must not quit this one.
            self._held[pygame.K_ESCAPE] = self.session.clock() - REPEAT_SECONDS + FOCUS_SECONDS
        elif kind == pygame.WINDOWSIZECHANGED:
            self.screen.resize((event.x, event.y))

    def _mouse(self, event: pygame.event.Event) -> None:
        # The middle of the pixel, so that drawing is centred in small cells too.
        x, y = event.pos[0] + 0.5, event.pos[1] + 0.5
        self.screen.pointed = x, y
        if event.type == pygame.MOUSEMOTION:
            if self._pointer is not None and self._pointer[0] == "mouse":
                # The button may have gone up where this window heard nothing of it.
                if self._is_held(self._pointer[2], event.buttons):
                    self._move(self._pointer, x, y)
                else:
                    self.session.release_pointer()
            elif self._pointer is None:
                self._hover(self._button_at(x, y))
        elif event.button in TOOLS:
            pointer: Pointer = ("mouse", 0, event.button)
            if event.type == pygame.MOUSEBUTTONDOWN:
                self._press(pointer, TOOLS[event.button], x, y)
            else:
                self._release(pointer, x, y)
            self._look_again()

    def _finger(self, event: pygame.event.Event) -> None:
        # Touches come as fractions of the window.
        x, y = event.x * self.screen.size[0], event.y * self.screen.size[1]
        pointer: Pointer = ("finger", event.touch_id, event.finger_id)
        if event.type == pygame.FINGERDOWN:
            unit = self._unit_at(x, y) if self._pointer is None else None
            self._touched = (pointer, unit, self.session.clock()) if unit is not None else None
            self._press(pointer, "draw", x, y)
        elif event.type == pygame.FINGERMOTION:
            self._move(pointer, x, y)
        else:
            self._release(pointer, x, y)
            self._lift(pointer)
        # Only now: what the touch did may have taken longer than its click is waited for.
        is_down = event.type == pygame.FINGERDOWN
        self._touches.hear(pointer, (x, y), is_down, self.session.clock())

    def _press(self, pointer: Pointer, kind: Kind, x: float, y: float) -> None:
        if pointer == self._pointer:
            # A second press of the same button: its release was lost.
            self.session.release_pointer()
        act = self._click if kind == "draw" else self._right_click
        if self._pointer is not None or act(x, y):
            return
        if self.screen.dialog is None:
            self._kind, self.screen.pen.place = kind, None
            self.session.take_over(pointer)
            self.canvas.begin(kind, *self.layout.to_cells(x, y))

    def _move(self, pointer: Pointer, x: float, y: float) -> None:
        if pointer == self._pointer and self.screen.dialog is not None:
            # A dialog was opened by a key, and lies over the canvas now.
            self.session.release_pointer()
        elif pointer == self._pointer:
            place = self.layout.to_cells(x, y)
            if self.canvas.is_drawing:
                self.canvas.extend(*place)
            else:  # the window changed its size under the stroke, or lost the focus
                self.canvas.begin(self._kind, *place)

    def _release(self, pointer: Pointer, x: float, y: float) -> None:
        if pointer == self._pointer:
            if self.canvas.is_drawing and self.screen.dialog is None:
                self.canvas.extend(*self.layout.to_cells(x, y))
            self.session.release_pointer()

    def _lift(self, finger: Pointer) -> None:
        """A finger that was held on a unit switches it off, or on again."""
        if self._touched is not None and self._touched[0] == finger:
            _, unit, start = self._touched
            if self.session.clock() - start >= LONG_SECONDS:
                self._switch(unit)
            self._touched = None

    def _right_click(self, x: float, y: float) -> bool:
        """Do what a right click does besides erasing; returns whether it did anything."""
        unit, bar = self._unit_at(x, y), self._bar_at(x, y)
        if unit is not None:
            self._switch(unit)
        elif bar is not None:
            self.screen.why.compare(bar)
        return unit is not None or bar is not None

    def _bar_at(self, x: float, y: float) -> int | None:
        """The digit whose bar is at a place, where no dialog lies over it."""
        bars = () if self.screen.dialog is not None else self.layout.bars
        return next((digit for digit, bar in enumerate(bars) if bar.whole.contains(x, y)), None)

    def _switch(self, unit: Unit) -> None:
        self.session.messages.tell(self.session.ablation.switch(unit))

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
        self.screen.hover = name

    def _look_again(self) -> None:
        """Look for the button under a pointer that rests; it may be another now, or gone."""
        if self.screen.pointed is not None and self._pointer is None:
            self._hover(self._button_at(*self.screen.pointed))

    def _button_at(self, x: float, y: float) -> str | None:
        if self.screen.dialog == "my digits":
            return self.layout.dialog.own_digit_button_at(x, y)
        if self.screen.dialog:
            return None
        return self.layout.button_at(x, y) or challenge_button_at(self.screen, x, y)

    def _click(self, x: float, y: float) -> bool:
        """Do what a click does besides drawing; returns whether it did anything."""
        screen, layout = self.screen, self.layout
        if screen.dialog is not None:
            self._click_dialog(x, y)
            return True
        button = layout.button_at(x, y) or challenge_button_at(screen, x, y)
        if button is not None:
            screen.focus = None
            screen.do(button)
            return True
        if screen.panel == "inside" and screen.guard.run(lambda: screen.inside.click(layout, x, y)):
            return True
        if (digit := self._bar_at(x, y)) is not None:
            is_second = pygame.K_LSHIFT in self._held or pygame.K_RSHIFT in self._held
            screen.why.compare(digit) if is_second else screen.why.explain(digit)
            return True
        for index, row in zip(screen.rows(), layout.table[1:], strict=False):
            if row.contains(x, y):
                screen.choose_network(index)
                return True
        for name, knob in layout.knobs.items():
            if (steps := knob.steps_at(x, y)) is not None:
                screen.steering.turn(steps, name) if steps else screen.steering.choose(name)
                return True
        click = screen.mistakes.click if screen.panel == "mistakes" else None
        return click is not None and bool(screen.guard.run(lambda: click(x, y, layout)))

    def _unit_at(self, x: float, y: float) -> Unit | None:
        """The network's unit that is shown at a place, as (stage, unit)."""
        screen = self.screen
        if screen.panel != "inside" or screen.dialog is not None:
            return None
        return screen.guard.run(lambda: screen.inside.unit_at(screen.layout, (x, y)))

    def _click_dialog(self, x: float, y: float) -> None:
        screen = self.screen
        if screen.dialog == "help":
            if screen.press_help(x, y):
                return None
        elif screen.dialog == "open":
            count = len(self.session.files.saved)
            for index, row in enumerate(self.layout.dialog.rows(count)[:count]):
                if row.contains(x, y):
                    return screen.open_row(index)
        elif screen.dialog == "my digits":
            button = self.layout.dialog.own_digit_button_at(x, y)
            if button is not None:
                return screen.press_digit_button(button)
            shown = screen.digits.shown
            tile = self.layout.dialog.tiles(len(shown)).at(x, y)
            if tile is not None:
                screen.digits.row = shown[tile]
            if self.layout.dialog.sheet.contains(x, y):  # a click beside a button closes nothing
                return None
        screen.dialog = None
        return None
