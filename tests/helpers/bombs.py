"""Small files that ask for much work: of memory, of time, or of both."""

import io
import json
import random
import struct
import zipfile
import zlib

from PIL import Image


def gzip_bomb(start, block, count):
    """A gzip file of `start` and then `count` times `block`; only its sum at the end is wrong."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = []
    for piece in (start, block):
        parts.append(packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH))
    return parts[0] + parts[1] * count + packer.flush()


def idx_bomb(digits):
    """An IDX file of so many blank digits, packed to a thousandth of its size."""
    header = struct.pack(">BBBBIII", 0, 0, 8, 3, digits, 28, 28)
    return gzip_bomb(header, bytes(784 * 1000), digits // 1000)


def blank_lines(millions):
    """A packed file of nothing but line ends."""
    return gzip_bomb(b"", b"\n" * 10**6, millions)


def jpeg(side=28):
    """A small valid picture."""
    buffer = io.BytesIO()
    picture = Image.new("L", (side, side), 255)
    picture.paste(0, (side // 3, side // 5, side // 2, 4 * side // 5))
    picture.save(buffer, "JPEG", progressive=True)
    return buffer.getvalue()


def jpeg_of_scans(scans, side):
    """A progressive JPEG whose last scan comes so many times more."""
    data = jpeg(side)
    last, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    return data[:end] + data[last:end] * scans + data[end:]


def jpeg_of_segments(count, segment=b"\xff\xfe\0\2"):
    """A JPEG with so many segments before its pixels."""
    data = jpeg()
    return data[:2] + segment * count + data[2:]


def exif_of_entries(entries):
    """A segment with an Exif note that claims so many entries."""
    note = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", entries)
    return b"\xff\xe1" + struct.pack(">H", len(note) + 2) + note


def png(width, height, extra=b""):
    """A white PNG of any size, with `extra` chunks."""
    row = b"\0" + b"\xff" * (4 * width)
    packer = zlib.compressobj(1)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = _chunk(b"IHDR", head) + extra + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind, content):
    return (
        struct.pack(">I", len(content)) + kind + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )  # fmt: skip


EMPTY_CHUNK = _chunk(b"teSt", b"")


def digit(points, step=19.0, key=0):
    """A line of a stroke file: a zigzag, each of whose pieces is so long, in a box of 20 units."""
    line = [[abs(i % 160 - 80) / 4, step * (i % 2)] for i in range(points)]
    record = {"label": 3, "strokes": [line], "key": str(key)}
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def archive_bomb(megabytes):
    """An .npz of zeros, packed to a thousandth of its size, without a header that fits them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("a.npy", "w") as file:
            shape = f"({megabytes << 18},)"
            head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
            head += " " * (117 - len(head)) + "\n"
            file.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode())
            for _ in range(megabytes):
                file.write(bytes(1 << 20))
        archive.writestr("header.npy", b"none")
    return buffer.getvalue()


def any_picture(rng: random.Random):
    """One of the pictures above, of a random size."""
    many = rng.choice((10, 1000, 100_000, 1_000_000))
    return rng.choice((
        lambda: jpeg_of_scans(min(many, 3000), rng.choice((28, 300, 3000))),
        lambda: jpeg_of_segments(many),
        lambda: jpeg_of_segments(min(many, 100_000), exif_of_entries(65_535)),
        lambda: jpeg_of_segments(many, b"\xff"),
        lambda: png(rng.choice((1, 40_000, 1_000_000)), rng.choice((1, 10))),
        lambda: png(28, 28, EMPTY_CHUNK * many),
    ))()  # fmt: skip


def any_strokes(rng: random.Random):
    """One of the stroke files above, of a random size."""
    return rng.choice((
        lambda: blank_lines(rng.choice((1, 60))),
        lambda: digit(rng.choice((400, 4000, 40_000)), rng.choice((0.5, 5.0, 19.0))),
        lambda: digit(30) * rng.choice((10, 300)),
    ))()  # fmt: skip
