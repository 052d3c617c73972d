import numpy as np
import pytest

from nn.handwriting import signs


def corner_and_arms(line):
    """The corner of an angle, and the directions of its arms in degrees, clockwise from right."""
    corner = line[signs.STEPS - 1]
    arms = np.degrees(np.arctan2(*(line[[0, -1]] - corner).T[::-1])) % 360
    return corner, arms


def test_hardly_an_angle_is_a_7():
    rng = np.random.default_rng(0)
    arms = np.array([corner_and_arms(signs.angle(rng)[0])[1] for _ in range(2000)])
    bar = np.abs(arms - 180) < 15  # level, to the left of the corner
    stem = (arms > 45) & (arms < 135)  # down
    assert np.mean(bar.any(axis=1) & stem.any(axis=1)) < 0.005


def test_the_upper_arm_of_an_angle_to_the_right_rises_more_than_a_wide_7s():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        _, arms = corner_and_arms(signs.angle(rng)[0])
        if np.abs(arms - 180).max() < 60:  # both go back to the left, one up and one down
            assert arms.max() >= 180 + signs.LEAST_RISE - 1e-6
            assert arms.min() <= 180 - signs.LEAST_RISE + 1e-6


def test_angles_point_everywhere_else():
    rng = np.random.default_rng(1)
    arms = np.array([corner_and_arms(signs.angle(rng)[0])[1] for _ in range(500)])
    turned = np.exp(1j * np.radians(arms)).sum(axis=1)
    pointing = set((np.round(np.degrees(np.angle(-turned)) / 45) % 8).astype(int))
    assert pointing >= {0, 1, 2, 3, 4, 5, 6}  # right, down, left, up, and the right angles


@pytest.mark.parametrize("draw", [signs.glyph, signs.mark, signs.small_things, *signs.SCRIPTS])
def test_signs_are_lines_and_the_same_again(draw):
    drawn = [draw(np.random.default_rng(seed)) for seed in range(50)]
    assert {len(lines) for lines in drawn} >= {2}
    for seed, lines in enumerate(drawn):
        again = draw(np.random.default_rng(seed))
        for line, same in zip(lines, again, strict=True):
            assert line.ndim == 2
            assert len(line) > 1
            assert np.isfinite(line).all()
            np.testing.assert_array_equal(line, same)


def test_a_pen_stroke_of_one_piece_is_straight_or_bends_one_way():
    straight = 0
    for seed in range(200):
        line = signs.pen_stroke(np.random.default_rng(seed), 1)
        steps = np.diff(line, axis=0)
        turns = steps[:-1, 0] * steps[1:, 1] - steps[:-1, 1] * steps[1:, 0]
        straight += np.allclose(turns, 0)
        assert (turns >= -1e-9).all() or (turns <= 1e-9).all()
    assert 50 < straight < 130
