"""What the window shows of a session, and what its keys and buttons do."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from app.drawing.canvas import Kind
from app.session.session import Session
from app.window.input.commands import ALL_COMMANDS, COMMANDS, HINTS, Dialog, Panel
from app.window.layout.help_pages import HelpPages
from app.window.layout.layout import Layout, lay_out
from app.window.screen.lists import DigitList, DrawingList
from app.window.screen.pen import Pen
from app.window.screen.projector import Projector
from app.window.screen.steering import Steering
from app.window.screen.why_choice import WhyChoice

if TYPE_CHECKING:
    from app.window.screen.inside_panel import InsidePanel
    from app.window.screen.mistakes_choice import MistakesChoice

WINDOW_SIZE = (960, 640)
LEAVE = COMMANDS["leave"].does


class Screen:
    """A session's window: its size and theme, what is open, and where keyboard and pointer are.

    `panel` is what the lower part shows, `dialog` what lies over the window.
    """

    def __init__(
        self, session: Session, size: tuple[int, int] = WINDOW_SIZE, theme: str = "dark"
    ) -> None:
        self.session = session
        self.size = self.window_size = size  # the latter is what full screen goes back to
        self.theme = theme
        self.panel: Panel = "answer"
        self.dialog: Dialog | None = None
        self.hover: str | None = None  # the button under the pointer, by its command
        self.focus: str | None = None  # the button that Enter presses
        self.pointed: tuple[float, float] | None = None  # where the pointer is, in pixels
        self.projector = Projector(session.canvas, session.clock)
        self.pen = Pen(session.canvas)
        self.guard = session.messages.guard
        self.drawings = DrawingList(session.files)
        self.digits = DigitList(session.editor)
        self.help_pages = HelpPages(
            lambda: (self.size, self.layout.text, self.panel, self.projector.is_on)
        )
        self.why = WhyChoice(session)
        self.steering = Steering(self)
        self.requests: list[str] = []  # for what runs the window
        self.quit_wanted = False
        self._layout: Layout | None = None
        self._laid_out: object = None  # what the layout is for

    # These two are loaded when their panels are first open, for a sooner start.

    @cached_property
    def inside(self) -> InsidePanel:
        """Which units the inside of the network shows."""
        from app.window.screen.inside_panel import InsidePanel

        return InsidePanel(self.session.inspection)

    @cached_property
    def mistakes(self) -> MistakesChoice:
        """What is chosen among the mistakes."""
        from app.window.screen.mistakes_choice import MistakesChoice

        return MistakesChoice(self.session)

    @property
    def layout(self) -> Layout:
        """Where everything is, for the present size and panel."""
        key = (*self.size, self.panel, len(self.session.networks.entries), self.projector.is_on)
        if self._layout is None or self._laid_out != key:
            self._layout, self._laid_out = lay_out(*key), key
        return self._layout

    @property
    def is_why(self) -> bool:
        """Whether what speaks for the digit and against it is shown."""
        return self.session.explanation.is_shown

    def rows(self) -> range:
        """The places in the list of networks that the table shows, the chosen one among them."""
        networks, shown = self.session.networks, max(0, len(self.layout.table) - 1)
        first = min(max(0, networks.chosen - shown + 1), len(networks.entries) - shown)
        return range(first, first + shown)

    def hint(self) -> str:
        """The line at the bottom: a message, what a button does, or how to begin."""
        if self.session.message:
            return self.session.message
        for name in (self.hover, self.focus):
            if name in HINTS:
                return HINTS[name]
        if self.panel == "inside" and self.session.ablation.line:
            return self.session.ablation.line
        if self.pointed is not None and self.dialog is None:
            from app.window.screen.captions import caption_at  # only now, for a sooner start

            caption = caption_at(self.session, self.layout, self.rows(), *self.pointed)
            if caption:
                return caption
        answer, my_digits = self.session.predictor.answer, self.session.my_digits
        if my_digits is not None and answer is not None and not answer.is_provisional:
            question = "wrong?" if answer.is_digit else "a digit after all?"
            return f"{question} press the right one, 0 … 9 · H shows all keys"
        leave = "P leaves" if self.projector.is_on else "Esc quits"
        return f"left draws · right erases · H shows all keys · {leave}"

    def update(self) -> None:
        """Do what is due."""
        if self.session.tuned is not None:
            self.session.tuned.is_listing = self.dialog == "my digits"
        self.session.update()

    def resize(self, size: tuple[int, int]) -> None:
        """Lay the window out for a new size; a stroke under way goes on where the pointer is next.

        The pointer has not moved, but the canvas has moved below it: a line from the last point
        to the next would be one that nobody drew.
        """
        if size != self.size:
            self.size = size
            self.session.canvas.end()

    def do(self, name: str) -> None:
        """Do what the button of a command does."""
        next(iter(ALL_COMMANDS[name].actions.values()))(self)

    def request(self, request: str) -> None:
        """Ask for what only the window itself can do."""
        self.requests.append(request)

    # What is open

    def open_panel(self, panel: Panel, is_of_training: bool = False) -> None:
        """Show a panel in place of the present one; the inside may be that of what is trained.

        Where the canvas moves for it, a stroke under way ends, as in `resize`.
        """
        canvas = self.layout.canvas
        self.panel = panel
        self.focus = None
        if self.layout.canvas != canvas:
            self.session.canvas.end()
        self.session.show_training(is_of_training or panel in ("training", "weights"))
        self.session.mistakes.show(panel == "mistakes")

    def switch_panel(self, panel: Panel) -> None:
        """Show a panel, or the bars again."""
        self.open_panel("answer" if self.panel == panel else panel)

    def switch_theme(self) -> None:
        """Switch between the light and the dark theme."""
        self.theme = "light" if self.theme == "dark" else "dark"

    def help(self) -> None:
        """Open or close the help."""
        self.dialog, self.help_pages.number = None if self.dialog == "help" else "help", 0

    def press_help(self, x: float, y: float) -> bool:
        """Do what the help says at a place; returns whether it says anything there."""
        found = self.help_pages.at(x, y)
        if found is None:
            return False
        command, choice = found
        if not command.in_dialogs:
            self.dialog = None
        choice.action(self)
        if choice.action is LEAVE and self.panel != "answer":
            self.leave()  # of two things that are open the help is not the one that was meant
        return True

    def leave(self) -> None:
        """Close what is open; with nothing open, quit."""
        if self.dialog is not None:
            self.dialog = None
        elif self.focus is not None or self.pen.place is not None:
            self.focus = self.pen.place = None
            self.session.take_over()
        elif self.panel == "mistakes" and self.mistakes.leave():
            pass
        elif self.panel != "answer":
            is_of_training = self.session.is_training_shown and self.panel != "training"
            self.open_panel("training" if is_of_training else "answer")
        elif self.is_why:
            self.why.switch()
        elif self.projector.is_on:
            self.projector.switch()
        elif (line := self.session.course.warning()) is not None:
            self.session.messages.tell(line)
        else:
            self.quit_wanted = True

    # Networks and explanations

    def next_network(self, steps: int) -> None:
        """Choose the next network; where the table has no room yet, show that first."""
        can_choose = self.panel in ("inside", "training", "weights", "mistakes")
        if can_choose or self.layout.table:
            self.choose_network(self.session.networks.chosen + steps)
        else:
            self.open_panel("networks")
            self.session.say("Tab again for the next network, Esc for the bars")

    def choose_network(self, index: int) -> None:
        """Let another network predict, at once; the one in training is no longer looked at."""
        self.steering.leave()
        self.session.choose_network(index)

    def step_unit(self, layers: int, units: int) -> None:
        """Look at another unit, where units are shown."""
        if self.panel == "inside":
            self.guard.run(lambda: self.session.inspection.step(layers, units))

    # Dialogs

    def list_drawings(self) -> None:
        """Open or close the list of saved drawings."""
        if self.dialog == "open":
            self.dialog = None
        elif (line := self.session.files.list()) is not None:
            self.session.say(*line)
        else:
            self.dialog, self.drawings.row = "open", 0

    def open_row(self, row: int) -> None:
        """Load a drawing of the list."""
        self.dialog = None
        if (path := self.drawings.path(row)) is not None:
            self.open_file(path)

    def open_file(self, path: Path) -> None:
        """Load a drawing, strokes, a picture or a network, and show it."""
        self.dialog = None
        if self.session.open_file(path):
            self.steering.leave()

    def show_my_digits(self) -> None:
        """Open or close the user's own digits."""
        session, my_digits = self.session, self.session.my_digits
        if my_digits is None:
            session.say("There is no profile to keep digits in")
        elif self.dialog == "my digits":
            self.dialog = None
        else:
            session.say("", 0)  # of what the dialog covers; its own messages stand on it
            session.load_my_digits()
            if said := my_digits.refresh():
                session.say(said, 8)
            my_digits.read_some()
            self.dialog, self.digits.row = "my digits", max(0, self.digits.count - 1)

    @property
    def digit_columns(self) -> int:
        """How many of the user's digits stand side by side."""
        return self.layout.dialog.tiles(len(self.digits.shown)).columns

    def open_marked(self) -> None:
        """Put the marked one of the user's digits on the canvas."""
        if (editor := self.digits.marked) is not None:
            self.dialog = None
            self.session.take_over()
            editor.open(self.digits.row)
            self.session.predict_now()

    def press_digit_button(self, name: str) -> None:
        """Relabel the marked digit, or do what a command of that list does."""
        self.tell(self.digits.change(int(name))) if name.isdigit() else self.do(name)

    def tell(self, text: str) -> None:
        """Show a message, if there is one."""
        if text:
            self.session.say(text)

    # The keyboard's pen and focus

    def arrow(self, dx: int, dy: int) -> None:
        """Turn a training's knobs, move the focus, choose the explained digit, or move the pen."""
        explained = self.session.explanation.explained if self.is_why else None
        is_steering = self.session.is_training_shown and self.panel != "inside"
        if is_steering and self.focus is None and self.pen.place is None:
            self.steering.arrow(dx, dy)
        elif self.focus is not None and dx:
            self.move_focus(dx)
        elif self.panel == "mistakes" and self.pen.place is None:
            self.mistakes.move(dx, dy, self.layout)
        elif dy and explained is not None and self.pen.place is None:
            self.why.explain(explained + dy)
        else:
            self.move_pen(dx, dy)

    def move_pen(self, dx: float, dy: float) -> None:
        """Move the keyboard's pen by so many cells, drawing if it is down."""
        self.focus = None
        self.pen.move(dx, dy)

    def tap_pen(self, kind: Kind = "draw") -> None:
        """Set the keyboard's pen or eraser down, or lift it."""
        was_drawing = self.session.canvas.is_drawing
        self.session.take_over()
        if not was_drawing:
            self.pen.set_down(kind)

    def move_focus(self, steps: int) -> None:
        """Go on to the next button."""
        names = list(dict.fromkeys([*self.layout.panel_buttons, *self.layout.buttons]))
        start = names.index(self.focus) if self.focus in names else (-1 if steps > 0 else 0)
        self.focus = names[(start + steps) % len(names)]

    def press_focus(self) -> None:
        """Press the button that has the focus; without one, what is chosen on a panel."""
        if self.focus is not None:
            # In a window that was made smaller it may be gone.
            is_seen = self.focus in {**self.layout.panel_buttons, **self.layout.buttons}
            self.do(self.focus) if is_seen else self.move_focus(1)
        elif self.panel == "mistakes":
            self.mistakes.press()
