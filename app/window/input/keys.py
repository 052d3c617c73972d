"""Which key an event means, the keypad's and those that are not Latin, and what the key does."""

from __future__ import annotations

import sys

import pygame

from app.window.input.commands import (
    COMMANDS,
    DIALOG_ACTIONS,
    LABELS,
    PANEL_COMMANDS,
    Action,
    Command,
    Dialog,
    Panel,
)

IS_MAC = sys.platform == "darwin"
# What a key of the keypad is with NumLock, and without it.
KEYPAD: dict[int, tuple[int, int]] = {
    pygame.K_KP0: (pygame.K_0, pygame.K_INSERT),
    pygame.K_KP1: (pygame.K_1, pygame.K_END),
    pygame.K_KP2: (pygame.K_2, pygame.K_DOWN),
    pygame.K_KP3: (pygame.K_3, pygame.K_PAGEDOWN),
    pygame.K_KP4: (pygame.K_4, pygame.K_LEFT),
    pygame.K_KP5: (pygame.K_5, pygame.K_CLEAR),
    pygame.K_KP6: (pygame.K_6, pygame.K_RIGHT),
    pygame.K_KP7: (pygame.K_7, pygame.K_HOME),
    pygame.K_KP8: (pygame.K_8, pygame.K_UP),
    pygame.K_KP9: (pygame.K_9, pygame.K_PAGEUP),
    pygame.K_KP_PERIOD: (pygame.K_KP_PERIOD, pygame.K_DELETE),
}
LATIN_ENDS = 0x250  # the first character after the Latin letters
DOTLESS_I = ord("ı")  # what the key that says I types in Turkish
# Where the keyboard's letters are not Latin, the key in a letter's place counts as that letter.
PLACES = {
    getattr(pygame, f"KSCAN_{letter.upper()}"): getattr(pygame, f"K_{letter}")
    for letter in "abcdefghijklmnopqrstuvwxyz"
}

NAMED = {
    "Tab": (pygame.K_TAB,),
    "Space": (pygame.K_SPACE,),
    "Esc": (pygame.K_ESCAPE,),
    "Enter": (pygame.K_RETURN, pygame.K_KP_ENTER),
    "Delete": (pygame.K_DELETE, pygame.K_BACKSPACE),
    "Left": (pygame.K_LEFT,),
    "Right": (pygame.K_RIGHT,),
    "Up": (pygame.K_UP,),
    "Down": (pygame.K_DOWN,),
    "PageUp": (pygame.K_PAGEUP,),
    "PageDown": (pygame.K_PAGEDOWN,),
    "F1": (pygame.K_F1,),
    "F6": (pygame.K_F6,),
    "F11": (pygame.K_F11,),
    "F12": (pygame.K_F12,),
    "-": (pygame.K_MINUS, pygame.K_KP_MINUS),
    "+": (pygame.K_PLUS, pygame.K_KP_PLUS),
}
ARROWS = ("Left", "Right", "Up", "Down")  # what they do depends on too much to be said
Press = tuple[int, bool, bool]  # a key's code, whether with Ctrl, whether with Shift


def codes(name: str) -> tuple[int, ...]:
    """The codes of the keys that have this name; a character's is its own."""
    return NAMED.get(name) or (ord(name.lower()),)


def presses(keys: str) -> list[Press]:
    """What `Ctrl-Shift-Z` and the like stand for."""
    name = keys.removeprefix("Ctrl-").removeprefix("Shift-")
    return [(code, "Ctrl-" in keys, "Shift-" in keys) for code in codes(name)]


# The key that a press is of, and its command.
PRESSED: dict[tuple[Press, Action], tuple[str, Command | None]] = {}


def _bound(actions: dict[str, Action], command: Command | None = None) -> dict[Press, Action]:
    bound = {}
    for key, action in actions.items():
        for press in presses(key):
            bound[press] = action
            PRESSED.setdefault((press, action), (key, command))
    return bound


# Held down, these go on; all others count once.
REPEATING = {
    code
    for name in ("Left", "Right", "Up", "Down", "-", "+", "=", "[", "]", "Z", "Y")
    for code in codes(name)
}
IN_WINDOW: dict[Press, Action] = {}
IN_ANY_DIALOG: dict[Press, Action] = {}
# The training's keys work everywhere, for it goes on where it is not seen.
for _command in (*COMMANDS.values(), *PANEL_COMMANDS["training"].values()):
    IN_WINDOW |= _bound(_command.actions, _command)
    IN_ANY_DIALOG |= _bound(_command.actions, _command) if _command.in_dialogs else {}
IN_PANEL = {panel: dict(IN_WINDOW) for panel in PANEL_COMMANDS}
for _panel, _commands in PANEL_COMMANDS.items():
    for _command in _commands.values():
        IN_PANEL[_panel] |= _bound(_command.actions, _command)
IN_DIALOG = {dialog: IN_ANY_DIALOG | _bound(actions) for dialog, actions in DIALOG_ACTIONS.items()}


def action_of(
    event: pygame.event.Event, dialog: Dialog | None, panel: Panel = "answer"
) -> Action | None:
    """What a key that went down does in the window, or in the dialog that lies over it."""
    found = _found(event, dialog, panel)
    return None if found is None else found[1]


def said_of(
    event: pygame.event.Event, dialog: Dialog | None, panel: Panel = "answer"
) -> tuple[str, str]:
    """The name of that key, and briefly what it does; empty where it does nothing."""
    found = _found(event, dialog, panel)
    return ("", "") if found is None else said(*PRESSED[found])


def said(key: str, command: Command | None) -> tuple[str, str]:
    """What to call a key, and what it does for a command."""
    words = "" if command is None or key in ARROWS else command.said(key)
    return LABELS.get(key, key), words


def _found(
    event: pygame.event.Event, dialog: Dialog | None, panel: Panel
) -> tuple[Press, Action] | None:
    modifiers = getattr(event, "mod", 0)
    if is_desktops(modifiers):
        return None
    with_shift = bool(modifiers & pygame.KMOD_SHIFT)
    here = IN_PANEL[panel]
    bound = here if dialog is None else IN_DIALOG[dialog]
    for code in (key_of(event), letter_of(event)):
        for shift in (with_shift, False):  # Shift counts where it makes a command of its own
            press = code, is_command(modifiers), shift
            if press in here or press in bound:
                return (press, bound[press]) if press in bound else None
    return None


def key_of(event: pygame.event.Event) -> int:
    """The key that an event means; for one of the keypad, its like in the main block.

    `event.unicode` cannot tell: it is true only while text is composed, and else empty for the
    whole keypad. A digit above the letters counts with Shift as well, which French and Czech
    keyboards need for it: SDL calls their keys by the digits too.
    """
    key: int = event.key
    if key not in KEYPAD:
        return key
    digit, other = KEYPAD[key]
    modifiers = getattr(event, "mod", 0)
    # A Mac has no NumLock: its keypad always types digits.
    is_digit = IS_MAC or (modifiers & pygame.KMOD_NUM and not modifiers & pygame.KMOD_SHIFT)
    return digit if is_digit else other


def letter_of(event: pygame.event.Event) -> int:
    """The letter of a key, or of the key in its place on a keyboard with other letters."""
    key: int = event.key
    # With its accents: é is no W, though a French keyboard may have it in the place of one.
    is_latin = 0 <= key < LATIN_ENDS and key != DOTLESS_I
    return key if is_latin else PLACES.get(getattr(event, "scancode", -1), key)


def is_desktops(modifiers: int) -> bool:
    """Whether a key with these modifiers is the desktop's own, or types a special character."""
    # AltGr comes as right Alt; on Windows with Ctrl, which makes no command of it.
    others = pygame.KMOD_ALT | pygame.KMOD_MODE | (0 if IS_MAC else pygame.KMOD_META)
    return bool(modifiers & others)


def is_command(modifiers: int) -> bool:
    """Whether a key that is not the desktop's is a command: with Ctrl, or with a Mac's Command."""
    return bool(modifiers & (pygame.KMOD_CTRL | pygame.KMOD_META))
