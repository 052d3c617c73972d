import pygame
import pytest

from tests.helpers.clock import Clock


@pytest.fixture(autouse=True)
def fonts():
    pygame.font.init()


@pytest.fixture
def clock():
    return Clock()
