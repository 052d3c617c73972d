"""Pictures to and from the clipboard, where the platform and this pygame have one for them."""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pygame
from numpy.typing import NDArray

from app.pictures import framed_picture
from app.quiet import silent_libraries
from nn.errors import DataError

TYPES = ("image/bmp", "image/png", "image/jpeg")


def copy(picture: pygame.Surface) -> None:
    """Put a picture on the clipboard. Raises `DataError` where that cannot be done."""
    data = io.BytesIO()
    pygame.image.save(picture, data, "picture.bmp")
    try:
        with silent_libraries(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            if not pygame.scrap.get_init():
                pygame.scrap.init()
            pygame.scrap.put("image/bmp", data.getvalue())
    except (pygame.error, NotImplementedError, AttributeError) as error:
        raise DataError(f"No clipboard for pictures here ({error}); S saves the drawing") from None


def pasted_image() -> NDArray[Any]:
    """The digit in the picture on the clipboard, framed, (28, 28); `DataError` without one."""
    data = _content()
    if not data:
        raise DataError("No picture on the clipboard; a picture file can be dropped on the window")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "the clipboard"
        path.write_bytes(data)
        try:
            return framed_picture(path)
        except DataError as error:  # of a file that nobody has heard of
            raise DataError(str(error).replace(str(path), path.name)) from None


def _content() -> bytes | None:
    try:
        with silent_libraries(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            if not pygame.scrap.get_init():
                pygame.scrap.init()
            found = (pygame.scrap.get(kind) for kind in TYPES)
            return next((data for data in found if data), None)
    except (pygame.error, NotImplementedError, AttributeError):
        return None
