"""The faint digit on blank paper is painted, and nothing else knows of it."""

import pygame
import pytest

from app.drawing.strokes import RecordedDigit
from app.window.painter import Painter, state_of
from app.window.screen.trace import lines_of, traced_digit
from app.window.style.palette import PALETTES
from nn.handwriting.framing import SIZE, Stroke, frame_strokes
from nn.inference.classifier import load_classifier
from tests.helpers.clock import Clock
from tests.helpers.contrast import contrast
from tests.helpers.screens import Network, painted, screen_of, send

SIZES = [(240, 240), (480, 320), (960, 640), (3840, 2160)]


def canvas_of(screen):
    return painted(screen).subsurface(screen.layout.canvas)


def colours_of(surface):
    pixels = pygame.image.tobytes(surface, "RGB")
    return set(zip(*[iter(pixels)] * 3, strict=True))


def draw(screen, *places):
    kinds = (pygame.MOUSEBUTTONDOWN, pygame.MOUSEMOTION, pygame.MOUSEBUTTONUP)
    for kind, place in zip(kinds, places, strict=False):
        pos = tuple(int(value) for value in screen.layout.to_pixels(*place))
        send(screen, kind, button=1, pos=pos, rel=(1, 1), buttons=(1, 0, 0))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_blank_paper_shows_a_digit_that_is_seen_but_faint(size, theme):
    palette = PALETTES[theme]
    colours = colours_of(canvas_of(screen_of(Network(), size=size, theme=theme)))
    faint = colours - {palette.paper, palette.grid, palette.quiet}
    assert faint
    assert all(1.1 < contrast(colour, palette.paper) < 2 for colour in faint)


def test_it_is_no_ink_and_is_neither_read_nor_saved(tmp_path):
    screen = screen_of(Network(), clock=Clock(), drawings=tmp_path)
    session = screen.session
    canvas_of(screen)
    session.settle()
    assert session.canvas.is_blank
    assert session.canvas.strokes == []
    assert session.predictor.answer is None
    screen.do("save")
    screen.do("undo")
    assert list(tmp_path.iterdir()) == []
    assert session.message == "Nothing to undo"


def test_it_goes_with_the_first_ink_and_another_comes_on_the_next_sheet():
    screen = screen_of(Network(), clock=Clock())
    first, painter = traced_digit(screen.session), Painter()
    surface = pygame.Surface(screen.size)
    painter.paint(surface, screen)
    draw(screen, (2, 2))
    assert traced_digit(screen.session) is None
    painter.paint(surface, screen)
    shown = surface.subsurface(screen.layout.canvas)
    x, y = (round(8 * screen.layout.cell), round(8 * screen.layout.cell))
    far = shown.subsurface((x, y, 15 * screen.layout.cell, 15 * screen.layout.cell))
    palette = PALETTES["dark"]
    assert colours_of(far) <= {palette.paper, palette.grid}
    screen.do("clear")
    assert traced_digit(screen.session) not in (None, first)


def test_a_picture_of_the_window_is_always_the_same():
    one, other = (canvas_of(screen_of(Network())) for _ in range(2))
    assert pygame.image.tobytes(one, "RGB") == pygame.image.tobytes(other, "RGB")


def test_the_paper_between_two_recorded_digits_shows_none():
    digit = RecordedDigit(1, [[(0.0, 0.0), (0.0, 9.0)]])
    screen = screen_of(Network(), clock=Clock(), digits=[digit])
    assert screen.session.canvas.is_blank
    before = state_of(screen)
    assert traced_digit(screen.session) is None
    screen.do("clear")  # which ends the demonstration
    assert traced_digit(screen.session) is not None
    assert state_of(screen) != before


@pytest.mark.parametrize("digit", range(10))
def test_who_traces_it_is_read_as_that_digit(digit):
    lines = lines_of(digit)
    assert all(0 < value < SIZE for line in lines for point in line for value in point)
    image = frame_strokes([Stroke(line, 1.1) for line in lines])
    for name in ("cnn", "mlp"):
        assert load_classifier(name).probabilities(image[None])[0].argmax() == digit
