"""The window against the pictures in tests/references; see tests/helpers/reference_pictures.py."""

import numpy as np
import pygame
import pytest

from tests.helpers.reference_pictures import FOLDER, SCENES, SIZES, path_of, picture_of

# Fonts are drawn a little differently by other versions of FreeType.
MEAN_TOLERANCE = 1.5  # of 255, over all pixels and channels
FAR = 60  # a pixel further off than that has another content
FAR_TOLERANCE = 0.01  # of all pixels


def pixels(surface):
    data = np.frombuffer(pygame.image.tobytes(surface, "RGB"), np.uint8)
    return data.reshape(surface.get_height(), surface.get_width(), 3).astype(int)


def differences(one, other):
    off = np.abs(pixels(one) - pixels(other))
    return off.mean(), (off.max(axis=2) > FAR).mean()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("scene", SCENES)
def test_the_window_looks_as_it_did(scene, size):
    reference = pygame.image.load(str(path_of(scene, size)))
    mean, far = differences(picture_of(scene, size), reference)
    remedy = "look at it, and if it is meant: python -m tests.helpers.reference_pictures"
    assert mean < MEAN_TOLERANCE, remedy
    assert far < FAR_TOLERANCE, remedy


def test_another_scene_or_a_moved_window_is_told_apart():
    for size in SIZES:
        reference = pygame.image.load(str(path_of("answered", size)))
        assert differences(picture_of("empty", size), reference)[1] > FAR_TOLERANCE
        moved = pygame.Surface(size)
        moved.blit(picture_of("answered", size), (4, 4))
        assert differences(moved, reference)[1] > FAR_TOLERANCE


def test_there_is_a_picture_for_each_scene_and_no_other():
    expected = {path_of(scene, size) for scene in SCENES for size in SIZES}
    assert set(FOLDER.glob("*.png")) == expected
