import json

import numpy as np
import pytest

from app import rejections, replay
from nn.inference.discount import MAX_NO_DIGIT, discounted
from nn.inference.rejection import load_rejection, probability_of_none
from tests.helpers.paths import EXAMPLES


def test_what_may_be_no_digit_is_shared_evenly_among_the_ten():
    probabilities = np.array([[0.91, *[0.01] * 9], [0.19, *[0.09] * 9]])
    shown = discounted(probabilities, np.array([0.1, 0.0]))
    np.testing.assert_allclose(shown[0], [0.829, *[0.019] * 9])
    np.testing.assert_array_equal(shown[1], probabilities[1])
    np.testing.assert_allclose(shown.sum(axis=1), 1)


def test_a_digit_that_is_off_gets_no_share():
    shown = discounted(np.array([0.5, 0.5, *[0.0] * 8]), 0.1)
    assert shown.tolist() == pytest.approx([0.5, 0.5, *[0.0] * 8])


def test_what_is_refused_keeps_what_it_would_be_as_a_digit_and_nothing_stays_nothing():
    sure = np.array([0.99, 0.01, *[0.0] * 8], np.float32)
    np.testing.assert_array_equal(discounted(sure, MAX_NO_DIGIT + 1e-6), sure)
    assert discounted(sure, MAX_NO_DIGIT)[0] < 0.95
    assert discounted(sure, 0.02).dtype == np.float32
    assert not discounted(np.zeros((2, 10)), np.array([0.05, 0.05])).any()  # a blank canvas


def test_at_the_threshold_it_is_as_likely_no_digit_as_is_answered_at_most():
    threshold = 1.0452437400817871
    scores = np.array([-1e5, -20, threshold, threshold + 1e-6, 20, np.inf])
    likely = probability_of_none(scores, threshold)
    assert (np.diff(likely) >= 0).all()
    assert likely[0] == 0
    assert likely[2] == MAX_NO_DIGIT  # answered, as `Rejection.is_rejected` says
    assert likely[3] > MAX_NO_DIGIT
    assert likely[-1] == 1
    odds = likely[1:5] / (1 - likely[1:5])
    np.testing.assert_allclose(np.diff(np.log(odds)), np.diff(scores[1:5]), rtol=1e-6)


def test_what_might_be_no_digit_is_surely_answered_nowhere(tmp_path, capsys, monkeypatch):
    rejection = load_rejection()
    monkeypatch.setattr(rejection, "rejection_score", lambda images: np.full(len(images), score))
    monkeypatch.setattr(rejections, "load_rejection", lambda *_: rejection)
    monkeypatch.setattr(replay, "load_rejection", lambda: rejection)
    strokes = json.loads(EXAMPLES.read_text().splitlines()[3])["strokes"]
    path = tmp_path / "non.jsonl"
    path.write_text(json.dumps({"label": None, "symbol": "a", "strokes": strokes}))
    for below, is_sure in ((20, 1), (0.1, 0)):
        score = rejection.threshold - below
        rejections.main([str(EXAMPLES), "--nondigits", str(path), "--each", "1", "--json"])
        drawn = json.loads(capsys.readouterr().out)["drawn_nondigits"]["not_alike"]
        assert drawn == {"count": 1, "refused": 0, "sure": is_sure}
        replay.main([str(EXAMPLES), "--json"])
        result = json.loads(capsys.readouterr().out)
        assert result["answered"] == 1
        assert result["accuracy"] == 1
        assert (result["calibration_error"] < 0.03) == is_sure
