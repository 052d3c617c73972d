"""What a picture file says before its pixels: its kind, its size, and which way is up."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
ORIENTATION = 0x0112  # the tag of Exif's note on which way is up
# What no camera and no program comes near; each scan is decoded over the whole picture.
MAX_SEGMENTS, MAX_SCANS, MAX_ENTRIES = 50_000, 100, 1000
MAX_FILLING = 1000  # bytes before a marker
MAX_SCANNED = 10**9  # pixels of all scans; 28 of the largest picture
MAX_IN_SCANS = 36_000_000  # pixels of a picture in more than one scan, which take twelve bytes each
# Between two segments anything may stand but a marker: 0 and 0xD0…0xD7 only mean themselves.
MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")


def kind_and_size(data: bytes) -> tuple[str, int, int]:
    """Kind, width and height of a picture from its first bytes.

    Raises `ValueError`, `struct.error` or `IndexError` if it is not a picture that can be read.
    """
    if data.startswith(PNG):
        kind = "png"
        width, height = struct.unpack_from(">II", data, 16)
        for _ in _png_chunks(data):  # that there are not too many
            pass
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
    """Marker and place of each segment of a JPEG file, up to its end."""
    place = 2
    for _ in range(MAX_SEGMENTS):
        found = MARKER.search(data, place)
        if found is None:
            raise IndexError(place)
        if found.end() - found.start() > MAX_FILLING:
            raise ValueError(f"more than {MAX_FILLING:,} bytes of it say nothing; save it anew")
        marker, place = found[1][0], found.end()
        yield marker, place
        if marker == 0xD9:
            return
        if marker not in (0x01, 0xD8):  # those have no length
            place += max(struct.unpack_from(">H", data, place)[0], 2)
    raise ValueError(f"it has more than {MAX_SEGMENTS:,} segments; save it anew")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    size = None
    scans = 0
    try:
        for marker, place in _jpeg_segments(data):
            if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and size is None:
                height, width = struct.unpack_from(">HH", data, place + 3)
                size = width, height
            scans += marker == 0xDA
            pixels = 0 if size is None else size[0] * size[1]
            is_large = scans > 1 and pixels > MAX_IN_SCANS
            if scans > MAX_SCANS or scans * pixels > MAX_SCANNED or is_large:
                raise ValueError(
                    f"it has {scans} scans or more of {pixels:,} pixels, too many to decode; save "
                    "it anew"
                )
    except (struct.error, IndexError):
        # The decoder would show what is missing as plain grey, without a word.
        raise ValueError("the file ends too early") from None
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
        for entry in range(table + 2, table + 2 + 12 * min(count, MAX_ENTRIES), 12):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", note, entry)
            if tag == ORIENTATION and 1 <= value <= 8:
                return int(value)
    except (struct.error, IndexError, KeyError):
        pass  # a damaged note is no note
    return 1


def _jpeg_note(data: bytes) -> bytes:
    """The Exif note of a JPEG file; b"" without one."""
    if data.startswith(JPEG):
        for marker, place in _jpeg_segments(data):
            if marker == 0xE1 and data[place + 2 : place + 8] == b"Exif\0\0":
                return data[place + 8 : place + struct.unpack_from(">H", data, place)[0]]
            if marker == 0xDA:
                break
    return b""


def _png_note(data: bytes) -> bytes:
    """The Exif note of a PNG file, before its pixels or after them; b"" without one."""
    for kind, start, end in _png_chunks(data):
        if kind == b"eXIf":
            return data[start:end].removeprefix(b"Exif\0\0")
    return b""


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, begin and end of each chunk of a PNG file."""
    place = len(PNG)
    for _ in range(MAX_SEGMENTS):
        if place + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, place)
        yield kind, place + 8, place + 8 + length
        place += 12 + length
    raise ValueError(f"it has more than {MAX_SEGMENTS:,} parts; save it anew")
