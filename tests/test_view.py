import numpy as np
import pygame
import pytest

from app.layout import lay_out
from app.predictor import Answer
from app.view import BACKGROUND, BAR, BEST, INK, PAPER, TRACK, View, cell_colours, percentage

SIZES = [(480, 320), (960, 640), (1920, 1080), (600, 900), (700, 700)]
PROBABILITIES = (0.01, 0.02, 0.6, 0.0, 0.25, 0.05, 0.03, 0.02, 0.015, 0.005)


@pytest.fixture(scope="module", autouse=True)
def fonts():
    pygame.font.init()
    yield
    pygame.font.quit()


def show(size, ink=None, answer=None, name="stub"):
    surface = pygame.Surface(size)
    layout = lay_out(*size)
    ink = np.zeros((28, 28), dtype=np.float32) if ink is None else ink
    View().draw(surface, layout, ink, answer, name)
    return surface, layout


def run_of(surface, rect, colour):
    """How many pixels of a colour the middle row of a rectangle begins with."""
    y = rect.y + rect.height // 2
    length = 0
    while length < rect.width and surface.get_at((rect.x + length, y))[:3] == colour:
        length += 1
    return length


def has_text(surface, rect):
    """Whether a rectangle holds anything but background."""
    part = surface.subsurface(rect)
    return any(
        part.get_at((x, y))[:3] != BACKGROUND for x in range(rect.width) for y in range(rect.height)
    )


@pytest.mark.parametrize("size", SIZES)
def test_bars_are_as_long_as_the_probabilities_and_the_best_is_marked(size):
    surface, layout = show(size, answer=Answer(PROBABILITIES))
    for digit, (row, probability) in enumerate(zip(layout.bars, PROBABILITIES, strict=True)):
        colour = BEST if digit == 2 else BAR
        length = run_of(surface, row.track, colour)
        assert abs(length - probability * row.track.width) <= 1, digit
        assert surface.get_at((row.track.right - 1, row.track.y))[:3] == TRACK
        assert has_text(surface, row.label)
        assert has_text(surface, row.percent)
    assert has_text(surface, layout.answer)


@pytest.mark.parametrize("size", SIZES)
def test_without_an_answer_there_are_no_bars(size):
    surface, layout = show(size)
    for row in layout.bars:
        assert run_of(surface, row.track, TRACK) == row.track.width
        assert has_text(surface, row.label)
        assert not has_text(surface, row.percent)


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_painted_outside_its_rectangle(size):
    surface, layout = show(size, answer=Answer(PROBABILITIES), name="a very long name " * 9)
    owned = pygame.mask.Mask(size)
    for rect in (layout.canvas, layout.answer, layout.help, layout.name):
        margin = 3 if rect is layout.canvas else 0  # the frame
        owned.draw(
            pygame.mask.Mask((rect.width + 2 * margin, rect.height + 2 * margin), fill=True),
            (rect.x - margin, rect.y - margin),
        )
    for row in layout.bars:
        for rect in (row.label, row.track, row.percent):
            owned.draw(pygame.mask.Mask(rect[2:], fill=True), rect[:2])
    painted = pygame.mask.from_threshold(surface, BACKGROUND, (1, 1, 1, 255))
    painted.invert()
    painted.erase(owned, (0, 0))
    assert painted.count() == 0


@pytest.mark.parametrize("size", SIZES)
def test_a_cell_of_ink_fills_its_square_and_no_other(size):
    ink = np.zeros((28, 28), dtype=np.float32)
    ink[27, 0] = 1.0
    surface, layout = show(size, ink)
    x, y = (int(v) for v in layout.to_pixels(0, 27))
    for dx in (0, layout.cell - 1):
        for dy in (0, layout.cell - 1):
            assert surface.get_at((x + dx, y + dy))[:3] == INK
    middle = layout.cell // 2
    assert surface.get_at((x + middle, y - layout.cell + middle))[:3] == PAPER
    assert surface.get_at((layout.canvas.right - middle, y + middle))[:3] == PAPER


def test_a_panel_drawn_again_leaves_nothing_of_the_one_before():
    for size in SIZES:
        surface, layout = show(size, answer=Answer(PROBABILITIES))
        View().draw_panel(surface, layout, None)
        fresh, _ = show(size)
        assert surface.get_buffer().raw == fresh.get_buffer().raw


def test_a_canvas_drawn_again_leaves_nothing_of_the_one_before():
    ink = np.random.default_rng(0).random((28, 28), dtype=np.float32)
    for size in SIZES:
        surface, layout = show(size, ink)
        View().draw_canvas(surface, layout, np.zeros_like(ink))
        fresh, _ = show(size)
        assert surface.get_buffer().raw == fresh.get_buffer().raw


def test_a_long_name_is_made_to_fit():
    show((480, 320), name="x" * 500)


def test_cell_colours_go_from_paper_to_ink():
    colours = cell_colours(np.array([[0.0, 0.5, 1.0]], dtype=np.float32))
    assert tuple(colours[0, 0]) == PAPER
    assert tuple(colours[0, 2]) == INK
    assert (colours[0, 0] < colours[0, 1]).all()


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (0.0, "0 %"),
        (0.004, "0 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.999, ">99 %"),
        (1.0, "100 %"),
    ],
)
def test_percentages(probability, text):
    assert percentage(probability) == text
