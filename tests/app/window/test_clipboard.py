import io
import sys
import warnings

import numpy as np
import pygame
import pytest

from app.drawing.drawings import picture_of
from app.window.input import clipboard
from app.window.loop import serve
from app.window.painter import Painter
from nn.inference.classifier import load_classifier
from nn.support.errors import DataError
from tests.helpers.screens import screen_of, send


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

    def get_types(self):
        return list(self.content)


def pasted_into_a_window():
    """A session after Ctrl-V."""
    screen = screen_of(load_classifier("linear"))
    send(screen, pygame.KEYDOWN, key=pygame.K_v, mod=pygame.KMOD_LCTRL)
    serve(screen, Painter())
    return screen.session


def drawn():
    ink = np.zeros((28, 28), np.float32)
    ink[6:22, 12:16] = 1
    return ink


def test_a_picture_goes_there_and_back(monkeypatch):
    monkeypatch.setattr(pygame, "scrap", Scrap())
    clipboard.copy(picture_of(drawn()))
    pasted = clipboard.image_of(clipboard.pictures())
    rows, columns = np.nonzero(pasted > 0.5)
    assert rows.max() - rows.min() + 1 == pytest.approx(20, abs=1)
    assert columns.max() - columns.min() + 1 == pytest.approx(5, abs=1)


def test_what_another_program_put_there_is_read_whatever_its_kind(monkeypatch):
    data = io.BytesIO()
    pygame.image.save(picture_of(drawn()), data, "picture.png")
    monkeypatch.setattr(pygame, "scrap", Scrap({"image/png": data.getvalue()}))
    assert clipboard.image_of(clipboard.pictures()).max() > 0.9


TEXT_ONLY = {"text/plain": b"", "text/plain;charset=utf-8": b""}  # always listed


@pytest.mark.parametrize(
    ("platform", "content", "line"),
    [
        ("win32", {}, "The clipboard is empty; copy a PNG, JPEG or BMP picture"),
        ("win32", {"image/png": b""}, "The clipboard is empty"),
        ("linux", TEXT_ONLY, "Here pygame can read only text from the clipboard"),
        ("darwin", TEXT_ONLY, "Here pygame can read only text from the clipboard"),
        (
            "linux",
            {**TEXT_ONLY, "text/plain": b"7"},
            "The clipboard holds text and no readable picture",
        ),
        ("win32", {"HTML Format": b"7", "text/plain": b"7"}, "The clipboard holds text"),
        ("win32", {"text/plain": b"7", "image/tiff": b"II*"}, "The clipboard's picture is image/t"),
        ("win32", {"GIF": b"GIF89a"}, "The clipboard's picture is GIF, not PNG, JPEG or BMP"),
        ("win32", {"FileNameW": b"C"}, "The clipboard holds FileNameW and no readable picture"),
    ],
)
def test_without_a_picture_a_line_says_what_is_there_and_what_to_do(
    monkeypatch, platform, content, line
):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(pygame, "scrap", Scrap(content))
    session = pasted_into_a_window()
    assert session.message.startswith(line)
    assert session.message.endswith("drop a picture file here")
    assert len(session.message) < 90  # or its letters would shrink
    assert session.canvas.is_blank


def test_names_that_pygame_cannot_list_are_passed_over(monkeypatch):
    def get_types():
        raise UnicodeDecodeError("ascii", b"\xe9", 0, 1, "ordinal not in range")

    scrap = Scrap()
    monkeypatch.setattr(scrap, "get_types", get_types)
    monkeypatch.setattr(pygame, "scrap", scrap)
    assert "drop a picture file" in pasted_into_a_window().message


def test_of_several_formats_one_that_can_be_read_is_enough(monkeypatch):
    data = io.BytesIO()
    pygame.image.save(picture_of(drawn()), data, "picture.png")
    content = {"image/bmp": data.getvalue(), "image/png": b"broken"}
    monkeypatch.setattr(pygame, "scrap", Scrap(content))
    session = pasted_into_a_window()
    assert session.message == "Pasted"
    assert not session.canvas.is_blank


def test_a_picture_that_is_none_is_one_line(monkeypatch):
    monkeypatch.setattr(pygame, "scrap", Scrap({"image/png": b"not a picture"}))
    with pytest.raises(DataError, match=r"^cannot read the clipboard: "):
        clipboard.image_of(clipboard.pictures())


@pytest.mark.parametrize("error", [pygame.error("no window"), NotImplementedError()])
def test_without_a_clipboard_a_line_says_so(monkeypatch, error):
    monkeypatch.setattr(pygame, "scrap", Scrap(error=error))
    with pytest.raises(DataError, match="S saves the drawing"):
        clipboard.copy(picture_of(drawn()))
    with pytest.raises(DataError, match=r"^No clipboard here .*drop a picture file here"):
        clipboard.image_of(clipboard.pictures())
