import numpy as np
import pytest

from nn.data.dataset import DataLoader, Dataset
from nn.network.architectures import NAMED, build
from nn.network.losses import CrossEntropyLoss
from nn.support.errors import TrainingError
from nn.training.callbacks import AverageWeights, BestWeights, EarlyStopping, WholeOrNothing
from nn.training.learner import Callback, DataLoaders, Epoch, Learner, Means, accuracy
from nn.training.optimizers import SGD, Adam
from tests.helpers.data_files import made_up_dataset as digits


def make_learner(
    train, validation=None, seed=0, name="mlp", batch_size=32, optimizer=None, slice_size=None
):
    loaders = DataLoaders(
        DataLoader(train, batch_size),
        None if validation is None else DataLoader(validation, 64, shuffle=False),
    )
    model = build(NAMED[name], np.random.default_rng(seed))
    return Learner(
        loaders, model, optimizer or Adam(), CrossEntropyLoss(), accuracy, seed=seed,
        slice_size=slice_size, threads=2,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["linear", "tiny"])
def test_the_first_loss_is_about_ln_10(name):
    # Small inputs leave the logits near zero, so that every class has about the same probability.
    data = digits(500)
    learner = make_learner(Dataset(data.images * 0.1, data.labels), name=name)
    loss = learner.evaluate(learner.dataloaders.train.dataset).loss
    assert loss == pytest.approx(np.log(10), abs=0.05)


def test_twenty_images_are_learned_by_heart():
    learner = make_learner(digits(20), batch_size=20)
    learner.fit(150, 0.01)
    assert learner.history[-1].train_loss < 1e-3
    assert learner.history[-1].train_accuracy == 1


def test_ten_seeded_steps_give_the_stored_losses():
    losses = []

    class Record(Callback):
        def after_batch(self, learner):
            losses.append(learner.running.loss * learner.batch)

    learner = make_learner(digits(320), optimizer=SGD(momentum=0.9))
    learner.fit(1, 0.02, [Record()])
    single = np.diff([0, *losses])
    np.testing.assert_allclose(single, GOLDEN, rtol=1e-4)


GOLDEN = [
    2.264863, 2.327156, 2.162562, 2.225747, 2.299690,
    2.142619, 2.118953, 2.071050, 1.895028, 1.955901,
]  # fmt: skip


def test_it_learns_and_predicts():
    train, validation = digits(600), digits(100, seed=2)
    learner = make_learner(train, validation)
    history = learner.fit(12, 0.01)
    assert [epoch.number for epoch in history] == list(range(1, 13))
    assert history[-1].validation_accuracy > 0.95
    labels, probabilities = learner.predict(validation.images)
    assert (labels == validation.labels).mean() == history[-1].validation_accuracy
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    square, _ = learner.predict(validation.images.reshape(-1, 1, 28, 28))
    np.testing.assert_array_equal(square, labels)
    evaluated = learner.evaluate(validation)
    assert evaluated.metric == history[-1].validation_accuracy
    assert evaluated.loss == pytest.approx(history[-1].validation_loss)


def test_predicting_nothing_gives_nothing():
    labels, probabilities = make_learner(digits(10)).predict(np.empty((0, 784), np.float32))
    assert labels.shape == (0,)
    assert probabilities.shape == (0, 10)


@pytest.mark.parametrize("make", [Adam, lambda: SGD(momentum=0.9)])
def test_stopping_and_going_on_gives_the_same_bits(make):
    train = digits(200)
    straight = make_learner(train, optimizer=make())
    straight.fit(5, 0.01)
    first = make_learner(train, optimizer=make())
    first.fit(2, 0.01)
    second = make_learner(train, optimizer=make(), seed=0)
    second.model.parameters[:] = first.model.parameters
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.epoch = first.epoch
    second.fit(3, 0.01)
    np.testing.assert_array_equal(second.model.parameters, straight.model.parameters)


def test_the_seed_decides_and_nothing_else():
    a, b, c = (make_learner(digits(100), seed=seed) for seed in (1, 1, 2))
    for learner in (a, b, c):
        learner.fit(2, 0.01)
    np.testing.assert_array_equal(a.model.parameters, b.model.parameters)
    assert (a.model.parameters != c.model.parameters).any()


def test_what_is_steered_holds_from_the_next_batch_on():
    rates, sizes, places = [], [], []

    class Watched(SGD):
        def step(self, parameters, gradients, learning_rate):
            rates.append(learning_rate)
            super().step(parameters, gradients, learning_rate)

    class Steer(Callback):
        def after_batch(self, learner):
            sizes.append(learner.latest[2])
            if len(sizes) == 2:
                learner.learning_rate, learner.dataloaders.train.batch_size = 0.03, 20
            if len(sizes) == 4:
                learner.dataloaders.train.batch_size = 50

    learner = make_learner(digits(100), batch_size=10, optimizer=Watched())
    learner.schedule = lambda epoch, epochs: places.append(epoch) or 1.0
    learner.fit(2, 0.01, [Steer()])
    assert sizes == [10, 10, 20, 20, 40, 50, 50]
    assert rates == [0.01] * 2 + [0.03] * 5
    # The middle of each batch, as a part of the epoch; the last is shorter than it might be.
    assert places == pytest.approx([0.05, 0.15, 0.3, 0.5, 0.85, 1.25, 1.75])
    assert [epoch.learning_rate for epoch in learner.history] == [0.03, 0.03]


def test_each_epoch_has_an_order_of_its_own():
    orders = []

    class Recording(DataLoader):
        def batches(self, rng=None):
            orders.append([])
            for images, labels in super().batches(rng):
                orders[-1] += labels.tolist()
                yield images, labels

    data = digits(40)
    data.labels[:] = np.arange(40) % 10
    learner = make_learner(data)
    learner.dataloaders = DataLoaders(Recording(data, 8))
    learner.fit(2, 0.001)
    first, second = orders
    assert sorted(first) == sorted(second)
    assert first != second


class Interrupt(Callback):
    def __init__(self, epoch, batch):
        self.moment = (epoch, batch)

    def after_batch(self, learner):
        if (learner.epoch, learner.batch) == self.moment:
            raise KeyboardInterrupt


def test_ctrl_c_ends_cleanly_and_keeps_the_best_weights():
    best = BestWeights()
    learner = make_learner(digits(200), digits(50, seed=2))
    learner.fit(10, 0.01, [best, Interrupt(epoch=3, batch=2)])
    assert learner.interrupted
    assert learner.epoch == len(learner.history) == 3
    epoch, parameters = best.best
    assert epoch.validation_accuracy == max(e.validation_accuracy for e in learner.history)
    learner.model.parameters[:] = parameters
    assert learner.validate().metric == epoch.validation_accuracy


def test_whole_or_nothing_hands_ctrl_c_on():
    learner = make_learner(digits(200))
    with pytest.raises(KeyboardInterrupt):
        learner.fit(10, 0.01, [Interrupt(epoch=0, batch=2), WholeOrNothing()])
    learner.fit(1, 0.01, [WholeOrNothing()])
    assert learner.epoch == 1


def test_the_end_is_told_also_after_an_error():
    told = []

    class Note(Callback):
        def after_fit(self, learner):
            told.append(learner.epoch)

    with pytest.raises(TrainingError):
        make_learner(digits(200), optimizer=SGD()).fit(5, 1e38, [Note()])
    assert told == [0]


def test_what_was_stopped_while_it_was_judged_goes_on_from_its_latest_weights():
    class Stop(Callback):
        def before_validation(self, learner):
            learner.stop = True

    average, latest = AverageWeights(0.9), []

    class Note(Callback):
        def after_batch(self, learner):
            latest[:] = [learner.model.parameters.copy()]

    learner = make_learner(digits(200), digits(50, seed=2))
    learner.fit(2, 0.01, [average, Note(), Stop()])
    np.testing.assert_array_equal(learner.model.parameters, latest[0])
    assert not np.array_equal(latest[0], average.average)


def test_stop_ends_after_the_present_batch():
    class Stop(Callback):
        def after_batch(self, learner):
            learner.stop = learner.batch == 2

    learner = make_learner(digits(200))
    learner.fit(3, 0.01, [Stop()])
    assert (learner.epoch, learner.batch) == (0, 2)
    assert not learner.interrupted


def test_stop_does_not_wait_for_a_validation_to_end():
    evaluated = []

    class Stop(Callback):
        def before_validation(self, learner):
            learner.metric = stopping

    def stopping(logits, labels):
        evaluated.append(len(labels))
        learner.stop = True
        return 0.0

    learner = make_learner(digits(64), digits(640))
    learner.fit(3, 0.01, [Stop()])
    assert len(evaluated) == 1
    assert learner.history == []
    assert learner.validate() is not None
    assert len(evaluated) == 11  # asked for, it is done to the end


@pytest.mark.parametrize("slice_size", [None, 4])
def test_a_loss_that_is_not_finite_stops_with_a_clear_error(slice_size):
    learner = make_learner(digits(200), optimizer=SGD(), slice_size=slice_size)
    with pytest.raises(
        TrainingError, match=r"loss became .* epoch \d+, batch \d+: .* below 1e\+38"
    ):
        learner.fit(5, 1e38)


def test_weights_that_the_last_step_made_infinite_do_not_become_the_best():
    best = BestWeights()
    for validation in (None, digits(50, seed=2)):
        learner = make_learner(digits(200), validation, optimizer=SGD())
        learner.dataloaders = DataLoaders(
            DataLoader(digits(200), 200), learner.dataloaders.validation
        )
        with pytest.raises(TrainingError, match=r"weights became .* epoch 1, batch 1"):
            learner.fit(1, 1e300, [best])  # one batch: its loss came before the step
        assert best.best is None


def test_an_image_that_is_not_a_number_stops_with_a_clear_error():
    data = digits(200)
    data.images[77, 5] = np.nan
    with pytest.raises(TrainingError, match=r"loss became nan in epoch 1"):
        make_learner(data).fit(1, 0.01)


@pytest.mark.parametrize("label", [-1, 10, 255])
def test_a_label_out_of_range_is_no_label_of_another_digit(label):
    data = digits(20)
    data.labels[3] = label
    with pytest.raises(ValueError, match="expected labels from 0 to 9, received"):
        make_learner(data).fit(1, 0.01)


def test_digits_of_one_class_and_a_single_image_are_learned():
    for data in (digits(40), digits(1)):
        data.labels[:] = 3
        learner = make_learner(data)
        history = learner.fit(30, 0.01)
        assert history[-1].train_loss < history[0].train_loss
        assert np.isfinite(learner.model.parameters).all()
        assert learner.evaluate(data).metric == 1


def test_no_epochs_change_nothing():
    learner = make_learner(digits(40))
    before = learner.model.parameters.copy()
    assert learner.fit(0, 0.01) == []
    np.testing.assert_array_equal(learner.model.parameters, before)


def test_keeping_the_last_weights_whatever_validation_says():
    learner, best = make_learner(digits(10)), BestWeights(keep_last=True)
    for number, figure in ((1, 0.9), (2, 0.5)):
        learner.history = [Epoch(number, 0.1, 1.0, 0.5, 1.0, figure, 1.0)]
        learner.model.parameters[...] = number
        best.after_validation(learner)
    assert best.best[0].number == 2
    assert (best.best[1] == 2).all()


def test_best_weights_prefer_accuracy_then_loss_and_without_validation_the_last():
    def epoch(number, accuracy, loss):
        return Epoch(number, 0.1, 1.0, 0.5, loss, accuracy, 1.0)

    learner, best = make_learner(digits(10)), BestWeights()
    for row, expected in (
        (epoch(1, 0.9, 0.5), 1), (epoch(2, 0.9, 0.6), 1), (epoch(3, 0.9, 0.4), 3),
        (epoch(4, 0.95, 0.9), 4), (epoch(5, 0.94, 0.1), 4),
    ):  # fmt: skip
        learner.history.append(row)
        best.after_validation(learner)
        assert best.best[0].number == expected
    best = BestWeights()
    for number in (1, 2):
        learner.history.append(epoch(number, None, None))
        best.after_validation(learner)
    assert best.best[0].number == 2


def test_average_weights_are_judged_and_the_latest_trained_on():
    train, validation = digits(200), digits(50, seed=2)
    average, best = AverageWeights(0.9), BestWeights()
    learner = make_learner(train, validation)
    seen = []

    class Record(Callback):
        def after_batch(self, learner):
            seen.append(learner.model.parameters.copy())

    learner.fit(2, 0.01, [average, best, Record()])
    plain = make_learner(train, validation)
    plain.fit(2, 0.01)
    np.testing.assert_array_equal(learner.model.parameters, plain.model.parameters)
    expected = seen[0]
    for step, weights in enumerate(seen, 1):
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weights
    np.testing.assert_allclose(average.average, expected, rtol=1e-5, atol=1e-7)
    learner.model.parameters[:] = best.best[1]
    assert learner.validate().metric == best.best[0].validation_accuracy
    assert all((best.best[1] != weights).any() for weights in seen)


def test_whatever_the_place_of_the_average_in_the_list_it_is_judged_and_the_latest_is_there():
    class Note(Callback):
        def after_validation(self, learner):
            self.judged = learner.model.parameters.copy()

        def after_epoch(self, learner):
            self.latest = learner.model.parameters.copy()

    found = []
    for place in (0, 1, 2):
        note, average = Note(), AverageWeights(0.9)
        callbacks = [BestWeights(), note]
        callbacks.insert(place, average)
        learner = make_learner(digits(200), digits(50, seed=2))
        learner.fit(2, 0.01, callbacks)
        np.testing.assert_array_equal(note.judged, average.average)
        np.testing.assert_array_equal(note.latest, learner.model.parameters)
        np.testing.assert_array_equal(callbacks[0 if place else 1].best[1], note.judged)
        found.append(note.latest)
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()


def test_early_stopping_waits_for_its_patience():
    learner = make_learner(digits(40), digits(20, seed=3))
    learner.fit(100, 0.0, [EarlyStopping(patience=3)])  # nothing is learned, nothing improves
    assert learner.epoch == 4


def test_callbacks_come_in_their_order():
    moments = []

    class Note(Callback):
        def after_batch(self, learner):
            moments.append("batch")

        def before_validation(self, learner):
            moments.append("before validation")

        def after_validation(self, learner):
            moments.append("after validation")

        def after_epoch(self, learner):
            moments.append("epoch")

        def after_fit(self, learner):
            moments.append("fit")

    make_learner(digits(40)).fit(1, 0.01, [Note()])
    assert moments == ["batch", "batch", "before validation", "after validation", "epoch", "fit"]


def test_means_weigh_by_images():
    means = Means()
    assert np.isnan(means.loss)
    assert np.isnan(means.metric)
    means.add(1.0, 0.5, 3)
    means.add(2.0, 1.0, 1)
    assert means.loss == 1.25
    assert means.metric == 0.625
