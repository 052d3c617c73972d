"""Why, by erasing, as the session works it out beside the window."""

import threading
import time

import numpy as np
import pygame
import pytest

from app.drawing.strokes import fit, read_strokes
from app.session import erasing
from app.session.erasing import Erasing
from app.window.painter import state_of
from nn.inference.ablation import AblatedClassifier
from nn.inference.classifier import load_classifier
from nn.inference.occlusion import Occlusion
from nn.network.architectures import mlp
from tests.helpers.architectures import CONVOLUTION_LAST, own_network
from tests.helpers.paths import EXAMPLES
from tests.helpers.screens import follow, press, screen_of

ARCHITECTURES = {
    "linear only": mlp(),
    "convolution last": CONVOLUTION_LAST,
    "pooling first": [
        ["Unflatten", 1, 28, 28], ["MaxPool2d", 2], ["Flatten"], ["Linear", 196, 10],
    ],
}  # fmt: skip


class Opaque:
    """A network that cannot be seen into, nor copied, and says in which threads it was asked."""

    name = "opaque"

    def __init__(self):
        self.threads, self.largest = set(), 0
        self.lock = threading.Lock()  # which cannot be copied

    def probabilities(self, images):
        self.threads.add(threading.current_thread())
        self.largest = max(self.largest, len(images))
        p = np.full((len(images), 10), 0.02)
        top, bottom = images[:, :14].mean(axis=(1, 2)), images[:, 14:].mean(axis=(1, 2))
        p[:, 4] += 5 * top
        p[:, 9] += 5 * bottom
        return p / p.sum(axis=1, keepdims=True)


@pytest.fixture
def screen(clock):
    screen = screen_of(load_classifier("mlp"), clock=clock)
    yield screen
    screen.session.close()


def draw(session, digit=4):
    recorded = list(read_strokes(EXAMPLES))[digit]
    session.canvas.draw_strokes(fit(recorded.strokes, 0.5, (0.1, -0.1)))
    session.update()


def work(screen, until=lambda explanation: False):
    """Let the window's time go by until nothing more is to come, or `until` is true."""
    explanation = screen.session.explanation
    follow(screen, lambda: not explanation.is_at_work or until(explanation), seconds=20)


def test_the_map_comes_in_the_background_the_coarse_one_first(clock):
    screen = screen_of(load_classifier("cnn"), clock=clock)
    draw(screen.session)
    press(screen, pygame.K_w)
    assert screen.session.seconds_until_due() is not None  # the window stays awake
    states = []

    def is_there(explanation):
        found = explanation.map
        if found is not None and (not states or states[-1][0] is not found):
            states.append((found, state_of(screen)["canvas"]))
        return False

    began = time.thread_time()
    work(screen, is_there)
    assert time.thread_time() - began < 2  # of the window's own time, in many frames
    assert not states[0][0].is_fine
    assert states[-1][0].is_fine
    assert len({id(state) for _, state in states}) > 1  # it is painted anew for each
    assert screen.session.explanation.map.without
    screen.session.close()


def test_nothing_is_worked_out_unasked_and_all_ends_with_the_answer(screen):
    session = screen.session
    draw(session)
    session.update()
    assert session.explanation.map is None
    assert not session.explanation.is_at_work
    press(screen, pygame.K_w)
    work(screen)
    assert session.explanation.map is not None
    press(screen, pygame.K_r)
    assert session.explanation.map is None
    work(screen)
    assert not session.explanation.is_at_work


def test_a_changed_drawing_is_explained_anew_and_what_was_begun_is_dropped(clock):
    screen = screen_of(load_classifier("cnn"), clock=clock)
    session = screen.session
    draw(session)
    press(screen, pygame.K_w)
    work(screen, lambda explanation: explanation.map is not None)
    first = session.explanation.map
    session.canvas.begin("draw", 4, 4)
    session.canvas.extend(9, 4)
    assert session.explanation.map is None  # the colours are not about this drawing
    session.canvas.end()
    screen.update()
    work(screen)
    assert session.explanation.map is not first
    np.testing.assert_allclose(
        session.explanation.map.before, session.predictor.answer.probabilities, rtol=1e-4
    )
    names = [thread.name for thread in threading.enumerate()]
    session.close()
    assert names.count("erasing") == 0


def test_it_is_what_the_network_says_without_the_ink(screen):
    session = screen.session
    draw(session)
    press(screen, pygame.K_w)
    work(screen)
    found, image = session.explanation.map, session.predictor.framing.image
    reference = list(Occlusion(session.network.probabilities, image).maps(found.digit))[-1]
    np.testing.assert_allclose(found.effects, reference.effects, rtol=1e-3, atol=1e-5)


def test_another_digit_and_a_rival_come_at_once_from_what_was_read(screen):
    session = screen.session
    draw(session)
    press(screen, pygame.K_w)
    work(screen)
    answer = session.explanation.explained
    screen.why.explain(answer + 1)
    work(screen)
    assert session.explanation.map.digit == (answer + 1) % 10
    press(screen, pygame.K_v)
    work(screen)
    assert session.explanation.map.rival == answer  # the likeliest of the others


def test_v_goes_through_the_rivals_by_their_probability_and_back(screen):
    session = screen.session
    draw(session)
    p = session.predictor.answer.probabilities
    order = sorted(range(10), key=p.__getitem__, reverse=True)
    seen = []
    for _ in range(11):
        press(screen, pygame.K_v)
        seen.append(session.explanation.rival)
        if session.explanation.rival is not None:
            assert f"and not {seen[-1]}" in session.message
    assert seen == [*order[1:], None, order[1]]
    assert screen.is_why


def test_v_without_an_answer_asks_for_a_drawing(screen):
    press(screen, pygame.K_v)
    assert "Draw a digit first" in screen.session.message
    work(screen)
    assert screen.session.explanation.map is None


def test_a_rival_is_forgotten_with_the_answer_and_with_another_digit(screen):
    session = screen.session
    draw(session)
    press(screen, pygame.K_v)
    assert session.explanation.rival is not None
    press(screen, pygame.K_DOWN)
    assert session.explanation.rival is None
    press(screen, pygame.K_v)
    session.clear()
    draw(session, 3)
    assert session.explanation.rival is None


def test_a_network_that_cannot_be_copied_is_asked_in_the_windows_time_a_little_at_once(clock):
    network = Opaque()
    screen = screen_of(network, clock=clock)
    draw(screen.session)
    press(screen, pygame.K_w)
    slowest, end = 0.0, time.monotonic() + 20
    while screen.session.explanation.is_at_work:
        assert time.monotonic() < end
        clock.now += 0.1
        began = time.thread_time()
        screen.update()
        slowest = max(slowest, time.thread_time() - began)
    assert network.threads == {threading.current_thread()}
    assert network.largest <= erasing.SMALL_BATCH
    assert slowest < 0.1
    found = screen.session.explanation.map
    assert found.without
    assert np.abs(found.effects).max() > 0


def test_without_a_thread_it_works_in_the_windows_time(screen, refuse_threads):
    refuse_threads()
    draw(screen.session)
    press(screen, pygame.K_w)
    work(screen)
    assert screen.session.explanation.map.without


def test_a_network_that_fails_is_told_once_and_the_window_goes_on(clock):
    class OnlyOne:
        name = "only one at once"

        def probabilities(self, images):
            if len(images) > 1:
                raise ValueError("one at once")
            return np.full((1, 10), 0.1)

    screen = screen_of(OnlyOne(), clock=clock)
    draw(screen.session)
    press(screen, pygame.K_w)
    work(screen)
    clock.now += 0.1
    screen.update()
    assert screen.session.message == "Cannot tell why: ValueError: one at once"
    assert screen.session.explanation.map is None


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_any_architecture_is_explained(clock, architecture):
    screen = screen_of(own_network(architecture), clock=clock)
    draw(screen.session)
    press(screen, pygame.K_w)
    work(screen)
    assert np.isfinite(screen.session.explanation.map.effects).all()
    screen.session.close()


def test_the_copy_has_its_own_weights_and_keeps_what_is_off():
    whole = load_classifier("mlp")
    network = AblatedClassifier(whole, {(0, 3), (2, 7)})
    image = np.zeros((28, 28), np.float32)
    image[5:22, 12:15] = 1
    expected = network.probabilities(image[None])
    work = Erasing(network, image)
    before = whole.checkpoint.model.parameters.copy()
    whole.checkpoint.model.parameters[...] = 0  # as a training gives it new ones
    work.ask((1, None))
    work.finish()
    whole.checkpoint.model.parameters[...] = before
    np.testing.assert_allclose(work.maps[1, None].before, expected[0], rtol=1e-5)
    assert work.maps[1, None].before[7] == 0


def test_switching_a_unit_off_explains_the_network_without_it(screen):
    session = screen.session
    draw(session)
    press(screen, pygame.K_i)
    press(screen, pygame.K_w)
    work(screen)
    before = session.explanation.map
    press(screen, pygame.K_x)
    work(screen)
    assert session.explanation.map is not before
    np.testing.assert_allclose(
        session.explanation.map.before, session.predictor.answer.probabilities, atol=1e-6
    )


def test_the_window_reads_on_with_the_network_whose_copy_is_at_work(clock):
    screen = screen_of(load_classifier("cnn"), clock=clock)
    session = screen.session
    draw(session)
    image = session.predictor.framing.image[None]
    expected = session.network.probabilities(image).copy()
    press(screen, pygame.K_w)
    screen.update()
    for _ in range(40):
        np.testing.assert_array_equal(session.network.probabilities(image), expected)
    session.close()


def test_another_question_ends_the_one_before_it():
    image = np.zeros((28, 28), np.float32)
    image[5:23, 13:15] = 1
    found = Erasing(load_classifier("linear"), image)
    found.ask((1, None))
    next(found._steps)
    found.ask((7, None))
    found.finish()
    assert found.is_done((7, None))
    assert not found.is_done((1, None))
