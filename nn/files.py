"""Writing files so that a reader finds the old content or the new one, never a part of it."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from nn.errors import UsageError


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Create or replace `path` with what `write(file)` writes into the open binary file.

    The content goes to a temporary file in the same folder (a rename is atomic only within one
    file system), is forced to the disk, and then takes the name. If anything fails the temporary
    file is removed, `path` is as it was, and the error is passed on (`OSError` for a disk that is
    full or a folder that cannot be written). Missing parent folders are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(
        prefix=f".{path.name}.", suffix=".part", dir=path.parent
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes the file readable by its owner alone; a new file follows the umask.
        Path(temporary).chmod(0o666 & ~current_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def check_writable(path: Path, option: str) -> None:
    """Raise `UsageError` if no file can be made at `path`, before work is done that would be lost.

    `option` is the command-line option to name as the remedy.
    """
    folder = path.parent
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror or error}; choose another place with {option}"
        ) from None


def sync_folder(folder: Path) -> None:
    """Force a rename in `folder` to the disk; where folders cannot be opened (Windows), nothing."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # Some network file systems refuse it; the file itself is already safe.
    finally:
        os.close(descriptor)


def current_umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
