import itertools

import pygame
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.drawing.canvas import SIZE
from app.window.layout.layout import lay_out

sizes = st.one_of(
    st.tuples(st.integers(480, 4096), st.integers(320, 2304)),
    st.tuples(st.integers(320, 2304), st.integers(480, 4096)),
)


panels = st.sampled_from(["answer", "networks", "inside", "training", "weights", "mistakes"])


def overlap(one, other):
    return bool(pygame.Rect(one).colliderect(other))


def rectangles(layout):
    yield "canvas", layout.canvas
    yield "answer", layout.answer
    yield "seen", layout.network_input
    yield "caption", layout.caption
    yield "help", layout.help
    yield "name", layout.name
    yield "challenge", layout.challenge
    for name, rect in layout.groups.items():
        yield f"buttons to {name}", rect
    for digit, row in enumerate(layout.bars):
        yield f"label {digit}", row.label
        yield f"track {digit}", row.track
        yield f"percent {digit}", row.percent
    for index, row in enumerate(layout.table):
        yield f"row {index}", row
    if layout.more is not None:
        yield "row of what is left out", layout.more
    if layout.curves is not None:
        yield "curves", layout.curves
        yield "words", layout.words
    if layout.seen is not None:
        yield "batch", layout.seen
    for name, knob in layout.knobs.items():
        for part in ("caption", "less", "setting", "more"):
            yield f"knob {name} {part}", getattr(knob, part)
    for name, rect in (*layout.buttons.items(), *layout.panel_buttons.items()):
        yield f"button {name} {rect.y}", rect


@given(sizes, panels, st.integers(1, 9))
@example((480, 320), "training", 4)
@example((320, 480), "answer", 4)
@example((600, 600), "inside", 4)
@example((3840, 2160), "answer", 9)
@example((4096, 320), "training", 4)
@example((480, 4096), "networks", 4)
def test_everything_is_inside_the_window_and_nothing_overlaps(size, panel, networks):
    layout = lay_out(*size, panel, networks)
    named = list(rectangles(layout))
    for name, rect in named:
        assert rect.width > 0, name
        assert rect.height > 0, name
        assert rect.x >= 0, name
        assert rect.y >= 0, name
        assert rect.right <= size[0], name
        assert rect.bottom <= size[1], name
    for (name, rect), (other_name, other) in itertools.combinations(named, 2):
        assert not overlap(rect, other), f"{name} and {other_name}"
    for name, rect in named:
        in_body = ("row", "curves", "words", "batch", "knob")
        in_body += ("label", "track", "percent") if panel not in ("inside", "weights") else ()
        inside_body = name.split()[0] in in_body
        assert overlap(rect, layout.body) == (inside_body or rect in layout.panel_buttons.values())
    dialog = layout.dialog.sheet
    assert dialog.x >= 0
    assert dialog.y >= 0
    assert dialog.right <= size[0]
    assert dialog.bottom <= size[1]
    assert all(dialog.y < row.y and row.bottom <= dialog.bottom for row in layout.dialog.rows(20))


@given(sizes, st.integers(0, 30))
@example((240, 240), 30)
@example((480, 320), 10)
def test_the_buttons_of_the_users_digits_stand_between_the_tiles_and_the_words(size, count):
    layout = lay_out(*size)
    buttons = layout.dialog.own_digit_buttons
    for one, other in itertools.combinations(buttons.values(), 2):
        assert not overlap(one, other)
    tiles = [layout.dialog.tiles(count).rect(index) for index in range(count)]
    top = max((tile.bottom for tile in tiles), default=layout.dialog.title.bottom)
    words = layout.dialog.sheet.bottom - max(6, layout.text * 5 // 4) - layout.text * 5 // 2
    for name, rect in buttons.items():
        assert layout.dialog.sheet.x < rect.x
        assert rect.right < layout.dialog.sheet.right
        assert top < rect.y
        assert rect.bottom <= words
        assert min(rect.width, rect.height) >= layout.text
        centre = rect.x + rect.width / 2, rect.y + rect.height / 2
        assert layout.dialog.own_digit_button_at(*centre) == name


@given(sizes, st.sampled_from(["answer", "networks"]))
@example((960, 640), "answer")
@example((900, 400), "answer")
@example((240, 240), "networks")
def test_the_table_has_the_rows_that_there_is_room_for_beside_bars_that_can_be_read(size, panel):
    least = len(lay_out(*size, panel, 3).table)  # more networks take none of the rows away
    for networks in range(4, 10):
        layout = lay_out(*size, panel, networks)
        assert least <= len(layout.table) <= 1 + networks
        least = len(layout.table)
        assert all(row.height >= layout.text * 1.25 for row in layout.table)
        left_out = networks - max(0, len(layout.table) - 1)
        assert (layout.more is not None) == bool(layout.table and left_out) or min(size) < 320
        if layout.table:
            assert all(bar.label.height >= layout.text for bar in layout.bars)
        if panel == "networks":
            assert len(layout.table) >= 2


def test_six_networks_leave_the_window_as_it_opens_a_table():
    assert len(lay_out(960, 640, "answer", 6).table) == 6
    assert len(lay_out(960, 640, "answer", 4).table) == 5
    assert not lay_out(480, 320, "answer", 6).table


@given(sizes, st.integers(1, 40), st.sampled_from([1, 2]))
@example((480, 320), 23, 1)
@example((900, 400), 23, 2)
def test_the_rows_of_a_card_use_its_room_and_are_equally_high(size, count, columns):
    layout = lay_out(*size)
    rows = layout.dialog.rows(count, columns)
    assert len(rows) == count + 1
    assert len({row.height for row in rows}) == 1
    for one, other in itertools.combinations(rows, 2):
        assert not overlap(one, other)
    for row in rows:
        assert layout.dialog.title.bottom < row.y
        assert row.bottom < layout.dialog.sheet.bottom
        assert layout.dialog.sheet.x < row.x
        assert row.right < layout.dialog.sheet.right
    if rows[0].height < layout.text * 3 // 2:  # there is no room to spare
        assert layout.dialog.sheet.bottom - rows[-1].bottom <= layout.text + 1


@given(sizes)
def test_the_panel_stands_beside_the_canvas_in_wide_windows_and_below_it_in_tall_ones(size):
    layout = lay_out(*size)
    if size[0] >= size[1]:
        assert layout.body.x >= layout.canvas.right
    else:
        assert layout.body.y >= layout.canvas.bottom


@given(sizes)
def test_cells_are_whole_pixels_and_bars_equally_long(size):
    layout = lay_out(*size)
    assert layout.canvas.width == layout.canvas.height == SIZE * layout.cell
    assert len({row.track.width for row in layout.bars}) == 1
    assert len({row.track.height for row in layout.bars}) <= 2
    assert len({row.track.x for row in layout.bars}) == 1


@given(sizes, st.integers(0, SIZE - 1), st.integers(0, SIZE - 1), st.data())
def test_every_pixel_of_a_cell_belongs_to_that_cell(size, column, row, data):
    layout = lay_out(*size)
    x = layout.canvas.x + column * layout.cell + data.draw(st.integers(0, layout.cell - 1))
    y = layout.canvas.y + row * layout.cell + data.draw(st.integers(0, layout.cell - 1))
    cell_x, cell_y = layout.to_cells(x + 0.5, y + 0.5)
    assert (int(cell_x), int(cell_y)) == (column, row)


@given(sizes, st.floats(-5, 33), st.floats(-5, 33))
def test_to_pixels_and_back(size, x, y):
    layout = lay_out(*size)
    assert layout.to_cells(*layout.to_pixels(x, y)) == pytest.approx((x, y), abs=1e-9)


@pytest.mark.parametrize("size", [(1, 1), (240, 240), (300, 200), (200, 1000)])
def test_tiny_windows_have_a_layout_too(size):
    assert lay_out(*size).cell >= 1


def test_the_canvas_has_its_share():
    """Most of the shorter side, at the sizes that people have."""
    for size in [(480, 320), (960, 640), (1920, 1080), (3840, 2160), (600, 900), (1080, 1920)]:
        assert lay_out(*size).canvas.width >= 0.65 * min(size), size
