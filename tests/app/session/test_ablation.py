"""Switching parts of a network off, as the user does it: by keys, clicks and touches."""

import shutil
import threading
import time
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pygame
import pytest

from app.drawing.strokes import read_strokes
from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile
from app.session import counts
from app.window.painter import Painter
from nn.data.dataset import load_folder
from nn.handwriting.framing import frame
from nn.inference.ablation import AblatedClassifier
from nn.inference.checkpoint import load_checkpoint
from nn.inference.classifier import PACKAGED_MODELS, Classifier, load_classifier
from nn.network.architectures import mlp
from tests.helpers.architectures import CONVOLUTION_LAST, own_network
from tests.helpers.data_files import write_idx
from tests.helpers.screens import (
    Network,
    click,
    draw,
    finger,
    follow,
    load_networks,
    middle,
    press,
    screen_of,
    written_by,
)


def start(network, clock, **more):
    screen = screen_of(network, clock=clock, seed=3, **more)
    load_networks(screen)
    draw(screen.session)
    press(screen, pygame.K_i)
    return screen


def start_with_data(network, clock, data):
    """Where MNIST has been loaded before anything is asked of it."""
    screen = start(network, clock, data_dir=data)
    screen.session.mnist.load()
    screen.session.mnist.wait()
    return screen


def restore_all(screen):
    press(screen, pygame.K_x, pygame.KMOD_LSHIFT)


def place_of(screen, stage, unit):
    return middle(screen.inside.rows(screen.layout)[stage].rect(unit))


def touch(screen, place, clock, seconds):
    finger(screen, pygame.FINGERDOWN, place)
    clock.now += seconds
    finger(screen, pygame.FINGERUP, place)


def probabilities(session):
    return np.array(session.predictor.answer.probabilities)


@pytest.fixture
def screen(clock):
    screen = start(load_classifier("mlp"), clock)
    yield screen
    screen.session.close()


def test_x_switches_the_framed_part_off_and_on_again_and_the_bars_follow(screen):
    session = screen.session
    before = probabilities(session)
    unit = int(np.argmax(session.inspection.stages[1].strengths))
    click(screen, place_of(screen, 1, unit))
    press(screen, pygame.K_x)
    image = session.predictor.framing.image[None]
    expected = AblatedClassifier(load_classifier("mlp"), {(1, unit)}).probabilities(image)[0]
    np.testing.assert_allclose(probabilities(session), expected, rtol=1e-5)
    assert not np.allclose(probabilities(session), before)
    assert session.ablation.off == {(1, unit)}
    assert session.network.name == "mlp, 1 off"  # what the window shows as its name
    assert f"Neuron {unit + 1} is off" in session.message
    press(screen, pygame.K_x)
    np.testing.assert_array_equal(probabilities(session), before)
    assert session.network.name == "mlp"
    assert "on again" in session.message


def test_a_right_click_switches_off_and_draws_nothing(screen):
    session = screen.session
    drawn = session.canvas.version
    for stage, unit in ((0, 7), (1, 3), (2, 8)):
        click(screen, place_of(screen, stage, unit), button=3)
        assert session.inspection.looked_at == (stage, unit)
    assert session.ablation.off == {(0, 7), (1, 3), (2, 8)}
    click(screen, place_of(screen, 1, 3), button=3)
    assert session.ablation.off == {(0, 7), (2, 8)}
    assert session.canvas.version == drawn
    assert session.pointer is None
    restore_all(screen)
    assert not session.ablation.off


def test_a_right_click_beside_the_parts_still_erases(screen):
    session = screen.session
    drawn = session.canvas.version
    row, column = np.argwhere(session.canvas.ink > 0.5)[0]
    click(screen, screen.layout.to_pixels(column + 0.5, row + 0.5), button=3)
    assert not session.ablation.off
    assert session.canvas.version != drawn


def test_a_long_touch_switches_off_and_a_short_one_only_looks(screen, clock):
    session = screen.session
    touch(screen, place_of(screen, 1, 3), clock, 0.2)
    assert session.inspection.looked_at == (1, 3)
    assert not session.ablation.off
    clock.now += 1
    touch(screen, place_of(screen, 1, 5), clock, 0.8)
    assert session.ablation.off == {(1, 5)}
    clock.now += 1
    touch(screen, place_of(screen, 1, 5), clock, 0.8)
    assert not session.ablation.off


def test_the_bars_have_an_outline_where_they_are_with_everything_on(screen):
    session = screen.session
    whole = session.predictor.answer
    click(screen, place_of(screen, 2, whole.digit), button=3)
    assert session.predictor.answer.probabilities[whole.digit] == 0
    assert session.ablation.whole_answer == whole
    press(screen, pygame.K_i)  # the bars
    shots = []
    for _ in range(2):
        surface = pygame.Surface(screen.size)
        Painter().paint(surface, screen)
        shots.append(pygame.surfarray.array3d(surface))
        press(screen, pygame.K_i)
        restore_all(screen)
        session.inspection.unit = (2, 0)
        press(screen, pygame.K_i)
    track = screen.layout.bars[whole.digit].track
    end = track.x + round(whole.confidence * track.width) - 1
    middle = track.y + track.height // 2
    assert tuple(shots[0][end, middle]) != tuple(shots[0][end - 3, middle])  # only an outline
    assert tuple(shots[1][end, middle]) == tuple(shots[1][end - 3, middle])  # the bar itself


def test_a_part_that_is_off_stays_where_it_is(clock):
    screen = start(load_classifier("cnn"), clock)
    session = screen.session
    unit = session.inspection.by_strength(3)[2]
    place = place_of(screen, 3, unit)
    assert session.inspection.stages[3].strengths[unit] > 0
    for _ in range(2):
        click(screen, place, button=3)
        assert place_of(screen, 3, unit) == place
    session.close()


def test_the_buttons_of_the_panel_do_it_too_and_say_what_they_do(screen):
    session = screen.session
    surface = pygame.Surface(screen.size)
    painter = Painter()
    painter.paint(surface, screen)
    click(screen, place_of(screen, 1, 3))
    assert {"Off (X)", "Restore all (Shift-X)"} <= set(written_by(screen))
    click(screen, screen.layout.panel_buttons["switch off"])
    assert session.ablation.off == {(1, 3)}
    assert "On (X)" in written_by(screen)
    assert not painter.is_current(screen)
    click(screen, place_of(screen, 1, 5), button=3)
    click(screen, screen.layout.panel_buttons["restore"])
    assert not session.ablation.off


def test_the_sum_of_a_part_that_is_off_ends_at_the_0_that_it_gives(screen):
    session = screen.session
    unit = session.inspection.by_strength(1)[0]
    click(screen, place_of(screen, 1, unit))
    assert "ReLU" in written_by(screen)
    press(screen, pygame.K_x)
    columns = screen.inside.sum(screen.layout).columns
    assert [column.label for column in columns[-2:]] == ["sum", "off"]
    assert columns[-2].amount > 0 == columns[-1].amount
    assert f"Neuron {unit + 1}: 0.00, switched off" in written_by(screen)


def test_a_digit_that_is_off_has_its_logit_but_no_softmax(screen):
    session = screen.session
    digit = session.predictor.answer.digit
    click(screen, place_of(screen, 2, digit))
    logit = session.inspection.stages[-1].values[digit]
    press(screen, pygame.K_x)
    words = written_by(screen)
    assert f"Digit {digit}, its logit: {logit:.2f}, switched off" in words
    assert any("takes no part in the softmax" in word for word in words)
    click(screen, place_of(screen, 2, session.predictor.answer.digit))  # of the others it tells
    steps = session.inspection.softmax_steps
    assert steps.probability == pytest.approx(session.predictor.answer.confidence, rel=1e-5)


def test_in_a_tiny_window_the_buttons_keep_their_words_without_the_keys(screen):
    screen.resize((240, 240))
    assert {"Off", "Restore all"} <= set(written_by(screen))


def test_what_is_off_stays_off_for_the_next_drawing_and_in_other_panels(screen):
    session = screen.session
    click(screen, place_of(screen, 1, 3), button=3)
    press(screen, pygame.K_ESCAPE)
    press(screen, pygame.K_r)
    assert session.predictor.answer is None
    draw(session, 7)
    assert session.ablation.off == {(1, 3)}
    expected = AblatedClassifier(load_classifier("mlp"), {(1, 3)})
    image = session.predictor.framing.image[None]
    np.testing.assert_allclose(probabilities(session), expected.probabilities(image)[0], rtol=1e-5)


def test_every_network_has_its_own_and_the_table_lists_them_whole(clock):
    screen = start(load_classifier("linear"), clock, folders=[lambda: PACKAGED_MODELS])
    session = screen.session
    click(screen, place_of(screen, 0, 4), button=3)
    without = session.predictor.answer
    assert without.digit != 4
    own = session.networks.network
    assert type(own) is Classifier
    assert session.predictor.answer_of(own).digit == 4
    press(screen, pygame.K_ESCAPE)
    assert {"linear, whole", "tiny", "linear, 1 off"} <= set(written_by(screen))
    press(screen, pygame.K_i)
    press(screen, pygame.K_TAB)
    assert not session.ablation.off
    assert session.network.name == "tiny"
    press(screen, pygame.K_x)
    assert session.network.name == "tiny, 1 off"
    press(screen, pygame.K_TAB, pygame.KMOD_LSHIFT)
    assert session.ablation.off == {(0, 4)}
    assert session.predictor.answer == without
    restore_all(screen)
    press(screen, pygame.K_TAB)
    assert session.network.name == "tiny, 1 off"
    session.close()


def test_one_digit_must_stay(clock):
    screen = start(load_classifier("linear"), clock)
    for digit in range(10):
        click(screen, place_of(screen, 0, digit), button=3)
    assert screen.session.ablation.off == {(0, digit) for digit in range(9)}
    assert "must stay" in screen.session.message
    assert screen.session.predictor.answer.probabilities[9] == 1
    screen.session.close()


def test_x_on_the_answer_leaves_it_framed_so_that_x_brings_it_back(screen):
    session = screen.session
    before = session.predictor.answer
    press(screen, pygame.K_x)
    assert session.predictor.answer.digit != before.digit
    press(screen, pygame.K_x)
    assert session.predictor.answer == before


def test_with_nothing_drawn_x_says_so_and_what_is_off_can_still_be_restored(screen):
    session = screen.session
    click(screen, place_of(screen, 1, 3), button=3)
    press(screen, pygame.K_r)
    press(screen, pygame.K_x)
    assert session.ablation.off == {(1, 3)}
    assert "Draw a digit first" in session.message
    restore_all(screen)
    assert not session.ablation.off
    assert session.predictor.answer is None
    restore_all(screen)
    assert "Nothing is off" in session.message


def test_x_elsewhere_is_no_switch(screen):
    press(screen, pygame.K_ESCAPE)
    press(screen, pygame.K_x)
    restore_all(screen)
    assert not screen.session.ablation.off


def test_a_network_that_cannot_be_seen_into_has_nothing_to_switch_off(clock):
    screen = start(Network(), clock)
    press(screen, pygame.K_x)
    restore_all(screen)
    assert screen.session.network.name == "stub"
    assert not screen.session.ablation.off
    screen.session.close()


@pytest.mark.parametrize("architecture", [CONVOLUTION_LAST, mlp(), mlp([5], "Sigmoid")])
def test_a_network_of_ones_own_can_be_switched_too(clock, architecture):
    screen = start(own_network(architecture), clock)
    session = screen.session
    count = len(session.inspection.stages)
    for stage in range(count):
        click(screen, place_of(screen, stage, 0), button=3)
    assert len(session.ablation.off) == count
    assert [stage.off for stage in session.inspection.stages] == [(0,)] * count
    assert probabilities(session)[0] == 0
    Painter().paint(pygame.Surface(screen.size), screen)
    session.close()


def test_why_is_about_the_network_without_what_is_off(screen):
    session = screen.session
    digit = session.predictor.answer.digit
    click(screen, place_of(screen, 2, digit), button=3)
    press(screen, pygame.K_w)
    session.settle()
    found = session.explanation.map
    assert found.digit == session.predictor.answer.digit != digit
    np.testing.assert_allclose(found.before, probabilities(session), rtol=1e-4, atol=1e-7)
    screen.why.explain(digit)  # as a click on its bar does
    assert session.message == f"{digit} is switched off: no ink speaks for it or against it"
    session.settle()
    assert session.explanation.map is None
    assert not session.explanation.is_at_work
    restore_all(screen)
    session.settle()
    assert session.explanation.map.digit == digit


def test_the_mistakes_are_those_without_what_is_off(clock, small_mnist):
    screen = start(load_classifier("tiny"), clock, data_dir=small_mnist)
    session = screen.session
    click(screen, place_of(screen, 0, 2), button=3)
    press(screen, pygame.K_e)
    follow(screen, lambda: session.mistakes.count and session.mistakes.count.is_over)
    images = np.stack([frame(image.reshape(28, 28)) for image in session.mnist.test.images])
    without = AblatedClassifier(load_classifier("tiny"), {(0, 2)})
    read = without.probabilities(images).argmax(axis=1)
    np.testing.assert_array_equal(session.mistakes.count.tally.read, read)
    assert "tiny, 1 off" in written_by(screen)
    session.close()


def test_settling_waits_for_the_whole_network_while_that_has_its_turn(
    clock, small_mnist, monkeypatch
):
    read_batch = counts.Count._read_batch

    def slowly(count, reader):
        time.sleep(0.005)
        read_batch(count, reader)

    monkeypatch.setattr(counts.Count, "_read_batch", slowly)
    screen = start(load_classifier("linear"), clock, data_dir=small_mnist)
    session, mistakes = screen.session, screen.session.mistakes
    session.ablation.switch((0, 4))
    mistakes.show(True)
    session.mnist.wait()
    mistakes.poll()
    mistakes.count.pause()
    mistakes.count.wait()
    read_on(mistakes.count, (64 - mistakes.count.done) // counts.BATCH)
    session.ablation.poll()  # the whole network has read nothing yet
    polls, poll = [], mistakes.poll
    monkeypatch.setattr(mistakes, "poll", lambda: polls.append(poll()))
    session.settle()
    assert mistakes.count.tally.is_complete
    assert 1 < len(polls) < 5
    session.close()


# The network itself


def test_nothing_that_is_saved_kept_or_tuned_is_the_ablated_network(clock, tmp_path, small_mnist):
    whole = load_classifier("tiny")
    parameters = whole.checkpoint.model.parameters.copy()
    folder = tmp_path / "drawings"
    screen = start(whole, clock, drawings=folder, data_dir=small_mnist)
    session = screen.session
    answer = session.predictor.answer
    for stage, unit in ((0, 2), (1, answer.digit)):
        click(screen, place_of(screen, stage, unit), button=3)
    assert session.predictor.answer.digit != answer.digit
    press(screen, pygame.K_s)
    saved = list(read_strokes(next(folder.glob("*.jsonl"))))
    assert saved[0].label == answer.digit  # what the network itself reads
    np.testing.assert_array_equal(whole.checkpoint.model.parameters, parameters)
    assert [type(entry.network) for entry in session.networks.entries] == [Classifier]
    session.close()


def test_a_training_begins_from_the_architecture_and_keeps_a_whole_network(
    clock, tmp_path, small_mnist, monkeypatch
):
    kept = tmp_path / "networks"
    monkeypatch.setattr("app.session.training_course.users_networks", lambda: kept)
    screen = start(load_classifier("tiny"), clock, data_dir=small_mnist)
    session = screen.session
    click(screen, place_of(screen, 0, 2), button=3)
    press(screen, pygame.K_t)
    follow(screen, lambda: session.course.training is not None)
    session.course.training.wait()
    follow(screen, lambda: session.course.training.state == "finished")
    assert session.network.name == "tiny"
    press(screen, pygame.K_k)
    [path] = kept.glob("*.npz")
    load_checkpoint(path)
    assert session.networks.network.path == path
    assert session.network is session.networks.network
    session.close()


def test_a_network_in_training_has_its_newest_weights_and_the_units_stay_off(clock, small_mnist):
    screen = start(load_classifier("tiny"), clock, data_dir=small_mnist)
    session = screen.session
    press(screen, pygame.K_t)
    follow(screen, lambda: session.course.training is not None)
    training = session.course.training
    session.inspection.unit = (0, 2)
    session.ablation.switch()
    assert session.network.name == "tiny, 1 off"
    training.wait()
    follow(screen, lambda: training.shown[1] == "finished")
    image = session.predictor.framing.image[None]
    expected = AblatedClassifier(training.classifier, {(0, 2)}).probabilities(image)[0]
    np.testing.assert_allclose(probabilities(session), expected, rtol=1e-5)
    session.close()


def test_what_is_off_is_off_in_the_tuned_network_that_takes_the_place_of_the_chosen_one(
    clock, tmp_path, monkeypatch
):
    shipped = load_classifier("tiny")
    my_digits = MyDigits(Profile(tmp_path / "profile"), shipped, tmp_path / "nowhere")
    screen = start(shipped, clock, my_digits=my_digits)
    session = screen.session
    session.load_my_digits()
    click(screen, place_of(screen, 0, 2), button=3)
    own = Classifier(my_digits.tuned_path, load_checkpoint(shipped.path))
    my_digits.classifier = own
    monkeypatch.setattr(my_digits, "poll", iter(["Learned", *[None] * 99]).__next__)
    follow(screen, lambda: session.message == "Learned")
    assert session.networks.network is own
    assert session.ablation.off == {(0, 2)}
    assert type(session.predictor.network) is AblatedClassifier
    assert session.predictor.network.whole is own
    session.close()


# The accuracy


@pytest.fixture
def readable(small_mnist, tmp_path):
    """A small MNIST of whose test digits `tiny` reads all but every third as they are labelled."""
    folder = Path(shutil.copytree(small_mnist, tmp_path / "readable"))
    _, test = load_folder(folder)
    labels = load_classifier("tiny").probabilities(framed(test)).argmax(axis=1)
    labels[::3] = (labels[::3] + 1) % 10
    write_idx(folder / "t10k-labels-idx1-ubyte", labels)
    return folder


def framed(test):
    return np.stack([frame(image) for image in test.images.reshape(-1, 28, 28)])


def right(network, test):
    return np.mean(network.probabilities(framed(test)).argmax(axis=1) == test.labels)


def test_the_accuracy_without_them_follows_in_the_background(clock, readable):
    screen = start(load_classifier("tiny"), clock, data_dir=readable)
    session = screen.session
    assert session.ablation.line == ""
    for unit in (2, 5):
        click(screen, place_of(screen, 0, unit), button=3)
    assert session.ablation.line == "2 off · MNIST …"
    assert session.seconds_until_due() < 1
    follow(screen, lambda: not session.ablation.is_at_work)
    _, test = load_folder(readable)
    without = right(AblatedClassifier(load_classifier("tiny"), {(0, 2), (0, 5)}), test)
    assert session.ablation.accuracies == (0.66, without, 100, 100)
    assert without < 0.66
    follow(screen, lambda: session.message == "")
    assert screen.hint() == f"2 off · MNIST 66.0 → {100 * without:.1f} %"
    restore_all(screen)
    follow(screen, lambda: session.message == "")
    assert "MNIST" not in screen.hint()
    session.close()


def test_meanwhile_the_line_says_of_how_many_digits_it_is(clock, readable, monkeypatch):
    monkeypatch.setattr(counts, "BATCH", 10)
    monkeypatch.setattr(counts.Count, "_work", lambda *_: None)
    screen = start_with_data(load_classifier("tiny"), clock, readable)
    session = screen.session
    click(screen, place_of(screen, 0, 2), button=3)
    session.ablation.poll()
    assert session.ablation.line == "1 off · MNIST …"
    whole, without = session.counts.of(session.ablation.whole), session.counts.of(session.network)
    read_on(whole, 4)
    read_on(without, 3)
    session.ablation.poll()
    assert session.ablation.accuracies == (pytest.approx(20 / 30), ANY, 30, 100)
    assert " % after 30 digits" in session.ablation.line
    click(screen, place_of(screen, 0, 5), button=3)
    session.ablation.poll()
    assert session.counts.of(session.ablation.whole) is whole  # what it has read is kept
    assert session.ablation.accuracies is None
    read_on(whole, 6)
    read_on(session.counts.of(session.network), 10)
    session.ablation.poll()
    expected = right(session.network, session.mnist.test)
    assert session.ablation.accuracies == (0.66, expected, 100, 100)
    session.close()


def read_on(count, batches):
    for _ in range(batches):
        count._read_batch(count.network)


def test_the_figures_are_those_of_the_matrix_of_mistakes(clock, small_mnist):
    screen = start(load_classifier("linear"), clock, data_dir=small_mnist)
    session = screen.session
    session.ablation.switch((0, 4))
    follow(screen, lambda: not session.ablation.is_at_work)
    whole, without, *_, total = session.ablation.accuracies
    tallies = []
    for _ in range(2):
        session.mistakes.show(True)
        follow(screen, lambda: not session.mistakes.is_at_work)
        tallies.append(session.mistakes.count.tally)
        session.ablation.restore()
    assert [len(tally.misread) for tally in tallies] == pytest.approx(
        [(1 - without) * total, (1 - whole) * total]
    )
    session.close()


def test_what_was_found_out_once_is_known(clock, small_mnist, monkeypatch):
    screen = start(load_classifier("tiny"), clock, data_dir=small_mnist)
    session = screen.session
    click(screen, place_of(screen, 0, 2), button=3)
    follow(screen, lambda: session.mnist.test is not None)
    follow(screen, lambda: not session.ablation.is_at_work)
    found = session.ablation.accuracies
    read = []
    monkeypatch.setattr(counts.Count, "_read_batch", lambda *_: read.append(1))
    restore_all(screen)
    press(screen, pygame.K_x)
    session.ablation.poll()
    assert session.ablation.accuracies == found
    assert not read
    session.close()


def test_a_change_takes_the_place_of_the_comparison_under_way(clock, small_mnist, monkeypatch):
    monkeypatch.setattr(counts, "BATCH", 4)
    threads = threading.active_count()  # those of a test before may still be ending
    screen = start_with_data(load_classifier("tiny"), clock, small_mnist)
    session = screen.session
    for unit in range(6):
        click(screen, place_of(screen, 0, unit), button=3)
        session.ablation.poll()
    assert threading.active_count() <= threads + 2  # one at work at most
    follow(screen, lambda: not session.ablation.is_at_work)
    without = AblatedClassifier(load_classifier("tiny"), {(0, unit) for unit in range(6)})
    assert session.ablation.accuracies.without == right(without, session.mnist.test)
    session.close()


def test_weights_that_change_meanwhile_are_read_anew(clock, small_mnist):
    network = own_network(mlp([6]))
    screen = start(network, clock, data_dir=small_mnist)
    session = screen.session
    click(screen, place_of(screen, 0, 2), button=3)
    follow(screen, lambda: session.mnist.test is not None)
    follow(screen, lambda: not session.ablation.is_at_work)
    network.checkpoint.model.parameters[:] = np.random.default_rng(9).normal(
        size=network.checkpoint.model.parameters.size
    )
    session.counts.forget(network)
    follow(screen, lambda: not session.ablation.is_at_work)
    assert session.ablation.accuracies.whole == right(network, session.mnist.test)
    session.close()


def test_without_the_data_the_line_says_so(clock, tmp_path, monkeypatch):
    monkeypatch.setattr("app.session.mnist.mnist_cache", lambda: tmp_path / "none")
    screen = start(load_classifier("tiny"), clock)
    session = screen.session
    click(screen, place_of(screen, 0, 2), button=3)
    follow(screen, lambda: session.mnist.state == "missing")
    assert not session.ablation.is_at_work
    assert "MNIST is not on this computer" in session.ablation.line
    session.close()


def test_where_no_thread_can_be_started_the_line_says_so(clock, small_mnist, refuse_threads):
    screen = start_with_data(load_classifier("tiny"), clock, small_mnist)
    session = screen.session
    refuse_threads()
    click(screen, place_of(screen, 0, 2), button=3)
    follow(screen, lambda: not session.ablation.is_at_work)
    assert "accuracy unknown" in session.ablation.line
    assert "can't start new thread" in session.ablation.line
    session.close()


def test_what_runs_ends_with_the_window(clock, small_mnist, monkeypatch):
    monkeypatch.setattr(counts, "BATCH", 1)
    screen = start_with_data(load_classifier("cnn"), clock, small_mnist)
    session = screen.session
    before = set(threading.enumerate())
    press(screen, pygame.K_x)
    session.ablation.poll()
    threads = set(threading.enumerate()) - before
    assert threads
    start_of_end = time.monotonic()
    session.close()
    assert time.monotonic() - start_of_end < 1
    assert not any(thread.is_alive() for thread in threads)
    assert session.ablation.accuracies is None  # they were far from their end
