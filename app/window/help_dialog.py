"""Draws the help: all commands with their keys."""

from __future__ import annotations

from app.window.commands import COMMANDS
from app.window.dialog import draw_dialog
from app.window.frame import Frame
from app.window.screen import Screen
from app.window.text import BOLD, MIN_TEXT

LAST = "Why: gradient × input, the ink times the slope of the digit's logit · H or Esc closes"


def draw_help(frame: Frame, screen: Screen) -> None:
    """Draw the help over the dimmed window."""
    layout, palette, renderer = frame.layout, frame.palette, frame.renderer
    draw_dialog(frame, "Draw a digit; it is read each second and after each stroke")
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
    *rows, last = layout.dialog_rows(len(lines), layout.help_columns)
    size = min(layout.text * 0.95, last.height * 0.85)  # lines do not touch each other
    for (keys, text), row in zip(lines, rows, strict=True):
        left = row._replace(width=column - layout.text // 2)
        frame.write(keys, left, size, palette.best, face=BOLD)
        right = row._replace(x=row.x + column, width=row.width - column)
        frame.write(text, right, size, palette.text)
    frame.write(LAST, last, min(size, layout.text * 0.85), palette.quiet)
