"""Drawings as files: a picture for people, and strokes that can be loaded and drawn on."""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.drawing.canvas import BRUSH_SIZES, DRAW_RADIUS, ERASE_RADIUS, FARTHEST, Canvas
from app.drawing.pictures import framed_picture
from app.drawing.strokes import (
    MAX_LINE,
    MAX_POINTS,
    length_and_side,
    parse_digit,
    read_strokes,
    strokes_of,
)
from nn.handwriting.framing import SIZE, Stroke
from nn.support.errors import DataError
from nn.support.files import open_own, user_folder, write_atomically, write_file
from nn.support.types import Array

if TYPE_CHECKING:
    import pygame

MAX_PATH = 8_000.0  # cells; more than a hand scribbles in a minute
MIN_BRUSH, MAX_BRUSH = DRAW_RADIUS * BRUSH_SIZES[0], ERASE_RADIUS * BRUSH_SIZES[-1]
ENLARGED = 10  # pixels a cell in a saved picture
SCREENSHOT = "Screenshot "  # what the names of pictures of the window begin with
STROKES = (".jsonl", ".gz", ".json")
PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


def users_drawings() -> Path:
    """The folder that drawings and screenshots are saved in: Digitpad in the user's pictures."""
    return user_folder("pictures") / "Digitpad"


def save_picture(surface: pygame.Surface, folder: Path, kind: str = "") -> Path:
    """Save a picture as a PNG named `kind` and the time, numbered if need be; returns its path.

    No file is ever replaced, also not by two windows in the same moment, nor where the clock was
    set back. Raises `DataError` if the disk refuses.
    """
    stem = folder / f"{kind}{time.strftime('%Y-%m-%d %H.%M.%S')}"
    number = 1
    try:
        while True:
            name = stem.name if number == 1 else f"{stem.name} ({number})"
            number += 1
            path = stem.with_name(f"{name}.png")
            if path.exists() or path.with_suffix(".jsonl").exists():
                continue
            with contextlib.suppress(FileExistsError):  # another window was faster
                save_surface(surface, path, replace=False)
                return path
    except OSError as error:
        raise _cannot_write(folder, error) from None


def _cannot_write(folder: Path, error: OSError) -> DataError:
    return DataError(f"cannot write into {folder}: {error.strerror or error}")


def save_drawing(canvas: Canvas, folder: Path, digit: int) -> list[Path]:
    """Save the drawing as STEM.png, black on white, and STEM.jsonl; returns what was written.

    `digit` is what it was read as. A drawing that began as a picture has no strokes that tell all
    of it, and is saved as a picture only; so is one too long to be opened again. Raises
    `DataError` if the disk refuses.
    """
    written = [save_picture(picture_of(canvas.ink), folder)]
    drawn = [stroke.points for stroke in canvas.strokes if stroke.kind == "draw"]
    if drawn and not canvas.is_picture:
        strokes = [[stroke.kind, stroke.radius, stroke.points] for stroke in canvas.strokes]
        record = {"label": digit, "strokes": drawn, "marks": strokes}
        line = json.dumps(record, separators=(",", ":"))
        if _can_be_opened(line, canvas.strokes):
            stroke_file = written[0].with_suffix(".jsonl")
            try:
                write_atomically(stroke_file, lambda file: file.write(f"{line}\n".encode()))
            except OSError as error:
                with contextlib.suppress(OSError):  # what is said not to be saved is not there
                    written[0].unlink()
                raise _cannot_write(folder, error) from None
            written.append(stroke_file)
    return written


def load_drawing(path: Path, canvas: Canvas) -> int | None:
    """Show a saved drawing, the first digit of a stroke file, or a picture; returns its label.

    Raises `DataError`, changing nothing, if the file is none of these.
    """
    if path.suffix.lower() not in STROKES:
        canvas.show_picture(framed_picture(path))
        return None
    digit = next(iter(read_strokes(path)))
    strokes = _saved_strokes(path)
    if strokes is None:
        canvas.show_strokes(strokes_of(digit))
        return digit.label
    canvas.show_strokes(strokes)
    return None  # what the program itself took it for is no true label


def _saved_strokes(path: Path) -> list[Stroke] | None:
    """The strokes of a drawing that this program saved; None for any other stroke file."""
    try:
        with open_own(path) as file:
            record: Any = json.loads(file.readline(MAX_LINE + 1))
        strokes = [_stroke(*entry) for entry in record["marks"]]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return None if not strokes or _is_too_long(strokes) else strokes


def _stroke(kind: Any, radius: Any, points: Any) -> Stroke:
    """A stroke that a canvas can have made; raises `ValueError` or `TypeError` for any other."""
    if kind not in ("draw", "erase") or not points:
        raise ValueError
    radius = _number(radius, MIN_BRUSH, MAX_BRUSH)
    far = FARTHEST
    return Stroke([(_number(x, -far, far), _number(y, -far, far)) for x, y in points], radius, kind)


def _number(value: Any, low: float, high: float) -> float:
    # Compared first: an integer of JSON may be too large for a float.
    if type(value) in (int, float) and low <= value <= high:
        return float(value)
    raise ValueError


def _can_be_opened(line: str, strokes: Sequence[Stroke]) -> bool:
    """Whether `load_drawing` would take a drawing that is saved so."""
    try:
        parse_digit(line.encode(), "")
    except DataError:
        return False
    return len(line) < MAX_LINE and not _is_too_long(strokes)


def _is_too_long(strokes: Sequence[Stroke]) -> bool:
    """Whether drawing them again would take more than a second or two."""
    length, _ = length_and_side([stroke.points for stroke in strokes])
    return length > MAX_PATH or sum(len(stroke.points) for stroke in strokes) > MAX_POINTS


def saved_drawings(folder: Path) -> list[Path]:
    """The files in the folder that can be opened, newest first; of a drawing only its strokes."""
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() in (*STROKES, *PICTURES)]
        stems = {path.stem for path in files if path.suffix == ".jsonl"}
        files = [path for path in files if not path.name.startswith(SCREENSHOT)]
        shown = [p for p in files if p.suffix == ".jsonl" or p.stem not in stems]
        return sorted(shown, key=_changed, reverse=True)
    except OSError:
        return []


def _changed(path: Path) -> float:
    """When a file was last written; of one that is gone, or leads nowhere, long ago."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def picture_of(ink: Array) -> pygame.Surface:
    """Ink (28, 28) as a picture, black on white, ten pixels a cell."""
    import pygame  # only now: the session works without it, until a picture is saved

    grey = np.rint(255 * (1 - np.clip(ink, 0, 1))).astype(np.uint8)
    cells = np.repeat(grey[..., None], 3, axis=2)
    small = pygame.image.frombuffer(cells.tobytes(), (SIZE, SIZE), "RGB")
    return pygame.transform.scale(small, (SIZE * ENLARGED, SIZE * ENLARGED))


def save_surface(surface: pygame.Surface, path: Path, replace: bool = True) -> None:
    """Write a PNG as `write_file` does, or, without `replace`, one that was not there before.

    Raises `OSError`.
    """
    import pygame

    # In memory first: pygame says neither what the disk refused nor that only once.
    picture = io.BytesIO()
    pygame.image.save(surface, picture, "digitpad.png")  # the name tells the format
    content = picture.getbuffer()
    if replace:
        write_file(path, lambda file: file.write(content))
    else:
        write_atomically(path, lambda file: file.write(content), False)
