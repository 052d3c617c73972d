import io
import warnings

import numpy as np
import pygame
import pytest

from app import clipboard
from app.drawings import picture_of
from nn.errors import DataError


class Scrap:
    """As `pygame.scrap`, which only a real window has."""

    def __init__(self, content=None, error=None):
        self.content, self.error, self.is_open = content or {}, error, False

    def get_init(self):
        return self.is_open

    def init(self):
        warnings.warn("scrap is old", DeprecationWarning, stacklevel=2)  # as pygame-ce does
        if self.error:
            raise self.error
        self.is_open = True

    def put(self, kind, data):
        self.content[kind] = data

    def get(self, kind):
        return self.content.get(kind)


def drawn():
    ink = np.zeros((28, 28), np.float32)
    ink[6:22, 12:16] = 1
    return ink


def test_a_picture_goes_there_and_back(monkeypatch):
    monkeypatch.setattr(pygame, "scrap", Scrap())
    clipboard.copy(picture_of(drawn()))
    pasted = clipboard.pasted_image()
    rows, columns = np.nonzero(pasted > 0.5)
    assert rows.max() - rows.min() + 1 == pytest.approx(20, abs=1)
    assert columns.max() - columns.min() + 1 == pytest.approx(5, abs=1)


def test_what_another_program_put_there_is_read_whatever_its_kind(monkeypatch):
    data = io.BytesIO()
    pygame.image.save(picture_of(drawn()), data, "picture.png")
    monkeypatch.setattr(pygame, "scrap", Scrap({"image/png": data.getvalue()}))
    assert clipboard.pasted_image().max() > 0.9


@pytest.mark.parametrize("content", [{}, {"image/png": b""}, {"text/plain": b"7"}])
def test_without_a_picture_a_line_says_what_to_do(monkeypatch, content):
    monkeypatch.setattr(pygame, "scrap", Scrap(content))
    with pytest.raises(DataError, match="a picture file can be dropped on the window"):
        clipboard.pasted_image()


def test_a_picture_that_is_none_is_one_line(monkeypatch):
    monkeypatch.setattr(pygame, "scrap", Scrap({"image/png": b"not a picture"}))
    with pytest.raises(DataError, match=r"^cannot read the clipboard: "):
        clipboard.pasted_image()


@pytest.mark.parametrize("error", [pygame.error("no window"), NotImplementedError()])
def test_without_a_clipboard_a_line_says_so(monkeypatch, error):
    monkeypatch.setattr(pygame, "scrap", Scrap(error=error))
    with pytest.raises(DataError, match="S saves the drawing"):
        clipboard.copy(picture_of(drawn()))
    with pytest.raises(DataError, match="No picture"):
        clipboard.pasted_image()
