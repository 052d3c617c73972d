import threading
import time
from pathlib import Path

import numpy as np
import pytest

from app.drawing.strokes import RecordedDigit, frame_digits
from app.my_digits.profile import Profile
from app.my_digits.tuner import BackgroundTuner
from app.replay import Setting, draw_digits
from nn.inference.classifier import load_classifier
from nn.training.finetuning import save_tuned
from tests.robustness.killing import AMOUNTS

SEVEN = [[(16.0, 5.0), (20.0, 5.0), (12.0, 24.0)]]  # read as a 1, by a little
ONE = [[(14.0, 4.0), (14.0, 24.0)]]


@pytest.fixture(scope="module")
def shipped():
    return load_classifier("mlp")


@pytest.fixture
def profile(tmp_path):
    return Profile(tmp_path / "someone")


@pytest.fixture
def tuner(profile, shipped):
    tuner = BackgroundTuner(profile, shipped, 0, Path("nowhere"), 1, AMOUNTS)
    yield tuner
    tuner.close()


def result_of(tuner, seconds=300):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = tuner.poll()
        if result is not None:
            return result
        time.sleep(0.005)
    raise AssertionError("no lesson came")


def test_a_lesson_is_kept_and_taken_up_again(tuner, profile, shipped):
    profile.add(7, SEVEN)
    assert tuner.load() == []
    assert tuner.stale
    tuner.start()
    assert tuner.busy
    result = result_of(tuner)
    assert result.learned, result.message
    assert result.message == "learned from 1 of your digits"
    assert not tuner.busy
    assert tuner.poll() is None  # said once
    assert tuner.network is result.outcome.classifier
    weights = tuner.network.checkpoint.model.parameters
    assert not np.array_equal(weights, shipped.checkpoint.model.parameters)

    later = BackgroundTuner(profile, shipped, 0, Path("nowhere"), 1, AMOUNTS)
    assert later.load() == []
    assert not later.stale
    np.testing.assert_array_equal(later.network.checkpoint.model.parameters, weights)


def test_the_shipped_network_is_never_changed(tuner, profile, shipped):
    before = shipped.checkpoint.model.parameters.copy()
    profile.add(4, ONE)
    tuner.start()
    result_of(tuner)
    np.testing.assert_array_equal(shipped.checkpoint.model.parameters, before)


def test_forget_returns_to_the_shipped_network_and_keeps_the_digits(tuner, profile, shipped):
    profile.add(7, SEVEN)
    tuner.start()
    assert result_of(tuner).learned
    assert "shipped" in tuner.forget()
    assert tuner.network is shipped
    assert not profile.tuned_path("mlp").exists()
    assert len(profile.load().digits) == 1


def test_without_digits_the_shipped_network_reads(tuner, profile, shipped):
    own = profile.add(7, SEVEN)
    tuner.start()
    assert result_of(tuner).learned
    profile.remove(own.key)
    tuner.start()
    assert result_of(tuner).message == "the shipped network reads"
    assert tuner.network is shipped
    assert not profile.tuned_path("mlp").exists()


def test_a_change_while_tuning_is_learned_as_well(tuner, profile):
    profile.add(7, SEVEN)
    tuner.start()
    profile.add(1, ONE)
    tuner.start()
    assert result_of(tuner).outcome.digits == 2


def test_what_cannot_be_kept_is_said_and_used_until_the_end(tuner, profile):
    profile.add(7, SEVEN)
    profile.tuned_path("mlp").mkdir()  # nothing can take this name
    tuner.start()
    result = result_of(tuner)
    assert result.learned
    assert "for this time only" in result.message
    assert "\n" not in result.message


def test_a_broken_profile_keeps_the_old_weights_and_says_so(tuner, profile, shipped):
    profile.folder.write_text("in the way")
    tuner.start()
    result = result_of(tuner)
    assert not result.learned
    assert result.message.startswith("kept the old weights: cannot read")
    assert tuner.network is shipped


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "there is not enough memory to learn your digits"),
        (ValueError("odd"), "ValueError: odd"),
    ],
)
def test_whatever_ends_a_tuning_is_said(tuner, profile, monkeypatch, error, said):
    def fail(*given):
        raise error

    monkeypatch.setattr(tuner._tuner, "tune", fail)
    profile.add(7, SEVEN)
    tuner.start()
    assert result_of(tuner).message == f"kept the old weights: {said}"


def test_bad_lines_found_while_tuning_are_named(tuner, profile):
    profile.add(7, SEVEN)
    with open(profile.path, "ab") as file:
        file.write(b"no digit")
    tuner.start()
    result = result_of(tuner)
    assert result.learned
    (notice,) = result.notices
    assert "line 2" in notice


@pytest.fixture
def forgotten(tuner, profile, monkeypatch):
    """The teacher, forgotten while it saves; set what this returns to let it save."""
    saving, may_save = threading.Event(), threading.Event()

    def late(path, *more):
        saving.set()
        assert may_save.wait(300)
        save_tuned(path, *more)

    monkeypatch.setattr("app.my_digits.tuner.save_tuned", late)
    profile.add(7, SEVEN)
    tuner.start()
    assert saving.wait(300)  # it can no longer be stopped
    tuner.forget()
    yield may_save
    may_save.set()


def test_what_was_forgotten_while_it_was_saved_is_gone_when_the_program_ends(
    tuner, profile, forgotten
):
    threading.Timer(0.2, forgotten.set).start()
    tuner.close()
    assert not tuner.busy
    assert not profile.tuned_path("mlp").exists()


def test_forget_does_not_wait_for_a_tuning_and_nothing_comes_of_it(tuner, profile, forgotten):
    assert tuner.busy
    assert tuner.network is tuner.shipped
    forgotten.set()
    while tuner.busy:
        assert tuner.poll() is None
        time.sleep(0.005)
    assert tuner.network is tuner.shipped
    assert not profile.tuned_path("mlp").exists()
    profile.add(1, ONE)  # what is kept after that is learned
    tuner.start()
    assert result_of(tuner).outcome is not None


def test_damaged_and_foreign_weights_are_named_and_not_used(tuner, profile, shipped):
    profile.add(7, SEVEN)
    profile.tuned_path("mlp").write_bytes(b"PK half a file")
    (notice,) = tuner.load()
    assert "mlp.npz" in notice
    assert tuner.network is shipped
    assert tuner.stale
    profile.tuned_path("mlp").write_bytes(shipped.path.read_bytes())
    (notice,) = tuner.load()
    assert "other weights" in notice
    assert tuner.network is shipped


def test_digits_are_framed_as_replay_draws_them():
    digits = [RecordedDigit(7, SEVEN), RecordedDigit(1, [[(1e6, 3e6), (1e6, 9e6)]])]
    images, labels = frame_digits(digits)
    np.testing.assert_allclose(images, draw_digits(digits, Setting()), atol=1e-6)
    assert labels.tolist() == [7, 1]


def test_what_was_forgotten_is_not_learned_at_the_next_start_but_with_another_digit(
    tuner, profile, shipped
):
    profile.add(7, SEVEN)
    assert tuner.load() == []
    assert tuner.stale
    tuner.start()
    assert result_of(tuner).learned
    tuner.forget()
    later = BackgroundTuner(profile, shipped, 0, Path("nowhere"), 1, AMOUNTS)
    assert later.load() == []
    assert not later.stale
    profile.add(1, ONE)
    assert later.load() == []
    assert later.stale


def test_what_was_refused_is_not_tried_at_each_start(tuner, profile, shipped, monkeypatch):
    monkeypatch.setattr("nn.training.guard.MAX_FORGOTTEN", -1.0)
    profile.add(7, SEVEN)
    tuner.start()
    assert not result_of(tuner).learned
    later = BackgroundTuner(profile, shipped, 0, Path("nowhere"), 1, AMOUNTS)
    assert later.load() == []
    assert not later.stale


def test_the_network_that_the_window_reads_with_is_left_alone(tuner, profile, shipped):
    shown = shipped.checkpoint.model.forward(np.ones((1, 784), np.float32))  # lies in its buffers
    before = shown.copy()
    profile.add(7, SEVEN)
    tuner.start()
    result_of(tuner)
    np.testing.assert_array_equal(shown, before)


def test_a_tuning_that_was_stopped_at_its_end_is_not_saved(tuner, profile, monkeypatch):
    tune = tuner._tuner.tune

    def stopped_at_the_end(*given):
        outcome = tune(*given)
        profile.add(1, ONE)
        tuner.start()  # what was learned is out of date
        return outcome

    monkeypatch.setattr(tuner._tuner, "tune", stopped_at_the_end)
    saved = []
    monkeypatch.setattr("app.my_digits.tuner.save_tuned", lambda *given: saved.append(given))
    profile.add(7, SEVEN)
    tuner.start()
    while tuner._thread.is_alive():
        time.sleep(0.005)
    assert tuner._result.message == "kept the old weights: the tuning was stopped"
    assert saved == []
    monkeypatch.setattr(tuner._tuner, "tune", tune)
    assert result_of(tuner).message == "learned from 2 of your digits"
