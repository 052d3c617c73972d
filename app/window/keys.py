"""Which key an event means: the keypad with and without NumLock, letters that are not Latin."""

from __future__ import annotations

import sys

import pygame

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
