"""What the user can ask for: each command with its button, its keys, and what the help says.

The commands themselves are methods of `app.session.session.Session`; `app.window.controller` binds
the keys.
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """A command as its user sees it: the word on its button, its keys, its purpose."""

    button: str | None
    keys: str
    help: str


COMMANDS: dict[str, Command] = {
    "clear": Command("Clear", "R", "blank paper"),
    "undo": Command("Undo", "Ctrl-Z", "take back the last stroke"),
    "redo": Command("Redo", "Ctrl-Shift-Z", "do it again"),
    "network": Command("Network", "Tab", "choose the next network (Shift-Tab: the one before)"),
    "inside": Command("Inside", "I", "see into the network; click a part for its inputs"),
    "parts": Command(None, ", .  PgUp PgDn", "walk through the parts of the network"),
    "why": Command("Why", "W", "what speaks for the digit (orange) and against it (blue)"),
    "train": Command("Train", "T", "train a network like the chosen one; K keeps, X discards it"),
    "test digit": Command("Test", "N", "a random digit of MNIST's test file"),
    "mine": Command("Mine", "M", "my digits: look, relabel, open, delete, forget what was learned"),
    "correct": Command(None, "0 … 9", "it is this digit: keep the drawing and learn from it"),
    "save": Command("Save", "S", "save the drawing, as a picture and as strokes"),
    "open": Command("Open", "O", "a saved drawing; or drop a file on the window"),
    "help": Command("Help", "H, F1", "all the keys"),
    "brush": Command(None, "wheel  − +  [ ]", "a thinner or thicker brush"),
    "theme": Command(None, "L", "light or dark"),
    "pen": Command(
        None, "arrows, Space", "move a pen; set it down, lift it (Shift-Space: an eraser)"
    ),
    "focus": Command(None, "F6, Enter", "walk through the buttons (Shift-F6: back); press one"),
    "choose": Command(None, "up/down in Why", "explain another digit (or click its bar)"),
    "copy": Command(None, "Ctrl-C  Ctrl-V", "copy the drawing, paste a picture"),
    "screen": Command(None, "F11  F12", "full screen, screenshot"),
    "leave": Command(None, "Esc", "close what is open, then quit"),
}
BUTTONS: dict[str, str] = {
    name: command.button for name, command in COMMANDS.items() if command.button is not None
}
TRAINING_BUTTONS: dict[str, str] = {
    "train": "Download",  # or Start, Stop, Continue, Again, as it stands
    "keep": "Keep (K)",
    "discard": "Discard (X)",
}
# On the card of the user's own digits; with these, a button for each digit relabels.
OWN_DIGIT_BUTTONS: dict[str, str] = {
    "open marked": "Open",
    "remove marked": "Delete",
    "undo change": "Undo",
    "forget": "Forget",
    "leave": "Close",
}
# What the line at the bottom says of a button.
HINTS: dict[str, str] = {
    **{name: f"{command.help} · {command.keys}" for name, command in COMMANDS.items()},
    "keep": "keep the trained network, in a file of its own · K",
    "discard": "throw the trained network away · X",
    "open marked": "put the marked digit on the canvas · Enter",
    "remove marked": "delete the marked digit; Undo brings it back · Delete",
    "undo change": "take back the last change of this list · Ctrl-Z",
    "forget": "read with the shipped network again; the digits stay · F",
}
