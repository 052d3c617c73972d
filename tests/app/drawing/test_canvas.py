import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.drawing.canvas import SIZE, Canvas


def test_what_an_eraser_carved_out_of_thick_lines_is_framed_as_it_is_seen():
    canvas = Canvas()
    canvas.change_brush(9)
    for x in (12, 16):
        canvas.begin("draw", x, 6)
        canvas.extend(x, 22)
    canvas.change_brush(-9)
    canvas.begin("erase", 14, 10)
    canvas.extend(14, 18)
    canvas.end()
    image = canvas.framing().image
    assert image[14, 12:17].min() < 0.3  # the hole of a 0
    assert image[6, 12:17].min() > 0.7 < image[22, 12:17].min()


def test_a_press_leaves_a_dot_where_it_was():
    canvas = Canvas()
    canvas.begin("draw", 10.5, 4.5)
    canvas.end()
    assert canvas.ink[4, 10] == 1.0
    rows, columns = np.nonzero(canvas.ink)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 5, 9, 11)


def test_a_far_jump_leaves_no_gap():
    canvas = Canvas()
    canvas.begin("draw", 2.5, 14.5)
    canvas.extend(25.5, 14.5)
    canvas.end()
    assert (canvas.ink[14, 2:26] == 1.0).all()


def test_the_ink_does_not_depend_on_how_often_the_pointer_reports():
    coarse, fine = Canvas(), Canvas()
    for canvas, steps in ((coarse, 1), (fine, 50)):
        canvas.begin("draw", 3.0, 5.0)
        for t in np.linspace(0, 1, steps + 1)[1:]:
            canvas.extend(3.0 + 20 * t, 5.0 + 10 * t)
        canvas.end()
    np.testing.assert_allclose(fine.ink, coarse.ink, atol=1e-5)


@pytest.mark.parametrize(("x", "y"), [(-0.4, 14.0), (28.4, 14.0), (14.0, -0.4), (14.0, 28.4)])
def test_ink_at_an_edge_never_appears_at_the_opposite_one(x, y):
    canvas = Canvas()
    canvas.begin("draw", x, y)
    canvas.end()
    edges = {
        "left": canvas.ink[:, :3].any(),
        "right": canvas.ink[:, -3:].any(),
        "top": canvas.ink[:3].any(),
        "bottom": canvas.ink[-3:].any(),
    }
    assert sum(map(bool, edges.values())) == 1


@pytest.mark.parametrize("far", [float("nan"), float("inf"), -float("inf")])
def test_points_that_are_not_finite_are_left_out(far):
    canvas, plain = Canvas(), Canvas()
    canvas.begin("draw", far, 3.0)
    canvas.extend(5.0, 5.0)
    canvas.extend(10.0, far)
    canvas.extend(20.0, 5.0)
    plain.begin("draw", 5.0, 5.0)
    plain.extend(20.0, 5.0)
    np.testing.assert_array_equal(canvas.ink, plain.ink)
    assert canvas.strokes == plain.strokes


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["begin draw", "begin erase", "extend", "end", "undo", "redo", "clear"]
            ),
            st.floats(),
            st.floats(-40, 40),
        ),
        max_size=30,
    )
)
def test_any_use_keeps_the_ink_in_range_and_undo_leads_back_to_blank(actions):
    canvas = Canvas()
    for action, x, y in actions:
        verb, _, kind = action.partition(" ")
        if verb == "begin":
            canvas.begin(kind, x, y)
        elif verb == "extend":
            canvas.extend(x, y)
        else:
            getattr(canvas, verb)()
        assert canvas.ink.shape == (SIZE, SIZE)
        assert np.isfinite(canvas.ink).all()
        assert canvas.ink.min() >= 0
        assert canvas.ink.max() <= 1
    canvas.end()
    final = canvas.ink.copy()
    steps = 0
    while canvas.undo():
        steps += 1
    assert canvas.is_blank
    assert canvas.strokes == []
    for _ in range(steps):
        assert canvas.redo()
    np.testing.assert_array_equal(canvas.ink, final)


@given(st.lists(st.tuples(st.floats(-5, 33), st.floats(-5, 33)), min_size=1, max_size=12))
def test_the_marks_draw_the_same_ink_again(points):
    canvas, again = Canvas(), Canvas()
    canvas.begin("draw", *points[0])
    for point in points[1:]:
        canvas.extend(*point)
    canvas.begin("erase", *points[-1])
    canvas.extend(14.0, 14.0)
    canvas.end()
    for mark in canvas.strokes:
        again.begin(mark.kind, *mark.points[0])
        for point in mark.points[1:]:
            again.extend(*point)
        again.end()
    np.testing.assert_array_equal(again.ink, canvas.ink)


def test_erasing_along_a_line_takes_it_away():
    canvas = Canvas()
    for kind in ("draw", "erase"):
        canvas.begin(kind, 3.0, 3.0)
        canvas.extend(24.0, 20.0)
        canvas.end()
    assert canvas.is_blank
    assert [mark.kind for mark in canvas.strokes] == ["draw", "erase"]


def test_undo_redo_and_clear():
    canvas = Canvas()
    assert not canvas.undo()
    canvas.begin("draw", 5.0, 5.0)
    canvas.end()
    one = canvas.ink.copy()
    canvas.begin("draw", 20.0, 20.0)
    assert canvas.undo()  # in mid-stroke
    np.testing.assert_array_equal(canvas.ink, one)
    assert len(canvas.strokes) == 1
    assert canvas.redo()
    assert len(canvas.strokes) == 2
    canvas.clear()
    assert canvas.is_blank
    assert canvas.strokes == []
    assert canvas.undo()
    assert len(canvas.strokes) == 2
    canvas.undo()
    canvas.begin("draw", 1.0, 1.0)
    canvas.end()
    assert not canvas.redo()  # a new stroke leaves nothing to do again


def test_a_stroke_that_changes_nothing_is_forgotten():
    canvas = Canvas()
    canvas.begin("draw", -30.0, 14.0)
    canvas.extend(-20.0, 14.0)
    canvas.end()
    canvas.begin("erase", 14.0, 14.0)
    canvas.end()
    canvas.clear()
    assert canvas.strokes == []
    assert not canvas.undo()


def test_the_version_tells_whether_anything_changed():
    canvas = Canvas()
    seen = [canvas.version]
    canvas.begin("draw", 5.0, 5.0)
    seen.append(canvas.version)
    canvas.extend(5.0, 5.0)  # the same place
    assert canvas.version == seen[-1]
    canvas.extend(6.0, 5.0)
    seen.append(canvas.version)
    canvas.end()
    assert canvas.version == seen[-1]
    canvas.undo()
    seen.append(canvas.version)
    canvas.redo()
    seen.append(canvas.version)
    canvas.clear()
    seen.append(canvas.version)
    assert seen == sorted(set(seen))


def test_moving_or_lifting_without_a_press_does_nothing():
    canvas = Canvas()
    canvas.extend(5.0, 5.0)
    canvas.end()
    assert canvas.is_blank
    assert canvas.version == 0


def test_a_stroke_that_changes_nothing_leaves_the_version_and_one_that_ends_so_does_not():
    canvas = Canvas()
    canvas.draw_strokes([[(10, 10), (20, 10)]])
    version = canvas.version
    canvas.begin("draw", -50, -50)
    canvas.extend(-60, -50)
    canvas.end()
    assert canvas.version == version
    canvas.begin("draw", 10, 20)
    canvas.extend(20, 20)
    canvas.extend(10, 20)  # over its own ink, but one more point of the stroke
    told = canvas.version
    canvas.end()
    assert canvas.version > told > version
