"""Draws what lies over the window: the help, the saved drawings, the user's own digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from app.session.commands import COMMANDS, HINTS, OWN_DIGIT_BUTTONS
from app.window.cells import cell_colours, enlarged
from app.window.layout import Rect
from app.window.palette import PALETTES
from app.window.panels import draw_button
from app.window.text import BOLD, MIN_TEXT, REGULAR, TextRenderer

if TYPE_CHECKING:
    from app.session.session import Session

OWN_DIGITS_KEYS = (
    "arrows mark · 0 to 9 relabel · Enter opens · Delete · Ctrl-Z undoes · F forgets · Esc"
)


def draw_help(surface: pygame.Surface, session: Session, renderer: TextRenderer) -> None:
    """All commands with their keys, over the dimmed window."""
    layout, palette = session.layout, PALETTES[session.theme]
    title = "Draw a digit; it is read each second and after each stroke"
    _draw_dialog(surface, session, renderer, title)
    lines = [(command.keys, command.help) for command in COMMANDS.values()]
    lines.insert(0, ("left, right button", "draw, erase; fingers draw too"))
    row = layout.dialog_rows(len(lines), layout.help_columns)[0]
    keys_need = max(renderer.width(keys, MIN_TEXT, BOLD) for keys, _ in lines)
    column = max(row.width * 27 // 100, keys_need + layout.text // 2)
    # In a narrow window some take a second row.
    lines = [
        (keys if number == 0 else "", part)
        for keys, text in lines
        for number, part in enumerate(renderer.wrapped(text, row.width - column, MIN_TEXT))
    ]
    rows = layout.dialog_rows(len(lines), layout.help_columns)
    size = min(layout.text * 0.95, rows[0].height * 0.85)  # lines do not touch each other
    for (keys, text), row in zip(lines, rows, strict=False):
        renderer.write(
            surface, keys, Rect(row.x, row.y, column - layout.text // 2, row.height), size,
            palette.best, face=BOLD,
        )  # fmt: skip
        place = Rect(row.x + column, row.y, row.width - column, row.height)
        renderer.write(surface, text, place, size, palette.text)
    last = "Why: gradient × input, the ink times the slope of the digit's logit · H or Esc closes"
    renderer.write(surface, last, rows[-1], min(size, layout.text * 0.85), palette.quiet)


def draw_list(surface: pygame.Surface, session: Session, renderer: TextRenderer) -> None:
    """The saved drawings, newest first."""
    layout, palette = session.layout, PALETTES[session.theme]
    title, shown = "Open a drawing", len(session.saved)
    if session.saved_in_all > shown:
        title += f": the newest {shown} of {session.saved_in_all}"
    _draw_dialog(surface, session, renderer, title)
    rows = layout.dialog_rows(max(1, len(session.saved)))
    if not session.saved:
        words = f"Nothing is saved in {session.drawings} yet: S saves the drawing"
        renderer.write(surface, words, rows[0], layout.text, palette.quiet)
    for index, (path, row) in enumerate(zip(session.saved, rows, strict=False)):
        chosen = index == session.row
        if chosen:
            surface.fill(palette.button, row)
        place = Rect(row.x + layout.text // 2, row.y, row.width - layout.text, row.height)
        renderer.write(
            surface, path.name, place, layout.text, palette.text if chosen else palette.quiet,
            face=BOLD if chosen else REGULAR,
        )  # fmt: skip
    last = "up, down and Enter, or a click · a file dropped on the window opens too · Esc closes"
    renderer.write(surface, last, rows[-1], layout.text * 0.85, palette.quiet)


def draw_veil(surface: pygame.Surface, session: Session, rect: Rect, opacity: float) -> None:
    """Fade what is in a rectangle towards the background, with an opacity in 0…1."""
    veil = pygame.Surface(rect[2:])
    veil.fill(PALETTES[session.theme].background)
    veil.set_alpha(round(255 * opacity))
    surface.blit(veil, rect[:2])


def _draw_dialog(
    surface: pygame.Surface, session: Session, renderer: TextRenderer, title: str
) -> None:
    layout, palette = session.layout, PALETTES[session.theme]
    draw_veil(surface, session, Rect(0, 0, *surface.get_size()), 0.75)
    radius = max(3, layout.text // 2)
    pygame.draw.rect(surface, palette.dialog, layout.dialog, border_radius=radius)
    pygame.draw.rect(
        surface, palette.frame, layout.dialog, max(1, layout.text // 14), border_radius=radius
    )
    renderer.write(surface, title, layout.dialog_title, layout.text * 1.25, palette.text, face=BOLD)


def draw_own_digits(surface: pygame.Surface, session: Session, renderer: TextRenderer) -> None:
    """A tile for each digit, oldest first, with its label, and what can be done with them."""
    layout, palette, my_digits = session.layout, PALETTES[session.theme], session.my_digits
    _draw_dialog(surface, session, renderer, "My digits")
    assert my_digits is not None
    tiles = layout.dialog_tiles(len(my_digits.digits))
    line = max(1, layout.text // 9)
    for index, own in enumerate(my_digits.digits):
        place = tiles.rect(index)
        image = my_digits.image(own)
        if image is not None:
            cells = cell_colours(palette, image)
            surface.blit(enlarged(cells, place.width), place[:2])
        is_marked, is_wrong = index == session.row, my_digits.is_right(own) is False
        frames = [palette.best] * is_marked + [palette.against] * is_wrong
        for number, colour in enumerate(frames):  # one within the other
            pygame.draw.rect(surface, colour, place.shrunk(number * (line + 1)), line + 1)
        label = place.shrunk(line * 2 + 2)
        label = Rect(label.x, label.y, place.width // 3, place.height // 3)
        colour = palette.against if is_wrong else palette.quiet
        renderer.write(surface, str(own.digit.label), label, label.height, colour, face=BOLD)
    _draw_legend(surface, session, renderer)
    buttons = layout.own_digit_buttons
    for name, rect in buttons.items():
        is_faint = not (session.changes if name == "undo change" else my_digits.digits)
        draw_button(
            surface, session, renderer, name, OWN_DIGIT_BUTTONS.get(name, name), rect,
            is_active=False, is_faint=is_faint and name not in ("forget", "leave"),
        )  # fmt: skip
    inner = layout.dialog.shrunk(max(6, layout.text * 5 // 4))
    before = Rect(inner.x, buttons["0"].y, buttons["0"].x - inner.x, buttons["0"].height)
    renderer.write(surface, "It is a", before, layout.text * 0.85, palette.quiet)
    first = Rect(inner.x, inner.bottom - 5 * layout.text // 2, inner.width, layout.text)
    last = Rect(inner.x, inner.bottom - layout.text, inner.width, layout.text)
    renderer.write(surface, my_digits.summary(), first, layout.text, palette.text)
    # A message stands where the keys are, and leaves the summary to be read.
    words = session.message or HINTS.get(session.hover or "", OWN_DIGITS_KEYS)
    colour = palette.text if session.message else palette.quiet
    renderer.write(surface, words, last, layout.text * 0.85, colour)


def _draw_legend(surface: pygame.Surface, session: Session, renderer: TextRenderer) -> None:
    """What the frames of the tiles mean, to the right of the title."""
    layout, palette = session.layout, PALETTES[session.theme]
    title, text = layout.dialog_title, layout.text
    x = title.right - 11 * text
    for colour, words in ((palette.best, "marked"), (palette.against, "misread")):
        frame = Rect(x, title.y + (title.height - text) // 2, text, text)
        pygame.draw.rect(surface, colour, frame, max(1, text // 9) + 1)
        place = Rect(frame.right + text // 2, title.y, 4 * text, title.height)
        renderer.write(surface, words, place, text * 0.85, palette.quiet)
        x += 6 * text
