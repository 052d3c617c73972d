"""What the window shows of why: colours, hollow cells, a legend, and words for the pointer."""

import numpy as np
import pygame
import pytest

from app.drawing.strokes import fit, read_strokes
from app.window.painter import Painter
from app.window.panels.why import times, why_colours
from app.window.screen.why_words import change_words
from app.window.style.geometry import Rect
from app.window.style.palette import DARK, PALETTES
from app.window.style.text import percentage
from nn.inference.classifier import load_classifier
from nn.inference.occlusion import Change, OcclusionMap
from tests.helpers.paths import EXAMPLES
from tests.helpers.screens import click, painted, point, screen_of, send, written_by

SIZES = [(240, 240), (320, 480), (480, 320), (960, 640), (1920, 1080)]


def start(size=(960, 640), theme="dark", digit=4, model="mlp", strokes=None, no_digit=None):
    screen = screen_of(load_classifier(model), size=size, theme=theme, no_digit=no_digit)
    recorded = list(read_strokes(EXAMPLES))[digit]
    screen.session.canvas.draw_strokes(strokes or fit(recorded.strokes, 0.6, (0.1, -0.1)))
    screen.session.settle()
    screen.why.switch()
    screen.session.explanation.settle()
    return screen


def place_of(screen, change):
    """Where on the canvas, in pixels, the middle of a place in the frame is."""
    framing = screen.session.predictor.framing
    y, x = change.place
    cells = ((at + 0.5 - by) / framing.scale for at, by in zip((x, y), framing.shift, strict=True))
    return tuple(int(at) for at in screen.layout.to_pixels(*cells))


@pytest.mark.parametrize("theme", PALETTES)
def test_ink_is_orange_where_it_speaks_for_the_digit_and_blue_where_against(theme):
    palette = PALETTES[theme]
    effects = np.zeros((28, 28))
    effects[0, :5] = [4, 2, 0.1, -2, 4]
    painted = np.abs(effects) > 0
    painted[0, 4] = False  # not found true
    found = OcclusionMap(4, None, np.full(10, 0.1), effects, painted)
    ink = np.ones((28, 28))
    ink[1] = 0
    colours = why_colours(palette, ink, found).astype(int)
    strong, weak, faint, against, untrue = colours[0, :5]
    assert tuple(strong) == palette.best
    assert against[2] - against[0] > 10
    warmth = [cell[0] - cell[2] for cell in (strong, weak, faint)]
    assert warmth[0] > warmth[1] > warmth[2]
    np.testing.assert_array_equal(faint, colours[0, 9])  # as ink without any effect
    np.testing.assert_array_equal(untrue, colours[0, 9])
    np.testing.assert_array_equal(colours[1], np.tile(palette.paper, (28, 1)))


def test_hollow_cells_stand_where_added_ink_would_change_the_answer():
    screen = start()
    found = screen.session.explanation.map
    assert found.missing
    surface = painted(screen)
    on_canvas = [
        each for each in found.missing if screen.layout.canvas.contains(*place_of(screen, each))
    ]
    change = max(on_canvas, key=lambda each: abs(each.effect))
    x, y = place_of(screen, change)
    side = round(screen.layout.cell / screen.session.predictor.framing.scale * 1.1)
    edge = surface.get_at((x - side // 2 + 1, y))[:3]
    assert surface.get_at((x, y))[:3] in (DARK.paper, DARK.grid)  # hollow
    assert abs(edge[0] - edge[2]) > 60


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", PALETTES)
def test_a_legend_stands_in_its_place_and_keeps_within_it(size, theme):
    screen = start(size, theme)
    surface = painted(screen)
    screen.why.switch()
    plain = painted(screen)
    changed = np.argwhere(
        (pygame.surfarray.array3d(surface) != pygame.surfarray.array3d(plain)).any(axis=2)
    )
    layout = screen.layout
    parts = [layout.canvas, layout.network_input, layout.caption, layout.help, layout.name]
    parts += [row.whole for row in layout.bars] + list(layout.buttons.values())
    for x, y in changed[::17]:
        assert any(part.grown(layout.text).contains(x, y) for part in parts), (x, y)
    assert any(layout.caption.contains(x, y) for x, y in changed)


def test_the_legend_tells_the_scale_and_the_hollow_cells():
    screen = start()
    said = written_by(screen)
    found = screen.session.explanation.map
    factor = times(np.abs(found.effects[found.painted]).max())
    assert f"more 4 ×{factor}" in said
    assert f"÷{factor} less 4" in said
    assert "with ink" in said
    screen.why.compare(9)
    screen.session.settle()
    said = written_by(screen)
    assert any(part.startswith("for 9 ×") for part in said)
    assert any(part.endswith(" for 4") for part in said)
    screen.why.switch()
    assert "what the network sees" in written_by(screen)


def test_where_nothing_matters_the_legend_says_so():
    class Certain:
        name = "certain"

        def probabilities(self, images):
            return np.eye(10)[np.full(len(images), 4)]

    screen = screen_of(Certain())
    screen.session.canvas.draw_strokes([[(9, 5), (14, 22)]])
    screen.why.switch()
    screen.session.settle()
    assert "no ink matters much here" in written_by(screen)


def test_the_pointer_on_ink_is_told_what_the_answer_is_without_it():
    screen = start()
    found = screen.session.explanation.map
    change = max(found.without, key=lambda each: each.effect)
    point(screen, place_of(screen, change))
    assert screen.hint() == f"without this: {change_words(found, change)}"
    assert "4 falls from" in screen.hint()
    side = screen.layout.network_input.width / 28
    y, x = change.place
    place = screen.layout.network_input
    point(screen, (int(place.x + (x + 0.5) * side), int(place.y + (y + 0.5) * side)))
    assert "4 falls from" in screen.hint()


def test_the_pointer_on_a_hollow_cell_is_told_what_ink_there_would_do():
    screen = start()
    found = screen.session.explanation.map
    places = ((place_of(screen, each), each) for each in found.missing)
    place, change = next(pair for pair in places if screen.layout.canvas.contains(*pair[0]))
    point(screen, place)
    assert screen.hint() == f"with ink here: {change_words(found, change)}"


def test_the_pointer_elsewhere_is_told_what_it_was_told_before():
    screen = start()
    point(screen, (screen.layout.canvas.right - 2, screen.layout.canvas.bottom - 2))
    assert "this" not in screen.hint()
    point(screen, screen.layout.caption)
    assert screen.hint().startswith("the colours say how many times the odds of 4")
    screen.why.switch()
    point(screen, screen.layout.canvas)
    assert "without this" not in screen.hint()


def probabilities(four, nine):
    p = np.full(10, (1 - four - nine) / 8)
    p[[4, 9]] = four, nine
    return p


@pytest.mark.parametrize(
    ("four", "nine", "rival", "words"),
    [
        (0.61, 0.3, None, "4 falls from 99 % to 61 %"),
        (0.99, 0.005, None, "4 stays at 99 %"),
        (0.9904, 0.005, None, "4 rises from 99.00 % to 99.04 %"),
        (0.9951, 0.001, None, "4 rises from 99 % to >99 %"),
        (0.99999, 0.0, None, "4 rises from 99 % to >99 %"),
        (0.2, 0.7, None, "4 falls from 99 % to 20 %, the answer is 9 instead of 4"),
        (0.61, 0.3, 9, "4 falls from 99 % to 61 %, 9 rises from 0 % to 30 %"),
    ],
)
def test_what_an_erasure_does_is_told_in_percentages_that_differ(four, nine, rival, words):
    found = OcclusionMap(
        4, rival, probabilities(0.99, 0.004), np.zeros((28, 28)), np.zeros((28, 28), bool)
    )
    assert change_words(found, Change((3, 3), probabilities(four, nine), 1.0)) == words


def test_the_percentages_are_those_of_the_bar_where_it_may_be_no_digit():
    screen = start(no_digit=lambda images: np.array([0.1]))
    answer, found = screen.session.predictor.answer, screen.session.explanation.map
    change = max(found.without, key=lambda each: each.effect)
    point(screen, place_of(screen, change))
    assert answer.confidence < 0.92
    assert f"4 falls from {percentage(answer.confidence)} to " in screen.hint()


def test_two_that_are_all_but_certain_are_told_apart_and_not_called_certain():
    def words(before, after):
        found = OcclusionMap(
            4, None, probabilities(before, 0), np.zeros((28, 28)), np.zeros((28, 28), bool)
        )
        return change_words(found, Change((3, 3), probabilities(after, 0), 1.0))

    assert words(0.99999, 0.998) == "4 falls from >99.9 % to 99.8 %"
    assert words(0.99999, 0.9996) == "4 falls from >99.99 % to 99.96 %"
    assert words(0.99999, 0.999999) == "4 stays at >99 %"
    assert words(0.99999, 0.3) == "4 falls from >99 % to 30 %"


def test_a_right_click_or_a_click_with_shift_on_a_bar_asks_why_it_is_not_that_digit():
    screen = start()
    explanation = screen.session.explanation
    click(screen, screen.layout.bars[9].whole, button=3)
    assert (explanation.explained, explanation.rival) == (4, 9)
    assert screen.session.message == "Why 4 and not 9: orange speaks for 4, blue for 9"
    shift = {"key": pygame.K_LSHIFT, "mod": pygame.KMOD_LSHIFT, "scancode": 0}
    send(screen, pygame.KEYDOWN, **shift)
    click(screen, screen.layout.bars[7].whole)
    send(screen, pygame.KEYUP, **shift)
    assert (explanation.explained, explanation.rival) == (4, 7)
    click(screen, screen.layout.bars[4].whole, button=3)  # not why 4 and not 4
    assert (explanation.explained, explanation.rival) == (4, 7)
    click(screen, screen.layout.bars[6].whole)
    assert (explanation.explained, explanation.rival) == (6, None)


def test_a_right_click_on_a_bar_below_a_dialog_does_nothing():
    screen = start()
    screen.help()
    click(screen, screen.layout.bars[9].whole, button=3)
    assert screen.session.explanation.rival is None


def test_both_bars_are_framed_while_two_digits_are_compared():
    screen = start()
    screen.why.compare(9)
    screen.session.settle()
    surface = painted(screen)
    for digit, colour in ((4, DARK.text), (9, DARK.against)):
        track = screen.layout.bars[digit].track
        assert surface.get_at((track.x + track.width // 2, track.y - 1))[:3] == colour


def test_pointing_paints_only_the_line_at_the_bottom():
    screen = start()
    painter, surface = Painter(), pygame.Surface(screen.size)
    painter.paint(surface, screen)
    point(screen, place_of(screen, screen.session.explanation.map.without[0]))
    (rect,) = painter.paint(surface, screen)
    assert Rect(*rect).y >= screen.layout.help.y


def test_a_drawing_that_fills_the_canvas_and_a_dot_can_be_explained_and_shown():
    for strokes in ([[(x, y) for y in range(0, 29, 2) for x in (0, 28)]], [[(1, 1)]]):
        screen = start(strokes=strokes)
        painted(screen)
