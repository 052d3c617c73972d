"""Each finding on a training that really goes wrong that way, and none on one that does not."""

import time

import numpy as np
import pytest

from app.session.diagnosis import Observation
from app.session.knobs import KNOBS, Knobs, change_words, setting_words, turned, usual_knobs
from app.session.training import Training
from nn.data.dataset import Dataset
from nn.network.architectures import NAMED, mlp
from nn.network.convolution import Conv2d
from nn.training.health import count_dead
from nn.training.learner import Epoch
from tests.helpers.data_files import made_up_dataset as digits


def noise(count):
    """Nothing about these can be learned but by heart."""
    rng = np.random.default_rng(0)
    images = rng.random((count, 784), dtype=np.float32)
    return Dataset(images, rng.integers(0, 10, count))


def trained(data, name="linear", architecture=None, epochs=10, **knobs):
    """A training to its end, and what was found on the way."""
    usual = usual_knobs(name, NAMED.get(name, []))
    found = []

    class Watched(Training):
        """Keeps each diagnosis."""

        @property
        def diagnosis(self):
            return self.value

        @diagnosis.setter
        def diagnosis(self, value):
            self.value = value
            if value is not None:
                found.append(value)

    training = Watched(
        name, architecture or NAMED[name], data, epochs, seed=1, knobs=usual._replace(**knobs)
    )
    training.wait()
    return training, found


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("linear", {}),
        ("tiny", {}),
        ("mlp", {}),
        ("mlp", {"batch_size": 1}),
        ("mlp", {"batch_size": 1024}),
        ("mlp", {"variation": 1.0}),
        ("cnn-small", {"epochs": 3}),
        ("linear", {"learning_rate": 0.005}),
    ],
)
def test_a_healthy_training_gets_no_diagnosis(name, more):
    epochs = {1: 3, 1024: 60}.get(more.get("batch_size"), 10)
    training, found = trained(digits(2000), name, **{"epochs": epochs, **more})
    assert training.state == "finished"
    assert training.curves.validation[-1].accuracy > 0.85
    assert found == []


def test_too_high_a_rate_makes_the_loss_rise_and_a_third_is_the_remedy():
    training, found = trained(digits(2000), epochs=20, learning_rate=5.0)
    assert found[0].finding.startswith("the loss has risen from ")
    assert found[0].finding.endswith(": the steps are too large")
    assert found[0].knobs == training.begun_with._replace(learning_rate=5 / 3)
    assert found[0].remedy == "a third of the rate (1.7)"
    assert not found[0].is_fresh_start
    assert max(stretch.loss for stretch in training._observation.stretches) > 2 * np.log(10)


def test_a_loss_that_is_no_number_asks_for_a_fresh_start():
    training, found = trained(digits(600), learning_rate=1e38)
    assert training.state == "failed"
    assert found[-1].finding == "the loss has grown beyond all bounds: the steps were too large"
    assert found[-1].is_fresh_start
    assert found[-1].knobs.learning_rate == pytest.approx(1e38 / 3)


def test_too_low_a_rate_makes_the_loss_stand_still_and_the_usual_rate_is_the_remedy():
    training, found = trained(digits(2000), epochs=30, batch_size=16, learning_rate=1e-8)
    assert found
    assert {each.remedy for each in found} == {"the usual rate (0.001)"}
    assert "the loss stands still at 2." in found[0].finding
    assert found[0].finding.endswith("the steps are too small")
    assert found[0].knobs == training.begun_with._replace(learning_rate=0.001)
    assert training.curves.validation[-1].accuracy < 0.5


def test_a_network_that_learns_nothing_at_its_usual_rate_begins_anew():
    # What a hidden layer of sigmoids makes of its input is lost in a bias of −100.
    data = Dataset(np.zeros((2000, 784), np.float32), np.arange(2000) % 10)
    training, found = trained(data, "custom", mlp([20], "Tanh"), epochs=30, batch_size=16)
    assert {each.finding.split(" at ")[0] for each in found} == {"the loss stands still"}
    assert all(each.is_fresh_start for each in found)
    assert found[0].knobs.learning_rate == pytest.approx(training.usual.learning_rate / 3)


def test_what_is_learned_by_heart_is_told_by_the_unseen_digits():
    training, found = trained(noise(400), "custom", mlp([100], "Tanh"), epochs=40, batch_size=16)
    assert found[-1].finding.startswith("it is memorising")
    assert found[-1].knobs == training.begun_with._replace(variation=0.5)
    assert found[-1].remedy == "vary the digits more (50 %)"
    assert training._learner.history[-1].train_accuracy > 0.9
    assert training.curves.validation[-1].accuracy < 0.4


def test_dead_neurons_are_counted_and_a_fresh_start_is_the_remedy():
    training, found = trained(digits(2000), "mlp", epochs=20, learning_rate=2.0)
    dead, units = count_dead(training._learning.checkpoint.model, digits(500).images)
    assert units == 75
    assert dead >= 38
    [first] = [each for each in found if "neurons are dead" in each.finding][:1]
    assert first.is_fresh_start
    assert first.knobs.learning_rate == pytest.approx(2 / 3)


def test_dead_maps_are_counted_too():
    training, _ = trained(digits(200), "cnn-small", epochs=1)
    model = training._learning.checkpoint.model
    alive, units = count_dead(model, digits(50).images)
    first = next(layer for layer in model.layers if isinstance(layer, Conv2d))
    first.params["bias"][:3] = -1000
    dead = count_dead(model, digits(50).images)[0]
    assert dead >= alive + 3
    assert units > first.params["bias"].size
    assert (
        count_dead(trained(digits(200), epochs=1)[0]._learning.checkpoint.model, noise(9).images)[1]
        == 0
    )


# What is compared with what


def observed(losses, knobs=None, accuracy=0.9, start=2.0):
    observation = Observation(Knobs(), knobs or Knobs(), 50_000, 5_000)
    for number, loss in enumerate(losses):
        for _ in range(10):
            observation.add(start + number / 20, loss, accuracy, 200)
    return observation


def finding(observation, epoch=3.0, epochs=10):
    found = observation.diagnosis(epoch, epochs)
    return found and found.finding


def test_a_loss_that_has_risen_and_falls_again_is_none_that_rises():
    assert "has risen from 0.2 to 1.5" in finding(observed([1, 0.2, 1.5]))
    assert "has risen from 0.2 to 1.4" in finding(observed([1, 0.2, 1.5, 1.4]))
    assert finding(observed([1, 0.2, 1.5, 1.0])) is None
    assert finding(observed([1, 0.2, 0.3, 0.25, 0.31])) is None


def test_a_loss_that_rises_as_digits_are_varied_more_is_no_fault():
    observation = observed([1, 0.2])
    observation.turn(Knobs(variation=1.0))
    for loss in (0.9, 0.85):
        for _ in range(10):
            observation.add(3.0, loss, 0.7, 200)
        assert finding(observation) is None


def test_larger_steps_are_compared_with_what_was_before_them_and_smaller_ones_are_not():
    for knobs, is_found in (
        (Knobs(learning_rate=0.1), True),
        (Knobs(batch_size=1), True),
        (Knobs(learning_rate=0.001), False),
        (Knobs(batch_size=1024), False),
    ):
        observation = observed([1, 0.2])
        observation.turn(knobs)
        for _ in range(10):
            observation.add(3.0, 2.0, 0.7, 200)
        assert bool(finding(observation)) == is_found


def test_a_loss_stands_still_only_where_it_is_poor_and_the_schedule_lets_it_fall():
    still = [2.1] * 6
    assert "stands still at 2.1" in finding(observed(still, accuracy=0.2))
    assert finding(observed(still, accuracy=0.9)) is None
    assert finding(observed([2.1] * 5, accuracy=0.2)) is None
    assert finding(observed([2.3, 2.25, 2.2, 2.15, 2.1, 2.05], accuracy=0.2)) is None
    assert finding(observed(still, accuracy=0.2), epoch=9.5) is None
    assert finding(observed(still, accuracy=0.2, start=0.2), epoch=0.5) is None  # it warms up
    low = Knobs(learning_rate=0.0001)
    assert "too small" in finding(observed([0.4] * 6, low, accuracy=0.9))


def test_an_epoch_of_digits_varied_more_and_less_is_not_judged():
    def epoch(number, own):
        return Epoch(number, 0.1, 0.1, own, 0.3, 0.9, 1.0)

    observation = observed([])
    observation.add_epoch(epoch(1, 0.99))
    assert finding(observation).startswith("it is memorising: 99.0 % of its digits right")
    observation.turn(Knobs(variation=0.5))
    observation.add_epoch(epoch(2, 0.99))
    assert finding(observation) is None
    observation.add_epoch(epoch(3, 0.93))
    assert finding(observation) is None
    observation.add_epoch(epoch(4, 0.99))
    assert observation.diagnosis(4, 10).knobs == Knobs(variation=1.0)
    observation.turn(Knobs(variation=2.0))
    observation.add_epoch(epoch(5, 0.99))
    observation.add_epoch(epoch(6, 0.99))
    assert observation.diagnosis(6, 10) is None  # nothing more can be varied


def test_weights_that_leap_about_are_not_learning_by_heart():
    observation = observed([0.5] * 3, accuracy=0.64)
    observation.add_epoch(Epoch(1, 0.1, 0.8, 0.74, 1.2, 0.63, 1.0))
    assert finding(observation) is None


def test_a_loss_on_unseen_digits_that_rises_is_learning_by_heart():
    observation = observed([])
    for number, (own, unseen) in enumerate([(0.3, 0.3), (0.2, 0.25), (0.1, 0.3), (0.05, 0.4)], 1):
        observation.add_epoch(Epoch(number, 0.1, own, 0.95, unseen, 0.94, 1.0))
    assert finding(observation) == "it is memorising: since epoch 2 the loss on unseen digits rises"


# The knobs


def test_knobs_turn_from_setting_to_setting_and_no_further():
    knobs = Knobs(learning_rate=0.002 / 3)
    assert setting_words(knobs, "learning_rate") == "0.00067"
    assert turned(knobs, "learning_rate", 1).learning_rate == pytest.approx(0.001)
    assert turned(knobs, "learning_rate", -1).learning_rate == pytest.approx(0.0005)
    for name, knob in KNOBS.items():
        for steps, end in ((1, knob.settings[-1]), (-1, knob.settings[0])):
            far = knobs
            for _ in range(60):
                far = turned(far, name, steps)
            assert getattr(far, name) == pytest.approx(end)
            assert far == turned(far, name, steps)
    assert change_words(Knobs(), Knobs(0.001, 64, 0.5)) == (
        "learning rate 0.003 → 0.001, batch size 128 → 64, variation none → 50 %"
    )


def test_a_knob_holds_from_the_next_batch_on(monkeypatch):
    training = Training("linear", NAMED["linear"], digits(600), epochs=1000, is_stopped=True)
    usual = training.usual
    sizes = []
    after = Training.after_batch

    def watched(training, learner):
        sizes.append(learner.latest[2])
        after(training, learner)

    monkeypatch.setattr(Training, "after_batch", watched)
    for batch_size in (usual.batch_size, 32, 64):
        training.knobs = usual._replace(batch_size=batch_size)
        training.step()
        while training.is_at_work:
            training.refresh()
            time.sleep(0.001)
    assert sizes == [128, 32, 64]
    assert [mark.words for mark in training.curves.marks] == [
        "batch size 128 → 32", "batch size 32 → 64"
    ]  # fmt: skip
    assert [round(mark.epoch * 540) for mark in training.curves.marks] == [128, 160]
    training.end()
