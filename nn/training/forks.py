"""Forked copies of this process that do the same work side by side.

Threads take turns in holding Python's lock; where work is made of many short calls of NumPy, they
spend a third of their time waiting for it. A copy of the process has a lock of its own. It sees
what is written into `shared` arrays, and nothing else that changes.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import multiprocessing
import signal
import sys
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nn.support.errors import TrainingError
from nn.support.types import Array

PATIENCE = 10.0  # seconds that a copy has to end

Work = Callable[..., Any]
Outcome = tuple[Any, Exception | None]  # what it returned, or what it raised


def can_fork() -> bool:
    """Whether this process may have forked copies: on Linux, unless it is a daemon itself."""
    # Elsewhere a copy of a process may not work, or not be had.
    return sys.platform == "linux" and not multiprocessing.current_process().daemon


def shared(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Zeros that this process and copies made after it read and write."""
    size = math.prod(shape)
    memory = mmap.mmap(-1, max(size * np.dtype(dtype).itemsize, 1))
    return np.frombuffer(memory, dtype, size).reshape(shape)


class Forks:
    """`count` processes that do `work(number, …)`: this one, number 0, and copies of it.

    The copies end with this process, however it ends, and do not hear Ctrl-C.
    """

    def __init__(self, work: Work, count: int) -> None:
        self._work = work
        self._copies: list[tuple[BaseProcess, Connection]] = []
        context = multiprocessing.get_context("fork")
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the copies keep it so
        try:
            for number in range(1, count):
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=_serve, args=(work, number, ours, theirs), daemon=True
                )
                with warnings.catch_warnings():
                    # Of threads that may hold a lock as they are copied; BLAS's and tqdm's do not.
                    warnings.simplefilter("ignore", DeprecationWarning)
                    process.start()
                theirs.close()
                self._copies.append((process, ours))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def run(self, *arguments: object) -> list[Any]:
        """What `work(number, *arguments)` returns in each; raises what it raises in one of them."""
        for _, connection in self._copies:
            with contextlib.suppress(ConnectionError):  # it has ended, which `_answer` finds
                connection.send(arguments)
        outcomes = [_outcome(self._work, 0, arguments)]
        # All answers are taken, or one left by an error would be taken for the next batch's.
        outcomes += [_answer(process, connection) for process, connection in self._copies]
        for _, error in outcomes:
            if error:
                raise error
        return [result for result, _ in outcomes]

    def end(self) -> None:
        """End the copies."""
        for _, connection in self._copies:  # first: a copy has those of the copies before it too
            connection.close()
        for process, _ in self._copies:
            process.join(PATIENCE)
            process.kill()
            process.join()
        self._copies = []


def _outcome(work: Work, number: int, arguments: tuple[object, ...]) -> Outcome:
    try:
        return work(number, *arguments), None
    except Exception as error:
        return None, error


def _answer(process: BaseProcess, connection: Connection) -> Outcome:
    """The outcome of the part of the work that a copy has done."""
    try:
        return connection.recv()
    except (EOFError, ConnectionError):
        process.join()
        return None, TrainingError(
            f"a process that trained ended with status {process.exitcode}: expected it to go on; "
            "is there enough memory? --threads 1 needs less"
        )


def _serve(work: Work, number: int, ours: Connection, theirs: Connection) -> None:
    """Do the parts of the work with this number, until the other end of the pipe is closed."""
    ours.close()  # or the end of the process it belongs to would not be noticed
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            theirs.send(_outcome(work, number, theirs.recv()))
