import numpy as np
import pytest

from app.drawing.canvas import Canvas
from app.session.predictor import Answer, Predictor
from nn.handwriting.framing import frame_strokes


class Network:
    """Answers 7 with what it was told, and counts how often it was asked."""

    name = "stub"

    def __init__(self):
        self.images = []

    def probabilities(self, images):
        assert images.shape == (1, 28, 28)
        assert images.dtype == np.float32
        self.images.append(images)
        answer = np.full((1, 10), 0.02, dtype=np.float32)
        answer[0, 7] = 0.82
        return answer


@pytest.fixture
def network():
    return Network()


@pytest.fixture
def canvas():
    return Canvas()


@pytest.fixture
def predictor(network, canvas, clock):
    return Predictor(network, canvas, 1.0, clock)


def dot(canvas, x=14.0):
    canvas.begin("draw", x, 14.0)
    canvas.end()


def test_a_blank_canvas_is_never_read(predictor, network, clock):
    for _ in range(5):
        assert not predictor.update()
        assert predictor.seconds_until_due() is None
        clock.now += 1
    predictor.predict_now()
    assert predictor.answer is None
    assert network.images == []


def test_an_answer_comes_an_interval_after_the_first_ink(predictor, canvas, clock):
    canvas.begin("draw", 14.0, 14.0)
    assert not predictor.update()
    assert predictor.seconds_until_due() == pytest.approx(1.0)
    clock.now += 0.75
    assert not predictor.update()
    assert predictor.seconds_until_due() == pytest.approx(0.25)
    clock.now += 0.25
    assert predictor.update()
    assert predictor.answer.is_provisional
    canvas.end()
    assert predictor.update()
    assert not predictor.answer.is_provisional
    assert predictor.answer.digit == 7
    assert predictor.answer.confidence == pytest.approx(0.82)
    assert predictor.seconds_until_due() is None


def test_while_drawing_it_is_asked_once_an_interval_and_once_after(predictor, canvas, clock):
    network = predictor.network
    canvas.begin("draw", 1.0, 14.0)
    for step in range(300):  # three seconds of movement, a hundred points a second
        canvas.extend(1.0 + step / 12, 14.0)
        predictor.update()
        clock.now += 0.01
    canvas.end()
    for _ in range(500):
        predictor.update()
        clock.now += 0.01
    assert len(network.images) in (3, 4)
    np.testing.assert_array_equal(network.images[-1][0], frame_strokes(canvas.strokes))


def test_an_unchanged_drawing_is_not_read_again(predictor, network, canvas, clock):
    dot(canvas)
    predictor.update()
    for _ in range(10):
        clock.now += 1
        predictor.update()
    assert len(network.images) == 1


def test_a_blank_canvas_loses_its_answer_at_once(predictor, canvas, clock):
    dot(canvas)
    predictor.update()
    clock.now += 1
    predictor.update()
    canvas.undo()
    assert predictor.update()
    assert predictor.answer is None
    assert predictor.seconds_until_due() is None


def test_reset_forgets_the_answer_and_what_was_due(predictor, network, canvas, clock):
    canvas.begin("draw", 14.0, 14.0)
    predictor.update()
    canvas.clear()
    predictor.reset()
    clock.now += 5
    assert not predictor.update()
    assert network.images == []
    canvas.begin("draw", 3.0, 14.0)
    predictor.update()
    assert predictor.seconds_until_due() == pytest.approx(1.0)


def test_the_end_of_a_stroke_is_not_waited_for(predictor, network, canvas):
    canvas.begin("draw", 1.0, 14.0)
    canvas.extend(9.0, 14.0)
    assert not predictor.update()
    canvas.end()
    assert predictor.seconds_until_due() == 0
    assert predictor.update()
    assert predictor.answer is not None
    assert predictor.seconds_until_due() is None
    assert not predictor.update()
    assert len(network.images) == 1


def test_an_answer_is_stale_from_the_change_of_the_drawing_to_the_next_reading(
    predictor, canvas, clock
):
    dot(canvas)
    assert not predictor.is_stale  # there is none
    predictor.update()
    assert not predictor.is_stale
    canvas.begin("draw", 1.0, 4.0)
    predictor.update()
    assert predictor.is_stale
    clock.now += 1
    predictor.update()
    assert not predictor.is_stale
    canvas.extend(20.0, 4.0)
    assert predictor.is_stale
    canvas.end()
    predictor.update()
    assert not predictor.is_stale


def test_the_network_gets_its_own_copy(predictor, network, canvas):
    dot(canvas)
    predictor.predict_now()
    canvas.clear()
    assert network.images[0].any()


def test_what_may_be_no_digit_is_shown_as_less_sure(network, canvas, clock):
    likely = [0.1]
    predictor = Predictor(network, canvas, 1.0, clock, lambda images: np.array(likely))
    canvas.draw_strokes([[(9, 5), (14, 22)]])
    predictor.predict_now()
    assert predictor.answer.is_digit
    assert predictor.answer.confidence == pytest.approx(0.82 * 0.9 + 0.01)
    assert sum(predictor.answer.probabilities) == pytest.approx(1)
    other = Network()
    assert predictor.answer_of(other).confidence == predictor.answer.confidence
    likely[0] = 0.6
    predictor.predict_now()
    assert not predictor.answer.is_digit
    assert predictor.answer.confidence == pytest.approx(0.82)  # if it were a digit


def test_of_equal_probabilities_the_smallest_digit_is_the_answer():
    assert Answer((0.1,) * 10).digit == 0
