"""What `tests/app/session/test_session.py` does not see of a training in the window."""

import gc
import threading
import weakref

import numpy as np
import pytest

from app.session import curves
from app.session import training as trainings
from app.session.mnist import Mnist
from app.session.networks import NetworkList
from app.session.training import Training
from app.session.training_course import TrainingCourse
from nn.data.dataset import Dataset, load_folder
from nn.inference.classifier import load_classifier
from nn.network.architectures import NAMED
from nn.support.errors import CheckpointError


@pytest.fixture
def digits(small_mnist):
    return load_folder(small_mnist)[0]


def finished(dataset, **more):
    training = Training("linear", NAMED["linear"], dataset, **more)
    training.wait()
    assert training.state == "finished"
    return training


def test_a_training_that_is_over_neither_stops_nor_goes_on(digits):
    training = finished(digits, epochs=2)
    training.stop()
    training.go_on()
    assert training.state == "finished"
    training.end()
    assert [point.epoch for point in training.curves.validation] == [1, 2]


def test_a_training_that_ends_while_it_is_being_stopped_is_over(digits, monkeypatch):
    may_go_on, look = threading.Event(), Training._look

    def held(training):
        may_go_on.wait(300)
        look(training)

    class Raced(Training):
        """Comes to its end, if it may, right after `stop` has looked at its state."""

        @property
        def state(self):
            state = self.value
            if threading.current_thread() is threading.main_thread():
                may_go_on.set()
                self._thread.join(0.5)
            return state

        @state.setter
        def state(self, value):
            self.value = value

    monkeypatch.setattr(Training, "_look", held)
    training = Raced("linear", NAMED["linear"], digits, epochs=1)
    training.stop()
    training.go_on()
    training.wait()
    assert training.state == "finished"


def test_the_curve_keeps_to_its_length_and_reaches_the_end(digits, monkeypatch):
    monkeypatch.setattr(trainings, "SHOWN_EVERY", 0.0)
    whole = finished(digits, epochs=6).curves.points
    monkeypatch.setattr(curves, "MAX_POINTS", 8)
    short = finished(digits, epochs=6).curves.points
    assert len(short) <= 8 < len(whole)
    epochs = [point.epoch for point in short]
    assert epochs == sorted(epochs)
    assert epochs[0] < 1 < 5 < epochs[-1] <= 6


def test_one_image_is_learned_from_without_a_validation(digits, tmp_path):
    one = Dataset(digits.images[:1], digits.labels[:1])
    training = finished(one, epochs=3)
    assert training.curves.validation == []
    assert training.refresh()
    assert not training.refresh()  # nothing is new
    classifier = training.save(tmp_path)
    assert classifier.checkpoint.record["figures"] == {}
    assert classifier.checkpoint.temperature == 1.0


def test_a_name_that_another_window_took_is_not_written_over(digits, tmp_path, monkeypatch):
    training = finished(digits, epochs=1)
    first = training.save(tmp_path)
    assert first.path.name == "linear-1.npz"
    before = first.path.read_bytes()
    assert training.save(tmp_path).path.name == "linear-2.npz"
    # The other window takes the name between the look and the writing.
    monkeypatch.setattr("os.path.exists", lambda path: False)
    assert training.save(tmp_path).path.name == "linear-3.npz"
    assert first.path.read_bytes() == before
    kept = load_classifier(tmp_path / "linear-3.npz").checkpoint
    np.testing.assert_array_equal(
        kept.model.parameters, training.classifier.checkpoint.model.parameters
    )


def test_a_folder_that_cannot_be_looked_into_is_named(digits, tmp_path):
    training = finished(digits, epochs=1)
    with pytest.raises(CheckpointError, match="cannot write"):
        training.save(tmp_path / ("n" * 300))


def test_that_it_is_over_is_news_until_it_was_seen(digits):
    training = finished(digits, epochs=1)
    assert training.has_news
    assert training.refresh()
    assert not training.has_news
    begun = Training("linear", NAMED["linear"], digits, epochs=100_000)
    begun.stop()
    begun.refresh()
    begun.end()
    begun.refresh()
    begun.state = "failed"
    assert begun.has_news


def test_a_network_that_was_trained_here_is_trained_again_as_the_named_one_it_is(digits, tmp_path):
    kept = finished(digits, epochs=1).save(tmp_path)
    again = Training(kept.name, kept.checkpoint.architecture, digits, epochs=1)
    again.wait()
    assert (kept.name, again.name) == ("linear-1", "linear")
    assert again.save(tmp_path).name == "linear-2"


def test_a_stopped_training_is_kept_with_the_accuracy_of_its_latest_weights(digits, tmp_path):
    training = finished(digits, epochs=2)
    best, worst = curves.CurvePoint(1, 0.1, 0.9), curves.CurvePoint(2, 0.5, 0.5)
    training.curves.validation = [best, worst]
    for state, expected in (("finished", 0.9), ("stopped", 0.5)):
        training.state = state
        record = training.save(tmp_path).checkpoint.record
        assert record["figures"]["validation_accuracy"] == expected


def test_a_training_thrown_away_after_a_warning_is_gone_from_memory(small_mnist):
    mnist = Mnist(small_mnist)
    mnist.load()
    mnist.wait()
    networks = NetworkList(load_classifier("linear"))
    course = TrainingCourse(mnist, networks, np.random.default_rng(0))
    course.one_batch()
    assert course.warning() is not None
    assert course.warning() is None
    thrown_away = weakref.ref(course.training)
    course.discard()
    course.end()
    gc.collect()
    assert thrown_away() is None
    course.one_batch()
    assert course.warning() is not None  # this is another
    course.end()
