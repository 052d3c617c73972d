import threading

import pygame
import pytest

from tests.helpers.clock import Clock


@pytest.fixture(autouse=True)
def fonts():
    pygame.font.init()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def refuse_threads(monkeypatch):
    """A function; once it has been called, no thread can be started."""

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    return lambda: monkeypatch.setattr(threading.Thread, "start", refuse)
