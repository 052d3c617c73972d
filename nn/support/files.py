"""Writing files whole or not at all, and where the user's own files are."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Literal

from nn.support.errors import DataError, UsageError

fcntl: Any
try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None

_UMASK = threading.Lock()
TEMPORARY = ".digitpad-"  # how the names of temporary files begin, so that they are surely ours


def write_atomically(path: Path, write: Callable[[BinaryIO], object], replace: bool = True) -> None:
    """Create or replace `path` with what `write(file)` writes into the open binary file.

    The content goes to a temporary file in the same folder (a rename is atomic only within one
    file system), is forced to the disk, and then takes the name. If anything fails, `path` is as it
    was and the error is passed on (`OSError` if the disk refuses). Missing folders are made.

    Without `replace` a file that is there already stays and raises `FileExistsError`. What killed
    processes have left here is removed.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:  # which is only to mean that `path` is there
        raise NotADirectoryError(
            errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path.parent)
        ) from None
    remove_abandoned(path.parent)
    descriptor, temporary = _temporary_file(path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
            # mkstemp makes the file readable by its owner alone; a new file follows the umask.
            temporary.chmod(0o666 & ~current_umask())
            if fcntl is not None:  # while it is still locked
                _take_name(temporary, path, replace)
        if fcntl is None:  # Windows renames no file that is open
            _take_name(temporary, path, replace)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files in `folder` of processes that were killed while they wrote.

    A living process holds a lock on its own until it has its name, on whatever machine it runs;
    where there are no such locks (Windows, some network file systems), nothing is removed.
    """
    if fcntl is None:
        return
    with contextlib.suppress(OSError):
        for part in folder.glob(f"{TEMPORARY}*.part"):
            with contextlib.suppress(OSError), open(part, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()


def _temporary_file(folder: Path) -> tuple[int, Path]:
    """A new file in the folder, open for writing, and locked where that can be done."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=TEMPORARY, suffix=".part", dir=folder)
        if fcntl is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Between its making and its locking another process may have taken it for abandoned.
        if fcntl is None or os.fstat(descriptor).st_nlink:
            return descriptor, Path(name)
        os.close(descriptor)


def _take_name(temporary: Path, path: Path, replace: bool) -> None:
    if replace:
        temporary.replace(path)
    elif os.name == "nt":  # pragma: no cover - where a rename never replaces
        temporary.rename(path)
    else:
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links, such as a memory card's
            if path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from None
            temporary.replace(path)
        else:
            temporary.unlink()


def write_for_option(path: Path, write: Callable[[BinaryIO], object], option: str) -> None:
    """`write_atomically` where the user has named the file with `option`: it is the remedy.

    Raises `UsageError` if the disk refuses.
    """
    try:
        write_atomically(path, write)
    except OSError as error:
        raise _cannot_write(path, error, option) from None


def check_writable(path: Path, option: str) -> None:
    """Raise `UsageError` if no file can be made at `path`, before work is done that would be lost.

    `option` is the command-line option to name as the remedy. Missing folders are not made yet.
    """
    folder = path.parent
    missing = [path]
    while folder != folder.parent and not os.path.lexists(folder):
        missing.append(folder)
        folder = folder.parent
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # A name itself may be impossible: too long, for instance.
        for part in missing:
            with contextlib.suppress(FileNotFoundError):
                (folder / part.name).lstat()
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:  # ValueError: a name with a zero character
        raise _cannot_write(path, error, option) from None


def _cannot_write(path: Path, error: OSError | ValueError, option: str) -> UsageError:
    reason = getattr(error, "strerror", None) or error
    return UsageError(f"cannot write {path}: {reason}; choose another place with {option}")


def user_folder(kind: Literal["cache", "data", "pictures"]) -> Path:
    """The user's folder for the program's cache, for its data, or for pictures.

    It need not exist. Raises `DataError` if the user has no home, as in some containers.
    """
    import platformdirs  # only now: the first frame does not need it

    try:
        if kind == "cache":
            folder = platformdirs.user_cache_path("digitpad")
        elif kind == "data":
            folder = platformdirs.user_data_path("digitpad", appauthor=False)
        else:
            folder = platformdirs.user_pictures_path()
    except RuntimeError:  # as newer versions say it; older ones leave a "~" as it is
        folder = Path()
    if not folder.is_absolute():
        raise DataError(
            f"no home folder is known to keep the user's {kind} in; set the environment variable "
            "HOME to a folder"
        )
    return folder


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
    with _UMASK:  # two threads' settings in turn could leave 077 for good
        mask = os.umask(0o077)
        os.umask(mask)
    return mask
