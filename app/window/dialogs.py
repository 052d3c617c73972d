"""Draws what lies over the window: the sheet of a dialog, the help, the saved drawings."""

from __future__ import annotations

import pygame

from app.window.commands import COMMANDS
from app.window.frame import Frame
from app.window.geometry import Rect
from app.window.screen import Screen
from app.window.text import BOLD, MIN_TEXT, REGULAR

WHY = "Why: gradient × input, the ink times the slope of the digit's logit · H or Esc closes"
LIST_KEYS = "up, down and Enter, or a click · a file dropped on the window opens too · Esc closes"


def draw_dialog(frame: Frame, title: str) -> None:
    """Draw the empty sheet with its title."""
    layout, palette = frame.layout, frame.palette
    frame.fade(Rect(0, 0, *frame.surface.get_size()), 0.75)
    radius = max(3, layout.text // 2)
    pygame.draw.rect(frame.surface, palette.dialog, layout.dialog.sheet, border_radius=radius)
    frame.outline(layout.dialog.sheet, palette.frame, frame.line, radius)
    frame.write(title, layout.dialog.title, layout.text * 1.25, palette.text, face=BOLD)


def draw_help(frame: Frame, screen: Screen) -> None:
    """Draw the help over the dimmed window."""
    layout, palette, renderer = frame.layout, frame.palette, frame.renderer
    draw_dialog(frame, "Draw a digit; it is read each second and after each stroke")
    lines = [(command.keys, command.help) for command in COMMANDS.values()]
    lines.insert(0, ("left, right button", "draw, erase; fingers draw too"))
    row = layout.dialog.rows(len(lines), layout.dialog.help_columns)[0]
    keys_need = max(renderer.width(keys, MIN_TEXT, BOLD) for keys, _ in lines)
    column = max(row.width * 27 // 100, keys_need + layout.text // 2)
    # In a narrow window some take a second row.
    lines = [
        (keys if number == 0 else "", part)
        for keys, text in lines
        for number, part in enumerate(renderer.wrapped(text, row.width - column, MIN_TEXT))
    ]
    *rows, last = layout.dialog.rows(len(lines), layout.dialog.help_columns)
    size = min(layout.text * 0.95, last.height * 0.85)  # lines do not touch each other
    for (keys, text), row in zip(lines, rows, strict=True):
        left = row._replace(width=column - layout.text // 2)
        frame.write(keys, left, size, palette.best, face=BOLD)
        right = row._replace(x=row.x + column, width=row.width - column)
        frame.write(text, right, size, palette.text)
    frame.write(WHY, last, min(size, layout.text * 0.85), palette.quiet)


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
