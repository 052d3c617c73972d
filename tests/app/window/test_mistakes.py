import itertools

import numpy as np
import pygame
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.draw import main
from app.session.counts import Tally
from app.window.layout.layout import lay_out
from app.window.layout.mistakes_layout import lay_out_mistakes
from app.window.painter import Painter
from app.window.panels.mistakes import described
from app.window.style.palette import PALETTES
from app.window.style.text import TextRenderer
from app.window.view import View
from nn.inference.classifier import load_classifier
from tests.helpers.contrast import contrast
from tests.helpers.screens import click, follow, painted, point, press, screen_of, written_by

SIZES = [(480, 320), (960, 640), (1920, 1080), (640, 960)]


def counted(clock, data, size=(960, 640), theme="dark"):
    """A screen whose panel shows how `linear` reads a hundred made-up digits."""
    screen = screen_of(load_classifier("linear"), size, theme, clock=clock, data_dir=data, seed=1)
    press(screen, pygame.K_e)
    mistakes = screen.session.mistakes
    follow(screen, lambda: mistakes.count is not None and mistakes.count.is_over)
    return screen


def places(screen):
    return screen.mistakes.lay_out(screen.layout)


def commonest(screen):
    wrong = screen.mistakes.tally.confusion * ~np.eye(10, dtype=bool)
    return divmod(int(wrong.argmax()), 10)


def on_canvas(screen):
    """The place in the test file of the digit on the canvas."""
    images = screen.session.mnist.test.images
    return int(np.flatnonzero((images == screen.session.canvas.ink.ravel()).all(axis=1))[0])


@given(
    st.tuples(st.integers(320, 4096), st.integers(320, 2304)),
    st.booleans(),
)
@example((480, 320), False)
@example((240, 240), False)
@example((240, 240), True)
@example((3840, 2160), True)
def test_the_parts_of_the_panel_are_inside_it_and_do_not_overlap(size, is_inside):
    layout = lay_out(*size, "mistakes")
    found = lay_out_mistakes(layout, is_inside)
    rects = [found.words, *layout.panel_buttons.values()]
    if found.about is not None and found.about != found.words:
        rects.append(found.about)
    if found.matrix is not None:
        matrix = found.matrix
        rects += [matrix.rect(index) for index in range(100)]
        rects += [found.heading(matrix, digit) for digit in range(10)]
        rects += [found.side(matrix, digit) for digit in range(10)]
    if found.digits is not None:
        rects += [found.digits.rect(index) for index in range(found.digits.count)]
        assert found.digits.count > 0
    assert found.matrix is not None or is_inside
    if min(size) < 320:  # cut short, but drawn
        return
    for rect in rects:
        assert rect.x >= layout.body.x
        assert rect.right <= layout.body.right
        assert rect.y >= layout.body.y
        assert rect.bottom <= layout.body.bottom
    boxes = [pygame.Rect(rect) for rect in rects]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.colliderect(other)


@pytest.mark.parametrize("size", SIZES)
def test_a_cell_clicked_shows_its_digits_and_one_clicked_goes_to_the_canvas(
    clock, small_mnist, size
):
    screen = counted(clock, small_mnist, size)
    cell = commonest(screen)
    click(screen, places(screen).matrix.rect(cell[0] * 10 + cell[1]))
    digits = screen.mistakes.digits
    assert screen.mistakes.cell == cell
    assert len(digits) == screen.mistakes.tally.confusion[cell] > 1
    assert screen.session.canvas.is_blank
    tiles, page = places(screen).digits, screen.mistakes.page(screen.layout)
    click(screen, tiles.rect(len(page) - 1))
    assert on_canvas(screen) == digits[len(page) - 1]
    assert screen.session.label == cell[0]
    assert screen.session.predictor.answer.digit == cell[1]
    assert "MNIST" in screen.session.message


@pytest.mark.parametrize("size", SIZES)
def test_without_a_mouse_arrows_and_enter_do_the_same(clock, small_mnist, size):
    screen = counted(clock, small_mnist, size)
    cell = commonest(screen)
    press(screen, pygame.K_RIGHT)
    assert screen.mistakes.cell == cell
    for key in (pygame.K_LEFT, pygame.K_DOWN, pygame.K_UP, pygame.K_RIGHT):
        press(screen, key)
        assert (screen.mistakes.cell == cell) == (key == pygame.K_RIGHT)
    press(screen, pygame.K_RETURN)
    press(screen, pygame.K_RIGHT)
    press(screen, pygame.K_RETURN)
    assert on_canvas(screen) == screen.mistakes.digits[1]
    press(screen, pygame.K_LEFT)
    press(screen, pygame.K_LEFT)  # there is none before the first
    press(screen, pygame.K_RETURN)
    assert on_canvas(screen) == screen.mistakes.digits[0]
    press(screen, pygame.K_ESCAPE)
    assert screen.panel == "mistakes"
    assert not screen.mistakes.is_inside
    press(screen, pygame.K_LEFT)
    assert screen.mistakes.cell == (cell[0], (cell[1] - 1) % 10)
    press(screen, pygame.K_ESCAPE)
    assert screen.panel == "answer"
    assert not screen.quit_wanted


def test_while_the_keyboards_pen_is_in_use_the_arrows_move_it(clock, small_mnist):
    screen = counted(clock, small_mnist)
    press(screen, pygame.K_SPACE)
    place = screen.pen.place
    press(screen, pygame.K_RIGHT)
    assert screen.pen.place == (place[0] + 1, place[1])
    assert screen.mistakes.cell is None
    press(screen, pygame.K_ESCAPE)
    press(screen, pygame.K_RIGHT)
    assert screen.mistakes.cell is not None


def test_more_shows_all_of_them_page_by_page_by_key_button_and_tile(clock, small_mnist):
    screen = counted(clock, small_mnist, (480, 320))
    choice, layout = screen.mistakes, screen.layout
    press(screen, pygame.K_RETURN)
    assert choice.is_inside
    assert len(choice.digits) == len(choice.tally.misread) > 20
    steps = (
        lambda: press(screen, pygame.K_PAGEDOWN),
        lambda: click(screen, layout.panel_buttons["more"]),
        lambda: click(screen, places(screen).digits.rect(len(choice.page(layout)))),
    )
    for step in steps:
        choice.marked, seen = 0, []
        while True:
            page = choice.page(layout)
            seen += page
            if page.stop == len(choice.digits):
                break
            step()
        assert seen == list(range(len(choice.digits)))
    press(screen, pygame.K_PAGEDOWN)
    assert choice.marked == 0
    press(screen, pygame.K_PAGEUP)
    assert choice.page(layout).stop == len(choice.digits)
    assert screen.session.canvas.is_blank


def test_in_a_low_panel_the_digits_take_the_matrixs_place_and_give_it_back(clock, small_mnist):
    screen = counted(clock, small_mnist, (480, 320))
    for back in (
        lambda: press(screen, pygame.K_e),
        lambda: press(screen, pygame.K_ESCAPE),
        lambda: click(screen, screen.layout.panel_buttons["leave mistakes"]),
    ):
        assert places(screen).digits is None
        click(screen, places(screen).matrix.rect(35))
        press(screen, pygame.K_RETURN)
        screen.mistakes.choose(None)
        assert places(screen).matrix is None
        back()
        assert places(screen).matrix is not None
        assert screen.panel == "mistakes"
    click(screen, screen.layout.panel_buttons["leave mistakes"])
    assert screen.panel == "answer"


def test_a_cell_without_digits_leaves_the_matrix_where_it_is(clock, small_mnist):
    screen = counted(clock, small_mnist, (480, 320))
    empty = divmod(int(screen.mistakes.tally.confusion.argmin()), 10)
    assert screen.mistakes.tally.confusion[empty] == 0
    click(screen, places(screen).matrix.rect(empty[0] * 10 + empty[1]))
    assert places(screen).matrix is not None
    press(screen, pygame.K_RETURN)
    press(screen, pygame.K_PAGEDOWN)
    painted(screen)
    assert places(screen).matrix is not None
    press(screen, pygame.K_RIGHT)
    assert screen.mistakes.cell == (empty[0], (empty[1] + 1) % 10)


def test_the_button_for_the_next_misread_digit_shows_it(clock, small_mnist):
    screen = counted(clock, small_mnist)
    click(screen, screen.layout.panel_buttons["misread"])
    assert on_canvas(screen) == screen.mistakes.tally.misread[0]


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("size", SIZES)
def test_mistakes_are_coloured_and_every_number_can_be_read(clock, small_mnist, size, theme):
    screen = counted(clock, small_mnist, size, theme)
    surface = painted(screen)
    matrix, confusion = places(screen).matrix, screen.mistakes.tally.confusion
    palette = PALETTES[theme]
    for index in range(100):
        rect = matrix.rect(index)
        face = surface.get_at((rect.x, rect.y))[:3]
        number, is_right = confusion[divmod(index, 10)], index % 11 == 0
        assert (face == palette.paper) == (number == 0 and not is_right)
        assert (face == palette.track) == is_right
        colours = {surface.get_at((x, y))[:3] for x, y in itertools.product(
            range(rect.x, rect.right), range(rect.y, rect.bottom))}  # fmt: skip
        best = max(contrast(face, colour) for colour in colours)
        assert best > 3 if number and not is_right else best < 6, (index, number, best, face)


def test_only_the_panel_is_painted_again_when_something_of_it_changes(clock, small_mnist):
    screen = counted(clock, small_mnist)
    painter, surface, whole = Painter(), pygame.Surface(screen.size), pygame.Surface(screen.size)
    painter.paint(surface, screen)
    matrix = places(screen).matrix
    for change in (
        lambda: point(screen, matrix.rect(12)),
        lambda: point(screen, matrix.rect(13)),
        lambda: point(screen, screen.layout.canvas),
        lambda: press(screen, pygame.K_RIGHT),
        lambda: press(screen, pygame.K_UP),
        lambda: press(screen, pygame.K_RETURN),
        lambda: press(screen, pygame.K_PAGEDOWN),
        lambda: screen.session.counts._kept.clear(),
    ):
        change()
        assert not painter.is_current(screen)
        painted = painter.paint(surface, screen)
        assert [rect for rect in painted if pygame.Rect(rect).colliderect(screen.layout.body)]
        assert not [r for r in painted if pygame.Rect(r).colliderect(screen.layout.canvas)]
        View().draw(whole, screen)
        assert surface.get_buffer().raw == whole.get_buffer().raw


def test_the_matrix_does_not_fade_with_the_answer(clock, small_mnist):
    screen = counted(clock, small_mnist)
    session, painter, surface = screen.session, Painter(), pygame.Surface(screen.size)
    session.canvas.begin("draw", 14, 5)
    session.canvas.extend(14, 22)
    session.canvas.end()
    session.predict_now()
    painter.paint(surface, screen)
    body = pygame.Rect(screen.layout.body)
    before = pygame.surfarray.array3d(surface.subsurface(body))
    session.canvas.begin("draw", 20, 5)
    session.canvas.extend(20, 20)
    assert session.predictor.is_stale
    painter.paint(surface, screen)
    np.testing.assert_array_equal(pygame.surfarray.array3d(surface.subsurface(body)), before)


def test_a_screenshot_shows_all_that_is_counted(clock, small_mnist, tmp_path):
    path = tmp_path / "picture.png"
    data, model = ["--data-dir", str(small_mnist)], ["--model", "linear"]
    main(["--screenshot", str(path), "--panel", "mistakes", *data, *model])
    saved = pygame.image.load(str(path))
    screen = counted(clock, small_mnist)
    place = pygame.Rect(screen.layout.above_buttons)
    pictures = (saved, painted(screen))
    one, other = (pygame.surfarray.array3d(each.subsurface(place)) for each in pictures)
    np.testing.assert_array_equal(one, other)


def test_what_a_cell_counts_is_said_in_words(clock, small_mnist):
    screen = counted(clock, small_mnist)
    tally = screen.mistakes.tally
    found = int(tally.confusion[8, 1])
    assert described(tally, (8, 1)) == f"8s read as 1: {found} of 10"
    found = int(tally.confusion[2, 2])
    assert described(tally, (2, 2)) == f"2s read right: {found} of 10"


def test_the_chosen_cell_is_described_once_with_the_pointer_on_it(clock, small_mnist):
    screen = counted(clock, small_mnist)
    matrix, cell = places(screen).matrix, commonest(screen)
    click(screen, matrix.rect(cell[0] * 10 + cell[1]))
    point(screen, matrix.rect(cell[0] * 10 + cell[1]))
    words = described(screen.mistakes.tally, cell)
    assert sum(words in line for line in written_by(screen)) == 1
    other = cell[0], (cell[1] + 1) % 10
    point(screen, matrix.rect(other[0] * 10 + other[1]))
    assert described(screen.mistakes.tally, other) in written_by(screen)


def test_numbers_that_are_wider_than_larger_ones_are_not_cut(clock, small_mnist, monkeypatch):
    screen = counted(clock, small_mnist)
    confusion = screen.mistakes.tally.confusion
    confusion[:] = np.diag([311, *[288] * 9])  # in Inter a 1 is narrow
    shortened, numbers = TextRenderer._shortened, []

    def watched(self, text, *given):
        if text in ("311", "288"):
            numbers.append(shortened(self, text, *given))
        return shortened(self, text, *given)

    monkeypatch.setattr(TextRenderer, "_shortened", watched)
    for width in range(440, 640, 5):
        screen.resize((width, 320))
        painted(screen)
    assert set(numbers) == {"311", "288"}


def test_the_button_under_a_resting_pointer_is_no_longer_explained_once_it_is_gone(
    clock, small_mnist
):
    screen = counted(clock, small_mnist)
    button = screen.layout.panel_buttons["leave mistakes"]
    point(screen, button)
    assert screen.hint().startswith("back to the matrix")
    press(screen, pygame.K_e)
    assert screen.hover is None
    assert not screen.hint().startswith("back to the matrix")
    press(screen, pygame.K_e)
    assert screen.hover == "leave mistakes"
    click(screen, button)
    assert screen.panel != "mistakes"
    assert screen.hover is None


def test_the_panel_without_data_offers_the_download_on_its_button(clock, tmp_path, monkeypatch):
    monkeypatch.setattr("app.session.mnist.mnist_cache", lambda: tmp_path / "nothing")
    asked = []
    screen = screen_of(load_classifier("linear"), clock=clock)
    monkeypatch.setattr(screen.session.mnist, "download", lambda: asked.append(True))
    press(screen, pygame.K_e)
    screen.session.mnist.wait()
    screen.update()
    painted(screen)
    press(screen, pygame.K_RIGHT)
    press(screen, pygame.K_RETURN)
    press(screen, pygame.K_PAGEDOWN)
    assert not asked
    click(screen, screen.layout.panel_buttons["leave mistakes"])
    assert asked


def test_the_keys_begin_at_a_mistake_however_much_is_read_right(clock, small_mnist):
    screen = counted(clock, small_mnist)
    labels, read = np.array([1, 1, 1, 2, 2]), np.array([1, 1, 1, 3, 2])
    screen.session.mistakes.count.tally = Tally(labels, read, np.ones(5), 5)
    press(screen, pygame.K_RIGHT)
    assert screen.mistakes.cell == (2, 3)


def test_a_second_click_on_a_cell_shows_all_mistakes_again(clock, small_mnist):
    screen = counted(clock, small_mnist, (1920, 1080))
    rect = places(screen).matrix.rect(commonest(screen)[0] * 10 + commonest(screen)[1])
    click(screen, rect)
    assert screen.mistakes.cell == commonest(screen)
    click(screen, rect)
    assert screen.mistakes.cell is None
