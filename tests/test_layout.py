import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.canvas import SIZE
from app.layout import Rect, lay_out

sizes = st.one_of(
    st.tuples(st.integers(480, 4096), st.integers(320, 2304)),
    st.tuples(st.integers(320, 2304), st.integers(480, 4096)),
)


def rectangles(layout):
    yield "canvas", layout.canvas
    yield "answer", layout.answer
    yield "help", layout.help
    yield "name", layout.name
    for digit, row in enumerate(layout.bars):
        yield f"label {digit}", row.label
        yield f"track {digit}", row.track
        yield f"percent {digit}", row.percent


@given(sizes)
@example((480, 320))
@example((320, 480))
@example((600, 600))
@example((3840, 2160))
@example((4096, 320))
@example((480, 4096))
def test_everything_is_inside_the_window_and_nothing_overlaps(size):
    layout = lay_out(*size)
    named = list(rectangles(layout))
    for name, rect in named:
        assert rect.width > 0, name
        assert rect.height > 0, name
        assert rect.x >= 0, name
        assert rect.y >= 0, name
        assert rect.right <= size[0], name
        assert rect.bottom <= size[1], name
    for (name, rect), (other_name, other) in itertools.combinations(named, 2):
        assert not rect.overlaps(other), f"{name} and {other_name}"
    assert not layout.panel.overlaps(layout.canvas)
    assert not layout.panel.overlaps(layout.help)


@given(sizes)
def test_bars_stand_beside_the_canvas_in_wide_windows_and_below_it_in_tall_ones(size):
    layout = lay_out(*size)
    if size[0] >= size[1]:
        assert layout.panel.x >= layout.canvas.right
    else:
        assert layout.panel.y >= layout.canvas.bottom


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
        assert lay_out(*size).canvas.width > 0.7 * min(size), size


def test_overlaps():
    rect = Rect(10, 10, 5, 5)
    assert rect.overlaps(Rect(14, 14, 1, 1))
    assert not rect.overlaps(Rect(15, 10, 5, 5))
    assert not rect.overlaps(Rect(10, 15, 5, 5))
