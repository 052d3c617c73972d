"""Work that can be given up, such as a decoder's, which hears of nothing while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """What `work()` returns or raises; `TimeoutError` if that takes longer.

    It goes on then in a thread that nobody waits for, not even the end of the program.

    >>> within(5, lambda: 6 * 7)
    42
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def perform() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=perform, name="work with a deadline", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no thread to be had: better late than never
        return work()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]
