"""IDX, the format of MNIST's own four files."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nn.support.errors import unexpected
from nn.support.packed import COPY_AGAIN, MAX_DIGITS, opened
from nn.support.types import Array

UINT8 = 0x08
MAX_DIMENSIONS = 3
MAX_VALUES = 28 * 28  # of a digit
CHUNK_BYTES = 1 << 20


def read_idx(path: Path | str) -> Array:
    """The array of an IDX file of bytes, plain or packed (its content tells, not its name).

    The format (http://yann.lecun.com/exdb/mnist): two zero bytes, the type (8 = unsigned byte),
    the number of dimensions (here 1 to 3), each dimension as a big-endian 32-bit number, then the
    values, last dimension fastest. Raises `DataError` unless the file is exactly that.
    """
    path = Path(path)
    with opened(path) as file:
        shape = _read_shape(path, file)
        size = math.prod(shape)
        # Grown with what really comes, so that a false header costs nothing. One byte more than
        # announced is asked for: it must not be there, and gzip checks its sum at the end.
        body = bytearray()
        while len(body) <= size:
            chunk = file.read(min(CHUNK_BYTES, size + 1 - len(body)))
            if not chunk:
                break
            body += chunk
        if len(body) != size:
            expected = f"{size} bytes after the header ({times(shape)})"
            received = "more" if len(body) > size else f"only {len(body)}"
            raise unexpected(path, expected, received, COPY_AGAIN)
    return np.frombuffer(body, np.uint8).reshape(shape)


def _read_shape(path: Path, file: io.BufferedIOBase) -> tuple[int, ...]:
    magic = file.read(4)
    if not magic:
        raise unexpected(path, "an IDX file", "an empty file", COPY_AGAIN)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        expected = "an IDX file, which begins with two zero bytes"
        raise unexpected(path, expected, f"{magic!r}", "put an IDX file there")
    kind, dimensions = magic[2], magic[3]
    if kind != UINT8:
        expected = "IDX values of type 8 (unsigned byte)"
        raise unexpected(path, expected, f"type {kind}", "write the values as bytes")
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        remedy = "write images as N × 28 × 28 and labels as N"
        raise unexpected(path, f"1 to {MAX_DIMENSIONS} IDX dimensions", f"{dimensions}", remedy)
    header = file.read(4 * dimensions)
    if len(header) < 4 * dimensions:
        expected = f"an IDX header of {4 + 4 * dimensions} bytes"
        raise unexpected(path, expected, "a part of it", COPY_AGAIN)
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4"))
    # A zero must not hide the others: NumPy refuses absurd shapes even when they are empty.
    if shape[0] > MAX_DIGITS or math.prod(max(size, 1) for size in shape[1:]) > MAX_VALUES:
        expected = f"at most {MAX_DIGITS:,} digits of {MAX_VALUES} values"
        raise unexpected(path, expected, f"a header of {times(shape)}", "split the file")
    return shape


def times(shape: Sequence[int]) -> str:
    """A shape as people write it: 60000 × 28 × 28."""
    return " × ".join(map(str, shape))
