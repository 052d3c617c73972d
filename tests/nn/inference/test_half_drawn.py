import json

import numpy as np
import pytest

from nn import half_drawn as command
from nn.inference.half_drawn import BECOMES, once_whole


def test_the_table_has_a_share_for_each_whole_digit():
    assert BECOMES.shape == (10, 10)
    assert BECOMES.min() >= 0
    np.testing.assert_allclose(BECOMES.sum(axis=1), 1)


def test_the_command_counts_the_table_again(capsys):
    command.main(["--count", "3000", "--seed", "7", "--json"])
    result = json.loads(capsys.readouterr().out)
    counted = np.array(result["shares"]) / 1000
    assert 0 < result["read"] < result["digits"] == 3000
    assert np.abs(counted - BECOMES).mean() < 0.01
    assert np.abs(counted - BECOMES).max() < 0.15  # a digit is read as a 7 in only some fifty parts


def test_a_row_without_any_part_is_its_own_digit():
    counts = np.zeros((10, 10), int)
    counts[1, [1, 4]] = 3, 1
    shares = command.shares_of(counts)
    assert shares[1].tolist() == [0, 750, 0, 0, 250, 0, 0, 0, 0, 0]
    np.testing.assert_array_equal(np.delete(shares, 1, 0), 1000 * np.delete(np.eye(10), 1, 0))


def nearly(digit):
    return np.where(np.arange(10) == digit, 0.991, 0.001)


def test_a_sure_one_may_still_become_a_four_and_what_is_open_stays_so():
    whole = once_whole(np.stack([nearly(1), np.full(10, 0.1)]))
    np.testing.assert_allclose(whole.sum(axis=1), 1)
    assert whole[0].argmax() == 1
    assert whole[0, 4] > 0.1
    assert whole[1].max() < 0.3


def test_a_digit_switched_off_leaves_its_share_to_the_others():
    on = nearly(1)
    off = np.where(np.arange(10) == 4, 0, on)
    all_on, without = once_whole(np.stack([on, off]))
    assert without[4] == 0
    assert without.sum() == pytest.approx(1)
    assert without[6] / without[1] == pytest.approx(all_on[6] / all_on[1], rel=0.01)
