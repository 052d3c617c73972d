"""Draws the list of the saved drawings."""

from __future__ import annotations

from app.window.dialog import draw_dialog
from app.window.frame import Frame
from app.window.screen import Screen
from app.window.text import BOLD, REGULAR

LAST = "up, down and Enter, or a click · a file dropped on the window opens too · Esc closes"


def draw_list(frame: Frame, screen: Screen) -> None:
    """Draw the saved drawings, newest first."""
    layout, palette = frame.layout, frame.palette
    title, shown = "Open a drawing", len(screen.session.files.saved)
    if screen.session.files.saved_in_all > shown:
        title += f": the newest {shown} of {screen.session.files.saved_in_all}"
    draw_dialog(frame, title)
    *rows, last = layout.dialog_rows(max(1, shown))
    if not screen.session.files.saved:
        words = f"Nothing is saved in {screen.session.files.folder} yet: S saves the drawing"
        frame.write(words, rows[0], layout.text, palette.quiet)
    for index, (path, row) in enumerate(zip(screen.session.files.saved, rows, strict=False)):
        chosen = index == screen.row
        if chosen:
            frame.fill(row, palette.button)
        place = row._replace(x=row.x + layout.text // 2, width=row.width - layout.text)
        colour, face = (palette.text, BOLD) if chosen else (palette.quiet, REGULAR)
        frame.write(path.name, place, layout.text, colour, face=face)
    frame.write(LAST, last, layout.text * 0.85, palette.quiet)
