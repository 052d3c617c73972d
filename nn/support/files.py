"""Opening files, writing them whole or not at all, and where the user's own files are."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
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
# Opening a pipe would wait for somebody at its other end; Windows would change line ends.
FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


def open_own(path: Path, most: int | None = None, append: bool = False) -> Any:
    """Open one of the program's own files: a regular file, of at most `most` bytes.

    Nothing is waited for, whatever stands there. It is open for reading, or, with `append`, for
    reading and adding at the end, unbuffered, and made if need be. Raises `OSError`.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND if append else os.O_RDONLY
    descriptor = os.open(path, flags | FLAGS, 0o666)
    try:
        state = os.fstat(descriptor)
        _check_regular(path, state)
        if most is not None and state.st_size > most:
            raise _too_large(path, most)
        return open(descriptor, "ab+" if append else "rb", 0 if append else -1)
    except BaseException:
        os.close(descriptor)
        raise


def open_named(path: Path, most: int) -> Any:
    """Open a file that the user names, for reading: also a pipe such as <(…), or /dev/stdin.

    A pipe is waited for, as any command does; how much comes is for the reader to bound. Raises
    `OSError`, also if it is a file of more than `most` bytes.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 - the caller closes it
    except ValueError:  # half a character, or a zero byte, which no file's name has
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None
    state = os.fstat(file.fileno())
    if stat.S_ISREG(state.st_mode) and state.st_size > most:
        file.close()
        raise _too_large(path, most)
    return file


@contextlib.contextmanager
def seekable(file: Any, most: int) -> Iterator[Any]:
    """The open `file`, or, of one that cannot be sought in, a copy of at most `most` bytes.

    Raises `OSError` where more comes.
    """
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        while piece := file.read(1 << 20):
            copy.write(piece)
            if copy.tell() > most:
                raise _too_large(file.name, most)
        copy.seek(0)
        yield copy


def _check_regular(path: Path, state: os.stat_result) -> None:
    """Raise `OSError` unless this is what a regular file's state looks like."""
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(state.st_mode):
        kind = "a pipe" if stat.S_ISFIFO(state.st_mode) else "a device"
        raise OSError(errno.EINVAL, f"it is {kind}, expected a file", str(path))


def _too_large(path: Path | str, most: int) -> OSError:
    return OSError(errno.EFBIG, f"it is larger than {most >> 20} MiB", str(path))


def write_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file that the user names: a device, a pipe or standard output is written into.

    Any other is replaced by `write_atomically`. Raises `OSError`.
    """
    through = _descriptor(path)
    if through is None:
        return write_atomically(path, write)
    with contextlib.suppress(OSError, ValueError):  # what was printed before comes first
        sys.stdout.flush()
    with open(through, "wb") as file:
        write(file)
    return None


def _descriptor(path: Path) -> int | None:
    """A descriptor to write into where `path` is no file that can be replaced, else None."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(state.st_mode):
        return None
    if not stat.S_ISREG(state.st_mode):
        return os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))
    for stream in (1, 2):  # /dev/stdout, say, where it goes to a file
        with contextlib.suppress(OSError):
            if os.path.samestat(state, os.fstat(stream)):
                return os.dup(stream)
    return None


def write_atomically(path: Path, write: Callable[[BinaryIO], object], replace: bool = True) -> None:
    """Create or replace `path` with what `write(file)` writes into the open binary file.

    The content goes to a temporary file in the same folder (a rename is atomic only within one
    file system), is forced to the disk, and then takes the name. If anything fails, `path` is as it
    was and the error is passed on (`OSError` if the disk refuses, or if it is no regular file).
    Missing folders are made. A link stays a link, and a file keeps its mode and its owner.

    Without `replace` a file that is there already stays and raises `FileExistsError`. What killed
    processes have left here is removed.
    """
    path = _followed(Path(path)) if replace else Path(path)
    before: os.stat_result | None = None
    if replace:
        with contextlib.suppress(FileNotFoundError):
            before = path.stat()
            _check_regular(path, before)
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
            _take_mode(temporary, before)
            if fcntl is not None:  # while it is still locked
                _take_name(temporary, path, replace)
        if fcntl is None:  # Windows renames no file that is open
            _take_name(temporary, path, replace)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def append_lines(path: Path, lines: bytes) -> None:
    """Add whole lines, forced to the disk, to one of the program's own files, or none of them.

    A line that a crash cut short stays a line of its own. Raises `OSError`.
    """
    new = not path.exists()
    with open_own(path, append=True) as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                lines = b"\n" + lines
        try:
            _write_all(file, lines)
            os.fsync(file.fileno())
        except OSError:
            # A full disk: take back what of the lines found room.
            with contextlib.suppress(OSError):
                os.ftruncate(file.fileno(), size)
            raise
    if new:
        sync_folder(path.parent)


def _write_all(file: Any, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files in `folder` of processes that were killed while they wrote.

    A living process holds a lock on its own until it has its name, on whatever machine it runs;
    where there are no such locks (Windows, some network file systems), nothing is removed.
    """
    if fcntl is None:
        return
    with contextlib.suppress(OSError):
        for part in folder.glob(f"{TEMPORARY}*.part"):
            with contextlib.suppress(OSError), open_own(part) as file:
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


def _followed(path: Path) -> Path:
    """What a link leads to; any other path as it is."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _take_mode(temporary: Path, before: os.stat_result | None) -> None:
    """Give a file the mode and the owner of the one that it replaces."""
    if before is None:  # mkstemp makes it readable by its owner alone; a new one follows the umask
        return temporary.chmod(0o666 & ~current_umask())
    own = temporary.stat()
    if hasattr(os, "chown") and (own.st_uid, own.st_gid) != (before.st_uid, before.st_gid):
        with contextlib.suppress(OSError):  # only root may give files away
            os.chown(temporary, before.st_uid, before.st_gid)
    return temporary.chmod(stat.S_IMODE(before.st_mode))


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
    """`write_file` where the user has named the file with `option`: it is the remedy.

    Raises `UsageError` if the disk refuses.
    """
    try:
        write_file(path, write)
    except OSError as error:
        raise _cannot_write(path, error, option) from None


def check_writable(path: Path, option: str) -> None:
    """Raise `UsageError` if no file can be made at `path`, before work is done that would be lost.

    `option` is the command-line option to name as the remedy. Missing folders are not made yet.
    """
    try:
        if is_stream(path):
            if os.access(path, os.W_OK):
                return
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        file = _followed(path)
        folder = file.parent
        missing = [file]
        while folder != folder.parent and not os.path.lexists(folder):
            missing.append(folder)
            folder = folder.parent
        # A name itself may be impossible: too long, for instance.
        for part in missing:
            with contextlib.suppress(FileNotFoundError):
                (folder / part.name).lstat()
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:  # ValueError: a name with a zero character
        raise _cannot_write(path, error, option) from None


def is_stream(path: Path) -> bool:
    """Whether a device or a pipe stands there, to be written into and not to be replaced."""
    return path.exists() and not (path.is_file() or path.is_dir())


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
