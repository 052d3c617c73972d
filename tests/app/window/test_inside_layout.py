import functools
import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.window.layout.inside_layout import inside_detail, lay_out_inside, shown_shape
from app.window.layout.layout import lay_out
from nn.inference.activations import activations_of
from nn.network.architectures import NAMED, build
from tests.app.window.test_layout import overlap, sizes


@functools.cache
def shapes_of(name):
    """The shapes that a network's stages are shown with."""
    model = build(NAMED[name], np.random.default_rng(0))
    return [shown_shape(stage) for stage in activations_of(model, np.zeros((28, 28), np.float32))]


for name in NAMED:  # outside the time that a test may take
    shapes_of(name)

hidden = st.one_of(
    st.tuples(st.integers(1, 5000)),
    st.tuples(st.integers(1, 500), st.integers(1, 40), st.integers(1, 400)),
)
networks = st.one_of(
    st.sampled_from([shapes_of(name) for name in NAMED]),
    st.lists(hidden, max_size=30).map(lambda shapes: [*shapes, (10,)]),
)


def check(layout, shapes, middle):
    rows = lay_out_inside(layout.above_buttons, layout.text, shapes, middle)
    stages = [row.stage for row in rows]
    assert stages == list(range(stages[0], stages[-1] + 1))
    assert middle in stages
    bottom, detail = layout.above_buttons.y, inside_detail(layout.above_buttons, layout.text)
    assert not overlap(detail, layout.canvas)
    for row in rows:
        tiles, count = row.tiles, shapes[row.stage][0]
        assert 1 <= tiles.count <= count
        assert (row.more is not None) == (tiles.count < count)
        assert row.title.y >= bottom
        rects = [tiles.rect(unit) for unit in {0, tiles.count // 2, tiles.count - 1}]
        for rect in rects:
            assert rect.y >= bottom
            assert layout.above_buttons.x < rect.x
            assert rect.right < layout.above_buttons.right
            assert rect.bottom < detail.y
        for tile in (0, tiles.count - 1):
            rect = tiles.rect(tile)
            assert tiles.at(rect.x + rect.width / 2, rect.y + rect.height / 2) == tile
        assert tiles.at(layout.above_buttons.x - 1, rects[0].y) is None
        parts = [row.title, tiles.whole, *([row.more] if row.more else [])]
        for one, other in itertools.combinations(parts, 2):
            assert not overlap(one, other)
        bottom = tiles.whole.bottom
    return rows


@given(sizes, networks, st.data())
@example((480, 320), shapes_of("cnn"), None)
@example((240, 240), shapes_of("cnn"), None)
def test_the_rows_of_any_network_are_inside_the_body_and_found_again(size, shapes, data):
    middle = data.draw(st.integers(0, len(shapes) - 1)) if data else 0
    check(lay_out(*size, "inside"), shapes, middle)


@pytest.mark.parametrize("size", [(480, 320), (960, 640), (1920, 1080), (3840, 2160), (640, 1000)])
@pytest.mark.parametrize("name", NAMED)
def test_all_stages_of_the_named_networks_are_shown_and_all_digits(size, name):
    layout, shapes = lay_out(*size, "inside"), shapes_of(name)
    rows = check(layout, shapes, len(shapes) - 1)
    assert len(rows) == len(shapes)
    assert rows[-1].tiles.count == 10
    for row in rows:  # nothing is dust
        assert min(row.tiles.width, row.tiles.height) >= layout.text


def test_where_it_is_960_wide_cnn_shows_a_dozen_of_its_96_maps_and_all_units_of_tiny():
    layout = lay_out(960, 640, "inside")
    counts = [row.tiles.count for row in check(layout, shapes_of("cnn"), 5)]
    assert all(12 <= count <= 14 for count in counts[:4])
    assert [row.tiles.count for row in check(layout, shapes_of("tiny"), 1)] == [10, 10]
    assert layout.canvas.width >= 280  # and there is room for the drawing
