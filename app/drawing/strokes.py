"""Recorded pen strokes: JSON Lines files, and fitting a recorded digit to the canvas.

A line of the file is one digit: `{"label": 3, "strokes": [[[x, y], …], …]}`, x to the right, y
down, in any unit. `"writer"` may say who wrote it; other keys are allowed and ignored. The
file may be packed, as gzip or zip. In a file of drawings that are no digits `"label"` is null,
`"symbol"` says what was written, and `"alike"` whether it could as well be a digit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np

from app.drawing.canvas import DRAW_RADIUS, Point
from nn.handwriting.framing import SIZE, Stroke, frame_strokes
from nn.support.errors import DataError
from nn.support.packed import opened
from nn.support.types import Array

DIGITS = 10  # a label is one of 0 … 9
MAX_LINE = 1 << 20  # bytes; a long digit has a few thousand
MAX_FILE = 100 << 20  # bytes unpacked; a small .gz can unpack to any size
MAX_COORDINATE = 1e12
MAX_LINES = 30_000  # twice as many digits as the largest of the public sets has
MAX_POINTS_IN_ALL = 1_500_000  # of a file; each takes a hundred bytes of memory
MAX_POINTS = 5_000  # of a digit, which usually has a hundred; a minute of scribbling gives these
MAX_SYMBOL = 100  # letters in the name of what is no digit
MAX_PATH = 400  # of a digit's line, in lengths of its longer side


@dataclass(frozen=True)
class RecordedDigit:
    """What somebody wrote: the digit they meant, the points of each stroke, and who it was."""

    label: int
    strokes: list[list[Point]]
    writer: str | None = None  # None where the file does not say


@dataclass(frozen=True)
class RecordedNondigit:
    """What somebody wrote that is no digit: its name, its strokes, and whether it looks like one.

    Nobody can tell one that is `alike`, as the letter O, from a digit.
    """

    symbol: str
    strokes: list[list[Point]]
    is_alike: bool = False


Recorded = TypeVar("Recorded", RecordedDigit, RecordedNondigit)


def read_strokes(path: Path | str) -> Iterator[RecordedDigit]:
    """The digits of a stroke file, one after another.

    Raises `DataError`, which names the line, for what cannot be read or understood, and for a file
    without digits. Only one line is in memory at a time.
    """
    return _read(path, parse_digit, "digits")


def read_nondigits(path: Path | str) -> Iterator[RecordedNondigit]:
    """The drawings of a file of what is no digit; errors as `read_strokes`."""
    return _read(path, parse_nondigit, "drawings")


def _read(
    path: Path | str, parse: Callable[[bytes, str], Recorded], noun: str
) -> Iterator[Recorded]:
    count = points = 0
    for number, line in _lines(path):
        if line.strip():
            count += 1
            recorded = parse(line, f"{path}, line {number}")
            points += sum(map(len, recorded.strokes))
            if points > MAX_POINTS_IN_ALL:
                raise DataError(
                    f"{path}: expected at most {MAX_POINTS_IN_ALL:,} points, received more in line "
                    f"{number}; split the file"
                )
            yield recorded
    if not count:
        raise DataError(f"{path} holds no {noun}; expected one JSON object a line")


def fit(
    strokes: Sequence[Sequence[Point]], scale: float = 0.7, shift: Point = (0.0, 0.0)
) -> list[list[Point]]:
    """Strokes in any unit, fitted to the canvas; returns points in cells.

    The longer side of the bounding box of all points becomes `scale` times the canvas, and its
    middle comes to (0.5 + shift x, 0.5 + shift y) of the canvas. A dot or a straight line, which
    has no width or no height, is placed the same way.
    """
    xs = [x for stroke in strokes for x, _ in stroke]
    ys = [y for stroke in strokes for _, y in stroke]
    if not xs:
        return []
    left, top = min(xs), min(ys)
    side = max(max(xs) - left, max(ys) - top) or 1.0
    # Dividing before multiplying keeps boxes of any size, however tiny, in range.
    middle_x, middle_y = (max(xs) - left) / side / 2, (max(ys) - top) / side / 2

    def placed(x: float, y: float) -> Point:
        return (
            SIZE * (0.5 + shift[0] + scale * ((x - left) / side - middle_x)),
            SIZE * (0.5 + shift[1] + scale * ((y - top) / side - middle_y)),
        )

    return [[placed(x, y) for x, y in stroke] for stroke in strokes]


def beginning(strokes: Sequence[Sequence[Point]], part: float) -> list[list[Point]]:
    """Strokes as far as they are drawn once the share `part`, 0…1, of their length is."""
    left = part * sum(math.dist(a, b) for stroke in strokes for a, b in pairwise(stroke))
    begun: list[list[Point]] = []
    for stroke in strokes:
        if begun and left <= 0:
            break
        begun.append([stroke[0]])
        for a, b in pairwise(stroke):
            step = math.dist(a, b)
            if step > left:
                share = left / step
                begun[-1].append((a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])))
                return begun
            left -= step
            begun[-1].append(b)
    return begun


def strokes_of(recorded: RecordedDigit | RecordedNondigit, part: float = 1.0) -> list[Stroke]:
    """The strokes that a recorded drawing becomes on the canvas: fitted, with the usual pen.

    Of a drawing that is half drawn, only the first `part` of its ink is there.
    """
    lines = fit(recorded.strokes)
    return [Stroke(line, DRAW_RADIUS) for line in (beginning(lines, part) if part < 1 else lines)]


def frame_recorded(
    recorded: Sequence[RecordedDigit | RecordedNondigit], part: float = 1.0
) -> Array:
    """Recorded drawings, or the first `part` of each, as the network sees them, (N, 28, 28)."""
    images = np.zeros((len(recorded), SIZE, SIZE), np.float32)
    for image, drawing in zip(images, recorded, strict=True):
        image[...] = frame_strokes(strokes_of(drawing, part))
    return images


def frame_stroke_ends(recorded: RecordedDigit | RecordedNondigit) -> list[Array]:
    """A recorded drawing as the network sees it after each stroke (28, 28) but the last."""
    strokes = strokes_of(recorded)
    return [frame_strokes(strokes[:count]) for count in range(1, len(strokes))]


def frame_digits(digits: Sequence[RecordedDigit]) -> tuple[Array, Array]:
    """Recorded digits as the network sees them, (N, 28, 28) float32, and their labels (N,)."""
    return frame_recorded(digits), np.array([digit.label for digit in digits], np.int64)


def length_and_side(lines: Sequence[Sequence[Point]]) -> tuple[float, float]:
    """How long lines are in all, and the longer side of the box around them."""
    xs, ys = zip(*(point for line in lines for point in line), strict=True)
    length = sum(math.dist(a, b) for line in lines for a, b in pairwise(line))
    return length, max(max(xs) - min(xs), max(ys) - min(ys))


def printable(writer: str) -> str:
    """A writer's name as it can be printed anywhere: short, in one line, without odd characters."""
    name = "".join(character if character.isprintable() else "?" for character in writer)
    return name if len(name) <= 12 else f"{name[:11]}…"


def _lines(path: Path | str) -> Iterator[tuple[int, bytes]]:
    """Numbered lines of a file, packed or not, none longer than allowed."""
    number, total = 0, 0
    with opened(Path(path)) as file:
        while line := file.readline(MAX_LINE + 1):  # never more than one byte beyond the limit
            number += 1
            total += len(line)
            if len(line) > MAX_LINE:
                raise DataError(f"{path}, line {number} is longer than {MAX_LINE:,} bytes")
            if total > MAX_FILE:
                raise DataError(f"{path} is larger than {MAX_FILE:,} bytes unpacked")
            if number > MAX_LINES:
                raise DataError(
                    f"{path}: expected at most {MAX_LINES:,} lines, received more; split the file"
                )
            yield number, line


def parse_digit(line: bytes, place: str) -> RecordedDigit:
    """The digit of one line; `place` names the line in the `DataError` if it cannot be read."""
    record = _record(line, place, ("label", "strokes"))
    label = record["label"]
    if not isinstance(label, int) or isinstance(label, bool) or not 0 <= label <= 9:
        raise DataError(f"{place}: label must be a whole number 0…9, received {_short(label)}")
    strokes = _strokes(record["strokes"], place)
    return RecordedDigit(label, strokes, _writer(record.get("writer")))


def parse_nondigit(line: bytes, place: str) -> RecordedNondigit:
    """The drawing of one line of a file of what is no digit; errors as `parse_digit`."""
    record = _record(line, place, ("symbol", "strokes"))
    if (label := record.get("label")) is not None:
        raise DataError(
            f"{place}: label must be null for what is no digit, received {_short(label)}"
        )
    symbol, alike = record["symbol"], record.get("alike", False)
    if not isinstance(symbol, str) or len(symbol) > MAX_SYMBOL:
        raise DataError(
            f"{place}: symbol must be text of at most {MAX_SYMBOL} letters, received "
            f"{_short(symbol)}"
        )
    if not isinstance(alike, bool):
        raise DataError(f"{place}: alike must be true or false, received {_short(alike)}")
    return RecordedNondigit(symbol, _strokes(record["strokes"], place), alike)


def _record(line: bytes, place: str, needed: Sequence[str]) -> dict[str, Any]:
    """A line's JSON object, which has the keys that are needed."""
    try:
        record = json.loads(line.decode("utf-8-sig"), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise DataError(f"{place} is not UTF-8 text: {error.reason}") from error
    except RecursionError as error:
        raise DataError(f"{place} is nested too deeply") from error
    except ValueError as error:  # json.JSONDecodeError, and a number with too many digits
        raise DataError(f"{place} is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise DataError(f'{place}: expected an object with "{needed[0]}" and "strokes"')
    missing = [key for key in needed if key not in record]
    if missing:
        raise DataError(f"{place}: {' and '.join(missing)} missing")
    return record


def _strokes(strokes: Any, place: str) -> list[list[Point]]:
    if not isinstance(strokes, list) or not strokes:
        raise DataError(f"{place}: strokes must be a list of at least one stroke")
    count = sum(len(stroke) for stroke in strokes if isinstance(stroke, list))
    if count > MAX_POINTS:
        raise DataError(f"{place}: expected at most {MAX_POINTS:,} points, received {count:,}")
    written = [_stroke(stroke, place) for stroke in strokes]
    path, side = length_and_side(written)
    if path > MAX_PATH * side:
        raise DataError(
            f"{place}: expected a line of at most {MAX_PATH} times the digit's longer side, "
            f"received {path / side:,.0f} times; draw it anew"
        )
    return written


def _writer(value: Any) -> str | None:
    """A writer's name or number; anything else is ignored, as other keys are."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number or isinstance(value, str) else None


def _stroke(stroke: Any, place: str) -> list[Point]:
    if not isinstance(stroke, list) or not stroke:
        raise DataError(f"{place}: a stroke must be a list of at least one point")
    points = []
    for point in stroke:
        if not isinstance(point, list) or len(point) != 2:
            raise DataError(f"{place}: a point must be a pair [x, y], received {_short(point)}")
        points.append((_number(point[0], place), _number(point[1], place)))
    return points


def _number(value: Any, place: str) -> float:
    # Comparing before converting: an integer of JSON may be too large for a float, and no
    # comparison holds for what is not a number.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and -MAX_COORDINATE <= value <= MAX_COORDINATE:
        return float(value)
    raise DataError(
        f"{place}: a coordinate must be a number within ±{MAX_COORDINATE:g}, "
        f"received {_short(value)}"
    )


def _short(value: Any) -> str:
    try:
        text = json.dumps(value)
    except RecursionError:  # what was just not too deep to read can be too deep to write
        return "something deeply nested"
    return text if len(text) <= 40 else f"{text[:39]}…"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number in JSON")
