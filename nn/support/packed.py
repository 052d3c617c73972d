"""Opening files that may be packed, as gzip or zip, with a limit on what unpacking them can cost.

No header is believed about how much memory to allocate: a read gives at most what was asked for.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from nn.support.errors import DataError, unexpected
from nn.support.files import open_named, open_own, seekable

MAX_UNPACKED = 320 << 20  # bytes; MNIST's largest file has 47 MB, or 110 MB as CSV
MAX_DIGITS = 80_000  # MNIST has 70,000; as numbers to compute with, these take 250 MB
GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\3\4"
COPY_AGAIN = "copy or make the file again"  # the remedy for one that is damaged
MAX_DIRECTORY = 2**20  # bytes of a zip archive's list of members; usually a thousandth of it


@contextlib.contextmanager
def opened(path: Path) -> Iterator[io.BufferedIOBase]:
    """Open a file, unpacking it if its first bytes say gzip or zip.

    A zip must hold one file, besides what macOS adds. All troubles become `DataError`.
    """
    if "\0" in str(path):
        raise DataError(f"{path} is not a name that a file can have; check it")
    try:
        with contextlib.ExitStack() as stack:
            file: Any = stack.enter_context(open_named(path, MAX_UNPACKED))
            if file.peek(4).startswith(ZIP_MAGIC):
                file = stack.enter_context(_only_member(path, file))
            if file.peek(2).startswith(GZIP_MAGIC):  # which may have been zipped as well
                file = stack.enter_context(gzip.GzipFile(fileobj=file))
            yield file
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; check the name") from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder; expected a file") from error
    except EOFError as error:
        received = "one that ends too early"
        raise unexpected(path, "a whole gzip file", received, COPY_AGAIN) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise unexpected(path, "an undamaged gzip file", str(error), COPY_AGAIN) from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check the file") from error


@contextlib.contextmanager
def _only_member(path: Path, file: Any) -> Iterator[Any]:
    """Open the one file in a zip archive, the open `file`, which is to be read to its end."""
    try:
        with open_zip(file, MAX_UNPACKED) as archive:
            member = _only_info(archive)
            with archive.open(member) as file:
                yield file
                if file.tell() != member.file_size:
                    raise ValueError(f"it unpacks to another size than {member.file_size} bytes")
    except ValueError as error:
        expected = "a whole zip archive of one file"
        raise unexpected(path, expected, f"another ({error})", COPY_AGAIN) from error


def _only_info(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    files = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    if len(files) != 1:
        raise ValueError(f"it holds {len(files)} files")
    return files[0]


def name_in_zip(path: Path) -> str | None:
    """The name, without folders, of the one file in a zip archive; None if it is no such thing."""
    try:
        with open_own(path) as file, open_zip(file, MAX_UNPACKED) as archive:
            return PurePosixPath(_only_info(archive).filename).name
    except (ValueError, OSError):
        return None


@contextlib.contextmanager
def open_zip(file: Any, limit: int) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive of at most `limit` bytes, packed and unpacked, given the open `file`.

    Raises `ValueError` that says what is wrong with it, also while its members are being read, and
    `OSError` if the disk refuses.
    """
    try:
        with seekable(file, limit) as whole, _LimitedFile(whole.fileno(), closefd=False) as limited:
            if limited.seek(0, os.SEEK_END) > limit:
                raise ValueError(f"it is larger than {limit // 2**20} MiB")
            with zipfile.ZipFile(limited) as archive:
                limited.longest = limit  # the list of members is read
                members = archive.infolist()
                if sum(member.file_size for member in members) > limit:
                    raise ValueError(f"it unpacks to more than {limit // 2**20} MiB")
                # Others unpack without a limit, whatever the member's size is said to be.
                known = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
                if {member.compress_type for member in members} - known:
                    raise ValueError("it is packed in another way than deflate")
                yield archive
    # zipfile has many ways to say that the bytes are not its own.
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, RuntimeError, OverflowError,
            struct.error, zlib.error) as error:  # fmt: skip
        raise ValueError(str(error) or type(error).__name__) from error


class _LimitedFile(io.FileIO):
    """A file that refuses to be read in pieces longer than `longest` bytes.

    For zipfile reads the list of members at once, and makes of it ten times its size.
    """

    longest = MAX_DIRECTORY

    def read(self, size: int | None = -1) -> Any:
        """As of any file."""
        if size is not None and size > self.longest:
            raise ValueError(f"a part of {size:,} bytes, expected at most {self.longest:,}")
        return super().read(size)
