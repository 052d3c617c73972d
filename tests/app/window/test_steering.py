"""A training that is steered and followed in the window."""

import threading
import time
from functools import partial

import numpy as np
import pygame
import pytest

from app.session.curves import CurvePoint, Curves
from app.session.diagnosis import Diagnosis
from app.session.knobs import Knobs
from app.session.training import Training
from app.window.painter import Painter, state_of
from app.window.panels.curves_view import accuracy_axis, epoch_axis, loss_axis
from app.window.panels.training_panel import faint_buttons, training_button_words, training_words
from app.window.panels.weights_view import arranged
from app.window.style.geometry import Rect
from app.window.style.palette import DARK, PALETTES
from app.window.view import network_name
from nn.inference.classifier import load_classifier
from nn.inference.weight_images import first_weights
from nn.network.architectures import NAMED, build
from nn.training.learner import Learner
from tests.helpers.screens import click, draw, follow, painted, point, press, start, written_by

TEXT = "app.window.style.text.TextRenderer.write"
SIZES = [(240, 240), (320, 480), (480, 320), (640, 480), (960, 640), (640, 1000), (1920, 1080)]


@pytest.fixture
def screen(clock, tmp_path, small_mnist, monkeypatch):
    monkeypatch.setattr("app.session.training_course.users_networks", lambda: tmp_path / "networks")
    screen = start(clock, tmp_path, data_dir=small_mnist)
    yield screen
    screen.session.close()


def batch(screen):
    """B, and what comes of it."""
    press(screen, pygame.K_b)
    settle(screen)


def settle(screen):
    follow(screen, lambda: not screen.session.course.is_at_work)


def begin(screen, batches=0):
    """A training that waits before its first batch, or after some."""
    screen.open_panel("training")
    batch(screen)
    for _ in range(batches):
        batch(screen)
    return screen.session.course.training


def look_at(screen, place):
    """Point at a place, where no message hides what is said of it."""
    point(screen, place)
    screen.session.say("", 0)
    screen.session.update()


def test_why_the_loss_on_its_own_digits_is_higher_is_said_where_it_is(screen):
    for name, words in (("linear", "loss is how wrong"), ("mlp", "only 95 % sure")):
        screen.session.networks.add(load_classifier(name))
        begin(screen, batches=1)
        look_at(screen, screen.layout.curves[:2])
        assert words in screen.hint()
        screen.session.course.discard()


def test_b_begins_with_random_weights_and_takes_one_batch_at_a_time(screen):
    draw(screen.session)
    training = begin(screen)
    assert (training.state, training.batch) == ("stopped", (0, 0))
    assert training_words(screen.session) == "linear: random weights, nothing learned yet"
    before = training.classifier.checkpoint.model.parameters.copy()
    answers = [screen.session.predictor.answer.probabilities]
    for number in (1, 2, 3):
        batch(screen)
        assert training.batch == (number, 5)
        assert len(training.curves.points) == number
        answers.append(screen.session.predictor.answer.probabilities)
        words = training_words(screen.session)
        assert words.startswith(f"linear paused: epoch 1, batch {number} of 5 · ")
    assert len(set(answers)) == 4  # the bars follow each batch
    assert (training.classifier.checkpoint.model.parameters != before).any()
    for _ in range(3):
        batch(screen)
    assert "epoch 2, batch 1 of 5" in training_words(screen.session)
    press(screen, pygame.K_t)
    follow(screen, lambda: training.state == "finished")
    press(screen, pygame.K_b)
    assert "T trains another" in screen.session.message
    assert {"batch", "slow"} <= set(faint_buttons(screen.session))


def test_b_pauses_a_training_that_runs(screen, monkeypatch):
    monkeypatch.setattr("app.session.training.Training", partial(Training, epochs=10_000))
    screen.steering.train()
    follow(screen, lambda: screen.session.course.training)
    training = screen.session.course.training
    press(screen, pygame.K_b)
    assert training.state == "stopped"
    assert "Paused" in screen.session.message
    settle(screen)
    done = training.curves.epoch
    time.sleep(0.05)
    assert training.curves.epoch == done


def test_slow_motion_by_key_and_button_and_full_speed_again(screen, monkeypatch):
    monkeypatch.setattr("app.session.training.SLOW_SECONDS", 0.05)
    screen.open_panel("training")
    press(screen, pygame.K_b, pygame.KMOD_LSHIFT)
    follow(screen, lambda: screen.session.course.training)
    training = screen.session.course.training
    assert training.is_slow
    begin = time.monotonic()
    follow(screen, lambda: training.batch[0] >= 4)
    assert time.monotonic() - begin > 0.1
    assert "linear in slow motion: epoch 1, batch " in training_words(screen.session)
    click(screen, screen.layout.panel_buttons["slow"])
    assert "full speed" in screen.session.message
    follow(screen, lambda: training.state == "finished")
    assert "linear finished: 10 epochs · " in training_words(screen.session)


def test_the_arrows_and_the_mouse_turn_the_knobs(screen):
    training = begin(screen, batches=1)
    course = screen.session.course
    press(screen, pygame.K_RIGHT)
    assert course.knobs.learning_rate == 0.002
    assert screen.session.message == "learning rate 0.001 → 0.002, from the next batch on"
    assert training.curves.marks == []  # not yet
    batch(screen)
    assert [mark.words for mark in training.curves.marks] == ["learning rate 0.001 → 0.002"]
    press(screen, pygame.K_DOWN)
    assert screen.session.message.startswith("batch size: 128, usually 128 · ")
    press(screen, pygame.K_LEFT)
    assert course.knobs.batch_size == 64
    click(screen, screen.layout.knobs["variation"].more)
    assert screen.steering.knob == "variation"
    assert course.knobs.variation == 0.25
    click(screen, screen.layout.knobs["variation"].less)
    click(screen, screen.layout.knobs["variation"].less)
    assert screen.session.message == "variation none is the lowest"
    click(screen, screen.layout.knobs["learning_rate"].setting)
    assert screen.steering.knob == "learning_rate"
    press(screen, pygame.K_UP)
    assert screen.steering.knob == "variation"
    press(screen, pygame.K_UP)
    batch(screen)
    last = training.curves.marks[-1]
    assert (last.words, last.label) == ("batch size 128 → 64", "batch 64")
    assert training._learner.latest[2] == 64
    look_at(screen, screen.layout.knobs["variation"].setting[:2])
    assert screen.hint() == (
        "how far each digit is turned, bent and thickened, usually none"
        " · the arrow keys turn it too"
    )
    # The arrows move pen and focus where these are in use.
    press(screen, pygame.K_SPACE)
    press(screen, pygame.K_RIGHT)
    assert course.knobs.batch_size == 64
    assert screen.pen.place is not None
    press(screen, pygame.K_ESCAPE)
    press(screen, pygame.K_F6)
    press(screen, pygame.K_RIGHT)
    assert (course.knobs.batch_size, screen.focus) == (64, "batch")


def test_esc_asks_before_it_quits_and_loses_a_training(screen):
    begin(screen, batches=2)
    press(screen, pygame.K_ESCAPE)  # closes the panel; the training goes on
    assert (screen.panel, screen.quit_wanted) == ("answer", False)
    press(screen, pygame.K_ESCAPE)
    assert not screen.quit_wanted
    assert "K keeps it" in screen.hint()
    press(screen, pygame.K_ESCAPE)
    assert screen.quit_wanted


def test_the_name_at_the_foot_says_that_the_network_is_in_training(screen):
    begin(screen, batches=1)
    assert network_name(screen).endswith(", in training")
    press(screen, pygame.K_ESCAPE)
    assert network_name(screen) == screen.session.network.name


def test_what_was_changed_by_hand_is_in_the_file_that_is_kept(screen):
    begin(screen, batches=2)
    press(screen, pygame.K_LEFT)
    batch(screen)
    press(screen, pygame.K_k)
    record = screen.session.network.checkpoint.record
    kept = load_classifier(screen.session.network.path).checkpoint.record
    assert kept == record
    assert record["made"] == "in the window, by T, and changed by hand while it ran"
    assert record["begun_with"] == Knobs(0.001, 128, 0.0)._asdict()
    [change] = record["changed_by_hand"]
    assert change["what"] == "learning rate 0.001 → 0.0005"
    assert change["epoch"] == pytest.approx(256 / 540)
    assert screen.session.course.former.marks  # its curves stay


def test_knobs_turned_before_it_begins_are_what_it_begins_with(screen):
    screen.open_panel("training")
    press(screen, pygame.K_RIGHT)
    assert screen.session.message == "learning rate 0.001 → 0.002, for the next training"
    training = begin(screen, batches=1)
    assert training.begun_with.learning_rate == 0.002
    assert training.curves.marks == []
    press(screen, pygame.K_k)
    record = screen.session.network.checkpoint.record
    assert record["made"] == "in the window, by T"
    assert record["begun_with"]["learning_rate"] == 0.002


def test_the_former_run_stays_as_a_ghost_until_it_is_thrown_away_too(screen):
    first = begin(screen, batches=3)
    press(screen, pygame.K_x)
    assert screen.session.course.training is None
    assert screen.session.course.former is first.curves
    curves = painted(screen).subsurface(screen.layout.curves)
    for colour in (DARK.best, DARK.against):  # grey already
        assert not pygame.mask.from_threshold(curves, colour, (9, 9, 9, 255)).count()
    second = begin(screen, batches=1)
    look_at(screen, screen.layout.curves[:2])
    words = "grey: the run before, linear with rate 0.001, batch 128, variation none"
    assert screen.hint() == words
    before = painted(screen)
    assert screen.session.course.former is first.curves
    painter = Painter()
    shown = pygame.Surface(screen.size)
    painter.paint(shown, screen)
    screen.session.course.former = None
    painter.paint(shown, screen)
    assert pygame.image.tobytes(shown, "RGB") != pygame.image.tobytes(before, "RGB")
    press(screen, pygame.K_x)
    assert screen.session.course.former is second.curves
    press(screen, pygame.K_x)
    assert screen.session.course.former is None
    assert "gone" in screen.session.message


def test_i_shows_the_weights_live_then_the_inside_of_the_network_in_training(screen):
    draw(screen.session)
    training = begin(screen)
    press(screen, pygame.K_i)
    assert screen.panel == "weights"
    pictures = []
    for _ in range(3):
        shown = painted(screen).subsurface(screen.layout.curves)
        pictures.append(pygame.image.tobytes(shown, "RGB"))
        state = state_of(screen)["body"]
        batch(screen)  # here too
        assert state_of(screen)["body"] != state
    assert len(set(pictures)) == 3
    press(screen, pygame.K_i)
    assert screen.panel == "inside"
    assert screen.session.network is training.classifier
    batch(screen)
    assert training.batch[0] == 4
    press(screen, pygame.K_i)
    assert screen.panel == "training"
    press(screen, pygame.K_i)
    press(screen, pygame.K_ESCAPE)
    assert screen.panel == "training"
    press(screen, pygame.K_i)
    press(screen, pygame.K_t)
    assert training.state != "stopped"
    press(screen, pygame.K_x)
    assert screen.session.course.training is None
    painted(screen)
    press(screen, pygame.K_TAB)
    assert screen.panel == "answer"


def test_tab_inside_a_training_shows_the_inside_of_another_network(screen):
    training = begin(screen)
    press(screen, pygame.K_i)
    press(screen, pygame.K_i)
    press(screen, pygame.K_TAB)
    assert screen.panel == "inside"
    assert screen.session.network is not training.classifier
    press(screen, pygame.K_i)
    assert screen.panel == "answer"


def ill(screen, clock, **diagnosis):
    training = begin(screen, batches=1)
    found = {"finding": "the loss has risen", "remedy": "a third of the rate", **diagnosis}
    training.diagnosis = Diagnosis(knobs=training.knobs._replace(learning_rate=0.0005), **found)
    return training


def test_d_does_what_the_diagnosis_says(screen, clock):
    training = begin(screen, batches=1)
    press(screen, pygame.K_d)
    assert screen.session.message == "Nothing seems to be wrong with this training"
    assert "remedy" in faint_buttons(screen.session)
    ill(screen, clock)
    assert training_words(screen.session) == "The loss has risen · D: a third of the rate"
    assert "remedy" not in faint_buttons(screen.session)
    press(screen, pygame.K_d)
    assert screen.session.course.training is training
    assert screen.session.course.knobs.learning_rate == 0.0005
    assert screen.session.course.diagnosis is None
    batch(screen)
    assert training.curves.marks[-1].words == "learning rate 0.001 → 0.0005"


def test_a_fresh_start_keeps_the_curves_and_takes_the_new_knobs(screen, clock):
    training = ill(screen, clock, is_fresh_start=True)
    click(screen, screen.layout.panel_buttons["remedy"])
    course = screen.session.course
    assert course.training is not training
    assert course.former is training.curves
    assert course.training.begun_with.learning_rate == 0.0005
    assert course.training.name == "linear"
    assert screen.session.network is course.training.classifier
    assert screen.session.message == "Started afresh with learning rate 0.001 → 0.0005"


def test_a_finished_training_is_not_begun_anew_without_a_warning(screen):
    training = begin(screen)
    press(screen, pygame.K_t)
    follow(screen, lambda: training.state == "finished")
    training.diagnosis = Diagnosis(
        "it is memorising", "vary the digits more", Knobs(0.001, 128, 0.5)
    )
    assert training_words(screen.session).endswith("D: fresh start, vary the digits more")
    press(screen, pygame.K_d)
    assert screen.session.course.training is training
    assert "K keeps this network; D again" in screen.session.message
    press(screen, pygame.K_d)
    assert screen.session.course.training is not training
    assert screen.session.course.training.begun_with.variation == 0.5


def test_a_training_whose_loss_is_no_number_says_so_and_d_begins_anew(screen):
    screen.session.course._by_hand = {"learning_rate": 1e38}
    screen.steering.train()
    course = screen.session.course
    follow(screen, lambda: course.training and course.training.state == "failed")
    assert training_words(screen.session).startswith(
        "The loss has grown beyond all bounds: the steps"
    )
    assert training_button_words(screen.session)["train"] == "Again"
    press(screen, pygame.K_d)
    assert course.training.begun_with.learning_rate == pytest.approx(1e38 / 3)
    assert screen.session.message.startswith("Started afresh with learning rate ")


def test_weights_that_are_no_numbers_are_drawn_and_not_kept(screen, tmp_path):
    training = begin(screen, batches=1)
    training._snapshot[:3] = np.nan, np.inf, -np.inf
    training.version += 1
    screen.session.course.training.refresh()
    screen.open_panel("weights")
    painted(screen)
    press(screen, pygame.K_k)
    assert "nothing can be kept" in screen.session.message
    assert not (tmp_path / "networks").exists()
    assert screen.session.course.training is training


@pytest.mark.parametrize("key", [pygame.K_x, pygame.K_k, pygame.K_d])
def test_the_window_does_not_wait_for_the_end_of_a_batch(screen, clock, monkeypatch, key):
    training = ill(screen, clock, is_fresh_start=True)
    is_held, may_go_on, step = threading.Event(), threading.Event(), Learner._step

    def held(learner, *given):
        is_held.set()
        may_go_on.wait(60)
        step(learner, *given)

    monkeypatch.setattr(Learner, "_step", held)
    press(screen, pygame.K_b)
    assert is_held.wait(60)
    press(screen, key)
    course = screen.session.course
    assert course.training is not training
    assert training._thread.is_alive()
    if course.training is None:
        press(screen, pygame.K_t)
    second = course.training
    assert second is not None
    time.sleep(0.05)
    assert second._learner.batch == 0  # it waits for the other
    may_go_on.set()
    follow(screen, lambda: second.state == "finished")
    assert not training._thread.is_alive()


@pytest.mark.parametrize("key", [pygame.K_b, pygame.K_d, pygame.K_x])
def test_where_no_training_is_seen_its_keys_do_nothing(screen, key):
    training = begin(screen, batches=1)
    press(screen, pygame.K_ESCAPE)
    press(screen, key)
    assert screen.session.course.training is training
    assert training.batch[0] == 1
    assert "T shows it" in screen.session.message


def test_b_downloads_nothing_unasked(screen, monkeypatch):
    monkeypatch.setattr("app.session.mnist.Mnist.download", lambda mnist: pytest.fail("asked for"))
    screen.session.mnist.state = "missing"
    screen.open_panel("training")
    press(screen, pygame.K_b)
    press(screen, pygame.K_b, pygame.KMOD_LSHIFT)
    assert "T downloads MNIST first" in screen.session.message
    press(screen, pygame.K_d)
    assert "T starts a training" in screen.session.message
    screen.session.mnist.state = "unknown"


# What is drawn


def test_the_digits_of_the_batch_are_shown_as_they_were_varied(screen, monkeypatch):
    training = begin(screen, batches=1)
    own = {image.tobytes() for image in screen.session.mnist.train.images}
    assert len(training.seen) == 24
    assert all(image.tobytes() in own for image in training.seen)
    for _ in range(4):
        click(screen, screen.layout.knobs["variation"].more)
    batch(screen)
    assert sum(image.tobytes() in own for image in training.seen) < 3
    screen.size = (1920, 1080)
    pictures, written = [], []
    monkeypatch.setattr(TEXT, lambda *given: written.append(given[2]))
    for panel in ("training", "weights"):
        screen.open_panel(panel)
        for strength in (1.0, 0.0):
            training.seen = training.seen * np.float32(strength)
            shown = painted(screen).subsurface(screen.layout.seen)
            pictures.append(pygame.image.tobytes(shown, "RGB"))
        training.seen = training.seen + np.float32(0.5)
    assert len(set(pictures)) == 4
    assert written.count("learned from") == 4
    look_at(screen, screen.layout.seen[:2])
    assert screen.hint().startswith("some digits of the batch")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_training_is_drawn_in_any_window(screen, clock, size, theme):
    begin(screen, batches=2)
    press(screen, pygame.K_x)
    training = ill(screen, clock)
    for _ in range(2):
        press(screen, pygame.K_RIGHT)
        batch(screen)
    screen.size, screen.theme = size, theme
    for panel in ("training", "weights", "inside"):
        screen.open_panel(panel)
        painted(screen)
        for rect in (*screen.layout.panel_buttons.values(), *screen.layout.bars):
            assert rect
    screen.open_panel("training")
    if screen.layout.curves is not None and screen.layout.curves.height > 60:
        curves = painted(screen).subsurface(screen.layout.curves)
        for colour in ("best", "against", "text"):
            found = pygame.mask.from_threshold(
                curves, getattr(PALETTES[theme], colour), (9, 9, 9, 255)
            )
            assert found.count() > 3, colour
    assert training.curves.marks


def test_a_mark_under_the_pointer_says_what_was_changed(screen):
    training = begin(screen, batches=2)
    press(screen, pygame.K_RIGHT)
    batch(screen)
    batch(screen)
    written = written_by(screen)
    assert "rate 0.002" in written
    curves = screen.layout.curves
    states = set()
    for x in range(curves.x, curves.right, 3):
        point(screen, (x, curves.y + curves.height // 2))
        states.add(str(state_of(screen)["body"]))
        written += written_by(screen)
    assert training.curves.marks[0].words in written
    assert len(states) > 3  # it is painted again


def test_the_time_that_is_left_is_told_once_it_can_be(screen):
    training = begin(screen, batches=1)
    assert "left" not in training_words(screen.session)
    training.state, training.seconds_left = "running", 75.0
    assert training_words(screen.session).endswith("· 75 s left")
    training.is_slow = True
    assert "left" not in training_words(screen.session)
    training.state = "stopped"


def test_the_axis_of_epochs_just_holds_the_curve():
    for epoch, end, words in (
        (0.001, 0.02, "1,080 digits"),
        (0.3, 0.5, "27,000 digits"),
        (0.7, 1, "1 epoch"),
        (1.01, 2, "2 epochs"),
        (9.99, 10, "10 epochs"),
        (95.5, 96, "96 epochs"),
    ):
        axis = epoch_axis(epoch, 100, 54_000)
        assert (axis.low, axis.high) == (0, end)
        assert axis.ticks[-1] == (end, words)
        assert 2 <= len(axis.ticks) <= 7
        assert 0 < axis.share(epoch) <= 1
    assert epoch_axis(10.0, 10, 54_000).high == 10


def test_the_axis_of_the_loss_is_logarithmic_and_that_of_the_accuracy_begins_where_it_may():
    points = [
        CurvePoint(0.1, 2.3, 0.1),
        *[CurvePoint(1 + i, 0.3 - 0.02 * i, 0.93) for i in range(12)],
    ]
    axis = loss_axis(points)
    assert (axis.low, axis.high) == (0.05, 5)
    assert axis.share(0.05) == 0
    assert axis.share(0.5) == pytest.approx(0.5)
    assert 2 <= len(axis.ticks) <= 6
    for losses in ([1e-9], [1e30], [0.0], [], [0.5], [1e-12, 1e29]):
        axis = loss_axis([CurvePoint(1, loss, 0.5) for loss in losses])
        assert axis.low < axis.high
        assert 2 <= len(axis.ticks) <= 6
    axis = accuracy_axis(points)
    assert (axis.low, axis.high) == (0.9, 1)
    assert [words for _, words in axis.ticks] == ["90 %", "95 %", "100 %"]
    assert accuracy_axis([]).low == 0


def test_the_curve_keeps_its_end_but_not_of_a_few_digits():
    curves = Curves("net", 3, 1000, Knobs())
    curves.add(1.0, 0.5, 900)
    curves.add_point(0.9)
    curves.add(9.0, 0.0, 10)
    curves.add_end(3)
    assert [point.epoch for point in curves.points] == [0.9]
    curves.add(1.0, 0.5, 100)
    curves.add_end(3)
    assert [point.epoch for point in curves.points] == [0.9, 3]


# The weights


@pytest.mark.parametrize(("name", "shape"), [("linear", (10, 28, 28)), ("cnn", (32, 3, 3))])
def test_the_first_weights_are_as_large_as_what_a_unit_sees(name, shape):
    model = build(NAMED[name], np.random.default_rng(0))
    assert first_weights(model).shape[1:] == shape[1:]
    pooled = build(
        [["Unflatten", 1, 28, 28], ["MaxPool2d", 2], ["Flatten"], ["Linear", 196, 10]],
        np.random.default_rng(0),
    )
    assert first_weights(pooled).shape == (10, 14, 14)


@pytest.mark.parametrize("count", [1, 8, 10, 75, 1000])
@pytest.mark.parametrize(
    "place", [Rect(0, 0, 380, 250), Rect(0, 0, 140, 12), Rect(0, 0, 1800, 900)]
)
def test_pictures_of_weights_are_as_large_as_there_is_room_for(count, place):
    shown, columns, side = arranged(count, place)
    assert 1 <= shown <= count
    rows = -(-shown // columns)
    assert columns * side <= place.width
    assert rows * side <= max(place.height, side)
    assert shown == count or side == 12
