import numpy as np
import pytest

from nn.inference.calibration import expected_calibration_error, fit_temperature
from nn.network.losses import softmax


def two_classes(*confidences):
    """Rows whose likelier class is the first one, with the given probability."""
    first = np.array(confidences)
    return np.stack([first, 1 - first], axis=1)


def test_an_example_worked_by_hand():
    # Intervals of a fifth: 0.9, 0.9 and 0.85 share (0.8, 1]: conf 2.65/3, acc 2/3; 0.7 and 0.65
    # share (0.6, 0.8]: conf 0.675, acc 1/2. Error: (|2 − 2.65| + |1 − 1.35|)/5 = 0.2.
    probabilities = two_classes(0.9, 0.7, 0.9, 0.85, 0.65)
    labels = np.array([0, 1, 0, 1, 0])
    assert expected_calibration_error(probabilities, labels, bins=5) == pytest.approx(0.2)


def test_errors_in_one_interval_make_up_for_each_other_but_not_across_intervals():
    probabilities, labels = two_classes(0.9, 0.6), np.array([0, 1])
    # One interval: conf 0.75, acc 1/2. Two or more: (|1 − 0.9| + |0 − 0.6|)/2.
    assert expected_calibration_error(probabilities, labels, bins=1) == pytest.approx(0.25)
    assert expected_calibration_error(probabilities, labels, bins=15) == pytest.approx(0.35)


def test_an_interval_holds_its_upper_end():
    # 0.75 ends (0.5, 0.75], where 0.7 lies too: acc 1/2, conf 0.725; apart it would be 0.475.
    probabilities, labels = two_classes(0.75, 0.7), np.array([0, 1])
    assert expected_calibration_error(probabilities, labels, bins=4) == pytest.approx(0.225)


def test_certainty_is_no_error_when_right_and_the_whole_error_when_wrong():
    certain = np.eye(10, dtype=np.float32)
    assert expected_calibration_error(certain, np.arange(10)) == 0.0
    assert expected_calibration_error(certain, np.arange(10)[::-1]) == 1.0
    above = certain * np.nextafter(np.float32(1), np.float32(2))
    assert expected_calibration_error(above, np.arange(10)) == pytest.approx(0, abs=1e-6)


def test_answers_as_often_right_as_they_say_have_no_error():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 200_000)
    labels = (rng.uniform(size=len(confidence)) >= confidence).astype(int)
    assert expected_calibration_error(two_classes(*confidence), labels) < 0.01


@pytest.mark.parametrize("labels", [[], [1, 0]])
def test_there_must_be_one_label_for_each_row(labels):
    with pytest.raises(ValueError, match="at least one"):
        expected_calibration_error(np.ones((len(labels) // 2, 2)), np.array(labels))


def test_temperature_makes_a_made_up_network_honest():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(20_000, 10)) * 2
    p = softmax(true)
    labels = (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)
    for factor in (0.5, 1.0, 3.0):  # logits too small, right, too large
        temperature = fit_temperature((true * factor).astype(np.float32), labels)
        assert temperature == pytest.approx(factor, rel=0.05)
    honest = softmax(true * 3 / fit_temperature(true * 3, labels))
    assert expected_calibration_error(honest, labels) < 0.01
    assert expected_calibration_error(softmax(true * 3), labels) > 0.1


def test_temperature_stays_within_bounds():
    assert fit_temperature(np.empty((0, 10)), np.empty(0, int)) == 1
    certain = np.eye(10) * 5
    assert fit_temperature(certain, np.arange(10)) == pytest.approx(0.1)
    assert fit_temperature(certain, (np.arange(10) + 1) % 10) == pytest.approx(10)
