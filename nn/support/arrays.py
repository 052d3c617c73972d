"""Arrays as an `.npz` file, as `numpy.savez` writes it, read back without trusting the file.

Nothing is ever unpickled. A member's shape and type are taken from its header and compared with
the bytes that are there before any memory is asked for, so that a broken or hostile file gives one
clear line instead of a crash or a full memory.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nn.support.files import open_own
from nn.support.packed import open_zip
from nn.support.types import Array

Opener = Callable[[Path, int], Any]

MAX_FILE = 128 * 2**20  # bytes, unpacked; twice MNIST
# NumPy before 2.2 took `savez`'s argument of this name for an array, and stored it.
STRAY_MEMBER = "allow_pickle.npy"
# What NumPy writes before an array of plain numbers. Its own reader takes any Python literal, and
# then warns or fails in ways of its own.
NPY_MAGIC = b"\x93NUMPY\1\0"
NPY_HEADER = re.compile(
    rb"\{'descr': '([<>|](?:f[248]|[iu][1248]))', 'fortran_order': (True|False), "
    rb"'shape': \(((?:-?\d{1,19}, ?)*(?:-?\d{1,19})?)\),? ?\}\s*"
)


def npz_of(arrays: dict[str, Array]) -> memoryview:
    """The bytes of an `.npz` file of these arrays.

    Made in memory: zipfile cannot close an archive for which the disk had no room.
    """
    archive = io.BytesIO()
    members: dict[str, Any] = dict(arrays)
    np.savez(archive, **members)
    return archive.getbuffer()


def read_npz(path: Path, most: int = MAX_FILE, opener: Opener = open_own) -> dict[str, Array]:
    """The arrays of a file by name, in C or Fortran order, as they were written.

    The file is opened by `open_own` or `open_named`, and has at most `most` bytes unpacked.
    Raises `ValueError` that says what is wrong with the file, `OSError` if it cannot be opened,
    and `MemoryError`.
    """
    arrays = {}
    with opener(path, most) as file, open_zip(file, most) as archive:
        for member in archive.infolist():
            if member.filename == STRAY_MEMBER:
                continue
            with archive.open(member) as content:
                name = member.filename.removesuffix(".npy")
                arrays[name] = _read_npy(content, member.file_size)
    return arrays


def _read_npy(file: Any, size: int) -> Array:
    """One array, after checking that its header agrees with the `size` of the member in bytes."""
    start = file.read(len(NPY_MAGIC) + 2)
    if len(start) < len(NPY_MAGIC) + 2 or not start.startswith(NPY_MAGIC):
        raise ValueError("a member that is no array of .npy version 1.0")
    length = int.from_bytes(start[-2:], "little")
    found = NPY_HEADER.fullmatch(file.read(length))
    if not found:
        raise ValueError("an array of another kind, expected plain numbers")
    dtype = np.dtype(found[1].decode())
    shape = tuple(int(side) for side in found[3].replace(b",", b" ").split())
    content = size - len(start) - length
    # A zero must not hide the others: NumPy refuses absurd shapes even when they are empty.
    is_absurd = any(not 0 <= side <= MAX_FILE for side in shape)
    if is_absurd or math.prod(shape) * dtype.itemsize != content:
        raise ValueError(f"an array that claims shape {shape} in {size} bytes")
    # With a number, since a packed member may unpack to more than it is said to.
    values = np.frombuffer(file.read(content), dtype)
    return values.reshape(shape, order="F" if found[2] == b"True" else "C")
