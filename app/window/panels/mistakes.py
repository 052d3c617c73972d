"""Draws which test digits a network misreads: the confusion matrix, and the digits of a cell."""

from __future__ import annotations

import numpy as np

from app.drawing.strokes import DIGITS
from app.session.counts import Count, Tally
from app.window.input.commands import PANEL_COMMANDS, words_of
from app.window.layout.frame import Frame
from app.window.layout.mistakes_layout import MistakesLayout
from app.window.panels.bars import draw_progress
from app.window.panels.buttons import draw_row
from app.window.screen.mistakes_choice import Cell, MistakesChoice
from app.window.screen.screen import Screen
from app.window.style.cells import cell_colours
from app.window.style.geometry import Rect, Tiles
from app.window.style.palette import mixed, readable
from app.window.style.text import BOLD, MIN_TEXT, REGULAR, percentage
from nn.handwriting.framing import SIZE
from nn.support.types import Array

FAINTEST = 0.25  # of the colour that a single mistake has; the commonest has all of it


def draw_mistakes(frame: Frame, screen: Screen) -> None:
    """Draw the matrix, digits and buttons; or what is needed to begin."""
    choice, test = screen.mistakes, screen.session.mnist.test
    count = screen.session.mistakes.count
    _draw_buttons(frame, screen)
    if test is None or count is None:
        _draw_waiting(frame, screen)
        return
    layout = choice.lay_out(frame.layout)
    pointed = choice.cell_at(frame.layout, screen.pointed)
    if layout.about != layout.words:
        is_told_below = layout.about is not None and pointed == choice.cell
        _draw_words(frame, layout.words, count, None if is_told_below else pointed)
    if layout.matrix is not None:
        _draw_matrix(frame, layout, layout.matrix, count.tally, (choice.cell, pointed))
    if layout.about is not None and layout.digits is not None:
        _draw_about(frame, layout.about, count.tally, choice.cell)
        _draw_digits(frame, layout, layout.digits, choice, test.images)


def mistakes_state(screen: Screen) -> object:
    """What the panel shows besides the answer."""
    choice, mnist, count = screen.mistakes, screen.session.mnist, screen.session.mistakes.count
    shown = None if count is None else (count.tally, count.message)
    chosen = choice.cell, choice.marked, choice.is_inside
    pointed = choice.cell_at(screen.layout, screen.pointed)
    return shown, mnist.state, mnist.progress, chosen, pointed


def _draw_buttons(frame: Frame, screen: Screen) -> None:
    choice, mnist = screen.mistakes, screen.session.mnist
    words = words_of(PANEL_COMMANDS["mistakes"])
    if mnist.is_missing:
        words["leave mistakes"] = "Download (E)"
    elif choice.hides_matrix(frame.layout):
        words["leave mistakes"] = "Back (E)"
    is_all = len(choice.page(frame.layout)) == len(choice.digits)
    faint = ["more"] * is_all + ["misread"] * (mnist.test is None)
    draw_row(frame, screen, frame.layout.panel_buttons, words, faint=faint)


def _draw_waiting(frame: Frame, screen: Screen) -> None:
    """What is waited for, or what the user can do about it."""
    (x, y, width, height), text = frame.layout.body, frame.layout.text
    mnist = screen.session.mnist
    words = {
        "missing": "This needs MNIST's 10,000 test digits: download 12 MB?",
        "downloading": f"Downloading MNIST: {100 * mnist.progress:.0f} %",
        "failed": mnist.message,
    }.get(mnist.state, "Loading MNIST …")
    room = Rect(x, y, width, max(1, height - text * 3))
    frame.write_wrapped(words, room, text, frame.palette.text)
    if mnist.state == "downloading":
        draw_progress(frame, Rect(x, y + text * 2, width, max(3, text // 2)), mnist.progress)


def _draw_words(frame: Frame, room: Rect, count: Count, pointed: Cell | None) -> None:
    """How many digits are read right; or what the pointer is on."""
    palette, text, tally = frame.palette, frame.layout.text, count.tally
    wrong, done = len(tally.misread), tally.done
    right = percentage((done - wrong) / max(1, done), 2)
    more = f"{wrong:,} of {tally.total:,} misread; “unlike any digit” is not counted"
    if not tally.is_complete:
        right = f"{percentage((done - wrong) / max(1, done), 1)}"
        more = count.message or f"so far: {done:,} of {tally.total:,} test digits"
    if pointed is not None:
        more = described(tally, pointed)
    if room.height < 2 * text:  # one line for all
        words = f"{right} right, {wrong:,} of {done:,} misread"
        frame.write(more if pointed or count.message else words, room, text * 0.92, palette.text)
    else:
        line = room._replace(height=room.height // 2)
        words = f"{right} of the test digits read right"
        frame.write(words, line, text * 1.05, palette.text, face=BOLD)
        frame.write(more, line._replace(y=line.bottom), text * 0.92, palette.quiet)
    if not tally.is_complete:
        bar = Rect(room.x, room.bottom, room.width, max(2, text // 6))
        draw_progress(frame, bar, done / tally.total)


def described(tally: Tally, cell: Cell) -> str:
    """What a cell counts."""
    label, read = cell
    found, of_all = int(tally.confusion[cell]), int(tally.confusion[label].sum())
    how = "read right" if label == read else f"read as {read}"
    return f"{label}s {how}: {found:,} of {of_all:,}"


def _draw_matrix(
    frame: Frame,
    layout: MistakesLayout,
    matrix: Tiles,
    tally: Tally,
    shown: tuple[Cell | None, Cell | None],
) -> None:
    """A row for what digits are, a column for what they are read as; mistakes are coloured.

    The `shown` cells are the chosen one and the one under the pointer.
    """
    palette, text = frame.palette, frame.layout.text
    wrong = tally.confusion * ~np.eye(DIGITS, dtype=bool)
    shares = FAINTEST + (1 - FAINTEST) * np.sqrt(wrong / max(1, wrong.max()))
    faces = mixed(palette.paper, palette.against, shares)
    is_readable = matrix.height + matrix.gap >= MIN_TEXT - 1  # or letters touch each other
    widest = max(frame.renderer.width(str(n), MIN_TEXT) for n in tally.confusion.diagonal())
    has_room = widest <= matrix.width  # for what is read right
    for index in range(matrix.count):
        cell = label, read = divmod(index, DIGITS)
        place, number = matrix.rect(index), int(tally.confusion[cell])
        face = palette.track if label == read else palette.paper
        colour = palette.quiet
        if wrong[cell]:
            red, green, blue = faces[cell].tolist()
            face = red, green, blue
            colour = readable(face, palette.text, palette.background)
        frame.fill(place, face)
        if number and is_readable and (wrong[cell] or has_room):
            frame.write(f"{number}", place, text * 0.85, colour, 0.5)
    chosen, pointed = shown
    for edged, colour in ((pointed, palette.text), (chosen, palette.best)):
        if edged is not None:
            place = matrix.rect(edged[0] * DIGITS + edged[1]).grown(frame.line)
            frame.outline(place, colour, frame.bold_line + (edged == chosen))
    lit = pointed or chosen or (None, None)
    for digit in range(DIGITS) if is_readable else ():
        for place, is_lit, align in (
            (layout.heading(matrix, digit), digit == lit[1], 0.5),
            (layout.side(matrix, digit), digit == lit[0], 0.3),
        ):
            colour, weight = (palette.text, BOLD) if is_lit else (palette.quiet, REGULAR)
            frame.write(str(digit), place, text * 0.85, colour, align, weight)
    if layout.axis is not None and layout.axis.height:
        frame.write("read as", layout.axis, text * 0.8, palette.quiet, 0.5)
        corner = layout.side(matrix, 0)._replace(y=layout.heading(matrix, 0).y)
        frame.write("is", corner, text * 0.8, palette.quiet, 0.3)


def _draw_about(frame: Frame, place: Rect, tally: Tally, cell: Cell | None) -> None:
    """Which digits are shown, in which order."""
    order = "least sure first" if cell and cell[0] == cell[1] else "surest first"
    what = (
        described(tally, cell) if cell else "all mistakes" if len(tally.misread) else "no mistakes"
    )
    words = f"{what}, {order}" if len(tally.digits(cell)) else what
    frame.write(words, place, frame.layout.text * 0.92, frame.palette.text)


def _draw_digits(
    frame: Frame, layout: MistakesLayout, tiles: Tiles, choice: MistakesChoice, images: Array
) -> None:
    """The digits of a cell, and how sure the network is; for all mistakes, what it reads."""
    palette, tally, places = frame.palette, choice.tally, choice.digits
    assert tally is not None
    page = choice.page(frame.layout)
    for tile, number in enumerate(page):
        whole, place = tiles.rect(tile), int(places[number])
        side = whole.height - layout.caption
        picture = Rect(whole.x + (whole.width - side) // 2, whole.y, side, side)
        image = images[place].reshape(SIZE, SIZE)
        frame.show(cell_colours(palette, image), picture)
        is_marked = choice.is_inside and number == min(choice.marked, len(places) - 1)
        line = frame.bold_line + 1 if is_marked else frame.line
        colour = palette.best if is_marked else palette.frame
        frame.outline(picture.grown(frame.line), colour, line)
        words = percentage(float(tally.confidences[place]))
        if choice.cell is None:
            words = f"{tally.labels[place]} as {tally.read[place]}"
        below = whole._replace(y=picture.bottom, height=layout.caption)
        frame.write(words, below, frame.layout.text * 0.8, palette.quiet, 0.5)
    if rest := len(places) - page.stop:
        whole = tiles.rect(len(page))
        frame.write_wrapped(f"and {rest:,} more", whole, frame.layout.text * 0.9, palette.text)
