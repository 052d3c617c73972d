import threading
import time

import numpy as np
import pygame
import pytest

from app.session.counts import Tally
from app.session.session import Session
from nn.inference.checkpoint import copied
from nn.inference.classifier import PACKAGED_MODELS, Classifier, load_classifier
from tests.helpers.screens import click, follow, load_networks, press, screen_of


class Reader:
    """Finds the digit that a made-up image is of, by its two bright rows; or what it is told to."""

    name = "reader"

    def __init__(self, answers=None):
        self.answers = answers
        self.calls = 0

    def probabilities(self, images):
        self.calls += 1
        best = np.full(len(images), 7) if self.answers is None else self.answers(images)
        return (0.9 * np.eye(10)[best] + 0.01).astype(np.float32)


class Slow(Reader):
    """Does not answer in the background before it may; a thread cannot wait with a copy of it."""

    def __init__(self):
        super().__init__()
        self.may_read, self.is_asked = threading.Event(), threading.Event()

    def __deepcopy__(self, memo):
        raise TypeError("cannot be copied")

    def probabilities(self, images):
        if threading.current_thread() is not threading.main_thread():
            self.is_asked.set()
            assert self.may_read.wait(60)
        return super().probabilities(images)


def start(clock, network, data, folders=()):
    screen = screen_of(network, clock=clock, data_dir=data, folders=folders, seed=3)
    load_networks(screen)
    return screen


def next_misread(screen):
    press(screen, pygame.K_n, pygame.KMOD_LSHIFT)


def is_counted(screen):
    count = screen.session.mistakes.count
    return count is not None and count.is_over


@pytest.fixture
def screen(clock, small_mnist):
    screen = start(clock, load_classifier("linear"), small_mnist, [lambda: PACKAGED_MODELS])
    yield screen
    screen.session.close()


def test_what_is_counted_is_what_the_window_answers(screen):
    session = screen.session
    for name in ("linear", "mlp", "cnn"):
        names = [entry.name for entry in session.networks.entries]
        screen.choose_network(names.index(name))
        if screen.panel != "mistakes":
            press(screen, pygame.K_e)
        follow(screen, lambda: is_counted(screen))
        tally = session.mistakes.count.tally
        as_drawn = session.network.probabilities(session.mnist.test.images).argmax(axis=1)
        assert (as_drawn != tally.read).any()  # framing matters
        for place, label in enumerate(session.mnist.test.labels.tolist()):
            session.test_digits.show(place)
            answer = session.predictor.answer
            assert session.label == label == tally.labels[place]
            assert answer.digit == tally.read[place]
            assert answer.confidence == pytest.approx(tally.confidences[place], abs=1e-5)
        expected = np.zeros((10, 10), int)
        np.add.at(expected, (session.mnist.test.labels, tally.read), 1)
        np.testing.assert_array_equal(tally.confusion, expected)


def test_shift_n_shows_every_misread_digit_in_turn_also_with_the_panel_closed(screen):
    session, shown = screen.session, []
    press(screen, pygame.K_e)
    follow(screen, lambda: is_counted(screen))
    press(screen, pygame.K_e)
    assert screen.panel == "answer"
    misread = session.mistakes.count.tally.misread
    assert len(misread) > 10
    for number in range(len(misread) + 1):
        next_misread(screen)
        shown.append(session.canvas.ink.copy())
        assert session.predictor.answer.digit != session.label
        place = number % len(misread)
        assert f"Misread {place + 1} of {len(misread)}" in session.message
        assert f" {session.label}, read as a" in session.message
    expected = session.mnist.test.images[misread].reshape(-1, 28, 28)
    np.testing.assert_array_equal(shown, [*expected, expected[0]])
    screen.do("undo")
    np.testing.assert_array_equal(session.canvas.ink, shown[-2])  # nothing drawn is lost


def test_the_digits_are_loaded_and_searched_in_the_background_until_one_is_found(
    clock, small_mnist
):
    threads = threading.active_count()
    network = Slow()
    screen = start(clock, network, small_mnist)
    session = screen.session
    began = time.monotonic()
    next_misread(screen)
    assert "MNIST" in session.message
    follow(screen, network.is_asked.is_set)
    assert time.monotonic() - began < 50
    follow(screen, lambda: "Looking for misread digits: 0 of 100" in session.message)
    assert session.canvas.is_blank
    network.may_read.set()
    follow(screen, lambda: not session.canvas.is_blank)
    assert session.label == 0  # the first of them; all are called a 7
    assert session.message == "Misread 1: a 0, read as a 7"
    session.close()
    assert threading.active_count() <= threads


def test_whoever_draws_meanwhile_is_not_disturbed(clock, small_mnist):
    network = Slow()
    screen = start(clock, network, small_mnist)
    next_misread(screen)
    follow(screen, network.is_asked.is_set)
    canvas, layout = screen.session.canvas, screen.layout
    click(screen, layout.canvas[:2])
    drawn = canvas.version
    network.may_read.set()
    while screen.session.mistakes.is_at_work:
        clock.now += 0.1
        screen.update()
    assert canvas.version == drawn
    assert screen.session.mistakes.count.tally.done < 100  # it paused
    screen.session.close()


def test_counts_are_kept_for_each_network_and_only_the_chosen_one_is_read(clock, small_mnist):
    slow, quick = Slow(), Reader()
    screen = start(clock, slow, small_mnist)
    session = screen.session
    session.networks.add(quick)
    session.choose_network([entry.network for entry in session.networks.entries].index(slow))
    press(screen, pygame.K_e)
    follow(screen, slow.is_asked.is_set)
    first = session.mistakes.count
    press(screen, pygame.K_TAB)
    assert session.network is quick
    clock.now += 1
    screen.update()  # which tells the other to stop
    assert first._stop.is_set()
    slow.may_read.set()
    follow(screen, lambda: is_counted(screen) and not first.is_running)
    assert 0 < slow.calls < 4  # a batch, not all
    calls, tally = quick.calls, session.mistakes.count.tally
    press(screen, pygame.K_TAB)
    assert session.mistakes.count is first
    follow(screen, lambda: is_counted(screen))
    press(screen, pygame.K_TAB)
    assert session.mistakes.count.tally is tally
    clock.now += 1
    screen.update()
    assert quick.calls == calls
    assert not session.mistakes.is_at_work
    session.close()


def test_with_units_switched_off_it_is_another_network_until_they_are_on_again(screen):
    session = screen.session
    press(screen, pygame.K_e)
    follow(screen, lambda: is_counted(screen))
    whole = session.mistakes.count
    read = int(np.bincount(whole.tally.read).argmax())
    session.canvas.draw_strokes([[(9, 5), (14, 22)]])
    session.predict_now()
    press(screen, pygame.K_i)
    session.ablation.switch((0, read))
    press(screen, pygame.K_e)
    follow(screen, lambda: is_counted(screen))
    without = session.mistakes.count
    assert without is not whole
    assert not (without.tally.read == read).any()
    next_misread(screen)
    assert session.predictor.answer.digit == without.tally.read[without.tally.misread[0]]
    press(screen, pygame.K_e)
    press(screen, pygame.K_i)
    press(screen, pygame.K_x, pygame.KMOD_LSHIFT)
    press(screen, pygame.K_e)
    assert session.mistakes.count is whole


def test_shift_n_while_a_network_learns_shows_what_it_misreads_now(clock, small_mnist):
    screen = start(clock, load_classifier("linear"), small_mnist)
    session = screen.session
    press(screen, pygame.K_t)
    follow(screen, lambda: session.course.training is not None)
    shown = set()
    for _ in range(4):
        next_misread(screen)
        follow(screen, lambda: not session.mistakes._is_searching)
        if session.label is None:  # it has learned all of the hundred
            break
        shown.add(session.canvas.ink.tobytes())
        assert "read as a" in session.message
        session.say("")
    assert len(shown) > 1
    training = session.course.training
    session.close()
    assert not any(count.is_running for count in session.counts._kept)
    assert training.state != "failed"


def test_a_network_whose_weights_have_changed_is_counted_anew(screen):
    session = screen.session
    press(screen, pygame.K_e)
    follow(screen, lambda: is_counted(screen))
    before = session.mistakes.count.tally
    session.network.checkpoint.model.parameters[...] *= -1
    session.counts.forget(session.network)
    follow(screen, lambda: is_counted(screen) and session.mistakes.count.tally is not before)
    assert (session.mistakes.count.tally.read != before.read).any()


def test_a_search_shows_only_what_the_network_misreads_with_the_weights_it_has_now(
    clock, small_mnist
):
    as_it_was = load_classifier("linear")
    network = Classifier(as_it_was.path, copied(as_it_was.checkpoint))
    screen = start(clock, network, small_mnist)
    session = screen.session
    press(screen, pygame.K_e)
    follow(screen, lambda: is_counted(screen))
    labels = session.mnist.test.labels
    former = set(session.mistakes.count.tally.misread.tolist())
    network.checkpoint.model.parameters[...] = 0
    network.checkpoint.model.layers[-1].params["bias"][int(labels[min(former)])] = 1
    session.mistakes.stop_searching()
    next_misread(screen)
    follow(screen, lambda: session.label is not None)
    assert session.label != labels[min(former)]
    assert session.predictor.answer.digit != session.label
    session.close()


def test_a_network_that_reads_all_of_them_is_praised(clock, small_mnist):
    def truth(images):
        matches = (images[:, None] == framed[None]).all(axis=(2, 3))
        return labels[matches.argmax(axis=1)]

    from nn.handwriting.framing import frame

    screen = start(clock, Reader(truth), small_mnist)
    session = screen.session
    session.mnist.load()
    session.mnist.wait()
    labels = session.mnist.test.labels.astype(int)
    framed = np.stack([frame(image) for image in session.mnist.test.images.reshape(-1, 28, 28)])
    for _ in range(2):
        next_misread(screen)
        follow(screen, lambda: session.message.startswith("reader reads all 100"))
        session.say("")
    assert session.canvas.is_blank
    session.close()


def test_without_the_data_e_offers_and_e_again_downloads(clock, small_mnist, tmp_path, monkeypatch):
    monkeypatch.setattr("app.session.mnist.mnist_cache", lambda: tmp_path / "nothing")
    asked = []

    def download(folder, progress):
        asked.append(folder)
        return small_mnist

    monkeypatch.setattr("nn.data.download.download_mnist", download)
    screen = screen_of(Reader(), clock=clock)
    session = screen.session
    next_misread(screen)
    follow(screen, lambda: "T offers to download it" in session.message)
    assert not session.mistakes.is_at_work
    press(screen, pygame.K_e)
    assert not asked  # not unasked
    press(screen, pygame.K_e)
    assert screen.panel == "mistakes"
    follow(screen, lambda: is_counted(screen))
    assert asked
    press(screen, pygame.K_e)
    assert screen.panel == "answer"
    session.close()


@pytest.mark.parametrize(
    ("error", "said"),
    [(MemoryError(), "not enough memory"), (ValueError("a shape"), "ValueError: a shape")],
)
def test_what_goes_wrong_in_the_background_is_said(clock, small_mnist, error, said):
    def fail(images):
        if len(images) > 1:
            raise error
        return np.zeros(1, int)

    screen = start(clock, Reader(fail), small_mnist)
    press(screen, pygame.K_e)
    follow(screen, lambda: is_counted(screen))
    assert said in screen.session.mistakes.count.message
    next_misread(screen)
    follow(screen, lambda: said in screen.session.message)
    assert not screen.session.mistakes.is_at_work


def test_what_went_wrong_is_tried_again_when_the_panel_is_opened_again(clock, small_mnist):
    is_ill = [True]

    def answers(images):
        if is_ill[0]:
            raise MemoryError
        return np.full(len(images), 7)

    screen = start(clock, Reader(answers), small_mnist)
    press(screen, pygame.K_e)
    follow(screen, lambda: is_counted(screen))
    is_ill[0] = False
    press(screen, pygame.K_e)
    press(screen, pygame.K_e)
    follow(screen, lambda: is_counted(screen))
    assert not screen.session.mistakes.count.message
    assert screen.session.mistakes.count.tally.is_complete


def test_where_there_is_no_thread_to_be_had_that_is_said(clock, small_mnist, refuse_threads):
    screen = start(clock, Reader(), small_mnist)
    screen.session.mnist.load()
    screen.session.mnist.wait()
    refuse_threads()
    next_misread(screen)
    assert "can't start new thread" in screen.session.message
    press(screen, pygame.K_e)
    assert is_counted(screen)


def test_the_surest_mistakes_come_first_and_the_least_sure_of_those_read_right():
    labels = np.array([4, 4, 4, 9, 4, 4])
    read = np.array([9, 9, 4, 4, 4, 9])
    confidences = np.array([0.5, 0.9, 0.8, 0.7, 0.6, 0.9], np.float32)
    tally = Tally(labels, read, confidences, 6)
    assert tally.digits((4, 9)).tolist() == [1, 5, 0]
    assert tally.digits((4, 4)).tolist() == [4, 2]
    assert tally.digits(None).tolist() == [1, 5, 3, 0]
    assert tally.digits((3, 3)).tolist() == []


def test_a_session_without_a_window_reads_nothing_unasked(small_mnist, clock):
    session = Session(Reader(), clock=clock, data_dir=small_mnist)
    clock.now += 10
    session.update()
    assert session.mistakes.count is None
    assert session.mnist.state == "unknown"
