"""What belongs to one user: the digits they corrected, and the network tuned to their hand.

A profile is a folder:

    digits.jsonl            the user's digits, one a line, as `app.drawing.strokes` reads them
    digits.jsonl.rejected   lines that could not be understood, set aside as they were
    MODEL.npz               the network MODEL tuned to these digits (`nn.training.finetuning`)
    MODEL.settled           the digits that MODEL need not learn: it was refused, or forgotten
    challenges.json         which challenges are solved (`app.session.challenges`)
    lock                    held for the moment of a change, so that two windows do not collide

A digit, or a line that is set aside, is appended and forced to the disk before anything is said of
it. Whatever else is written replaces its file at once. So a crash at any moment leaves every digit
there was, and at most one broken line at the end, which is set aside when it is read next.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.drawing.canvas import Point
from app.drawing.strokes import MAX_LINE, MAX_POINTS, RecordedDigit, parse_digit
from app.my_digits.lock import try_lock, unlock
from nn.handwriting.framing import Stroke, visible_lines
from nn.support.errors import DataError, DigitpadError, UsageError
from nn.support.files import (
    append_lines,
    open_own,
    sync_folder,
    user_folder,
    write_atomically,
)

DIGITS_FILE = "digits.jsonl"
DEFAULT_PROFILE = "default"
NAME = re.compile(r"[^\W_][\w .-]{0,62}[\w-]|[^\W_]")  # a letter or number first, no dot at the end
MAX_FILE = 8 << 20  # bytes: eight thousand digits; read, they take eighteen times as much
MAX_LINES = 100_000  # each takes some hundred bytes of memory, however short it is
LOCK_SECONDS = 2.0  # another window holds the lock for a few milliseconds


class ProfileError(DigitpadError):
    """The profile's folder cannot be read or written; what was there is still there."""


@dataclass(frozen=True)
class OwnDigit:
    """A digit of the user's; `key` tells it from all others, in every window."""

    key: str
    digit: RecordedDigit
    line: bytes  # as it stands in the file, without the end of line


@dataclass(frozen=True)
class Digits:
    """What a profile's file held: the good digits in order, and a line on each bad one."""

    digits: tuple[OwnDigit, ...]
    notices: tuple[str, ...] = ()


class Profile:
    """One user's folder. All calls go to the disk; only what a line means is remembered.

    Every call may raise `ProfileError`, of one line.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.patience = LOCK_SECONDS
        self.path = folder / DIGITS_FILE
        self.rejected_path = folder / f"{DIGITS_FILE}.rejected"
        self._known: dict[bytes, tuple[str, RecordedDigit]] = {}

    def tuned_path(self, model: str) -> Path:
        """Where the network `model`, tuned to this user, is kept."""
        return self.folder / f"{model}.npz"

    def load(self) -> Digits:
        """All digits. Bad lines are set aside in the `.rejected` file and named in the notices.

        Where the folder cannot be written, the bad lines stay where they are and are named all
        the same. No file is no digits.
        """
        digits, bad = self._parsed()
        if not bad:
            return Digits(digits)
        try:
            with self._locked():
                # Again, under the lock: another window may have added to the file, or mended it.
                digits, bad = self._parsed()
                self._rewrite(digits, bad)
        except ProfileError as error:
            notices = [f"{reason}; left where it is ({error})" for _, reason in bad]
        else:
            notices = [f"{reason}; set aside in {self.rejected_path.name}" for _, reason in bad]
        return Digits(digits, tuple(notices))

    def add(self, label: int, strokes: Sequence[Sequence[Point]]) -> OwnDigit:
        """Append a digit, forced to the disk; strokes in any unit, as of `visible_strokes`."""
        if not 0 <= label <= 9 or not strokes or not all(strokes):
            raise ValueError("expected a label 0…9 and at least one stroke of at least one point")
        key = uuid.uuid4().hex
        record = {
            "label": label,
            "strokes": [[[round(x, 3), round(y, 3)] for x, y in stroke] for stroke in strokes],
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "key": key,
        }
        line = json.dumps(record, allow_nan=False, separators=(",", ":")).encode()
        try:
            if len(line) >= MAX_LINE:
                raise DataError(f"expected at most {MAX_LINE:,} bytes, received {len(line):,}")
            digit = parse_digit(line, "its line")
        except DataError as error:
            raise ProfileError(
                f"the drawing is too long to keep: {error}; draw it with fewer strokes"
            ) from None
        with self._locked():
            self._append(self.path, line + b"\n")
        return OwnDigit(key, digit, line)

    def remove(self, key: str) -> bool:
        """Take a digit out of the file; returns whether it was still there."""
        return self._change(key, lambda own: None)

    def relabel(self, key: str, label: int) -> bool:
        """Say that a digit means another; returns whether it was still there."""
        if not 0 <= label <= 9:
            raise ValueError(f"expected a label 0…9, received {label}")

        def changed(own: OwnDigit) -> OwnDigit:
            record = json.loads(own.line.decode("utf-8-sig"), parse_float=_float_or_text)
            record |= {"label": label, "key": own.key}
            line = json.dumps(record, allow_nan=False, separators=(",", ":")).encode()
            if len(line) > MAX_LINE:  # letters that were written as they are take more room so
                raise ProfileError(
                    f"the digit's line in {self.path} is too long to be changed: expected at most "
                    f"{MAX_LINE:,} bytes, received {len(line):,}; delete it and draw it again"
                )
            return OwnDigit(own.key, replace(own.digit, label=label), line)

        return self._change(key, changed)

    def put(self, own: OwnDigit, place: int) -> bool:
        """Put a digit back as it was, at `place` if it was removed; returns whether it was."""
        with self._locked():
            digits, bad = self._parsed()
            changed = [own if each.key == own.key else each for each in digits]
            was_removed = own not in changed
            if was_removed:
                changed.insert(place, own)
            self._rewrite(changed, bad)
        return was_removed

    def version(self) -> tuple[int, int, int] | None:
        """Another value whenever the file may have changed, also by another window."""
        try:
            state = self.path.stat()
        except OSError:
            return None
        return state.st_ino, state.st_size, state.st_mtime_ns

    def forget_tuned(self, model: str) -> bool:
        """Remove the tuned network, so that the shipped one reads; the digits stay."""
        path = self.tuned_path(model)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _cannot("remove", path, error) from None
        sync_folder(self.folder)
        return True

    def settle(self, model: str, digits: str) -> None:
        """Remember that these digits, by their digest, need not be learned any more."""
        self._write(self.folder / f"{model}.settled", digits.encode())

    def settled(self, model: str) -> str:
        """What `settle` was last told; "" where that was nothing."""
        path = self.folder / f"{model}.settled"
        try:
            with open_own(path, 1000) as file:
                return str(file.read(1000), "ascii")
        except (OSError, ValueError):
            return ""

    def _change(self, key: str, change: Callable[[OwnDigit], OwnDigit | None]) -> bool:
        with self._locked():
            digits, bad = self._parsed()
            if all(own.key != key for own in digits):
                return False
            changed = [change(own) if own.key == key else own for own in digits]
            self._rewrite([own for own in changed if own is not None], bad)
        return True

    def _parsed(self) -> tuple[tuple[OwnDigit, ...], list[tuple[bytes, str]]]:
        """The file's good lines as digits, and its bad ones, each with what is wrong with it."""
        known = self._known
        digits, bad = _parse(self._read(), self.path, known)
        # Another dict, at once: the tuner's thread may be parsing too.
        self._known = {own.line: known[own.line] for own in digits}
        return digits, bad

    def _read(self) -> bytes:
        try:
            with open_own(self.path, MAX_FILE) as file:
                content: bytes = file.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise _cannot("read", self.path, error) from None
        if content.count(b"\n") > MAX_LINES:
            raise ProfileError(
                f"{self.path} has more than {MAX_LINES:,} lines; move it away to begin anew"
            )
        return content

    def _append(self, path: Path, data: bytes) -> None:
        """Add whole lines to a file, or leave it as it was; the lock is held."""
        try:
            append_lines(path, data)
        except OSError as error:
            raise _cannot("write", path, error) from None

    def _rewrite(self, digits: Sequence[OwnDigit], bad: Sequence[tuple[bytes, str]]) -> None:
        """Write the file with these digits; its bad lines are set aside before they leave it."""
        if bad:
            # Where the disk was full after that, they are there already.
            known = self._rejected()
            if new := [line for line, _ in bad if line not in known]:
                self._append(self.rejected_path, b"".join(line + b"\n" for line in new))
        self._write(self.path, b"".join(own.line + b"\n" for own in digits))

    def _rejected(self) -> set[bytes]:
        try:
            with open_own(self.rejected_path, MAX_FILE) as file:
                return set(file.read().split(b"\n"))
        except OSError:  # it is not there, or so large that what it holds does not matter
            return set()

    def _write(self, path: Path, content: bytes) -> None:
        """Replace a file at once."""
        try:
            write_atomically(path, lambda file: file.write(content))
        except OSError as error:
            raise _cannot("write", path, error) from None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the profile's lock; the system lets go of it when a process dies."""
        path = self.folder / "lock"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = open_own(path, append=True)
        except OSError as error:
            raise _cannot("write", path, error) from None
        with file:
            deadline = time.monotonic() + self.patience
            while not try_lock(file):
                if time.monotonic() > deadline:
                    raise ProfileError(
                        f"another window holds {path} for more than {self.patience:g} seconds; "
                        "close it and try again"
                    )
                time.sleep(0.01)
            try:
                yield
            finally:
                unlock(file)


def open_profile(name: str = DEFAULT_PROFILE) -> Profile:
    """The profile of that name in the user's data folder; it need not exist yet.

    Raises `UsageError` for a name that cannot be a folder's, `DataError` where there is no home.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            "a profile's name has 1 to 64 letters, digits, spaces, points, - and _, begins with a "
            f"letter or digit and does not end with a point; received {name!r}"
        )
    return Profile(user_folder("data") / "profiles" / name)


def visible_strokes(strokes: Sequence[Stroke]) -> list[list[Point]]:
    """The strokes of a drawing as they can be kept: what was rubbed out or lies off is left out.

    Of the points of a fast mouse on a large screen only some are kept, which nobody can see.
    """
    lines = visible_lines(strokes)
    every = 1 + sum(map(len, lines)) // (MAX_POINTS // 2)
    return [[(float(x), float(y)) for x, y in (*line[:-1:every], line[-1])] for line in lines]


def _parse(
    content: bytes, path: Path, known: dict[bytes, tuple[str, RecordedDigit]]
) -> tuple[tuple[OwnDigit, ...], list[tuple[bytes, str]]]:
    """The good lines of a file as digits, and the bad ones, each with what is wrong with it.

    `known` are the keys and digits of lines that were understood before; new ones are added.
    """
    digits: list[OwnDigit] = []
    bad: list[tuple[bytes, str]] = []
    keys: dict[str, int] = {}  # how many copies there are of each
    for number, raw in enumerate(content.split(b"\n"), 1):
        line = raw.rstrip(b"\r")  # as Windows ends lines: no part of what the key is made of
        if not line.strip():
            continue
        if line not in known:
            place = f"{path.name}, line {number}"
            try:
                if len(line) > MAX_LINE:
                    raise DataError(f"{place} is longer than {MAX_LINE:,} bytes")
                digit = parse_digit(line, place)
            except DataError as error:
                bad.append((raw, str(error)))
                continue
            known[line] = _key_of(line), digit
        first, digit = known[line]
        key = first
        while key in keys:  # a line that was copied by hand
            keys[first] += 1
            key = f"{first}+{keys[first]}"
        keys[key] = 0
        digits.append(OwnDigit(key, digit, line))
    return tuple(digits), bad


def _key_of(line: bytes) -> str:
    """The line's own key; one made of its content where it was written without."""
    key: Any = json.loads(line.decode("utf-8-sig")).get("key")
    return key if isinstance(key, str) and key else hashlib.sha256(line).hexdigest()[:32]


def _float_or_text(text: str) -> float | str:
    """A number as it can be written again; 1e999 in a key that nobody reads is kept as a text."""
    return float(text) if math.isfinite(float(text)) else text


def _cannot(what: str, path: Path, error: OSError) -> ProfileError:
    return ProfileError(
        f"cannot {what} {path}: {error.strerror or error}; make room there, make the folder "
        "writable, move the file away, or name another profile with --profile"
    )
