"""Draws the user's own digits, and what can be done with them."""

from __future__ import annotations

from app.my_digits.my_digits import MyDigits
from app.window.input.commands import HINTS, OWN_DIGIT_BUTTONS
from app.window.layout.dialog_layout import LABELS
from app.window.layout.frame import Frame
from app.window.panels.buttons import draw_row
from app.window.panels.dialogs import draw_dialog
from app.window.screen.screen import Screen
from app.window.style.cells import cell_colours
from app.window.style.geometry import Rect
from app.window.style.text import BOLD

KEYS = "arrows mark · 0 to 9 relabel · Enter opens · Delete · Ctrl-Z undoes · F forgets · Esc"


def draw_own_digits(frame: Frame, screen: Screen) -> None:
    """Draw a tile for each digit, oldest first, with its label, and buttons and words below."""
    layout, palette, editor = frame.layout, frame.palette, screen.session.editor
    assert editor is not None
    my_digits = editor.my_digits
    shown = screen.digits.shown
    is_part = len(shown) < len(my_digits.digits)
    page = f", {shown.start + 1:,} to {shown.stop:,}" if is_part else ""
    draw_dialog(frame, f"My digits{page}")
    _draw_tiles(frame, my_digits, shown, screen.digits.row)
    _draw_legend(frame)
    buttons, text = layout.dialog.own_digit_buttons, layout.text
    faint = set(buttons) - {"forget", "leave"} if not my_digits.digits else set()
    faint = faint - {"undo change"} if editor.changes else faint | {"undo change"}
    draw_row(frame, screen, buttons, {**LABELS, **OWN_DIGIT_BUTTONS}, faint=faint)
    inner, zero = layout.dialog.inner, buttons["0"]
    before = zero._replace(x=inner.x, width=zero.x - inner.x)
    frame.write("It is a", before, text * 0.85, palette.quiet)
    first = Rect(inner.x, inner.bottom - 5 * text // 2, inner.width, text)
    frame.write(my_digits.summary(), first, text, palette.text)
    # A message stands where the keys are, and leaves the summary to be read.
    words = screen.session.message or HINTS.get(screen.hover or "", KEYS)
    colour = palette.text if screen.session.message else palette.quiet
    frame.write(words, first._replace(y=inner.bottom - text), text * 0.85, colour)


def _draw_tiles(frame: Frame, my_digits: MyDigits, shown: range, marked: int) -> None:
    """The digits as the network sees them; the marked one and the misread ones have frames."""
    palette, line = frame.palette, frame.bold_line
    tiles = frame.layout.dialog.tiles(len(shown))
    for tile, index in enumerate(shown):
        own, place = my_digits.digits[index], tiles.rect(tile)
        image = my_digits.image(own)
        if image is not None:
            frame.show(cell_colours(palette, image), place)
        is_wrong = my_digits.is_right(own) is False
        colours = [palette.best] * (index == marked) + [palette.against] * is_wrong
        for number, colour in enumerate(colours):  # one within the other
            frame.outline(place.shrunk(number * (line + 1)), colour, line + 1)
        label = place.shrunk(line * 2 + 2)
        label = label._replace(width=place.width // 3, height=place.height // 3)
        colour = palette.against if is_wrong else palette.quiet
        frame.write(str(own.digit.label), label, label.height, colour, face=BOLD)


def _draw_legend(frame: Frame) -> None:
    """What the frames of the tiles mean, to the right of the title."""
    title, text = frame.layout.dialog.title, frame.layout.text
    x = title.right - 11 * text
    for colour, words in ((frame.palette.best, "marked"), (frame.palette.against, "misread")):
        square = Rect(x, title.y + (title.height - text) // 2, text, text)
        frame.outline(square, colour, frame.bold_line + 1)
        place = Rect(square.right + text // 2, title.y, 4 * text, title.height)
        frame.write(words, place, text * 0.85, frame.palette.quiet)
        x += 6 * text
