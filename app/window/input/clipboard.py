"""Pictures to and from the clipboard, where the platform and this pygame have one for them."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pygame

from app.drawing.pictures import framed_picture
from app.drawing.quiet import silent_libraries
from nn.support.errors import DataError
from nn.support.types import Array

# What pictures that can be read are called there; the second is Windows's own name for one.
TYPES = ("image/png", "PNG", "image/jpeg", "image/bmp")
OTHER_PICTURES = ("image/", "gif", "jfif", "enhanced metafile")  # how the names of others begin
NO_CLIPBOARD = (pygame.error, NotImplementedError, AttributeError)
DROP = "drop a picture file here"


def copy(picture: pygame.Surface) -> None:
    """Put a picture on the clipboard. Raises `DataError` where that cannot be done."""
    data = io.BytesIO()
    pygame.image.save(picture, data, "picture.bmp")
    try:
        with _open_clipboard() as scrap:
            scrap.put("image/bmp", data.getvalue())
    except NO_CLIPBOARD as error:
        reason = str(error).rstrip(".")
        raise DataError(f"No clipboard for pictures here ({reason}); S saves the drawing") from None


def pictures() -> list[bytes]:
    """The picture on the clipboard, in the formats it is there in; `DataError` without one."""
    try:
        with _open_clipboard() as scrap:
            found = [data for kind in TYPES if (data := scrap.get(kind))]
            if not found:
                raise DataError(_what_is_there(scrap))
    except NO_CLIPBOARD as error:
        raise DataError(f"No clipboard here ({str(error).rstrip('.')}); {DROP}") from None
    return found


def image_of(pictures: Sequence[bytes]) -> Array:
    """The digit in the first of some picture files that can be read, framed, (28, 28).

    Raises `DataError` if it is none of them.
    """
    errors = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "the clipboard"
        for data in pictures:  # the same picture in several formats, of which one may be readable
            path.write_bytes(data)
            try:
                return framed_picture(path)
            except DataError as error:  # its file's name is none that the user knows
                errors.append(str(error).replace(str(path), path.name))
    raise DataError(errors[0])


@contextlib.contextmanager
def _open_clipboard() -> Iterator[Any]:
    """pygame's clipboard, without its complaints of being old."""
    with silent_libraries(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        if not pygame.scrap.get_init():
            pygame.scrap.init()
        yield pygame.scrap


def _what_is_there(scrap: Any) -> str:
    """One line on a clipboard without a picture that can be read: what it holds, what to do."""
    try:
        # Some kinds are always listed, whether there is anything of them or not.
        kinds = [kind for kind in scrap.get_types() if scrap.get(kind)]
    except ValueError:  # Windows lists names in any encoding, and pygame expects ASCII
        kinds = []
    pictures = [kind for kind in kinds if kind.lower().startswith(OTHER_PICTURES)]
    if pictures:
        return f"The clipboard's picture is {pictures[0]}, not PNG, JPEG or BMP; {DROP}"
    if any(kind.startswith("text/") for kind in kinds):
        return f"The clipboard holds text and no readable picture; {DROP}"
    if kinds:
        return f"The clipboard holds {kinds[0]} and no readable picture; {DROP}"
    if sys.platform != "win32":  # pygame asks for nothing but text, and pygame-ce as well
        return f"Here pygame can read only text from the clipboard; {DROP}"
    return f"The clipboard is empty; copy a PNG, JPEG or BMP picture, or {DROP}"
