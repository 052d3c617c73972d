"""What a picture file says before its pixels: its kind, its size, and which way is up."""

from __future__ import annotations

import struct
from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
ORIENTATION = 0x0112  # the tag of Exif's note on which way is up


def kind_and_size(data: bytes) -> tuple[str, int, int]:
    """Kind, width and height of a picture from its first bytes.

    Raises `ValueError`, `struct.error` or `IndexError` if it is not a picture that can be read.
    """
    if data.startswith(PNG):
        kind = "png"
        width, height = struct.unpack_from(">II", data, 16)
    elif data.startswith(JPEG):
        kind = "jpeg"
        width, height = _jpeg_size(data)
    elif data.startswith((b"GIF87a", b"GIF89a")):
        # SDL_image, as in pygame's wheels, writes beyond its memory where such a file is damaged.
        raise ValueError("GIF pictures are not read here")
    elif data.startswith(b"BM"):
        kind = "bmp"
        old = struct.unpack_from("<I", data, 14)[0] == 12
        width, height = struct.unpack_from("<HH" if old else "<ii", data, 18)
        height = abs(height)  # negative where the first row is the top one
    else:
        raise ValueError("it is not a picture of a known kind" if data else "the file is empty")
    if not (0 < width < 1 << 31 and 0 < height < 1 << 31):
        raise ValueError("it has no pixels")
    return kind, width, height


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker and place of each segment of a JPEG file, up to the first that holds pixels."""
    place = 2
    while True:
        place = data.find(b"\xff", place)
        if place < 0:
            raise IndexError(place)
        while data[place] == 0xFF:  # a marker may be preceded by any number of them
            place += 1
        marker = data[place]
        yield marker, place + 1
        if marker == 0xDA:
            return
        if marker not in (0x00, 0x01, *range(0xD0, 0xD9)):  # those have no length
            place += max(struct.unpack_from(">H", data, place + 1)[0], 2)
        place += 1


def _jpeg_size(data: bytes) -> tuple[int, int]:
    size = None
    for marker, place in _jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and size is None:
            height, width = struct.unpack_from(">HH", data, place + 3)
            size = width, height
        # The decoder would show what is missing as plain grey, without a word.
        if marker == 0xDA and data.find(b"\xff\xd9", place) < 0:
            raise ValueError("the file ends too early")
    if size is None:
        raise ValueError("it is not a whole JPEG picture")
    return size


def orientation(data: bytes) -> int:
    """Which way is up in a JPEG or PNG file, 1…8 as Exif counts; 1, as it is, if it does not say.

    `data` is a whole file that `kind_and_size` knows.
    """
    try:
        note = _png_note(data) if data.startswith(PNG) else _jpeg_note(data)
        order = {b"II": "<", b"MM": ">"}[note[:2]]
        table = struct.unpack_from(f"{order}I", note, 4)[0]
        count = struct.unpack_from(f"{order}H", note, table)[0]
        for entry in range(table + 2, table + 2 + 12 * count, 12):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", note, entry)
            if tag == ORIENTATION and 1 <= value <= 8:
                return int(value)
    except (struct.error, IndexError, KeyError):
        pass  # a damaged note is no note
    return 1


def _jpeg_note(data: bytes) -> bytes:
    """The Exif note of a JPEG file, and what comes after it; b"" without one."""
    if data.startswith(JPEG):
        for marker, place in _jpeg_segments(data):
            if marker == 0xE1 and data[place + 2 : place + 8] == b"Exif\0\0":
                return data[place + 8 :]
    return b""


def _png_note(data: bytes) -> bytes:
    """The Exif note of a PNG file, before its pixels or after them; b"" without one."""
    place = len(PNG)
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"eXIf":
            return data[place + 8 : place + 8 + length].removeprefix(b"Exif\0\0")
        place += 12 + length
    return b""
