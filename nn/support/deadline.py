"""Work that can be waited for, looked at later, or given up, such as a decoder's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")
PATIENCE = 0.02  # seconds that the window waits for what usually takes less


class Task(Generic[Result]):
    """Some work in a thread that nobody waits for, not even the end of the program."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._results: list[Result] = []
        self._errors: list[BaseException] = []
        self._work = work
        self._done = threading.Event()
        try:
            threading.Thread(target=self._perform, name="task", daemon=True).start()
        except RuntimeError:  # no thread to be had: better late than never
            self._perform()

    def _perform(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:
            self._errors.append(error)
        self._done.set()

    def is_done(self, patience: float | None = None) -> bool:
        """Whether it is, within so many seconds; by default the `PATIENCE` of the window."""
        return self._done.wait(PATIENCE if patience is None else patience)

    def result(self) -> Result:
        """What the work returned, or the error that it raised; it is waited for."""
        self._done.wait()
        if self._errors:
            raise self._errors[0]
        return self._results[0]


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """What `work()` returns or raises; `TimeoutError` if that takes longer.

    >>> within(5, lambda: 6 * 7)
    42
    """
    task = Task(work)
    if not task.is_done(seconds):
        raise TimeoutError
    return task.result()
