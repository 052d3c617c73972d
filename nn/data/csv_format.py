"""Digits as CSV: a digit a line, 784 pixels from 0 to 255, with a label or without.

Which column holds the label is what the heading says, wherever that is; without a heading it is
the first of 785. Nothing is guessed where heading and values contradict each other.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nn.support.errors import unexpected
from nn.support.packed import MAX_DIGITS, MAX_UNPACKED, opened
from nn.support.types import Array

PIXELS = 28 * 28
CLASSES = 10
LABEL_NAMES = ("label", "labels", "class", "digit", "target", "y")

MAX_LINE = 1 << 16  # bytes; 785 numbers of at most three digits need a tenth of it
MAX_LINES = 2 * MAX_DIGITS  # there may be blank ones between them
CHUNK_ROWS = 1000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
ONE_A_LINE = "write one digit a line, its numbers separated by commas"
EXPECTED = f"{PIXELS} pixels a line, with or without a label"


class _Columns(NamedTuple):
    width: int
    label: int | None  # its column from 0, or None if there are only pixels
    has_heading: bool


def read_columns(path: Path | str) -> tuple[Array, Array | None]:
    """The pixels (N, 784) of a CSV file, and its labels (N,) from 0 to 9 or None if it has none.

    The file may be packed. Its first line is a heading if one of its fields is a name of the label
    (see `LABEL_NAMES`) or none is a number. Blank lines, a byte-order mark and Windows line ends
    do no harm. Raises `DataError`, with the line's number, for anything else.
    """
    path = Path(path)
    columns = None
    tables: list[Array] = []
    with opened(path) as file:
        for lines in _line_chunks(path, file):
            if columns is None:
                first = next(iter(lines))
                columns = _columns(path, first, lines[first])
                if columns.has_heading:
                    del lines[first]
            if lines:
                tables.append(_parse_lines(path, lines, columns))
            if sum(map(len, tables)) > MAX_DIGITS:
                raise unexpected(path, f"at most {MAX_DIGITS:,} digits", "more", "split the file")
    if columns is None or not tables:
        raise unexpected(path, EXPECTED, "no such line", ONE_A_LINE)
    table = np.concatenate(tables)
    if columns.label is None:
        return table, None
    labels = table[:, columns.label].astype(np.int64)
    last = table[:, -1]
    if not columns.has_heading and not labels.any() and last.any() and last.max() < CLASSES:
        raise unexpected(
            path,
            "the label in the first column, as there is no heading",
            f"only zeros there, and numbers from 0 to {CLASSES - 1} in the last",
            "name the columns in a heading, with label where the label is",
        )
    return np.delete(table, columns.label, axis=1), labels


def _columns(path: Path, number: int, text: str) -> _Columns:
    """What the first line of text, which has this number in the file, tells about the columns."""
    fields = [field.strip(" \t\"'").lower() for field in text.split(",")]
    width = len(fields)
    if width not in (PIXELS, PIXELS + 1):
        raise unexpected(path, EXPECTED, f"{width} in line {number}", ONE_A_LINE)
    found = [column for column, field in enumerate(fields) if field in LABEL_NAMES]
    if not found and any(not math.isnan(_number(field)) for field in fields):
        return _Columns(width, 0 if width > PIXELS else None, has_heading=False)
    if len(found) != width - PIXELS:
        raise unexpected(
            path,
            f"a heading of {PIXELS} pixels, or of these and one {', '.join(LABEL_NAMES)}",
            f"{width - len(found)} and {len(found)}, from {fields[0][:20]!r} to "
            f"{fields[-1][:20]!r}",
            f"name the label's column {LABEL_NAMES[0]}",
        )
    return _Columns(width, found[0] if found else None, has_heading=True)


def _number(field: str) -> float:
    """The number that a field holds, or not-a-number."""
    try:
        return math.nan if "_" in field else float(field)
    except ValueError:
        return math.nan


def _line_chunks(path: Path, file: io.BufferedIOBase) -> Iterator[dict[int, str]]:
    """Up to `CHUNK_ROWS` lines at a time by their number from 1, without blanks."""
    lines: dict[int, str] = {}
    number = total = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        total += len(line)
        if len(line) > MAX_LINE:
            expected = f"lines of at most {MAX_LINE} bytes"
            raise unexpected(path, expected, f"more in line {number}", ONE_A_LINE)
        if total > MAX_UNPACKED:
            expected = f"at most {MAX_UNPACKED} bytes of text"
            raise unexpected(path, expected, "more", "split the file")
        if number > MAX_LINES:
            raise unexpected(path, f"at most {MAX_LINES:,} lines", "more", "split the file")
        if number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)
        # What is not ASCII is no number either, and is reported as such.
        if text := line.decode("ascii", "replace").strip():
            lines[number] = text
        if len(lines) == CHUNK_ROWS:
            yield lines
            lines = {}
    if lines:
        yield lines


def _parse_lines(path: Path, lines: dict[int, str], columns: _Columns) -> Array:
    """The numbers of some lines, (n, columns): all at once, or one by one to find a mistake."""
    texts = list(lines.values())
    for dtype in (np.uint8, np.float64):  # the first is ten times as fast
        try:
            # At something like 5.0 NumPy warns that it is no byte.
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                table = np.loadtxt(texts, dtype, comments=None, delimiter=",", ndmin=2)
        except (ValueError, Warning):
            continue
        with np.errstate(invalid="ignore"):  # what is no number is no byte either
            whole = table.astype(np.uint8, copy=False)
        if (
            table.shape == (len(lines), columns.width)
            and (columns.label is None or table[:, columns.label].max() < CLASSES)
            and np.array_equal(whole, table)
        ):
            return whole
    return np.array([_parse_line(path, columns, *line) for line in lines.items()], np.uint8)


def _parse_line(path: Path, columns: _Columns, number: int, text: str) -> list[int]:
    """The numbers of one line; a `DataError` names the line and column of the first mistake."""
    fields = text.split(",")
    if len(fields) != columns.width:
        expected = f"{columns.width} columns in line {number}, as in the first"
        raise unexpected(path, expected, f"{len(fields)}", ONE_A_LINE)
    values = []
    for column, field in enumerate(fields):
        what, highest = ("label", CLASSES - 1) if column == columns.label else ("pixel", 255)
        value = _number(field)
        if not (0 <= value <= highest and value.is_integer()):
            if what == "label":
                remedy = "leave out what is no digit"
                if not columns.has_heading:
                    remedy += ", or name the label's column in a heading"
            elif 0 < value < 1:
                remedy = "multiply pixels from 0 to 1 by 255 and round them"
            else:
                remedy = "write pixels as whole numbers, 0 for paper and 255 for ink"
            expected = f"a {what} from 0 to {highest} in line {number}, column {column + 1}"
            raise unexpected(path, expected, repr(field[:20]), remedy)
        values.append(int(value))
    return values
