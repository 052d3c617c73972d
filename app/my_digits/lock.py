"""Locks on files, which the system lets go of when a process dies."""

from __future__ import annotations

import contextlib
import os
from typing import Any

if os.name == "nt":  # pragma: no cover
    import msvcrt

    def try_lock(file: Any) -> bool:
        """Lock an open file for this process; returns whether nobody else holds it."""
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True

    def unlock(file: Any) -> None:
        """Let go of it."""
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]

else:
    import fcntl

    def try_lock(file: Any) -> bool:
        """Lock an open file for this process; returns whether nobody else holds it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # a file system without locks: better a small risk than no digit at all
        return True

    def unlock(file: Any) -> None:
        """Let go of it."""
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)
