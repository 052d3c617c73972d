from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.drawing.strokes import frame_digits, read_strokes
from nn.handwriting.digits import STYLES, Style, write_digits
from nn.handwriting.framing import Stroke, frame_strokes
from nn.handwriting.pen import parse_path
from nn.inference.checkpoint import Checkpoint
from nn.inference.classifier import Classifier, load_classifier
from nn.network.architectures import NAMED, build
from nn.support.errors import CheckpointError, TrainingError
from nn.training import finetuning, guard, rehearsal
from nn.training.finetuning import (
    Amounts,
    Tuner,
    fingerprint,
    load_tuned,
    save_tuned,
)
from tests.helpers.paths import CASES

SMALL = Amounts(rehearsed=300, rehearsed_synthetic=100, guarded=1000, steps=40)
FEW = replace(SMALL, rehearsed=50, rehearsed_synthetic=20, guarded=50)
NOWHERE = Path("nowhere")


def plain(style, rng):
    """A style as its table has it."""
    return parse_path(style.path)


def bare_line():
    return frame_strokes([Stroke([(0.0, 0.0), (0.0, 20.0)], 1.0)])[None]


@pytest.fixture(scope="module")
def shipped():
    return load_classifier("mlp")


@pytest.fixture(scope="module")
def tuner(shipped):
    return Tuner(shipped, 0, NOWHERE, 1, SMALL)


@pytest.fixture(scope="module")
def odd_fives(shipped):
    """Twelve misread fives of a style that is not in the table, the nearest to a 5 first."""
    style = Style(5, 1, "90,0 10,4 > 14,46 > 88,40 > 84,96 > 6,98")
    images = write_digits(np.full(200, 5), np.random.default_rng(3), (style,), hand=plain)
    probabilities = shipped.probabilities(images)
    misread = np.flatnonzero(probabilities.argmax(axis=1) != 5)
    return images[misread[np.argsort(-probabilities[misread, 5])][:12]]


@pytest.fixture
def lenient(monkeypatch):
    """Few digits guard here, and one more of them misread must not decide."""
    monkeypatch.setattr(guard, "MAX_FORGOTTEN", 0.005)


def test_it_learns_a_style_and_keeps_the_rest(tuner, shipped, odd_fives, lenient):
    taught, others = odd_fives[:4], odd_fives[4:]
    untaught = (shipped.logits(others).argmax(axis=1) == 5).sum()
    outcome = tuner.tune(taught, np.full(4, 5))
    assert outcome.classifier is not None, outcome.reason
    assert not outcome.on_mnist
    assert outcome.right_after > outcome.right_before == 0
    assert (outcome.classifier.logits(others).argmax(axis=1) == 5).sum() > untaught == 0
    loss_before = -np.log(shipped.probabilities(others)[:, 5]).mean()
    loss_after = -np.log(outcome.classifier.probabilities(others)[:, 5]).mean()
    assert loss_after < loss_before
    assert outcome.validation_after >= outcome.validation_before - guard.MAX_FORGOTTEN


def test_the_same_digits_and_seed_give_the_same_weights(shipped, odd_fives, lenient):
    weights = []
    for threads in (1, 2):
        outcome = Tuner(shipped, 5, NOWHERE, threads, SMALL).tune(odd_fives[:3], np.full(3, 5))
        weights.append(outcome.classifier.checkpoint.model.parameters)
    np.testing.assert_array_equal(*weights)


def test_tuning_again_starts_at_the_shipped_weights(tuner, odd_fives, lenient):
    first = tuner.tune(odd_fives[:2], np.full(2, 5))
    tuner.tune(odd_fives[4:8], np.full(4, 5), first.classifier)
    again = tuner.tune(odd_fives[:2], np.full(2, 5))
    np.testing.assert_array_equal(
        first.classifier.checkpoint.model.parameters, again.classifier.checkpoint.model.parameters
    )


def test_of_a_convolutional_network_only_the_head_is_tuned(odd_fives):
    architecture = NAMED["cnn-small"]
    model = build(architecture, np.random.default_rng(1))
    shipped = Classifier(Path("x.npz"), Checkpoint("cnn-small", architecture, model, {}, 1.0, 0.2))
    tuner = Tuner(shipped, 0, NOWHERE, 2, replace(SMALL, rehearsed=50, guarded=20, steps=30))
    outcome = tuner.tune(odd_fives[:2], np.full(2, 5))
    classifier = outcome.classifier
    assert classifier is not None, outcome.reason
    head = model.layers[-1].params["weight"].size + 10
    old, new = model.parameters, classifier.checkpoint.model.parameters
    np.testing.assert_array_equal(old[:-head], new[:-head])
    assert not np.array_equal(old[-head:], new[-head:])
    # Both ways to the logits, also through the slanted copies, are one.
    both = tuner.logits([shipped, classifier], odd_fives)
    np.testing.assert_allclose(both[0], shipped.logits(odd_fives), atol=1e-4)
    np.testing.assert_allclose(both[1], classifier.logits(odd_fives), atol=1e-4)


def test_what_costs_too_much_is_not_taken(shipped):
    """Twenty 1s taught as 4s with a heavy hand: the guard on other digits says no."""
    ones = write_digits(np.ones(20, int), np.random.default_rng(0), STYLES)
    heavy = replace(SMALL, own_weight=0.95, steps=150, learning_rate=0.01)
    outcome = Tuner(shipped, 0, NOWHERE, 1, heavy).tune(ones, np.full(20, 4))
    if outcome.classifier is not None:  # the little that passed
        assert outcome.strength < 1
        assert outcome.validation_after >= outcome.validation_before - 0.001
    else:
        assert outcome.reason.startswith("it would have forgotten")


@pytest.mark.parametrize(
    ("right_before", "right_after", "reason"),
    [
        ("1110", "1111", None),
        ("0110", "1110", None),
        ("0111", "0111", "it would have read no more of your digits right"),
        ("1111", "1111", "all of your digits are read right already"),
        # As many as before, but not the same.
        ("0110", "1010", "it would have misread digits of yours that are read right"),
        ("1110", "0111", "it would have misread digits of yours that are read right"),
        # More than before, but not the same.
        ("1000", "0111", "it would have misread digits of yours that are read right"),
    ],
)
def test_one_of_the_users_digits_must_be_won_and_none_lost(
    shipped, odd_fives, right_before, right_after, reason
):
    """The tuning stands still, so that it reads what the shipped network reads."""
    images = odd_fives[:4]
    was_right, is_right = (np.array(list(word)) == "1" for word in (right_before, right_after))
    labels = (shipped.logits(images).argmax(axis=1) + ~is_right) % 10

    class Current:
        def logits(self, _):
            return np.eye(10)[(labels + ~was_right) % 10]

    still = replace(FEW, steps=1, learning_rate=0.0)
    outcome = Tuner(shipped, 0, NOWHERE, 1, still).tune(images, labels, Current())
    assert outcome.right_before == was_right.sum()
    if reason is None:
        assert outcome.classifier is not None
        assert outcome.right_after == is_right.sum()
    else:
        assert outcome.classifier is None
        assert outcome.reason == reason
        assert outcome.right_after == was_right.sum()  # of the old weights, which stay


def test_it_stops_while_digits_are_written(shipped, odd_fives, monkeypatch):
    tuner = Tuner(shipped, 0, NOWHERE, 1)  # as many digits as in the window
    framed = []

    def frame_lines(starts, ends, radius):
        framed.append(len(starts))
        tuner.stop.set()
        return np.zeros((len(starts), 28, 28), np.float32)

    monkeypatch.setattr("nn.handwriting.framing.frame_lines", frame_lines)
    with pytest.raises(TrainingError, match="stopped"):
        tuner.tune(odd_fives[:1], np.full(1, 5))
    assert len(framed) == 1
    assert framed[0] <= 256


def test_it_can_be_stopped(shipped, odd_fives):
    tuner = Tuner(shipped, 0, NOWHERE, 1, FEW)
    tuner.stop.set()
    with pytest.raises(TrainingError, match="stopped"):
        tuner.tune(odd_fives[:2], np.full(2, 5))
    tuner.stop.clear()
    assert tuner.tune(odd_fives[:2], np.full(2, 5)).digits == 2


def test_mnist_is_rehearsed_where_it_is_and_only_its_training_file(shipped, small_mnist, tmp_path):
    for file in small_mnist.iterdir():
        if file.name.startswith("train"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    tuner = Tuner(shipped, 0, tmp_path, 1, SMALL)
    tuner.prepare()
    assert tuner.on_mnist  # the test file is not even there
    rehearsed, guarded = tuner._digits_to_keep(np.random.default_rng(0))
    taken = {image.tobytes() for image in rehearsed[0]}
    assert not taken & {image.tobytes() for image in guarded[0]}
    assert len(guarded[0]) == 90  # the part of the 600 that the network did not learn from
    without = Tuner(shipped, 0, tmp_path, 1, SMALL, use_mnist=False)
    without.prepare()
    assert not without.on_mnist


def test_test_digits_are_found_to_measure_by(small_mnist, tmp_path):
    images, labels = rehearsal.mnist_test_digits(small_mnist)
    assert images.shape == (100, 784)
    assert images.max() <= 1
    assert len(labels) == 100


def test_a_tuned_network_is_kept_with_what_it_was_tuned_from(
    shipped, tuner, odd_fives, tmp_path, lenient
):
    classifier = tuner.tune(odd_fives[:2], np.full(2, 5)).classifier
    save_tuned(tmp_path / "mine.npz", classifier, "those")
    loaded, digits = load_tuned(tmp_path / "mine.npz", shipped)
    assert digits == "those"
    np.testing.assert_array_equal(loaded.logits(odd_fives), classifier.logits(odd_fives))
    assert fingerprint(loaded) != fingerprint(shipped)
    with pytest.raises(CheckpointError, match="other weights"):
        load_tuned(tmp_path / "mine.npz", load_classifier("linear"))


def test_what_is_learned_in_part_says_how_much_and_what_is_not_learned_is_not_used(
    shipped, odd_fives, monkeypatch
):
    monkeypatch.setattr(guard, "MAX_FORGOTTEN", 1.0)
    five, one = odd_fives[0], bare_line()[0]
    # One drawing with two labels is right at most once, whatever is learned.
    labels = np.array([3, 1, 7])
    some = Tuner(shipped, 5, NOWHERE, 1, SMALL).tune(np.stack([five, one, one]), labels)
    assert some.classifier is not None
    assert (some.right_before, some.right_after) == (1, 2)
    assert some.reason.endswith("; now 2 of them are read right")
    labels = np.array([1, 1, 7])
    none = Tuner(shipped, 5, NOWHERE, 1, SMALL).tune(np.stack([one, one, one]), labels)
    assert none.classifier is None
    assert none.right_after == none.right_before == 2
    assert "it would have read no more of your digits right" in none.reason


@pytest.mark.parametrize(
    "settings", ["x", {"validation": "a", "seed": "q"}, {"validation": 2.0, "seed": -1}, None]
)
def test_a_record_that_says_nonsense_leaves_the_usual_split(shipped, settings):
    record = {**shipped.checkpoint.record, "settings": settings}
    part, rng = rehearsal.split_of(replace(shipped.checkpoint, record=record))
    assert part == rehearsal.DEFAULT_VALIDATION
    assert rng.random() == np.random.default_rng(rehearsal.DEFAULT_SEED).random()


def test_a_tuning_that_comes_to_no_numbers_says_so(shipped, odd_fives, monkeypatch):
    monkeypatch.setattr(finetuning, "softmax", lambda logits: np.full_like(logits, np.nan))
    with pytest.raises(TrainingError, match="numbers that are not finite"):
        Tuner(shipped, 0, NOWHERE, 1, FEW).tune(odd_fives[:2], np.full(2, 5))


def test_the_guard_sees_what_comes_near_the_border_and_what_the_loss_says():
    labels = np.zeros(4, int)
    logits = np.zeros((4, 10))
    logits[:, 0] = [5.0, 2.0, 0.5, -1.0]
    guarded = guard.Guarded([logits + 1, logits - 1], labels, 8)
    before = guard.kept(guarded, lambda values: values.copy(), 1.0)
    assert before.accuracy == 1 - 1 / 8
    assert before.narrow == 2 / 8
    assert 0 < before.loss < 8
    assert not before.is_lost(before)
    for change in ({"accuracy": 0.87}, {"narrow": 0.26}, {"loss": 1.06 * before.loss}):
        assert before.is_lost(replace(before, **change))


def test_hard_digits_are_those_between_two():
    answers = np.full((16, 10), 0.01)
    answers[:, 3] = 0.9
    answers[[2, 11], 5] = 0.5, 0.8
    assert guard.hard_rows(answers).tolist() == [11, 2]


def test_a_label_that_everything_speaks_against_hardly_pulls(shipped, tuner):
    """A bare line kept as a 4 pulls less than one kept as what it nearly is."""
    one = bare_line()
    order = shipped.logits(one)[0].argsort()
    tuner.prepare()
    pulls = [
        tuner._own_features(one, order[[place]], np.random.default_rng(0))[1][0, 0]
        for place in (0, -1)
    ]
    assert pulls[0] < 0.1
    assert pulls[1] == 1


@pytest.mark.parametrize("amounts", [(300, 200), (800, 500)])
def test_a_clean_5_that_is_kept_as_an_8_stays_a_5_by_far(amounts):
    """However many digits are rehearsed, and without a guard."""
    shipped = load_classifier("cnn")
    images, labels = frame_digits(list(read_strokes(CASES / "one-5-labelled-8.jsonl")))
    assert labels.tolist() == [8]
    rehearsed, guarded = amounts
    tuner = Tuner(shipped, 0, NOWHERE, 2, Amounts(rehearsed, guarded=guarded))
    assert tuner.tune(images, labels).classifier is None
    tuned = tuner._classifier_with(tuner._head.parameters, labels)
    assert tuned.probabilities(images)[0, 5] > 0.9
