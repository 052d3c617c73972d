import functools
import threading
import time
from pathlib import Path

import numpy as np
import pygame
import pytest

from app.drawing.canvas import Canvas
from app.drawing.strokes import frame_digits, read_strokes
from app.my_digits.my_digits import READ_AT_ONCE, MyDigits, _ordinal
from app.my_digits.profile import Profile, ProfileError
from app.my_digits.tuner import BackgroundTuner
from app.session.predictor import Predictor
from app.window.painter import Painter
from nn.inference.classifier import DEFAULT_MODEL, load_classifier
from nn.inference.discount import MAX_NO_DIGIT
from nn.training.finetuning import Amounts, Tuner
from tests.helpers.clock import Clock
from tests.helpers.paths import CASES, EXAMPLES
from tests.helpers.screens import click, finger, middle, press, screen_of

LITTLE = Amounts(rehearsed=300, guarded=300, steps=20, batch=32, learning_rate=0.001)
SEVEN = [[(15.5, 5.0), (20.0, 5.0), (12.0, 24.0)]]  # read as a 1, by a little


@pytest.fixture(scope="module")
def shipped():
    return load_classifier("linear")


@pytest.fixture
def quick(monkeypatch):
    """A teacher that learns little and quickly."""
    little = functools.partial(BackgroundTuner, amounts=LITTLE)
    monkeypatch.setattr("app.my_digits.tuner.BackgroundTuner", little)


@pytest.fixture
def screen(tmp_path, shipped, quick):
    """A session with an empty profile."""
    my_digits = MyDigits(Profile(tmp_path / "profile"), shipped, tmp_path / "nowhere")
    screen = screen_of(shipped, my_digits=my_digits, clock=Clock())
    session = screen.session
    yield screen
    session.close()


@pytest.fixture
def session(screen):
    return screen.session


def draw(session, number=3):
    from app.drawing.strokes import fit

    digit = list(read_strokes(EXAMPLES))[number]
    session.clear()
    session.canvas.draw_strokes(fit(digit.strokes, 0.7, (0.0, 0.0)))
    session.predict_now()
    return digit


def draw_seven(session):
    session.clear()
    session.canvas.draw_strokes(SEVEN)
    session.predict_now()
    assert session.my_digits.shipped.logits(session.predictor.framing.image[None]).argmax() == 1


def learned(session):
    """Let the session look behind until nothing is being learned; returns all that it said."""
    said = []
    for _ in range(30_000):
        session.clock.now += 0.2
        session.update()
        if session.message and session.message not in said:
            said.append(session.message)
        if not session.my_digits.is_busy:
            return said
        time.sleep(0.01)
    raise AssertionError("it never ended")


def test_a_digit_key_keeps_the_drawing_and_the_network_learns_from_it(session):
    draw_seven(session)
    session.correct(7)
    assert "Kept as a 7: the 1st of your digits" in session.message
    assert session.label == 7
    (own,) = session.my_digits.profile.load().digits
    assert own.digit.label == 7
    said = learned(session)
    assert any("earned from 1" in line for line in said)
    assert session.my_digits.classifier is not None
    assert session.network is session.my_digits.classifier
    assert session.predictor.answer.digit == 7


def test_what_cannot_be_learned_changes_nothing(tmp_path):
    """A clean 5 that is kept as an 8, with the shipped network, tuned as in the window."""
    shipped = load_classifier(DEFAULT_MODEL)
    my_digits = MyDigits(Profile(tmp_path / "profile"), shipped, tmp_path / "nowhere")
    screen = screen_of(shipped, my_digits=my_digits, clock=Clock())
    session = screen.session
    (five,) = read_strokes(CASES / "one-5-labelled-8.jsonl")
    session.canvas.draw_strokes(five.strokes)
    session.predict_now()
    weights = shipped.checkpoint.model.parameters.copy()
    before = session.predictor.answer
    assert before.digit == 5
    session.correct(8)
    said = learned(session)
    assert said[-1] == "Kept the old weights: it would have read no more of your digits right"
    session.predict_now()
    np.testing.assert_array_equal(session.predictor.answer.probabilities, before.probabilities)
    np.testing.assert_array_equal(session.network.checkpoint.model.parameters, weights)
    assert my_digits.classifier is None
    assert not my_digits.profile.tuned_path(shipped.name).exists()
    assert [own.digit.label for own in my_digits.profile.load().digits] == [8]
    session.close()


def test_a_digit_that_is_read_right_teaches_nothing(session, shipped):
    draw(session)
    session.correct(3)
    assert learned(session)[-1] == "Kept the old weights: all of your digits are read right already"
    assert session.network is shipped


def test_after_a_delete_the_digits_that_remain_decide(screen, shipped):
    session = screen.session
    draw_seven(session)
    session.correct(7)
    learned(session)
    weights = session.network.checkpoint.model.parameters.copy()
    draw(session, 0)
    session.correct(8)  # cannot be learned
    assert learned(session)[-1].startswith("Kept the old weights: it would have ")
    np.testing.assert_array_equal(session.network.checkpoint.model.parameters, weights)
    screen.show_my_digits()
    screen.tell(screen.digits.change(None))
    learned(session)
    np.testing.assert_array_equal(session.network.checkpoint.model.parameters, weights)
    # With only what cannot be learned left, nothing of the deleted one stays.
    screen.leave()
    draw(session, 0)
    session.correct(8)
    screen.show_my_digits()
    screen.digits.row = 0
    screen.tell(screen.digits.change(None))
    assert "the shipped network reads again: it would have" in learned(session)[-1].lower()
    assert session.network is shipped
    tuned = session.my_digits.profile.tuned_path("linear")
    assert not tuned.exists()
    later = MyDigits(Profile(session.my_digits.profile.folder), shipped, Path("nowhere"))
    later.load()
    assert not later.is_busy
    assert later.classifier is None


def test_a_relabelled_digit_no_longer_counts_as_what_it_was(session, shipped):
    draw_seven(session)
    session.correct(7)
    learned(session)
    assert session.my_digits.classifier is not None
    session.correct(1)
    assert "all of your digits are read right" in learned(session)[-1]
    assert session.network is shipped
    assert not session.my_digits.profile.tuned_path("linear").exists()


def fail(*given):
    raise ProfileError("the disk is full")


def test_what_was_deleted_from_the_list_is_kept_anew_by_another_digit_key(screen):
    session = screen.session
    draw(session)
    session.correct(3)
    screen.show_my_digits()
    screen.tell(screen.digits.change(None))
    screen.leave()
    assert session.label is None
    session.correct(8)
    assert "Kept as an 8" in session.message
    assert session.label == 8
    (own,) = session.my_digits.profile.load().digits
    assert own.digit.label == 8
    session.my_digits.profile.remove(own.key)  # by another window
    session.correct(9)
    assert "Kept as a 9" in session.message
    assert [own.digit.label for own in session.my_digits.digits] == [9]


def test_the_label_stays_where_the_correction_cannot_be_changed(session, monkeypatch):
    draw(session)
    session.correct(3)
    with monkeypatch.context() as patch:
        patch.setattr("app.my_digits.profile.Profile.relabel", fail)
        patch.setattr("app.my_digits.profile.Profile.remove", fail)
        session.correct(8)
        assert session.message == "the disk is full"
        session.say("")
        session.undo()
        assert session.message == "the disk is full"
        assert session.label == 3
    session.undo()
    assert "Taken back" in session.message
    assert session.my_digits.profile.load().digits == ()
    assert not session.canvas.is_blank


def test_a_digit_opened_from_the_list_is_relabelled_and_never_taken_back(screen):
    session = screen.session
    draw(session)
    session.correct(3)
    session.clear()
    screen.show_my_digits()
    screen.open_marked()
    session.correct(8)
    assert [own.digit.label for own in session.my_digits.profile.load().digits] == [8]
    assert session.label == 8
    session.undo()
    assert session.canvas.is_blank
    assert len(session.my_digits.profile.load().digits) == 1


def test_ctrl_z_takes_the_correction_back_and_only_then_the_stroke(session):
    draw(session)
    ink = session.canvas.ink.copy()
    session.correct(5)
    session.undo()
    assert "Taken back" in session.message
    assert session.my_digits.profile.load().digits == ()
    assert session.label is None
    np.testing.assert_array_equal(session.canvas.ink, ink)
    session.undo()
    assert not np.array_equal(session.canvas.ink, ink)


def test_after_another_stroke_ctrl_z_undoes_that_and_the_correction_stays(session):
    draw(session)
    session.correct(5)
    session.canvas.draw_strokes([[(2, 2), (5, 5)]])
    session.undo()
    assert len(session.my_digits.profile.load().digits) == 1


def test_nothing_can_be_kept_of_blank_paper_or_of_a_picture(session):
    session.correct(4)
    assert "Draw a digit first" in session.message
    session.canvas.show_picture(np.ones((28, 28)))
    session.correct(4)
    assert "Only a digit drawn here" in session.message
    assert session.my_digits.profile.load().digits == ()


def test_the_list_relabels_deletes_and_opens(screen):
    session = screen.session
    for label in (1, 2):
        draw(session, label)
        session.correct(label)
    screen.show_my_digits()
    assert screen.dialog == "my digits"
    assert "2 digits kept" in session.my_digits.summary()
    assert screen.digits.row == 1
    session.correct(7)
    assert [own.digit.label for own in session.my_digits.digits] == [1, 7]
    screen.digits.row = 0
    screen.tell(screen.digits.change(None))
    assert [own.digit.label for own in session.my_digits.profile.load().digits] == [7]
    session.clear()
    screen.open_marked()
    assert screen.dialog is None
    assert session.label == 7
    assert not session.canvas.is_blank


def test_the_list_by_keys_and_clicks(screen):
    session = screen.session
    for label in range(3):
        draw(session, label)
        session.correct(label)
    press(screen, pygame.K_m)
    assert screen.digits.row == 2
    press(screen, pygame.K_LEFT)
    press(screen, pygame.K_RIGHT)
    press(screen, pygame.K_RIGHT)  # there is none
    assert screen.digits.row == 2
    click(screen, screen.layout.dialog.tiles(3).rect(1))
    assert (screen.dialog, screen.digits.row) == ("my digits", 1)
    dialog = screen.layout.dialog.sheet
    for place, overlay in (((dialog.x + 3, dialog.y + 3), "my digits"), ((2, 2), None)):
        click(screen, place)
        assert screen.dialog == overlay
    screen.show_my_digits()
    screen.digits.row = 1
    press(screen, pygame.K_DELETE)
    assert "Deleted" in session.message
    assert [own.digit.label for own in session.my_digits.digits] == [0, 2]
    press(screen, pygame.K_KP7, pygame.KMOD_NUM)
    assert [own.digit.label for own in session.my_digits.digits] == [0, 7]
    press(screen, pygame.K_f)
    assert session.my_digits.classifier is None
    press(screen, pygame.K_RETURN)
    assert (screen.dialog, session.label) == (None, 7)


def by_mouse(screen, button):
    click(screen, screen.layout.dialog.own_digit_buttons[button])


def by_finger(screen, button):
    place = middle(screen.layout.dialog.own_digit_buttons[button])
    for kind in (pygame.FINGERDOWN, pygame.FINGERUP):
        finger(screen, kind, place)


def marked(screen):
    digits = screen.session.my_digits.digits
    return digits[screen.digits.row].key if digits else None


def keep(session, *labels):
    for label in labels:
        draw(session, label)
        session.correct(label)


def labels_of(session):
    kept = [own.digit.label for own in session.my_digits.profile.load().digits]
    assert kept == [own.digit.label for own in session.my_digits.digits]
    return kept


@pytest.mark.parametrize("way", [by_mouse, by_finger])
@pytest.mark.parametrize("size", [(960, 640), (480, 320), (320, 480), (240, 240)])
def test_the_list_by_its_buttons(screen, way, size, monkeypatch):
    session = screen.session
    monkeypatch.setattr("app.window.controller.HAS_TOUCH_SCREEN", True)
    screen.resize(size)
    keep(session, 1, 2, 3)
    screen.show_my_digits()
    way(screen, "8")
    assert labels_of(session) == [1, 2, 8]
    screen.digits.row = 0
    way(screen, "remove marked")
    assert labels_of(session) == [2, 8]
    assert screen.dialog == "my digits"
    way(screen, "undo change")
    assert labels_of(session) == [1, 2, 8]
    assert screen.digits.row == 0
    way(screen, "undo change")
    assert labels_of(session) == [1, 2, 3]
    way(screen, "undo change")
    assert session.message == "Nothing to undo"
    way(screen, "forget")
    assert "shipped network reads again" in session.message
    screen.digits.row = 1
    way(screen, "open marked")
    assert (screen.dialog, session.label) == (None, 2)
    screen.show_my_digits()
    way(screen, "leave")
    assert screen.dialog is None
    assert not screen.quit_wanted


def test_ctrl_z_brings_a_deleted_digit_back_in_the_list_and_after_it(screen):
    session = screen.session
    keep(session, 1, 2, 3)
    before = session.my_digits.profile.path.read_bytes()
    for is_open in (True, False):
        press(screen, pygame.K_m)
        for _ in range(3):
            press(screen, pygame.K_DELETE)
        assert labels_of(session) == []
        if not is_open:
            press(screen, pygame.K_ESCAPE)
        for left in ([1], [1, 2], [1, 2, 3]):
            assert session.can_undo
            press(screen, pygame.K_z, pygame.KMOD_LCTRL)
            assert session.message == f"Restored as a {left[-1]}"
            assert labels_of(session) == left
        assert session.my_digits.profile.path.read_bytes() == before
        assert session.label == 3  # the drawing is the last of them again
        if is_open:
            press(screen, pygame.K_ESCAPE)
    ink = session.canvas.ink.copy()
    press(screen, pygame.K_z, pygame.KMOD_LCTRL)
    assert "Taken back" in session.message
    np.testing.assert_array_equal(session.canvas.ink, ink)
    press(screen, pygame.K_z, pygame.KMOD_LCTRL)
    assert not np.array_equal(session.canvas.ink, ink)


def test_ctrl_z_takes_back_what_was_done_last(screen):
    session = screen.session
    keep(session, 1, 2)
    screen.show_my_digits()
    screen.digits.row = 0
    screen.tell(screen.digits.change(None))
    screen.leave()
    session.canvas.draw_strokes([[(2, 2), (5, 5)]])
    session.undo()  # the stroke
    assert labels_of(session) == [2]
    session.correct(9)
    session.undo()  # the correction
    assert session.message == "Taken back"
    assert labels_of(session) == [2]
    screen.show_my_digits()
    screen.tell(screen.digits.undo())
    assert labels_of(session) == [1, 2]


def test_a_change_that_cannot_be_taken_back_can_be_tried_again(screen, monkeypatch):
    session = screen.session
    keep(session, 1, 2)
    screen.show_my_digits()
    screen.tell(screen.digits.change(None))
    with monkeypatch.context() as patch:
        patch.setattr("app.my_digits.profile.Profile.put", fail)
        session.undo()
        assert session.message == "the disk is full"
    session.undo()
    assert labels_of(session) == [1, 2]


def test_taking_a_correction_back_is_said_to_the_end(session):
    draw_seven(session)
    session.correct(7)
    session.undo()
    said = learned(session)
    assert session.message == "Taken back; the shipped network reads"
    assert all(line.startswith(("Taken back", "Your digits are being")) for line in said)
    draw_seven(session)
    session.correct(7)
    learned(session)
    draw(session)
    session.correct(8)
    session.undo()
    learned(session)
    assert session.message.startswith("Taken back; kept the old weights: all of your digits")


def test_that_a_digit_is_being_learned_stands_until_it_is(screen, monkeypatch):
    session = screen.session
    may_go_on = threading.Event()
    tune = Tuner.tune

    def slowly(*given):
        assert may_go_on.wait(300)
        return tune(*given)

    monkeypatch.setattr(Tuner, "tune", slowly)
    draw_seven(session)
    session.correct(7)
    for wait in (0.0, 5.9, 7.0, 100.0):
        session.clock.now += wait
        session.update()
        assert "being learned" in screen.hint()
        assert session.seconds_until_due() > 0
    session.change_brush(1)
    session.update()
    assert screen.hint().startswith("Brush")
    session.clock.now += 4.1
    session.update()
    assert "being learned" in screen.hint()
    screen.show_my_digits()
    session.update()
    assert "being learned" in session.message
    screen.leave()
    may_go_on.set()
    learned(session)
    assert session.message.startswith("Learned from 1")
    session.clock.now += 8.1
    session.update()
    assert session.message == ""


def test_a_digit_that_the_other_window_deleted_is_named_as_gone(screen):
    session = screen.session
    draw(session)
    session.correct(3)
    screen.show_my_digits()
    (own,) = session.my_digits.digits
    session.my_digits.profile.remove(own.key)
    assert session.my_digits.relabel(own.key, 5) == (False, "It is no longer there")
    assert session.my_digits.take_back(own.key) == (True, "It is no longer there")


def test_the_marked_digit_stays_marked_when_another_window_changes_the_list(screen):
    session = screen.session
    for label in range(4):
        draw(session, label)
        session.correct(label)
    keys = [own.key for own in session.my_digits.digits]
    screen.show_my_digits()
    screen.digits.row = 1
    session.my_digits.profile.remove(keys[0])
    screen.tell(screen.digits.change(7))
    assert marked(screen) == keys[1]
    screen.tell(screen.digits.change(None))
    assert [own.digit.label for own in session.my_digits.digits] == [2, 3]
    assert marked(screen) == keys[2]  # the next one
    session.my_digits.profile.remove(keys[2])
    screen.tell(screen.digits.change(None))
    assert session.message == "It is no longer there"
    assert marked(screen) == keys[3]
    screen.tell(screen.digits.change(None))
    assert marked(screen) is None


def test_what_cannot_be_changed_is_not_said_to_be(screen, monkeypatch):
    session = screen.session
    draw(session)
    session.correct(3)
    screen.show_my_digits()
    monkeypatch.setattr("app.my_digits.profile.Profile.remove", fail)
    monkeypatch.setattr("app.my_digits.profile.Profile.relabel", fail)
    screen.tell(screen.digits.change(None))
    assert session.message == "the disk is full"
    session.say("")
    session.correct(4)
    assert session.message == "the disk is full"
    session.say("")
    monkeypatch.setattr("app.my_digits.profile.Profile.load", fail)
    screen.show_my_digits()
    session.my_digits.profile.path.touch()  # looks changed
    screen.show_my_digits()
    assert session.message == "the disk is full"
    assert [own.digit.label for own in session.my_digits.digits] == [3]


def test_what_was_learned_stands_beside_the_shipped_network_and_is_forgotten(session):
    draw_seven(session)
    session.correct(7)
    learned(session)
    my_digits = session.my_digits
    assert "linear, yours" in [entry.name for entry in session.networks.entries]
    assert my_digits.classifier is not None
    assert session.networks.network is my_digits.classifier
    assert session.networks.entries[session.networks.chosen].accuracy is None  # never measured
    session.forget()
    assert [entry.name for entry in session.networks.entries] == ["linear"]
    assert session.networks.network is my_digits.shipped
    assert not my_digits.profile.tuned_path("linear").exists()
    assert len(my_digits.profile.load().digits) == 1


def test_many_digits_are_read_a_few_at_a_time_while_they_are_shown(screen, monkeypatch):
    monkeypatch.setattr("app.my_digits.my_digits.READING_SECONDS", 60)
    session = screen.session
    my_digits = session.my_digits
    recorded = list(read_strokes(EXAMPLES))
    for number in range(2 * READ_AT_ONCE + 3):
        digit = recorded[number % 10]
        shifted = [[(x + number / 100, y) for x, y in stroke] for stroke in digit.strokes]
        my_digits.profile.add(digit.label, shifted)
    my_digits.profile.add((recorded[0].label + 1) % 10, recorded[0].strokes)
    screen.show_my_digits()
    my_digits.close()
    read = [sum(my_digits.is_right(own) is not None for own in my_digits.digits)]
    assert "being read" in my_digits.summary()
    pygame.font.init()
    painter, surface = Painter(), pygame.Surface(screen.size)
    while my_digits.is_reading:
        painter.paint(surface, screen)
        session.clock.now += 0.5
        screen.update()
        assert not painter.is_current(screen)
        read.append(sum(my_digits.is_right(own) is not None for own in my_digits.digits))
    assert read == [READ_AT_ONCE, 2 * READ_AT_ONCE, 2 * READ_AT_ONCE + 4]
    images, labels = frame_digits([own.digit for own in my_digits.digits])
    np.testing.assert_array_equal([my_digits.image(own) for own in my_digits.digits], images)
    right = my_digits.shipped.logits(images).argmax(axis=1) == labels
    assert [my_digits.is_right(own) for own in my_digits.digits] == right.tolist()
    assert not right[-1]
    assert f"{len(right)} digits kept, {right.sum()} read right" in my_digits.summary()
    my_digits.profile.remove(my_digits.digits[0].key)
    screen.dialog = None
    screen.show_my_digits()
    assert not my_digits.is_reading  # the others are known


def test_a_folder_that_cannot_be_written_is_one_line_and_no_more(tmp_path, shipped):
    (tmp_path / "profile").write_text("a file where the folder should be")
    screen = screen_of(
        shipped,
        my_digits=MyDigits(Profile(tmp_path / "profile"), shipped, tmp_path / "nowhere"),
        clock=Clock(),
    )
    session = screen.session
    draw(session)
    session.correct(3)
    assert "profile" in session.message
    assert "\n" not in session.message
    assert session.label is None


def test_with_nothing_learned_there_is_nothing_to_forget(tmp_path, shipped):
    my_digits = MyDigits(Profile(tmp_path / "profile"), shipped, tmp_path / "nowhere")
    assert my_digits.forget() == "Nothing has been learned yet"
    assert my_digits.poll() is None
    assert my_digits.summary().startswith("No digits yet")
    my_digits.close()


def test_what_cannot_be_forgotten_is_not_said_to_be(session, monkeypatch):
    draw_seven(session)
    session.correct(7)
    learned(session)
    monkeypatch.setattr("app.my_digits.profile.Profile.forget_tuned", fail)
    session.forget()
    assert session.message == "The disk is full"


def test_without_a_profile_or_a_marked_digit_the_list_has_nothing_to_do(screen, shipped):
    session = screen.session
    bare = screen_of(shipped, clock=Clock())
    for each in (bare, screen):
        each.dialog = "my digits"
        each.digits.change(None)
        each.open_marked()
        assert each.session.canvas.is_blank
    bare.session.forget()
    screen.digits.change(5)  # relabels nothing
    screen.dialog = "help"
    draw(session)
    press(screen, pygame.K_5)  # over the help, a digit key means nothing
    assert session.my_digits.profile.load().digits == ()


def test_a_second_window_sees_what_the_first_one_kept(screen, tmp_path, shipped):
    session = screen.session
    draw(session)
    session.correct(3)
    other = MyDigits(Profile(tmp_path / "profile"), shipped, tmp_path / "nowhere")
    other.load()
    assert [own.digit.label for own in other.digits] == [3]
    other.close()
    other.profile.relabel(other.digits[0].key, 8)
    screen.show_my_digits()
    assert [own.digit.label for own in session.my_digits.digits] == [8]


def test_what_is_no_digit_is_answered_with_doubt(shipped):
    canvas = Canvas()
    predictor = Predictor(shipped, canvas, no_digit=lambda images: np.array([True]))
    canvas.draw_strokes([[(5, 5), (20, 20)]])
    predictor.predict_now()
    assert not predictor.answer.is_digit
    assert not predictor.answer.is_sure


def test_a_house_is_refused_and_a_three_is_not(session):
    from app.session.predictor import no_digit

    draw(session)
    assert no_digit(session.predictor.framing.image[None])[0] <= MAX_NO_DIGIT
    canvas = Canvas()
    house = [
        [(5, 25), (5, 12), (14, 3), (23, 12), (23, 25), (5, 25)],
        [(10, 25), (10, 17), (16, 17), (16, 25)],
        [(17, 10), (20, 10), (20, 13), (17, 13), (17, 10)],
    ]
    canvas.draw_strokes(house)
    assert no_digit(canvas.framing().image[None])[0] > MAX_NO_DIGIT


def test_what_the_file_held_is_said_also_where_a_tuning_ends_at_the_same_time(session, monkeypatch):
    draw_seven(session)
    session.correct(7)
    my_digits = session.my_digits
    while my_digits._tuner._thread.is_alive():
        time.sleep(0.005)
    with my_digits.profile.path.open("ab") as file:  # by hand
        file.write(b"seven\n")
    monkeypatch.setattr("nn.support.deadline.PATIENCE", 0)
    reading, load = threading.Event(), my_digits.profile.load
    monkeypatch.setattr(my_digits.profile, "load", lambda: (reading.wait(60), load())[1])
    assert my_digits.refresh() == ""
    reading.set()
    assert my_digits._looking.is_done(60)
    said = my_digits.poll()
    assert said.startswith("Learned from 1 of your digits")
    assert "digits.jsonl, line 2 is not JSON" in said


def test_ordinals():
    expected = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 21: "21st"}
    assert {number: _ordinal(number) for number in expected} == expected


def test_another_digit_key_says_what_the_same_drawing_is_instead(session):
    draw(session)
    session.correct(3)
    session.correct(8)
    assert [own.digit.label for own in session.my_digits.profile.load().digits] == [8]
    assert session.label == 8
    session.undo()
    assert session.my_digits.profile.load().digits == ()


def test_a_lesson_leaves_the_panel_and_the_chosen_network_alone(tmp_path, shipped, quick):
    my_digits = MyDigits(Profile(tmp_path / "profile"), shipped, tmp_path / "nowhere")
    screen = screen_of(load_classifier("tiny"), my_digits=my_digits, clock=Clock())
    session = screen.session
    session.networks.add(load_classifier("linear"))  # the shipped one, read a second time
    session.networks.add(load_classifier("mlp"))
    draw_seven(session)
    screen.open_panel("training")
    session.correct(7)
    said = learned(session)
    assert screen.panel == "training"
    assert session.network.name == "mlp"
    assert any("Tab chooses 'linear, yours'" in words for words in said)
    session.networks.choose_network(my_digits.classifier)
    session.forget()
    assert session.network.path == shipped.path
    session.close()


def test_of_very_many_digits_a_page_is_shown_with_the_marked_one_on_it(screen, monkeypatch):
    monkeypatch.setattr("app.window.screen.lists.PAGE", 4)
    session = screen.session
    for number in range(10):
        session.my_digits.profile.add(number, [[(5.0, 5.0), (20.0, 5.0 + number)]])
    screen.show_my_digits()
    assert (screen.digits.row, screen.digits.shown) == (9, range(8, 10))
    screen.digits.move(-2)
    assert screen.digits.shown == range(4, 8)
    click(screen, screen.layout.dialog.tiles(4).rect(1))
    assert screen.digits.row == 5
    screen.digits.change(None)
    assert [own.digit.label for own in session.my_digits.digits] == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    pygame.font.init()
    painter, surface = Painter(), pygame.Surface(screen.size)
    for row in (0, 8):
        screen.digits.row = row
        assert painter.paint(surface, screen)
    session.close()


def test_a_drawing_of_a_fast_mouse_on_a_large_screen_is_kept(screen):
    session = screen.session
    angles = np.linspace(0, 6, 15_000)
    circle = np.stack([14 + 9 * np.cos(angles), 14 + 9 * np.sin(angles)], axis=1)
    session.canvas.draw_strokes([circle.tolist()])
    session.predict_now()
    session.correct(0)
    assert session.message.startswith("Kept as a 0")
    (own,) = session.my_digits.digits
    np.testing.assert_allclose(own.digit.strokes[0][-1], circle[-1], atol=0.001)
    kept = Canvas()
    kept.draw_strokes(own.digit.strokes)
    assert np.abs(kept.ink - session.canvas.ink).max() < 0.01
    session.close()
