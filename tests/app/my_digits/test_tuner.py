import threading
import time
from pathlib import Path

import numpy as np
import pytest

from app.drawing.strokes import RecordedDigit
from app.my_digits.profile import Profile
from app.my_digits.tuner import Teacher, frame_digits
from app.replay import Setting, draw_digits
from nn.inference.classifier import load_reader
from nn.training.finetuning import save_tuned
from tests.robustness.killing import AMOUNTS

ROOT = Path(__file__).parents[3]
SEVEN = [[(16.0, 5.0), (20.0, 5.0), (12.0, 24.0)]]  # read as a 1, by a little
ONE = [[(14.0, 4.0), (14.0, 24.0)]]


@pytest.fixture(scope="module")
def shipped():
    return load_reader("mlp")


@pytest.fixture
def profile(tmp_path):
    return Profile(tmp_path / "someone")


@pytest.fixture
def teacher(profile, shipped):
    teacher = Teacher(profile, shipped, 0, Path("nowhere"), 1, AMOUNTS)
    yield teacher
    teacher.close()


def lesson_of(teacher, seconds=300):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        lesson = teacher.poll()
        if lesson is not None:
            return lesson
        time.sleep(0.005)
    raise AssertionError("no lesson came")


def test_a_lesson_is_kept_and_taken_up_again(teacher, profile, shipped):
    profile.add(7, SEVEN)
    assert teacher.load() == []
    assert teacher.stale
    teacher.start()
    assert teacher.busy
    lesson = lesson_of(teacher)
    assert lesson.learned, lesson.message
    assert lesson.message == "learned from 1 of your digits"
    assert not teacher.busy
    assert teacher.poll() is None  # said once
    assert teacher.network is lesson.outcome.reader
    weights = teacher.network.checkpoint.model.parameters
    assert not np.array_equal(weights, shipped.checkpoint.model.parameters)

    later = Teacher(profile, shipped, 0, Path("nowhere"), 1, AMOUNTS)
    assert later.load() == []
    assert not later.stale
    np.testing.assert_array_equal(later.network.checkpoint.model.parameters, weights)


def test_the_shipped_network_is_never_changed(teacher, profile, shipped):
    before = shipped.checkpoint.model.parameters.copy()
    profile.add(4, ONE)
    teacher.start()
    lesson_of(teacher)
    np.testing.assert_array_equal(shipped.checkpoint.model.parameters, before)


def test_forget_returns_to_the_shipped_network_and_keeps_the_digits(teacher, profile, shipped):
    profile.add(7, SEVEN)
    teacher.start()
    assert lesson_of(teacher).learned
    assert "shipped" in teacher.forget()
    assert teacher.network is shipped
    assert not profile.tuned_path("mlp").exists()
    assert len(profile.load().digits) == 1


def test_without_digits_the_shipped_network_reads(teacher, profile, shipped):
    own = profile.add(7, SEVEN)
    teacher.start()
    assert lesson_of(teacher).learned
    profile.remove(own.key)
    teacher.start()
    assert lesson_of(teacher).message == "the shipped network reads"
    assert teacher.network is shipped
    assert not profile.tuned_path("mlp").exists()


def test_a_change_while_tuning_is_learned_as_well(teacher, profile):
    profile.add(7, SEVEN)
    teacher.start()
    profile.add(1, ONE)
    teacher.start()
    assert lesson_of(teacher).outcome.digits == 2


def test_what_cannot_be_kept_is_said_and_used_until_the_end(teacher, profile):
    profile.add(7, SEVEN)
    profile.tuned_path("mlp").mkdir()  # nothing can take this name
    teacher.start()
    lesson = lesson_of(teacher)
    assert lesson.learned
    assert "for this time only" in lesson.message
    assert "\n" not in lesson.message


def test_a_broken_profile_keeps_the_old_weights_and_says_so(teacher, profile, shipped):
    profile.folder.write_text("in the way")
    teacher.start()
    lesson = lesson_of(teacher)
    assert not lesson.learned
    assert lesson.message.startswith("kept the old weights: cannot read")
    assert teacher.network is shipped


def test_bad_lines_found_while_tuning_are_named(teacher, profile):
    profile.add(7, SEVEN)
    with open(profile.path, "ab") as file:
        file.write(b"no digit")
    teacher.start()
    lesson = lesson_of(teacher)
    assert lesson.learned
    (notice,) = lesson.notices
    assert "line 2" in notice


@pytest.fixture
def forgotten(teacher, profile, monkeypatch):
    """The teacher, forgotten while it saves; set what this returns to let it save."""
    saving, may_save = threading.Event(), threading.Event()

    def late(path, *more):
        saving.set()
        assert may_save.wait(300)
        save_tuned(path, *more)

    monkeypatch.setattr("app.my_digits.tuner.save_tuned", late)
    profile.add(7, SEVEN)
    teacher.start()
    assert saving.wait(300)  # it can no longer be stopped
    teacher.forget()
    yield may_save
    may_save.set()


def test_what_was_forgotten_while_it_was_saved_is_gone_when_the_program_ends(
    teacher, profile, forgotten
):
    threading.Timer(0.2, forgotten.set).start()
    teacher.close()
    assert not teacher.busy
    assert not profile.tuned_path("mlp").exists()


def test_forget_does_not_wait_for_a_tuning_and_nothing_comes_of_it(teacher, profile, forgotten):
    assert teacher.busy
    assert teacher.network is teacher.shipped
    forgotten.set()
    while teacher.busy:
        assert teacher.poll() is None
        time.sleep(0.005)
    assert teacher.network is teacher.shipped
    assert not profile.tuned_path("mlp").exists()
    profile.add(1, ONE)  # what is kept after that is learned
    teacher.start()
    assert lesson_of(teacher).outcome is not None


def test_damaged_and_foreign_weights_are_named_and_not_used(teacher, profile, shipped):
    profile.add(7, SEVEN)
    profile.tuned_path("mlp").write_bytes(b"PK half a file")
    (notice,) = teacher.load()
    assert "mlp.npz" in notice
    assert teacher.network is shipped
    assert teacher.stale
    profile.tuned_path("mlp").write_bytes(shipped.path.read_bytes())
    (notice,) = teacher.load()
    assert "other weights" in notice
    assert teacher.network is shipped


def test_digits_are_framed_as_replay_draws_them():
    digits = [RecordedDigit(7, SEVEN), RecordedDigit(1, [[(1e6, 3e6), (1e6, 9e6)]])]
    images, labels = frame_digits(digits)
    np.testing.assert_allclose(images, draw_digits(digits, Setting()), atol=1e-6)
    assert labels.tolist() == [7, 1]


def test_what_was_forgotten_is_not_learned_at_the_next_start_but_with_another_digit(
    teacher, profile, shipped
):
    profile.add(7, SEVEN)
    assert teacher.load() == []
    assert teacher.stale
    teacher.start()
    assert lesson_of(teacher).learned
    teacher.forget()
    later = Teacher(profile, shipped, 0, Path("nowhere"), 1, AMOUNTS)
    assert later.load() == []
    assert not later.stale
    profile.add(1, ONE)
    assert later.load() == []
    assert later.stale


def test_what_was_refused_is_not_tried_at_each_start(teacher, profile, shipped, monkeypatch):
    monkeypatch.setattr("nn.training.finetuning.MOST_FORGOTTEN", -1.0)
    profile.add(7, SEVEN)
    teacher.start()
    assert not lesson_of(teacher).learned
    later = Teacher(profile, shipped, 0, Path("nowhere"), 1, AMOUNTS)
    assert later.load() == []
    assert not later.stale


def test_the_network_that_the_window_reads_with_is_left_alone(teacher, profile, shipped):
    shown = shipped.checkpoint.model.forward(np.ones((1, 784), np.float32))  # lies in its buffers
    before = shown.copy()
    profile.add(7, SEVEN)
    teacher.start()
    lesson_of(teacher)
    np.testing.assert_array_equal(shown, before)
