"""What is read while the pen is down is not presented as sure, and is final once it is lifted."""

import json

import numpy as np
import pygame
import pytest

from app.drawing.strokes import fit, read_strokes
from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile
from app.session.demonstration import LIFT_SECONDS
from app.session.predictor import GLIDE_SECONDS
from app.window.loop import title
from app.window.style.palette import DARK
from nn.inference.classifier import load_classifier
from nn.inference.half_drawn import once_whole
from tests.helpers.paths import EXAMPLES
from tests.helpers.screens import draw, painted, point, press, send, start, written_by

STEM = [(14, 6), (14, 10), (14.5, 16), (14, 22)]  # a perfect 1


@pytest.fixture
def screen(clock, tmp_path):
    return start(clock, tmp_path, model="cnn")


def mouse(screen, kind, place, button=1):
    where = tuple(int(v) for v in screen.layout.to_pixels(*place))
    more = {"buttons": (1, 0, 0)} if kind == pygame.MOUSEMOTION else {"button": button}
    send(screen, kind, pos=where, **more)


def begin_stem(screen):
    """Draw a line by the mouse, hold the pen down, and wait until it is read."""
    mouse(screen, pygame.MOUSEBUTTONDOWN, STEM[0])
    for place in STEM[1:]:
        mouse(screen, pygame.MOUSEMOTION, place)
        screen.update()
    screen.session.clock.now += screen.session.predictor.interval
    screen.update()


def lift(screen):
    mouse(screen, pygame.MOUSEBUTTONUP, STEM[-1])
    screen.update()


def is_marked(screen):
    """Whether anything of the answer, its bars or the table has the colour of what is sure."""
    surface, layout = painted(screen), screen.layout
    parts = [surface.subsurface(rect) for rect in (layout.answer, layout.body)]
    return any(
        pygame.mask.from_threshold(part, DARK.best, (9, 9, 9, 255)).count() for part in parts
    )


@pytest.mark.parametrize("panel", ["answer", "networks", "training"])
def test_a_line_is_no_sure_one_while_the_pen_is_down_and_one_once_it_is_lifted(screen, panel):
    predictor = screen.session.predictor
    screen.open_panel(panel)
    begin_stem(screen)
    answer = predictor.answer
    assert (answer.digit, answer.is_provisional, answer.is_sure) == (1, True, False)
    assert answer.confidence < 0.8
    assert sum(answer.probabilities) == pytest.approx(1)
    assert not is_marked(screen)
    said = written_by(screen)
    assert "so far" in said
    assert ">99 %" not in said
    assert title(answer).startswith("Digitpad – so far 1 (")
    for entry in screen.session.networks.entries:
        assert predictor.answer_of(entry.network).is_provisional
    version, framing = predictor.version, predictor.framing
    lift(screen)
    whole = predictor.answer
    assert predictor.version > version
    assert not predictor.is_stale
    assert (whole.digit, whole.is_provisional, whole.is_sure) == (1, False, True)
    expected = screen.session.network.probabilities(framing.image[None])[0]
    np.testing.assert_allclose(whole.probabilities, expected, rtol=1e-5)
    np.testing.assert_allclose(answer.probabilities, once_whole(expected[None])[0], rtol=1e-5)
    assert is_marked(screen)
    assert "so far" not in written_by(screen)


def test_lifting_the_pen_where_it_is_moves_nothing_and_reads_once(screen):
    predictor = screen.session.predictor
    begin_stem(screen)
    screen.session.clock.now += GLIDE_SECONDS
    former = predictor.framing
    lift(screen)
    assert predictor.glide == 1
    np.testing.assert_array_equal(predictor.framing.image, former.image)
    version = predictor.version
    screen.session.clock.now += 5
    screen.update()
    assert predictor.version == version


def test_the_eraser_leaves_the_answer_final(screen):
    draw(screen.session)
    mouse(screen, pygame.MOUSEBUTTONDOWN, (16, 20), button=3)
    screen.update()
    screen.session.clock.now += 1
    screen.update()
    assert screen.session.canvas.is_drawing
    assert not screen.session.predictor.is_stale
    assert not screen.session.predictor.answer.is_provisional


def test_what_is_unlike_any_digit_may_become_one(screen):
    screen.session.predictor._no_digit = lambda images: np.ones(len(images))
    begin_stem(screen)
    answer = screen.session.predictor.answer
    assert "so far, perhaps 1" in written_by(screen)
    assert title(answer) == "Digitpad – so far unlike any digit, perhaps 1"
    lift(screen)
    assert "perhaps 1" in written_by(screen)


def test_a_line_drawn_by_the_keyboard_is_provisional_until_the_pen_is_lifted(screen):
    for key in (pygame.K_UP, pygame.K_UP, pygame.K_SPACE, *[pygame.K_DOWN] * 12):
        press(screen, key)
    screen.update()
    screen.session.clock.now += 1
    screen.update()
    assert screen.session.predictor.answer.is_provisional
    press(screen, pygame.K_SPACE)
    screen.update()
    assert not screen.session.predictor.answer.is_provisional


def test_why_waits_for_the_pen_and_the_sum_inside_does_not_end_in_another_percentage(screen):
    session = screen.session
    screen.open_panel("inside")
    screen.why.switch()
    begin_stem(screen)
    session.explanation.settle()
    assert session.explanation.map is None
    said = " ".join(written_by(screen))
    assert "the part drawn so far" in said
    assert "÷" not in said
    lift(screen)
    session.explanation.settle()
    assert session.explanation.map is not None
    assert "÷" in " ".join(written_by(screen))


def test_the_pointer_on_the_answer_says_what_the_percentages_are(screen):
    for key in (pygame.K_UP, pygame.K_UP, pygame.K_SPACE, *[pygame.K_DOWN] * 12):
        press(screen, key)  # so that the pointer is free while the pen is down
    screen.update()
    screen.session.clock.now += 1
    screen.update()
    point(screen, screen.layout.answer)
    assert "the pen is still down" in screen.hint()
    point(screen, screen.layout.bars[4].whole)
    assert screen.hint().startswith("of digits that begin so, ")
    assert screen.hint().endswith(" % become a 4")


def test_nobody_is_asked_whether_an_answer_is_wrong_before_it_is_one(clock, tmp_path):
    network = load_classifier("cnn")
    my_digits = MyDigits(Profile(tmp_path / "me"), network, tmp_path)
    screen = start(clock, tmp_path, my_digits=my_digits)
    begin_stem(screen)
    send(screen, pygame.WINDOWLEAVE)
    assert screen.session.canvas.is_pen_down
    assert "wrong" not in screen.hint()
    lift(screen)
    assert screen.hint().startswith("wrong? press the right one")
    screen.session.close()


def test_a_digit_switched_off_gets_no_share_of_what_may_come(screen):
    screen.open_panel("inside")
    inspection = screen.session.inspection
    draw(screen.session)
    inspection.unit = len(inspection.stages) - 1, 4
    screen.do("switch off")
    screen.do("clear")
    begin_stem(screen)
    probabilities = screen.session.predictor.answer.probabilities
    assert probabilities[4] == 0
    assert sum(probabilities) == pytest.approx(1)


def test_a_drawing_saved_with_the_pen_down_is_saved_as_what_it_is(screen, tmp_path):
    begin_stem(screen)
    press(screen, pygame.K_s)
    assert not screen.session.predictor.answer.is_provisional
    (saved,) = (tmp_path / "drawings").glob("*.jsonl")
    assert json.loads(saved.read_text())["label"] == 1


def test_a_demonstration_ends_with_a_final_answer(clock, tmp_path):
    five = list(read_strokes(EXAMPLES))[5]
    screen = start(clock, tmp_path, digits=[five])
    session, kinds = screen.session, []
    session.predictor.interval = 0.2
    while session.demonstration is not None:
        session.update()
        if (answer := session.predictor.answer) is not None:
            assert answer.is_provisional <= session.canvas.is_pen_down
            kinds.append(answer.is_provisional)
        clock.now += LIFT_SECONDS / 4
    assert kinds.count(True) > 1
    assert kinds[-1] is False
    assert len(session.canvas.strokes) == len(fit(five.strokes))
