"""Draws what lies over the window: the sheet of a dialog, the help, the saved drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from app.window.layout.dialog_layout import DialogLayout
from app.window.layout.frame import Frame
from app.window.screen.screen import Screen
from app.window.style.text import BOLD, REGULAR

if TYPE_CHECKING:
    from app.window.layout.help_layout import Choice

WHY = "Why erases ink and reads what is left · H or Esc closes"
LIST_KEYS = "up, down and Enter, or a click · a file dropped on the window opens too · Esc closes"


def draw_dialog(frame: Frame, title: str, dialog: DialogLayout | None = None) -> None:
    """Draw the empty sheet with its title."""
    layout, palette = frame.layout, frame.palette
    dialog = dialog or layout.dialog
    radius = max(3, layout.text // 2)
    pygame.draw.rect(frame.surface, palette.dialog, dialog.sheet, border_radius=radius)
    frame.outline(dialog.sheet, palette.frame, frame.line, radius)
    frame.write(title, dialog.title, layout.text * 1.25, palette.text, face=BOLD)


def draw_help(frame: Frame, screen: Screen) -> None:
    """Draw a page of the help over the dimmed window; the line under the pointer lights up."""
    palette, layout = frame.palette, frame.layout
    sheet, page, pointed = screen.help_pages.sheet, screen.help_pages.page, help_state(screen)[1]
    draw_dialog(frame, "Help: press a key, or click its line", sheet.dialog)
    letters = sheet.letters
    for heading, place in page.headings:
        frame.write(heading, place, letters, palette.text, face=BOLD)
    for entry in page.entries:
        label = pointed[1] if pointed and pointed[0] == entry.command.help else ""
        if label:
            frame.fill(entry.place, palette.button)
        for choice in entry.choices:
            _draw_key(frame, choice, letters, label == choice.label)
        if entry.keys is not None:
            frame.write(entry.command.keys, entry.keys, letters, palette.quiet)
        for words, place in entry.words:
            frame.write(words, place, letters, palette.text)
    size = min(letters, layout.text * 0.85)
    if len(sheet.pages) > 1:
        more = f"page {screen.help_pages.number + 1} of {len(sheet.pages)}: a click here, or PgDn"
        frame.write(more, sheet.last, size, palette.text)
    else:
        frame.write(WHY, sheet.last, size, palette.quiet)


def _draw_key(frame: Frame, choice: Choice, letters: int, is_pointed: bool) -> None:
    """A key of the help, as what it is: something to press."""
    palette = frame.palette
    cap = choice.place._replace(y=choice.place.y + 1, height=choice.place.height - 2)
    face, colour = palette.button, palette.best
    if is_pointed:
        face, colour = palette.first, palette.text
    pygame.draw.rect(frame.surface, face, cap, border_radius=max(2, letters // 4))
    frame.write(choice.label, choice.place, letters, colour, 0.5, BOLD)


def help_state(screen: Screen) -> tuple[int, tuple[str, str] | None]:
    """Which page of the help is shown, and what is pointed at there."""
    pages = screen.help_pages
    found = None if screen.pointed is None else pages.at(*screen.pointed)
    return pages.number, None if found is None else (found[0].help, found[1].label)


def draw_list(frame: Frame, screen: Screen) -> None:
    """Draw the saved drawings, newest first."""
    layout, palette = frame.layout, frame.palette
    files = screen.session.files
    title, shown = "Open a drawing", len(files.saved)
    if files.saved_in_all > shown:
        title += f": the newest {shown} of {files.saved_in_all}"
    draw_dialog(frame, title)
    *rows, last = layout.dialog.rows(max(1, shown))
    if not files.saved:
        words = f"Nothing is saved in {files.folder} yet: S saves the drawing"
        frame.write(words, rows[0], layout.text, palette.quiet)
    for index, (path, row) in enumerate(zip(files.saved, rows, strict=False)):
        chosen = index == screen.drawings.row
        if chosen:
            frame.fill(row, palette.button)
        place = row._replace(x=row.x + layout.text // 2, width=row.width - layout.text)
        colour, face = (palette.text, BOLD) if chosen else (palette.quiet, REGULAR)
        frame.write(path.name, place, layout.text, colour, face=face)
    frame.write(LIST_KEYS, last, layout.text * 0.85, palette.quiet)
