"""What the user can ask for: each command with its button, its keys, its help and what it does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from app.drawing.strokes import DIGITS
from app.session.messages import Line
from app.session.training_course import TrainingCourse

Action = Callable[[Any], object]  # of an `app.window.screen.screen.Screen`, which needs this table
Dialog = Literal["help", "open", "my digits"]  # what lies over the window
# What its lower part shows.
Panel = Literal["answer", "networks", "inside", "training", "weights", "mistakes"]


class Command(NamedTuple):
    """The word on its button, its keys and its purpose as the help says them, and what it does.

    Where each key does something else, or the help does not name them all, `does` has them.
    """

    button: str | None
    keys: str
    help: str
    does: Action | dict[str, Action]
    in_dialogs: bool = False  # whether it works while a dialog lies over the window

    def said(self, key: str) -> str:
        """What one of its keys does, briefly."""
        keys, parts = re.split(", |  ", self.keys), re.split("; |, ", self.help)
        if own := re.search(rf"\({re.escape(key)}: (.*?)\)", self.help):
            return own[1]
        if self.button:
            return self.button.split(" (")[0].lower()
        if key in keys and len(keys) == len(parts):
            return parts[keys.index(key)].split(" (")[0]
        return re.split("[:;(]", self.help)[0].strip()

    @property
    def actions(self) -> dict[str, Action]:
        """What each key does, by the names of `input.keys.codes`; a button's is the first."""
        if isinstance(self.does, dict):
            return self.does
        return dict.fromkeys(self.keys.split(", "), self.does)


def _correct(digit: int) -> Action:
    return lambda screen: screen.session.correct(digit)


def _relabel(digit: int) -> Action:
    return lambda screen: screen.tell(screen.digits.change(digit))


def _switch_off(screen: Any) -> None:
    screen.session.messages.tell(screen.session.ablation.switch())


def _restore(screen: Any) -> None:
    screen.session.messages.tell(screen.session.ablation.restore())


def _switch_projector(screen: Any) -> None:
    screen.projector.switch()
    screen.focus = None  # on a button that may be gone


def _mark(dx: int, dy: int) -> Action:
    return lambda screen: screen.digits.move(dx + dy * screen.digit_columns)


def _steered(step: Callable[[TrainingCourse], Line | None]) -> Action:
    return lambda screen: screen.steering.take(step)


# The buttons stand in these groups at the bottom, and the help has a heading for each.
DRAW: dict[str, Command] = {
    "clear": Command("Clear", "R", "blank paper", lambda screen: screen.session.clear()),
    "undo": Command("Undo", "Ctrl-Z", "take back the last stroke",
            lambda screen: screen.session.undo()),
    "redo": Command("Redo", "Ctrl-Shift-Z", "do it again",
            dict.fromkeys(("Ctrl-Shift-Z", "Ctrl-Y"), lambda screen: screen.session.redo())),
    "brush": Command(
        None, "wheel  − +  [ ]", "a thinner or thicker brush; so does the wheel",
        dict.fromkeys(("-", "["), lambda screen: screen.session.change_brush(-1))
        # Not all keyboards have a key for each; where + is typed with Shift, its key is that of =.
        | dict.fromkeys(("+", "=", "]"), lambda screen: screen.session.change_brush(1)),
    ),
    "pen": Command(
        None, "arrows, Space", "move a pen; set it down or lift it (Shift-Space: an eraser)",
        {
            "Left": lambda screen: screen.arrow(-1, 0),
            "Right": lambda screen: screen.arrow(1, 0),
            "Up": lambda screen: screen.arrow(0, -1),
            "Down": lambda screen: screen.arrow(0, 1),
            "Space": lambda screen: screen.tap_pen("draw"),
            "Shift-Space": lambda screen: screen.tap_pen("erase"),
        },
    ),
}  # fmt: skip
LOOK: dict[str, Command] = {
    "why": Command("Why", "W", "which ink speaks for the digit (orange), which against it (blue)",
            lambda screen: screen.why.switch()),
    "versus": Command("Versus", "V", "why 4 and not 9; again: the next (or right-click a bar)",
            lambda screen: screen.why.compare()),
    "choose": Command(None, "up/down in Why", "explain another digit (or click its bar)", {}),
    "inside": Command("Inside", "I", "see into the network; click a part for its inputs",
            lambda screen: screen.steering.see_inside()),
    "parts": Command(
        None, ", .  PgUp PgDn", "walk through the parts of the network",
        {
            ",": lambda screen: screen.step_unit(0, -1),
            ".": lambda screen: screen.step_unit(0, 1),
            "PageUp": lambda screen: screen.step_unit(-1, 0),
            "PageDown": lambda screen: screen.step_unit(1, 0),
        },
    ),
    "network": Command(
        "Network", "Tab", "choose the next network (Shift-Tab: the one before)",
        {
            "Tab": lambda screen: screen.next_network(1),
            "Shift-Tab": lambda screen: screen.next_network(-1),
        },
    ),
    "mistakes": Command("Mistakes", "E", "which test digits it misreads, counted in a table",
            lambda screen: screen.switch_panel("mistakes")),
}  # fmt: skip
LEARN: dict[str, Command] = {
    "train": Command("Train", "T", "train a network like the chosen one; K keeps, X discards it",
            lambda screen: screen.steering.train()),
    "test digit": Command(
        "Test", "N", "a digit of MNIST's test file (Shift-N: the next misread)",
        {
            "N": lambda screen: screen.session.test_digit(),
            "Shift-N": lambda screen: screen.session.next_misread(),
        },
    ),
    "correct": Command(None, "0 … 9", "it is this digit: keep the drawing and learn from it",
            {str(digit): _correct(digit) for digit in range(DIGITS)}),
    "my digits": Command(
        "Mine", "M", "my digits: look, relabel, open, delete, forget what was learned",
        lambda screen: screen.show_my_digits(), in_dialogs=True,
    ),
    "challenges": Command("Challenge", "C", "a small challenge; again: put them away for good",
            lambda screen: screen.session.messages.tell(screen.session.challenges.switch())),
    "next challenge": Command(None, "Shift-C", "the next challenge; so does a click on it",
            lambda screen: screen.session.messages.tell(screen.session.challenges.next())),
}  # fmt: skip
FILES: dict[str, Command] = {
    "save": Command("Save", "S", "save the drawing, as a picture and as strokes",
            dict.fromkeys(("S", "Ctrl-S"), lambda screen: screen.session.save())),
    "open": Command("Open", "O", "a saved drawing; or drop a file on the window",
            dict.fromkeys(("O", "Ctrl-O"), lambda screen: screen.list_drawings()), in_dialogs=True),
    "copy": Command(
        None, "Ctrl-C  Ctrl-V", "copy the drawing, paste a picture",
        {
            "Ctrl-C": lambda screen: screen.request("copy"),
            "Ctrl-V": lambda screen: screen.request("paste"),
        },
    ),
}  # fmt: skip
WINDOW: dict[str, Command] = {
    "help": Command("Help", "H, F1", "all keys and what they do",
            lambda screen: screen.help(), in_dialogs=True),
    "theme": Command(
        None, "L", "light or dark", lambda screen: screen.switch_theme(), in_dialogs=True
    ),
    "projector": Command(None, "P", "projector: large letters, and the keys that are pressed",
            _switch_projector, in_dialogs=True),
    "screen": Command(
        None, "F11  F12", "full screen, screenshot",
        {
            "F11": lambda screen: screen.request("full screen"),
            "F12": lambda screen: screen.request("screenshot"),
        },
        in_dialogs=True,
    ),
    "focus": Command(
        None, "F6, Enter", "walk through the buttons (Shift-F6: back); press one",
        {
            "F6": lambda screen: screen.move_focus(1),
            "Shift-F6": lambda screen: screen.move_focus(-1),
            "Enter": lambda screen: screen.press_focus(),
        },
    ),
    "leave": Command(None, "Esc", "close what is open, then quit",
            lambda screen: screen.leave(), in_dialogs=True),
}  # fmt: skip
GROUPS: dict[str, dict[str, Command]] = {
    "draw": DRAW, "look": LOOK, "learn": LEARN, "files": FILES, "window": WINDOW,
}  # fmt: skip
COMMANDS: dict[str, Command] = {
    name: command for group in GROUPS.values() for name, command in group.items()
}
# Where there is no room for all buttons these stand in the help alone, the first of them first.
LEAST_NEEDED = (
    "challenges", "versus", "redo", "open", "test digit", "mistakes", "my digits", "network",
    "train", "save", "undo", "inside",
)  # fmt: skip
# Of a training, on its panel and on that of its weights; the first says Start, Pause, Continue or
# Again, whichever it does just then.
TRAINING_COMMANDS: dict[str, Command] = {
    "train": COMMANDS["train"]._replace(button="Download"),
    "batch": Command("Batch", "B", "learn from one batch, then wait",
            _steered(TrainingCourse.one_batch)),
    "slow": Command("Slow", "Shift-B", "slow motion, or full speed again",
            _steered(TrainingCourse.slow_motion)),
    "keep": Command("Keep", "K", "keep the trained network, in a file of its own",
            lambda screen: screen.steering.keep()),
    "discard": Command("Discard", "X", "throw the trained network away",
            _steered(TrainingCourse.discard)),
    "remedy": Command("Remedy", "D", "do what mends the training",
            _steered(TrainingCourse.remedy)),
}  # fmt: skip
# While a panel is open, its keys come before those of the window, and its buttons stand on it.
PANEL_COMMANDS: dict[Panel, dict[str, Command]] = {
    "answer": {},
    "networks": {},
    "inside": {
        "switch off": Command("Off (X)", "X",
                "switch the framed part off, or on again; so does a right click on any part",
                _switch_off),
        "restore": Command("Restore all (Shift-X)", "Shift-X", "switch everything on again",
                _restore),
    },
    "training": TRAINING_COMMANDS,
    "weights": TRAINING_COMMANDS,
    "mistakes": {
        # The first says Close, Back or Download, whichever it does just then.
        "leave mistakes": Command("Close (E)", "E", "back to the matrix, and to the bars",
                lambda screen: screen.mistakes.go_back(screen.layout)
                or screen.switch_panel("mistakes")),
        "misread": Command("Next (Shift-N)", "Shift-N", "the next misread digit",
                lambda screen: screen.session.next_misread()),
        "more": Command("More (PgDn)", "PgDn, PgUp", "more of the digits, and those before",
                {
                    "PageDown": lambda screen: screen.mistakes.turn(1, screen.layout),
                    "PageUp": lambda screen: screen.mistakes.turn(-1, screen.layout),
                }),
    },
}  # fmt: skip
# In the dialog of the user's digits; with these, a button for each digit relabels.
DIGIT_COMMANDS: dict[str, Command] = {
    "open marked": Command("Open", "Enter", "put the marked digit on the canvas",
            lambda screen: screen.open_marked()),
    "remove marked": Command("Delete", "Delete", "delete the marked digit; Undo brings it back",
            lambda screen: screen.tell(screen.digits.change(None))),
    "undo change": Command("Undo", "Ctrl-Z", "take back the last change of this list",
            lambda screen: screen.tell(screen.digits.undo())),
    "forget": Command("Forget", "F", "read with the shipped network again; the digits stay",
            lambda screen: screen.session.forget()),
    "leave": COMMANDS["leave"]._replace(button="Close"),
}  # fmt: skip
# What else a key does while a dialog is open.
DIALOG_ACTIONS: dict[Dialog, dict[str, Action]] = {
    "help": {
        "PageUp": lambda screen: screen.help_pages.turn(-1),
        "PageDown": lambda screen: screen.help_pages.turn(1),
    },
    "open": {
        "Up": lambda screen: screen.drawings.move(-1),
        "Down": lambda screen: screen.drawings.move(1),
        "Enter": lambda screen: screen.open_row(screen.drawings.row),
    },
    "my digits": {
        **{key: do for command in DIGIT_COMMANDS.values() for key, do in command.actions.items()},
        **{str(digit): _relabel(digit) for digit in range(DIGITS)},
        "Left": _mark(-1, 0),
        "Right": _mark(1, 0),
        "Up": _mark(0, -1),
        "Down": _mark(0, 1),
    },
}  # fmt: skip
ALL_COMMANDS = COMMANDS | DIGIT_COMMANDS
for _commands in PANEL_COMMANDS.values():
    ALL_COMMANDS = _commands | ALL_COMMANDS


def words_of(commands: dict[str, Command]) -> dict[str, str]:
    """The words on the buttons of those commands that have one."""
    return {name: command.button for name, command in commands.items() if command.button}


BUTTONS, OWN_DIGIT_BUTTONS = words_of(COMMANDS), words_of(DIGIT_COMMANDS)
# How keys are called on the screen, where not by their names.
LABELS = {
    "Left": "←", "Right": "→", "Up": "↑", "Down": "↓", "PageUp": "PgUp", "PageDown": "PgDn",
    "-": "−",
}  # fmt: skip
# All that stand at the bottom while the window is for a projector; the help leads to the others.
PROJECTOR_BUTTONS = {"help": "Help (H)", "projector": "Leave (P)"}
# What the line at the bottom says of a button.
HINTS = {name: f"{command.help} · {command.keys}" for name, command in ALL_COMMANDS.items()}
