import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn.handwriting import brush
from nn.handwriting.brush import (
    add_ink,
    draw_polyline,
    draw_segments,
    erase_polyline,
    remove_ink,
    segment_coverage,
)
from tests.helpers.memory import peak_below

coordinates = st.floats(-40, 70)
points = st.tuples(coordinates, coordinates)


def reference(shape, start, end, radius, softness):
    """Coverage of every cell by the obvious way: the nearest of many points on the segment."""
    coverage = np.zeros(shape)
    t = np.linspace(0, 1, 4001)
    xs = start[0] + t * (end[0] - start[0])
    ys = start[1] + t * (end[1] - start[1])
    for y in range(shape[0]):
        for x in range(shape[1]):
            distance = np.hypot(xs - (x + 0.5), ys - (y + 0.5)).min()
            coverage[y, x] = np.clip((radius + softness / 2 - distance) / softness, 0, 1)
    return coverage


@pytest.mark.parametrize("softness", [1.0, 0.5, 2.0])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((3.2, 2.1), (9.7, 5.5)),
        ((6.0, 6.0), (6.0, 6.0)),
        ((-3.0, 4.0), (15.0, 4.5)),
        ((0.0, 0.0), (0.5, 7.9)),
        ((11.5, 8.0), (2.0, -4.0)),
    ],
)
def test_coverage_is_that_of_the_reference(start, end, softness):
    shape = (8, 12)
    window, coverage = segment_coverage(shape, start, end, 1.1, softness)
    whole = np.zeros(shape)
    whole[window] = coverage
    expected = reference(shape, start, end, 1.1, softness)
    np.testing.assert_allclose(whole, expected, atol=3e-3)


@given(points, points)
def test_any_segment_leaves_ink_between_0_and_1_and_nothing_wraps(start, end):
    ink = np.zeros((28, 28), dtype=np.float32)
    add_ink(ink, start, end, 1.1)
    assert np.isfinite(ink).all()
    assert ink.min() >= 0
    assert ink.max() <= 1
    y, x = np.nonzero(ink)
    assert (x + 0.5 >= min(start[0], end[0]) - 1.61).all()
    assert (x + 0.5 <= max(start[0], end[0]) + 1.61).all()
    assert (y + 0.5 >= min(start[1], end[1]) - 1.61).all()
    assert (y + 0.5 <= max(start[1], end[1]) + 1.61).all()


@given(points, points)
def test_a_segment_has_no_direction(start, end):
    there, back = np.zeros((2, 28, 28), dtype=np.float32)
    add_ink(there, start, end, 1.1)
    add_ink(back, end, start, 1.1)
    np.testing.assert_allclose(there, back, atol=1e-4)


@pytest.mark.parametrize("length", [0.0, 1e-300, 5.9e-139, 1e-9])
def test_a_segment_of_hardly_any_length_is_a_dot(length):
    dot, short = np.zeros((2, 9, 9), dtype=np.float32)
    add_ink(dot, (4.0, 4.0), (4.0, 4.0), 1.1)
    add_ink(short, (4.0, 4.0), (4.0, 4.0 + length), 1.1)
    np.testing.assert_allclose(short, dot, atol=1e-6)


def test_removing_undoes_adding_where_the_brush_covers_fully():
    ink = np.ones((9, 9), dtype=np.float32)
    remove_ink(ink, (1.0, 4.5), (8.0, 4.5), 1.1)
    assert (ink[4, 1:8] == 0).all()
    assert (ink[0] == 1).all()
    assert 0 < ink[3, 4] < 1


def test_where_strokes_cross_the_darker_one_shows():
    once, twice = np.zeros((2, 9, 9), dtype=np.float32)
    draw_polyline(once, [(1, 1), (8, 8)], 0.8)
    draw_polyline(twice, [(1, 1), (8, 8)], 0.8)
    draw_polyline(twice, [(8, 8), (1, 1)], 0.8)
    np.testing.assert_allclose(twice, once, atol=1e-6)


def test_a_polyline_of_one_point_is_a_dot_and_of_none_nothing():
    ink = np.zeros((9, 9), dtype=np.float32)
    draw_polyline(ink, [], 1.1)
    assert not ink.any()
    draw_polyline(ink, [(4.5, 4.5)], 1.1)
    assert ink[4, 4] == 1


def test_many_segments_at_once_are_those_drawn_one_by_one():
    rng = np.random.default_rng(0)
    starts, ends = rng.uniform(-4, 24, (2, 35, 2))
    picture, radius = np.arange(35) % 7, rng.uniform(0.3, 3, 35)
    found = np.zeros((7, 20, 20), np.float32)
    draw_segments(found, picture, starts, ends, radius, 0.8)
    expected = np.zeros((7, 20, 20), np.float32)
    for n, start, end, r in zip(picture, starts, ends, radius, strict=True):
        add_ink(expected[n], tuple(start), tuple(end), r, 0.8)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("far", [-1000.0, 1000.0])
def test_what_is_far_outside_is_not_drawn(far):
    ink = np.zeros((28, 28), np.float32)
    draw_polyline(ink, [(far, 5.0), (far, 9.0)], 1.0)
    draw_polyline(ink, np.empty((0, 2)), 1.0)
    assert not ink.any()


def test_erasing_a_line_at_once_is_erasing_it_bit_by_bit():
    points = [(3.0, 4.0), (15.0, 9.0), (16.0, 20.0)]
    one, other = np.ones((28, 28), np.float32), np.ones((28, 28), np.float32)
    erase_polyline(one, points, 1.3)
    for start, end in itertools.pairwise(points):
        remove_ink(other, start, end, 1.3)
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_drawing_in_parts_gives_the_same_picture(monkeypatch):
    rng = np.random.default_rng(3)
    starts, ends = rng.uniform(-5, 33, (2, 200, 2))
    picture, radius = rng.integers(0, 3, 200), rng.uniform(0.3, 6, 200)
    pictures = np.zeros((2, 3, 28, 28), np.float32)
    brush.draw_segments(pictures[0], picture, starts, ends, radius)
    monkeypatch.setattr(brush, "MAX_CELLS", 1)
    brush.draw_segments(pictures[1], picture, starts, ends, radius)
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert pictures.any()


def test_many_long_lines_with_a_wide_brush_take_little_memory():
    rng = np.random.default_rng(3)
    ink = np.zeros((112, 112), np.float32)
    with peak_below(100 << 20):
        brush.draw_polyline(ink, rng.uniform(0, 112, (1000, 2)), 25)
    assert ink.min() == 1
