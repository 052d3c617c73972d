"""Where everything is in a window of a given size; pure arithmetic on whole pixels.

In a wide window the panel stands to the right of the canvas, in a tall one below it; buttons and a
line of words are at the bottom. A cell of the canvas is a whole number of pixels, so the drawing is
crisp and a pixel belongs to one cell only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from app.drawing.canvas import Point
from app.drawing.strokes import DIGITS
from app.session.knobs import KNOBS
from app.window.input.commands import PANEL_COMMANDS, PROJECTOR_BUTTONS, Panel, words_of
from app.window.layout.button_layout import ButtonRows, lay_out_buttons
from app.window.layout.dialog_layout import DialogLayout
from app.window.layout.training_layout import KnobPlace, lay_out_training
from app.window.style.geometry import Rect, around, button_at, button_row, split
from nn.handwriting.framing import SIZE

# Smaller windows are laid out as if they had this size, and are cut off.
SMALLEST = (240, 240)
SMALLEST_TEXT = 10  # pixels; smaller letters cannot be read
LARGER = 1.6  # times as high are the letters for a projector
MAX_ROWS = 6  # networks in the table, where there is room


class BarRow(NamedTuple):
    """One digit's row: its label, the track its bar grows in, and its percentage."""

    label: Rect
    track: Rect
    percent: Rect

    @property
    def whole(self) -> Rect:
        """The rectangle around all three."""
        return around(self.label, self.percent)


class Layout(NamedTuple):
    """The rectangles of a window, and the way between its pixels and the canvas's cells.

    What the present panel does not show is empty: no table inside the network, no curves elsewhere.
    """

    size: tuple[int, int]
    panel: Panel
    text: int  # height of ordinary text in pixels
    cell: int  # pixels a cell is wide and high
    canvas: Rect
    answer: Rect
    network_input: Rect  # the framed image
    caption: Rect  # what it is
    body: Rect  # the panel below, or beside, answer and framed image
    buttons: dict[str, Rect]
    groups: dict[str, Rect]  # the names of the buttons' groups, where there is room
    help: Rect
    name: Rect
    challenge: Rect  # in the margin above
    bars: tuple[BarRow, ...] = ()
    table: tuple[Rect, ...] = ()  # a heading and a row for each network
    more: Rect | None = None  # how many more networks there are, where not all fit
    curves: Rect | None = None
    words: Rect | None = None  # how the training goes
    seen: Rect | None = None  # what it learns from just now
    knobs: Mapping[str, KnobPlace] = MappingProxyType({})
    panel_buttons: Mapping[str, Rect] = MappingProxyType({})
    keys: Rect | None = None  # what was pressed, in a window for a projector

    def to_cells(self, x: float, y: float) -> Point:
        """The place on the canvas, in cells, of a place in the window, in pixels."""
        return (x - self.canvas.x) / self.cell, (y - self.canvas.y) / self.cell

    def to_pixels(self, x: float, y: float) -> Point:
        """The place in the window, in pixels, of a place on the canvas, in cells."""
        return self.canvas.x + x * self.cell, self.canvas.y + y * self.cell

    @property
    def above_buttons(self) -> Rect:
        """The body without the panel's buttons at its lower edge."""
        top = min((button.y for button in self.panel_buttons.values()), default=self.body.bottom)
        return self.body._replace(height=top - self.text // 3 - self.body.y)

    def button_at(self, x: float, y: float) -> str | None:
        """The command of the button at a place in the window."""
        return button_at({**self.buttons, **self.panel_buttons}, x, y)

    @property
    def dialog(self) -> DialogLayout:
        """The sheet that lies over the window to show the help or a list."""
        return DialogLayout(self.size, self.text)


def lay_out(
    width: int, height: int, panel: Panel = "answer", networks: int = 4, is_large: bool = False
) -> Layout:
    """Lay out a window of this size in pixels, showing `panel`, with so many networks to list.

    One that `is_large`, for a projector, has larger letters and fewer parts.
    """
    width, height = max(width, SMALLEST[0]), max(height, SMALLEST[1])
    layout = (_landscape if width >= height else _portrait)(width, height, panel, is_large)
    if panel == "answer":
        return _with_bars_and_table(layout, networks)
    if panel == "networks":
        return _with_table(layout, networks)
    if panel == "mistakes":
        has_room = layout.body.height >= layout.text * 6
        buttons = _panel_buttons(layout.body, layout.text, panel) if has_room else {}
        return layout._replace(panel_buttons=buttons)
    if panel == "training":
        return _with_training(layout)
    layout = _with_inside(layout)
    return _with_training(layout) if panel == "weights" else layout


def _text_height(short: float, is_large: bool) -> int:
    """Text grows with the window, but slower: 12 pixels at 320, 18 at 640, 26 at 1080."""
    usual = max(SMALLEST_TEXT, round(6 + short * 0.0185))
    return min(round(usual * LARGER), int(short) // 17) if is_large else usual


def _landscape(width: int, height: int, panel: Panel, is_large: bool) -> Layout:
    text = _text_height(min(width / 1.5, height), is_large)
    margin = _margin(text)
    gap = round(text * 1.8)
    footer = round(text * 1.4)
    above = round(text * (0.5 if is_large else 0.9))
    rows = 2 if width < text * 25 and not is_large else 1
    room_down = height - 2 * margin - footer - above - rows * sum(_button_heights(text))
    room_across = width - 2 * margin - gap
    # The panel needs room for its words first; the canvas takes what is left.
    cell = max(1, min(room_down, room_across - text * (11 if is_large else 14)) // SIZE)
    side = cell * SIZE
    panel_width = min(room_across - side, max(text * 16, side))
    left = (width - side - gap - panel_width) // 2
    top = margin + (room_down - side) // 2
    canvas = Rect(left, top, side, side)
    whole = Rect(canvas.right + gap, top, panel_width, side)
    if is_large:  # large letters need all of the height
        whole = whole._replace(y=margin, height=room_down)
    # Where there is much to show, the answer can be smaller.
    head = min(round(side * (0.17 if panel == "mistakes" else 0.26)), text * 10)
    caption = 0 if is_large and panel == "mistakes" else round(text * 1.2)
    square = _whole_cells(max(8, min(head - caption, whole.width * 2 // 5)))
    network_input = Rect(whole.right - square, whole.y, square, square)
    answer = Rect(whole.x, whole.y, whole.width - square - text, square)
    captioned = Rect(whole.x, network_input.bottom, whole.width, caption)
    body_top = captioned.bottom + max(3, text // 3)
    body = Rect(whole.x, body_top, whole.width, whole.bottom - body_top)
    foot = Rect(left, height - margin - footer, whole.right - left, footer)
    return Layout(
        (width, height), panel, text, cell, canvas, answer, network_input, captioned, body,
        *_buttons(foot, rows, text, above - 2, is_large), *_divided(foot),
        _above(foot, text), keys=_keys(foot, text) if is_large else None,
    )  # fmt: skip


def _portrait(width: int, height: int, panel: Panel, is_large: bool) -> Layout:
    text = _text_height(min(width, height / 1.5), is_large)
    margin = gap = _margin(text)
    footer = round(text * 1.4)
    rows = 2 if width < text * 42 and not is_large else 1
    room_across = width - 2 * margin
    room_down = height - 2 * margin - 2 * gap - footer - rows * sum(_button_heights(text))
    cell = max(1, min(room_across, room_down - text * 13) // SIZE)
    side = cell * SIZE
    below = min(room_down - side, max(text * 22, round(side * 0.75)))
    top = margin + max(0, (room_down - side - below) // 2)
    canvas = Rect((width - side) // 2, top, side, side)
    # Where height is short the canvas is narrow; the words below keep the window's whole width.
    span = max(side, min(room_across, text * 30))
    left = (width - span) // 2
    head = round(span * 0.27)
    upper = canvas.bottom + gap
    caption = round(text * 1.2)
    square = _whole_cells(max(8, min(head, (below - caption) // 2)))
    network_input = Rect(left, upper, square, square)
    captioned = Rect(left, network_input.bottom, head + gap // 2, caption)
    answer = Rect(left, captioned.bottom, head, upper + below - captioned.bottom)
    body_left = left + head + gap
    body = Rect(body_left, upper, left + span - body_left, below)
    foot = Rect(left, height - margin - footer, span, footer)
    return Layout(
        (width, height), panel, text, cell, canvas, answer, network_input, captioned, body,
        *_buttons(foot, rows, text, gap, is_large), *_divided(foot),
        _above(foot, text), keys=_keys(foot, text) if is_large else None,
    )  # fmt: skip


def _whole_cells(side: int) -> int:
    """A side of the framed image with cells of whole pixels, where that costs little."""
    return side - side % SIZE if side >= 5 * SIZE else side


def _button_heights(text: int) -> tuple[int, int]:
    """How high a row of buttons is, and the space below it."""
    return round(text * 1.9), round(text * 0.4)


def _keys(foot: Rect, text: int) -> Rect:
    """The row of the buttons, up to where those of a projector's window begin."""
    height, space = _button_heights(text)
    width = foot.width - min(text * 13, foot.width // 2)
    return Rect(foot.x, foot.y - space - height, width - text // 2, height)


def _buttons(foot: Rect, rows: int, text: int, above: int, is_large: bool) -> ButtonRows:
    """The window's buttons in so many rows, above the line at the bottom."""
    height, space = _button_heights(text)
    if is_large:
        keys = _keys(foot, text)
        left = keys.right + text // 2
        row = keys._replace(x=left, width=foot.right - left)
        return ButtonRows(button_row(row, PROJECTOR_BUTTONS, text), {})
    tops = [foot.y - number * (space + height) for number in range(rows, 0, -1)]
    places = [Rect(foot.x, top, foot.width, height) for top in tops]
    return lay_out_buttons(places, text, above)


def _divided(foot: Rect) -> tuple[Rect, Rect]:
    """The line at the bottom: for the help, and for the network's name."""
    name = foot.width * 3 // 10
    help_ = foot._replace(width=foot.width - name)
    return help_, foot._replace(x=help_.right, width=name)


def _above(foot: Rect, text: int) -> Rect:
    """A line in the margin above everything, as wide as the line at the bottom."""
    return foot._replace(y=0, height=_margin(text) - max(1, text // 14))  # the canvas has a frame


def _margin(text: int) -> int:
    """The space around everything."""
    return round(text * 1.2)


def _with_bars_and_table(layout: Layout, networks: int) -> Layout:
    """The ten bars, and below them as many rows of the table as there is room for."""
    body, text = layout.body, layout.text
    row, wanted = round(text * 1.3), 1 + min(networks, MAX_ROWS)
    # Ten bars that can be read come first; a heading over one of several networks compares nothing.
    rows = min(wanted, (body.height - math.ceil(DIGITS * text * 1.1) - text) // row)
    note = text if rows <= networks else 0  # the line below the table takes its room from the bars
    if rows < min(wanted, 3):  # a small window shows the table as a panel of its own
        rows = note = 0
    top = body.bottom - rows * row - note
    table, more = _table(Rect(body.x, top, body.width, rows * row), rows, note)
    below = rows * row + note + text if rows else 0
    bars = body._replace(height=min(body.height - below, text * 24))
    return layout._replace(bars=_bar_rows(bars, text), table=table, more=more)


def _with_table(layout: Layout, networks: int) -> Layout:
    """The table alone."""
    body, text = layout.body, layout.text
    lowest = round(text * 1.3)
    rows = max(2, min(1 + min(networks, MAX_ROWS), body.height // lowest))
    note = text if rows <= networks and body.height >= 2 * lowest + text else 0
    rows = max(2, min(rows, (body.height - note) // lowest))
    row = min(text * 2, (body.height - note) // rows)
    table, more = _table(body._replace(height=rows * row), rows, note)
    return layout._replace(table=table, more=more)


def _with_training(layout: Layout) -> Layout:
    """The words, the curves (or the weights) and the buttons of a training, and bars if it has."""
    body, text, panel = layout.body, layout.text, layout.panel
    knobs = {name: knob.words for name, knob in KNOBS.items()}
    buttons = words_of(PANEL_COMMANDS[panel])
    has_bars = panel == "training" and layout.keys is None  # the answer will do for a class
    places = lay_out_training(body, text, buttons, knobs, has_bars)
    return layout._replace(
        bars=_bar_rows(places.bars, text, columns=2) if places.bars else layout.bars,
        words=places.words,
        curves=places.curves,
        seen=places.seen,
        knobs=places.knobs,
        panel_buttons=places.buttons,
    )


def _with_inside(layout: Layout) -> Layout:
    """A smaller canvas, answer and bars below or beside it, and all else for the network."""
    (width, height), text = layout.size, layout.text
    margin, gap = _margin(text), text
    across = min(width - 2 * margin, text * 100)
    bottom = min(button.y for button in layout.buttons.values()) - round(text * 0.9)
    area = Rect((width - across) // 2, margin, across, bottom - margin)
    is_landscape = width >= height
    shares = (0.4, 0.56) if is_landscape else (0.45, 0.42)
    cell = max(1, int(min(area.width * shares[0], area.height * shares[1]) / SIZE))
    side = cell * SIZE
    canvas = Rect(area.x, area.y, side, side)
    # Below a small canvas the bars need more room than it takes.
    column = max(side, min(text * 13, area.width * 9 // 25)) if is_landscape else side
    below = Rect(area.x, canvas.bottom + gap, area.width, area.bottom - canvas.bottom - gap)
    left = area.x + column + 2 * gap
    beside = Rect(left, area.y, area.right - left, area.height)
    if is_landscape:
        head, body = below._replace(width=column), beside
    else:
        head, body = beside._replace(height=side), below
    # Ten bars below each other can be longer than five beside five, if they are not tiny for that.
    letters = min(text, (head.height - text * 4) * 10 // (DIGITS * 11))
    if letters < max(SMALLEST_TEXT, text * 3 // 5):
        letters = max(SMALLEST_TEXT, text * 4 // 5)
    tall, low = round(DIGITS * letters * 1.1), round(DIGITS / 2 * text * 1.3)
    bars_height = tall if head.height >= tall + text * 4 else min(low, head.height * 6 // 10)
    has_bars = head.width >= text * 12
    bars_height = bars_height if has_bars else 0  # the answer has the room instead
    bars = Rect(head.x, head.bottom - bars_height, head.width, bars_height)
    caption = round(text * 1.2)
    upper = head.height - bars_height - text // 2
    square = _whole_cells(max(8, min(upper - caption, head.width // 3, text * 8)))
    network_input = Rect(head.right - square, head.y, square, square)
    captioned = Rect(head.x, network_input.bottom, head.width, caption)
    return layout._replace(
        cell=cell,
        canvas=canvas,
        answer=Rect(head.x, head.y, head.width - square - text, square),
        network_input=network_input,
        caption=captioned,
        body=body,
        bars=_bar_rows(bars, letters) if has_bars else (),
        panel_buttons=_panel_buttons(body, text, layout.panel),
    )


def _panel_buttons(body: Rect, text: int, panel: Panel) -> dict[str, Rect]:
    """A row at the bottom of the panel."""
    height = round(text * 1.8)
    row = Rect(body.x, body.bottom - height, body.width, height)
    return button_row(row, words_of(PANEL_COMMANDS[panel]), text)


def _table(rect: Rect, rows: int, note: int) -> tuple[tuple[Rect, ...], Rect | None]:
    """The rows of a table, and below them a line that is `note` pixels high, if it is."""
    row = rect.height // max(1, rows)
    table = tuple(Rect(rect.x, rect.y + i * row, rect.width, row) for i in range(rows))
    return table, Rect(rect.x, rect.bottom, rect.width, note) if note else None


def _bar_rows(bars: Rect, text: int, columns: int | None = None) -> tuple[BarRow, ...]:
    """A row for each digit, in two columns where one would be too low for its words."""
    label_width = round(text * 1.3)
    percent_width = round(text * 3.9)  # room for ">99 %"
    columns = columns or (1 if bars.height >= DIGITS * text else 2)
    down, gap = DIGITS // columns, text
    width = (bars.width + gap) // columns - gap
    rows = []
    for column in range(columns):
        left = bars.x + column * (width + gap)
        track_left = left + label_width
        track_width = max(1, width - label_width - percent_width)
        for top, height in split(bars.y, bars.height, [1] * down):
            thickness = max(2, min(round(height * 0.5), round(text * 1.1)))
            rows.append(
                BarRow(
                    label=Rect(left, top, label_width, height),
                    track=Rect(track_left, top + (height - thickness) // 2, track_width, thickness),
                    percent=Rect(track_left + track_width, top, percent_width, height),
                )
            )
    return tuple(rows)
