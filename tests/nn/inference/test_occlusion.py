"""Why, by erasing: what the maps say is what erasing does."""

import numpy as np
import pytest

from app.drawing.strokes import frame_digits, read_strokes
from nn.inference.classifier import load_classifier
from nn.inference.occlusion import Occlusion, erasers, evidence, random_parts
from nn.network.losses import softmax
from tests.helpers.paths import EXAMPLES

IMAGE = np.zeros((28, 28), np.float32)
IMAGE[6:22, 13:15] = 1  # an upright stroke
IMAGE[6:8, 8:13] = 0.5  # with a faint one to the left of its top


class Reader:
    """A network of which only the probabilities are known: the softmax of what `logits` gives."""

    def __init__(self, logits):
        self.logits = logits
        self.batches = []

    def __call__(self, images):
        assert images.dtype == np.float32
        self.batches.append(len(images))
        logits = np.zeros((len(images), 10))
        self.logits(images, logits)
        return softmax(logits)


def top_speaks_against_4(images, logits):
    logits[:, 4] = images[:, 14:22].sum(axis=(1, 2)) / 4 - images[:, 6:8].sum(axis=(1, 2)) / 8


def last_map(read, image, digit, rival=None):
    *_, found = Occlusion(read, image).maps(digit, rival)
    return found


def without(image, mask):
    return np.where(mask, 0, image).astype(np.float32)


def test_ink_speaks_for_a_digit_or_against_it_by_what_it_adds():
    found = last_map(Reader(top_speaks_against_4), IMAGE, 4)
    assert found.effects[6:8].sum() < 0 < found.effects[14:22].sum()
    assert not found.effects[IMAGE == 0].any()
    assert not found.painted[IMAGE == 0].any()
    assert found.painted[15:21, 13:15].all()
    assert not found.painted[9:13].any()  # this ink does nothing
    stroke, faint = found.effects[6, 13], found.effects[6, 10]
    assert stroke / faint == pytest.approx(2, rel=0.5)  # there is half the ink


def test_the_first_map_is_there_after_a_few_readings_and_the_fine_one_after_more():
    read = Reader(top_speaks_against_4)
    seen = []
    for found in Occlusion(read, IMAGE, batch=16).maps(4):
        if found is not None:
            seen.append((found.is_fine, bool(found.without), sum(read.batches)))
    (first, _, few), (second, _, more), (third, _, _), (fourth, has_all, _) = seen
    assert (first, second, third, fourth, has_all) == (False, False, True, True, True)
    assert few < 40 < more
    assert max(read.batches) <= 16


def test_another_digit_needs_hardly_any_new_readings():
    read = Reader(top_speaks_against_4)
    occlusion = Occlusion(read, IMAGE)
    list(occlusion.maps(4))
    before = sum(read.batches)
    *_, found = occlusion.maps(7)
    assert sum(read.batches) - before < 30
    assert found.effects[14:22].sum() < 0  # what speaks for 4 speaks against 7


def test_why_4_and_not_9_is_why_not_9_and_4():
    def logits(images, logits):
        top_speaks_against_4(images, logits)
        logits[:, 9] = images[:, 6:8].sum(axis=(1, 2))

    mine = last_map(Reader(logits), IMAGE, 4, rival=9)
    other = last_map(Reader(logits), IMAGE, 9, rival=4)
    np.testing.assert_allclose(mine.effects, -other.effects, atol=1e-9)
    assert (mine.digit, mine.rival) == (4, 9)


def test_ink_that_is_there_twice_speaks_for_the_digit_though_either_alone_is_not_missed():
    def either(images, logits):
        top, bottom = images[:, 6:10].mean(axis=(1, 2)), images[:, 18:22].mean(axis=(1, 2))
        logits[:, 4] = 100 * np.maximum(top, bottom)

    found = last_map(Reader(either), IMAGE, 4)
    assert found.effects[6:10].sum() > 0.5
    assert found.effects[18:22].sum() > 0.5


def test_what_is_painted_holds_when_it_is_erased_at_once():
    def both_are_too_much(images, logits):
        top, bottom = images[:, 6:8].mean(axis=(1, 2)), images[:, 20:22].mean(axis=(1, 2))
        # Without either there is more of the 4, without both there is none.
        logits[:, 4] = 100 * np.minimum(np.maximum(top, bottom), 0.05) - 30 * top * bottom

    for logits in (both_are_too_much, top_speaks_against_4):
        read = Reader(logits)
        found = last_map(read, IMAGE, 4)
        (before,) = evidence(read(IMAGE[None]), 4)
        for sign in (1, -1):
            mask = found.painted & (sign * found.effects > 0)
            if mask.any():
                (after,) = evidence(read(without(IMAGE, mask)[None]), 4)
                assert sign * (before - after) > 0


def test_ink_that_matters_is_painted_though_its_two_strongest_cells_are_not_missed():
    def two_cells_are_not_missed(images, logits):
        ink = images[:, 14:22].sum(axis=(1, 2))
        logits[:, 4] = ink / 4 + 3 * (np.abs(ink - 14) < 0.5)  # the whole has 16

    found = last_map(Reader(two_cells_are_not_missed), IMAGE, 4)
    assert found.painted[15:21, 13:15].all()


def test_missing_ink_that_would_change_the_answer_is_found():
    def closed_top_is_a_9(images, logits):
        logits[:, 4], logits[:, 9] = 3, 40 * images[:, 3:6, 16:20].mean(axis=(1, 2))

    found = last_map(Reader(closed_top_is_a_9), IMAGE, 4)
    strongest = max(found.missing, key=lambda change: change.effect)
    y, x = strongest.place
    assert 2 <= y <= 6
    assert 15 <= x <= 20
    assert strongest.probabilities[9] > found.before[9]
    assert not any(IMAGE[int(y), int(x)] for y, x in (change.place for change in found.missing))


def test_what_is_read_without_the_ink_around_a_cell_is_told_for_each():
    read = Reader(top_speaks_against_4)
    found = last_map(read, IMAGE, 4)
    assert [change.place for change in found.without] == [(y, x) for y, x in np.argwhere(IMAGE > 0)]
    change = found.without[-1]
    erased = IMAGE * (1 - erasers([change.place], 2.0)[0])
    np.testing.assert_allclose(change.probabilities, read(erased[None])[0], rtol=1e-6)


def test_blank_paper_says_nothing():
    (found,) = [each for each in Occlusion(Reader(top_speaks_against_4), 0 * IMAGE).maps(4) if each]
    assert not found.effects.any()
    assert not found.painted.any()
    assert found.is_fine


def test_a_single_dot_and_a_full_sheet_are_explained():
    dot = np.zeros_like(IMAGE)
    dot[3, 4] = 0.2
    for image in (dot, np.ones_like(IMAGE)):
        found = last_map(Reader(top_speaks_against_4), image, 4)
        assert np.isfinite(found.effects).all()


def test_a_network_that_never_doubts_gives_numbers():
    def certain(images):
        return np.eye(10)[np.full(len(images), 4)]

    found = last_map(certain, IMAGE, 4)
    assert not found.effects.any()
    assert not found.painted.any()
    assert not found.missing


def test_random_parts_come_in_pairs_and_keep_all_shares_of_the_ink():
    parts = random_parts(IMAGE, 40)
    ink = IMAGE > 0
    np.testing.assert_array_equal(parts[:20] + parts[20:], np.broadcast_to(ink, (20, 28, 28)))
    kept = parts[:20].sum(axis=(1, 2)) / ink.sum()
    assert kept.min() < 0.1
    assert kept.max() > 0.9


@pytest.mark.parametrize("name", ["linear", "mlp", "cnn"])
def test_in_the_shipped_networks_the_map_is_what_erasing_does(name):
    classifier = load_classifier(name)
    image = frame_digits(list(read_strokes(EXAMPLES)))[0][4]
    digit = int(classifier.probabilities(image[None])[0].argmax())
    found = last_map(classifier.probabilities, image, digit)
    (before,) = evidence(classifier.probabilities(image[None]), digit)
    for sign in (1, -1):
        mask = found.painted & (sign * found.effects > 0)
        if mask.any():
            (after,) = evidence(classifier.probabilities(without(image, mask)[None]), digit)
            assert sign * (before - after) > 0
    assert (found.painted & (found.effects > 0)).sum() > 5
